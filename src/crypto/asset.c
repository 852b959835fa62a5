/* The id of an asset: see asset.h. */
#include "crypto/asset.h"

#include <string.h>

#include "crypto/hash.h"

bool asset_symbol_valid(const char *symbol)
{
    size_t size = strlen(symbol);

    return size >= 2 && size < ASSET_SYMBOL_MAX && symbol[0] >= 'A' && symbol[0] <= 'Z' &&
           strspn(symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == size;
}

/* The length in front keeps ("ab", "c") and ("a", "bc") apart. */
static void add_text(struct tagged_hash *h, const char *text)
{
    size_t size = strlen(text);
    uint8_t length[4];

    put_be32(length, (uint32_t)size);
    tagged_hash_add(h, length, sizeof(length));
    tagged_hash_add(h, text, size);
}

void asset_id_from_symbol(struct asset_id *asset, const char *chain, const char *symbol)
{
    struct tagged_hash h;
    struct hash id;

    tagged_hash_begin(&h, ASSET_TAG);
    add_text(&h, chain);
    add_text(&h, symbol);
    tagged_hash_end(&h, &id);
    memcpy(asset->bytes, id.bytes, sizeof(asset->bytes));
}
