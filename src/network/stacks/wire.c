/* Stacks transactions: see wire.h. */
#include "network/stacks/wire.h"

#include <string.h>

#include "base/memory.h"

#define VERSION_TESTNET 0x80
#define AUTH_STANDARD 0x04
#define AUTH_SPONSORED 0x05
#define HASH_ONE_KEY 0x00         /* P2PKH */
#define HASH_ONE_KEY_WITNESS 0x02 /* P2WPKH in P2SH */
#define KEY_COMPRESSED 0x00
#define ANCHOR_ANY 0x03
#define MODE_DENY 0x02
#define MODE_ORIGINATOR 0x03      /* SIP-040 */
#define CONDITION_STX 0x00
#define CONDITION_TOKEN 0x01
#define CONDITION_UNIQUE 0x02
#define OWNER_ORIGIN 0x01
#define OWNER_ACCOUNT 0x02
#define OWNER_CONTRACT 0x03
#define SENT_EXACTLY 0x01
#define AUTH_AT 5                 /* after version and chain */
#define COINBASE_SIZE 32
#define TENURE_CHANGE_SIZE (3 * 20 + 32 + 4 + 1 + HASH160_SIZE)
#define VRF_PROOF_SIZE 80
#define FIELD_SIZE_KEY 33
#define FIELD_SIZE_SIGNATURE 65

static void put_byte(struct buffer *out, uint8_t byte)
{
    buffer_append(out, &byte, 1);
}

static void put_32(struct buffer *out, uint32_t value)
{
    uint8_t bytes[4];

    put_be32(bytes, value);
    buffer_append(out, bytes, sizeof(bytes));
}

static void put_64(struct buffer *out, uint64_t value)
{
    uint8_t bytes[8];

    put_be64(bytes, value);
    buffer_append(out, bytes, sizeof(bytes));
}

static void put_name(struct buffer *out, const char *name)
{
    put_byte(out, (uint8_t)strlen(name));
    buffer_append_text(out, name);
}

static void put_address(struct buffer *out, const struct stacks_address *address)
{
    put_byte(out, address->version);
    buffer_append(out, address->hash, HASH160_SIZE);
}

/* --- writing ------------------------------------------------------------------------------------ */
static bool put_post_condition(struct buffer *out, const struct stacks_transaction *t)
{
    const struct stacks_post_condition *condition = &t->post_condition;
    struct stacks_address signer = { .version = t->mainnet ? STACKS_MAINNET_KEY : STACKS_TESTNET_KEY };

    memcpy(signer.hash, t->signer, HASH160_SIZE);
    put_byte(out, condition->token ? CONDITION_TOKEN : CONDITION_STX);
    put_byte(out, OWNER_ACCOUNT);
    put_address(out, &signer);
    if (condition->token) {
        if (!stacks_contract_name_valid(condition->owner.contract, strlen(condition->owner.contract)) ||
            !stacks_clarity_name_valid(condition->name, strlen(condition->name)))
            return false;
        put_address(out, &condition->owner.address);
        put_name(out, condition->owner.contract);
        put_name(out, condition->name);
    }
    put_byte(out, SENT_EXACTLY);
    put_64(out, condition->amount);
    return true;
}

static bool put_transfer(struct buffer *out, const struct stacks_transaction *t)
{
    uint8_t memo[STACKS_MEMO_MAX] = { 0 };
    size_t size = t->memo == NULL ? 0 : strlen(t->memo);

    if (size > sizeof(memo))
        return false;
    if (size > 0)
        memcpy(memo, t->memo, size);
    clarity_put_principal(out, &t->to);
    put_64(out, t->amount);
    buffer_append(out, memo, sizeof(memo));
    return true;
}

static bool put_call(struct buffer *out, const struct stacks_transaction *t)
{
    if (!stacks_contract_name_valid(t->to.contract, strlen(t->to.contract)) ||
        !stacks_clarity_name_valid(t->function, strlen(t->function)) ||
        t->argument_count > STACKS_ARGUMENTS_MAX)
        return false;
    put_address(out, &t->to.address);
    put_name(out, t->to.contract);
    put_name(out, t->function);
    put_32(out, (uint32_t)t->argument_count);
    buffer_append(out, t->arguments.data, t->arguments.size);
    return true;
}

static bool put_contract(struct buffer *out, const struct stacks_transaction *t)
{
    size_t size = strlen(t->code);

    if (strlen(t->contract) > STACKS_CONTRACT_NAME_MAX ||
        !stacks_contract_name_valid(t->contract, strlen(t->contract)) || size > STACKS_CODE_MAX)
        return false;
    put_byte(out, t->clarity_version);
    put_name(out, t->contract);
    put_32(out, (uint32_t)size);
    buffer_append(out, t->code, size);
    return true;
}

static bool put_payload(struct buffer *out, const struct stacks_transaction *t)
{
    put_byte(out, (uint8_t)t->payload);
    switch (t->payload) {
    case STACKS_TOKEN_TRANSFER: return put_transfer(out, t);
    case STACKS_CONTRACT_CALL: return put_call(out, t);
    case STACKS_VERSIONED_CONTRACT: return put_contract(out, t);
    case STACKS_CONTRACT:
    case STACKS_COINBASE:
    case STACKS_COINBASE_TO:
    case STACKS_TENURE_CHANGE:
    case STACKS_COINBASE_VRF: return false; /* what others make is read alone */
    }
    return false;
}

bool stacks_encode(const struct stacks_transaction *t, struct buffer *out)
{
    static const uint8_t no_signature[STACKS_SIGNATURE_SIZE];

    put_byte(out, t->mainnet ? 0 : VERSION_TESTNET);
    put_32(out, t->chain);
    put_byte(out, AUTH_STANDARD);
    put_byte(out, HASH_ONE_KEY);
    buffer_append(out, t->signer, HASH160_SIZE);
    put_64(out, t->nonce);
    put_64(out, t->fee);
    put_byte(out, KEY_COMPRESSED);
    buffer_append(out, no_signature, sizeof(no_signature));
    put_byte(out, ANCHOR_ANY);
    put_byte(out, MODE_DENY);
    put_32(out, t->has_post_condition ? 1 : 0);
    if (t->has_post_condition && !put_post_condition(out, t))
        return false;
    return put_payload(out, t);
}

/* --- signing ------------------------------------------------------------------------------------ */
#define NONCE_AT (AUTH_AT + 2 + HASH160_SIZE)
#define FEE_AT (NONCE_AT + 8)

static void presign(const struct hash *initial, uint64_t fee, uint64_t nonce, struct hash *out)
{
    uint8_t input[32 + 1 + 8 + 8];

    memcpy(input, initial->bytes, sizeof(initial->bytes));
    input[32] = AUTH_STANDARD;
    put_be64(input + 33, fee);
    put_be64(input + 41, nonce);
    sha512_256(out, input, sizeof(input));
}

/* The hash of the transaction whose nonce, fee and signature are zero. */
void stacks_signing_hash(struct bytes transaction, struct hash *initial, struct hash *presigned)
{
    struct buffer cleared CLEANUP(buffer_close) = { 0 };
    struct hash digest;

    buffer_init(&cleared);
    buffer_append(&cleared, transaction.data, transaction.size);
    memset(cleared.data + NONCE_AT, 0, 16);
    memset(cleared.data + STACKS_SIGNATURE_AT, 0, STACKS_SIGNATURE_SIZE);
    sha512_256(&digest, cleared.data, cleared.size);
    presign(&digest, get_be64(transaction.data + FEE_AT), get_be64(transaction.data + NONCE_AT), presigned);
    if (initial != NULL)
        *initial = digest;
}

void stacks_put_signature(struct buffer *transaction, const struct signature *signature, int recovery_id)
{
    transaction->data[STACKS_SIGNATURE_AT] = (uint8_t)recovery_id;
    memcpy(transaction->data + STACKS_SIGNATURE_AT + 1, signature->bytes, sizeof(signature->bytes));
}

void stacks_transaction_id(struct bytes transaction, struct hash *id)
{
    sha512_256(id, transaction.data, transaction.size);
}

/* --- reading ------------------------------------------------------------------------------------ */
static bool take(struct bytes *in, size_t size, const uint8_t **data)
{
    if (in->size < size)
        return false;
    *data = in->data;
    in->data += size;
    in->size -= size;
    return true;
}

static bool take_byte(struct bytes *in, uint8_t *byte)
{
    const uint8_t *data;

    if (!take(in, 1, &data))
        return false;
    *byte = *data;
    return true;
}

static bool take_32(struct bytes *in, uint32_t *value)
{
    const uint8_t *data;

    if (!take(in, 4, &data))
        return false;
    *value = get_be32(data);
    return true;
}

static bool take_64(struct bytes *in, uint64_t *value)
{
    const uint8_t *data;

    if (!take(in, 8, &data))
        return false;
    *value = get_be64(data);
    return true;
}

static bool take_address(struct bytes *in, struct stacks_address *address)
{
    const uint8_t *hash;

    if (!take_byte(in, &address->version) || address->version > 31 || !take(in, HASH160_SIZE, &hash))
        return false;
    memcpy(address->hash, hash, HASH160_SIZE);
    return true;
}

static bool take_name(struct bytes *in, bool contract, char name[STACKS_NAME_MAX + 1])
{
    const uint8_t *data;
    uint8_t size;

    if (!take_byte(in, &size) || size > STACKS_NAME_MAX || !take(in, size, &data) ||
        !(contract ? stacks_contract_name_valid : stacks_clarity_name_valid)((const char *)data, size))
        return false;
    memcpy(name, data, size);
    name[size] = '\0';
    return true;
}

static uint8_t version_of(bool mainnet, uint8_t hash_mode)
{
    if (hash_mode == HASH_ONE_KEY)
        return mainnet ? STACKS_MAINNET_KEY : STACKS_TESTNET_KEY;
    return mainnet ? STACKS_MAINNET_SCRIPT : STACKS_TESTNET_SCRIPT;
}

/* Keys and signatures of several, and how many are needed. */
static bool skip_fields(struct bytes *in)
{
    const uint8_t *data;
    uint32_t count;
    uint8_t kind;

    if (!take_32(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_byte(in, &kind) || kind > 3 ||
            !take(in, kind < 2 ? FIELD_SIZE_KEY : FIELD_SIZE_SIGNATURE, &data))
            return false;
    }
    return take(in, 2, &data);
}

static bool take_condition(struct bytes *in, uint8_t *hash_mode, const uint8_t **signer, uint64_t *nonce,
                           uint64_t *fee, const uint8_t **signature)
{
    uint8_t encoding;

    if (!take_byte(in, hash_mode) || *hash_mode > 7 || *hash_mode == 4 || *hash_mode == 6 ||
        !take(in, HASH160_SIZE, signer) || !take_64(in, nonce) || !take_64(in, fee))
        return false;
    *signature = NULL;
    if (*hash_mode != HASH_ONE_KEY && *hash_mode != HASH_ONE_KEY_WITNESS)
        return skip_fields(in);
    return take_byte(in, &encoding) && encoding <= 1 && take(in, STACKS_SIGNATURE_SIZE, signature);
}

static bool skip_post_condition(struct bytes *in)
{
    char name[STACKS_NAME_MAX + 1];
    struct stacks_address address;
    const uint8_t *data;
    uint8_t kind, owner;

    if (!take_byte(in, &kind) || kind > CONDITION_UNIQUE || !take_byte(in, &owner) ||
        owner < OWNER_ORIGIN || owner > OWNER_CONTRACT)
        return false;
    if (owner != OWNER_ORIGIN && !take_address(in, &address))
        return false;
    if (owner == OWNER_CONTRACT && !take_name(in, true, name))
        return false;
    if (kind != CONDITION_STX &&
        (!take_address(in, &address) || !take_name(in, true, name) || !take_name(in, false, name)))
        return false;
    if (kind == CONDITION_UNIQUE)
        return clarity_skip(in) && take(in, 1, &data);
    return take(in, 1 + 8, &data);
}

static bool take_transfer(struct bytes *in, struct stacks_decoded *d)
{
    struct clarity_value value;
    const uint8_t *memo;

    if (!clarity_read(in, &value) || (value.type != CLARITY_ACCOUNT && value.type != CLARITY_CONTRACT))
        return false;
    d->to = value.principal;
    return take_64(in, &d->amount) && take(in, STACKS_MEMO_MAX, &memo);
}

static bool take_call(struct bytes *in, struct stacks_decoded *d)
{
    uint32_t count;

    if (!take_address(in, &d->to.address) || !take_name(in, true, d->to.contract) ||
        !take_name(in, false, d->function) || !take_32(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!clarity_skip(in))
            return false;
    }
    return true;
}

static bool take_contract(struct bytes *in, bool versioned, struct stacks_decoded *d)
{
    const uint8_t *code;
    uint32_t size;
    uint8_t version;

    return (!versioned || take_byte(in, &version)) && take_name(in, true, d->to.contract) &&
           take_32(in, &size) && size <= STACKS_CODE_MAX && take(in, size, &code);
}

/* A coinbase's recipient: none, or some principal. */
static bool take_recipient(struct bytes *in, bool optional)
{
    struct clarity_value value;

    if (!clarity_read(in, &value))
        return false;
    if (optional && value.type == CLARITY_NONE)
        return true;
    if (optional && (value.type != CLARITY_SOME || !clarity_read(in, &value)))
        return false;
    return value.type == CLARITY_ACCOUNT || value.type == CLARITY_CONTRACT;
}

static bool take_payload(struct bytes *in, struct stacks_decoded *d)
{
    const uint8_t *data;

    switch (d->payload) {
    case STACKS_TOKEN_TRANSFER: return take_transfer(in, d);
    case STACKS_CONTRACT: return take_contract(in, false, d);
    case STACKS_CONTRACT_CALL: return take_call(in, d);
    case STACKS_COINBASE: return take(in, COINBASE_SIZE, &data);
    case STACKS_COINBASE_TO: return take(in, COINBASE_SIZE, &data) && take_recipient(in, false);
    case STACKS_VERSIONED_CONTRACT: return take_contract(in, true, d);
    case STACKS_TENURE_CHANGE: return take(in, TENURE_CHANGE_SIZE, &data);
    case STACKS_COINBASE_VRF:
        return take(in, COINBASE_SIZE, &data) && take_recipient(in, true) && take(in, VRF_PROOF_SIZE, &data);
    default: return false;
    }
}

static bool is_signed(struct bytes transaction, const struct stacks_decoded *d, const uint8_t *signature)
{
    struct signature rs;
    struct public_key key;
    struct hash presigned;
    uint8_t hash[HASH160_SIZE];

    memcpy(rs.bytes, signature + 1, sizeof(rs.bytes));
    stacks_signing_hash(transaction, NULL, &presigned);
    if (signature[0] > 3 || !ecdsa_recover(&presigned, &rs, signature[0], &key))
        return false;
    hash160(hash, key.bytes, sizeof(key.bytes));
    return memcmp(hash, d->signer.hash, HASH160_SIZE) == 0;
}

static bool take_head(struct bytes *in, struct stacks_decoded *d, const uint8_t **signature)
{
    const uint8_t *signer, *other;
    uint8_t version, auth, mode, sponsor_mode;
    uint64_t nonce, fee;

    if (!take_byte(in, &version) || !take_32(in, &d->chain) || !take_byte(in, &auth) ||
        (auth != AUTH_STANDARD && auth != AUTH_SPONSORED) ||
        !take_condition(in, &mode, &signer, &d->nonce, &d->fee, signature))
        return false;
    d->mainnet = (version & VERSION_TESTNET) == 0;
    d->sponsored = auth == AUTH_SPONSORED;
    d->one_key = mode == HASH_ONE_KEY;
    d->signer.version = version_of(d->mainnet, mode);
    memcpy(d->signer.hash, signer, HASH160_SIZE);
    return !d->sponsored || take_condition(in, &sponsor_mode, &other, &nonce, &fee, &other);
}

bool stacks_read(struct bytes *in, struct stacks_decoded *d, bool *valid_signature)
{
    const uint8_t *begin = in->data, *signature;
    uint8_t anchor;

    memset(d, 0, sizeof(*d));
    if (!take_head(in, d, &signature) || !take_byte(in, &anchor) || anchor < 1 || anchor > 3 ||
        !take_byte(in, &d->post_condition_mode) || d->post_condition_mode < 1 ||
        d->post_condition_mode > MODE_ORIGINATOR || !take_32(in, &d->post_conditions))
        return false;
    for (uint32_t i = 0; i < d->post_conditions; i++) {
        if (!skip_post_condition(in))
            return false;
    }
    d->payload_at = (size_t)(in->data - begin);
    if (!take_byte(in, &d->payload) || !take_payload(in, d))
        return false;
    if (valid_signature != NULL)
        *valid_signature = !d->sponsored && d->one_key && signature[-1] == KEY_COMPRESSED &&
                           is_signed(bytes_of(begin, (size_t)(in->data - begin)), d, signature);
    return true;
}

bool stacks_decode(struct bytes transaction, struct stacks_decoded *decoded, bool *valid_signature)
{
    return transaction.size <= STACKS_TRANSACTION_MAX &&
           stacks_read(&transaction, decoded, valid_signature) && transaction.size == 0;
}
