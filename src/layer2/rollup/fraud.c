/* Fraud that is proved at once. What one leaf of the state before the batch and the items before an item tell
 * about that item is a range: an earlier transaction of the batch was executed, or the batch is wrong
 * anyhow; an earlier forced one may have been null. Only where the whole range is wrong it is fraud. */
#include <inttypes.h>

#include "base/memory.h"
#include "layer2/rollup/batch.h"

#define HEAD_SIZE 7

const char *fraud_kind_name(enum fraud_kind kind)
{
    switch (kind) {
    case FRAUD_SIGNATURE:
        return "bad_signature";
    case FRAUD_NONCE:
        return "bad_nonce";
    case FRAUD_BALANCE:
        return "insufficient_balance";
    case FRAUD_WITHDRAWALS:
        return "wrong_withdrawal_root";
    }
    INVARIANT(false, "no such kind of fraud: %d", (int)kind);
}

/* --- bytes ------------------------------------------------------------------------------------ */

struct fraud {
    enum fraud_kind kind;
    uint32_t item;
    bool present;
    struct leaf leaf;
    struct state_proof proof;
};

void fraud_encode(enum fraud_kind kind, uint32_t item, const struct leaf *leaf,
                  const struct state_proof *proof, struct buffer *out)
{
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    uint8_t head[HEAD_SIZE];

    if (leaf != NULL)
        leaf_encode(leaf, &bytes);
    head[0] = (uint8_t)kind;
    put_be32(head + 1, item);
    head[5] = (uint8_t)(bytes.size >> 8);
    head[6] = (uint8_t)bytes.size;
    buffer_append(out, head, sizeof head);
    buffer_append(out, bytes.data, bytes.size);
    state_proof_encode(proof, out);
}

static bool fraud_read(struct bytes bytes, struct fraud *fraud)
{
    if (bytes.size < HEAD_SIZE || bytes.size > FRAUD_SIZE_MAX)
        return false;
    size_t leaf = (size_t)bytes.data[5] << 8 | bytes.data[6];
    if (bytes.data[0] < FRAUD_SIGNATURE || bytes.data[0] > FRAUD_WITHDRAWALS ||
        leaf > bytes.size - HEAD_SIZE)
        return false;
    fraud->kind = (enum fraud_kind)bytes.data[0];
    fraud->item = get_be32(bytes.data + 1);
    fraud->present = leaf > 0;
    const struct bytes in = { bytes.data + HEAD_SIZE, leaf };
    const struct bytes proof = { in.data + leaf, bytes.size - HEAD_SIZE - leaf };
    return (!fraud->present || leaf_decode(in, &fraud->leaf, NULL) == OK) &&
           state_proof_decode(proof, &fraud->proof, NULL) == OK;
}

static bool leaf_stands(const struct fraud *fraud, const struct leaf_place *place, const struct hash *root)
{
    struct hash key, value;

    leaf_place_hash(&key, place);
    if (!fraud->present)
        return state_proof_absent(&fraud->proof, &key, root);
    if (fraud->leaf.kind != place->kind)
        return false;
    leaf_value_hash(&value, &fraud->leaf);
    return state_proof_present(&fraud->proof, &key, &value, root);
}

/* --- what the items before tell ----------------------------------------------------------------- */

/* Bounds of what the sender's account holds before its item. */
struct bounds {
    uint64_t nonces;        /* its transactions that were executed … */
    uint64_t nonces_maybe;  /* … and that may have been */
    __int128 balance;       /* the most that it may have */
    bool uncertain;         /* it may be less */
};

static bool item_read(const struct batch *batch, uint64_t index, const struct hash *rollup, struct item *item)
{
    const struct machine_batch *machine = &batch->machine;
    size_t size;

    if (index < machine->inbox_items)
        return inbox_item_decode(batch->items[index], rollup, machine->assets, item, NULL) == OK;
    return rollup_transaction_decode(batch->items[index], rollup, machine->assets, item, &size, NULL) == OK &&
           size == batch->items[index].size;
}

static uint64_t income(const struct item *item, uint32_t account)
{
    uint64_t amount = account == 0 ? item->fee : 0;

    for (unsigned i = 0; i < item->output_count; i++) {
        if (item->outputs[i].to == account)
            amount += item->outputs[i].amount;
    }
    return amount;
}

static void transaction_count(struct bounds *bounds, const struct item *item, const struct item *of)
{
    bool own = item->from == of->from, same = item->asset == of->asset;

    if (same) {
        uint64_t amount = income(item, of->from);
        bounds->balance += amount;
        bounds->uncertain |= item->inbox && (own || amount > 0);
    }
    if (own && item->inbox) {
        bounds->nonces_maybe++;
    } else if (own) {
        bounds->nonces++;
        bounds->balance -= same ? transaction_total(item) : 0;
    }
}

/* One item before `of`, whose sender has this key. */
static void item_count(struct bounds *bounds, const struct item *item, const struct item *of,
                       const struct account_id *key)
{
    switch (item->kind) {
    case ITEM_TRANSFER:
    case ITEM_BATCH_TRANSFER:
    case ITEM_WITHDRAWAL:
    case ITEM_REGISTRATION:
        transaction_count(bounds, item, of);
        return;
    case ITEM_DEPOSIT:
        if (item->asset == of->asset && account_equal(&item->key, key))
            bounds->balance += item->amount;
        return;
    case ITEM_FORCED_EXIT:
        bounds->uncertain |= item->asset == of->asset && account_equal(&item->key, key);
        return;
    case ITEM_EXITED: /* never null */
        if (item->asset == of->asset && item->from == of->from)
            bounds->balance -= item->amount;
        return;
    case ITEM_FORCED:
        return; /* malformed */
    }
}

/* --- verified --------------------------------------------------------------------------------- */

static enum status not_fraud(struct error *error, const char *what)
{
    return error_set(error, ERROR_NOT_FRAUD, "the item's %s is right", what);
}

static enum status undecided(struct error *error, const char *what)
{
    return error_set(error, ERROR_INVALID_WITNESS,
                     "whether the item's %s is right depends on forced items before it; a game can show it",
                     what);
}

static enum status check_nonce(const struct item *item, const struct rollup_account *account,
                               const struct bounds *bounds, struct error *error)
{
    uint64_t least = account->nonce + bounds->nonces;

    if (item->nonce < least || item->nonce > least + bounds->nonces_maybe)
        return OK;
    return bounds->nonces_maybe > 0 ? undecided(error, "nonce") : not_fraud(error, "nonce");
}

static enum status check_balance(const struct item *item, const struct bounds *bounds, struct error *error)
{
    if (bounds->balance < (__int128)transaction_total(item))
        return OK;
    return bounds->uncertain ? undecided(error, "balance") : not_fraud(error, "balance");
}

static enum status check_item(const struct batch *batch, const struct fraud *fraud, struct error *error)
{
    const struct machine_batch *machine = &batch->machine;
    struct item item, before;

    if (fraud->item < machine->inbox_items || fraud->item >= machine->items)
        return error_set(error, ERROR_INVALID_WITNESS, "item %" PRIu32 " is no transaction of the batch",
                         fraud->item);
    const struct hash *rollup = fraud->kind == FRAUD_SIGNATURE ? &machine->rollup : NULL;
    if (!item_read(batch, fraud->item, rollup, &item))
        return error_set(error, ERROR_INVALID_WITNESS, "item %" PRIu32 " is malformed, as in no batch",
                         fraud->item);
    const struct leaf_place place = { .kind = LEAF_ACCOUNT, .index = item.from };
    if (!fraud->present || !leaf_stands(fraud, &place, &batch->previous_root))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "account %" PRIu32 " is not shown as it was before the batch", item.from);
    const struct rollup_account *account = &fraud->leaf.account;
    if (fraud->kind == FRAUD_SIGNATURE)
        return schnorr_verify(&account->key, item.digest.bytes, sizeof item.digest, &item.signature) ?
                   not_fraud(error, "signature") : OK;

    struct bounds bounds = { .balance = account->balances[item.asset] };
    for (uint32_t i = 0; i < fraud->item; i++) {
        if (item_read(batch, i, NULL, &before))
            item_count(&bounds, &before, &item, &account->key);
    }
    if (fraud->kind == FRAUD_NONCE)
        return check_nonce(&item, account, &bounds, error);
    return check_balance(&item, &bounds, error);
}

/* The outbox is there in every state: that it is not is fraud as well. */
static enum status check_withdrawals(const struct batch_result *claimed, const struct fraud *fraud,
                                     struct error *error)
{
    const struct leaf_place place = { .kind = LEAF_OUTBOX };
    struct hash root;

    if (fraud->item != 0 || !leaf_stands(fraud, &place, &claimed->root))
        return error_set(error, ERROR_INVALID_WITNESS, "the outbox below the new root is not shown");
    if (!fraud->present || fraud->leaf.outbox.count != claimed->withdrawals)
        return OK;
    outbox_root(outbox_shape(), &fraud->leaf.outbox, &root);
    if (hash_equal(&root, &claimed->withdrawal_root))
        return error_set(error, ERROR_NOT_FRAUD, "the withdrawal root is the new root's");
    return OK;
}

enum status fraud_verify(const struct batch *batch, const struct batch_result *claimed, struct bytes proof,
                         enum fraud_kind *kind, struct error *error)
{
    struct fraud fraud;

    if (!fraud_read(proof, &fraud))
        return error_set(error, ERROR_INVALID_WITNESS,
                         "these %zu bytes are no proof of fraud in its one form", proof.size);
    if (fraud.kind == FRAUD_WITHDRAWALS)
        TRY(check_withdrawals(claimed, &fraud, error));
    else
        TRY(check_item(batch, &fraud, error));
    *kind = fraud.kind;
    return OK;
}
