/* Writes: made ready, durable, then sent; found again when it is not known whether they arrived; followed
 * until they are final. One link's writes are prepared one after the other, and those with a sequence (a
 * nonce) are sent in it, each once the former was taken. The stages are in write_rules.h.
 *
 * Nothing is sent before its bytes are on record. They change for one reason alone, to offer more (raise.h),
 * and then all there are stay on record and have the same sequence. Two runs at
 * most work on a link at once, one that prepares and one that sends; what comes of them is settled in the
 * executor, against the rows as they are then. */
#ifndef NETWORK_WRITE_H
#define NETWORK_WRITE_H

#include "network/operation.h"
#include "network/write_rows.h"

#define PREPARE_EFFECT "network.prepare"
#define SEND_EFFECT "network.send"
#define TRACK_EFFECT "network.track"
#define PREPARE_AT_ONCE 32 /* links */
#define SEND_AT_ONCE 64
#define TRACK_AT_ONCE 32
#define GIVE_UP_DEFAULT_US (600 * MICROSECONDS_PER_SECOND)
#define CUT_OFF_ATTEMPTS 1000 /* of a send that the node's end cut off; after each it is looked for first */

/* In the executor. */
void write_begin(struct execution *x, const struct operation_row *row, enum write_kind kind,
                 int64_t give_up_after_us, int64_t urgent_us);
/* The link is connected again: what rested goes on. */
void write_resume(struct execution *x, const struct link_row *link);
/* False: it is prepared, and may have been sent. */
bool write_cancel(struct execution *x, uint64_t number);
/* Of a link that goes: the first that are not settled, at most so many, are no longer followed. */
void write_abandon(struct execution *x, const struct link_row *link, size_t most);

/* Each asks for a run, unless the link is idle. The next one that prepares (sends) on the link, when there is
 * something to do and none runs: */
void write_prepare_next(struct execution *x, const struct link_row *link);
void write_send_next(struct execution *x, const struct link_row *link);
/* Sends one that has no place in a sequence; or one that was taken and forgotten, once more. */
void write_send_one(struct execution *x, const struct link_row *link, const struct write_row *row,
                    int64_t delay_us);
bool write_is_being_sent(struct execution *x, uint64_t number); /* by write_send_one */
void write_track(struct execution *x, const struct link_row *link, const struct write_row *row,
                 int64_t delay_us);

/* Its end, when the network has refused it or nothing more will be known; and its operation's, unless that
 * has ended before. */
void write_fail(struct execution *x, struct write_row *row, const struct link_row *link,
                enum write_stage stage, enum status code, const char *reason);
void write_update(struct execution *x, const struct write_row *row);

#endif
