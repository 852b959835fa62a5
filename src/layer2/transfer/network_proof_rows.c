/* Rows of networks' proofs: see network_proof_rows.h. */
#include "layer2/transfer/network_proof_rows.h"

static void bind_key(struct statement *s, const struct proof_key *key)
{
    bind_blob(s, key->transfer.bytes, sizeof(key->transfer.bytes));
    bind_integer(s, key->side);
    bind_integer(s, key->step);
}

void network_proof_close(struct network_proof *proof)
{
    buffer_close(&proof->text);
}

bool network_proof_read(struct database *database, const struct proof_key *key, struct network_proof *proof)
{
    struct statement *s = statement(database, "SELECT state, tries, reason, proof, seq"
                                              "  FROM transfer_network_proof"
                                              " WHERE transfer = ? AND side = ? AND step = ?");
    const char *reason;

    *proof = (struct network_proof){ .state = PROVING_ASKED };
    bind_key(s, key);
    if (!statement_row(s))
        return false;
    proof->state = (enum proving)column_integer(s, "state");
    proof->tries = (uint64_t)column_integer(s, "tries");
    reason = column_text(s, "reason");
    text_set(proof->reason, sizeof(proof->reason), reason == NULL ? "" : reason);
    if (proof->state == PROVING_HERE) {
        proof->seq = (uint64_t)column_integer(s, "seq");
        buffer_append_text(&proof->text, column_text(s, "proof"));
    }
    statement_finish(s);
    return true;
}

void network_proof_ask_row(struct database *database, const struct proof_key *key)
{
    struct statement *s = statement(database,
        "INSERT INTO transfer_network_proof (transfer, side, step, state, tries) VALUES (?, ?, ?, 0, 0)"
        " ON CONFLICT DO UPDATE SET state = 0, tries = 0 WHERE state <> 1");

    bind_key(s, key);
    statement_run(s);
}

void network_proof_set_reason(struct database *database, const struct proof_key *key, enum proving state,
                              uint64_t tries, const char *reason)
{
    struct statement *s = statement(database,
        "UPDATE transfer_network_proof SET state = ?, tries = ?, reason = ?"
        " WHERE transfer = ? AND side = ? AND step = ?");

    bind_integer(s, state);
    bind_integer(s, (int64_t)tries);
    bind_text(s, reason[0] == '\0' ? NULL : reason);
    bind_key(s, key);
    statement_run(s);
}

void network_proof_set_text(struct database *database, const struct proof_key *key, const char *text,
                            uint64_t seq)
{
    struct statement *s = statement(database,
        "UPDATE transfer_network_proof SET state = 1, reason = NULL, proof = ?, seq = ?"
        " WHERE transfer = ? AND side = ? AND step = ?");

    bind_text(s, text);
    bind_integer(s, (int64_t)seq);
    bind_key(s, key);
    statement_run(s);
}

void network_proof_forget(struct database *database, const struct proof_key *key)
{
    struct statement *s = statement(database,
        "UPDATE transfer_network_proof SET state = 0, tries = 0, reason = NULL, proof = NULL, seq = NULL"
        " WHERE transfer = ? AND side = ? AND step = ?");

    bind_key(s, key);
    statement_run(s);
}
