/* Pauses and budget. A pause of zero is as likely as any other: that is what spreads the callers best. */
#include "network/transport/retry.h"

#define PARTS_MAX (RETRY_BUDGET_RESERVE * RETRY_BUDGET_EXCHANGES)

int64_t retry_pause_us(unsigned retry, uint64_t random)
{
    int64_t most = RETRY_PAUSE_US;
    for (unsigned i = 0; i < retry && most < RETRY_PAUSE_MAX_US; i++)
        most *= 2;
    if (most > RETRY_PAUSE_MAX_US)
        most = RETRY_PAUSE_MAX_US;
    return (int64_t)(random % (uint64_t)(most + 1));
}

void retry_budget_init(struct retry_budget *budget)
{
    budget->parts = PARTS_MAX;
}

void retry_budget_earn(struct retry_budget *budget)
{
    if (budget->parts < PARTS_MAX)
        budget->parts++;
}

bool retry_budget_spend(struct retry_budget *budget)
{
    if (budget->parts < RETRY_BUDGET_EXCHANGES)
        return false;
    budget->parts -= RETRY_BUDGET_EXCHANGES;
    return true;
}
