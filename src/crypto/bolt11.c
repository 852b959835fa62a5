/* Invoices: see bolt11.h. */
#include "crypto/bolt11.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bech32.h"
#include "crypto/hash.h"

#define TIME_SYMBOLS 7
#define SIGNATURE_SYMBOLS 104 /* 64 bytes and the recovery id */
#define HASH_SYMBOLS 52
#define KEY_SYMBOLS 53
#define HOP_SIZE 51
#define PREFIX_MAX 48
#define AMOUNT_DIGITS_MAX 17 /* 2^53−1 thousandths of the smallest unit, in pico-coins */
#define FIELD_SYMBOLS_MAX 1023
#define PICO_OF_MSAT 10 /* an msat is ten billionths of a thousandth of a coin: 10 pico */

static const char types[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"; /* a field's type is shown as its symbol */

static enum status refuse(struct error *error, const char *what)
{
    return error_set(error, ERROR_INVALID_INVOICE, "invoice: %s", what);
}

/* --- the prefix ------------------------------------------------------------------------------- */
/* Pico-coins of one unit of the multiplier; 0: there is no such multiplier. */
static uint64_t pico_of(char multiplier)
{
    switch (multiplier) {
    case 'm': return UINT64_C(1000000000);
    case 'u': return UINT64_C(1000000);
    case 'n': return UINT64_C(1000);
    case 'p': return 1;
    case '\0': return UINT64_C(1000000000000);
    default: return 0;
    }
}

static enum status read_amount(const char *text, struct bolt11 *invoice, struct error *error)
{
    unsigned __int128 pico = 0;
    size_t digits = strspn(text, "0123456789");
    uint64_t unit = pico_of(text[digits]);

    if (unit == 0 || (text[digits] != '\0' && text[digits + 1] != '\0'))
        return refuse(error, "its amount has an unknown multiplier");
    if (digits > AMOUNT_DIGITS_MAX || text[0] == '0')
        return refuse(error, "its amount begins with 0 or is too long");
    for (size_t i = 0; i < digits; i++)
        pico = pico * 10 + (unsigned)(text[i] - '0');
    pico *= unit;
    if (pico % PICO_OF_MSAT != 0)
        return refuse(error, "its amount is smaller than a thousandth of the smallest unit");
    if (pico / PICO_OF_MSAT > INTEGER_MAX)
        return refuse(error, "its amount is over 2^53−1 thousandths of the smallest unit");
    invoice->has_amount = true;
    invoice->amount_msat = (uint64_t)(pico / PICO_OF_MSAT);
    return OK;
}

static enum status read_prefix(const char *prefix, struct bolt11 *invoice, struct error *error)
{
    size_t letters = strcspn(prefix, "0123456789");

    if (strncmp(prefix, "ln", 2) != 0 || letters < 3 || letters - 2 >= sizeof(invoice->currency) ||
        strspn(prefix, "abcdefghijklmnopqrstuvwxyz") != letters)
        return refuse(error, "it does not begin with 'ln' and a currency");
    memcpy(invoice->currency, prefix + 2, letters - 2);
    return prefix[letters] == '\0' ? OK : read_amount(prefix + letters, invoice, error);
}

/* --- groups of 5 bits ------------------------------------------------------------------------- */
static uint64_t number_of(const uint8_t *symbols, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value << 5 | symbols[i];
    return value;
}

/* Whole bytes of the groups; bits that make no whole byte must be zero. False otherwise. */
static bool bytes_of_symbols(const uint8_t *symbols, size_t count, uint8_t *out)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        bits = (bits << 5 | symbols[i]) & 0xFFFF;
        held += 5;
        if (held >= 8) {
            held -= 8;
            out[filled++] = (uint8_t)(bits >> held);
        }
    }
    return held < 5 && (bits & ((1u << held) - 1)) == 0;
}

static enum status bytes_field(const uint8_t *symbols, size_t count, struct arena *arena, struct bytes *out,
                               struct error *error)
{
    uint8_t *bytes = arena_new(arena, count * 5 / 8 + 1);

    if (!bytes_of_symbols(symbols, count, bytes))
        return refuse(error, "a field is padded with something else than zeros");
    *out = bytes_of(bytes, count * 5 / 8);
    return OK;
}

/* --- fields ----------------------------------------------------------------------------------- */
struct decoding {
    struct bolt11 *invoice;
    struct arena *arena;
    struct error *error;
    bool has_hash, has_secret, has_expiry, has_delta, has_features, has_payee;
    struct public_key payee;
};

static enum status read_hash(struct decoding *d, const uint8_t *symbols, size_t count, struct hash *hash,
                             bool *present)
{
    uint8_t bytes[33];

    if (count != HASH_SYMBOLS || *present) /* BOLT 11: of another length, or a second one, is skipped */
        return OK;
    if (!bytes_of_symbols(symbols, count, bytes))
        return refuse(d->error, "a hash is padded with something else than zeros");
    memcpy(hash->bytes, bytes, sizeof(hash->bytes));
    *present = true;
    return OK;
}

static enum status read_payee(struct decoding *d, const uint8_t *symbols, size_t count)
{
    uint8_t bytes[34];

    if (count != KEY_SYMBOLS || d->has_payee)
        return OK;
    if (!bytes_of_symbols(symbols, count, bytes))
        return refuse(d->error, "the payee's key is padded with something else than zeros");
    memcpy(d->payee.bytes, bytes, sizeof(d->payee.bytes));
    d->has_payee = true;
    return OK;
}

static enum status read_description(struct decoding *d, const uint8_t *symbols, size_t count)
{
    struct bytes bytes;

    if (d->invoice->description != NULL)
        return OK;
    TRY(bytes_field(symbols, count, d->arena, &bytes, d->error));
    if (utf8_valid_prefix((const char *)bytes.data, bytes.size) != bytes.size ||
        memchr(bytes.data, 0, bytes.size) != NULL)
        return refuse(d->error, "its description is not UTF-8");
    d->invoice->description = arena_text(d->arena, (const char *)bytes.data, bytes.size);
    return OK;
}

static enum status read_number(struct decoding *d, const uint8_t *symbols, size_t count, uint64_t *value,
                               bool *present)
{
    if (*present)
        return OK;
    if (count > 10 || number_of(symbols, count) > UINT32_MAX)
        return refuse(d->error, "a duration is too long");
    *value = number_of(symbols, count);
    *present = true;
    return OK;
}

/* Bits that must be understood are even; those of these features are. */
static bool feature_known(unsigned bit)
{
    static const unsigned known[] = {
        8,  /* var_onion_optin */
        14, /* payment_secret */
        16, /* basic_mpp */
        48, /* option_payment_metadata */
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == bit)
            return true;
    }
    return false;
}

static enum status read_features(struct decoding *d, const uint8_t *symbols, size_t count)
{
    struct bolt11 *invoice = d->invoice;

    if (d->has_features)
        return OK;
    d->has_features = true;
    for (size_t bit = 0; bit < count * 5; bit++) {
        if ((symbols[count - 1 - bit / 5] >> bit % 5 & 1) == 0)
            continue;
        if (bit % 2 == 0 && !feature_known((unsigned)bit))
            return error_set(d->error, ERROR_INVOICE_FEATURE, "the invoice needs the feature %zu", bit);
        if (bit >= BOLT11_FEATURES_MAX || invoice->feature_count == sizeof(invoice->features) / 2)
            return refuse(d->error, "it lists too many features");
        invoice->features[invoice->feature_count++] = (uint16_t)bit;
    }
    return OK;
}

static enum status read_fallback(struct decoding *d, const uint8_t *symbols, size_t count)
{
    struct bolt11_fallback *fallback = &d->invoice->fallbacks[d->invoice->fallback_count];
    struct bytes program;

    if (count < 1 || symbols[0] > 18 || d->invoice->fallback_count == BOLT11_FALLBACKS_MAX)
        return OK; /* BOLT 11: an unknown version is skipped */
    TRY(bytes_field(symbols + 1, count - 1, d->arena, &program, d->error));
    if (program.size < 2 || program.size > 40 || (symbols[0] >= 17 && program.size != 20))
        return OK;
    *fallback = (struct bolt11_fallback){ .version = symbols[0], .program = program };
    d->invoice->fallback_count++;
    return OK;
}

static void read_hop(const uint8_t *at, struct bolt11_hop *hop)
{
    memcpy(hop->node.bytes, at, sizeof(hop->node.bytes));
    hop->channel = get_be64(at + 33);
    hop->fee_base_msat = get_be32(at + 41);
    hop->fee_ppm = get_be32(at + 45);
    hop->delta = (uint16_t)(at[49] << 8 | at[50]);
}

static enum status read_route(struct decoding *d, const uint8_t *symbols, size_t count)
{
    struct bolt11 *invoice = d->invoice;
    struct bolt11_route *route;
    struct bytes bytes;

    TRY(bytes_field(symbols, count, d->arena, &bytes, d->error));
    if (bytes.size == 0 || bytes.size % HOP_SIZE != 0 || bytes.size / HOP_SIZE > BOLT11_HOPS_MAX ||
        invoice->route_count == BOLT11_ROUTES_MAX)
        return refuse(d->error, "a route is not made of whole hops, or too long");
    if (invoice->routes == NULL)
        invoice->routes = arena_new(d->arena, BOLT11_ROUTES_MAX * sizeof(*invoice->routes));
    route = &invoice->routes[invoice->route_count++];
    for (route->count = 0; route->count < bytes.size / HOP_SIZE; route->count++)
        read_hop(bytes.data + route->count * HOP_SIZE, &route->hops[route->count]);
    return OK;
}

static enum status read_field(struct decoding *d, char type, const uint8_t *symbols, size_t count)
{
    struct bolt11 *invoice = d->invoice;

    switch (type) {
    case 'p': return read_hash(d, symbols, count, &invoice->payment_hash, &d->has_hash);
    case 's': return read_hash(d, symbols, count, &invoice->payment_secret, &d->has_secret);
    case 'h': return read_hash(d, symbols, count, &invoice->description_hash, &invoice->has_description_hash);
    case 'n': return read_payee(d, symbols, count);
    case 'd': return read_description(d, symbols, count);
    case 'm':
        return invoice->metadata.size > 0
                   ? OK
                   : bytes_field(symbols, count, d->arena, &invoice->metadata, d->error);
    case 'x': return read_number(d, symbols, count, &invoice->expiry_s, &d->has_expiry);
    case 'c': return read_number(d, symbols, count, &invoice->final_delta, &d->has_delta);
    case '9': return read_features(d, symbols, count);
    case 'f': return read_fallback(d, symbols, count);
    case 'r': return read_route(d, symbols, count);
    default: return OK; /* BOLT 11: unknown fields are skipped */
    }
}

static enum status read_fields(struct decoding *d, const uint8_t *symbols, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t length;

        if (count - at < 3)
            return refuse(d->error, "it ends within a field");
        length = (size_t)symbols[at + 1] << 5 | symbols[at + 2];
        if (count - at - 3 < length)
            return refuse(d->error, "it ends within a field");
        TRY(read_field(d, types[symbols[at]], symbols + at + 3, length));
        at += 3 + length;
    }
    if (!d->has_hash)
        return refuse(d->error, "it has no payment hash");
    if (!d->has_secret)
        return refuse(d->error, "it has no payment secret");
    if (d->invoice->description == NULL && !d->invoice->has_description_hash)
        return refuse(d->error, "it has neither description nor hash of one");
    return OK;
}

/* --- the signature ---------------------------------------------------------------------------- */
/* SHA-256 of the prefix and of the data's bits, zeros filling the last byte. */
static void signing_hash(const char *prefix, const uint8_t *symbols, size_t count, struct hash *hash)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    uint32_t bits = 0;
    unsigned held = 0;

    buffer_append_text(&bytes, prefix);
    for (size_t i = 0; i < count; i++) {
        bits = (bits << 5 | symbols[i]) & 0xFFFF;
        held += 5;
        if (held >= 8) {
            uint8_t byte = (uint8_t)(bits >> (held - 8));

            buffer_append(&bytes, &byte, 1);
            held -= 8;
        }
    }
    if (held > 0) {
        uint8_t byte = (uint8_t)(bits << (8 - held));

        buffer_append(&bytes, &byte, 1);
    }
    sha256(hash, bytes.data, bytes.size);
}

static enum status check_signature(struct decoding *d, const struct hash *hash, const uint8_t *symbols)
{
    struct bolt11 *invoice = d->invoice;
    uint8_t bytes[65];

    if (!bytes_of_symbols(symbols, SIGNATURE_SYMBOLS, bytes))
        return refuse(d->error, "its signature is padded with something else than zeros");
    memcpy(invoice->signature.bytes, bytes, sizeof(invoice->signature.bytes));
    invoice->recovery_id = bytes[64];
    if (d->has_payee) {
        if (!ecdsa_verify(&d->payee, hash, &invoice->signature))
            return error_set(d->error, ERROR_BAD_SIGNATURE,
                             "the invoice is not signed by the payee that it names");
        invoice->payee = d->payee;
        return OK;
    }
    if (!ecdsa_recover(hash, &invoice->signature, invoice->recovery_id, &invoice->payee))
        return error_set(d->error, ERROR_BAD_SIGNATURE, "no key gives the invoice's signature");
    return OK;
}

enum status bolt11_decode(const char *text, size_t length, struct arena *arena, struct bolt11 *out,
                          struct error *error)
{
    struct bolt11 invoice = { .expiry_s = BOLT11_EXPIRY_DEFAULT, .final_delta = BOLT11_FINAL_DELTA_DEFAULT };
    struct decoding d = { .invoice = &invoice, .arena = arena, .error = error };
    char prefix[PREFIX_MAX];
    uint8_t *symbols;
    size_t count, data;
    struct hash hash;

    if (length > BOLT11_TEXT_MAX)
        return refuse(error, "it has more than 7,089 characters");
    symbols = arena_new(arena, length + 1);
    if (!bech32_decode_symbols(text, length, prefix, sizeof(prefix), symbols, &count))
        return refuse(error, "it is not bech32: mistyped, or cut off");
    if (count < TIME_SYMBOLS + SIGNATURE_SYMBOLS)
        return refuse(error, "it is too short");
    TRY(read_prefix(prefix, &invoice, error));
    data = count - SIGNATURE_SYMBOLS;
    invoice.time_s = number_of(symbols, TIME_SYMBOLS);
    TRY(read_fields(&d, symbols + TIME_SYMBOLS, data - TIME_SYMBOLS));
    signing_hash(prefix, symbols, data, &hash);
    TRY(check_signature(&d, &hash, symbols + data));
    *out = invoice;
    return OK;
}

bool bolt11_expired(const struct bolt11 *invoice, uint64_t now_s)
{
    return now_s >= invoice->time_s + invoice->expiry_s;
}

/* --- encoding --------------------------------------------------------------------------------- */
static void put_number(struct buffer *out, uint64_t value, size_t symbols)
{
    for (size_t i = symbols; i-- > 0;) {
        uint8_t symbol = value >> (5 * i) & 31;

        buffer_append(out, &symbol, 1);
    }
}

static void put_bytes(struct buffer *out, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFF;
        held += 8;
        while (held >= 5) {
            held -= 5;
            put_number(out, bits >> held & 31, 1);
        }
    }
    if (held > 0)
        put_number(out, bits << (5 - held) & 31, 1);
}

/* Symbols that the number needs; at least one. */
static size_t symbols_of(uint64_t value)
{
    size_t count = 1;

    while (count < 13 && value >> (5 * count) != 0)
        count++;
    return count;
}

static void put_features(struct buffer *out, const struct bolt11 *invoice)
{
    size_t start = out->size, count = (size_t)invoice->features[invoice->feature_count - 1] / 5 + 1;

    for (size_t i = 0; i < count; i++)
        put_number(out, 0, 1);
    for (size_t i = 0; i < invoice->feature_count; i++)
        out->data[start + count - 1 - invoice->features[i] / 5] |= (uint8_t)(1 << invoice->features[i] % 5);
}

static void put_route(struct buffer *out, const struct bolt11_route *route)
{
    uint8_t bytes[BOLT11_HOPS_MAX * HOP_SIZE];

    for (size_t i = 0; i < route->count; i++) {
        uint8_t *at = bytes + i * HOP_SIZE;

        memcpy(at, route->hops[i].node.bytes, 33);
        put_be64(at + 33, route->hops[i].channel);
        put_be32(at + 41, route->hops[i].fee_base_msat);
        put_be32(at + 45, route->hops[i].fee_ppm);
        at[49] = (uint8_t)(route->hops[i].delta >> 8);
        at[50] = (uint8_t)route->hops[i].delta;
    }
    put_bytes(out, bytes, route->count * HOP_SIZE);
}

/* The data of the n-th field of a type; false: the invoice has no such field (any more). */
static bool put_data(struct buffer *out, const struct bolt11 *v, char type, size_t n)
{
    switch (type) {
    case 'p': put_bytes(out, v->payment_hash.bytes, 32); return n == 0;
    case 's': put_bytes(out, v->payment_secret.bytes, 32); return n == 0;
    case 'h': put_bytes(out, v->description_hash.bytes, 32); return n == 0 && v->has_description_hash;
    case 'n': put_bytes(out, v->payee.bytes, sizeof(v->payee.bytes)); return n == 0;
    case 'd':
        if (n == 0 && v->description != NULL)
            put_bytes(out, v->description, strlen(v->description));
        return n == 0 && v->description != NULL;
    case 'm': put_bytes(out, v->metadata.data, v->metadata.size); return n == 0 && v->metadata.size > 0;
    case 'x': put_number(out, v->expiry_s, symbols_of(v->expiry_s)); return n == 0;
    case 'c': put_number(out, v->final_delta, symbols_of(v->final_delta)); return n == 0;
    case '9':
        if (n == 0 && v->feature_count > 0)
            put_features(out, v);
        return n == 0 && v->feature_count > 0;
    case 'f':
        if (n < v->fallback_count) {
            put_number(out, v->fallbacks[n].version, 1);
            put_bytes(out, v->fallbacks[n].program.data, v->fallbacks[n].program.size);
        }
        return n < v->fallback_count;
    case 'r':
        if (n < v->route_count)
            put_route(out, &v->routes[n]);
        return n < v->route_count;
    default: return false;
    }
}

static enum status put_field(struct buffer *out, const struct bolt11 *invoice, char type, struct error *error)
{
    for (size_t n = 0; n < BOLT11_ROUTES_MAX + 1; n++) {
        struct buffer data CLEANUP(buffer_close) = { 0 };

        if (!put_data(&data, invoice, type, n))
            return OK;
        if (data.size > FIELD_SYMBOLS_MAX)
            return refuse(error, "a field is longer than 639 bytes");
        put_number(out, (uint64_t)(strchr(types, type) - types), 1);
        put_number(out, data.size, 2);
        buffer_append(out, data.data, data.size);
    }
    return OK;
}

/* The amount with the largest multiplier that needs no fraction: the shortest way to write it (BOLT 11). */
static void write_prefix(const struct bolt11 *invoice, char prefix[PREFIX_MAX])
{
    static const struct { char letter; uint64_t msat; } units[] = {
        { '\0', UINT64_C(100000000000) }, { 'm', 100000000 }, { 'u', 100000 }, { 'n', 100 } };
    char letter[2] = "p";
    uint64_t number = invoice->amount_msat * PICO_OF_MSAT;

    if (!invoice->has_amount) {
        snprintf(prefix, PREFIX_MAX, "ln%s", invoice->currency);
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (invoice->amount_msat % units[i].msat == 0) {
            number = invoice->amount_msat / units[i].msat;
            letter[0] = units[i].letter;
            break;
        }
    }
    snprintf(prefix, PREFIX_MAX, "ln%s%" PRIu64 "%s", invoice->currency, number, letter);
}

enum status bolt11_sign_with_key(void *context, const struct hash *message, struct bolt11 *invoice,
                                 struct error *error)
{
    const struct secret_key *key = context;

    if (!secret_key_public(key, &invoice->payee) ||
        !ecdsa_sign_recoverable(key, message, &invoice->signature, &invoice->recovery_id))
        return refuse(error, "the key does not sign");
    return OK;
}

enum status bolt11_encode(struct bolt11 *invoice, const char *order, bolt11_sign *sign, void *context,
                          struct buffer *text, struct error *error)
{
    struct buffer symbols CLEANUP(buffer_close) = { 0 };
    char prefix[PREFIX_MAX];
    uint8_t signature[65];
    struct hash hash;

    if (strspn(invoice->currency, "abcdefghijklmnopqrstuvwxyz") != strlen(invoice->currency) ||
        invoice->currency[0] == '\0' || (invoice->has_amount && invoice->amount_msat < 1) ||
        invoice->amount_msat > INTEGER_MAX / PICO_OF_MSAT || invoice->time_s >> 35 != 0)
        return refuse(error, "currency, amount or time cannot be written");
    write_prefix(invoice, prefix);
    put_number(&symbols, invoice->time_s, TIME_SYMBOLS);
    for (; *order != '\0'; order++)
        TRY(put_field(&symbols, invoice, *order, error));
    signing_hash(prefix, symbols.data, symbols.size, &hash);
    TRY(sign(context, &hash, invoice, error));
    memcpy(signature, invoice->signature.bytes, 64);
    signature[64] = (uint8_t)invoice->recovery_id;
    put_bytes(&symbols, signature, sizeof(signature));
    if (symbols.size + strlen(prefix) + 7 > BOLT11_TEXT_MAX)
        return refuse(error, "it would have more than 7,089 characters");
    bech32_encode_symbols((char *)buffer_reserve(text, strlen(prefix) + symbols.size + 8), prefix,
                          symbols.data, symbols.size);
    text->size += strlen(prefix) + symbols.size + 7;
    return OK;
}
