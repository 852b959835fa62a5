/* Parameters from JSON by declaration: see param.h. */
#include "kernel/param.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/asset.h"
#include "kernel/registry.h"

#define TEXT_DEFAULT_MOST 256
#define BYTES_DEFAULT_MOST 65536
#define JSON_DEFAULT_MOST 4096
#define DURATION_MOST ((int64_t)1000 * 86400 * MICROSECONDS_PER_SECOND)

struct parse {
    const char *chain;
    struct arena *arena;
    const char *list; /* name of the list whose items are being read; NULL outside */
    size_t item;
    struct error *error;
};

static enum status refuse(const struct parse *p, const struct param *param, const char *expected)
{
    if (p->list != NULL)
        return error_set(p->error, ERROR_INVALID_PARAMS, "%s[%zu].%s: %s", p->list, p->item, param->name,
                         expected);
    return error_set(p->error, ERROR_INVALID_PARAMS, "%s: %s", param->name, expected);
}

static enum status parse_account(const struct parse *p, const struct param *param, const json_t *json,
                                 void *out)
{
    if (!json_is_string(json) || !address_decode(out, json_string_value(json), json_string_length(json)))
        return refuse(p, param, "an address (" ADDRESS_PREFIX_MAIN "1… or " ADDRESS_PREFIX_TEST
                                "1… as the network has it) or 64 hex digits are expected");
    return OK;
}

static enum status parse_asset(const struct parse *p, const struct param *param, const json_t *json,
                               void *out)
{
    struct asset_id *id = out;

    if (json_is_string(json)) {
        const char *text = json_string_value(json);

        if (asset_symbol_valid(text)) {
            asset_id_from_symbol(id, p->chain, text);
            return OK;
        }
        if (hex_decode(id->bytes, sizeof(id->bytes), text, json_string_length(json)))
            return OK;
    }
    return refuse(
        p, param,
        "an asset's symbol (2 to 12 of A-Z and 0-9, a letter first) or id (64 hex digits) is expected");
}

static enum status parse_unsigned(const struct parse *p, const struct param *param, const json_t *json,
                                  uint64_t least, void *out)
{
    json_int_t value = json_integer_value(json);

    if (!json_is_integer(json) || value < (json_int_t)least || (uint64_t)value > INTEGER_MAX)
        return refuse(p, param, least == 0 ? "an integer from 0 to 9007199254740991 is expected"
                                           : "an integer from 1 to 9007199254740991 is expected");
    *(uint64_t *)out = (uint64_t)value;
    return OK;
}

static enum status parse_time(const struct parse *p, const struct param *param, const json_t *json, void *out)
{
    int64_t time_us;

    if (json_is_integer(json) && json_integer_value(json) >= 1 &&
        (uint64_t)json_integer_value(json) <= INTEGER_MAX) {
        *(int64_t *)out = json_integer_value(json);
        return OK;
    }
    if (json_is_string(json) && time_parse(json_string_value(json), &time_us) && time_us >= 1) {
        *(int64_t *)out = time_us;
        return OK;
    }
    return refuse(p, param, "a time is expected: microseconds since 1970, or like 2026-11-20T22:43:03Z");
}

static enum status parse_duration(const struct parse *p, const struct param *param, const json_t *json,
                                  void *out)
{
    int64_t duration_us;

    if (json_is_integer(json) && json_integer_value(json) >= 0 && json_integer_value(json) <= DURATION_MOST) {
        *(int64_t *)out = json_integer_value(json);
        return OK;
    }
    if (json_is_string(json) && duration_parse(json_string_value(json), &duration_us)) {
        *(int64_t *)out = duration_us;
        return OK;
    }
    return refuse(p, param,
                  "a duration is expected: microseconds, or like 90s, 10m, 2h, 7d (at most 1000 days)");
}

static enum status parse_text(const struct parse *p, const struct param *param, const json_t *json, void *out)
{
    size_t most = param->most == 0 ? TEXT_DEFAULT_MOST : param->most;

    if (!json_is_string(json))
        return refuse(p, param, "a string is expected");
    if (json_string_length(json) > most)
        return refuse(p, param, "the text is too long");
    *(const char **)out = arena_text(p->arena, json_string_value(json), json_string_length(json));
    return OK;
}

static enum status parse_choice(const struct parse *p, const struct param *param, const json_t *json,
                                void *out)
{
    char expected[256] = "expected is one of:";

    for (const char *const *choice = param->choices; *choice != NULL; choice++) {
        size_t used = strlen(expected);

        if (json_is_string(json) && strcmp(json_string_value(json), *choice) == 0) {
            *(const char **)out = *choice;
            return OK;
        }
        snprintf(expected + used, sizeof(expected) - used, " %s", *choice);
    }
    return refuse(p, param, expected);
}

static enum status parse_hash(const struct parse *p, const struct param *param, const json_t *json, void *out)
{
    if (!json_is_string(json) || !hex_decode(out, 32, json_string_value(json), json_string_length(json)))
        return refuse(p, param, "64 hex digits are expected");
    return OK;
}

static enum status parse_bytes(const struct parse *p, const struct param *param, const json_t *json,
                               void *out)
{
    size_t most = param->most == 0 ? BYTES_DEFAULT_MOST : param->most;
    size_t digits = json_is_string(json) ? json_string_length(json) : 1;
    uint8_t *data;

    if (digits % 2 != 0 || digits / 2 > most)
        return refuse(p, param, "hex digits, two for each byte and not too many, are expected");
    data = arena_new(p->arena, digits / 2 + 1);
    if (!hex_decode(data, digits / 2, json_string_value(json), digits))
        return refuse(p, param, "hex digits are expected");
    *(struct bytes *)out = bytes_of(data, digits / 2);
    return OK;
}

static enum status parse_json(const struct parse *p, const struct param *param, const json_t *json, void *out)
{
    size_t most = param->most == 0 ? JSON_DEFAULT_MOST : param->most;
    struct buffer canonical CLEANUP(buffer_close) = { 0 };

    TRY(json_canonical(json, &canonical, p->error));
    if (canonical.size > most)
        return refuse(p, param, "the JSON value is too long");
    *(struct bytes *)out =
        bytes_of(arena_text(p->arena, (const char *)canonical.data, canonical.size), canonical.size);
    return OK;
}

static enum status parse_members(const struct parse *p, const struct param *params, size_t count,
                                 const json_t *json, uint8_t *out);

static enum status parse_list(const struct parse *p, const struct param *param, const json_t *json, void *out)
{
    struct param_list *list = out;
    size_t count = json_array_size(json);
    struct parse inner = *p;

    if (!json_is_array(json) || count == 0 || count > param->most)
        return refuse(p, param, "a list, not empty and not too long, is expected");
    list->items = arena_new(p->arena, count * param->item_size);
    inner.list = param->name;
    for (inner.item = 0; inner.item < count; inner.item++) {
        const json_t *item = json_array_get(json, inner.item);

        if (!json_is_object(item))
            return error_set(p->error, ERROR_INVALID_PARAMS, "%s[%zu]: an object is expected", param->name,
                             inner.item);
        TRY(parse_members(&inner, param->items, param->item_params, item,
                          (uint8_t *)list->items + inner.item * param->item_size));
    }
    list->count = count;
    return OK;
}

static enum status parse_value(const struct parse *p, const struct param *param, const json_t *json,
                               void *out)
{
    switch (param->type) {
    case PARAM_ACCOUNT:
        return parse_account(p, param, json, out);
    case PARAM_ASSET:
        return parse_asset(p, param, json, out);
    case PARAM_AMOUNT:
        return parse_unsigned(p, param, json, 1, out);
    case PARAM_INTEGER:
        return parse_unsigned(p, param, json, 0, out);
    case PARAM_BOOLEAN:
        if (!json_is_boolean(json))
            return refuse(p, param, "true or false is expected");
        *(bool *)out = json_is_true(json);
        return OK;
    case PARAM_TIME:
        return parse_time(p, param, json, out);
    case PARAM_DURATION:
        return parse_duration(p, param, json, out);
    case PARAM_HASH:
        return parse_hash(p, param, json, out);
    case PARAM_BYTES:
        return parse_bytes(p, param, json, out);
    case PARAM_TEXT:
    case PARAM_SECRET:
        return parse_text(p, param, json, out);
    case PARAM_CHOICE:
        return parse_choice(p, param, json, out);
    case PARAM_JSON:
        return parse_json(p, param, json, out);
    case PARAM_LIST:
        return parse_list(p, param, json, out);
    }
    INVARIANT(false, "parameter type %d", (int)param->type);
    return ERROR_INTERNAL;
}

static void set_fallback(const struct param *param, void *out)
{
    switch (param->type) {
    case PARAM_INTEGER:
        *(uint64_t *)out = param->fallback;
        break;
    case PARAM_BOOLEAN:
        *(bool *)out = param->fallback != 0;
        break;
    case PARAM_DURATION:
        *(int64_t *)out = (int64_t)param->fallback;
        break;
    case PARAM_ACCOUNT:
    case PARAM_ASSET:
    case PARAM_AMOUNT:
    case PARAM_TIME:
    case PARAM_HASH:
    case PARAM_BYTES:
    case PARAM_TEXT:
    case PARAM_SECRET:
    case PARAM_CHOICE:
    case PARAM_JSON:
    case PARAM_LIST:
        break; /* the struct came zeroed */
    }
}

static enum status refuse_unknown(const struct parse *p, const struct param *params, size_t count,
                                  const char *name)
{
    const char *near = NULL;
    unsigned distance = 3;

    for (size_t i = 0; i < count; i++) {
        unsigned here = edit_distance(name, params[i].name, distance);

        if (here < distance) {
            distance = here;
            near = params[i].name;
        }
    }
    if (near != NULL)
        return error_set(p->error, ERROR_INVALID_PARAMS, "unknown parameter '%.64s'; did you mean '%s'?",
                         name, near);
    return error_set(p->error, ERROR_INVALID_PARAMS, "unknown parameter '%.64s'", name);
}

static enum status parse_members(const struct parse *p, const struct param *params, size_t count,
                                 const json_t *json, uint8_t *out)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(json, params[i].name);

        if (value == NULL || json_is_null(value)) {
            if (params[i].required)
                return refuse(p, &params[i], "is missing");
            used += value != NULL;
            set_fallback(&params[i], out + params[i].offset);
            continue;
        }
        used++;
        TRY(parse_value(p, &params[i], value, out + params[i].offset));
    }
    if (used < json_object_size(json)) {
        const char *name;
        json_t *value;

        json_object_foreach((json_t *)json, name, value) {
            bool known = false;

            for (size_t i = 0; i < count && !known; i++)
                known = strcmp(params[i].name, name) == 0;
            if (!known)
                return refuse_unknown(p, params, count, name);
        }
    }
    return OK;
}

enum status params_parse(const struct param *params, size_t count, size_t size, const json_t *json,
                         const char *chain, struct arena *arena, void **out, struct error *error)
{
    const struct parse p = { .chain = chain, .arena = arena, .error = error };
    void *made = arena_new(arena, size == 0 ? 1 : size);

    if (json != NULL && !json_is_object(json))
        return error_set(error, ERROR_INVALID_PARAMS, "params: an object with named parameters is expected");
    TRY(parse_members(&p, params, count, json, made));
    *out = made;
    return OK;
}

bool params_have_secret(const struct param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (params[i].type == PARAM_SECRET ||
            (params[i].type == PARAM_LIST && params_have_secret(params[i].items, params[i].item_params)))
            return true;
    }
    return false;
}

const char *param_type_name(enum param_type type)
{
    switch (type) {
    case PARAM_ACCOUNT: return "account";
    case PARAM_ASSET: return "asset";
    case PARAM_AMOUNT: return "amount";
    case PARAM_INTEGER: return "integer";
    case PARAM_BOOLEAN: return "boolean";
    case PARAM_TIME: return "time";
    case PARAM_DURATION: return "duration";
    case PARAM_HASH: return "hash";
    case PARAM_BYTES: return "bytes";
    case PARAM_TEXT: return "text";
    case PARAM_SECRET: return "secret";
    case PARAM_CHOICE: return "choice";
    case PARAM_JSON: return "json";
    case PARAM_LIST: return "list";
    }
    return "";
}

static void write_pattern(struct writer *w, const char *pattern)
{
    writer_member_text(w, "type", "string");
    writer_member_text(w, "pattern", pattern);
}

static void write_integer_range(struct writer *w, uint64_t least)
{
    writer_member_text(w, "type", "integer");
    writer_member_unsigned(w, "minimum", least);
    writer_member_unsigned(w, "maximum", INTEGER_MAX);
}

static void write_list_schema(const struct param *param, struct writer *w)
{
    writer_member_text(w, "type", "array");
    writer_member_unsigned(w, "minItems", 1);
    writer_member_unsigned(w, "maxItems", param->most);
    writer_key(w, "items");
    writer_object_begin(w);
    writer_member_text(w, "type", "object");
    writer_key(w, "properties");
    writer_object_begin(w);
    for (size_t i = 0; i < param->item_params; i++) {
        writer_key(w, param->items[i].name);
        param_write_schema(&param->items[i], w);
    }
    writer_object_end(w);
    writer_key(w, "required");
    writer_array_begin(w);
    for (size_t i = 0; i < param->item_params; i++) {
        if (param->items[i].required)
            writer_text(w, param->items[i].name);
    }
    writer_array_end(w);
    writer_member_boolean(w, "additionalProperties", false);
    writer_object_end(w);
}

static void write_text_or_integer(struct writer *w)
{
    writer_key(w, "type");
    writer_array_begin(w);
    writer_text(w, "integer");
    writer_text(w, "string");
    writer_array_end(w);
}

void param_write_schema(const struct param *param, struct writer *w)
{
    writer_object_begin(w);
    writer_member_text(w, "description", param->help);
    writer_member_text(w, "x-type", param_type_name(param->type));
    switch (param->type) {
    case PARAM_ACCOUNT:
        write_pattern(w, "^(lyt?1[02-9ac-hj-np-z]{58}|[0-9a-fA-F]{64})$");
        break;
    case PARAM_ASSET:
        write_pattern(w, "^([A-Z][A-Z0-9]{1,11}|[0-9a-fA-F]{64})$");
        break;
    case PARAM_AMOUNT:
        write_integer_range(w, 1);
        break;
    case PARAM_INTEGER:
        write_integer_range(w, 0);
        break;
    case PARAM_BOOLEAN:
        writer_member_text(w, "type", "boolean");
        break;
    case PARAM_TIME:
    case PARAM_DURATION:
        write_text_or_integer(w);
        break;
    case PARAM_HASH:
        write_pattern(w, "^[0-9a-fA-F]{64}$");
        break;
    case PARAM_BYTES:
        write_pattern(w, "^([0-9a-fA-F]{2})*$");
        break;
    case PARAM_TEXT:
    case PARAM_SECRET:
        writer_member_text(w, "type", "string");
        writer_member_unsigned(w, "maxLength", param->most == 0 ? TEXT_DEFAULT_MOST : param->most);
        break;
    case PARAM_CHOICE:
        writer_key(w, "enum");
        writer_array_begin(w);
        for (const char *const *choice = param->choices; *choice != NULL; choice++)
            writer_text(w, *choice);
        writer_array_end(w);
        break;
    case PARAM_JSON:
        break; /* any value */
    case PARAM_LIST:
        write_list_schema(param, w);
        break;
    }
    if (!param->required && param->fallback != NOT_GIVEN &&
        (param->type == PARAM_INTEGER || param->type == PARAM_DURATION))
        writer_member_unsigned(w, "default", param->fallback);
    if (!param->required && param->type == PARAM_BOOLEAN)
        writer_member_boolean(w, "default", param->fallback != 0);
    writer_object_end(w);
}
