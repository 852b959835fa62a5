/* When and how often a read is asked again. Full jitter, and a budget: what is asked again is at most a tenth
 * of what is asked, so that a server in trouble does not get more work by its trouble. Pure; the owner
 * locks. */
#ifndef NETWORK_TRANSPORT_RETRY_H
#define NETWORK_TRANSPORT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRIES_MAX 4
#define RETRY_PAUSE_US ((int64_t)200000)
#define RETRY_PAUSE_MAX_US ((int64_t)10000000)
#define RETRY_BUDGET_RESERVE 10 /* retries that a quiet link may have at once */
#define RETRY_BUDGET_EXCHANGES 10 /* exchanges that earn one retry */

/* Before retry number `retry` (0, 1, …): anything from 0 to the smaller of 10 s and 200 ms · 2^retry. */
int64_t retry_pause_us(unsigned retry, uint64_t random);

struct retry_budget { unsigned parts; }; /* RETRY_BUDGET_EXCHANGES of them are one retry */
void retry_budget_init(struct retry_budget *budget); /* has the reserve */
void retry_budget_earn(struct retry_budget *budget); /* one exchange, retries not counted */
bool retry_budget_spend(struct retry_budget *budget);

#endif
