/* How a write goes through its life: the stages, the moves between them that are possible, and what follows
 * from what a network says of it. Pure: no SQL, no clock, no I/O.
 *
 *   queued → prepared → sending → sent → pending → confirmed → final
 *
 * Its bytes are durable before `sending`; after it, a higher fee alone makes others (raise.h). `ambiguous`:
 * it may have arrived or not.
 * A block that is no more leads back to `pending`; an earlier write that was refused leads those behind it,
 * which nobody has seen, from `prepared` back to `queued`. */
#ifndef NETWORK_WRITE_RULES_H
#define NETWORK_WRITE_RULES_H

#include "network/network.h"

enum write_stage {
    STAGE_QUEUED, STAGE_PREPARED, STAGE_SENDING, STAGE_AMBIGUOUS, STAGE_SENT, STAGE_PENDING, STAGE_CONFIRMED,
    STAGE_FINAL, STAGE_FAILED, STAGE_REJECTED, STAGE_DROPPED, STAGE_CANCELLED
};
#define WRITE_STAGES (STAGE_CANCELLED + 1)

const char *write_stage_name(enum write_stage stage);
enum write_stage write_stage_find(const char *name);
bool write_stage_may_follow(enum write_stage from, enum write_stage to);

/* --- what an error means for a write ------------------------------------------------------------ */
enum write_error {
    WRITE_ERROR_REFUSED,   /* for good: the same again would be refused again */
    WRITE_ERROR_NOT_NOW,   /* it certainly did not arrive; later it may */
    WRITE_ERROR_UNCERTAIN, /* it may have arrived */
};
enum write_error write_error_of(enum status status);

#define RETRY_FIRST_US MICROSECONDS_PER_SECOND
#define RETRY_MOST_US (60 * MICROSECONDS_PER_SECOND)
int64_t write_retry_delay(uint64_t retries); /* 1, 2, 4 … 60 s */

/* --- following one that was sent ---------------------------------------------------------------- */
#define RESEND_LEAST_US (60 * MICROSECONDS_PER_SECOND)  /* unknown for so long: the same bytes again */
#define DROP_AFTER_US (7 * 86400 * MICROSECONDS_PER_SECOND) /* unknown for so long: given up */
#define POLL_MOST_US (600 * MICROSECONDS_PER_SECOND)
/* while it is in no block, and its fee may be raised */
#define POLL_WAITING_MOST_US (15 * MICROSECONDS_PER_SECOND)

struct write_course { /* what is known of a write that was sent */
    enum write_stage stage;
    bool settled;
    enum finality finality;
    const char *block;          /* NULL: in none */
    int64_t sent_us, unknown_us; /* unknown_us 0: the network knows it */
    bool can_resend;            /* its bytes are here */
    bool can_raise;             /* while it is in no block, its fee may be raised */
    bool awaited;               /* later ones wait until it is in a block */
};

/* What happened, as bits; in this order when there are several. */
#define NEWS_REORGED 1u   /* the block that had it is no more */
#define NEWS_CONFIRMED 2u /* in a block, or more certain than before */
#define NEWS_ARRIVED 4u   /* the first time: what it was to do is done */
#define NEWS_FAILED 8u
#define NEWS_DROPPED 16u
#define NEWS_RESEND 32u   /* the same bytes are to be sent again */

/* Takes the course on by what the network says; `block` of the course is borrowed from `status`. */
unsigned write_follow(struct write_course *course, const struct network_status *status, int64_t poll_us,
                      int64_t now_us);
/* Until the next look: the longer ago it was sent, the longer. */
int64_t write_poll_delay(const struct write_course *course, int64_t poll_us, int64_t now_us);

#endif
