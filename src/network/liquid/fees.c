/* What a write to Liquid costs: the node's estimates, and never less than its mempool takes. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "network/liquid/client.h"

static enum status least_rate(struct liquid_client *client, struct network_call *call, uint64_t *least)
{
    AUTO_JSON json_t *answer = NULL;

    TRY(liquid_ask(client, call, "getmempoolinfo", NULL, &answer, NULL));
    if (!liquid_amount_of_json(json_object_get(answer, "mempoolminfee"), least))
        return liquid_malformed(call, "getmempoolinfo");
    return OK;
}

static enum status rate_above(struct liquid_client *client, struct network_call *call, unsigned blocks,
                              uint64_t least, uint64_t *rate)
{
    AUTO_JSON json_t *answer = NULL;

    TRY(liquid_ask(client, call, "estimatesmartfee", json_pack("[i]", (int)blocks), &answer, NULL));
    if (!liquid_amount_of_json(json_object_get(answer, "feerate"), rate) || *rate < least)
        *rate = least; /* blocks are rarely full there, and the node then has no estimate */
    return OK;
}

enum status liquid_fee_rate(struct liquid_client *client, struct network_call *call, unsigned blocks,
                            uint64_t *rate)
{
    uint64_t least;

    TRY(least_rate(client, call, &least));
    return rate_above(client, call, blocks, least, rate);
}

enum status liquid_estimate_fees(void *context, struct network_call *call, const struct network_write *write,
                                 struct network_fees *fees)
{
    static const unsigned blocks[] = { 12, 6, 2 };
    uint64_t least, rates[COUNT_OF(blocks)];

    (void)write; /* what it would cost depends on what the wallet spends for it */
    memset(fees, 0, sizeof(*fees));
    TRY(least_rate(context, call, &least));
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        TRY(rate_above(context, call, blocks[i], least, &rates[i]));
    fees->slow = liquid_text(call, "%" PRIu64, rates[0]);
    fees->normal = liquid_text(call, "%" PRIu64, rates[1]);
    fees->fast = liquid_text(call, "%" PRIu64, rates[2]);
    fees->unit = "satoshi per 1000 virtual bytes";
    return OK;
}
