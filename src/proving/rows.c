/* The tables of proofs: see rows.h. */
#include "proving/rows.h"

#include <inttypes.h>

/* --- verification_key --------------------------------------------------------------------------- */
void row_key_insert(struct database *database, const struct verification_key *key, uint64_t height,
                    uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO verification_key (owner, hash, system, title, key, public_inputs, added_height,"
        " added_seq) VALUES (?, ?, 'groth16', ?, ?, ?, ?, ?)");

    bind_blob(s, key->owner.bytes, sizeof(key->owner.bytes));
    bind_blob(s, key->hash.bytes, sizeof(key->hash.bytes));
    bind_text(s, key->title);
    bind_blob(s, key->key.data, key->key.size);
    bind_integer(s, (int64_t)key->public_inputs);
    bind_integer(s, (int64_t)height);
    bind_integer(s, (int64_t)seq);
    statement_run(s);
}

bool row_key_find(struct database *database, const struct account_id *owner, const struct hash *hash,
                  bool *retired)
{
    struct statement *s = statement(database,
        "SELECT retired_height IS NOT NULL AS retired FROM verification_key WHERE owner = ? AND hash = ?");

    bind_blob(s, owner->bytes, sizeof(owner->bytes));
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
    if (!statement_row(s))
        return false;
    *retired = column_integer(s, "retired") != 0;
    statement_finish(s);
    return true;
}

void row_key_retire(struct database *database, const struct account_id *owner, const struct hash *hash,
                    uint64_t height)
{
    struct statement *s = statement(database,
        "UPDATE verification_key SET retired_height = ?"
        " WHERE owner = ? AND hash = ? AND retired_height IS NULL");

    bind_integer(s, (int64_t)height);
    bind_blob(s, owner->bytes, sizeof(owner->bytes));
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
    INVARIANT(statement_run(s) == 1, "a verification key that is not in force");
}

uint64_t row_key_count(struct database *database, const struct account_id *owner)
{
    struct statement *s =
        statement(database, "SELECT count(*) AS keys FROM verification_key WHERE owner = ?");
    uint64_t keys;

    bind_blob(s, owner->bytes, sizeof(owner->bytes));
    INVARIANT(statement_row(s), "an aggregate has one row");
    keys = (uint64_t)column_integer(s, "keys");
    statement_finish(s);
    return keys;
}

/* --- verified_proof ----------------------------------------------------------------------------- */
bool row_proof_exists(struct database *database, const struct hash *id)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM verified_proof WHERE id = ?");

    bind_blob(s, id->bytes, sizeof(id->bytes));
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

void row_proof_insert(struct database *database, const struct verified_proof *proof, uint64_t height,
                      uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO verified_proof (id, claim, content, system, account, purpose, bound, key, listed_by,"
        " image, height, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_blob(s, proof->id.bytes, sizeof(proof->id.bytes));
    bind_blob(s, proof->claim.bytes, sizeof(proof->claim.bytes));
    bind_blob(s, proof->content.data, proof->content.size);
    bind_text(s, proof->system);
    bind_blob(s, proof->account.bytes, sizeof(proof->account.bytes));
    bind_text(s, proof->purpose);
    bind_integer(s, proof->bound);
    bind_blob(s, proof->key == NULL ? NULL : proof->key->bytes, sizeof(struct hash));
    bind_blob(s, proof->listed_by == NULL ? NULL : proof->listed_by->bytes, sizeof(struct account_id));
    bind_blob(s, proof->image, sizeof(struct hash));
    bind_integer(s, (int64_t)height);
    bind_integer(s, (int64_t)seq);
    statement_run(s);
}

/* --- proof_job ---------------------------------------------------------------------------------- */
/* What there is none of is NULL. */
static void bind_part(struct statement *s, struct bytes part)
{
    bind_blob(s, part.size == 0 ? NULL : part.data, part.size);
}

uint64_t row_job_insert(struct database *database, const struct asked_proof *asked, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO proof_job (id, system, circuit, witness, purpose, keys, messages, state, asked_seq)"
        " SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, ?, ?, 'waiting', ? FROM proof_job");
    uint64_t job;

    bind_text(s, asked->system);
    bind_text(s, asked->circuit);
    bind_text(s, asked->witness);
    bind_text(s, asked->purpose);
    bind_part(s, asked->keys);
    bind_part(s, asked->messages);
    bind_integer(s, (int64_t)seq);
    statement_run(s);
    s = statement(database, "SELECT max(id) AS id FROM proof_job");
    INVARIANT(statement_row(s), "an aggregate has one row");
    job = (uint64_t)column_integer(s, "id");
    statement_finish(s);
    return job;
}

void row_job_made(struct database *database, uint64_t job, const struct made_proof *made, uint64_t seq)
{
    struct statement *s = statement(database,
        "UPDATE proof_job SET state = 'made', proof = ?, inputs = ?, key = ?, ended_seq = ?"
        " WHERE id = ? AND state = 'waiting'");

    bind_blob(s, made->proof.data, made->proof.size);
    bind_blob(s, made->inputs.data, made->inputs.size);
    bind_blob(s, made->key.data, made->key.size);
    bind_integer(s, (int64_t)seq);
    bind_integer(s, (int64_t)job);
    INVARIANT(statement_run(s) == 1, "a proof %" PRIu64 " that nobody waits for", job);
}

void row_job_failed(struct database *database, uint64_t job, const char *error, uint64_t seq)
{
    struct statement *s = statement(database,
        "UPDATE proof_job SET state = 'failed', error = ?, ended_seq = ? WHERE id = ? AND state = 'waiting'");

    bind_text(s, error);
    bind_integer(s, (int64_t)seq);
    bind_integer(s, (int64_t)job);
    INVARIANT(statement_run(s) == 1, "a proof %" PRIu64 " that nobody waits for", job);
}
