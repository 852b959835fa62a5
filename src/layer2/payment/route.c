/* A way for a part: see route.h. */
#include "layer2/payment/route.h"

#include <string.h>

#define HOP_SIZE (32 + 1 + 8 + 8)

uint64_t route_amount(const struct route *route)
{
    return route->count == 0 ? 0 : route->hops[route->count - 1].amount;
}

uint64_t route_fee(const struct route *route)
{
    return route->count == 0 ? 0 : route->hops[0].amount - route_amount(route);
}

void route_encode(const struct route *route, struct buffer *out)
{
    for (size_t i = 0; i < route->count; i++) {
        const struct route_hop *hop = &route->hops[i];
        uint8_t *at = (uint8_t *)buffer_reserve(out, HOP_SIZE);

        memcpy(at, hop->channel.bytes, 32);
        at[32] = (uint8_t)hop->side;
        put_be64(at + 33, hop->amount);
        put_be64(at + 41, (uint64_t)hop->expiry_us);
        out->size += HOP_SIZE;
    }
}

bool route_decode(struct bytes bytes, struct route *route)
{
    route->count = bytes.size / HOP_SIZE;
    if (bytes.size % HOP_SIZE != 0 || route->count < 1 || route->count > ROUTE_HOPS_MAX)
        return false;
    for (size_t i = 0; i < route->count; i++) {
        const uint8_t *at = bytes.data + i * HOP_SIZE;
        struct route_hop *hop = &route->hops[i];

        memcpy(hop->channel.bytes, at, 32);
        hop->side = at[32];
        hop->amount = get_be64(at + 33);
        hop->expiry_us = (int64_t)get_be64(at + 41);
        if (hop->side > 1 || hop->amount > INTEGER_MAX || hop->expiry_us < 0)
            return false;
    }
    return true;
}
