/* Stacks addresses: see address.h. */
#include "network/stacks/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"

#define CHECKSUM_SIZE 4
#define PAYLOAD_SIZE (HASH160_SIZE + CHECKSUM_SIZE)
#define DIGITS_MAX ((PAYLOAD_SIZE * 8 + 4) / 5) /* 39 */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* --- c32 ---------------------------------------------------------------------------------------- */
/* The bytes as one number to base 32, without zeros before it but one for each zero byte before it. */
static size_t c32_encode(const uint8_t payload[PAYLOAD_SIZE], char out[DIGITS_MAX + 1])
{
    char digits[DIGITS_MAX];
    size_t zero_bytes = 0, first = 0, size = 0;

    for (size_t i = 0; i < DIGITS_MAX; i++) { /* digit i holds bits 5i … 5i + 4, counted from the lowest */
        unsigned value = 0;

        for (size_t bit = 5 * i; bit < 5 * i + 5 && bit < (size_t)PAYLOAD_SIZE * 8; bit++)
            value |= (unsigned)(payload[PAYLOAD_SIZE - 1 - bit / 8] >> (bit % 8) & 1) << (bit - 5 * i);
        digits[DIGITS_MAX - 1 - i] = alphabet[value];
    }
    while (zero_bytes < PAYLOAD_SIZE && payload[zero_bytes] == 0)
        zero_bytes++;
    while (first < DIGITS_MAX && digits[first] == '0')
        first++;
    for (size_t i = 0; i < zero_bytes; i++)
        out[size++] = '0';
    memcpy(out + size, digits + first, DIGITS_MAX - first);
    size += DIGITS_MAX - first;
    out[size] = '\0';
    return size;
}

static int c32_digit(char character)
{
    int upper = toupper((unsigned char)character);
    const char *place;

    if (upper == 'O')
        upper = '0';
    if (upper == 'I' || upper == 'L')
        upper = '1';
    place = upper == '\0' ? NULL : strchr(alphabet, upper);
    return place == NULL ? -1 : (int)(place - alphabet);
}

/* The one text of these bytes, or false. */
static bool c32_decode(const char *text, size_t size, uint8_t payload[PAYLOAD_SIZE])
{
    char again[DIGITS_MAX + 1];

    memset(payload, 0, PAYLOAD_SIZE);
    if (size == 0 || size > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        int digit = c32_digit(text[size - 1 - i]);

        if (digit < 0)
            return false;
        for (size_t bit = 0; bit < 5; bit++) {
            size_t at = 5 * i + bit;

            if ((digit >> bit & 1) == 0)
                continue;
            if (at >= (size_t)PAYLOAD_SIZE * 8)
                return false;
            payload[PAYLOAD_SIZE - 1 - at / 8] |= (uint8_t)(1 << (at % 8));
        }
    }
    if (c32_encode(payload, again) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (c32_digit(text[i]) != c32_digit(again[i]))
            return false;
    }
    return true;
}

static void checksum(const struct stacks_address *address, uint8_t out[CHECKSUM_SIZE])
{
    uint8_t input[1 + HASH160_SIZE];
    struct hash digest;

    input[0] = address->version;
    memcpy(input + 1, address->hash, HASH160_SIZE);
    sha256(&digest, input, sizeof(input));
    sha256(&digest, digest.bytes, sizeof(digest.bytes));
    memcpy(out, digest.bytes, CHECKSUM_SIZE);
}

/* --- addresses ---------------------------------------------------------------------------------- */
void stacks_address_of_key(const struct public_key *key, bool mainnet, struct stacks_address *address)
{
    address->version = mainnet ? STACKS_MAINNET_KEY : STACKS_TESTNET_KEY;
    hash160(address->hash, key->bytes, sizeof(key->bytes));
}

void stacks_address_text(const struct stacks_address *address, char text[STACKS_ADDRESS_TEXT])
{
    uint8_t payload[PAYLOAD_SIZE];

    memcpy(payload, address->hash, HASH160_SIZE);
    checksum(address, payload + HASH160_SIZE);
    text[0] = 'S';
    text[1] = alphabet[address->version & 31];
    (void)c32_encode(payload, text + 2);
}

bool stacks_address_read(const char *text, size_t size, struct stacks_address *address)
{
    uint8_t payload[PAYLOAD_SIZE], expected[CHECKSUM_SIZE];
    int version;

    if (size < 3 || toupper((unsigned char)text[0]) != 'S')
        return false;
    version = c32_digit(text[1]);
    if (version < 0 || !c32_decode(text + 2, size - 2, payload))
        return false;
    address->version = (uint8_t)version;
    memcpy(address->hash, payload, HASH160_SIZE);
    checksum(address, expected);
    return memcmp(expected, payload + HASH160_SIZE, CHECKSUM_SIZE) == 0;
}

bool stacks_address_is_mainnet(const struct stacks_address *address)
{
    return address->version == STACKS_MAINNET_KEY || address->version == STACKS_MAINNET_SCRIPT;
}

bool stacks_address_is_testnet(const struct stacks_address *address)
{
    return address->version == STACKS_TESTNET_KEY || address->version == STACKS_TESTNET_SCRIPT;
}

/* --- principals --------------------------------------------------------------------------------- */
void stacks_principal_text(const struct stacks_principal *principal, char text[STACKS_PRINCIPAL_TEXT])
{
    size_t size;

    stacks_address_text(&principal->address, text);
    if (principal->contract[0] == '\0')
        return;
    size = strlen(text);
    snprintf(text + size, STACKS_PRINCIPAL_TEXT - size, ".%s", principal->contract);
}

bool stacks_principal_read(const char *text, struct stacks_principal *principal)
{
    const char *dot = strchr(text, '.');
    size_t name_size;

    memset(principal, 0, sizeof(*principal));
    if (dot == NULL)
        return stacks_address_read(text, strlen(text), &principal->address);
    name_size = strlen(dot + 1);
    if (!stacks_contract_name_valid(dot + 1, name_size))
        return false;
    memcpy(principal->contract, dot + 1, name_size + 1);
    return stacks_address_read(text, (size_t)(dot - text), &principal->address);
}

static bool name_valid(const char *name, size_t size, const char *others)
{
    if (size == 0 || size > STACKS_NAME_MAX || !isalpha((unsigned char)name[0]))
        return false;
    for (size_t i = 1; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && (name[i] == '\0' || strchr(others, name[i]) == NULL))
            return false;
    }
    return true;
}

bool stacks_contract_name_valid(const char *name, size_t size)
{
    return name_valid(name, size, "-_");
}

bool stacks_clarity_name_valid(const char *name, size_t size)
{
    static const char *const operators[] = { "-", "+", "=", "/", "*", "<", ">", "<=", ">=" };

    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (size == strlen(operators[i]) && memcmp(name, operators[i], size) == 0)
            return true;
    }
    return name_valid(name, size, "-_!?+<>=/*");
}
