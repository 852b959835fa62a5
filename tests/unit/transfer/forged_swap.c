/* Swaps on a chain of a test's own making: see forged_swap.h. */
#include "forged_swap.h"

#include <stdlib.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "network/evm/abi.h"
#include "network/evm/contracts.h"
#include "network/evm/evm_proof.h"

#define PLACE "evm:link"
#define DEADLINE_S 1700001000
#define CLAIM_BLOCK 120
#define RECEIPTS 3
#define AT 1 /* which of them is ours */
#define LEAVES 5

static struct evm_address address_of(uint8_t byte)
{
    struct evm_address address;

    memset(address.bytes, byte, sizeof(address.bytes));
    return address;
}

static void address_hex(char out[43], const struct evm_address *address)
{
    memcpy(out, "0x", 3);
    hex_text(out + 2, address->bytes, sizeof(address->bytes));
}

static struct bytes keep(struct arena *arena, const struct buffer *buffer)
{
    uint8_t *copy = arena_new(arena, buffer->size + 1);

    memcpy(copy, buffer->data, buffer->size);
    return bytes_of(copy, buffer->size);
}

/* --- what stands in blocks -------------------------------------------------------------------------- */
static struct hash word_of(const struct evm_address *address)
{
    struct hash word = { { 0 } };

    memcpy(word.bytes + 12, address->bytes, sizeof(address->bytes));
    return word;
}

static struct evm_log locked_log(struct scene *s)
{
    const struct abi_value values[] = { abi_address(&s->terms.token), abi_number(&s->terms.amount),
                                        abi_word(&s->terms.hash),
                                        abi_small(ABI_UINT64, s->terms.deadline_s) };
    struct evm_log log = { .address = s->terms.contract, .topic_count = 4 };
    struct buffer data CLEANUP(buffer_close) = { 0 };

    abi_topic(EVM_SWAP_EVENT_LOCKED, &log.topics[0]);
    log.topics[1] = s->id;
    log.topics[2] = word_of(&s->terms.sender);
    log.topics[3] = word_of(&s->terms.recipient);
    abi_encode(values, COUNT_OF(values), &data);
    log.data = keep(&s->arena, &data);
    return log;
}

static struct evm_log claimed_log(struct scene *s)
{
    struct hash other = { { 4 } };
    struct evm_log log = { .address = s->lie == LIE_CLAIM_BY_OTHER_CONTRACT ? address_of(0x99)
                                                                            : s->terms.contract,
                           .topic_count = 2 };
    struct abi_value value = abi_word(s->lie == LIE_CLAIM_BY_OTHER_SECRET ? &other : &s->secret);
    struct buffer data CLEANUP(buffer_close) = { 0 };

    abi_topic(EVM_SWAP_EVENT_CLAIMED, &log.topics[0]);
    log.topics[1] = s->lie == LIE_CLAIM_OF_OTHER_LOCK ? other : s->id;
    abi_encode(&value, 1, &data);
    log.data = keep(&s->arena, &data);
    return log;
}

/* Before it stands another contract's, which says the same with other terms. */
static struct bytes receipt_with(struct scene *s, const struct evm_log *log, bool absent, bool failed)
{
    struct evm_log logs[2] = { *log, *log };
    struct evm_receipt receipt = { .shape = s->is_rootstock ? EVM_RECEIPT_ROOTSTOCK : EVM_RECEIPT_ETHEREUM,
                                   .type = s->is_rootstock ? 0 : 2, .succeeded = !failed,
                                   .cumulative_gas = 100000, .log_count = absent ? 1 : 2, .logs = logs,
                                   .gas_used = s->is_rootstock ? 50000 : 0 };
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct error error;

    logs[0].address = address_of(0x66);
    evm_receipt_bloom(logs, receipt.log_count, receipt.bloom);
    assert_int_equal(evm_receipt_encode(&receipt, &out, &error), OK);
    return keep(&s->arena, &out);
}

/* --- blocks ----------------------------------------------------------------------------------------- */
struct block {
    struct bytes header, receipt;
    const struct bytes *nodes;
    size_t node_count;
    struct hash hash;
};

static void add_list(struct scene *s, struct block *block, struct hash *root)
{
    struct bytes list[RECEIPTS];
    struct trie *trie;
    struct error error;
    uint8_t key[TRIE_INDEX_KEY_MAX];

    for (size_t i = 0; i < RECEIPTS; i++) {
        struct evm_log log = { .address = address_of((uint8_t)(i + 1)) };

        list[i] = i == AT ? block->receipt : receipt_with(s, &log, true, false);
    }
    assert_int_equal(trie_of_list(list, RECEIPTS, &s->arena, &trie, &error), OK);
    *root = *trie_root(trie);
    trie_prove(trie, bytes_of(key, trie_index_key(key, AT)), &s->arena, &block->nodes, &block->node_count);
}

static void ethereum_block(struct scene *s, struct block *block, uint64_t number, uint64_t time_s,
                           const struct hash *state_root)
{
    struct evm_header header = { .fields = EVM_HEADER_FIELDS_MOST, .number = number, .timestamp = time_s,
                                 .gas_limit = 30000000, .base_fee = u256_of(7), .state_root = *state_root };
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct error error;

    add_list(s, block, &header.receipts_root);
    assert_int_equal(evm_header_encode(&header, &out, &error), OK);
    block->header = keep(&s->arena, &out);
    keccak_hash(&block->hash, block->header.data, block->header.size);
}

/* One receipt alone: the trie is a leaf with the key of index 0, whose value is too long to stand in it. */
static void rootstock_block(struct scene *s, struct block *block, uint64_t number, uint64_t time_s)
{
    static const uint8_t blank[EVM_BLOOM_SIZE];
    struct buffer node CLEANUP(buffer_close) = { 0 };
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct bytes *nodes = arena_new(&s->arena, sizeof(*nodes));
    uint8_t size[3] = { 0, (uint8_t)(block->receipt.size >> 8), (uint8_t)block->receipt.size };
    struct hash value, root;
    size_t list;

    keccak_hash(&value, block->receipt.data, block->receipt.size);
    buffer_append(&node, "\x70\x07\x80", 3);
    buffer_append(&node, value.bytes, sizeof(value.bytes));
    buffer_append(&node, size, sizeof(size));
    keccak_hash(&root, node.data, node.size);
    list = rlp_list_begin(&out);
    rlp_append(&out, blank, 32); /* parent */
    rlp_append(&out, blank, 32); /* ommers */
    rlp_append(&out, blank, EVM_ADDRESS_SIZE);
    rlp_append(&out, blank, 32); /* state */
    rlp_append(&out, blank, 32); /* transactions */
    rlp_append(&out, root.bytes, sizeof(root.bytes));
    rlp_append(&out, blank, EVM_BLOOM_SIZE);
    rlp_append_u64(&out, 1); /* difficulty */
    rlp_append_u64(&out, number);
    rlp_append(&out, "\x67\xc2\x80", 3); /* gas limit */
    rlp_append_u64(&out, 50000);
    rlp_append_u64(&out, time_s);
    rlp_append(&out, NULL, 0);
    rlp_append_u64(&out, 0); /* paid fees */
    rlp_append_u64(&out, 60000000);
    rlp_append_u64(&out, 0);
    rlp_list_end(&out, list);
    block->header = keep(&s->arena, &out);
    keccak_hash(&block->hash, block->header.data, block->header.size);
    nodes[0] = keep(&s->arena, &node);
    block->nodes = nodes;
    block->node_count = 1;
}

/* --- the state -------------------------------------------------------------------------------------- */
struct state {
    struct hash root;
    struct evm_account account;
    struct evm_address address;
    struct u256 slot, value;
    const struct bytes *account_nodes, *slot_nodes;
    size_t account_count, slot_count;
};

/* A trie of five keys of which one is `key`, as tries of states and storages have them: hashed. */
static void grow(struct scene *s, struct bytes key, struct bytes value, struct hash *root,
                 const struct bytes **nodes, size_t *count)
{
    struct trie_leaf leaves[LEAVES];
    struct hash *keys = arena_new(&s->arena, LEAVES * sizeof(*keys));
    struct trie *trie;
    struct error error;

    for (size_t i = 0; i < LEAVES; i++) {
        uint8_t seed = (uint8_t)i;

        keccak_hash(&keys[i], i == 0 ? key.data : &seed, i == 0 ? key.size : 1);
        leaves[i] = (struct trie_leaf){ bytes_of(keys[i].bytes, 32),
                                        i == 0 ? value : bytes_of(keys[i].bytes, 32) };
    }
    assert_int_equal(trie_build(leaves, LEAVES, &s->arena, &trie, &error), OK);
    *root = *trie_root(trie);
    trie_prove(trie, bytes_of(keys[0].bytes, 32), &s->arena, nodes, count);
}

static void make_state(struct scene *s, struct state *state)
{
    struct bytes code = contract_hash_lock_code();
    struct buffer value CLEANUP(buffer_close) = { 0 };
    struct buffer account CLEANUP(buffer_close) = { 0 };
    struct hash other = { { 5 } };

    memset(state, 0, sizeof(*state));
    state->address = s->lie == LIE_OTHER_ACCOUNT ? address_of(0x44) : s->terms.contract;
    evm_swap_slot(s->lie == LIE_OTHER_SLOT ? &other : &s->id, &state->slot);
    state->value.bytes[3] = s->lie == LIE_OTHER_STATE ? EVM_SWAP_REFUNDED : EVM_SWAP_CLAIMED;
    put_be64(state->value.bytes + 4, s->terms.deadline_s);
    memcpy(state->value.bytes + 12, s->terms.sender.bytes, EVM_ADDRESS_SIZE);
    rlp_append_u256(&value, &state->value);
    grow(s, bytes_of(state->slot.bytes, 32), keep(&s->arena, &value), &state->account.storage_root,
         &state->slot_nodes, &state->slot_count);
    state->account.nonce = 1;
    keccak_hash(&state->account.code_hash, code.data, code.size - (s->lie == LIE_OTHER_CODE ? 1 : 0));
    evm_account_encode(&state->account, &account);
    grow(s, bytes_of(state->address.bytes, EVM_ADDRESS_SIZE), keep(&s->arena, &account), &state->root,
         &state->account_nodes, &state->account_count);
}

/* --- proofs ----------------------------------------------------------------------------------------- */
static void write_nodes(struct writer *w, const char *key, const struct bytes *nodes, size_t count)
{
    writer_key(w, key);
    writer_array_begin(w);
    for (size_t i = 0; i < count; i++)
        writer_data(w, nodes[i].data, nodes[i].size);
    writer_array_end(w);
}

static void write_null(struct writer *w, const char *key)
{
    writer_key(w, key);
    writer_null(w);
}

static void write_head(struct scene *s, enum bundle_step step, const char *type, const struct block *block,
                       struct writer *w)
{
    bool other = s->lie == LIE_CHAIN || (s->lie == LIE_CHAIN_OF_CLAIM && step == BUNDLE_CLAIM);

    writer_object_begin(w);
    writer_member_text(w, "type", type);
    writer_member_unsigned(w, "chain_id", other ? FORGED_CHAIN + 1 : FORGED_CHAIN);
    writer_member_data(w, "header", block->header.data, block->header.size);
    write_nodes(w, "descendants", NULL, 0);
}

static void take_proof(struct scene *s, enum bundle_step step, uint64_t number, const struct block *block,
                       struct buffer *text)
{
    struct fact *fact = &s->facts[step];

    fact->number = number;
    hex_text(fact->block, block->hash.bytes, sizeof(block->hash.bytes));
    json_object_set_new(s->proofs, bundle_step_name(step), json_loads(buffer_text(text), 0, NULL));
}

static void prove_receipt(struct scene *s, enum bundle_step step, uint64_t number, const struct block *block)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    write_head(s, step, s->is_rootstock ? "rootstock_receipt" : "evm_receipt", block, &w);
    writer_member_unsigned(&w, "index", s->is_rootstock ? 0 : AT);
    writer_member_data(&w, "receipt", block->receipt.data, block->receipt.size);
    write_nodes(&w, "nodes", block->nodes, block->node_count);
    if (s->is_rootstock) {
        write_null(&w, "mining");
    } else {
        write_null(&w, "transaction");
        write_null(&w, "transaction_nodes");
    }
    writer_object_end(&w);
    take_proof(s, step, number, block, &text);
}

static void prove_contract(struct scene *s, uint64_t number, const struct block *block,
                           const struct state *state)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    char decimal[U256_DECIMAL_MAX];
    struct writer w;

    writer_init(&w, &text);
    write_head(s, BUNDLE_CONTRACT, "evm_account", block, &w);
    writer_member_data(&w, "address", state->address.bytes, EVM_ADDRESS_SIZE);
    writer_member_boolean(&w, "present", true);
    writer_member_unsigned(&w, "nonce", state->account.nonce);
    writer_member_text(&w, "balance", "0");
    writer_member_data(&w, "storage_root", state->account.storage_root.bytes, 32);
    writer_member_data(&w, "code_hash", state->account.code_hash.bytes, 32);
    write_nodes(&w, "nodes", state->account_nodes, state->account_count);
    writer_key(&w, "slots");
    writer_array_begin(&w);
    writer_object_begin(&w);
    writer_member_data(&w, "slot", state->slot.bytes, 32);
    writer_member_text(&w, "value", u256_decimal(decimal, &state->value));
    write_nodes(&w, "nodes", state->slot_nodes, state->slot_count);
    writer_object_end(&w);
    writer_array_end(&w);
    writer_object_end(&w);
    take_proof(s, BUNDLE_CONTRACT, number, block, &text);
}

static void make_proofs(struct scene *s)
{
    uint64_t claim_number = s->lie == LIE_CLAIM_BEFORE_LOCK ? FORGED_LOCK_BLOCK - 1 : CLAIM_BLOCK;
    uint64_t claim_s = s->lie == LIE_CLAIM_TOO_LATE ? DEADLINE_S : DEADLINE_S - 1;
    struct evm_log locked = locked_log(s), claimed = claimed_log(s);
    struct block lock = { .receipt = receipt_with(s, &locked, s->lie == LIE_LOCK_ABSENT,
                                                  s->lie == LIE_LOCK_FAILED) };
    struct block claim = { .receipt = receipt_with(s, &claimed, s->lie == LIE_CLAIM_ABSENT,
                                                   s->lie == LIE_CLAIM_FAILED) };
    struct state state;

    make_state(s, &state);
    if (s->is_rootstock) {
        rootstock_block(s, &lock, FORGED_LOCK_BLOCK, DEADLINE_S - 500);
        rootstock_block(s, &claim, claim_number, claim_s);
    } else {
        ethereum_block(s, &lock, FORGED_LOCK_BLOCK, DEADLINE_S - 500, &state.root);
        ethereum_block(s, &claim, claim_number, claim_s, &state.root);
    }
    s->proofs = json_object();
    prove_receipt(s, BUNDLE_LOCK, FORGED_LOCK_BLOCK, &lock);
    prove_receipt(s, BUNDLE_CLAIM, claim_number, &claim);
    if (!s->is_rootstock && !s->no_contract)
        prove_contract(s, s->lie == LIE_CONTRACT_OF_LOCK_BLOCK ? FORGED_LOCK_BLOCK : claim_number,
                       s->lie == LIE_CONTRACT_OF_LOCK_BLOCK ? &lock : &claim, &state);
}

/* --- the proofs, meddled with ----------------------------------------------------------------------- */
/* A hex digit of a text becomes another one. */
static void change_digit(json_t *object, const char *name, size_t from_end)
{
    char *text = text_copy(json_string_value(json_object_get(object, name)));
    size_t at = strlen(text) - 1 - from_end;

    text[at] = text[at] == '0' ? '1' : '0';
    json_object_set_new(object, name, json_string(text));
    free(text);
}

static void change_node(json_t *object)
{
    json_t *nodes = json_object_get(object, "nodes");
    char *text = text_copy(json_string_value(json_array_get(nodes, 0)));

    text[10] = text[10] == '0' ? '1' : '0';
    json_array_set_new(nodes, 0, json_string(text));
    free(text);
}

static void meddle(struct scene *s)
{
    json_t *lock = json_object_get(s->proofs, "lock"), *claim = json_object_get(s->proofs, "claim");
    json_t *contract = json_object_get(s->proofs, "contract");

    if (s->lie == LIE_INDEX)
        json_object_set_new(lock, "index", json_integer(AT - 1));
    if (s->lie == LIE_NODE)
        change_node(lock);
    if (s->lie == LIE_RECEIPT)
        change_digit(claim, "receipt", 1);
    if (s->lie == LIE_HEADER) /* its last field: it is another block, and the proof under it as good */
        change_digit(lock, "header", 10);
    if (s->lie == LIE_KINDS)
        json_object_set(s->proofs, "claim", contract);
    if (s->lie == LIE_SLOT_VALUE)
        json_object_set_new(json_array_get(json_object_get(contract, "slots"), 0), "value", json_string("7"));
    if (s->lie == LIE_MEMBER)
        json_object_set_new(lock, "note", json_string("trust me"));
    if (s->lie == LIE_NO_LOCK)
        json_object_del(s->proofs, "lock");
    if (s->lie == LIE_NO_CLAIM)
        json_object_del(s->proofs, "claim");
    if (s->lie == LIE_FOURTH)
        json_object_set(s->proofs, "another", lock);
}

static void hash_proofs(struct scene *s)
{
    for (size_t i = 0; i < BUNDLE_STEPS; i++) {
        const json_t *proof = json_object_get(s->proofs, bundle_step_name((enum bundle_step)i));
        struct buffer text CLEANUP(buffer_close) = { 0 };
        struct error error;
        struct hash hash;

        if (proof == NULL)
            continue;
        assert_int_equal(json_canonical(proof, &text, &error), OK);
        sha256(&hash, text.data, text.size);
        hex_text(s->facts[i].text, hash.bytes, sizeof(hash.bytes));
    }
}

/* --- the log ---------------------------------------------------------------------------------------- */
static void add_proved(struct scene *s, struct forged_log *log, enum bundle_step step)
{
    bool lies = step == BUNDLE_CLAIM;
    bool other_chain = s->lie == LIE_CHAIN || (lies && s->lie == LIE_LOGGED_CHAIN);
    struct fact *fact = &s->facts[step];
    const char *none = FORGED_ESCROW;

    if (json_object_get(s->proofs, bundle_step_name(step)) == NULL &&
        !(s->lie == LIE_EVENT_WITHOUT_PROOF && step == BUNDLE_CONTRACT))
        return;
    if (lies && s->lie == LIE_NO_EVENT)
        return;
    forged_add(log, "transfer.proved", "transfer/" FORGED_TRANSFER, json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:s, s:s}", "side", s->is_source ? "source" : "destination", "step",
        bundle_step_name(lies && s->lie == LIE_EVENT_OF_OTHER_STEP ? BUNDLE_LOCK : step), "place",
        lies && s->lie == LIE_PLACE ? "evm:other" : PLACE, "chain_id",
        (json_int_t)(other_chain ? FORGED_CHAIN + 1 : FORGED_CHAIN), "number",
        (json_int_t)(fact->number + (lies && s->lie == LIE_NUMBER ? 1 : 0)), "block",
        lies && s->lie == LIE_BLOCK ? none : fact->block, "proof",
        lies && s->lie == LIE_PROOF_HASH ? none : fact->text));
}

static void tell(struct scene *s, struct forged_log *log)
{
    char from[43], to[43], token[43], amount[U256_DECIMAL_MAX], reference[65];
    struct evm_address stranger = address_of(0x55);
    const char *hash = s->hash_hex;
    int own_amount = s->lie == LIE_OWN_AMOUNT ? 1 : s->is_source ? 10 : 12;
    const char *own_asset = s->lie == LIE_OWN_ASSET ? "TIN" : "GOLD";
    struct forged_leg here = { "base", s->is_source ? "bob" : "alice", s->is_source ? "carol" : "bob",
                               own_asset, own_amount == 1 ? "1" : s->is_source ? "10" : "12" };
    struct forged_leg there = { PLACE, from, to, s->has_token ? token : "coin", amount };
    int64_t expiry_us = (int64_t)(DEADLINE_S + (s->lie == LIE_EXPIRY ? 1 : 0)) * MICROSECONDS_PER_SECOND;
    json_t *own, *foreign;

    address_hex(from, s->lie == LIE_SENDER ? &stranger : &s->terms.sender);
    address_hex(to, s->lie == LIE_RECIPIENT ? &stranger : &s->terms.recipient);
    address_hex(token, s->lie == LIE_ASSET ? &stranger : &s->terms.token);
    snprintf(amount, sizeof(amount), "%s", s->lie == LIE_AMOUNT        ? "1001"
                                           : s->lie == LIE_AMOUNT_FORM ? "0x3e8"
                                                                       : "1000");
    hex_text(reference, s->id.bytes, sizeof(s->id.bytes));
    if (s->lie == LIE_REFERENCE)
        reference[5] = reference[5] == '0' ? '1' : '0';
    forged_add(log, "transfer.initiated", "transfer/" FORGED_TRANSFER,
               forged_terms(s->is_source ? &there : &here, s->is_source ? &here : &there, hash));
    forged_add(log, "ledger.escrow_locked", "escrow/" FORGED_ESCROW,
               json_pack("{s:s, s:s, s:s, s:i, s:s}", "from", here.from, "to", here.to, "asset", own_asset,
                         "amount", own_amount, "hash", hash));
    own = forged_locked("base", FORGED_ESCROW,
                        (int64_t)(DEADLINE_S + (s->is_source ? -900 : 900)) * MICROSECONDS_PER_SECOND);
    foreign = forged_locked(PLACE, reference, expiry_us);
    forged_add(log, "transfer.source_locked", "transfer/" FORGED_TRANSFER, s->is_source ? foreign : own);
    add_proved(s, log, BUNDLE_LOCK);
    forged_add(log, "transfer.destination_locked", "transfer/" FORGED_TRANSFER, s->is_source ? own : foreign);
    forged_add(log, "transfer.claimed", "transfer/" FORGED_TRANSFER,
               json_pack("{s:s}", "preimage", s->secret_hex));
    forged_add(log, "ledger.escrow_claimed", "escrow/" FORGED_ESCROW,
               json_pack("{s:s, s:s, s:i}", "preimage", s->secret_hex, "to", here.to, "amount", own_amount));
    forged_add(log, "transfer.settled", "transfer/" FORGED_TRANSFER,
               json_pack("{s:s, s:i, s:i}", "preimage", s->secret_hex, "amount", 10, "fee", 2));
    add_proved(s, log, BUNDLE_CLAIM); /* as networks do: at their leisure */
    add_proved(s, log, BUNDLE_CONTRACT);
}

static json_t *networks_of(struct scene *s)
{
    const char *side = s->is_source ? "source" : "destination";
    json_t *networks = json_object();

    if (s->lie != LIE_NO_SIDE)
        json_object_set(networks, side, s->proofs);
    if (s->lie == LIE_OTHER_SIDE || s->lie == LIE_NO_SIDE)
        json_object_set(networks, s->is_source ? "destination" : "source", s->proofs);
    return networks;
}

char *forged_swap_bundle(struct scene *s, struct buffer *key)
{
    struct forged_log log CLEANUP(forged_close);
    const char *format = s->lie == LIE_FORMAT_ONE ? BUNDLE_FORMAT
                         : s->lie == LIE_FORMAT   ? "layerd/transfer-proof/3"
                                                  : BUNDLE_FORMAT_NETWORKS;
    char *text;

    forged_open(&log);
    arena_init(&s->arena);
    memset(s->secret.bytes, 0x33, sizeof(s->secret.bytes));
    sha256(&s->hash, s->secret.bytes, sizeof(s->secret.bytes));
    hex_text(s->secret_hex, s->secret.bytes, sizeof(s->secret.bytes));
    hex_text(s->hash_hex, s->hash.bytes, sizeof(s->hash.bytes));
    s->terms = (struct evm_swap_terms){ .contract = address_of(0xc0), .sender = address_of(0xa1),
                                        .recipient = address_of(0xb2), .amount = u256_of(1000),
                                        .hash = s->hash, .deadline_s = DEADLINE_S };
    if (s->has_token)
        s->terms.token = address_of(0xd3);
    if (s->lie == LIE_HASH)
        s->terms.hash.bytes[0] ^= 1;
    evm_swap_id(FORGED_CHAIN, &s->terms, &s->id);
    make_proofs(s);
    meddle(s);
    hash_proofs(s);
    tell(s, &log);
    text = forged_bundle(&log, format, s->secret_hex, s->lie == LIE_NO_NETWORKS ? NULL : networks_of(s), key);
    json_decref(s->proofs);
    arena_close(&s->arena);
    return text;
}
