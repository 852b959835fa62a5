/* payment: what people may ask about invoices. */
#include <stdio.h>
#include <string.h>

#include "base/writer.h"
#include "kernel/kernel.h"
#include "kernel/query.h"
#include "layer2/payment/bolt11.h"
#include "layer2/payment/payment.h"

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

static const struct query_method queries[] = {
    { "invoice.decode", ACCESS_PUBLIC, decode, PARAMS(struct decode, decode_params),
      .help = "What a BOLT 11 invoice says, its signature verified; nothing is paid.",
      .result = "amount, hashes, description, expiry, payee, features, routes",
      .example = "invoice=lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5"
                 "rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae"
                 "8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafk"
                 "q3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql",
      .detached = true },
};

const struct module payment_module = {
    .name = "payment",
    .help = "Invoices.",
    QUERIES(queries),
};
