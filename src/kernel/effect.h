/* Effects, the transactional outbox: rows written with their cause, run by workers after COMMIT at least
 * once, retried with backoff, their result brought back as a job of the executor. A restart resumes from the
 * rows.
 *
 * Two pools of threads: one for kinds that compute, which share its places, and one for kinds that mostly
 * wait, each of which has places of its own. So nobody who waits keeps anybody else from running. Effects of
 * such a kind may name the party that they wait for (a server); no party gets more than a share of the
 * places, and of those that want one the party with the fewest is next: one that never answers keeps nobody
 * else waiting. Which are due is looked for kind by kind and party by party, and only where something
 * changed: what it costs does not grow with how many wait. */
#ifndef KERNEL_EFFECT_H
#define KERNEL_EFFECT_H

#include "kernel/module.h"
#include "store/database.h"

#define EFFECTS_RUNNING_MAX 64 /* of those that compute */
#define EFFECT_WORKERS 2
#define EFFECTS_WAITING_MAX 1152 /* threads for those that wait, over all kinds */
#define EFFECT_SHARE 4          /* a party gets at most this part of its kind's places; one at least */
/* Of a kind run beyond its places, each the only one of its party; and no more than the kind has places. So
 * also several parties that never answer, and hold all places between them, leave the others one each. */
#define EFFECTS_FIRST_MAX 16
#define EFFECT_ATTEMPTS_DEFAULT 10
#define EFFECT_BACKOFF_DEFAULT_US MICROSECONDS_PER_SECOND
#define EFFECT_BACKOFF_MAX_US (300 * MICROSECONDS_PER_SECOND)

struct effects; /* which effects run now, and the threads they run on; used by the executor thread alone */

struct effects *effects_start(struct kernel *kernel);
/* Lets running ones come to their end; their results still reach the executor's queue. */
void effects_stop(struct effects *effects);
void effects_free(struct effects *effects);

/* When the next one may be due, or something changed so that it must be looked for (INT64_MAX: none
 * waits). */
int64_t effects_due(const struct effects *effects);
/* In a transaction: marks every waiting effect whose time has come, and that has a place to run, as taken,
 * its attempt on record. After COMMIT effects_hand_out gives them to the threads. */
void effects_take(struct effects *effects, struct database *database, int64_t now_us);
void effects_hand_out(struct effects *effects);
/* Both, in a transaction of its own (when there is something to take). */
void effects_dispatch(struct effects *effects, struct database *database, int64_t now_us);

/* --- inside the executor's transaction -------------------------------------------------------- */
/* What came of a run: ends the effect (rows, event effect.ended, the kind's `ended`) or sets its next
 * attempt. */
struct effect_job;
enum status effect_job_finish(struct effect_job *job, struct execution *x);
void effect_job_free(struct effect_job *job); /* after COMMIT */

/* Delay before attempt number `attempt` + 1. */
int64_t effect_backoff(const struct effect_kind *kind, unsigned attempt);

uint64_t effects_waiting(struct database *database);

#endif
