/* Signed transactions as rows: what makes a retry answer the first result, and what replay executes again. */
#include <stdlib.h>

#include "kernel/internal.h"

bool transaction_find(struct database *database, const struct hash *id, struct stored_transaction *found)
{
    struct statement *s =
        statement(database, "SELECT number, block, result, first_seq, last_seq FROM signed_transaction"
                            " WHERE id = ?");

    bind_blob(s, id->bytes, sizeof(id->bytes));
    if (!statement_row(s))
        return false;
    found->number = (uint64_t)column_integer(s, "number");
    found->block = (uint64_t)column_integer(s, "block");
    found->first_seq = (uint64_t)column_integer(s, "first_seq");
    found->last_seq = (uint64_t)column_integer(s, "last_seq");
    found->result = text_copy(column_text(s, "result"));
    statement_finish(s);
    return true;
}

void stored_transaction_close(struct stored_transaction *found)
{
    free(found->result);
    found->result = NULL;
}

void transaction_insert(struct database *database, const struct job *job, uint64_t block, struct bytes result,
                        uint64_t first_seq, uint64_t next_seq)
{
    struct statement *s = statement(
        database,
        "INSERT INTO signed_transaction (id, block, account, method, body, signature, result, first_seq,"
        " last_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_blob(s, job->id.bytes, sizeof(job->id.bytes));
    bind_integer(s, (int64_t)block);
    bind_blob(s, job->account.bytes, sizeof(job->account.bytes));
    bind_text(s, job->method);
    bind_text_sized(s, (const char *)job->canonical.data, job->canonical.size);
    bind_blob(s, job->signature.bytes, sizeof(job->signature.bytes));
    bind_text_sized(s, (const char *)result.data, result.size);
    bind_integer(s, (int64_t)first_seq);
    bind_integer(s, (int64_t)next_seq - 1);
    statement_run(s);
}
