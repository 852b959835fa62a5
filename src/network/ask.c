/* What an operation is asked for: see ask.h. */
#include "network/ask.h"

#include <string.h>

#include "base/json.h"
#include "network/names.h"

#define AMOUNT_DIGITS_MAX 78 /* of 2^256 − 1 */

enum member_type { MEMBER_TEXT, MEMBER_BYTES, MEMBER_JSON, MEMBER_NUMBER, MEMBER_TIME };

static const struct member {
    const char *name;
    enum member_type type;
    size_t offset;
} members[] = {
    { "transaction", MEMBER_TEXT, offsetof(struct ask, transaction) },
    { "label", MEMBER_TEXT, offsetof(struct ask, label) },
    { "after", MEMBER_TEXT, offsetof(struct ask, after) },
    { "kind", MEMBER_TEXT, offsetof(struct ask, kind) },
    { "text", MEMBER_TEXT, offsetof(struct ask, text) },
    { "symbol", MEMBER_TEXT, offsetof(struct ask, symbol) },
    { "title", MEMBER_TEXT, offsetof(struct ask, title) },
    { "amount", MEMBER_TEXT, offsetof(struct ask, amount) },
    { "asset", MEMBER_TEXT, offsetof(struct ask, asset) },
    { "to", MEMBER_TEXT, offsetof(struct ask, to) },
    { "memo", MEMBER_TEXT, offsetof(struct ask, memo) },
    { "fee", MEMBER_TEXT, offsetof(struct ask, fee) },
    { "raw", MEMBER_BYTES, offsetof(struct ask, raw) },
    { "claim", MEMBER_JSON, offsetof(struct ask, claim) },
    { "proof", MEMBER_JSON, offsetof(struct ask, proof) },
    { "options", MEMBER_JSON, offsetof(struct ask, options) },
    { "decimals", MEMBER_NUMBER, offsetof(struct ask, decimals) },
    { "limit", MEMBER_NUMBER, offsetof(struct ask, limit) },
    { "expires_s", MEMBER_NUMBER, offsetof(struct ask, expires_s) },
    { "urgent_by", MEMBER_TIME, offsetof(struct ask, urgent_by) },
};

static enum status check_amount(const char *name, const char *amount, struct error *error)
{
    size_t length = amount == NULL ? 1 : strlen(amount);

    if (amount != NULL && (length == 0 || length > AMOUNT_DIGITS_MAX || strspn(amount,
                                                                               "0123456789") != length))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "%s: decimal digits are expected, an amount in the smallest unit, not '%.80s'", name,
                         amount);
    return OK;
}

enum status ask_check(const struct ask *ask, struct error *error)
{
    TRY(check_amount("amount", ask->amount, error));
    return check_amount("fee", ask->fee, error);
}

static void write_member(struct writer *w, const struct member *m, const struct ask *ask)
{
    const void *at = (const char *)ask + m->offset;
    struct bytes bytes;

    switch (m->type) {
    case MEMBER_TEXT:
        if (*(const char *const *)at != NULL)
            writer_member_text(w, m->name, *(const char *const *)at);
        return;
    case MEMBER_BYTES:
        bytes = *(const struct bytes *)at;
        if (bytes.size > 0)
            writer_member_hex(w, m->name, bytes.data, bytes.size);
        return;
    case MEMBER_JSON:
        bytes = *(const struct bytes *)at;
        if (bytes.size > 0)
            writer_member_raw(w, m->name, bytes.data, bytes.size);
        return;
    case MEMBER_NUMBER:
        if (*(const uint64_t *)at != NOT_GIVEN)
            writer_member_unsigned(w, m->name, *(const uint64_t *)at);
        return;
    case MEMBER_TIME:
        if (*(const int64_t *)at != 0)
            writer_member_integer(w, m->name, *(const int64_t *)at);
        return;
    }
}

void ask_write(const struct ask *ask, struct buffer *out)
{
    struct writer w;

    writer_init(&w, out);
    writer_object_begin(&w);
    for (size_t i = 0; i < COUNT_OF(members); i++)
        write_member(&w, &members[i], ask);
    writer_object_end(&w);
    writer_finish(&w);
}

static struct bytes read_hex(const char *hex, struct arena *arena)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = arena_new(arena, size + 1);

    INVARIANT(hex_decode(bytes, size, hex, 2 * size), "bytes of our own that are no hex");
    return bytes_of(bytes, size);
}

static struct bytes read_json(const json_t *value, struct arena *arena)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    INVARIANT(json_canonical(value, &text, NULL) == OK, "JSON of our own that is not canonical");
    return bytes_of(arena_text(arena, (const char *)text.data, text.size), text.size);
}

static void read_member(const struct member *m, const json_t *value, struct arena *arena, struct ask *ask)
{
    void *at = (char *)ask + m->offset;

    switch (m->type) {
    case MEMBER_TEXT:
        if (value != NULL)
            *(const char **)at = arena_text(arena, json_string_value(value), json_string_length(value));
        return;
    case MEMBER_BYTES:
        if (value != NULL)
            *(struct bytes *)at = read_hex(json_string_value(value), arena);
        return;
    case MEMBER_JSON:
        if (value != NULL)
            *(struct bytes *)at = read_json(value, arena);
        return;
    case MEMBER_NUMBER:
        *(uint64_t *)at = value == NULL ? NOT_GIVEN : (uint64_t)json_integer_value(value);
        return;
    case MEMBER_TIME:
        *(int64_t *)at = json_integer_value(value);
        return;
    }
}

void ask_read(const json_t *json, struct arena *arena, struct ask *ask)
{
    memset(ask, 0, sizeof(*ask));
    for (size_t i = 0; i < COUNT_OF(members); i++)
        read_member(&members[i], json_object_get(json, members[i].name), arena, ask);
}

struct network_write ask_as_write(const struct ask *ask, enum write_kind kind)
{
    return (struct network_write){
        .kind = kind,
        .raw = ask->text != NULL ? bytes_of_text(ask->text) : ask->raw,
        .symbol = ask->symbol,
        .title = ask->title,
        .decimals = ask->decimals == NOT_GIVEN ? 0 : (unsigned)ask->decimals,
        .amount = ask->amount,
        .asset = ask->asset,
        .to = ask->to,
        .memo = ask->memo,
        .fee = ask->fee,
        .options = ask->options.size == 0 ? NULL : (const char *)ask->options.data,
    };
}
