/* Typed events: what include/layerd/events.def declares, as C. A handler fills struct event_NAME and calls
 * event_NAME(); the kernel renders it once, and those bytes are stored, hashed and sent. */
#ifndef KERNEL_EVENT_H
#define KERNEL_EVENT_H

#include "base/buffer.h"
#include "base/bytes.h"

struct execution;

#define FIELD_TYPE_account struct account_id
#define FIELD_TYPE_symbol const char *
#define FIELD_TYPE_amount uint64_t   /* 1 … 2^53−1 */
#define FIELD_TYPE_integer uint64_t  /* 0 … 2^53−1 */
#define FIELD_TYPE_time int64_t      /* microseconds */
#define FIELD_TYPE_boolean bool
#define FIELD_TYPE_hash struct hash
#define FIELD_TYPE_text const char * /* UTF-8; NULL only in an optional field */
#define FIELD_TYPE_json struct bytes /* one JSON value; empty only in an optional field */

#define NO_SUBJECT NULL
#define SUBJECT_KIND(kind) kind
#define FIELD(type, name, help) FIELD_TYPE_##type name;
#define OPTIONAL_FIELD(type, name, help) FIELD_TYPE_##type name;
#define SUBJECT(type, name, help) FIELD_TYPE_##type name;
#define EVENT(name, type, version, text, subject, fields) struct event_##name { fields };
#include "layerd/events.def"
#undef EVENT
/* Records the event within the command at hand. Cannot fail: what it holds was checked before. Returns OK, so
 * that a handler may end with it. */
#define EVENT(name, type, version, text, subject, fields) \
    enum status event_##name(struct execution *x, const struct event_##name *event);
#include "layerd/events.def"
#undef EVENT
#undef FIELD
#undef OPTIONAL_FIELD
#undef SUBJECT

/* Whether a text given from outside may stand in a subject: printable ASCII without quotes and backslashes,
 * of at most SUBJECT_TEXT_MAX bytes, so that filters compare bytes. Handlers check before they record. */
#define SUBJECT_TEXT_MAX 180
bool event_subject_valid(const char *text);

/* The catalogue, for schemas, help and subscribers' filters. */
struct event_field {
    const char *name;
    const char *type; /* "account", "amount", … */
    const char *help;
    bool optional;
    bool subject;
};
struct event_type {
    const char *name;         /* "ledger.transferred" */
    unsigned version;
    const char *text;
    const char *subject_kind; /* NULL: none */
    const struct event_field *fields;
    size_t field_count;
};
size_t event_type_count(void);
const struct event_type *event_type_at(size_t index);
const struct event_type *event_type_find(const char *name); /* NULL: no such type */
int event_type_index(const char *name);                     /* −1: no such type */

#endif
