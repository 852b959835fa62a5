/* Bech32m as BIP-350 gives it (BIP-173's alphabet and layout, the checksum constant 0x2bc830a3), for whole
 * bytes under a known prefix. A string that decodes is the one string that encodes its bytes, up to its
 * case. */
#include "base/bech32.h"

#include <pthread.h>
#include <string.h>

#define CHECKSUM_LENGTH 6
#define CHECKSUM_CONSTANT ((uint32_t)0x2bc830a3)
#define TEXT_LENGTH_MAX 90 /* beyond it the checksum no longer promises to find four wrong characters */
#define SYMBOLS 32
#define STEPS_MAX (2 * TEXT_LENGTH_MAX) /* each character of the prefix is two symbols */

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One more than the symbol, so that what the table does not name is 0: no symbol. Indexed by lower-case
 * ASCII. */
static const uint8_t symbol_above_zero[128] = {
    ['q'] = 1, ['p'] = 2, ['z'] = 3, ['r'] = 4, ['y'] = 5, ['9'] = 6, ['x'] = 7, ['8'] = 8,
    ['g'] = 9, ['f'] = 10, ['2'] = 11, ['t'] = 12, ['v'] = 13, ['d'] = 14, ['w'] = 15, ['0'] = 16,
    ['s'] = 17, ['3'] = 18, ['j'] = 19, ['n'] = 20, ['5'] = 21, ['4'] = 22, ['k'] = 23, ['h'] = 24,
    ['c'] = 25, ['e'] = 26, ['6'] = 27, ['m'] = 28, ['u'] = 29, ['a'] = 30, ['7'] = 31, ['l'] = 32,
};

/* One step of the BCH code: the remainder after one more symbol. The five top bits choose which generators to
 * add. */
static uint32_t checksum_step(uint32_t state, uint8_t symbol)
{
    static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
    uint32_t top = state >> 25;
    state = (state & 0x1ffffff) << 5 ^ symbol;
    for (int i = 0; i < 5; i++)
        state ^= -(top >> i & 1) & generator[i];
    return state;
}

/* [n][s]: what is left of symbol s after n more symbols of 0. The code is linear, so a checksum is the sum of
 * these, which need not wait for each other as steps do: events are full of addresses. */
static uint32_t left_after[STEPS_MAX + 1][SYMBOLS];
static pthread_once_t left_after_ready = PTHREAD_ONCE_INIT;

static void fill_left_after(void)
{
    for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
        left_after[0][symbol] = symbol;
        for (unsigned n = 1; n <= STEPS_MAX; n++)
            left_after[n][symbol] = checksum_step(left_after[n - 1][symbol], 0);
    }
}

/* What is left of the prefix, and of the 1 that every checksum begins with, after `more` symbols of 0. */
static uint32_t prefix_checksum(const char *prefix, size_t length, size_t more)
{
    pthread_once(&left_after_ready, fill_left_after);
    uint32_t state = left_after[2 * length + 1 + more][1];
    for (size_t i = 0; i < length; i++)
        state ^= left_after[length + more + length - i][(uint8_t)prefix[i] >> 5]
                 ^ left_after[more + length - 1 - i][(uint8_t)prefix[i] & 31];
    return state;
}

static size_t symbols_for(size_t size)
{
    return (8 * size + 4) / 5;
}

void bech32m_encode(char *out, const char *prefix, const void *data, size_t size)
{
    size_t prefix_length = strlen(prefix);
    INVARIANT(size <= TEXT_LENGTH_MAX && prefix_length >= 1
                  && prefix_length + 1 + symbols_for(size) + CHECKSUM_LENGTH <= TEXT_LENGTH_MAX,
              "%zu bytes under '%s' make more than %d characters", size, prefix, TEXT_LENGTH_MAX);

    const uint8_t *in = data;
    size_t more = symbols_for(size) + CHECKSUM_LENGTH; /* symbols to come */
    uint32_t state = prefix_checksum(prefix, prefix_length, more) ^ CHECKSUM_CONSTANT;
    uint32_t bits = 0; /* the low `held` bits are not written yet */
    unsigned held = 0;
    memcpy(out, prefix, prefix_length);
    char *at = out + prefix_length;
    *at++ = '1';
    for (size_t i = 0; i < size || held > 0;) {
        if (held < 5 && i < size) {
            bits = bits << 8 | in[i++];
            held += 8;
        } else if (held < 5) {
            bits <<= 5 - held; /* the padding: zeros behind the last bits */
            held = 5;
        }
        uint8_t symbol = bits >> (held - 5) & 31;
        held -= 5;
        state ^= left_after[--more][symbol];
        *at++ = alphabet[symbol];
    }
    for (int i = 0; i < CHECKSUM_LENGTH; i++)
        *at++ = alphabet[state >> (5 * (CHECKSUM_LENGTH - 1 - i)) & 31];
    *at = '\0';
}

/* Copies the text in lower case; false when it mixes cases or has characters outside 33 … 126. */
static bool fold_case(char *out, const char *text, size_t length)
{
    bool lower = false, upper = false;
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        if (character < 33 || character > 126)
            return false;
        if (character >= 'a' && character <= 'z')
            lower = true;
        if (character >= 'A' && character <= 'Z') {
            upper = true;
            character = (char)(character - 'A' + 'a');
        }
        out[i] = character;
    }
    return !(lower && upper);
}

bool bech32m_decode(void *out, size_t size, const char *prefix, const char *text, size_t length)
{
    size_t prefix_length = strlen(prefix);
    char folded[TEXT_LENGTH_MAX];
    if (size > TEXT_LENGTH_MAX || length > TEXT_LENGTH_MAX || prefix_length == 0
        || length != prefix_length + 1 + symbols_for(size) + CHECKSUM_LENGTH
        || !fold_case(folded, text, length) || memcmp(folded, prefix, prefix_length) != 0
        || folded[prefix_length] != '1')
        return false;

    uint8_t decoded[TEXT_LENGTH_MAX];
    size_t filled = 0, data_end = length - CHECKSUM_LENGTH;
    size_t more = length - prefix_length - 1; /* symbols to come */
    uint32_t state = prefix_checksum(prefix, prefix_length, more), bits = 0;
    unsigned held = 0;
    for (size_t i = prefix_length + 1; i < length; i++) {
        uint8_t above_zero = symbol_above_zero[(uint8_t)folded[i]];
        if (above_zero == 0)
            return false;
        uint8_t symbol = above_zero - 1;
        state ^= left_after[--more][symbol];
        if (i >= data_end)
            continue;
        bits = bits << 5 | symbol;
        held += 5;
        if (held >= 8) {
            held -= 8;
            decoded[filled++] = (uint8_t)(bits >> held);
        }
    }
    bool padding_zero = (bits & ((1u << held) - 1)) == 0;
    if (state != CHECKSUM_CONSTANT || !padding_zero)
        return false;
    INVARIANT(filled == size && held < 5, "%zu bytes decoded, %zu expected", filled, size);
    if (size > 0)
        memcpy(out, decoded, size);
    return true;
}

#define BECH32_CONSTANT 1 /* BIP-173 */

/* Step by step, for texts of any length. */
static uint32_t checksum_start(const char *prefix, size_t length)
{
    uint32_t state = 1;
    for (size_t i = 0; i < length; i++)
        state = checksum_step(state, (uint8_t)prefix[i] >> 5);
    state = checksum_step(state, 0);
    for (size_t i = 0; i < length; i++)
        state = checksum_step(state, (uint8_t)prefix[i] & 31);
    return state;
}

void bech32_encode_symbols(char *out, const char *prefix, const uint8_t *symbols, size_t count)
{
    size_t prefix_length = strlen(prefix);
    uint32_t state = checksum_start(prefix, prefix_length);
    char *at = out + prefix_length;

    memcpy(out, prefix, prefix_length);
    *at++ = '1';
    for (size_t i = 0; i < count; i++) {
        state = checksum_step(state, symbols[i]);
        *at++ = alphabet[symbols[i]];
    }
    for (int i = 0; i < CHECKSUM_LENGTH; i++)
        state = checksum_step(state, 0);
    state ^= BECH32_CONSTANT;
    for (int i = 0; i < CHECKSUM_LENGTH; i++)
        *at++ = alphabet[state >> (5 * (CHECKSUM_LENGTH - 1 - i)) & 31];
    *at = '\0';
}

static bool has_one_case(const char *text, size_t length)
{
    bool lower = false, upper = false;

    for (size_t i = 0; i < length; i++) {
        if (text[i] < 33 || text[i] > 126)
            return false;
        lower |= text[i] >= 'a' && text[i] <= 'z';
        upper |= text[i] >= 'A' && text[i] <= 'Z';
    }
    return !(lower && upper);
}

static char lower_case(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

bool bech32_decode_symbols(const char *text, size_t length, char *prefix, size_t room, uint8_t *symbols,
                           size_t *count)
{
    size_t end = length;
    uint32_t state;

    while (end > 0 && text[end - 1] != '1')
        end--;
    if (end < 2 || end > room || length - end < CHECKSUM_LENGTH || !has_one_case(text, length))
        return false;
    for (size_t i = 0; i + 1 < end; i++)
        prefix[i] = lower_case(text[i]);
    prefix[end - 1] = '\0';
    state = checksum_start(prefix, end - 1);
    for (size_t i = end; i < length; i++) {
        uint8_t above_zero = symbol_above_zero[(uint8_t)lower_case(text[i])];

        if (above_zero == 0)
            return false;
        symbols[i - end] = above_zero - 1;
        state = checksum_step(state, symbols[i - end]);
    }
    *count = length - end - CHECKSUM_LENGTH;
    return state == BECH32_CONSTANT;
}

#define ACCOUNT_SYMBOLS 52 /* 32 bytes in groups of 5 bits */
#define ADDRESS_PREFIX_LENGTH_MAX (ADDRESS_TEXT_MAX - 1 - ACCOUNT_SYMBOLS - CHECKSUM_LENGTH - 1)

static char current_prefix[ADDRESS_PREFIX_LENGTH_MAX + 1] = ADDRESS_PREFIX_TEST;

void address_set_prefix(const char *prefix)
{
    size_t length = strlen(prefix);
    INVARIANT(length >= 1 && length <= ADDRESS_PREFIX_LENGTH_MAX, "the address prefix '%s'", prefix);
    memcpy(current_prefix, prefix, length + 1);
}

const char *address_prefix(void)
{
    return current_prefix;
}

void address_encode(char out[ADDRESS_TEXT_MAX], const struct account_id *account)
{
    bech32m_encode(out, current_prefix, account->bytes, sizeof account->bytes);
}

bool address_decode(struct account_id *account, const char *text, size_t length)
{
    return hex_decode(account->bytes, sizeof account->bytes, text, length)
           || bech32m_decode(account->bytes, sizeof account->bytes, current_prefix, text, length);
}
