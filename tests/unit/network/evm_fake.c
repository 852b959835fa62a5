/* A server in the process: evm_fake.h. The functions of endpoint.h and json_rpc.h that the client uses. */
#include "evm_fake.h"

#include "crypto/hash.h"
#include "network/evm/abi.h"
#include "network/evm/header.h"
#include "network/evm/merged_mining.h"

#define RULES_MAX 64

struct rule {
    char method[64];
    bool set;
    size_t asked;
    json_t *result;      /* an answer */
    int64_t code;        /* a refusal */
    char message[256];
    json_t *data;
    enum status status;  /* neither */
};

static struct {
    bool rootstock;
    size_t count;
    struct fake_block blocks[FAKE_BLOCKS_MAX];
    struct rule rules[RULES_MAX];
    struct hash receipts_root, state_root;
    size_t blamed, exchanges;
    uint64_t gas; /* that eth_call needs */
    uint64_t safe, final;
} fake;

/* --- the chain --------------------------------------------------------------------------------------- */
static void drop_block(struct fake_block *block)
{
    json_decref(block->json);
    buffer_close(&block->header);
}

static void ethereum_block(struct fake_block *block, const struct hash *parent, uint64_t number,
                           unsigned fork)
{
    struct evm_header header = {.fields = 16, .parent_hash = *parent, .number = number,
                                .state_root = fake.state_root,
                                .timestamp = 1700000000 + 2 * number, .gas_limit = 30000000,
                                .gas_used = fork, .base_fee = u256_of(1000000000)};
    struct error error = {0};
    assert_int_equal(evm_header_encode(&header, &block->header, &error), OK);
    keccak_hash(&block->hash, block->header.data, block->header.size);
    block->json = json_pack(
        "{so so so so so so so so so so so so so so so so so}",
        "hash", json_data(block->hash.bytes, 32), "parentHash", json_data(parent->bytes, 32),
        "sha3Uncles", json_data(header.ommers_hash.bytes, 32),
        "miner", json_data(header.beneficiary.bytes, 20),
        "stateRoot", json_data(header.state_root.bytes, 32),
        "transactionsRoot", json_data(header.transactions_root.bytes, 32),
        "receiptsRoot", json_data(header.receipts_root.bytes, 32),
        "logsBloom", json_data(header.logs_bloom, EVM_BLOOM_SIZE), "difficulty", json_quantity(0),
        "number", json_quantity(number), "gasLimit", json_quantity(header.gas_limit),
        "gasUsed", json_quantity(header.gas_used), "timestamp", json_quantity(header.timestamp),
        "extraData", json_data(NULL, 0), "mixHash", json_data(header.mix_hash.bytes, 32),
        "nonce", json_data(header.nonce, 8), "baseFeePerGas", json_amount(&header.base_fee));
}

/* The sixteen fields that every header of Rootstock has, and Bitcoin's header where it is mined. */
static void rootstock_header(struct buffer *out, const struct hash *parent, uint64_t number, unsigned fork,
                             const uint8_t *bitcoin)
{
    static const uint8_t blank[EVM_BLOOM_SIZE];
    size_t list = rlp_list_begin(out);
    rlp_append(out, parent->bytes, 32);
    rlp_append(out, blank, 32);
    rlp_append(out, blank, EVM_ADDRESS_SIZE);
    rlp_append(out, blank, 32);
    rlp_append(out, blank, 32);
    rlp_append(out, fake.receipts_root.bytes, 32);
    rlp_append(out, blank, EVM_BLOOM_SIZE);
    rlp_append_u64(out, 1);                        /* difficulty */
    rlp_append_u64(out, number);
    rlp_append(out, "\x67\xc2\x80", 3);            /* gas limit */
    rlp_append_u64(out, fork);
    rlp_append_u64(out, 1700000000 + 30 * number);
    rlp_append(out, NULL, 0);
    rlp_append_u64(out, 0);                        /* paid fees */
    rlp_append_u64(out, 60000000);                 /* minimum gas price */
    rlp_append_u64(out, 0);
    if (bitcoin != NULL)
        rlp_append(out, bitcoin, BITCOIN_HEADER_SIZE);
    rlp_list_end(out, list);
}

static void rootstock_block(struct fake_block *block, const struct hash *parent, uint64_t number,
                            unsigned fork)
{
    rootstock_header(&block->header, parent, number, fork, NULL);
    keccak_hash(&block->hash, block->header.data, block->header.size);
    block->json = json_pack("{so so}", "hash", json_data(block->hash.bytes, 32), "number",
                            json_quantity(number));
}

/* A coinbase that is all tail (SHA-256's first state before it) and the only transaction of its block. A
 * third of all headers has the work for difficulty 1: rskj takes no less than 3. */
void fake_mine(void)
{
    static const uint32_t first_state[] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    struct fake_block *block = &fake.blocks[fake.count - 1];
    struct rootstock_header header;
    struct error error = {0};
    struct hash once, leaf;
    uint8_t coinbase[MERGED_MINING_MIDSTATE + 80] = {0}, bitcoin[BITCOIN_HEADER_SIZE] = {0};
    assert_int_equal(rootstock_header_decode(buffer_bytes(&block->header), &header, &error), OK);
    for (size_t i = 0; i < COUNT_OF(first_state); i++)
        put_be32(coinbase + 8 + 4 * i, first_state[i]);
    uint8_t *tail = coinbase + MERGED_MINING_MIDSTATE;
    memcpy(tail, MERGED_MINING_TAG, strlen(MERGED_MINING_TAG));
    memcpy(tail + strlen(MERGED_MINING_TAG), header.mining_hash.bytes, 32);
    sha256(&once, tail, sizeof coinbase - MERGED_MINING_MIDSTATE);
    sha256(&leaf, once.bytes, sizeof once.bytes);
    memcpy(bitcoin + 36, leaf.bytes, sizeof leaf.bytes);
    do {
        bitcoin[76]++;
        sha256(&once, bitcoin, sizeof bitcoin);
        sha256(&once, once.bytes, sizeof once.bytes);
    } while (once.bytes[31] >= 0x40);
    const struct hash *parent = &fake.blocks[fake.count - 2].hash;
    drop_block(block);
    buffer_init(&block->header);
    rootstock_header(&block->header, parent, fake.count - 1, (unsigned)header.gas_used, bitcoin);
    keccak_hash(&block->hash, block->header.data, block->header.size);
    block->json = json_pack("{so so so so}", "hash", json_data(block->hash.bytes, 32), "number",
                            json_quantity(fake.count - 1), "bitcoinMergedMiningMerkleProof",
                            json_data(NULL, 0), "bitcoinMergedMiningCoinbaseTransaction",
                            json_data(coinbase, sizeof coinbase));
}

void fake_tags(uint64_t safe, uint64_t final)
{
    fake.safe = safe;
    fake.final = final;
}

void fake_reorganise(size_t first, size_t blocks, unsigned fork)
{
    assert_true(blocks <= FAKE_BLOCKS_MAX);
    for (size_t i = first; i < fake.count; i++)
        drop_block(&fake.blocks[i]);
    for (size_t i = first; i < blocks; i++) {
        static const struct hash none;
        struct fake_block *block = &fake.blocks[i];
        buffer_init(&block->header);
        const struct hash *parent = i == 0 ? &none : &fake.blocks[i - 1].hash;
        (fake.rootstock ? rootstock_block : ethereum_block)(block, parent, i, fork);
    }
    fake.count = blocks;
}

void fake_start(bool rootstock, size_t blocks, unsigned fork)
{
    fake.rootstock = rootstock;
    fake.blamed = fake.exchanges = 0;
    fake.gas = 0;
    fake_tags(NOT_GIVEN, NOT_GIVEN);
    fake_reorganise(0, blocks, fork);
}

void fake_stop(void)
{
    fake_reorganise(0, 0, 0);
    for (size_t i = 0; i < RULES_MAX; i++) {
        json_decref(fake.rules[i].result);
        json_decref(fake.rules[i].data);
        fake.rules[i] = (struct rule){.asked = 0};
    }
    fake.receipts_root = fake.state_root = (struct hash){{0}};
}

const struct fake_block *fake_block(size_t number)
{
    assert_true(number < fake.count);
    return &fake.blocks[number];
}

void fake_receipts_root(const struct hash *root)
{
    fake.receipts_root = *root;
}

void fake_state_root(const struct hash *root)
{
    fake.state_root = *root;
}

/* --- rules ------------------------------------------------------------------------------------------- */
static struct rule *rule_of(const char *method)
{
    for (size_t i = 0; i < RULES_MAX; i++) {
        if (fake.rules[i].method[0] == '\0')
            snprintf(fake.rules[i].method, sizeof fake.rules[i].method, "%s", method);
        if (strcmp(fake.rules[i].method, method) == 0)
            return &fake.rules[i];
    }
    fail_msg("more methods than the fake server keeps");
    return NULL;
}

static struct rule *fresh_rule(const char *method)
{
    struct rule *rule = rule_of(method);
    json_decref(rule->result);
    json_decref(rule->data);
    rule->result = rule->data = NULL;
    rule->code = 0;
    rule->status = OK;
    rule->set = true;
    return rule;
}

void fake_answers(const char *method, json_t *result)
{
    fresh_rule(method)->result = result;
}

void fake_refuses(const char *method, int64_t code, const char *message, json_t *data)
{
    struct rule *rule = fresh_rule(method);
    rule->code = code;
    rule->data = data;
    rule->status = ERROR_NETWORK_REJECTED;
    snprintf(rule->message, sizeof rule->message, "%s", message);
}

void fake_fails(const char *method, enum status status)
{
    fresh_rule(method)->status = status;
}

void fake_forgets(const char *method)
{
    fresh_rule(method)->set = false;
}

void fake_needs_gas(uint64_t gas)
{
    fake.gas = gas;
}

size_t fake_asked(const char *method)
{
    return rule_of(method)->asked;
}

size_t fake_blamed(void)
{
    return fake.blamed;
}

size_t fake_exchanges(void)
{
    return fake.exchanges;
}

/* --- what it knows by itself ------------------------------------------------------------------------- */
static json_t *block_answer(const json_t *which, bool raw)
{
    const char *text = json_string_value(json_array_get(which, 0));
    for (size_t i = 0; text != NULL && i < fake.count; i++) {
        char number[32], hash[REPLY_HASH_TEXT_MAX];
        snprintf(number, sizeof number, "0x%zx", i);
        bool newest = i + 1 == fake.count;
        bool tag = (strcmp(text, "latest") == 0 && newest) ||
                   (strcmp(text, "safe") == 0 && (fake.safe == NOT_GIVEN ? newest : i == fake.safe)) ||
                   (strcmp(text, "finalized") == 0 && (fake.final == NOT_GIVEN ? newest : i == fake.final));
        if (tag || strcmp(text, number) == 0 ||
            strcmp(text, reply_hash_text(hash, &fake.blocks[i].hash)) == 0)
            return raw ? json_data(fake.blocks[i].header.data, fake.blocks[i].header.size)
                       : json_incref(fake.blocks[i].json);
    }
    return json_null();
}

static json_t *known_answer(const char *method, const json_t *params)
{
    if (strcmp(method, "eth_getBlockByNumber") == 0 || strcmp(method, "eth_getBlockByHash") == 0)
        return block_answer(params, false);
    if (strcmp(method, "rsk_getRawBlockHeaderByHash") == 0)
        return block_answer(params, true);
    return NULL;
}

static enum status answer_call(const json_t *params, json_t **result, struct rpc_refusal *refusal,
                               struct error *error)
{
    uint64_t gas = 0;
    if (reply_u64(json_object_get(json_array_get(params, 0), "gas"), &gas) && gas >= fake.gas) {
        *result = json_string("0x");
        return OK;
    }
    uint8_t selector[ABI_SELECTOR];
    abi_selector("NotEnoughGas()", selector);
    *refusal = (struct rpc_refusal){.code = 3, .message = "execution reverted",
                                    .data = json_data(selector, sizeof selector)};
    return error_set(error, ERROR_NETWORK_REJECTED, "execution reverted");
}

static enum status answer(const struct rpc_request *request, json_t **result, struct rpc_refusal *refusal,
                          struct error *error)
{
    struct rule *rule = rule_of(request->method);
    AUTO_JSON json_t *params = request->params;
    rule->asked++;
    if (rule->set && rule->status == OK) {
        *result = json_incref(rule->result);
        return OK;
    }
    if (!rule->set) {
        *result = known_answer(request->method, params);
        if (*result != NULL)
            return OK;
    }
    if (strcmp(request->method, "eth_call") == 0 && fake.gas > 0)
        return answer_call(params, result, refusal, error);
    struct rpc_refusal said = {.code = -32601, .message = "the method does not exist"};
    if (rule->set && rule->code != 0) {
        said.code = rule->code;
        snprintf(said.message, sizeof said.message, "%s", rule->message);
        said.data = json_incref(rule->data);
    }
    enum status status = rule->set ? rule->status : ERROR_NETWORK_REJECTED;
    if (refusal != NULL && status == ERROR_NETWORK_REJECTED)
        *refusal = said;
    else
        json_decref(said.data);
    return error_set(error, status, "%s: %s", request->method, said.message);
}

/* --- endpoint.h, json_rpc.h -------------------------------------------------------------------------- */
struct endpoint { char label; };

enum status endpoint_open(struct transport *transport, const struct endpoint_options *options,
                          struct endpoint **endpoint, struct error *error)
{
    (void)transport, (void)options, (void)error;
    *endpoint = memory_new(sizeof **endpoint);
    return OK;
}

void endpoint_close(struct endpoint *endpoint)
{
    free(endpoint);
}

const char *endpoint_label(const struct endpoint *endpoint)
{
    (void)endpoint;
    return "http://fake";
}

void endpoint_measure(struct endpoint *endpoint, struct endpoint_metrics *metrics)
{
    (void)endpoint;
    *metrics = (struct endpoint_metrics){.breaker = "closed"};
}

void endpoint_blame(struct endpoint *endpoint)
{
    (void)endpoint;
    fake.blamed++;
}

enum status rpc_call(struct endpoint *endpoint, const struct rpc_request *request,
                     const struct waiting *waiting, json_t **result, struct rpc_refusal *refusal,
                     struct error *error)
{
    (void)endpoint, (void)waiting;
    fake.exchanges++;
    return answer(request, result, refusal, error);
}

enum status rpc_batch(struct endpoint *endpoint, const struct rpc_request *requests, size_t count,
                      const struct waiting *waiting, json_t **results, struct rpc_refusal *refusals,
                      struct error *error)
{
    enum status failed = OK;
    (void)endpoint, (void)waiting;
    fake.exchanges++;
    assert_true(count <= RPC_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        struct error inner = {0};
        results[i] = NULL;
        enum status status =
            answer(&requests[i], &results[i], refusals == NULL ? NULL : &refusals[i], &inner);
        if (status != OK && status != ERROR_NETWORK_REJECTED)
            failed = error_set(error, status, "%s", inner.message);
    }
    for (size_t i = 0; failed != OK && i < count; i++) {
        json_decref(results[i]);
        results[i] = NULL;
    }
    return failed;
}
