/* Proofs checked here: see proofs.h. */
#include "network/lightning/proofs.h"

#include <string.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "network/lightning/reply.h"
#include "network/lightning/zbase32.h"

#define SIGNED_PREFIX "Lightning Signed Message:"
#define SIGNED_SIZE 65
#define SIGNED_FIRST 31 /* 27, and 4 for a compressed key: the first byte of recovery id 0 */

static enum status decide(struct network_verdict *verdict, enum proof_verdict what, const char *reason,
                          const char *details)
{
    *verdict = (struct network_verdict){ .verdict = what, .anchor = ANCHOR_SIGNATURE, .reason = reason,
                                         .details = details };
    return OK;
}

static enum status wrong(struct network_verdict *verdict, const char *reason)
{
    *verdict = (struct network_verdict){ .verdict = PROOF_INVALID, .anchor = ANCHOR_NONE, .reason = reason };
    return OK;
}

bool proofs_signer(const char *message, const char *zbase, struct public_key *signer)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    uint8_t signed_[SIGNED_SIZE];
    struct signature signature;
    struct hash hash;

    if (!zbase32_decode(signed_, sizeof(signed_), zbase, strlen(zbase)) || signed_[0] < SIGNED_FIRST ||
        signed_[0] > SIGNED_FIRST + 3)
        return false;
    buffer_append_text(&bytes, SIGNED_PREFIX);
    buffer_append_text(&bytes, message);
    sha256(&hash, bytes.data, bytes.size);
    sha256(&hash, hash.bytes, sizeof(hash.bytes));
    memcpy(signature.bytes, signed_ + 1, sizeof(signature.bytes));
    return ecdsa_recover(&hash, &signature, signed_[0] - SIGNED_FIRST, signer);
}

/* --- a paid invoice --------------------------------------------------------------------------- */
static const char *payment_details(struct arena *arena, const struct bolt11 *invoice)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_hex(&w, "payment_hash", invoice->payment_hash.bytes, sizeof(invoice->payment_hash.bytes));
    writer_member_hex(&w, "payee", invoice->payee.bytes, sizeof(invoice->payee.bytes));
    if (invoice->has_amount) {
        writer_key(&w, "amount_msat");
        writer_text(&w, format_in(arena, "%llu", (unsigned long long)invoice->amount_msat));
    }
    writer_member_unsigned(&w, "time", invoice->time_s);
    if (invoice->description != NULL)
        writer_member_text(&w, "description", invoice->description);
    writer_object_end(&w);
    return arena_text(arena, (const char *)text.data, text.size);
}

static enum status verify_payment(const json_t *proof, const char *currency, struct arena *arena,
                                  struct network_verdict *verdict, struct error *error)
{
    const char *text;
    struct hash preimage, hash;
    struct bolt11 invoice;
    struct error told;

    if (!reply_text(proof, "invoice", &text) ||
        !reply_hex(proof, "preimage", preimage.bytes, sizeof(preimage.bytes)) || json_object_size(proof) != 3)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "a proof of payment has type, invoice (BOLT 11) and preimage (64 hex digits), no "
                         "more");
    if (bolt11_decode(text, strlen(text), arena, &invoice, &told) != OK)
        return wrong(verdict, format_in(arena, "%s", told.message));
    if (strcmp(invoice.currency, currency) != 0)
        return wrong(verdict, format_in(arena, "the invoice is for the chain 'ln%s', the link's is 'ln%s'",
                                        invoice.currency, currency));
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    if (!hash_equal(&hash, &invoice.payment_hash))
        return wrong(verdict, "the preimage is not that of the invoice's payment hash");
    return decide(verdict, PROOF_VALID,
                  "checked here: the invoice is signed by the payee's key and the preimage belongs to its "
                  "payment hash, so that somebody has paid it, or the payee gave the preimage away; which "
                  "payer it was is not in it", payment_details(arena, &invoice));
}

/* --- a signed message ------------------------------------------------------------------------- */
static enum status verify_message(const json_t *proof, struct arena *arena, struct network_verdict *verdict,
                                  struct error *error)
{
    const char *message, *zbase;
    struct public_key claimed, signer;

    if (!reply_text(proof, "message", &message) || !reply_text(proof, "signature", &zbase) ||
        !reply_hex(proof, "public_key", claimed.bytes, sizeof(claimed.bytes)) ||
        json_object_size(proof) != 4 || strlen(message) > PROOF_MESSAGE_MAX)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "a signed message has type, message, signature (zbase32) and public_key (66 hex "
                         "digits), no more");
    if (!proofs_signer(message, zbase, &signer))
        return wrong(verdict, "the signature is not zbase32 of a recoverable signature");
    if (memcmp(signer.bytes, claimed.bytes, sizeof(signer.bytes)) != 0)
        return wrong(verdict, "another key, or none, has signed this message");
    return decide(
        verdict, PROOF_VALID,
        "checked here: this key has signed the message; whether a node of the network has the key was "
        "not asked",
        format_in(arena, "{\"public_key\":\"%s\"}", hex_in(arena, signer.bytes, sizeof(signer.bytes))));
}

enum status proofs_verify(const char *proof, const char *currency, struct arena *arena,
                          struct network_verdict *verdict, struct error *error)
{
    json_t *value AUTO_JSON = NULL;
    const char *type;

    TRY(json_parse(proof, strlen(proof), &value, error));
    if (!reply_text(value, "type", &type))
        return error_set(error, ERROR_INVALID_PARAMS, "a proof is an object with a type");
    if (strcmp(type, "payment") == 0)
        return verify_payment(value, currency, arena, verdict, error);
    if (strcmp(type, "message") == 0)
        return verify_message(value, arena, verdict, error);
    return error_set(error, ERROR_INVALID_PARAMS, "'%.40s' is no type of proof here: payment, message", type);
}

/* --- writing ---------------------------------------------------------------------------------- */
static const char *written(struct arena *arena, const struct buffer *text)
{
    return arena_text(arena, (const char *)text->data, text->size);
}

const char *proofs_write_payment(struct arena *arena, const char *invoice, const struct hash *preimage)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "type", "payment");
    writer_member_text(&w, "invoice", invoice);
    writer_member_hex(&w, "preimage", preimage->bytes, sizeof(preimage->bytes));
    writer_object_end(&w);
    return written(arena, &text);
}

const char *proofs_write_message(struct arena *arena, const char *message, const char *zbase,
                                 const struct public_key *signer)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    writer_object_begin(&w);
    writer_member_text(&w, "type", "message");
    writer_member_text(&w, "message", message);
    writer_member_text(&w, "signature", zbase);
    writer_member_hex(&w, "public_key", signer->bytes, sizeof(signer->bytes));
    writer_object_end(&w);
    return written(arena, &text);
}
