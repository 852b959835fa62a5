/* Half-aggregation on libsecp256k1's public functions: a point times a scalar is "tweak_mul" of a public
 * key, a sum of points is "combine", a scalar times a scalar is "tweak_mul" of a secret key. None of
 * these takes or gives zero, which is handled here. */
#include "proof/half_aggregate.h"

#include <string.h>
#include <secp256k1.h>

#include "crypto/hash.h"

#define TOGETHER 64 /* signatures whose points are added up at once */

/* The order n of the group (SEC 2, secp256k1). */
static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                   0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41 };
static const uint8_t zero[32];

/* A number modulo n, most significant byte first. */
struct number { uint8_t bytes[32]; };

static bool number_is_zero(const struct number *number)
{
    return memcmp(number->bytes, zero, sizeof zero) == 0;
}

static bool number_is_reduced(const uint8_t bytes[32])
{
    return memcmp(bytes, order, sizeof order) < 0;
}

/* Of a hash: it is below 2·n, so one subtraction reduces it. */
static void number_reduce(struct number *number)
{
    unsigned borrow = 0;

    if (number_is_reduced(number->bytes))
        return;
    for (size_t i = sizeof order; i-- > 0;) {
        unsigned difference = 256u + number->bytes[i] - order[i] - borrow;
        number->bytes[i] = (uint8_t)difference;
        borrow = difference < 256;
    }
}

static void number_multiply(struct number *number, const struct number *by)
{
    if (number_is_zero(number) || number_is_zero(by)) {
        memset(number, 0, sizeof *number);
        return;
    }
    INVARIANT(secp256k1_ec_seckey_tweak_mul(secp256k1_context_static, number->bytes, by->bytes) == 1,
              "numbers below the order multiply");
}

static void number_add(struct number *number, const struct number *other)
{
    if (number_is_zero(other))
        return;
    if (number_is_zero(number))
        *number = *other;
    else if (secp256k1_ec_seckey_tweak_add(secp256k1_context_static, number->bytes, other->bytes) != 1)
        memset(number, 0, sizeof *number); /* both are valid: so the sum is zero */
}

/* --- randomizers ---------------------------------------------------------------------------------------- */

struct randomizer {
    struct tagged_hash so_far;
    size_t taken;
};

static void randomizer_begin(struct randomizer *randomizer)
{
    tagged_hash_begin(&randomizer->so_far, "HalfAgg/randomizer");
    randomizer->taken = 0;
}

/* z of the next signature. */
static void randomizer_next(struct randomizer *randomizer, const uint8_t r[32],
                            const struct signed_message *message, struct number *z)
{
    struct tagged_hash end;
    struct hash hash;

    tagged_hash_add(&randomizer->so_far, r, 32);
    tagged_hash_add(&randomizer->so_far, message->account.bytes, 32);
    tagged_hash_add(&randomizer->so_far, message->message.bytes, 32);
    if (randomizer->taken++ == 0) {
        memset(z, 0, sizeof *z);
        z->bytes[31] = 1;
        return;
    }
    end = randomizer->so_far;
    tagged_hash_end(&end, &hash);
    memcpy(z->bytes, hash.bytes, sizeof z->bytes);
    number_reduce(z);
}

/* --- aggregating ---------------------------------------------------------------------------------------- */

size_t half_aggregate_size(size_t count)
{
    return 32 * (count + 1);
}

static enum status size_check(struct bytes aggregate, size_t count, struct error *error)
{
    if (count > HALF_AGGREGATE_MAX)
        return error_set(error, ERROR_LIMIT, "%zu signatures in one aggregate; at most %d", count,
                         HALF_AGGREGATE_MAX);
    if (aggregate.size != half_aggregate_size(count))
        return error_set(error, ERROR_MALFORMED_PROOF,
                         "an aggregate of %zu bytes for %zu signatures; expected %zu", aggregate.size, count,
                         half_aggregate_size(count));
    if (!number_is_reduced(aggregate.data + 32 * count))
        return error_set(error, ERROR_MALFORMED_PROOF, "the aggregate's s is not below the group order");
    return OK;
}

enum status half_aggregate_add(struct bytes aggregate, const struct signed_message *messages, size_t had,
                               const struct signature *signatures, size_t more, uint8_t *out, size_t *bad,
                               struct error *error)
{
    struct randomizer randomizer;
    struct number s, z, term;

    if (had > HALF_AGGREGATE_MAX || more > HALF_AGGREGATE_MAX - had)
        return error_set(error, ERROR_LIMIT, "%zu and %zu signatures in one aggregate; at most %d", had, more,
                         HALF_AGGREGATE_MAX);
    TRY(size_check(aggregate, had, error));
    for (size_t i = 0; i < more; i++)
        if (!schnorr_verify(&messages[had + i].account, messages[had + i].message.bytes, 32,
                            &signatures[i])) {
            *bad = i;
            return error_set(error, ERROR_BAD_SIGNATURE, "signature %zu of %zu to aggregate does not verify",
                             i + 1, more);
        }
    memcpy(s.bytes, aggregate.data + 32 * had, sizeof s.bytes);
    randomizer_begin(&randomizer);
    for (size_t i = 0; i < had; i++)
        randomizer_next(&randomizer, aggregate.data + 32 * i, &messages[i], &z);
    memcpy(out, aggregate.data, 32 * had);
    for (size_t i = 0; i < more; i++) {
        memcpy(out + 32 * (had + i), signatures[i].bytes, 32);
        randomizer_next(&randomizer, signatures[i].bytes, &messages[had + i], &z);
        memcpy(term.bytes, signatures[i].bytes + 32, sizeof term.bytes);
        number_multiply(&term, &z);
        number_add(&s, &term);
    }
    memcpy(out + 32 * (had + more), s.bytes, sizeof s.bytes);
    return OK;
}

enum status half_aggregate_make(const struct signed_message *messages, const struct signature *signatures,
                                size_t count, uint8_t *out, size_t *bad, struct error *error)
{
    return half_aggregate_add(bytes_of(zero, sizeof zero), messages, 0, signatures, count, out, bad, error);
}

/* --- verifying ------------------------------------------------------------------------------------------ */

/* A sum of points, which may be the one at infinity. */
struct sum {
    secp256k1_pubkey point;
    bool finite;
    secp256k1_pubkey waiting[2 * TOGETHER + 1];
    size_t count;
};

static void sum_settle(struct sum *sum)
{
    const secp256k1_pubkey *all[2 * TOGETHER + 1];

    if (sum->finite)
        sum->waiting[sum->count++] = sum->point;
    if (sum->count == 0)
        return;
    for (size_t i = 0; i < sum->count; i++)
        all[i] = &sum->waiting[i];
    sum->finite = secp256k1_ec_pubkey_combine(secp256k1_context_static, &sum->point, all, sum->count) == 1;
    sum->count = 0;
}

/* The point with this x and an even y (BIP-340 "lift_x"), times the number. */
static MUST_CHECK bool sum_add(struct sum *sum, const uint8_t x[32], const struct number *number)
{
    uint8_t compressed[33] = { 2 };
    secp256k1_pubkey *point = &sum->waiting[sum->count];

    memcpy(compressed + 1, x, 32);
    if (secp256k1_ec_pubkey_parse(secp256k1_context_static, point, compressed, sizeof compressed) != 1)
        return false;
    if (number_is_zero(number))
        return true;
    if (number->bytes[31] != 1 || memcmp(number->bytes, zero, 31) != 0)
        INVARIANT(secp256k1_ec_pubkey_tweak_mul(secp256k1_context_static, point, number->bytes) == 1,
                  "a point takes a number below the order");
    if (++sum->count == (size_t)2 * TOGETHER)
        sum_settle(sum);
    return true;
}

static void challenge(const uint8_t r[32], const struct signed_message *message, struct number *e)
{
    struct tagged_hash h;
    struct hash hash;

    tagged_hash_begin(&h, "BIP0340/challenge");
    tagged_hash_add(&h, r, 32);
    tagged_hash_add(&h, message->account.bytes, 32);
    tagged_hash_add(&h, message->message.bytes, 32);
    tagged_hash_end(&h, &hash);
    memcpy(e->bytes, hash.bytes, sizeof e->bytes);
    number_reduce(e);
}

/* Whether the sum is s·G: adding (n - s)·G must give the point at infinity. */
static bool sum_is_multiple(struct sum *sum, const uint8_t s[32])
{
    struct number minus;

    sum_settle(sum);
    memcpy(minus.bytes, s, sizeof minus.bytes);
    if (!sum->finite || number_is_zero(&minus))
        return !sum->finite && number_is_zero(&minus);
    INVARIANT(secp256k1_ec_seckey_negate(secp256k1_context_static, minus.bytes) == 1, "a reduced s negates");
    return secp256k1_ec_pubkey_tweak_add(secp256k1_context_static, &sum->point, minus.bytes) != 1;
}

enum status half_aggregate_verify(struct bytes aggregate, const struct signed_message *messages, size_t count,
                                  struct error *error)
{
    struct randomizer randomizer;
    struct sum sum = { .finite = false, .count = 0 };
    struct number z, e;

    TRY(size_check(aggregate, count, error));
    randomizer_begin(&randomizer);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *r = aggregate.data + 32 * i;
        randomizer_next(&randomizer, r, &messages[i], &z);
        if (!sum_add(&sum, r, &z))
            return error_set(error, ERROR_MALFORMED_PROOF, "r of signature %zu is the x of no point", i + 1);
        challenge(r, &messages[i], &e);
        number_multiply(&e, &z);
        if (!sum_add(&sum, messages[i].account.bytes, &e))
            return error_set(error, ERROR_MALFORMED_PROOF, "key %zu is the x of no point", i + 1);
    }
    if (!sum_is_multiple(&sum, aggregate.data + 32 * count))
        return error_set(error, ERROR_INVALID_PROOF, "the aggregate of %zu signatures does not hold", count);
    return OK;
}
