/* The confidential wallets of this node: one for each key of its keystore, whose secrets follow from that
 * key. What a wallet owns it finds by trying each note of a pool once with its view secret. All of this takes
 * the unlocked keystore and time, and runs on workers; what was found becomes rows (wallet_rows.h). */
#ifndef CONFIDENTIAL_WALLET_H
#define CONFIDENTIAL_WALLET_H

#include "confidential/rows.h"
#include "confidential/sealed.h"
#include "crypto/keystore.h"
#include "kernel/module.h"

/* Bech32 (BIP-173, whose limit of 90 characters is passed) of view and spend key, under the network's prefix
 * and a 'c': "lyc1…", off main "lytc1…". */
#define CONFIDENTIAL_TEXT_MAX 128
void confidential_address_encode(char out[CONFIDENTIAL_TEXT_MAX], const struct confidential_address *address);
/* Exactly such a text, of two points. ERROR_WRONG_CONFIDENTIAL_ADDRESS. */
MUST_CHECK enum status confidential_address_decode(struct confidential_address *address, const char *text,
                                                   struct error *error);

struct own_wallet {
    struct account_id owner; /* the key of the keystore */
    struct wallet_keys keys;
    struct confidential_address address;
};
/* In locked memory: secret_free. ERROR_KEYSTORE_LOCKED, ERROR_KEY_NOT_FOUND; ERROR_UNSIGNED: no keystore. */
MUST_CHECK enum status wallet_open(struct keystore *keystore, const char *chain,
                                   const struct account_id *owner,
                                   struct own_wallet **wallet, struct error *error);

#define SCAN_MAX 2048 /* notes tried at once, about a third of a second; the next call goes on */

struct found_note {
    uint64_t number, amount;
    uint8_t image[RING_IMAGE_SIZE];
};
struct scan {
    struct pool pool;
    uint64_t scanned;         /* notes below it are known, once the scan is stored */
    struct found_note *found; /* new ones */
    size_t count;
};
/* Reads on from where the wallet stopped. ERROR_POOL_NOT_FOUND. */
MUST_CHECK enum status wallet_scan(struct database *database, const struct own_wallet *wallet,
                                   const struct asset_id *asset, struct arena *arena, struct scan *scan,
                                   struct error *error);

#endif
