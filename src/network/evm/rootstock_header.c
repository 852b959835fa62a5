/* Rootstock headers. Fields are kept as they stand in the raw bytes, and what is hashed is put together
 * from those: rskj writes some integers with a sign byte, which must come out again. */
#include "network/evm/rootstock_header.h"

#include <string.h>

#include "base/memory.h"

/* Places in the list. */
#define BLOOM_AT 6
#define PLAIN_FIELDS 16      /* to the ommer count; all headers have them */
#define UMM_AT 16
#define VERSION_AT 17
#define EXTRAS_MAX 4         /* umm root, version, edges, base event */
#define MINING_MAX 3         /* Bitcoin's header; the branch, the coinbase */
#define FIELDS_MAX (PLAIN_FIELDS + EXTRAS_MAX + MINING_MAX)
#define BASE_EVENT_MAX 128   /* RSKIP535 */
#define EXTRA_DATA_MAX 1024

/* An integer as Java writes it: big-endian with a sign, so that a zero byte may come first; one zero byte
 * for zero. */
static bool signed_u256(const struct rlp_item *item, struct u256 *value)
{
    struct bytes bytes = item->content;

    if (item->list)
        return false;
    if (bytes.size > 0 && bytes.data[0] == 0)
        bytes = bytes_of(bytes.data + 1, bytes.size - 1);
    return u256_from_bytes(value, bytes.data, bytes.size);
}

static bool signed_u64(const struct rlp_item *item, uint64_t *value)
{
    struct u256 wide;

    return signed_u256(item, &wide) && u256_to_u64(&wide, value);
}

static bool read_plain(const struct rlp_item *items, struct rootstock_header *header)
{
    header->logs_bloom = items[BLOOM_AT].content;
    header->extra_data = items[12].content;
    return rlp_fixed(&items[0], header->parent_hash.bytes, sizeof header->parent_hash.bytes) &&
           rlp_fixed(&items[1], header->ommers_hash.bytes, sizeof header->ommers_hash.bytes) &&
           rlp_fixed(&items[2], header->coinbase.bytes, sizeof header->coinbase.bytes) &&
           rlp_fixed(&items[3], header->state_root.bytes, sizeof header->state_root.bytes) &&
           rlp_fixed(&items[4], header->transactions_root.bytes, sizeof header->transactions_root.bytes) &&
           rlp_fixed(&items[5], header->receipts_root.bytes, sizeof header->receipts_root.bytes) &&
           !items[BLOOM_AT].list && header->logs_bloom.size == EVM_BLOOM_SIZE &&
           signed_u256(&items[7], &header->difficulty) && rlp_u64(&items[8], &header->number) &&
           signed_u64(&items[9], &header->gas_limit) && signed_u64(&items[10], &header->gas_used) &&
           rlp_u64(&items[11], &header->timestamp) && !items[12].list &&
           header->extra_data.size <= EXTRA_DATA_MAX && signed_u256(&items[13], &header->paid_fees) &&
           signed_u256(&items[14], &header->minimum_gas_price) && rlp_u64(&items[15], &header->ommer_count);
}

/* How many of the list's last fields are of merged mining: three, one (the Bitcoin header alone, as in the
 * raw header that servers give), or none. Nothing else at these places has a Bitcoin header's size. */
static size_t mining_fields(const struct rlp_item *items, size_t count)
{
    if (count >= PLAIN_FIELDS + MINING_MAX && items[count - MINING_MAX].content.size == BITCOIN_HEADER_SIZE)
        return MINING_MAX;
    return count > PLAIN_FIELDS && items[count - 1].content.size == BITCOIN_HEADER_SIZE ? 1 : 0;
}

static void read_mining(const struct rlp_item *items, size_t count, size_t mining,
                        struct rootstock_header *header)
{
    if (mining == 0)
        return;
    header->mined = true;
    header->bitcoin_header = items[count - mining].content;
    if (mining < MINING_MAX)
        return;
    header->has_mining_proof = true;
    header->merkle_proof = items[count - 2].content;
    header->bitcoin_coinbase = items[count - 1].content;
}

/* Between the plain fields and those of merged mining: the umm root; the version with its extension's
 * fields. Version 2 always has a base event; either version may have the edges before that. */
static bool read_extras(const struct rlp_item *items, size_t extras, struct rootstock_header *header)
{
    uint64_t version;

    if (extras == 0)
        return true;
    header->has_umm = true;
    header->umm_root = items[UMM_AT].content;
    if (header->umm_root.size != 0 && header->umm_root.size != ROOTSTOCK_UMM_SIZE)
        return false;
    if (extras == 1)
        return true;
    if (!rlp_u64(&items[VERSION_AT], &version) || version < 1 || version > 2)
        return false;
    header->version = (unsigned)version;
    size_t more = extras - 2, events = version == 2 ? 1 : 0;
    if (more < events || more > events + 1)
        return false;
    header->has_edges = more > events;
    if (header->has_edges)
        header->edges = items[VERSION_AT + 1].content;
    if (events > 0)
        header->base_event = items[VERSION_AT + more].content;
    return header->base_event.size <= BASE_EVENT_MAX;
}

/* --- what is hashed --------------------------------------------------------------------------------------
 */
/* RSKIP351: [version, Keccak-256 of [Keccak-256 of the bloom, base event (version 2), edges]], as a string.
 */
static void append_extension(const struct rootstock_header *header, struct buffer *out)
{
    CLEANUP(buffer_close) struct buffer fields = { 0 };
    struct hash hash;

    keccak_hash(&hash, header->logs_bloom.data, header->logs_bloom.size);
    size_t list = rlp_list_begin(&fields);
    rlp_append(&fields, hash.bytes, sizeof hash.bytes);
    if (header->version == 2)
        rlp_append(&fields, header->base_event.data, header->base_event.size);
    if (header->has_edges)
        rlp_append(&fields, header->edges.data, header->edges.size);
    rlp_list_end(&fields, list);
    keccak_hash(&hash, fields.data, fields.size);

    buffer_clear(&fields);
    list = rlp_list_begin(&fields);
    rlp_append_u64(&fields, header->version);
    rlp_append(&fields, hash.bytes, sizeof hash.bytes);
    rlp_list_end(&fields, list);
    rlp_append(out, fields.data, fields.size);
}

static void append_item(struct buffer *out, const struct rlp_item *item)
{
    buffer_append(out, item->encoding.data, item->encoding.size);
}

static void compressed_hash(const struct rootstock_header *header, const struct rlp_item *items,
                            bool with_mining, struct hash *hash)
{
    CLEANUP(buffer_close) struct buffer out = { 0 };

    size_t list = rlp_list_begin(&out);
    for (size_t i = 0; i < PLAIN_FIELDS; i++) {
        if (i == BLOOM_AT && header->version > 0)
            append_extension(header, &out);
        else
            append_item(&out, &items[i]);
    }
    if (header->has_umm)
        append_item(&out, &items[UMM_AT]);
    if (with_mining && header->mined)
        rlp_append(&out, header->bitcoin_header.data, header->bitcoin_header.size);
    rlp_list_end(&out, list);
    keccak_hash(hash, out.data, out.size);
}

/* RSKIP176: with an umm root, the first 20 bytes are hashed once more together with it. */
static void mining_hash(struct rootstock_header *header, const struct rlp_item *items)
{
    uint8_t pair[2 * ROOTSTOCK_UMM_SIZE];

    compressed_hash(header, items, false, &header->mining_hash);
    if (header->umm_root.size != ROOTSTOCK_UMM_SIZE)
        return;
    memcpy(pair, header->mining_hash.bytes, ROOTSTOCK_UMM_SIZE);
    memcpy(pair + ROOTSTOCK_UMM_SIZE, header->umm_root.data, ROOTSTOCK_UMM_SIZE);
    keccak_hash(&header->mining_hash, pair, sizeof pair);
}

enum status rootstock_header_decode(struct bytes raw, struct rootstock_header *header, struct error *error)
{
    struct rlp_item list, items[FIELDS_MAX];
    struct rootstock_header read = { 0 };
    size_t count;

    if (!rlp_decode(raw, &list) || !rlp_items(&list, items, FIELDS_MAX, &count) || count < PLAIN_FIELDS)
        return error_set(error, ERROR_EVM_ENCODING, "not one list of %d to %d fields", PLAIN_FIELDS,
                         FIELDS_MAX);
    for (size_t i = PLAIN_FIELDS; i < count; i++) {
        if (items[i].list)
            return error_set(error, ERROR_EVM_ENCODING, "field %zu of the header is a list", i);
    }
    if (!read_plain(items, &read))
        return error_set(error, ERROR_EVM_ENCODING, "a field of the header is none");
    size_t mining = mining_fields(items, count), extras = count - PLAIN_FIELDS - mining;
    if (extras > EXTRAS_MAX || !read_extras(items, extras, &read))
        return error_set(error, ERROR_EVM_ENCODING, "%zu fields, which make no version of a header", count);
    read_mining(items, count, mining, &read);
    compressed_hash(&read, items, true, &read.hash);
    mining_hash(&read, items);
    *header = read;
    return OK;
}
