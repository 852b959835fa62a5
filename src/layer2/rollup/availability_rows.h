/* SQL of the ledger's tables about data that a committee holds: rollup_committee, batch_attestation,
 * availability_challenge. */
#ifndef LAYER2_ROLLUP_AVAILABILITY_ROWS_H
#define LAYER2_ROLLUP_AVAILABILITY_ROWS_H

#include "crypto/schnorr.h"
#include "layer2/rollup/rollup.h"

void committee_insert(struct database *database, uint64_t domain, const struct account_id *members,
                      unsigned count);
/* In the order given; returns how many. */
unsigned committee_list(struct database *database, uint64_t domain, struct account_id members[COMMITTEE_MAX]);
MUST_CHECK bool committee_has(struct database *database, uint64_t domain, const struct account_id *member);

struct attestation {
    struct account_id member;
    struct signature signature;
};
void attestation_insert(struct database *database, const struct hash *batch, const struct attestation *given);
unsigned attestation_list(struct database *database, const struct hash *batch,
                          struct attestation list[COMMITTEE_MAX]);

enum challenge_state {
    CHALLENGE_RUNS,
    CHALLENGE_ANSWERED,   /* the bond is the answerer's */
    CHALLENGE_UNANSWERED, /* the batch was rejected, like in the next one */
    CHALLENGE_MALFORMED,  /* the data was not what the batch said */
    CHALLENGE_VOID,       /* the batch went for another reason: the bond is back */
};
const char *challenge_state_name(enum challenge_state state);

struct availability_challenge {
    struct hash batch;
    uint64_t domain;
    struct account_id challenger, holding;
    uint64_t bond;
    enum challenge_state state;
    int64_t begun_us, deadline_us, ended_us; /* 0: it runs */
    struct account_id answerer;              /* zero: nobody */
    uint64_t reward, burned;
};
MUST_CHECK bool challenge_read(struct database *database, const struct hash *batch,
                               struct availability_challenge *challenge);
void challenge_insert(struct database *database, const struct availability_challenge *challenge,
                      uint64_t seq);
void challenge_update(struct database *database, const struct availability_challenge *challenge);

#endif
