/* Tokens flow in with time and are counted when somebody asks: no timer. The count is kept between a debt of
 * one request and a full bucket. */
#include "network/transport/rate_limiter.h"

#include <math.h>

#include "base/clock.h"

#define FAR_US (INT64_MAX / 4) /* later than any deadline */
#define DUST 1e-6              /* tokens that rounding may have lost */

void rate_limiter_init(struct rate_limiter *limiter, double rate, double burst, int64_t now_us)
{
    if (burst <= 0)
        burst = rate < 1 ? 1 : rate;
    *limiter = (struct rate_limiter){ .rate = rate, .burst = burst, .tokens = burst, .at_us = now_us };
}

static double tokens_at(const struct rate_limiter *limiter, int64_t now_us)
{
    if (now_us <= limiter->at_us)
        return limiter->tokens;
    double passed = (double)(now_us - limiter->at_us) / (double)MICROSECONDS_PER_SECOND;
    double tokens = limiter->tokens + passed * limiter->rate;
    return tokens > limiter->burst ? limiter->burst : tokens;
}

int64_t rate_limiter_ready_us(const struct rate_limiter *limiter, double ahead, double cost, int64_t now_us)
{
    int64_t ready = now_us;
    if (limiter->rate > 0) {
        double needed = ahead + (cost > limiter->burst ? limiter->burst : cost);
        double missing = needed - tokens_at(limiter, now_us);
        if (missing > DUST) {
            int64_t from = limiter->at_us > now_us ? limiter->at_us : now_us;
            double wait = ceil(missing / limiter->rate * (double)MICROSECONDS_PER_SECOND);
            ready = wait > (double)(FAR_US / 2) ? FAR_US : from + (int64_t)wait;
        }
    }
    return ready < limiter->paused_until_us ? limiter->paused_until_us : ready;
}

void rate_limiter_take(struct rate_limiter *limiter, double cost, int64_t now_us)
{
    if (limiter->rate <= 0)
        return;
    limiter->tokens = tokens_at(limiter, now_us) - cost;
    if (now_us > limiter->at_us)
        limiter->at_us = now_us;
}

void rate_limiter_pause(struct rate_limiter *limiter, int64_t now_us, int64_t until_us)
{
    if (until_us <= now_us || until_us <= limiter->paused_until_us)
        return;
    double tokens = tokens_at(limiter, now_us);
    limiter->tokens = tokens > 0 ? 0 : tokens;
    limiter->at_us = until_us;
    limiter->paused_until_us = until_us;
}

void rate_limiter_left(struct rate_limiter *limiter, double left, int64_t now_us)
{
    if (limiter->rate <= 0)
        return;
    double tokens = tokens_at(limiter, now_us);
    limiter->tokens = tokens > left ? left : tokens;
    if (now_us > limiter->at_us)
        limiter->at_us = now_us;
}
