/* The groups of the store's tests, one a file; test_store.c runs them. */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include "store_support.h"

extern const struct CMUnitTest database_tests[], event_log_tests[], log_tree_tests[], migration_tests[],
    cursor_tests[], backup_tests[], tree_worker_tests[];
extern const size_t database_tests_count, event_log_tests_count, log_tree_tests_count, migration_tests_count,
    cursor_tests_count, backup_tests_count, tree_worker_tests_count;

#endif
