/* When a server says that we may come again: Retry-After (RFC 9110 §10.2.3) and the ratelimit headers that
 * the networks' providers send. Hostile text in, bounded times out. Pure. */
#ifndef NETWORK_TRANSPORT_RETRY_AFTER_H
#define NETWORK_TRANSPORT_RETRY_AFTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RETRY_AFTER_MAX_US ((int64_t)3600 * 1000000) /* nobody can silence a link for longer at once */

/* Seconds, or a date in one of HTTP's three forms (RFC 9110 §5.6.7), with blanks around it. The wait from
 * `wall_us` on, 0 when the date has passed, at most RETRY_AFTER_MAX_US. False: neither; *wait_us is
 * untouched. */
bool retry_after_parse(const char *text, size_t size, int64_t wall_us, int64_t *wait_us);

/* ratelimit-reset: seconds from now, or (when it is past 10^9, as some send it) seconds since 1970. */
bool rate_limit_reset_parse(const char *text, size_t size, int64_t wall_us, int64_t *wait_us);

/* ratelimit-remaining: a whole number. */
bool rate_limit_remaining_parse(const char *text, size_t size, uint64_t *remaining);

#endif
