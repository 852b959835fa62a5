/* Runs every test of the store but those of the failing disk and of the sqlite3 extension. */
#include "test_store.h"

int main(void)
{
    int failed = 0;

    failed += _cmocka_run_group_tests("database", database_tests, database_tests_count, NULL, NULL);
    failed += _cmocka_run_group_tests("event log", event_log_tests, event_log_tests_count, NULL, NULL);
    failed += _cmocka_run_group_tests("log tree", log_tree_tests, log_tree_tests_count, NULL, NULL);
    failed += _cmocka_run_group_tests("tree worker", tree_worker_tests, tree_worker_tests_count, NULL, NULL);
    failed += _cmocka_run_group_tests("migration", migration_tests, migration_tests_count, NULL, NULL);
    failed += _cmocka_run_group_tests("cursor", cursor_tests, cursor_tests_count, NULL, NULL);
    failed += _cmocka_run_group_tests("backup", backup_tests, backup_tests_count, NULL, NULL);
    return failed;
}
