/* One-time keys, and notes sealed for their recipient, pure. An address is two points of a wallet's two
 * secrets: view A = a·K, spend S = s·K. Whoever pays draws r, once for each note:
 *
 *     R = r·K,   shared = r·A (for the recipient a·R),
 *     tweak h, blinding b, key k = from SHAKE256 of a label, R and shared
 *     P = S + h·K,   C = amount·B + b·K,   sealed = R (32) | ChaCha20-Poly1305(k, amount as 8 bytes) (24)
 *
 * The recipient's secret for P is x = s + h. With the view secret alone one finds the notes and reads their
 * amounts, and cannot spend. Nobody else can tell whose a note is. (Scheme: "stealth addresses" of
 * CryptoNote v2, 2013, section 4.3, on ristretto255; each R is used once, so that k is, and the nonce is
 * 0.) */
#ifndef CONFIDENTIAL_SEALED_H
#define CONFIDENTIAL_SEALED_H

#include "confidential/spend.h"

#define WALLET_SEED_SIZE 32
#define CONFIDENTIAL_ADDRESS_SIZE (2 * POINT_SIZE)

/* Keep in locked memory (secret_new), wipe after use. */
struct wallet_keys { uint8_t view[SCALAR_SIZE], spend[SCALAR_SIZE]; };
/* From 32 secret bytes of full entropy, for one chain. */
void wallet_keys_derive(const uint8_t seed[WALLET_SEED_SIZE], const char *chain, struct wallet_keys *keys);

struct confidential_address { uint8_t view[POINT_SIZE], spend[POINT_SIZE]; };
void wallet_address(const struct wallet_keys *keys, struct confidential_address *address);
/* Both are points other than the identity. */
bool confidential_address_valid(const struct confidential_address *address);

/* A new note of that amount for the address. False: the address is none. */
MUST_CHECK bool hidden_note_seal(const struct confidential_address *address, uint64_t amount,
                          struct spend_target *note);

/* What the recipient finds in a note. */
struct note_opened {
    uint64_t amount;
    struct scalar blinding;
    struct scalar tweak;    /* its secret is the spend secret + this */
};
/* Whether the note is the wallet's, and says the truth of itself: key and commitment are as sealed.
 * `spend_key`: S. The time that it takes tells whether the note is the wallet's, and nothing else: for a
 * wallet beside its node, not for answers to others. A note put in from the public ledger commits with the
 * blinding 0; it is opened by `blinding_is_zero`. */
MUST_CHECK bool hidden_note_open(const uint8_t view[SCALAR_SIZE], const uint8_t spend_key[POINT_SIZE],
                          const struct spend_output *note, bool blinding_is_zero, struct note_opened *opened);
/* x = s + h, encoded; false when it is 0. */
MUST_CHECK bool hidden_note_secret(const uint8_t spend[SCALAR_SIZE], const struct scalar *tweak,
                            uint8_t secret[SCALAR_SIZE]);

#endif
