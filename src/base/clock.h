/* Times: microseconds since 1970-01-01 UTC, as int64_t. Only rooms outside the deterministic handlers may ask
 * the clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define MICROSECONDS_PER_SECOND ((int64_t)1000000)

int64_t clock_wall_us(void);
int64_t clock_monotonic_us(void);

#define TIME_TEXT_MAX 32
/* "2026-11-20T22:43:03.000000Z". Times outside the years 0 … 9999 show as the nearest time inside. */
void time_text(char out[TIME_TEXT_MAX], int64_t time_us);

/* ISO 8601 in UTC: "2026-11-20T22:43:03Z", with up to 6 fraction digits; also a bare date.
 * Years 1970 … 2200. */
MUST_CHECK bool time_parse(const char *text, int64_t *time_us);

/* "1500ms", "90s", "10m", "2h", "7d", "250us": a whole number and one unit. At most 1000 days. */
MUST_CHECK bool duration_parse(const char *text, int64_t *duration_us);

#endif
