/* What was asked of the server lately. Core Lightning lists a payment once its first part is on its way, not
 * while it seeks a way for it: until its time is over, that it lists nothing does not mean that it does
 * nothing. Kept in memory alone: what an earlier life asked for, it asked for before this one began. */
#ifndef NETWORK_LIGHTNING_BEGUN_H
#define NETWORK_LIGHTNING_BEGUN_H

#include <stdbool.h>
#include <stdint.h>

struct begun;

struct begun *begun_open(int64_t now_us);
void begun_close(struct begun *begun);

/* It was asked for, and until now nobody said that it is over. `key`: the payment hash, or our label. */
void begun_note(struct begun *begun, const char *key, int64_t now_us);

/* Whether something asked for earlier may still be seeking a way, when each seeks for `seconds`. `since_us`:
 * when it was prepared, by the same clock; 0: not known. */
bool begun_may_run(struct begun *begun, const char *key, int64_t since_us, uint64_t seconds, int64_t now_us);

#endif
