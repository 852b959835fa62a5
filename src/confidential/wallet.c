/* Addresses, secrets and scanning of confidential wallets: see wallet.h. */
#include "confidential/wallet.h"

#include <sodium.h>
#include <string.h>

#include "base/bech32.h"
#include "confidential/wallet_rows.h"

#define SEED_TAG "layerd/confidential/wallet"
#define SYMBOL_BITS 5
#define ADDRESS_SYMBOLS ((8 * CONFIDENTIAL_ADDRESS_SIZE + SYMBOL_BITS - 1) / SYMBOL_BITS)
#define PREFIX_MAX 8

/* --- addresses ---------------------------------------------------------------------------------------- */
static void prefix_text(char out[PREFIX_MAX])
{
    snprintf(out, PREFIX_MAX, "%sc", address_prefix());
}

void confidential_address_encode(char out[CONFIDENTIAL_TEXT_MAX], const struct confidential_address *address)
{
    uint8_t bytes[CONFIDENTIAL_ADDRESS_SIZE], symbols[ADDRESS_SYMBOLS] = { 0 };
    char prefix[PREFIX_MAX];

    memcpy(bytes, address->view, POINT_SIZE);
    memcpy(bytes + POINT_SIZE, address->spend, POINT_SIZE);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        if (bytes[bit / 8] >> (7 - bit % 8) & 1)
            symbols[bit / SYMBOL_BITS] |= (uint8_t)(1 << (SYMBOL_BITS - 1 - bit % SYMBOL_BITS));
    }
    prefix_text(prefix);
    bech32_encode_symbols(out, prefix, symbols, ADDRESS_SYMBOLS);
}

/* The bits past the last byte are 0. */
static bool join_symbols(const uint8_t symbols[ADDRESS_SYMBOLS], uint8_t bytes[CONFIDENTIAL_ADDRESS_SIZE])
{
    memset(bytes, 0, CONFIDENTIAL_ADDRESS_SIZE);
    for (size_t bit = 0; bit < SYMBOL_BITS * (size_t)ADDRESS_SYMBOLS; bit++) {
        if (!(symbols[bit / SYMBOL_BITS] >> (SYMBOL_BITS - 1 - bit % SYMBOL_BITS) & 1))
            continue;
        if (bit >= 8 * (size_t)CONFIDENTIAL_ADDRESS_SIZE)
            return false;
        bytes[bit / 8] |= (uint8_t)(1 << (7 - bit % 8));
    }
    return true;
}

enum status confidential_address_decode(struct confidential_address *address, const char *text,
                                        struct error *error)
{
    uint8_t symbols[CONFIDENTIAL_TEXT_MAX], bytes[CONFIDENTIAL_ADDRESS_SIZE];
    char prefix[PREFIX_MAX], expected[PREFIX_MAX];
    struct confidential_address read;
    size_t count, length = strlen(text);

    prefix_text(expected);
    if (length >= CONFIDENTIAL_TEXT_MAX ||
        !bech32_decode_symbols(text, length, prefix, sizeof prefix, symbols, &count) ||
        strcmp(prefix, expected) != 0 || count != ADDRESS_SYMBOLS || !join_symbols(symbols, bytes))
        return error_set(error, ERROR_WRONG_CONFIDENTIAL_ADDRESS,
                         "'%.*s' is no confidential address of this network (%s1…)", CONFIDENTIAL_TEXT_MAX,
                         text, expected);
    memcpy(read.view, bytes, POINT_SIZE);
    memcpy(read.spend, bytes + POINT_SIZE, POINT_SIZE);
    if (!confidential_address_valid(&read))
        return error_set(error, ERROR_WRONG_CONFIDENTIAL_ADDRESS, "the address is not of two points");
    *address = read;
    return OK;
}

/* --- secrets ------------------------------------------------------------------------------------------ */
enum status wallet_open(struct keystore *keystore, const char *chain, const struct account_id *owner,
                        struct own_wallet **wallet, struct error *error)
{
    CLEANUP(secret_free_pointer) struct hash *seed = secret_new(sizeof *seed);
    char name[ADDRESS_TEXT_MAX];

    if (keystore == NULL)
        return error_set(error, ERROR_UNSIGNED, "this node keeps no keys");
    address_encode(name, owner);
    TRY(keystore_derive(keystore, name, SEED_TAG, seed, error));
    *wallet = secret_new(sizeof **wallet);
    (*wallet)->owner = *owner;
    wallet_keys_derive(seed->bytes, chain, &(*wallet)->keys);
    wallet_address(&(*wallet)->keys, &(*wallet)->address);
    return OK;
}

/* --- scanning ----------------------------------------------------------------------------------------- */
static bool try_note(const struct own_wallet *wallet, const struct stored_note *note,
                     struct found_note *found)
{
    CLEANUP(secret_free_pointer) uint8_t *secret = secret_new(SCALAR_SIZE);
    struct note_opened opened;
    bool ours;

    if (!note->has_sealed || !hidden_note_open(wallet->keys.view, wallet->address.spend, &note->output,
                                               note->is_public, &opened))
        return false;
    ours = hidden_note_secret(wallet->keys.spend, &opened.tweak, secret) && ring_image(secret, found->image);
    found->number = note->number;
    found->amount = opened.amount;
    sodium_memzero(&opened, sizeof opened);
    return ours;
}

enum status wallet_scan(struct database *database, const struct own_wallet *wallet,
                        const struct asset_id *asset, struct arena *arena, struct scan *scan,
                        struct error *error)
{
    struct stored_note note;
    uint64_t end;

    if (!row_pool_find(database, asset, &scan->pool))
        return error_set(error, ERROR_POOL_NOT_FOUND, "nothing of this asset was ever shielded");
    scan->scanned = row_scan_read(database, &wallet->owner, scan->pool.id);
    end = scan->pool.notes - scan->scanned > SCAN_MAX ? scan->scanned + SCAN_MAX : scan->pool.notes;
    scan->found = arena_new(arena, (size_t)(end - scan->scanned + 1) * sizeof *scan->found);
    scan->count = 0;
    for (; scan->scanned < end; scan->scanned++) {
        if (!row_note_read(database, scan->pool.id, scan->scanned, &note))
            return error_set(error, ERROR_INTERNAL, "a note of the pool is missing");
        scan->count += try_note(wallet, &note, &scan->found[scan->count]);
    }
    return OK;
}
