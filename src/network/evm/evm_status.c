/* What became of a transaction on an EVM network. A receipt counts when its block is still in the chain and
 * deep enough; one that is missing is pending, unknown, or lost to another with its nonce. evm_client.h. */
#include <stdio.h>

#include "network/evm/server.h"

/* The bytes that were sent, if they are at hand, tell sender and nonce. */
struct subject {
    struct hash id;
    bool readable;
    struct evm_transaction transaction;
    struct evm_address sender;
};

static enum status read_subject(struct network_call *call, const struct network_prepared *which,
                                struct subject *subject)
{
    const char *text = which->transaction == NULL ? "" : which->transaction;
    struct error unreadable = {0};
    *subject = (struct subject){0};
    if (strlen(text) != REPLY_HASH_TEXT_MAX - 1 || text[0] != '0' || text[1] != 'x' ||
        !hex_decode(subject->id.bytes, sizeof subject->id.bytes, text + 2, strlen(text) - 2))
        return error_set(&call->error, ERROR_INVALID_PARAMS,
                         "the transaction is '%s'; it takes 0x and 64 hex digits", text);
    subject->readable = which->raw.size > 0 &&
                        evm_transaction_decode(which->raw, call->arena, &subject->transaction,
                                               &subject->sender, &unreadable) == OK;
    return OK;
}

static const char *say(struct network_call *call, const char *text)
{
    return arena_text(call->arena, text, strlen(text));
}

/* --- without a receipt ------------------------------------------------------------------------------- */
/* Another transaction with the same nonce ends ours for good once it is as deep as ours would have to be. */
static enum status look_at_nonce(struct evm_client *client, struct network_call *call,
                                 const struct subject *subject, struct network_status *status)
{
    struct server_tips tips;
    uint64_t settled, newest;
    *status = (struct network_status){.state = TRANSACTION_UNKNOWN,
                                      .reason = "the server does not know it; it may be sent again"};
    if (!subject->readable) {
        status->reason = "the server does not know it";
        return OK;
    }
    TRY(server_tips(client, call, &tips));
    const char *deep = server_block_number(call, server_settled(client, tips.latest.number));
    TRY(server_nonce(client, call, &subject->sender, json_string("latest"), &newest));
    if (newest <= subject->transaction.nonce)
        return OK;
    TRY(server_nonce(client, call, &subject->sender, json_string(deep), &settled));
    if (settled > subject->transaction.nonce) {
        status->state = TRANSACTION_FAILED;
        status->finality = FINALITY_SOFT;
        status->reason = "replaced: another transaction with its nonce was mined";
    } else {
        status->reason = "another transaction with its nonce was mined, but not yet deep enough";
    }
    return OK;
}

static enum status look_in_pool(struct evm_client *client, struct network_call *call,
                                const struct subject *subject, struct network_status *status)
{
    AUTO_JSON json_t *found = NULL;
    json_t *params = json_pack("[o]", json_data(subject->id.bytes, sizeof subject->id.bytes));
    TRY(server_ask(client, call, "eth_getTransactionByHash", params, &found));
    if (json_is_null(found))
        return look_at_nonce(client, call, subject, status);
    struct hash told;
    if (!reply_hash(json_object_get(found, "hash"), &told) || !hash_equal(&told, &subject->id))
        return server_lied(client, call, "eth_getTransactionByHash gave another transaction");
    *status = (struct network_status){.state = TRANSACTION_PENDING, .has_confirmations = true};
    return OK;
}

/* --- with one ---------------------------------------------------------------------------------------- */
/* Runs it again on the state before its block: other transactions of that block are not in it, so it may
 * succeed here and tell nothing. */
static enum status why_it_failed(struct evm_client *client, struct network_call *call,
                                 const struct subject *subject, const struct server_receipt *receipt,
                                 const char **reason)
{
    *reason = "reverted";
    if (!subject->readable)
        return OK;
    const struct evm_transaction *transaction = &subject->transaction;
    if (receipt->gas_used >= transaction->gas_limit)
        *reason = "reverted: out of gas";
    struct server_message message = {.sender = &subject->sender,
                                     .to = transaction->creates ? NULL : &transaction->to,
                                     .value = transaction->value, .data = transaction->data,
                                     .gas = transaction->gas_limit};
    struct server_outcome outcome;
    const char *before = server_block_number(call, receipt->number == 0 ? 0 : receipt->number - 1);
    TRY(server_call(client, call, &message, before, &outcome));
    if (outcome.reverted)
        *reason = say(call, outcome.reason);
    return OK;
}

static void receipt_details(const struct server_receipt *receipt, struct network_call *call,
                            struct network_status *status)
{
    char text[U256_DECIMAL_MAX];
    struct buffer details CLEANUP(buffer_close);
    buffer_init(&details);
    struct writer w;
    writer_init(&w, &details);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "index", receipt->index);
    writer_member_unsigned(&w, "gas_used", receipt->gas_used);
    writer_member_text(&w, "gas_price", u256_decimal(text, &receipt->gas_price));
    if (receipt->has_l1_fee)
        writer_member_text(&w, "layer1_fee", u256_decimal(text, &receipt->l1_fee));
    writer_object_end(&w);
    status->details = arena_text(call->arena, (const char *)details.data, details.size);
}

static enum finality finality_at(const struct server_tips *tips, uint64_t number, bool deep)
{
    if (tips->has_final && number <= tips->final)
        return FINALITY_FINAL;
    if ((tips->has_safe && number <= tips->safe) || (!tips->has_safe && deep))
        return FINALITY_SAFE;
    return FINALITY_SOFT;
}

static enum status look_at_receipt(struct evm_client *client, struct network_call *call,
                                   const struct subject *subject, const struct server_receipt *receipt,
                                   struct network_status *status)
{
    struct server_block there;
    struct server_tips tips;
    TRY(server_tips(client, call, &tips));
    TRY(server_block(client, call, server_block_number(call, receipt->number), &there));
    if (!there.known || !hash_equal(&there.hash, &receipt->block) || receipt->number > tips.latest.number) {
        *status = (struct network_status){.state = TRANSACTION_PENDING, .has_confirmations = true,
                                          .reason = "the block with it is no longer in the chain"};
        return OK;
    }
    struct network_status found = {.state = TRANSACTION_PENDING, .has_confirmations = true,
                                   .has_height = true, .height = receipt->number,
                                   .confirmations = tips.latest.number - receipt->number + 1,
                                   .block = server_block_hash(call, &receipt->block)};
    bool deep = found.confirmations >= client->confirmations;
    found.finality = finality_at(&tips, receipt->number, deep);
    receipt_details(receipt, call, &found);
    if (!receipt->succeeded)
        TRY(why_it_failed(client, call, subject, receipt, &found.reason));
    if (deep)
        found.state = receipt->succeeded ? TRANSACTION_CONFIRMED : TRANSACTION_FAILED;
    if (receipt->succeeded && subject->readable && subject->transaction.creates) {
        char text[EVM_ADDRESS_TEXT_MAX];
        struct evm_address created;
        evm_address_created(&subject->sender, subject->transaction.nonce, &created);
        if (!receipt->has_contract || !evm_address_equal(&created, &receipt->contract))
            return server_lied(client, call, "the receipt names another contract than the one created");
        found.asset = say(call, evm_address_encode(text, &created, client->checksum));
    }
    *status = found;
    return OK;
}

enum status evm_check_status(void *client, struct network_call *call, const struct network_prepared *which,
                             struct network_status *status)
{
    struct evm_client *c = client;
    struct subject subject;
    struct server_receipt receipt;
    TRY(read_subject(call, which, &subject));
    TRY(server_receipt(c, call, &subject.id, &receipt));
    if (!receipt.known) {
        TRY(look_in_pool(c, call, &subject, status));
        if (status->state != TRANSACTION_FAILED)
            return OK;
        /* Its nonce is used: by itself, when it was mined since its receipt was asked for. */
        TRY(server_receipt(c, call, &subject.id, &receipt));
        if (!receipt.known)
            return OK;
    }
    return look_at_receipt(c, call, &subject, &receipt, status);
}
