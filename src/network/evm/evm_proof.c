/* Proofs of what an EVM chain holds: evm_proof.h. */
#include "network/evm/evm_proof.h"

#include "network/evm/merged_mining.h"
#include "network/evm/transaction.h"
#include "network/evm/unitrie.h"

/* A proof being read. `taken` counts the members that were asked for: when it has more, it says something
 * that nobody checked. */
struct reading {
    const json_t *json;
    size_t taken;
    struct arena *arena;
    struct error *error;
};

static const json_t *member(struct reading *r, const char *name)
{
    const json_t *value = json_object_get(r->json, name);
    r->taken += value != NULL;
    return value;
}

static enum status bad(struct reading *r, const char *name)
{
    return error_set(r->error, ERROR_INVALID_PROOF, "the proof's '%s' is missing or not of its form", name);
}

static enum status differs(struct reading *r, const char *name)
{
    return error_set(r->error, ERROR_INVALID_PROOF, "the proof's '%s' is not what is proved", name);
}

static enum status take_data(struct reading *r, const char *name, struct bytes *out)
{
    return reply_data(member(r, name), r->arena, out) ? OK : bad(r, name);
}

static enum status take_nodes(struct reading *r, const char *name, const struct bytes **nodes, size_t *count)
{
    return reply_nodes(member(r, name), r->arena, nodes, count) ? OK : bad(r, name);
}

static enum status take_hash(struct reading *r, const char *name, struct hash *out)
{
    return reply_hash(member(r, name), out) ? OK : bad(r, name);
}

static enum status take_address(struct reading *r, const char *name, struct evm_address *out)
{
    return reply_address(member(r, name), out) ? OK : bad(r, name);
}

static enum status take_number(struct reading *r, const char *name, uint64_t *out)
{
    const json_t *value = member(r, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return bad(r, name);
    *out = (uint64_t)json_integer_value(value);
    return OK;
}

static enum status take_amount(struct reading *r, const char *name, struct u256 *out)
{
    const json_t *value = member(r, name);
    bool read = json_is_string(value) &&
                u256_from_decimal(out, json_string_value(value), json_string_length(value));
    return read ? OK : bad(r, name);
}

static enum status take_end(struct reading *r)
{
    return json_object_size(r->json) == r->taken
               ? OK
               : error_set(r->error, ERROR_INVALID_PROOF, "the proof has members that prove nothing");
}

/* --- headers ----------------------------------------------------------------------------------------- */
struct head { struct hash hash, parent; uint64_t number, timestamp; };

static enum status read_head(struct bytes raw, bool rootstock, struct head *head, struct error *error)
{
    if (rootstock) {
        struct rootstock_header header;
        TRY(rootstock_header_decode(raw, &header, error));
        *head = (struct head){header.hash, header.parent_hash, header.number, header.timestamp};
        return OK;
    }
    struct evm_header header;
    TRY(evm_header_decode(raw, &header, error));
    *head = (struct head){.parent = header.parent_hash, .number = header.number,
                          .timestamp = header.timestamp};
    keccak_hash(&head->hash, raw.data, raw.size); /* there is one encoding: these bytes */
    return OK;
}

/* Each descendant names the one before it as its parent: whoever trusts the last trusts them all. */
static enum status take_headers(struct reading *r, bool rootstock, struct bytes *raw, struct evm_proof *proof)
{
    struct head head, next;
    TRY(take_data(r, "header", raw));
    TRY(read_head(*raw, rootstock, &head, r->error));
    proof->block = head.hash;
    proof->number = head.number;
    proof->timestamp = head.timestamp;
    const json_t *descendants = member(r, "descendants");
    if (!json_is_array(descendants) || json_array_size(descendants) > EVM_PROOF_DESCENDANTS_MAX)
        return bad(r, "descendants");
    for (size_t i = 0; i < json_array_size(descendants); i++) {
        struct bytes bytes;
        if (!reply_data(json_array_get(descendants, i), r->arena, &bytes))
            return bad(r, "descendants");
        TRY(read_head(bytes, rootstock, &next, r->error));
        if (!hash_equal(&next.parent, &head.hash) || next.number != head.number + 1)
            return error_set(r->error, ERROR_INVALID_PROOF, "descendant %zu is not the next block", i);
        head = next;
    }
    proof->vouched = head.hash;
    proof->vouched_number = head.number;
    return OK;
}

/* --- account and storage ----------------------------------------------------------------------------- */
static enum status take_slot(struct reading *outer, const json_t *json, const struct hash *storage_root,
                             struct evm_proof_slot *slot)
{
    struct reading r = {json, 0, outer->arena, outer->error};
    const struct bytes *nodes;
    size_t count;
    struct hash place;
    struct u256 value;
    TRY(take_hash(&r, "slot", &place));
    TRY(take_amount(&r, "value", &slot->value));
    TRY(take_nodes(&r, "nodes", &nodes, &count));
    TRY(take_end(&r));
    memcpy(slot->slot.bytes, place.bytes, sizeof place.bytes);
    TRY(evm_storage_verify(storage_root, &slot->slot, nodes, count, &value, r.error));
    return u256_compare(&value, &slot->value) == 0 ? OK : differs(&r, "value");
}

static enum status same_account(struct reading *r, const struct evm_account *account, bool present)
{
    uint64_t nonce;
    struct u256 balance;
    struct hash storage_root, code_hash;
    const json_t *told = member(r, "present");
    TRY(take_number(r, "nonce", &nonce));
    TRY(take_amount(r, "balance", &balance));
    TRY(take_hash(r, "storage_root", &storage_root));
    TRY(take_hash(r, "code_hash", &code_hash));
    if (!json_is_boolean(told) || json_is_true(told) != present)
        return differs(r, "present");
    if (nonce != account->nonce)
        return differs(r, "nonce");
    if (u256_compare(&balance, &account->balance) != 0)
        return differs(r, "balance");
    if (!hash_equal(&storage_root, &account->storage_root))
        return differs(r, "storage_root");
    return hash_equal(&code_hash, &account->code_hash) ? OK : differs(r, "code_hash");
}

static enum status verify_account(struct reading *r, struct evm_proof *proof)
{
    struct bytes raw;
    struct evm_header header;
    const struct bytes *nodes;
    size_t count;
    TRY(take_headers(r, false, &raw, proof));
    TRY(evm_header_decode(raw, &header, r->error));
    TRY(take_address(r, "address", &proof->address));
    TRY(take_nodes(r, "nodes", &nodes, &count));
    TRY(evm_account_verify(&header.state_root, &proof->address, nodes, count, &proof->present,
                           &proof->account, r->error));
    TRY(same_account(r, &proof->account, proof->present));
    const json_t *slots = member(r, "slots");
    if (!json_is_array(slots) || json_array_size(slots) > EVM_PROOF_SLOTS_MAX)
        return bad(r, "slots");
    proof->slot_count = json_array_size(slots);
    struct evm_proof_slot *list = arena_new(r->arena, (proof->slot_count + 1) * sizeof *list);
    proof->slots = list;
    for (size_t i = 0; i < proof->slot_count; i++)
        TRY(take_slot(r, json_array_get(slots, i), &proof->account.storage_root, &list[i]));
    return OK;
}

/* --- receipts ---------------------------------------------------------------------------------------- */
/* What stands at `index` of a block's list, transactions or receipts, whole. */
static enum status at_index(const struct hash *root, uint64_t index, const struct bytes *nodes, size_t count,
                            struct bytes expected, const char *name, struct reading *r)
{
    uint8_t key[TRIE_INDEX_KEY_MAX];
    bool present;
    struct bytes value;
    size_t size = trie_index_key(key, index);
    TRY(trie_verify(root, bytes_of(key, size), nodes, count, &present, &value, r->error));
    return present && bytes_equal(value, expected) ? OK : differs(r, name);
}

static enum status verify_receipt(struct reading *r, struct evm_proof *proof)
{
    struct bytes raw, receipt, transaction;
    struct evm_header header;
    const struct bytes *nodes;
    size_t count;
    TRY(take_headers(r, false, &raw, proof));
    TRY(evm_header_decode(raw, &header, r->error));
    TRY(take_number(r, "index", &proof->index));
    TRY(take_data(r, "receipt", &receipt));
    TRY(take_nodes(r, "nodes", &nodes, &count));
    TRY(at_index(&header.receipts_root, proof->index, nodes, count, receipt, "receipt", r));
    TRY(evm_receipt_decode(receipt, EVM_RECEIPT_ETHEREUM, r->arena, &proof->receipt, r->error));

    const json_t *told = member(r, "transaction"), *told_nodes = member(r, "transaction_nodes");
    if (told == NULL || told_nodes == NULL || json_is_null(told) != json_is_null(told_nodes))
        return bad(r, "transaction");
    if (json_is_null(told))
        return OK;
    if (!reply_data(told, r->arena, &transaction) || !reply_nodes(told_nodes, r->arena, &nodes, &count))
        return bad(r, "transaction");
    TRY(at_index(&header.transactions_root, proof->index, nodes, count, transaction, "transaction", r));
    proof->has_transaction = true;
    evm_transaction_id(transaction, &proof->transaction);
    return OK;
}

static enum status verify_mining(struct reading *outer, const json_t *json,
                                 const struct rootstock_header *header, struct evm_proof *proof)
{
    struct reading r = {json, 0, outer->arena, outer->error};
    struct bytes merkle_proof, coinbase;
    struct merged_mining finding;
    TRY(take_data(&r, "merkle_proof", &merkle_proof));
    TRY(take_data(&r, "coinbase", &coinbase));
    TRY(take_end(&r));
    TRY(merged_mining_verify(header, merkle_proof, coinbase, &finding, r.error));
    proof->mined = true;
    proof->difficulty = header->difficulty;
    proof->bitcoin_block = finding.bitcoin_block;
    return OK;
}

static enum status verify_rootstock(struct reading *r, struct evm_proof *proof)
{
    struct bytes raw, receipt;
    struct rootstock_header header;
    const struct bytes *nodes;
    size_t count;
    uint8_t key[TRIE_INDEX_KEY_MAX];
    TRY(take_headers(r, true, &raw, proof));
    TRY(rootstock_header_decode(raw, &header, r->error));
    TRY(take_number(r, "index", &proof->index));
    TRY(take_data(r, "receipt", &receipt));
    TRY(take_nodes(r, "nodes", &nodes, &count));
    size_t size = trie_index_key(key, proof->index);
    TRY(unitrie_verify(&header.receipts_root, bytes_of(key, size), receipt, nodes, count, r->error));
    TRY(evm_receipt_decode(receipt, EVM_RECEIPT_ROOTSTOCK, r->arena, &proof->receipt, r->error));
    const json_t *mining = member(r, "mining");
    if (mining == NULL)
        return bad(r, "mining");
    return json_is_null(mining) ? OK : verify_mining(r, mining, &header, proof);
}

/* --- withdrawals ------------------------------------------------------------------------------------- */
static enum status take_withdrawal(struct reading *outer, struct withdrawal *withdrawal)
{
    struct reading r = {member(outer, "withdrawal"), 0, outer->arena, outer->error};
    TRY(take_amount(&r, "nonce", &withdrawal->nonce));
    TRY(take_address(&r, "sender", &withdrawal->sender));
    TRY(take_address(&r, "target", &withdrawal->target));
    TRY(take_amount(&r, "value", &withdrawal->value));
    TRY(take_amount(&r, "gas_limit", &withdrawal->gas_limit));
    TRY(take_data(&r, "data", &withdrawal->data));
    return take_end(&r);
}

static enum status verify_withdrawal(struct reading *r, bool isthmus, struct evm_proof *proof)
{
    struct bytes raw;
    struct evm_header header;
    struct withdrawal withdrawal;
    struct hash told;
    struct withdrawal_proof parts = {.header = &header, .isthmus = isthmus};
    TRY(take_headers(r, false, &raw, proof));
    TRY(evm_header_decode(raw, &header, r->error));
    TRY(take_withdrawal(r, &withdrawal));
    TRY(take_nodes(r, "account_nodes", &parts.account_nodes, &parts.account_count));
    TRY(take_nodes(r, "storage_nodes", &parts.storage_nodes, &parts.storage_count));
    TRY(take_hash(r, "output_root", &told));
    TRY(withdrawal_verify(&withdrawal, &parts, &proof->withdrawal, r->error));
    return hash_equal(&told, &proof->withdrawal.output_root) ? OK : differs(r, "output_root");
}

/* --- all of them ------------------------------------------------------------------------------------- */
static enum status verify_any(struct reading *r, bool isthmus, struct evm_proof *proof)
{
    static const char *const types[] = {[EVM_PROOF_ACCOUNT] = "evm_account",
                                        [EVM_PROOF_RECEIPT] = "evm_receipt",
                                        [EVM_PROOF_WITHDRAWAL] = "op_withdrawal",
                                        [EVM_PROOF_ROOTSTOCK_RECEIPT] = "rootstock_receipt"};
    const char *type = json_string_value(member(r, "type"));
    size_t which = 0;
    while (which < sizeof types / sizeof types[0] && (type == NULL || strcmp(type, types[which]) != 0))
        which++;
    if (which == sizeof types / sizeof types[0])
        return bad(r, "type");
    proof->type = (enum evm_proof_type)which;
    TRY(take_number(r, "chain_id", &proof->chain_id));
    switch (proof->type) {
    case EVM_PROOF_ACCOUNT: return verify_account(r, proof);
    case EVM_PROOF_RECEIPT: return verify_receipt(r, proof);
    case EVM_PROOF_WITHDRAWAL: return verify_withdrawal(r, isthmus, proof);
    case EVM_PROOF_ROOTSTOCK_RECEIPT: return verify_rootstock(r, proof);
    }
    return bad(r, "type");
}

enum status evm_proof_verify(const char *text, bool isthmus, struct arena *arena, struct evm_proof *proof,
                             struct error *error)
{
    AUTO_JSON json_t *json = NULL;
    struct evm_proof found = {0};
    struct error inner = {0};
    size_t size = strlen(text);
    if (size > EVM_PROOF_TEXT_MAX)
        return error_set(error, ERROR_INVALID_PROOF, "the proof has %zu bytes, %zu is the most", size,
                         EVM_PROOF_TEXT_MAX);
    struct reading r = {.arena = arena, .error = &inner};
    enum status status = json_parse(text, size, &json, &inner);
    r.json = json;
    if (status == OK)
        status = verify_any(&r, isthmus, &found);
    if (status == OK)
        status = take_end(&r);
    /* Whatever is wrong with it, it is no proof. */
    if (status != OK)
        return error_set(error, ERROR_INVALID_PROOF, "%s", inner.message);
    *proof = found;
    return OK;
}
