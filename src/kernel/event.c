/* Typed events: see event.h. The catalogue and one function for each line of events.def. */
#include "kernel/event.h"

#include <string.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "base/writer.h"
#include "kernel/event_record.h"
#include "kernel/module.h"

/* --- the catalogue ---------------------------------------------------------------------------- */
#define FIELD(type, name, help) { #name, #type, help, false, false },
#define OPTIONAL_FIELD(type, name, help) { #name, #type, help, true, false },
#define SUBJECT(type, name, help) { #name, #type, help, false, true },
#define EVENT(name, type, version, text, subject, fields)                                                    \
    static const struct event_field fields_of_##name[] = { fields };
#include "layerd/events.def"
#undef EVENT
#undef FIELD
#undef OPTIONAL_FIELD
#undef SUBJECT

#define EVENT(name, type, version, text, subject, fields) \
    { type, version, text, subject, fields_of_##name, COUNT_OF(fields_of_##name) },
static const struct event_type types[] = {
#include "layerd/events.def"
};
#undef EVENT

#define EVENT(name, type, version, text, subject, fields) INDEX_##name,
enum event_index {
#include "layerd/events.def"
};
#undef EVENT

size_t event_type_count(void)
{
    return COUNT_OF(types);
}

const struct event_type *event_type_at(size_t index)
{
    return &types[index];
}

int event_type_index(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(types[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

const struct event_type *event_type_find(const char *name)
{
    int index = event_type_index(name);

    return index < 0 ? NULL : &types[index];
}

bool event_subject_valid(const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++) {
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    }
    return size <= SUBJECT_TEXT_MAX;
}

/* --- writing one field ------------------------------------------------------------------------ */
static void write_account(struct writer *w, struct account_id account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, &account);
    writer_text(w, address);
}

static void write_symbol(struct writer *w, const char *symbol)
{
    writer_text(w, symbol);
}

static void write_amount(struct writer *w, uint64_t amount)
{
    INVARIANT(amount >= 1 && amount <= INTEGER_MAX, "an event's amount is out of range");
    writer_unsigned(w, amount);
}

static void write_integer(struct writer *w, uint64_t value)
{
    INVARIANT(value <= INTEGER_MAX, "an event's integer is out of range");
    writer_unsigned(w, value);
}

static void write_time(struct writer *w, int64_t time_us)
{
    writer_integer(w, time_us);
}

static void write_boolean(struct writer *w, bool value)
{
    writer_boolean(w, value);
}

static void write_hash(struct writer *w, struct hash hash)
{
    writer_hex(w, hash.bytes, sizeof(hash.bytes));
}

static void write_text(struct writer *w, const char *text)
{
    INVARIANT(text != NULL, "an event's required text is missing");
    writer_text(w, text);
}

static void write_json(struct writer *w, struct bytes json)
{
    writer_raw(w, json.data, json.size);
}

static bool has_text(const char *text)
{
    return text != NULL;
}

static bool has_json(struct bytes json)
{
    return json.size > 0;
}
#define PRESENT(value) _Generic((value), const char *: has_text, struct bytes: has_json)(value)

/* --- the subject: its kind, a slash, the field as text ---------------------------------------- */
static void subject_account(struct buffer *out, struct account_id account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, &account);
    buffer_append_text(out, address);
}

static void subject_symbol(struct buffer *out, const char *symbol)
{
    buffer_append_text(out, symbol);
}

static void subject_integer(struct buffer *out, uint64_t value)
{
    char digits[20];

    buffer_append(out, digits, decimal_encode(digits, value));
}

static void subject_hash(struct buffer *out, struct hash hash)
{
    buffer_append_hex(out, hash.bytes, sizeof(hash.bytes));
}

static void subject_text(struct buffer *out, const char *text)
{
    buffer_append_text(out, text);
}

/* --- one function for each event -------------------------------------------------------------- */
#define FIELD(type, name, help) \
    writer_key(&w, #name); \
    write_##type(&w, event->name);
#define OPTIONAL_FIELD(type, name, help) \
    if (PRESENT(event->name)) { \
        FIELD(type, name, help) \
    }
#define SUBJECT(type, name, help) \
    FIELD(type, name, help) \
    buffer_append_text(subject, "/"); \
    subject_##type(subject, event->name);
#define EVENT(name, type, version, text, kind, fields) \
    enum status event_##name(struct execution *x, const struct event_##name *event) \
    { \
        struct buffer *subject, *body; \
        struct writer w; \
        event_begin(x, &subject, &body); \
        if ((kind) != NULL) \
            buffer_append_text(subject, (kind) != NULL ? (kind) : ""); \
        writer_init(&w, body); \
        writer_object_begin(&w); \
        fields \
        writer_object_end(&w); \
        event_record(x, INDEX_##name, (kind) == NULL ? NULL : subject, body); \
        return OK; \
    }
#include "layerd/events.def"
