/* What people may ask about payments and invoices: see queries.h. */
#include "layer2/payment/queries.h"

#include <stdio.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "kernel/kernel.h"
#include "kernel/query.h"
#include "layer2/channel/applications/applications.h"
#include "crypto/bolt11.h"
#include "layer2/payment/htlc.h"
#include "layer2/payment/invoice_row.h"
#include "layer2/payment/map.h"
#include "layer2/payment/payment_row.h"

/* --- invoice.decode --------------------------------------------------------------------------- */
struct decode {
    const char *invoice;
};

static const struct param decode_params[] = {
    PARAM(struct decode, invoice, TEXT, REQUIRED, "BOLT 11 text, \"lnbc…\" or of another currency",
          .most = BOLT11_TEXT_MAX),
};

static void write_hash(struct writer *w, const char *key, const struct hash *hash)
{
    writer_member_hex(w, key, hash->bytes, sizeof(hash->bytes));
}

static void write_features(struct writer *w, const struct bolt11 *invoice)
{
    writer_key(w, "features");
    writer_array_begin(w);
    for (size_t i = 0; i < invoice->feature_count; i++)
        writer_unsigned(w, invoice->features[i]);
    writer_array_end(w);
}

static void write_fallbacks(struct writer *w, const struct bolt11 *invoice)
{
    writer_key(w, "fallbacks");
    writer_array_begin(w);
    for (size_t i = 0; i < invoice->fallback_count; i++) {
        const struct bolt11_fallback *fallback = &invoice->fallbacks[i];

        writer_object_begin(w);
        writer_member_unsigned(w, "version", fallback->version);
        writer_member_hex(w, "program", fallback->program.data, fallback->program.size);
        writer_object_end(w);
    }
    writer_array_end(w);
}

/* BLOCKxTRANSACTIONxOUTPUT (BOLT 7). */
static void write_channel(struct writer *w, uint64_t channel)
{
    char text[48];

    snprintf(text, sizeof(text), "%ux%ux%u", (unsigned)(channel >> 40), (unsigned)(channel >> 16 & 0xFFFFFF),
             (unsigned)(channel & 0xFFFF));
    writer_member_text(w, "channel", text);
}

static void write_route(struct writer *w, const struct bolt11_route *route)
{
    writer_array_begin(w);
    for (size_t i = 0; i < route->count; i++) {
        const struct bolt11_hop *hop = &route->hops[i];

        writer_object_begin(w);
        writer_member_hex(w, "node", hop->node.bytes, sizeof(hop->node.bytes));
        write_channel(w, hop->channel);
        writer_member_unsigned(w, "fee_base_msat", hop->fee_base_msat);
        writer_member_unsigned(w, "fee_ppm", hop->fee_ppm);
        writer_member_unsigned(w, "delta", hop->delta);
        writer_object_end(w);
    }
    writer_array_end(w);
}

static void write_invoice(struct writer *w, const struct bolt11 *invoice)
{
    writer_object_begin(w);
    writer_member_text(w, "currency", invoice->currency);
    if (invoice->has_amount)
        writer_member_unsigned(w, "amount_msat", invoice->amount_msat);
    writer_member_unsigned(w, "time_s", invoice->time_s);
    writer_member_unsigned(w, "expiry_s", invoice->expiry_s);
    write_hash(w, "payment_hash", &invoice->payment_hash);
    write_hash(w, "payment_secret", &invoice->payment_secret);
    if (invoice->description != NULL)
        writer_member_text(w, "description", invoice->description);
    if (invoice->has_description_hash)
        write_hash(w, "description_hash", &invoice->description_hash);
    if (invoice->metadata.size > 0)
        writer_member_hex(w, "metadata", invoice->metadata.data, invoice->metadata.size);
    writer_member_unsigned(w, "final_delta", invoice->final_delta);
    writer_member_hex(w, "payee", invoice->payee.bytes, sizeof(invoice->payee.bytes));
    write_features(w, invoice);
    write_fallbacks(w, invoice);
    writer_key(w, "routes");
    writer_array_begin(w);
    for (size_t i = 0; i < invoice->route_count; i++)
        write_route(w, &invoice->routes[i]);
    writer_array_end(w);
    writer_object_end(w);
}

static enum status decode(struct query *q, const void *params, struct writer *w)
{
    const struct decode *p = params;
    struct arena arena CLEANUP(arena_close);
    struct bolt11 invoice;
    struct error error;
    enum status status;

    arena_init(&arena);
    status = bolt11_decode(p->invoice, strlen(p->invoice), &arena, &invoice, &error);
    if (status != OK)
        return query_fail(q, status, "%s", error.message);
    write_invoice(w, &invoice);
    return OK;
}

/* --- invoice.get, payment.get ----------------------------------------------------------------- */
struct by_hash {
    struct hash hash;
};

static const struct param by_hash_params[] = {
    PARAM(struct by_hash, hash, HASH, REQUIRED, "the payment hash"),
};

static void write_account(struct writer *w, const char *key, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    writer_member_text(w, key, address);
}

static enum status get_invoice(struct query *q, const void *params, struct writer *w)
{
    const struct by_hash *p = params;
    struct invoice v;
    struct statement *s;

    if (!invoice_read(q->database, &p->hash, &v))
        return query_fail(q, ERROR_INVOICE_NOT_FOUND, "no invoice of this node has this hash");
    writer_object_begin(w);
    write_hash(w, "hash", &v.hash);
    write_account(w, "payee", &v.payee);
    writer_member_unsigned(w, "amount", v.amount);
    writer_member_unsigned(w, "received", v.received);
    writer_member_text(w, "state", invoice_state_name(v.state));
    writer_member_boolean(w, "hold", v.hold);
    writer_member_integer(w, "expires_us", v.expires_us);
    s = statement(q->database, "SELECT text, description FROM invoice WHERE hash = ?");
    bind_blob(s, p->hash.bytes, sizeof(p->hash.bytes));
    if (statement_row(s)) {
        writer_member_text(w, "invoice", column_text(s, "text"));
        if (!column_is_null(s, "description"))
            writer_member_text(w, "description", column_text(s, "description"));
        statement_finish(s);
    }
    writer_object_end(w);
    return OK;
}

static void write_part(struct writer *w, const struct payment_part *part)
{
    writer_object_begin(w);
    writer_member_unsigned(w, "part", part->part);
    writer_member_text(w, "state", payment_state_name(part->state));
    writer_member_unsigned(w, "amount", part->amount);
    writer_member_unsigned(w, "fee", part->fee);
    if (part->failure != FAILURE_NONE) {
        writer_member_text(w, "failure", failure_name(part->failure));
        writer_member_unsigned(w, "failed_hop", part->hop);
    }
    writer_key(w, "channels");
    writer_array_begin(w);
    for (size_t i = 0; i < part->route.count; i++) {
        char hex[65];

        hex_text(hex, part->route.hops[i].channel.bytes, sizeof(part->route.hops[i].channel.bytes));
        writer_text(w, hex);
    }
    writer_array_end(w);
    writer_object_end(w);
}

static enum status get_payment(struct query *q, const void *params, struct writer *w)
{
    const struct by_hash *p = params;
    struct payment_part part;
    struct payment payment;

    if (!payment_read(q->database, &p->hash, &payment))
        return query_fail(q, ERROR_PAYMENT_NOT_FOUND, "no payment of this node has this hash");
    writer_object_begin(w);
    write_hash(w, "hash", &payment.hash);
    writer_member_text(w, "state", payment_state_name(payment.state));
    write_account(w, "payer", &payment.payer);
    write_account(w, "payee", &payment.payee);
    writer_member_unsigned(w, "amount", payment.amount);
    writer_member_unsigned(w, "fee", payment.fee);
    writer_member_unsigned(w, "fee_limit", payment.fee_limit);
    if (payment.failure != FAILURE_NONE)
        writer_member_text(w, "failure", failure_name(payment.failure));
    if (payment.has_preimage)
        write_hash(w, "preimage", &payment.preimage);
    writer_key(w, "parts");
    writer_array_begin(w);
    for (uint64_t i = 1; i <= payment.attempts; i++) {
        if (part_read(q->database, &p->hash, i, &part))
            write_part(w, &part);
    }
    writer_array_end(w);
    writer_object_end(w);
    return OK;
}

/* --- payment.route ---------------------------------------------------------------------------- */
struct find_route {
    struct account_id payer, payee;
    struct asset_id asset;
    uint64_t amount, fee_limit, parts;
};

static const struct param find_route_params[] = {
    PARAM(struct find_route, payer, ACCOUNT, REQUIRED, "who would pay"),
    PARAM(struct find_route, payee, ACCOUNT, REQUIRED, "who would be paid"),
    PARAM(struct find_route, asset, ASSET, REQUIRED, "what would be paid"),
    PARAM(struct find_route, amount, AMOUNT, REQUIRED, "in its smallest unit"),
    PARAM(struct find_route, fee_limit, INTEGER, OPTIONAL, "the most that hops may keep; absent: any",
          .fallback = NOT_GIVEN),
    PARAM(struct find_route, parts, INTEGER, OPTIONAL, "at most so many parts, 1 … 16",
          .fallback = GRAPH_PARTS_MAX),
};

static void write_found(struct writer *w, const struct route *route)
{
    writer_object_begin(w);
    writer_member_unsigned(w, "amount", route_amount(route));
    writer_member_unsigned(w, "fee", route_fee(route));
    writer_key(w, "hops");
    writer_array_begin(w);
    for (size_t i = 0; i < route->count; i++) {
        writer_object_begin(w);
        write_hash(w, "channel", &route->hops[i].channel);
        writer_member_unsigned(w, "amount", route->hops[i].amount);
        writer_member_integer(w, "lock_us", route->hops[i].expiry_us);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_object_end(w);
}

static enum status find_route(struct query *q, const void *params, struct writer *w)
{
    const struct find_route *p = params;
    struct graph_query query = { .from = p->payer, .to = p->payee, .asset = p->asset, .amount = p->amount,
                                 .fee_limit = p->fee_limit, .final_delta_us = FINAL_DELTA_US,
                                 .now_us = kernel_now(q->kernel) };
    struct route routes[GRAPH_PARTS_MAX];
    size_t count;

    if (p->parts < 1 || p->parts > GRAPH_PARTS_MAX)
        return query_fail(q, ERROR_INVALID_PARAMS, "parts: 1 … %d are expected", GRAPH_PARTS_MAX);
    count = map_routes(map_of(q->kernel), &query, (size_t)p->parts, routes);
    if (count == 0)
        return query_fail(q, ERROR_NO_ROUTE, "nothing carries that amount there for that fee");
    writer_object_begin(w);
    writer_key(w, "parts");
    writer_array_begin(w);
    for (size_t i = 0; i < count; i++)
        write_found(w, &routes[i]);
    writer_array_end(w);
    writer_object_end(w);
    return OK;
}

/* --- payment.policies ------------------------------------------------------------------------- */
struct by_channel {
    struct hash channel;
};

static const struct param by_channel_params[] = {
    PARAM(struct by_channel, channel, HASH, REQUIRED, "its id"),
};

static enum status show_policies(struct query *q, const void *params, struct writer *w)
{
    const struct by_channel *p = params;
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    if (!local_read(q->database, &p->channel, &arena, &c))
        return query_fail(q, ERROR_CHANNEL_NOT_FOUND, "this node does not take part in such a channel");
    if (strcmp(c.application->name, PAYMENT_APPLICATION) != 0)
        return query_fail(q, ERROR_WRONG_PHASE, "the channel runs '%s', not '" PAYMENT_APPLICATION "'",
                          c.application->name);
    writer_object_begin(w);
    writer_key(w, "sides");
    writer_array_begin(w);
    for (size_t side = 0; side < 2; side++) {
        struct policy policy = policy_read(q->database, &p->channel, side);

        writer_object_begin(w);
        write_account(w, "account", &c.fixed.participants[side]);
        if (c.has_supported && payment_is_shaped(&c.fixed, &c.supported.state))
            writer_member_unsigned(w, "balance", c.supported.state.allocations[side].amount);
        writer_member_unsigned(w, "incoming", htlc_incoming(q->database, &p->channel, 1 - side));
        writer_key(w, "policy");
        policy_show(&policy, w);
        writer_object_end(w);
    }
    writer_array_end(w);
    writer_object_end(w);
    return OK;
}

/* --- payment.status --------------------------------------------------------------------------- */
static int64_t count_of(struct query *q, const char *sql)
{
    struct statement *s = statement(q->database, sql);
    int64_t count = 0;

    if (statement_row(s)) {
        count = column_integer(s, "count");
        statement_finish(s);
    }
    return count;
}

static enum status tell_status(struct query *q, const void *params, struct writer *w)
{
    (void)params;
    writer_object_begin(w);
    writer_member_unsigned(w, "channels", map_channels(map_of(q->kernel)));
    writer_member_integer(w, "htlcs", count_of(q, "SELECT count(*) AS count FROM htlc WHERE state < 5"));
    writer_member_integer(w, "htlc_overdue",
                          count_of(q, "SELECT count(*) AS count FROM htlc WHERE state < 5 AND overdue = 1"));
    writer_member_integer(w, "unrouted",
                          count_of(q, "SELECT count(*) AS count FROM payment WHERE unrouted = 1"));
    writer_object_end(w);
    return OK;
}

#define EXAMPLE_HASH "0001020304050607080900010203040506070809000102030405060708090102"

const struct query_method payment_queries[PAYMENT_QUERIES] = {
    { "payment.get", ACCESS_OPERATOR, get_payment, PARAMS(struct by_hash, by_hash_params),
      .help = "How a payment stands, part by part.",
      .result = "state, fee, preimage, parts with their channels", .example = "hash=" EXAMPLE_HASH },
    { "payment.route", ACCESS_OPERATOR, find_route, PARAMS(struct find_route, find_route_params),
      .help = "The cheapest way for a payment now; nothing is sent.",
      .result = "parts with amount, fee, hops", .example = "payer=alice payee=carol asset=GOLD amount=100" },
    { "payment.policies", ACCESS_OPERATOR, show_policies, PARAMS(struct by_channel, by_channel_params),
      .help = "What the two sides of a channel ask for, and how much they take.",
      .result = "sides: account, balance, incoming hash-locks, policy",
      .example = "channel=" EXAMPLE_HASH },
    { "payment.status", ACCESS_PUBLIC, tell_status, NO_PARAMS,
      .help = "What is under way; 'htlc_overdue' must be 0.",
      .result = "channels, htlcs, htlc_overdue, unrouted", .example = "" },
};

const struct query_method invoice_queries[INVOICE_QUERIES] = {
    { "invoice.decode", ACCESS_PUBLIC, decode, PARAMS(struct decode, decode_params),
      .help = "What a BOLT 11 invoice says, its signature verified; nothing is paid.",
      .result = "amount, hashes, description, expiry, payee, features, routes",
      .example = "invoice=lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5"
                 "rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae"
                 "8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafk"
                 "q3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql",
      .detached = true },
    { "invoice.get", ACCESS_OPERATOR, get_invoice, PARAMS(struct by_hash, by_hash_params),
      .help = "How an invoice of this node stands.", .result = "state, amount, received, expiry, text",
      .example = "hash=" EXAMPLE_HASH },
};
