/* Waiting on events: a subscription, signals and a time limit together. For `events`, `wait`, and the words
 * that start work on the node and wait for its end. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "cli/cli.h"

enum follow_step {
    FOLLOW_EVENT,       /* *event was filled */
    FOLLOW_IDLE,        /* nothing came for as long as was asked; or: all that came at once is handled */
    FOLLOW_INTERRUPTED, /* Ctrl-C or SIGTERM */
    FOLLOW_FAILED,      /* *failure was filled: TIMEOUT when the limit passed */
};

struct follow {
    struct layerd_subscription *subscription;
    int signals;         /* signalfd of SIGINT and SIGTERM; −1: they end the process as usual */
    int64_t deadline_us; /* monotonic; INT64_MAX: none */
};

/* Subscribes at the node of `cli`. With `signals`, Ctrl-C is a step and not the end. timeout_ms < 0: no
 * limit. */
enum layerd_error follow_begin(struct follow *follow, const struct cli *cli,
                               const struct layerd_subscribe_options *options, bool signals, int timeout_ms,
                               struct layerd_failure *failure);
void follow_end(struct follow *follow); /* for CLEANUP; may be zeroed with signals = −1 */

/* What is here already, without waiting: FOLLOW_EVENT, or FOLLOW_IDLE when there is no more. */
enum follow_step follow_next(struct follow *follow, struct layerd_event *event,
                             struct layerd_failure *failure);
/* Waits at most idle_ms (< 0: no bound) until there may be more: FOLLOW_IDLE. */
enum follow_step follow_wait(struct follow *follow, int idle_ms, struct layerd_failure *failure);
/* Connects again, for at most limit_ms. FOLLOW_IDLE when it did. */
enum follow_step follow_resume(struct follow *follow, int limit_ms, struct layerd_failure *failure);

#endif
