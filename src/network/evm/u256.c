/* Arithmetic on 256-bit numbers, on four 64-bit limbs, the lowest first. Nothing here is secret: time may
 * depend on the values. */
#include "network/evm/u256.h"

#include <string.h>

#define LIMBS 4
#define DECIMAL_STEP 10

struct limbs { uint64_t limb[LIMBS]; };

static struct limbs load(const struct u256 *value)
{
    struct limbs limbs;

    for (size_t i = 0; i < LIMBS; i++)
        limbs.limb[i] = get_be64(value->bytes + 8 * (LIMBS - 1 - i));
    return limbs;
}

static void store(struct u256 *out, const struct limbs *limbs)
{
    for (size_t i = 0; i < LIMBS; i++)
        put_be64(out->bytes + 8 * (LIMBS - 1 - i), limbs->limb[i]);
}

struct u256 u256_of(uint64_t value)
{
    struct u256 out = { { 0 } };

    put_be64(out.bytes + 24, value);
    return out;
}

bool u256_is_zero(const struct u256 *value)
{
    static const struct u256 zero;

    return memcmp(value->bytes, zero.bytes, sizeof zero.bytes) == 0;
}

int u256_compare(const struct u256 *a, const struct u256 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool u256_to_u64(const struct u256 *value, uint64_t *out)
{
    struct limbs limbs = load(value);

    if (limbs.limb[1] != 0 || limbs.limb[2] != 0 || limbs.limb[3] != 0)
        return false;
    *out = limbs.limb[0];
    return true;
}

/* --- arithmetic --------------------------------------------------------------------------------- */
bool u256_add(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
    struct limbs x = load(a), y = load(b);
    unsigned __int128 carry = 0;

    for (size_t i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)x.limb[i] + y.limb[i];
        x.limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry != 0)
        return false;
    store(out, &x);
    return true;
}

bool u256_subtract(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
    struct limbs x = load(a), y = load(b);
    uint64_t borrow = 0;

    if (u256_compare(a, b) < 0)
        return false;
    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 difference = (unsigned __int128)x.limb[i] - y.limb[i] - borrow;
        x.limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    store(out, &x);
    return true;
}

/* value · factor + more; false on overflow. */
static bool multiply_add(struct limbs *value, uint64_t factor, uint64_t more)
{
    unsigned __int128 carry = more;

    for (size_t i = 0; i < LIMBS; i++) {
        carry += (unsigned __int128)value->limb[i] * factor;
        value->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return carry == 0;
}

bool u256_multiply_small(struct u256 *out, const struct u256 *a, uint64_t factor)
{
    struct limbs x = load(a);

    if (!multiply_add(&x, factor, 0))
        return false;
    store(out, &x);
    return true;
}

/* Divides in place and gives what remains. */
static uint64_t divide(struct limbs *value, uint64_t divisor)
{
    unsigned __int128 rest = 0;

    for (size_t i = LIMBS; i-- > 0;) {
        rest = rest << 64 | value->limb[i];
        value->limb[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint64_t)rest;
}

bool u256_divide_small(struct u256 *out, const struct u256 *a, uint64_t divisor, uint64_t *remainder)
{
    struct limbs x = load(a);

    if (divisor == 0)
        return false;
    uint64_t rest = divide(&x, divisor);
    store(out, &x);
    if (remainder != NULL)
        *remainder = rest;
    return true;
}

bool u256_product_fits(const struct u256 *a, const struct u256 *b)
{
    struct limbs x = load(a), y = load(b);
    uint64_t product[2 * LIMBS] = { 0 };

    for (size_t i = 0; i < LIMBS; i++) {
        unsigned __int128 carry = 0;
        for (size_t k = 0; k < LIMBS; k++) {
            carry += (unsigned __int128)x.limb[i] * y.limb[k] + product[i + k];
            product[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        product[i + LIMBS] = (uint64_t)carry;
    }
    if (product[5] != 0 || product[6] != 0 || product[7] != 0 || product[4] > 1)
        return false;
    return product[4] == 0 || (product[0] | product[1] | product[2] | product[3]) == 0;
}

/* --- texts and bytes ----------------------------------------------------------------------------- */
bool u256_from_decimal(struct u256 *out, const char *text, size_t length)
{
    struct limbs value = { { 0 } };

    if (length == 0 || length >= U256_DECIMAL_MAX || (text[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' ||
            !multiply_add(&value, DECIMAL_STEP, (uint64_t)(text[i] - '0')))
            return false;
    }
    store(out, &value);
    return true;
}

bool u256_from_hex(struct u256 *out, const char *text, size_t length)
{
    char digits[64];
    struct u256 value;

    if (length < 3 || length >= U256_HEX_MAX || text[0] != '0' || text[1] != 'x')
        return false;
    memset(digits, '0', sizeof digits);
    memcpy(digits + sizeof digits - (length - 2), text + 2, length - 2);
    if (!hex_decode(value.bytes, sizeof value.bytes, digits, sizeof digits))
        return false;
    *out = value;
    return true;
}

bool u256_from_quantity(struct u256 *out, const char *text, size_t length)
{
    if (length > 3 && text[2] == '0')
        return false;
    return u256_from_hex(out, text, length);
}

bool u256_from_bytes(struct u256 *out, const void *data, size_t size)
{
    struct u256 value = { { 0 } };

    if (size > sizeof value.bytes)
        return false;
    if (size > 0)
        memcpy(value.bytes + sizeof value.bytes - size, data, size);
    *out = value;
    return true;
}

char *u256_decimal(char out[U256_DECIMAL_MAX], const struct u256 *value)
{
    char digits[U256_DECIMAL_MAX];
    size_t at = sizeof digits;
    struct limbs rest = load(value);

    digits[--at] = '\0';
    do
        digits[--at] = (char)('0' + divide(&rest, DECIMAL_STEP));
    while ((rest.limb[0] | rest.limb[1] | rest.limb[2] | rest.limb[3]) != 0);
    return memcpy(out, digits + at, sizeof digits - at);
}

char *u256_quantity(char out[U256_HEX_MAX], const struct u256 *value)
{
    char digits[65];
    size_t at = 0;

    hex_text(digits, value->bytes, sizeof value->bytes);
    while (at < 63 && digits[at] == '0')
        at++;
    out[0] = '0';
    out[1] = 'x';
    memcpy(out + 2, digits + at, sizeof digits - at);
    return out;
}

struct bytes u256_minimal(const struct u256 *value)
{
    size_t at = 0;

    while (at < sizeof value->bytes && value->bytes[at] == 0)
        at++;
    return bytes_of(value->bytes + at, sizeof value->bytes - at);
}
