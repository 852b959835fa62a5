/* Bytes, hex, UTF-8 and decimal digits. Writing hex and digits runs several times for every event, so it goes
 * eight and two characters at a time. Nothing here allocates or keeps state. */
#include "base/bytes.h"

#include <endian.h>
#include <string.h>

#define DECIMAL_ROW(d) d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9"

static const char decimal_pairs[] = DECIMAL_ROW("0") DECIMAL_ROW("1") DECIMAL_ROW("2") DECIMAL_ROW("3")
    DECIMAL_ROW("4") DECIMAL_ROW("5") DECIMAL_ROW("6") DECIMAL_ROW("7") DECIMAL_ROW("8") DECIMAL_ROW("9");

struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){ .data = data, .size = size };
}

struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){ .data = (const uint8_t *)text, .size = strlen(text) };
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool account_equal(const struct account_id *a, const struct account_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool account_is_zero(const struct account_id *account)
{
    static const struct account_id zero;
    return account_equal(account, &zero);
}

/* The eight hex digits of four bytes, both as they stand in memory. Each byte is first moved to a lane of 16
 * bits and split into two lanes of one nibble; then all lanes become digits at once: '0' + nibble, and 39
 * more from 10 on ('a'). */
static uint64_t hex_of_four(uint32_t four)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t lanes = le32toh(four);
    lanes = (lanes | lanes << 16) & 0x0000ffff0000ffff;
    lanes = (lanes | lanes << 8) & 0x00ff00ff00ff00ff;
    lanes = (lanes >> 4 & 0x000f000f000f000f) | (lanes & 0x000f000f000f000f) << 8;
    uint64_t letters = (lanes + 6 * ones) >> 4 & ones;
    return htole64(lanes + '0' * ones + 39 * letters);
}

void hex_encode(char *out, const void *data, size_t size)
{
    const uint8_t *in = data;
    uint32_t four;
    uint64_t digits;
    size_t at = 0;
    for (; size - at >= sizeof four; at += sizeof four) {
        memcpy(&four, in + at, sizeof four);
        digits = hex_of_four(four);
        memcpy(out + 2 * at, &digits, sizeof digits);
    }
    if (at < size) {
        four = 0;
        memcpy(&four, in + at, size - at);
        digits = hex_of_four(four);
        memcpy(out + 2 * at, &digits, 2 * (size - at));
    }
}

void hex_text(char *out, const void *data, size_t size)
{
    hex_encode(out, data, size);
    out[2 * size] = '\0';
}

/* The value of a hex digit, or a number above 15. */
static unsigned hex_digit(char character)
{
    unsigned digit = (unsigned)(unsigned char)character - '0';
    if (digit <= 9)
        return digit;
    unsigned letter = ((unsigned)(unsigned char)character | 0x20) - 'a';
    return letter <= 5 ? letter + 10 : 16;
}

bool hex_decode(void *out, size_t size, const char *hex, size_t length)
{
    if (length % 2 != 0 || length / 2 != size)
        return false;
    for (size_t i = 0; i < length; i++)
        if (hex_digit(hex[i]) > 15)
            return false;
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return true;
}

/* How many bytes the UTF-8 character at `text` takes, 0 when it is none. */
static size_t utf8_character(const uint8_t *text, size_t size)
{
    uint8_t lead = text[0], least = 0x80, most = 0xbf; /* bounds of the second byte */
    size_t length;

    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        length = 3;
        if (lead == 0xe0)
            least = 0xa0; /* below: a two-byte character in three */
        if (lead == 0xed)
            most = 0x9f; /* above: surrogates */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        if (lead == 0xf0)
            least = 0x90;
        if (lead == 0xf4)
            most = 0x8f; /* above: past U+10FFFF */
    } else {
        return 0;
    }
    if (size < length || text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return length;
}

size_t utf8_valid_prefix(const char *text, size_t size)
{
    const uint8_t *in = (const uint8_t *)text;
    size_t at = 0;
    while (at < size) {
        size_t length = utf8_character(in + at, size - at);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

size_t utf8_character_size(const char *text, size_t size)
{
    return utf8_character((const uint8_t *)text, size);
}

bool utf8_steers(const char *character, size_t size)
{
    const uint8_t *in = (const uint8_t *)character;
    if (size == 1)
        return in[0] < 0x20 || in[0] == 0x7f;
    if (size == 2)
        return in[0] == 0xc2 && in[1] < 0xa0;
    if (size != 3 || in[0] != 0xe2)
        return false;
    return (in[1] == 0x80 && in[2] >= 0xaa && in[2] <= 0xae) /* U+202A … U+202E */
           || (in[1] == 0x81 && in[2] >= 0xa6 && in[2] <= 0xa9); /* U+2066 … U+2069 */
}

void text_make_printable(char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t length = utf8_character_size(text + at, size - at);
        if (length == 0) {
            text[at++] = '?';
            continue;
        }
        if (utf8_steers(text + at, length))
            memset(text + at, ' ', length);
        at += length;
    }
}

void put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

void put_be64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

void put_le64(uint8_t *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

uint32_t get_be32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint64_t get_be64(const uint8_t *in)
{
    return (uint64_t)get_be32(in) << 32 | get_be32(in + 4);
}

size_t decimal_encode(char *out, uint64_t value)
{
    char digits[DECIMAL_MAX];
    size_t at = sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, decimal_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, decimal_pairs + 2 * value, 2);
    } else {
        digits[--at] = (char)('0' + value);
    }
    size_t length = sizeof digits - at;
    memcpy(out, digits + at, length);
    return length;
}
