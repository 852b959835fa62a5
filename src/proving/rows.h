/* The tables of proofs: every SQL statement that writes them or reads one row for a rule. */
#ifndef PROVING_ROWS_H
#define PROVING_ROWS_H

#include "base/bytes.h"
#include "store/database.h"

struct verification_key {
    struct account_id owner;
    struct hash hash;
    const char *title; /* NULL: none */
    struct bytes key;
    uint64_t public_inputs;
};
void row_key_insert(struct database *database, const struct verification_key *key, uint64_t height,
                    uint64_t seq);
/* False: the account has no such key on its list. */
MUST_CHECK bool row_key_find(struct database *database, const struct account_id *owner,
                             const struct hash *hash, bool *retired);
void row_key_retire(struct database *database, const struct account_id *owner, const struct hash *hash,
                    uint64_t height);
uint64_t row_key_count(struct database *database, const struct account_id *owner);

struct verified_proof {
    struct hash id, claim;
    struct bytes content;
    const char *system, *purpose;
    struct account_id account;
    bool bound;
    const struct hash *key;             /* NULL unless groth16 */
    const struct account_id *listed_by; /* the same */
    const uint8_t *image;               /* 32 bytes; NULL unless ring */
};
MUST_CHECK bool row_proof_exists(struct database *database, const struct hash *id);
void row_proof_insert(struct database *database, const struct verified_proof *proof, uint64_t height,
                      uint64_t seq);

/* --- local: proofs to be made ------------------------------------------------------------------- */
struct asked_proof {
    const char *system, *circuit, *witness, *purpose; /* those that a system does not have: NULL */
    struct bytes keys, messages;                      /* the same: empty */
};
uint64_t row_job_insert(struct database *database, const struct asked_proof *asked, uint64_t seq);
struct made_proof {
    struct bytes proof, inputs, key; /* the last two: data NULL unless groth16 */
};
void row_job_made(struct database *database, uint64_t job, const struct made_proof *made, uint64_t seq);
void row_job_failed(struct database *database, uint64_t job, const char *error, uint64_t seq);

#endif
