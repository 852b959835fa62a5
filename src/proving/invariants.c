/* The invariants of proofs: see invariants.h. */
#include "proving/invariants.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "kernel/query.h"
#include "proving/claim.h"

void proof_record_id(const struct hash *claim, const struct account_id *account, struct hash *out)
{
    struct tagged_hash h;

    tagged_hash_begin(&h, "layerd/proof-record");
    tagged_hash_add(&h, claim->bytes, sizeof(claim->bytes));
    tagged_hash_add(&h, account->bytes, sizeof(account->bytes));
    tagged_hash_end(&h, out);
}

static enum status check_records(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(q->database,
        "SELECT id, claim, content, account, seq FROM verified_proof ORDER BY seq");
    struct hash id, claim, expected;
    struct account_id account;

    while (statement_row(s)) {
        column_fixed(s, "id", id.bytes, sizeof(id.bytes));
        column_fixed(s, "claim", claim.bytes, sizeof(claim.bytes));
        column_fixed(s, "account", account.bytes, sizeof(account.bytes));
        claim_id(column_blob(s, "content"), &expected);
        if (hash_equal(&expected, &claim)) {
            proof_record_id(&claim, &account, &expected);
            if (hash_equal(&expected, &id))
                continue;
        }
        snprintf(violation, size, "the proof of event %lld is not known by what was proved",
                 (long long)column_integer(s, "seq"));
        statement_finish(s);
        return OK;
    }
    return OK;
}

static enum status check_keys(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(q->database,
        "SELECT hash, key, public_inputs, added_seq FROM verification_key ORDER BY added_seq");
    struct hash hash, expected;
    uint64_t inputs;

    while (statement_row(s)) {
        column_fixed(s, "hash", hash.bytes, sizeof(hash.bytes));
        if (claim_key_read(column_blob(s, "key"), &inputs, &expected, NULL) == OK &&
            hash_equal(&hash, &expected) && inputs == (uint64_t)column_integer(s, "public_inputs"))
            continue;
        snprintf(violation, size, "the verification key of event %lld is another one than its hash says",
                 (long long)column_integer(s, "added_seq"));
        statement_finish(s);
        return OK;
    }
    return OK;
}

/* A key served no proof before it was listed, nor after it was retired. */
static const char listed[] =
    "SELECT printf('the proof of event %d used a key that was not in force', p.seq) FROM verified_proof AS p"
    " JOIN verification_key AS k ON k.owner = p.listed_by AND k.hash = p.key"
    " WHERE p.seq < k.added_seq OR p.height > k.retired_height";

const struct invariant proving_invariants[PROVING_INVARIANTS] = {
    { "proof.records", "A proof on record is known by what was proved and by who brought it.",
      .check = check_records },
    { "proof.keys", "A verification key is known by its hash.", .check = check_keys },
    { "proof.listed", "Proofs used keys that were in force.", .sql = listed },
};
