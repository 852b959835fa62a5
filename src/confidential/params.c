/* From parameters to the statement of spend.h, and its proofs verified: see params.h. */
#include "confidential/params.h"

#include <inttypes.h>
#include <string.h>

#include "confidential/confidential.h"

const struct param pool_shield_params[SHIELD_PARAMS] = {
    PARAM(struct shield, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct shield, amount, AMOUNT, REQUIRED, "in the asset's smallest unit; public"),
    PARAM(struct shield, key, HASH, REQUIRED, "one-time key of the note, never used before"),
    PARAM(struct shield, sealed, BYTES, OPTIONAL, "by which its recipient finds it: 56 bytes",
          .most = NOTE_SEALED_SIZE),
};

static const struct param member_items[] = {
    PARAM(struct member_item, note, INTEGER, REQUIRED, "number in the pool, growing"),
    PARAM(struct member_item, key, HASH, REQUIRED, "the note's key"),
    PARAM(struct member_item, commitment, HASH, REQUIRED, "the note's commitment"),
};

static const struct param input_items[] = {
    PARAM(struct input_item, members, LIST, REQUIRED, "the ring: 2 to 64 notes, one of which is spent",
          .items = member_items, .item_params = COUNT_OF(member_items),
          .item_size = sizeof(struct member_item), .most = RING_MEMBERS_MAX),
    PARAM(struct input_item, pseudo, HASH, REQUIRED, "commitment to the same amount"),
    PARAM(struct input_item, signature, BYTES, REQUIRED, "of the ring; begins with the key image",
          .most = RING_SIGNATURE_MAX),
};

static const struct param output_items[] = {
    PARAM(struct output_item, key, HASH, REQUIRED, "one-time key of the new note, never used before"),
    PARAM(struct output_item, commitment, HASH, REQUIRED, "to its amount"),
    PARAM(struct output_item, sealed, BYTES, REQUIRED, "by which its recipient finds it: 56 bytes",
          .most = NOTE_SEALED_SIZE),
};

#define ASSET_PARAM PARAM(struct spending, asset, ASSET, REQUIRED, "asset id or symbol")
#define INPUTS_PARAM                                                                                        \
    PARAM(struct spending, inputs, LIST, REQUIRED, "1 to 8 notes that are spent, each hidden in a ring",    \
          .items = input_items, .item_params = COUNT_OF(input_items),                                       \
          .item_size = sizeof(struct input_item), .most = SPEND_INPUTS_MAX)
#define OUTPUTS_PARAM                                                                                       \
    PARAM(struct spending, outputs, LIST, REQUIRED, "1, 2, 4, 8 or 16 new notes; some may hold nothing",    \
          .items = output_items, .item_params = COUNT_OF(output_items),                                     \
          .item_size = sizeof(struct output_item), .most = SPEND_OUTPUTS_MAX)
#define RANGE_PROOF_PARAM                                                                                   \
    PARAM(struct spending, range_proof, BYTES, REQUIRED, "64-bit Bulletproof for the outputs' commitments", \
          .most = RANGE_PROOF_SIZE_MAX)

const struct param pool_transfer_params[TRANSFER_PARAMS] = {
    ASSET_PARAM, INPUTS_PARAM, OUTPUTS_PARAM, RANGE_PROOF_PARAM,
};

const struct param pool_unshield_params[UNSHIELD_PARAMS] = {
    ASSET_PARAM,
    PARAM(struct spending, amount, AMOUNT, REQUIRED, "what leaves the pool, in the asset's smallest unit"),
    PARAM(struct spending, to, ACCOUNT, REQUIRED, "who receives it, in public"),
    INPUTS_PARAM, OUTPUTS_PARAM, RANGE_PROOF_PARAM,
};

enum status check_pool_shield(const struct check *check, void *params, struct arena *arena,
                              struct error *error)
{
    const struct shield *p = params;

    (void)check, (void)arena;
    if (!note_point_valid(p->key.bytes))
        return error_set(error, ERROR_MALFORMED_PROOF, "key: it is not one");
    if (p->sealed.size != 0 && p->sealed.size != NOTE_SEALED_SIZE)
        return error_set(error, ERROR_MALFORMED_PROOF, "sealed: %zu bytes; %d are expected", p->sealed.size,
                         NOTE_SEALED_SIZE);
    return OK;
}

static enum status read_members(const struct param_list *list, size_t input, struct arena *arena,
                                struct spend_input *out, struct error *error)
{
    const struct member_item *given = list->items;
    struct ring_member *members = arena_new(arena, list->count * sizeof *members);

    for (size_t i = 0; i < list->count; i++) {
        if (i > 0 && given[i].note <= given[i - 1].note)
            return error_set(error, ERROR_RING_ORDER,
                             "inputs[%zu]: the note %" PRIu64 " comes after %" PRIu64, input,
                             given[i].note, given[i - 1].note);
        memcpy(members[i].key, given[i].key.bytes, POINT_SIZE);
        memcpy(members[i].commitment, given[i].commitment.bytes, POINT_SIZE);
    }
    out->members = members;
    out->count = list->count;
    return OK;
}

static enum status read_inputs(const struct param_list *list, struct arena *arena, struct spend *spend,
                               struct error *error)
{
    const struct input_item *given = list->items;
    struct spend_input *inputs = arena_new(arena, list->count * sizeof *inputs);

    for (size_t i = 0; i < list->count; i++) {
        TRY(read_members(&given[i].members, i, arena, &inputs[i], error));
        memcpy(inputs[i].pseudo, given[i].pseudo.bytes, POINT_SIZE);
        inputs[i].signature = given[i].signature;
    }
    spend->inputs = inputs;
    spend->input_count = list->count;
    return OK;
}

static enum status read_outputs(const struct param_list *list, struct arena *arena, struct spend *spend,
                                struct error *error)
{
    const struct output_item *given = list->items;
    struct spend_output *outputs = arena_new(arena, list->count * sizeof *outputs);

    for (size_t i = 0; i < list->count; i++) {
        if (given[i].sealed.size != NOTE_SEALED_SIZE)
            return error_set(error, ERROR_MALFORMED_PROOF, "outputs[%zu].sealed: %zu bytes; %d are expected",
                             i, given[i].sealed.size, NOTE_SEALED_SIZE);
        memcpy(outputs[i].key, given[i].key.bytes, POINT_SIZE);
        memcpy(outputs[i].commitment, given[i].commitment.bytes, POINT_SIZE);
        memcpy(outputs[i].sealed, given[i].sealed.data, NOTE_SEALED_SIZE);
    }
    spend->outputs = outputs;
    spend->output_count = list->count;
    return OK;
}

static enum status verify(const struct check *check, const char *purpose, const struct spending *p,
                          struct arena *arena, struct error *error)
{
    struct spend spend = { .chain = check->chain, .purpose = purpose, .asset = p->asset,
                           .range_proof = p->range_proof, .amount = p->amount, .recipient = p->to };

    TRY(read_inputs(&p->inputs, arena, &spend, error));
    TRY(read_outputs(&p->outputs, arena, &spend, error));
    return spend_verify(&spend, error);
}

enum status check_pool_transfer(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    return verify(check, PURPOSE_TRANSFER, params, arena, error);
}

enum status check_pool_unshield(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    return verify(check, PURPOSE_UNSHIELD, params, arena, error);
}
