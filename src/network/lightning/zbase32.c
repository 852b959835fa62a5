/* zbase32: see zbase32.h. */
#include "network/lightning/zbase32.h"

#include <string.h>

static const char symbols[] = "ybndrfg8ejkmcpqxot1uwisza345h769";

void zbase32_encode(char *out, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFF;
        held += 8;
        while (held >= 5) {
            held -= 5;
            *out++ = symbols[bits >> held & 31];
        }
    }
    if (held > 0)
        *out++ = symbols[bits << (5 - held) & 31];
    *out = '\0';
}

bool zbase32_decode(void *out, size_t size, const char *text, size_t length)
{
    uint8_t *bytes = out;
    uint32_t bits = 0;
    unsigned held = 0;

    if (length != ZBASE32_SIZE(size))
        return false;
    for (size_t i = 0; i < length; i++) {
        const char *at = text[i] == '\0' ? NULL : strchr(symbols, text[i]);

        if (at == NULL)
            return false;
        bits = (bits << 5 | (uint32_t)(at - symbols)) & 0xFFFF;
        held += 5;
        if (held >= 8) {
            held -= 8;
            *bytes++ = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0;
}
