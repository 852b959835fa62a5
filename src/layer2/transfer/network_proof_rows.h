/* The table transfer_network_proof: every SQL statement that writes it or reads it for a rule. */
#ifndef LAYER2_TRANSFER_NETWORK_PROOF_ROWS_H
#define LAYER2_TRANSFER_NETWORK_PROOF_ROWS_H

#include "layer2/transfer/bundle.h"
#include "layer2/transfer/rows.h"

enum proving { PROVING_ASKED, PROVING_HERE, PROVING_GIVEN_UP };

/* Which one. */
struct proof_key {
    struct hash transfer;
    enum side side;
    enum bundle_step step;
};

struct network_proof {
    enum proving state;
    uint64_t tries;
    char reason[REASON_MAX]; /* "": none */
    uint64_t seq;            /* PROVING_HERE */
    struct buffer text;      /* PROVING_HERE; closed by network_proof_close */
};
void network_proof_close(struct network_proof *proof);

/* False: nobody asked for it. */
MUST_CHECK bool network_proof_read(struct database *database, const struct proof_key *key,
                                   struct network_proof *proof);
/* Asked for, anew when it was before; not when it is here. */
void network_proof_ask_row(struct database *database, const struct proof_key *key);
void network_proof_set_reason(struct database *database, const struct proof_key *key, enum proving state,
                              uint64_t tries, const char *reason);
/* As if it had never been here: it is asked for. */
void network_proof_forget(struct database *database, const struct proof_key *key);
void network_proof_set_text(struct database *database, const struct proof_key *key, const char *text,
                            uint64_t seq);

#endif
