/* Keys' names to addresses: see account_name.h. */
#include "cli/account_name.h"

#include <string.h>

#include "base/memory.h"

#define ADDRESS_LEAST 50 /* an address has more characters; a name may begin as one does */

bool account_name_like(const char *text)
{
    size_t size = strlen(text);
    bool address = size >= ADDRESS_LEAST && (strncmp(text, "lyt1", 4) == 0 || strncmp(text, "ly1", 3) == 0);
    return size >= 1 && size < LAYERD_NAME_MAX && !address
           && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}

static bool is_name(const char *type, const json_t *value)
{
    return strcmp(type, "account") == 0 && json_is_string(value)
           && account_name_like(json_string_value(value));
}

static const char *type_of_item(const struct parameter *list, const char *key)
{
    const json_t *schema = json_object_get(json_object_get(list->items, "properties"), key);
    const char *type = json_string_value(json_object_get(schema, "x-type"));
    return type == NULL ? "" : type;
}

/* The address of the key with this name, or NULL. */
static const char *address_of(const json_t *keys, const char *name)
{
    const json_t *items = json_object_get(keys, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *key = json_array_get(items, i);
        const char *known = json_string_value(json_object_get(key, "name"));
        if (known != NULL && strcmp(known, name) == 0)
            return json_string_value(json_object_get(key, "address"));
    }
    return NULL;
}

/* Replaces the member when it is a name that is known; *names counts what may be one. */
static void resolve_member(json_t *object, const char *key, const char *type, const json_t *keys,
                           size_t *names)
{
    const json_t *value = json_object_get(object, key);
    if (!is_name(type, value))
        return;
    (*names)++;
    const char *address = address_of(keys, json_string_value(value));
    if (address != NULL)
        json_object_set_new(object, key, json_string(address));
}

static void resolve_list(const struct parameter *list, json_t *items, const json_t *keys, size_t *names)
{
    for (size_t i = 0; list->items != NULL && i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        const char *key;
        json_t *schema;
        json_object_foreach(json_object_get(list->items, "properties"), key, schema)
            resolve_member(item, key, type_of_item(list, key), keys, names);
    }
}

static json_t *resolve(const struct declaration *declaration, const json_t *typed, const json_t *keys,
                       size_t *names)
{
    json_t *object = json_deep_copy(typed);
    for (size_t i = 0; declaration != NULL && i < declaration->count; i++) {
        const struct parameter *parameter = &declaration->parameters[i];
        resolve_member(object, parameter->name, parameter->type, keys, names);
        resolve_list(parameter, json_object_get(object, parameter->name), keys, names);
    }
    return object;
}

json_t *account_names_apply(const struct declaration *declaration, const json_t *typed, const json_t *keys)
{
    size_t names = 0;
    return resolve(declaration, typed, keys, &names);
}

json_t *account_names_resolve(struct cli *cli, const struct declaration *declaration, const json_t *typed)
{
    AUTO_FREE char *text = NULL;
    AUTO_JSON json_t *keys = NULL;
    struct layerd_failure failure;
    struct error error;
    size_t names = 0;

    json_t *object = resolve(declaration, typed, NULL, &names);
    if (names == 0 || cli_call(cli, "wallet.list", NULL, &text, &failure) != LAYERD_OK
        || json_parse(text, strlen(text), &keys, &error) != OK)
        return object;
    json_decref(object);
    return account_names_apply(declaration, typed, keys);
}
