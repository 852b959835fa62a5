/* Bech32m (BIP-350): how accounts are shown. Human-readable part, '1', data in groups of 5 bits, 6 checksum
 * characters. */
#ifndef BASE_BECH32_H
#define BASE_BECH32_H

#include "base/bytes.h"

#define ADDRESS_PREFIX_MAIN "ly"
#define ADDRESS_PREFIX_TEST "lyt" /* test and dev */
#define ADDRESS_TEXT_MAX 72       /* characters of an address with its final zero, either prefix */

/* `out` takes at least strlen(prefix) + 1 + ceil(8·size / 5) + 6 + 1 characters. */
void bech32m_encode(char *out, const char *prefix, const void *data, size_t size);

/* Bech32 (BIP-173) without its limit on length, as BOLT 11 uses it: groups of 5 bits behind a prefix. `out`
 * takes strlen(prefix) + 1 + count + 6 + 1 characters. */
void bech32_encode_symbols(char *out, const char *prefix, const uint8_t *symbols, size_t count);
/* The last '1' ends the prefix, which goes to `prefix` in lower case with a final zero (`room` bytes); the
 * groups of 5 bits behind it without the checksum to `symbols` (as many bytes as the text has). False: no
 * '1', a character that is no symbol, two cases, a wrong checksum, no room. */
MUST_CHECK bool bech32_decode_symbols(const char *text, size_t length, char *prefix, size_t room,
                                      uint8_t *symbols, size_t *count);

/* False unless the text is bech32m of exactly `size` bytes with this prefix: checksum right, one case,
 * padding zero. */
MUST_CHECK bool bech32m_decode(void *out, size_t size, const char *prefix, const char *text, size_t length);

/* The prefix in use by this process (one network a process), set once at start; "lyt" until then. */
void address_set_prefix(const char *prefix);
const char *address_prefix(void);

/* An account as people see it (out: ADDRESS_TEXT_MAX), and back; back also takes 64 hex digits. */
void address_encode(char out[ADDRESS_TEXT_MAX], const struct account_id *account);
MUST_CHECK bool address_decode(struct account_id *account, const char *text, size_t length);

#endif
