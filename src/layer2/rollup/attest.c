/* This node as a member of a committee, or beside one: see attest.h. */
#include "layer2/rollup/attest.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "kernel/kernel.h"
#include "layer2/rollup/committee.h"
#include "layer2/rollup/data.h"
#include "layer2/rollup/module.h"

bool attestation_sign(struct kernel *kernel, const struct account_id *member, const struct hash *message,
                      struct signature *signature)
{
    struct keystore *keystore = kernel_keystore(kernel);
    struct account_id own = kernel_account(kernel);
    char address[ADDRESS_TEXT_MAX];
    struct error error;

    if (account_equal(&own, member)) {
        kernel_sign_own(kernel, message, signature);
        return true;
    }
    address_encode(address, member);
    return keystore_has(keystore, member) &&
           keystore_sign(keystore, address, message, signature, &error) == OK;
}

static void keep(struct execution *x, const struct batch_row *row, struct bytes data, const char *member)
{
    if (!held_write(execution_database(x), &row->data_hash, data, execution_time(x)) && member == NULL)
        return;
    event_rollup_data_held(x, &(struct event_rollup_data_held){
        .domain = row->domain, .number = row->number, .data_hash = row->data_hash, .bytes = data.size,
        .member = member });
}

static enum status check_hash(struct execution *x, struct bytes data, const struct hash *expected)
{
    struct hash hash;

    data_hash(&hash, data);
    if (hash_equal(&hash, expected))
        return OK;
    return fail(x, ERROR_WRONG_DATA, "the data has another hash than this batch's");
}

/* --- rollup.attest ---------------------------------------------------------------------------- */
const struct param attest_params[ATTEST_PARAMS] = {
    PARAM(struct attest, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct attest, number, INTEGER, REQUIRED, "the batch's: one more than the newest one's"),
    PARAM(struct attest, parent, HASH, OPTIONAL, "the newest batch's id; none for the first batch"),
    PARAM(struct attest, inbox_to, INTEGER, REQUIRED, "the first inbox item that it does not take in"),
    PARAM(struct attest, items_root, HASH, REQUIRED, "of all its items"),
    PARAM(struct attest, data_hash, HASH, REQUIRED, "of the data"),
    PARAM(struct attest, data, BYTES, REQUIRED, "its transactions, as a zlib stream",
          .most = BATCH_PUBLISHED_MAX),
    PARAM(struct attest, member, ACCOUNT, OPTIONAL,
          "the key to vouch with; when absent, the first of the committee that this node has"),
};

static enum status need_committee(struct execution *x, uint64_t domain, struct rollup *rollup)
{
    TRY(rollup_need(x, domain, rollup));
    if (rollup->availability == AVAILABILITY_COMMITTEE)
        return OK;
    return fail(x, ERROR_WRONG_AVAILABILITY, "rollup %" PRIu64 " has no committee", domain);
}

/* The row that the batch is going to have, as far as its data goes. */
static enum status expect(struct execution *x, const struct attest *p, const struct rollup *rollup,
                          struct batch_row *row)
{
    struct batch_place place;

    batch_place_next(execution_database(x), rollup, &place);
    if (p->number != place.number || !hash_equal(&p->parent, &place.parent))
        return fail(x, ERROR_WRONG_PARENT, "the next batch is %" PRIu64 ", on the newest one that stands",
                    place.number);
    *row = (struct batch_row){ .domain = p->domain, .number = place.number, .parent = place.parent,
                               .previous_root = place.previous_root, .inbox_from = place.inbox_from,
                               .inbox_to = p->inbox_to, .items_root = p->items_root,
                               .data_hash = p->data_hash, .data_size = p->data.size };
    return p->data.size > 0 ? check_hash(x, p->data, &p->data_hash)
                            : fail(x, ERROR_MALFORMED_DATA, "there is no data to vouch for");
}

static enum status check_items(struct execution *x, const struct rollup *rollup, struct batch_row *row,
                               struct bytes data)
{
    struct arena arena CLEANUP(arena_close);
    struct batch batch;
    struct error error;
    struct hash root;
    enum status status;

    arena_init(&arena);
    status = batch_unpack(execution_database(x), rollup, row, data, &arena, &batch, &error);
    if (status != OK)
        return fail(x, status, "%s", error.message);
    batch_items_root(&batch, &root);
    if (!hash_equal(&root, &row->items_root))
        return fail(x, ERROR_WRONG_DATA, "the data makes other items of the batch than its root tells of");
    batch_context(&batch, &row->items_root, &row->context);
    return OK;
}

static enum status sign(struct execution *x, const struct attest *p, const struct hash *message,
                        struct attestation *made)
{
    struct account_id members[COMMITTEE_MAX];
    unsigned count = committee_list(execution_database(x), p->domain, members);

    for (unsigned i = 0; i < count; i++) {
        if (!account_is_zero(&p->member) && !account_equal(&p->member, &members[i]))
            continue;
        made->member = members[i];
        if (attestation_sign(execution_kernel(x), &members[i], message, &made->signature))
            return OK;
    }
    return fail(x, ERROR_NOT_A_MEMBER, "this node has no key of the committee of rollup %" PRIu64
                ", or none that it can sign with now", p->domain);
}

enum status attest_data(struct execution *x, const void *params, struct writer *result)
{
    const struct attest *p = params;
    struct attestation made;
    char address[ADDRESS_TEXT_MAX];
    struct batch_row row;
    struct rollup rollup;
    struct hash message;

    TRY(need_committee(x, p->domain, &rollup));
    TRY(expect(x, p, &rollup, &row));
    TRY(check_items(x, &rollup, &row, p->data));
    attestation_message(&message, execution_chain(x), &rollup, &row.context, &row.parent, &row.data_hash,
                        row.data_size);
    TRY(sign(x, p, &message, &made));
    address_encode(address, &made.member);
    keep(x, &row, p->data, address);
    writer_object_begin(result);
    writer_member_text(result, "member", address);
    writer_member_hex(result, "signature", made.signature.bytes, sizeof(made.signature.bytes));
    writer_member_hex(result, "message", message.bytes, sizeof(message.bytes));
    writer_object_end(result);
    return OK;
}

/* --- rollup.attested -------------------------------------------------------------------------- */
const struct param attested_elsewhere_params[ATTESTED_ELSEWHERE_PARAMS] = {
    PARAM(struct attested_elsewhere, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct attested_elsewhere, member, ACCOUNT, REQUIRED, "one of the committee"),
    PARAM(struct attested_elsewhere, signature, BYTES, REQUIRED, "that 'rollup.attest' answered there",
          .most = sizeof(struct signature)),
};

enum status take_attestation(struct execution *x, const void *params, struct writer *result)
{
    const struct attested_elsewhere *p = params;
    struct attestation given = { .member = p->member }, list[COMMITTEE_MAX];
    struct sealed sealed;
    struct rollup rollup;

    TRY(need_committee(x, p->domain, &rollup));
    if (!sealed_read(execution_database(x), p->domain, &sealed) || sealed.number != rollup.head + 1)
        return fail(x, ERROR_NOT_READY, "no batch of rollup %" PRIu64 " waits here for attestations",
                    p->domain);
    if (!committee_has(execution_database(x), p->domain, &p->member))
        return fail(x, ERROR_NOT_A_MEMBER, "the key is not in the committee of rollup %" PRIu64, p->domain);
    if (p->signature.size == sizeof(given.signature.bytes))
        memcpy(given.signature.bytes, p->signature.data, sizeof(given.signature.bytes));
    if (p->signature.size != sizeof(given.signature.bytes) ||
        !schnorr_verify(&p->member, sealed.message.bytes, sizeof(sealed.message.bytes), &given.signature))
        return fail(x, ERROR_BAD_ATTESTATION, "the signature is not over the batch that waits");
    attested_write(execution_database(x), &sealed.message, &given);
    rollup_follow(x, p->domain);
    writer_object_begin(result);
    writer_member_unsigned(result, "number", sealed.number);
    writer_member_unsigned(result, "given", attested_list(execution_database(x), &sealed.message, list));
    writer_member_unsigned(result, "threshold", rollup.committee_threshold);
    writer_object_end(result);
    return OK;
}

/* --- rollup.hold_data ------------------------------------------------------------------------- */
const struct param hold_data_params[HOLD_DATA_PARAMS] = {
    PARAM(struct hold_data, batch, HASH, REQUIRED, "its id"),
    PARAM(struct hold_data, data, BYTES, REQUIRED, "as its committee vouched for it",
          .most = BATCH_PUBLISHED_MAX),
};

/* Data with the right hash is kept even when it is not what the batch says: it is what shows that. */
enum status hold_data(struct execution *x, const void *params, struct writer *result)
{
    const struct hold_data *p = params;
    struct arena arena CLEANUP(arena_close);
    struct batch_row row;
    struct rollup rollup;
    struct batch batch;
    struct error error;
    bool fits;

    arena_init(&arena);
    if (!batch_find(execution_database(x), &p->batch, &row))
        return fail(x, ERROR_BATCH_NOT_FOUND, "there is no such batch");
    TRY(rollup_need(x, row.domain, &rollup));
    if (row.data_state == DATA_PUBLISHED)
        return fail(x, ERROR_DATA_PUBLISHED, "the data of batch %" PRIu64 " is on the ledger", row.number);
    TRY(check_hash(x, p->data, &row.data_hash));
    keep(x, &row, p->data, NULL);
    rollup_follow(x, row.domain);
    fits = batch_restore(execution_database(x), &rollup, &row, p->data, &arena, &batch, &error) == OK;
    writer_object_begin(result);
    writer_member_boolean(result, "fits", fits);
    writer_object_end(result);
    return OK;
}

/* --- rollup.guard ----------------------------------------------------------------------------- */
const struct param guard_params[GUARD_PARAMS] = {
    PARAM(struct guard, domain, INTEGER, REQUIRED, "the rollup's number"),
    PARAM(struct guard, bond_max, INTEGER, REQUIRED,
          "the bond that it may cost at most, and that is lost when the data is published; 0: never"),
};

enum status set_guard(struct execution *x, const void *params, struct writer *result)
{
    const struct guard *p = params;
    struct rollup rollup;

    (void)result;
    TRY(need_committee(x, p->domain, &rollup));
    guard_write(execution_database(x), p->domain, p->bond_max);
    rollup_follow(x, p->domain);
    return OK;
}
