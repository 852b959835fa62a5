/* The commands about invoices: see invoice.h. */
#include "layer2/payment/invoice.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/map.h"
#include "layer2/payment/send.h"
#include "ledger/ledger.h"

#define EXPIRY_US ((int64_t)3600 * 1000000) /* BOLT 11's default */
#define EXPIRY_MOST_US ((int64_t)366 * 24 * 3600 * 1000000)

static bool is_given(const struct hash *hash)
{
    static const struct hash none;

    return !hash_equal(hash, &none);
}

/* --- invoice.create --------------------------------------------------------------------------- */
const struct param create_params[7] = {
    PARAM(struct create, payee, ACCOUNT, REQUIRED, "who is to be paid: a key of the keystore"),
    PARAM(struct create, asset, ASSET, REQUIRED, "what is to be paid"),
    PARAM(struct create, amount, AMOUNT, OPTIONAL, "in its smallest unit; absent: what the payer likes"),
    PARAM(struct create, description, TEXT, OPTIONAL, "what it is for, at most 639 bytes", .most = 639),
    PARAM(struct create, expiry, DURATION, OPTIONAL, "until when it can be paid, at most 366d",
          .fallback = EXPIRY_US),
    PARAM(struct create, hold, BOOLEAN, OPTIONAL,
          "what comes in waits for 'invoice.settle' or 'invoice.cancel'; false"),
    PARAM(struct create, hash, HASH, OPTIONAL,
          "SHA-256 of a preimage that is elsewhere; for 'hold'. Absent: a new preimage"),
};

struct signer {
    struct keystore *keystore;
    const char *address;
};

static enum status sign_with_keystore(void *context, const struct hash *message, struct bolt11 *invoice,
                                      struct error *error)
{
    const struct signer *signer = context;

    return keystore_sign_ecdsa(signer->keystore, signer->address, message, &invoice->signature,
                               &invoice->recovery_id, &invoice->payee, error);
}

enum status check_create(const struct check *check, void *params, struct arena *arena, struct error *error)
{
    struct create *p = params;
    char address[ADDRESS_TEXT_MAX];
    struct signer signer = { check->keystore, address };
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct bolt11 v = { .has_amount = p->amount > 0, .amount_msat = p->amount, .final_delta = 18,
                        .time_s = (uint64_t)(kernel_now(check->kernel) / MICROSECONDS_PER_SECOND),
                        .expiry_s = (uint64_t)(p->expiry / MICROSECONDS_PER_SECOND),
                        .description = p->description == NULL ? "" : p->description,
                        .metadata = bytes_of(p->asset.bytes, sizeof(p->asset.bytes)), .feature_count = 3,
                        .features = { 8, 14, 17 } }; /* var_onion_optin, payment_secret, basic_mpp (BOLT 9) */

    if (check->keystore == NULL)
        return error_set(error, ERROR_KEY_NOT_FOUND, "payee: this node keeps no keys");
    if (is_given(&p->hash) && !p->hold)
        return error_set(error, ERROR_INVALID_PARAMS, "hash: with a preimage elsewhere, 'hold' must be true");
    if (p->expiry < MICROSECONDS_PER_SECOND || p->expiry > EXPIRY_MOST_US)
        return error_set(error, ERROR_INVALID_PARAMS, "expiry: 1s … 366d are expected");
    address_encode(address, &p->payee);
    strcpy(v.currency, payment_currency(check->chain));
    randombytes_buf(p->preimage.bytes, sizeof(p->preimage.bytes));
    randombytes_buf(v.payment_secret.bytes, sizeof(v.payment_secret.bytes));
    if (!is_given(&p->hash))
        sha256(&p->hash, p->preimage.bytes, sizeof(p->preimage.bytes));
    else
        memset(&p->preimage, 0, sizeof(p->preimage));
    v.payment_hash = p->hash;
    TRY(bolt11_encode(&v, "spdxcm9", sign_with_keystore, &signer, &text, error));
    p->text = arena_text(arena, buffer_text(&text), text.size);
    return OK;
}

enum status create_invoice(struct execution *x, const void *params, struct writer *result)
{
    const struct create *p = params;
    struct invoice v = { .hash = p->hash, .payee = p->payee, .asset = p->asset, .amount = p->amount,
                         .text = p->text, .description = p->description, .hold = p->hold,
                         .has_preimage = is_given(&p->preimage), .preimage = p->preimage,
                         .expires_us = execution_time(x) + p->expiry, .created_seq = execution_next_seq(x) };
    struct invoice present;
    struct asset asset;

    TRY(asset_find(x, &p->asset, &asset));
    if (invoice_read(execution_database(x), &p->hash, &present))
        return fail(x, ERROR_INVOICE_EXISTS, "an invoice has this hash already, and is %s",
                    invoice_state_name(present.state));
    invoice_insert(execution_database(x), &v, execution_time(x));
    sweep_request(x, PAYMENT_DEADLINES, v.expires_us);
    writer_object_begin(result);
    writer_member_text(result, "invoice", p->text);
    writer_member_hex(result, "hash", p->hash.bytes, sizeof(p->hash.bytes));
    writer_member_integer(result, "expires_us", v.expires_us);
    writer_object_end(result);
    return event_invoice_changed(x, &(struct event_invoice_changed){
        .hash = v.hash, .payee = v.payee, .amount = v.amount, .state = invoice_state_name(v.state) });
}

/* --- invoice.settle, invoice.cancel ----------------------------------------------------------- */
const struct param settle_params[2] = {
    PARAM(struct settle, hash, HASH, OPTIONAL, "the payment hash; absent: that of 'preimage'"),
    PARAM(struct settle, preimage, HASH, OPTIONAL, "32 bytes, when the node does not have them"),
};

const struct param cancel_params[1] = {
    PARAM(struct cancel, hash, HASH, REQUIRED, "the payment hash"),
};

static enum status need_invoice(struct execution *x, const struct hash *hash, struct invoice *v)
{
    if (!invoice_read(execution_database(x), hash, v))
        return fail(x, ERROR_INVOICE_NOT_FOUND, "no invoice of this node has this hash");
    return OK;
}

static void answer(struct writer *result, const struct invoice *v)
{
    writer_object_begin(result);
    writer_member_hex(result, "hash", v->hash.bytes, sizeof(v->hash.bytes));
    writer_member_text(result, "state", invoice_state_name(v->state));
    writer_member_unsigned(result, "received", v->received);
    writer_object_end(result);
}

enum status settle_invoice(struct execution *x, const void *params, struct writer *result)
{
    const struct settle *p = params;
    struct hash hash = p->hash, unlocked;
    struct invoice v;

    sha256(&unlocked, p->preimage.bytes, sizeof(p->preimage.bytes));
    if (!is_given(&hash))
        hash = unlocked;
    TRY(need_invoice(x, &hash, &v));
    if (v.state != INVOICE_ACCEPTED)
        return fail(x, ERROR_INVOICE_ENDED, "the invoice is %s; only what was accepted can be settled",
                    invoice_state_name(v.state));
    if (is_given(&p->preimage)) {
        if (!hash_equal(&hash, &unlocked))
            return fail(x, ERROR_WRONG_PREIMAGE, "the preimage is not that of the invoice");
        v.has_preimage = true;
        v.preimage = p->preimage;
    }
    if (!v.has_preimage)
        return fail(x, ERROR_WRONG_PREIMAGE, "this node does not have the preimage; give it");
    if (flow_locked_sum(x, &hash) < v.received)
        return fail(x, ERROR_INVOICE_ENDED, "what was accepted is not all there any more; cancel it");
    flow_settle(x, &v);
    answer(result, &v);
    return OK;
}

enum status cancel_invoice(struct execution *x, const void *params, struct writer *result)
{
    const struct cancel *p = params;
    struct invoice v;

    TRY(need_invoice(x, &p->hash, &v));
    if (v.state != INVOICE_OPEN && v.state != INVOICE_ACCEPTED)
        return fail(x, ERROR_INVOICE_ENDED, "the invoice is %s already", invoice_state_name(v.state));
    flow_cancel(x, &v, INVOICE_CANCELED, FAILURE_CANCELED);
    answer(result, &v);
    return OK;
}
