/* Writes that wait at too low a fee: signed again with the same sequence and the same effect, at a higher
 * one. All that were signed for a write are its candidates; each is on record before it is sent, and none is
 * ever forgotten. They have one sequence, so a chain can have one of them at most, and whichever it has
 * settles the write: a look asks for all. The write's own id and bytes are the newest's, or those of the one
 * that is in a block. When to raise, and by how much, the network says (struct network.raise). */
#ifndef NETWORK_RAISE_H
#define NETWORK_RAISE_H

#include <jansson.h>

#include "network/candidate_rows.h"
#include "network/links.h"
#include "network/write_rows.h"

/* --- on a waiting thread ------------------------------------------------------------------------ */
struct raise_look { /* what a look at a write begins with, of one moment */
    struct write_row row;
    struct candidates candidates;
    int64_t urgent_us; /* by when it or one behind it has to be in a block; 0: no matter */
};

/* ERROR_STORAGE; ERROR_NETWORK_OPERATION_NOT_FOUND: there is no such write. */
MUST_CHECK enum status raise_read(struct link_call *c, uint64_t number, int64_t now_us,
                                  struct raise_look *look, struct error *error);
/* What the network says of the write, whichever of the candidates it speaks of: the one at *place; 0: there
 * is but one. As check_transaction_status. */
MUST_CHECK enum status raise_status(struct link_call *c, const struct raise_look *look,
                                    struct network_status *status, uint64_t *place);
/* Has it signed anew when that is due: writes members of the look's result for raise_settle. */
void raise_ask(struct link_call *c, const struct raise_look *look, const struct network_status *status,
               uint64_t place, int64_t now_us, struct writer *w);

/* --- in the executor ---------------------------------------------------------------------------- */
/* The write becomes the candidate that a block has, and its fee is enough. The row is not written. */
void raise_take(struct execution *x, struct write_row *row, const json_t *look, struct arena *arena);
/* What raise_ask found: a new candidate, on record, that is sent after this; or why there is none. */
void raise_settle(struct execution *x, const struct link_row *link, struct write_row *row,
                  const json_t *look, struct arena *arena);
/* Sends the newest once more. */
void raise_resend(struct execution *x, const struct link_row *link, struct write_row *row,
                  struct arena *arena);

#endif
