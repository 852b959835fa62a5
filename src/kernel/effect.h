/* Effects, the transactional outbox: rows written with their cause, run by workers after COMMIT at least
 * once, retried with backoff, their result brought back as a job of the executor. Memory holds only which are
 * running now: a restart resumes from the rows. */
#ifndef KERNEL_EFFECT_H
#define KERNEL_EFFECT_H

#include "kernel/module.h"
#include "store/database.h"

#define EFFECTS_RUNNING_MAX 64
#define EFFECT_WORKERS 2
#define EFFECT_ATTEMPTS_DEFAULT 10
#define EFFECT_BACKOFF_DEFAULT_US MICROSECONDS_PER_SECOND
#define EFFECT_BACKOFF_MAX_US (300 * MICROSECONDS_PER_SECOND)

struct effects; /* which effects run now, and the threads they run on; used by the executor thread alone */

struct effects *effects_start(struct kernel *kernel);
/* Lets running ones come to their end; their results still reach the executor's queue. */
void effects_stop(struct effects *effects);
void effects_free(struct effects *effects);

/* Hands every waiting effect whose time has come to a worker (executor, after COMMIT). Returns when the next
 * one is due (INT64_MAX: none waits). */
int64_t effects_dispatch(struct effects *effects, struct database *database, int64_t now_us);

/* --- inside the executor's transaction -------------------------------------------------------- */
/* What came of a run: ends the effect (rows, event effect.ended, the kind's `ended`) or sets its next
 * attempt. */
struct effect_job;
enum status effect_job_finish(struct effect_job *job, struct execution *x);
void effect_job_free(struct effects *effects, struct effect_job *job); /* after COMMIT */

/* Delay before attempt number `attempt` + 1. */
int64_t effect_backoff(const struct effect_kind *kind, unsigned attempt);

uint64_t effects_waiting(struct database *database);

#endif
