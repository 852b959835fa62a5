/* A token bucket: how many requests a second one server takes from us, and when it told us to wait. Pure: the
 * clock is given. Whoever waits in line waits outside; the bucket only tells when the next may go. */
#ifndef NETWORK_TRANSPORT_RATE_LIMITER_H
#define NETWORK_TRANSPORT_RATE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limiter {
    double rate;             /* tokens a second; 0: as many as one likes */
    double burst;            /* tokens in a full bucket */
    double tokens;           /* at `at_us`; below 0 after a request that costs more than a full bucket has */
    int64_t at_us;           /* may lie ahead: nothing flows in during a pause */
    int64_t paused_until_us; /* the server asked for silence until then */
};

/* burst 0: the rate, at least 1. The bucket starts full. */
void rate_limiter_init(struct rate_limiter *limiter, double rate, double burst, int64_t now_us);

/* The earliest time at which a request of `cost` may go when others of `ahead` tokens in all go before it;
 * now_us or earlier: at once. One that costs more than a full bucket goes when the bucket is full, and the
 * next ones pay. */
int64_t rate_limiter_ready_us(const struct rate_limiter *limiter, double ahead, double cost, int64_t now_us);
void rate_limiter_take(struct rate_limiter *limiter, double cost, int64_t now_us); /* it goes now */

/* The server said (Retry-After): nothing before `until_us`. The bucket is empty then. An earlier end than the
 * one that holds changes nothing. */
void rate_limiter_pause(struct rate_limiter *limiter, int64_t now_us, int64_t until_us);

/* The server said (ratelimit-remaining): so many are left. */
void rate_limiter_left(struct rate_limiter *limiter, double left, int64_t now_us);

#endif
