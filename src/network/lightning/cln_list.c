/* Core Lightning: lists by pages, newest first, and invoices of our own. Its own pages rise with the index of
 * creation, so that a page is a window of indexes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/lightning/cln.h"
#include "network/lightning/reply.h"

#define WINDOW_GROWTH 4
#define WINDOW_MAX 100000

struct list_words { const char *subsystem, *method, *member; };

static struct list_words words_of(enum lightning_list list)
{
    switch (list) {
    case LIGHTNING_PAYMENTS: return (struct list_words){ "sendpays", "listpays", "pays" };
    case LIGHTNING_INVOICES: return (struct list_words){ "invoices", "listinvoices", "invoices" };
    }
    INVARIANT(false, "no such list: %d", (int)list);
}

/* Before 24.11 there are no pages of payments, before 23.08 none of invoices. */
static enum status without_pages(struct network_call *call, enum status status, int64_t code)
{
    if (status == ERROR_NETWORK_REJECTED && (code == CLN_UNKNOWN_COMMAND || code == CLN_INVALID_PARAMS))
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "this Core Lightning has no pages of its lists: history needs release 24.11");
    return status;
}

enum status cln_newest_index(struct lightning_client *client, struct network_call *call,
                             enum lightning_list list, uint64_t *newest)
{
    json_t *answer AUTO_JSON = NULL;
    int64_t code = 0;
    enum status status = cln_call(client, call, "wait",
                                  json_pack("{s:s, s:s, s:i}", "subsystem", words_of(list).subsystem,
                                            "indexname", "created", "nextvalue", 0),
                                  false, 0, &answer, &code);

    TRY(without_pages(call, status, code));
    if (!reply_number(answer, "created", newest))
        return lightning_protocol_error(client, call, "wait", "created");
    return OK;
}

/* The indexes from … to, and what stands there; `all`: there are no others. */
struct window {
    uint64_t from, to;
    bool all;
    json_t *answer;
    const json_t *entries;
};

static enum status read_window(struct lightning_client *client, struct network_call *call,
                               enum lightning_list list, uint64_t before, uint64_t size,
                               struct window *window)
{
    struct list_words words = words_of(list);
    struct window read = { .to = before - 1 };
    int64_t code = 0;
    enum status status;

    if (before == 0)
        TRY(cln_newest_index(client, call, list, &read.to));
    read.from = read.to >= size ? read.to - size + 1 : 1;
    read.all = before == 0 && read.from == 1;
    if (read.to > 0) {
        status = cln_call(client, call, words.method,
                          json_pack("{s:s, s:I, s:I}", "index", "created", "start", (json_int_t)read.from,
                                    "limit", (json_int_t)(read.to - read.from + 1)),
                          false, 0, &read.answer, &code);
        TRY(without_pages(call, status, code));
        read.entries = reply_array(read.answer, words.member);
        if (read.entries == NULL || json_array_size(read.entries) > read.to - read.from + 1) {
            json_decref(read.answer);
            return lightning_protocol_error(client, call, words.method, words.member);
        }
    }
    *window = read;
    return OK;
}

/* --- entries ---------------------------------------------------------------------------------- */
static const char *copied(struct network_call *call, const char *text)
{
    return arena_text(call->arena, text, strlen(text));
}

static const struct { const char *name; enum transaction_state state; } statuses[] = {
    { "complete", TRANSACTION_CONFIRMED }, { "paid", TRANSACTION_CONFIRMED },
    { "failed", TRANSACTION_FAILED },      { "expired", TRANSACTION_FAILED },
    { "pending", TRANSACTION_PENDING },    { "unpaid", TRANSACTION_PENDING },
};

/* False: it is none of them. */
static bool read_status(const json_t *entry, struct network_entry *told)
{
    const char *status;

    for (size_t i = 0; reply_text(entry, "status", &status) && i < COUNT_OF(statuses); i++) {
        if (strcmp(statuses[i].name, status) == 0) {
            told->state = statuses[i].state;
            return true;
        }
    }
    return false;
}

static enum status read_item(struct lightning_client *client, struct network_call *call,
                             enum lightning_list list, const json_t *entry, struct lightning_item *item)
{
    const char *method = words_of(list).method;
    struct lightning_item told = { .entry = { .kind = list == LIGHTNING_PAYMENTS ? "payment" : "invoice" } };
    uint64_t amount;
    struct hash hash;

    if (!reply_hex(entry, "payment_hash", hash.bytes, sizeof(hash.bytes)))
        return lightning_protocol_error(client, call, method, "payment_hash");
    if (!reply_number(entry, "created_index", &told.index) || told.index == 0)
        return lightning_protocol_error(client, call, method, "created_index");
    if (!read_status(entry, &told.entry))
        return lightning_protocol_error(client, call, method, "status");
    told.entry.transaction = hex_in(call->arena, hash.bytes, sizeof(hash.bytes));
    if (reply_msat(entry, "amount_received_msat", &amount) || reply_msat(entry, "amount_msat", &amount))
        told.entry.amount = lightning_digits(call, amount);
    /* of invoices: when it was paid, or when it ends, for the time of its making is not told */
    if (!reply_number(entry, list == LIGHTNING_PAYMENTS ? "created_at" : "paid_at", &told.entry.time_s) &&
        !reply_number(entry, "expires_at", &told.entry.time_s))
        told.entry.time_s = 0;
    *item = told;
    return OK;
}

/* Of a window the server combines only the parts that stand in it: what a payment came to, and under which
 * index it is listed, its first part's, it tells when it is asked for the payment's hash. *here: it is listed
 * in this window. */
static enum status complete_payment(struct lightning_client *client, struct network_call *call,
                                    const struct window *window, struct lightning_item *item, bool *here)
{
    json_t *answer AUTO_JSON = NULL;
    struct lightning_item best = { .index = 0 }, one;
    const json_t *entries;
    struct hash hash;

    INVARIANT(hex_decode(hash.bytes, sizeof(hash.bytes), item->entry.transaction,
                         strlen(item->entry.transaction)), "a payment hash of our own that is none");
    TRY(cln_pays_of(client, call, &hash, &answer, &entries));
    for (size_t i = 0; i < json_array_size(entries); i++) {
        TRY(read_item(client, call, LIGHTNING_PAYMENTS, json_array_get(entries, i), &one));
        /* tries of one hash follow each other: a part belongs to the last that began before it */
        if (one.index <= item->index && one.index > best.index)
            best = one;
    }
    if (best.index != 0) /* otherwise it was deleted just now */
        *item = best;
    *here = item->index >= window->from;
    return OK;
}

static int newest_first(const void *a, const void *b)
{
    const struct lightning_item *x = a, *y = b;

    return x->index < y->index ? 1 : x->index > y->index ? -1 : 0;
}

/* Adds what stands in the window, newest first, up to `limit` in all. */
static enum status take_window(struct lightning_client *client, struct network_call *call,
                               enum lightning_list list, const struct window *window, size_t limit,
                               struct lightning_item *items, size_t *filled)
{
    size_t size = json_array_size(window->entries);
    struct lightning_item *found AUTO_FREE = memory_array(size + 1, sizeof(*found));

    for (size_t i = 0; i < size; i++)
        TRY(read_item(client, call, list, json_array_get(window->entries, i), &found[i]));
    qsort(found, size, sizeof(*found), newest_first);
    for (size_t i = 0; i < size && *filled < limit; i++) {
        /* where some were deleted the server goes on behind the window, until it has as many */
        bool here = found[i].index >= window->from && found[i].index <= window->to;

        if (here && list == LIGHTNING_PAYMENTS && !window->all)
            TRY(complete_payment(client, call, window, &found[i], &here));
        if (here)
            items[(*filled)++] = found[i];
    }
    return OK;
}

enum status cln_list(struct lightning_client *client, struct network_call *call, enum lightning_list list,
                     uint64_t before, size_t limit, struct lightning_item *items, size_t *count)
{
    uint64_t size = limit;
    size_t filled = 0;

    while (filled < limit) {
        struct window window = { .from = 1 };
        enum status status;

        TRY(read_window(client, call, list, before, size, &window));
        status = take_window(client, call, list, &window, limit, items, &filled);
        json_decref(window.answer);
        TRY(status);
        if (window.from <= 1)
            break;
        before = window.from;
        size = size < WINDOW_MAX / WINDOW_GROWTH ? size * WINDOW_GROWTH : WINDOW_MAX;
    }
    *count = filled;
    return OK;
}

/* --- invoices of our own ---------------------------------------------------------------------- */
static enum status find_one(struct lightning_client *client, struct network_call *call, json_t *params,
                            json_t **answer, const json_t **entry)
{
    const json_t *invoices;

    TRY(cln_call(client, call, "listinvoices", params, false, 0, answer, NULL));
    invoices = reply_array(*answer, "invoices");
    if (invoices == NULL || json_array_size(invoices) > 1)
        return lightning_protocol_error(client, call, "listinvoices", "invoices");
    *entry = json_array_get(invoices, 0);
    return OK;
}

enum status cln_create_invoice(struct lightning_client *client, struct network_call *call,
                               const struct lightning_invoice_order *order, const char **text)
{
    json_t *answer AUTO_JSON = NULL, *list AUTO_JSON = NULL;
    json_t *params = json_pack("{s:I, s:s, s:s, s:I, s:s}", "amount_msat", (json_int_t)order->amount_msat,
                               "label", order->label, "description", order->description, "expiry",
                               (json_int_t)order->expiry_s, "preimage",
                               hex_in(call->arena, order->preimage.bytes, sizeof(order->preimage.bytes)));
    const json_t *entry;
    const char *invoice;
    int64_t code = 0;
    enum status status;

    status = cln_call(client, call, "invoice", params, true, 0, &answer, &code);
    if (status == ERROR_NETWORK_REJECTED && (code == CLN_LABEL_EXISTS || code == CLN_PREIMAGE_EXISTS)) {
        TRY(find_one(client, call, json_pack("{s:s}", "label", order->label), &list, &entry));
        if (entry == NULL)
            return error_set(&call->error, ERROR_NETWORK_REJECTED,
                             "the server has an invoice of this preimage under another label");
    } else {
        TRY(status);
        entry = answer;
    }
    if (!reply_text(entry, "bolt11", &invoice))
        return lightning_protocol_error(client, call, "invoice", "bolt11");
    *text = copied(call, invoice);
    return OK;
}

enum status cln_find_invoice(struct lightning_client *client, struct network_call *call,
                             const struct hash *hash, struct lightning_invoice *invoice)
{
    json_t *answer AUTO_JSON = NULL;
    const json_t *entry;
    const char *status;

    TRY(find_one(client, call,
                 json_pack("{s:s}", "payment_hash", hex_in(call->arena, hash->bytes, sizeof(hash->bytes))),
                 &answer, &entry));
    if (entry == NULL) {
        invoice->state = LIGHTNING_INVOICE_UNKNOWN;
        return OK;
    }
    if (!reply_text(entry, "status", &status))
        return lightning_protocol_error(client, call, "listinvoices", "status");
    if (strcmp(status, "paid") == 0)
        invoice->state = LIGHTNING_INVOICE_SETTLED;
    else if (strcmp(status, "expired") == 0)
        invoice->state = LIGHTNING_INVOICE_CANCELLED;
    else if (strcmp(status, "unpaid") == 0)
        invoice->state = LIGHTNING_INVOICE_OPEN;
    else
        return lightning_protocol_error(client, call, "listinvoices", "status");
    invoice->has_preimage = reply_hex(entry, "payment_preimage", invoice->preimage.bytes,
                                      sizeof(invoice->preimage.bytes));
    if (invoice->state == LIGHTNING_INVOICE_SETTLED &&
        !reply_msat(entry, "amount_received_msat", &invoice->amount_msat))
        return lightning_protocol_error(client, call, "listinvoices", "amount_received_msat");
    return OK;
}
