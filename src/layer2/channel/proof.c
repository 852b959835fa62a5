/* Signed states as commands bring them: see proof.h. */
#include "layer2/channel/proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"

const struct param signature_params[2] = {
    PARAM(struct signature_param, key, ACCOUNT, REQUIRED, "who signed"),
    PARAM(struct signature_param, signature, BYTES, REQUIRED, "BIP-340, 64 bytes as hex", .most = 64),
};

const struct param state_params[2] = {
    PARAM(struct state_param, state, BYTES, REQUIRED, "its encoding as hex", .most = CHANNEL_ENCODING_MAX),
    SIGNATURES_PARAM(struct state_param, signatures, OPTIONAL, "{key, signature} over the state's hash"),
};

/* --- beside the executor ---------------------------------------------------------------------- */
enum status signature_check(const struct signature_param *signature, const struct hash *hash,
                            const char *what, struct error *error)
{
    struct signature bytes;
    char address[ADDRESS_TEXT_MAX];

    if (signature->signature.size != sizeof(bytes.bytes))
        return error_set(error, ERROR_INVALID_PARAMS, "signature: 64 bytes are expected, not %zu",
                         signature->signature.size);
    memcpy(bytes.bytes, signature->signature.data, sizeof(bytes.bytes));
    if (schnorr_verify(&signature->key, hash->bytes, sizeof(hash->bytes), &bytes))
        return OK;
    address_encode(address, &signature->key);
    return error_set(error, ERROR_BAD_SIGNATURE, "%s: the signature is not one of %s over it", what, address);
}

enum status signatures_check(const struct param_list *signatures, const struct hash *hash,
                             struct error *error)
{
    const struct signature_param *items = signatures->items;
    char address[ADDRESS_TEXT_MAX];

    for (size_t i = 0; i < signatures->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!account_equal(&items[i].key, &items[j].key))
                continue;
            address_encode(address, &items[i].key);
            return error_set(error, ERROR_DUPLICATE_SIGNATURE, "%s signed twice", address);
        }
        TRY(signature_check(&items[i], hash, "state", error));
    }
    return OK;
}

/* Whoever signed has a key, and so has whom the entry before named. */
static bool is_known_key(const struct account_id *account, const struct allocation *before,
                         const struct param_list *signatures)
{
    const struct signature_param *items = signatures->items;

    if (before != NULL &&
        (account_equal(account, &before->account) || account_equal(account, &before->refund)))
        return true;
    for (size_t i = 0; i < signatures->count; i++) {
        if (account_equal(account, &items[i].key))
            return true;
    }
    return false;
}

static enum status check_key(const struct account_id *account, const struct allocation *before,
                             const struct param_list *signatures, size_t entry, struct error *error)
{
    if (account_is_zero(account) || is_known_key(account, before, signatures) || account_is_key(account))
        return OK;
    return error_set(error, ERROR_BAD_KEY, "state: allocation %zu goes to an account without a key", entry);
}

static enum status check_keys(const struct channel_state *state, const struct param_list *signatures,
                              struct error *error)
{
    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i], *before = i > 0 ? a - 1 : NULL;

        TRY(check_key(&a->account, before, signatures, i, error));
        TRY(check_key(&a->refund, before, signatures, i, error));
    }
    return OK;
}

static enum status read_item(const struct hash *id, struct bytes encoding,
                             const struct param_list *signatures, struct arena *arena,
                             struct proof_item *item, struct error *error)
{
    TRY(channel_state_decode(encoding, arena, &item->state, error));
    channel_state_hash(id, &item->state, &item->hash);
    item->signatures = signatures;
    TRY(signatures_check(signatures, &item->hash, error));
    return check_keys(&item->state, signatures, error);
}

enum status proof_check(const struct hash *id, const struct param_list *states, struct arena *arena,
                        struct proof **proof, struct error *error)
{
    const struct state_param *items = states->items;
    struct proof *p = arena_new(arena, sizeof(*p));

    for (; p->count < states->count; p->count++) {
        size_t i = p->count;

        TRY(read_item(id, items[i].state, &items[i].signatures, arena, &p->items[i], error));
        if (i > 0 && p->items[i].state.turn <= p->items[i - 1].state.turn)
            return error_set(error, ERROR_INVALID_TRANSITION,
                             "states: turn %" PRIu64 " stands behind turn %" PRIu64, p->items[i].state.turn,
                             p->items[i - 1].state.turn);
    }
    *proof = p;
    return OK;
}

enum status proof_check_one(const struct hash *id, struct bytes state, const struct param_list *signatures,
                            struct arena *arena, struct proof **proof, struct error *error)
{
    struct proof *p = arena_new(arena, sizeof(*p));

    p->count = 1;
    TRY(read_item(id, state, signatures, arena, &p->items[0], error));
    *proof = p;
    return OK;
}

/* --- in the executor -------------------------------------------------------------------------- */
enum status signers_match(const struct account_id *keys, size_t count, const struct param_list *signatures,
                          uint32_t *mask, struct error *error)
{
    const struct signature_param *items = signatures->items;
    uint32_t found = 0;

    for (size_t i = 0; i < signatures->count; i++) {
        char address[ADDRESS_TEXT_MAX];
        size_t k = 0;

        while (k < count && !account_equal(&keys[k], &items[i].key))
            k++;
        if (k == count) {
            address_encode(address, &items[i].key);
            return error_set(error, ERROR_NOT_A_PARTICIPANT, "%s is none of those who may sign", address);
        }
        found |= UINT32_C(1) << k;
    }
    *mask = found;
    return OK;
}

/* What is left of a state's check, once its encoding and its keys are known to be good. */
static enum status check_assets(const struct channel_fixed *fixed, const struct channel_state *state,
                                struct error *error)
{
    for (size_t i = 0; i < state->allocation_count; i++) {
        if (state->allocations[i].asset >= fixed->asset_count)
            return error_set(error, ERROR_INVALID_PARAMS, "state: allocation %zu is of an asset that the "
                             "channel does not have", i);
    }
    return OK;
}

enum status proof_match(const struct channel_fixed *fixed, const struct proof *proof,
                        struct signed_state states[PROOF_STATES_MAX], struct error *error)
{
    for (size_t i = 0; i < proof->count; i++) {
        const struct proof_item *item = &proof->items[i];

        states[i].state = item->state;
        states[i].hash = item->hash;
        TRY(signers_match(fixed->participants, fixed->participant_count, item->signatures,
                          &states[i].signed_by, error));
        TRY(check_assets(fixed, &item->state, error));
    }
    return OK;
}
