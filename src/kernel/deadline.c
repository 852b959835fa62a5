/* Deadlines: see deadline.h, and execution.h for what handlers call. */
#include "kernel/deadline.h"

#include <string.h>

#include "kernel/machine.h"

static void delete_row(struct database *database, int64_t id)
{
    struct statement *s = statement(database, "DELETE FROM deadline WHERE id = ?");

    bind_integer(s, id);
    statement_run(s);
}

bool deadline_take_due(struct database *database, enum deadline_clock clock, int64_t now_us,
                       struct deadline_row *due)
{
    struct statement *s =
        statement(database, "SELECT id, kind, subject FROM deadline WHERE clock = ? AND due_us <= ?"
                            " ORDER BY due_us, id LIMIT 1");
    struct bytes subject;
    int64_t id;

    bind_integer(s, clock);
    bind_integer(s, now_us);
    if (!statement_row(s))
        return false;
    id = column_integer(s, "id");
    snprintf(due->kind, sizeof(due->kind), "%s", column_text(s, "kind"));
    subject = column_blob(s, "subject");
    due->subject_size = subject.size;
    memcpy(due->subject, subject.data, subject.size);
    statement_finish(s);
    delete_row(database, id);
    return true;
}

int64_t deadline_earliest(struct database *database, enum deadline_clock clock)
{
    struct statement *s =
        statement(database, "SELECT due_us FROM deadline WHERE clock = ? ORDER BY due_us, id LIMIT 1");
    int64_t due_us = INT64_MAX;

    bind_integer(s, clock);
    if (statement_row(s)) {
        due_us = column_integer(s, "due_us");
        statement_finish(s);
    }
    return due_us;
}

void deadline_clear(struct execution *x, const char *kind, struct bytes subject)
{
    struct statement *s =
        statement(x->machine->database, "DELETE FROM deadline WHERE kind = ? AND subject = ?");

    x->machine->deadlines_changed = true;
    bind_text(s, kind);
    bind_blob(s, subject.data, subject.size);
    statement_run(s);
}

void deadline_set(struct execution *x, enum deadline_clock clock, int64_t due_us, const char *kind,
                  struct bytes subject)
{
    struct statement *s;

    INVARIANT(x->scope == SCOPE_BASE, "deadline '%s' set outside the base ledger", kind);
    INVARIANT(registry_deadline(x->machine->registry, kind) != NULL, "no module declares the deadline '%s'",
              kind);
    INVARIANT(subject.size >= 1 && subject.size <= DEADLINE_SUBJECT_MAX, "a deadline's subject of %zu bytes",
              subject.size);
    deadline_clear(x, kind, subject);
    s = statement(x->machine->database,
                  "INSERT INTO deadline (clock, due_us, kind, subject) VALUES (?, ?, ?, ?)");
    bind_integer(s, clock);
    bind_integer(s, due_us);
    bind_text(s, kind);
    bind_blob(s, subject.data, subject.size);
    statement_run(s);
}
