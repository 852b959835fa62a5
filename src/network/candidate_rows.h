/* The table of candidates, and who alone writes it: all transactions that were signed for a write whose fee
 * was raised. Texts and bytes that are read live in the arena given. */
#ifndef NETWORK_CANDIDATE_ROWS_H
#define NETWORK_CANDIDATE_ROWS_H

#include "network/network.h"
#include "store/database.h"

#define CANDIDATES_MOST 16 /* of one write */

struct candidate {
    const char *transaction, *details, *refusal;
    struct bytes raw;
    bool is_taken, too_cheap;
};

/* The one at place n stands at n − 1; none: the fee was never raised. */
struct candidates {
    size_t count;
    struct candidate items[CANDIDATES_MOST];
};

void row_candidates_read(struct database *database, uint64_t number, struct arena *arena,
                         struct candidates *candidates);
/* `sent_us` 0: the network has not taken it. */
void row_candidate_insert(struct database *database, uint64_t number, uint64_t place,
                          const struct candidate *candidate, int64_t made_us, int64_t sent_us);
/* The network took the one with that id. False: there is none, or it had taken it before. */
bool row_candidate_taken(struct database *database, uint64_t number, const char *transaction, int64_t now_us);
void row_candidate_refused(struct database *database, uint64_t number, const char *transaction,
                           const char *reason, bool too_cheap);

#endif
