/* What networks hand back, as JSON: see results.h. */
#include "network/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "network/names.h"

void result_text(struct writer *w, const char *name, const char *text)
{
    char clean[RESULT_TEXT_MAX];
    size_t size;

    if (text == NULL)
        return;
    size = strnlen(text, sizeof(clean));
    if (size == sizeof(clean)) /* no character is cut in two */
        size = utf8_valid_prefix(text, sizeof(clean) - 1);
    memcpy(clean, text, size);
    text_make_printable(clean, size);
    writer_key(w, name);
    writer_string(w, clean, size);
}

/* What stands inside of other JSON must leave room for what is around it. */
static bool is_shallow(const json_t *value, unsigned levels)
{
    const json_t *item;
    const char *key;
    size_t index;

    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (levels == 0)
        return false;
    json_array_foreach(value, index, item)
        if (!is_shallow(item, levels - 1))
            return false;
    json_object_foreach((json_t *)value, key, item)
        if (!is_shallow(item, levels - 1))
            return false;
    return true;
}

bool result_json_fits(const char *text, size_t size)
{
    json_t *value AUTO_JSON = NULL;

    return json_parse(text, size, &value, NULL) == OK && is_shallow(value, RESULT_DEPTH_MAX);
}

void result_details(struct writer *w, const char *details)
{
    size_t size;

    if (details == NULL)
        return;
    size = strnlen(details, RESULT_DETAILS_MAX + 1);
    if (size <= RESULT_DETAILS_MAX && result_json_fits(details, size))
        writer_member_raw(w, "details", details, size);
}

const char *result_details_of(const json_t *result, struct arena *arena)
{
    const json_t *details = json_object_get(result, "details");
    const char *kept;
    char *text;

    if (details == NULL)
        return NULL;
    text = json_dumps(details, JSON_COMPACT | JSON_ENCODE_ANY);
    INVARIANT(text != NULL, "details that cannot be written");
    kept = arena_text(arena, text, strlen(text));
    free(text);
    return kept;
}

void result_prepared(struct writer *w, const struct network_prepared *p)
{
    result_text(w, "transaction", p->transaction);
    result_text(w, "label", p->label);
    writer_member_hex(w, "raw", p->raw.data, p->raw.size);
    if (p->has_sequence)
        writer_member_unsigned(w, "sequence", p->sequence);
    result_text(w, "asset", p->asset);
    result_details(w, p->details);
}

struct network_prepared result_prepared_of(const json_t *result, struct arena *arena)
{
    const json_t *sequence = json_object_get(result, "sequence");
    const char *hex = json_string_value(json_object_get(result, "raw"));
    size_t size = strlen(hex) / 2;
    uint8_t *raw = arena_new(arena, size + 1);

    INVARIANT(hex_decode(raw, size, hex, 2 * size), "bytes of our own that are no hex");
    return (struct network_prepared){
        .transaction = json_string_value(json_object_get(result, "transaction")),
        .label = json_string_value(json_object_get(result, "label")),
        .raw = bytes_of(raw, size),
        .has_sequence = sequence != NULL,
        .sequence = (uint64_t)json_integer_value(sequence),
        .asset = json_string_value(json_object_get(result, "asset")),
        .details = result_details_of(result, arena),
    };
}

static void result_number(struct writer *w, const char *name, bool has, uint64_t number)
{
    if (has && number <= INTEGER_MAX)
        writer_member_unsigned(w, name, number);
}

void result_greeting(struct writer *w, const struct network_greeting *g)
{
    result_text(w, "chain", g->chain);
    result_text(w, "version", g->version);
    result_text(w, "account", g->account);
    result_details(w, g->details);
}

void result_state(struct writer *w, const struct network_state *s)
{
    writer_member_boolean(w, "synced", s->synced);
    result_number(w, "height", s->has_height, s->height);
    result_number(w, "safe", s->has_safe, s->safe);
    result_number(w, "final", s->has_final, s->final);
    result_text(w, "tip", s->tip);
    result_text(w, "balance", s->balance);
    result_details(w, s->details);
}

void result_status(struct writer *w, const struct network_status *s)
{
    writer_member_text(w, "state", transaction_state_name(s->state));
    writer_member_text(w, "finality", finality_name(s->finality));
    result_number(w, "confirmations", s->has_confirmations, s->confirmations);
    result_number(w, "height", s->has_height, s->height);
    result_text(w, "block", s->block);
    result_text(w, "reason", s->reason);
    result_text(w, "asset", s->asset);
    result_details(w, s->details);
}

static void write_entry(struct writer *w, const struct network_entry *e)
{
    writer_object_begin(w);
    result_text(w, "transaction", e->transaction);
    result_text(w, "kind", e->kind);
    result_text(w, "asset", e->asset);
    result_text(w, "amount", e->amount);
    writer_member_text(w, "state", transaction_state_name(e->state));
    result_number(w, "height", e->height > 0, e->height);
    result_number(w, "time_s", e->time_s > 0, e->time_s);
    result_details(w, e->details);
    writer_object_end(w);
}

void result_history(struct writer *w, const struct network_history *h)
{
    writer_key(w, "items");
    writer_array_begin(w);
    for (size_t i = 0; i < h->count && i < RESULT_ENTRIES_MAX; i++)
        write_entry(w, &h->entries[i]);
    writer_array_end(w);
    result_text(w, "next", h->next);
}

void result_fees(struct writer *w, const struct network_fees *f)
{
    result_text(w, "slow", f->slow);
    result_text(w, "normal", f->normal);
    result_text(w, "fast", f->fast);
    result_text(w, "unit", f->unit);
    result_text(w, "total", f->total);
    result_details(w, f->details);
}

void result_verdict(struct writer *w, const struct network_verdict *v)
{
    writer_member_text(w, "verdict", proof_verdict_name(v->verdict));
    writer_member_text(w, "anchor", proof_anchor_name(v->anchor));
    result_text(w, "reason", v->reason);
    result_details(w, v->details);
}

void result_payable(struct writer *w, const struct network_payable *p)
{
    if (p->invoice != NULL) /* these two are never cut */
        writer_member_text(w, "invoice", p->invoice);
    if (p->address != NULL)
        writer_member_text(w, "address", p->address);
    result_text(w, "payment_hash", p->payment_hash);
    result_text(w, "label", p->label);
    result_number(w, "expires", p->expires_s > 0, p->expires_s);
}
