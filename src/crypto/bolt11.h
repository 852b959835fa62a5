/* Invoices: BOLT 11, of Bitcoin's networks and of others with a currency prefix of their own. Pure.
 *
 *   prefix = "ln" currency amount?      amount = digits [m | u | n | p] of one whole coin
 *   data   = time [35 bits] ‖ fields (type [5], length [10], data) ‖ signature [520]
 *
 * The signature is ECDSA with recovery over SHA-256(prefix ‖ data up to the signature, padded to bytes). */
#ifndef CRYPTO_BOLT11_H
#define CRYPTO_BOLT11_H

#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/schnorr.h"

#define BOLT11_TEXT_MAX 7089      /* characters: what a QR code holds, the limit that others keep too */
#define BOLT11_CURRENCY_MAX 16    /* with the final zero */
#define BOLT11_EXPIRY_DEFAULT 3600
#define BOLT11_FINAL_DELTA_DEFAULT 18
#define BOLT11_FEATURES_MAX 1024  /* bits */
#define BOLT11_ROUTES_MAX 16
#define BOLT11_HOPS_MAX 12        /* of one route */
#define BOLT11_FALLBACKS_MAX 8

struct bolt11_hop {
    struct public_key node;
    uint64_t channel;             /* short channel id */
    uint32_t fee_base_msat, fee_ppm;
    uint16_t delta;               /* blocks */
};

struct bolt11_route {
    size_t count;
    struct bolt11_hop hops[BOLT11_HOPS_MAX];
};

struct bolt11_fallback {
    uint8_t version;              /* 0 … 16 witness; 17 P2PKH, 18 P2SH */
    struct bytes program;
};

struct bolt11 {
    char currency[BOLT11_CURRENCY_MAX]; /* "bc", "tb", "lyt" … */
    bool has_amount;
    uint64_t amount_msat;         /* 10^−11 of one whole coin; 1 … 2^53−1 */
    uint64_t time_s;              /* since 1970 */
    struct hash payment_hash, payment_secret;
    const char *description;      /* UTF-8; NULL when only its hash is given */
    bool has_description_hash;
    struct hash description_hash;
    uint64_t expiry_s, final_delta;
    struct bytes metadata;        /* may be empty */
    size_t feature_count;
    uint16_t features[64];        /* bit numbers, rising */
    size_t fallback_count, route_count;
    struct bolt11_fallback fallbacks[BOLT11_FALLBACKS_MAX];
    struct bolt11_route *routes;
    struct public_key payee;      /* who signed */
    struct signature signature;
    int recovery_id;
};

/* ERROR_INVALID_INVOICE, ERROR_INVOICE_FEATURE (needs what is not known here), ERROR_BAD_SIGNATURE. What it
 * points to is in `arena`. */
MUST_CHECK enum status bolt11_decode(const char *text, size_t length, struct arena *arena,
                                     struct bolt11 *invoice, struct error *error);

/* Signs for bolt11_encode: fills signature and recovery_id, and payee with the key that signs. */
typedef enum status bolt11_sign(void *context, const struct hash *message, struct bolt11 *invoice,
                                struct error *error);
bolt11_sign bolt11_sign_with_key; /* context: const struct secret_key */

/* Writes and signs. The field 'n' needs `payee` beforehand. Fields come in the order of the types that
 * `order` lists, such as "spdxcr9"; every one that the invoice has must be in it. `text` is appended to.
 * ERROR_INVALID_INVOICE when a field does not fit. */
MUST_CHECK enum status bolt11_encode(struct bolt11 *invoice, const char *order, bolt11_sign *sign,
                                     void *context, struct buffer *text, struct error *error);

/* now ≥ time + expiry: too late. */
bool bolt11_expired(const struct bolt11 *invoice, uint64_t now_s);

#endif
