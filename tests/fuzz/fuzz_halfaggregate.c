/* Half-aggregates, keys and messages from anybody. The first byte chooses: bytes as they come, which
 * must never be taken for an aggregate of signatures; or changes to one that holds, which must hold
 * exactly as long as nothing has changed. */
#include <stdint.h>
#include <string.h>

#include "crypto/hash.h"
#include "proof/half_aggregate.h"

#define COUNT 3
#define AGGREGATE_SIZE (32 * (COUNT + 1))
#define MESSAGES_MOST 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    bool made;
    struct signed_message messages[COUNT];
    uint8_t aggregate[AGGREGATE_SIZE];
} known;

static void known_make(void)
{
    struct signature signatures[COUNT];
    struct error error;
    size_t bad;

    if (known.made)
        return;
    crypto_start();
    struct secret_key *key = secret_new(sizeof *key);
    for (size_t i = 0; i < COUNT; i++) {
        secret_key_generate(key);
        randombytes_buf(known.messages[i].message.bytes, 32);
        INVARIANT(secret_key_account(key, &known.messages[i].account) &&
                      schnorr_sign(key, &known.messages[i].message, NULL, &signatures[i]), "a key signs");
    }
    secret_free(key);
    INVARIANT(half_aggregate_make(known.messages, signatures, COUNT, known.aggregate, &bad, &error) == OK,
              "signatures aggregate");
    known.made = true;
}

/* A count, so many keys and messages, and the rest is the aggregate; then as something to add to. */
static void as_it_comes(const uint8_t *data, size_t size)
{
    struct signed_message messages[MESSAGES_MOST];
    uint8_t out[32 * (MESSAGES_MOST + 1)];
    struct error error;
    size_t bad;

    if (size == 0)
        return;
    size_t count = data[0] % (MESSAGES_MOST + 1);
    if (size - 1 < count * sizeof messages[0])
        return;
    memcpy(messages, data + 1, count * sizeof messages[0]);
    struct bytes aggregate = { data + 1 + count * sizeof messages[0], size - 1 - count * sizeof messages[0] };
    enum status status = half_aggregate_verify(aggregate, messages, count, &error);
    static const uint8_t empty[32];
    if (status == OK)
        INVARIANT(count == 0 && memcmp(aggregate.data, empty, 32) == 0, "an aggregate that nobody made");
    if (half_aggregate_add(aggregate, messages, count, NULL, 0, out, &bad, &error) == OK)
        INVARIANT(memcmp(out, aggregate.data, aggregate.size) == 0, "adding nothing changes the aggregate");
}

/* Pairs: where, and what to add there by exclusive or. */
static void changed(const uint8_t *data, size_t size)
{
    uint8_t all[sizeof known.messages + AGGREGATE_SIZE], before[sizeof all];
    struct signed_message messages[COUNT];
    struct error error;

    memcpy(all, known.messages, sizeof known.messages);
    memcpy(all + sizeof known.messages, known.aggregate, AGGREGATE_SIZE);
    memcpy(before, all, sizeof all);
    for (; size >= 3; data += 3, size -= 3)
        all[(data[0] | data[1] << 8) % sizeof all] ^= data[2];
    memcpy(messages, all, sizeof messages);
    bool same = memcmp(all, before, sizeof all) == 0;
    struct bytes aggregate = bytes_of(all + sizeof messages, AGGREGATE_SIZE);
    enum status status = half_aggregate_verify(aggregate, messages, COUNT, &error);
    INVARIANT((status == OK) == same, "a changed aggregate holds, or the aggregate not");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    known_make();
    if (data[0] % 2 == 0)
        as_it_comes(data + 1, size - 1);
    else
        changed(data + 1, size - 1);
    return 0;
}
