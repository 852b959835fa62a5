/* The audit: see audit.h. */
#include "kernel/audit.h"

#include <stdio.h>

#include "kernel/kernel.h"

static bool node_stops(const void *context)
{
    return kernel_stopping(context);
}

static void check_sql(struct query *q, const struct invariant *invariant, char *violation, size_t size)
{
    sqlite3 *db = database_handle(q->database);
    sqlite3_stmt *prepared = NULL;
    int code = sqlite3_prepare_v2(db, invariant->sql, -1, &prepared, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(prepared);
    if (code == SQLITE_ROW)
        snprintf(violation, size, "%s", (const char *)sqlite3_column_text(prepared, 0));
    else if (code != SQLITE_DONE)
        snprintf(violation, size, "it could not be checked: %s", sqlite3_errmsg(db));
    sqlite3_finalize(prepared);
}

/* False: it was interrupted, and `violation` says nothing. */
static bool check(struct query *q, const struct invariant *invariant, char *violation, size_t size)
{
    bool stopped;

    database_snapshot_begin(q->database);
    database_set_stopping(q->database, node_stops, q->kernel);
    if (invariant->sql != NULL)
        check_sql(q, invariant, violation, size);
    else if (invariant->check(q, violation, size) != OK && violation[0] == '\0')
        snprintf(violation, size, "it could not be checked: %.200s", q->error.message);
    stopped = database_stopped(q->database);
    database_set_stopping(q->database, NULL, NULL);
    database_snapshot_end(q->database);
    return !stopped;
}

bool audit_run(const struct registry *registry, struct query *q,
               void (*each)(void *context, const struct invariant *invariant, const char *violation),
               void *context)
{
    bool all = true;

    for (size_t i = 0; i < registry_module_count(registry); i++) {
        const struct module *module = registry_module(registry, i);

        for (size_t j = 0; j < module->invariant_count; j++) {
            char violation[VIOLATION_MAX] = "";

            if (!check(q, &module->invariants[j], violation, sizeof(violation)))
                return false;
            all = all && violation[0] == '\0';
            each(context, &module->invariants[j], violation[0] == '\0' ? NULL : violation);
        }
    }
    return all;
}
