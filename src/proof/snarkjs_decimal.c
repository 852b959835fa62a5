/* Decimal text and numbers of 256 bits; see snarkjs_decimal.h. */
#include "proof/snarkjs_decimal.h"

#include <string.h>

#define WORDS 8 /* of 32 bits, lowest first */
#define NINE_DIGITS 1000000000u

bool decimal_read(uint8_t out[32], const char *text, size_t length)
{
    uint32_t word[WORDS] = { 0 };

    if (length == 0 || length > DECIMAL_256_MAX || (text[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        uint64_t carry = (uint64_t)(text[i] - '0');
        for (size_t k = 0; k < WORDS; k++) {
            carry += (uint64_t)word[k] * 10;
            word[k] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry != 0)
            return false;
    }
    for (size_t i = 0; i < 32; i++)
        out[31 - i] = (uint8_t)(word[i / 4] >> (8 * (i % 4)));
    return true;
}

void decimal_write(char out[DECIMAL_256_MAX + 1], const uint8_t in[32])
{
    uint32_t word[WORDS] = { 0 };
    char digits[DECIMAL_256_MAX + 9];
    size_t at = sizeof digits;

    for (size_t i = 0; i < 32; i++)
        word[i / 4] |= (uint32_t)in[31 - i] << (8 * (i % 4));
    while (at > sizeof digits - DECIMAL_256_MAX) { /* nine digits at a time, from the lowest */
        uint64_t rest = 0;
        for (size_t k = WORDS; k-- > 0;) {
            rest = rest << 32 | word[k];
            word[k] = (uint32_t)(rest / NINE_DIGITS);
            rest %= NINE_DIGITS;
        }
        for (size_t d = 0; d < 9; d++, rest /= 10)
            digits[--at] = (char)('0' + rest % 10);
    }
    while (at + 1 < sizeof digits && digits[at] == '0')
        at++;
    memcpy(out, digits + at, sizeof digits - at);
    out[sizeof digits - at] = '\0';
}
