/* Any bytes as an address, as a confidential address, and as bech32m of the length that fits: what decodes
 * encodes to the same text, but for case. And the input as data: what is encoded decodes to it. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "confidential/wallet.h"
#include "crypto/hash.h"

#define PREFIX "ly"
#define DATA_MAX 50
#define TEXT_MAX 91

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_but_for_case(const char *lower, const char *text, size_t length)
{
    if (strlen(lower) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char folded = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
        if (lower[i] != folded)
            return false;
    }
    return true;
}

/* A good one, its letters changed as the input says, or the input itself. */
static void confidential_check(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = text_copy_sized((const char *)data, size);
    struct confidential_address address, read;
    char good[CONFIDENTIAL_TEXT_MAX], again[CONFIDENTIAL_TEXT_MAX];
    struct error error;

    note_commit_public(1, address.view);
    note_commit_public(2, address.spend);
    confidential_address_encode(good, &address);
    if (confidential_address_decode(&read, text, &error) == OK) {
        confidential_address_encode(again, &read);
        INVARIANT(same_but_for_case(again, text, strlen(text)), "a confidential address with two texts");
    }
    if (size < 2)
        return;
    char *letter = &good[data[0] % strlen(good)], before = *letter;
    *letter = (char)data[1];
    if (confidential_address_decode(&read, good, &error) == OK)
        INVARIANT(*letter == before && memcmp(&read, &address, sizeof read) == 0,
                  "a wrong letter is not seen");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct account_id account;
    char again[TEXT_MAX];

    crypto_start();
    confidential_check(data, size);
    if (address_decode(&account, text, size)) {
        if (size == 2 * sizeof account.bytes)
            hex_text(again, account.bytes, sizeof account.bytes);
        else
            address_encode(again, &account);
        INVARIANT(same_but_for_case(again, text, size), "an address with two texts");
    }

    uint8_t decoded[DATA_MAX];
    for (size_t length = 0; length <= DATA_MAX; length++) {
        if (bech32m_decode(decoded, length, PREFIX, text, size)) {
            bech32m_encode(again, PREFIX, decoded, length);
            INVARIANT(same_but_for_case(again, text, size), "bech32m with two texts");
        }
    }

    size_t taken = size < DATA_MAX ? size : DATA_MAX;
    bech32m_encode(again, PREFIX, data, taken);
    INVARIANT(bech32m_decode(decoded, taken, PREFIX, again, strlen(again)), "bech32m that does not decode");
    INVARIANT(taken == 0 || memcmp(decoded, data, taken) == 0, "bech32m decodes to something else");
    return 0;
}
