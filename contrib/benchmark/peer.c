/* The rows that every system gets: see peer.h. They are as long and as scattered as those of appender.c. */
#include "peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appender.h"
#include "base/bech32.h"
#include "crypto/hash.h"

#define SPREAD 0x9E3779B97F4A7C15 /* 2^64 / golden ratio: one number after the other, far apart */
#define AMOUNTS 1000000

static const char *address_of(uint64_t number)
{
    static char addresses[APPENDER_ACCOUNTS][ADDRESS_TEXT_MAX];
    size_t index = number % APPENDER_ACCOUNTS;
    struct account_id account;
    struct hash hash;

    if (addresses[index][0] == '\0') {
        tagged_hash(&hash, "layerd/benchmark", &index, sizeof(index));
        memcpy(account.bytes, hash.bytes, sizeof(hash.bytes));
        address_encode(addresses[index], &account);
    }
    return addresses[index];
}

void peer_event(uint64_t seq, struct peer_event *event)
{
    uint64_t random = seq * SPREAD;
    const char *from = address_of(random >> 16), *to = address_of(random >> 32);

    random ^= random >> 29;
    snprintf(event->key, sizeof(event->key), "benchmark/%04" PRIu64, random % STATE_ROWS);
    snprintf(event->value, sizeof(event->value), "%" PRIu64, random % AMOUNTS);
    snprintf(event->subject, sizeof(event->subject), "account/%s", to);
    snprintf(event->body, sizeof(event->body),
             "{\"from\":\"%s\",\"to\":\"%s\",\"asset\":\"BENCH\",\"amount\":%" PRIu64 "}", from, to,
             1 + random % AMOUNTS);
}
