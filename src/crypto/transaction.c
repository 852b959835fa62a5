/* The signed form of a command: see transaction.h. */
#include "crypto/transaction.h"

#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "crypto/hash.h"

void transaction_id(struct hash *id, const void *canonical, size_t size)
{
    tagged_hash(id, TRANSACTION_TAG, canonical, size);
}

/* The six members in RFC 8785 order are also in alphabetical order, so only `params` needs sorting. */
static enum status canonical_bytes(const struct transaction *t, struct buffer *out, struct error *error)
{
    size_t start = out->size;
    char address[ADDRESS_TEXT_MAX];
    struct writer w;
    enum status status;

    address_encode(address, &t->account);
    writer_init(&w, out);
    writer_object_begin(&w);
    writer_member_text(&w, "account", address);
    writer_member_text(&w, "chain", t->chain);
    writer_member_text(&w, "method", t->method);
    buffer_append_text(out, ",\"params\":");
    status = json_canonical(t->params, out, error);
    if (status == OK) {
        writer_member_hex(&w, "salt", t->salt, sizeof(t->salt));
        writer_member_integer(&w, "valid_until", t->valid_until_us);
        writer_object_end(&w);
        if (out->size - start > TRANSACTION_SIZE_MAX)
            status = error_set(error, ERROR_LIMIT, "the transaction has %zu bytes; at most %d are taken",
                               out->size - start, TRANSACTION_SIZE_MAX);
    }
    if (status != OK)
        out->size = start;
    return status;
}

static bool is_name(const char *text, size_t most)
{
    size_t size = strlen(text);

    return size >= 1 && size < most && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == size;
}

static enum status check_fields(const struct transaction *t, struct error *error)
{
    if (!is_name(t->chain, TRANSACTION_CHAIN_MAX))
        return error_set(error, ERROR_INVALID_PARAMS, "transaction.chain: a chain id is expected");
    if (!is_name(t->method, TRANSACTION_METHOD_MAX))
        return error_set(error, ERROR_INVALID_PARAMS, "transaction.method: a method name is expected");
    if (!json_is_object(t->params))
        return error_set(error, ERROR_INVALID_PARAMS, "transaction.params: an object is expected");
    if (t->valid_until_us < 1 || (uint64_t)t->valid_until_us > INTEGER_MAX)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "transaction.valid_until: microseconds since 1970 are expected, not %" PRId64,
                         t->valid_until_us);
    return OK;
}

enum status transaction_encode(const struct transaction *transaction, struct buffer *out, struct hash *id,
                               struct error *error)
{
    size_t start = out->size;

    TRY(check_fields(transaction, error));
    TRY(canonical_bytes(transaction, out, error));
    transaction_id(id, out->data + start, out->size - start);
    return OK;
}

static enum status member_text(const json_t *json, const char *key, const json_t **value, struct error *error)
{
    *value = json_object_get(json, key);
    if (!json_is_string(*value))
        return error_set(error, ERROR_INVALID_PARAMS, "transaction.%s: a string is expected", key);
    return OK;
}

enum status transaction_decode(const json_t *json, struct transaction *transaction, struct buffer *out,
                               struct hash *id, struct error *error)
{
    struct transaction t;
    const json_t *account, *chain, *method, *salt, *valid_until;

    if (!json_is_object(json) || json_object_size(json) != 6)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "transaction: an object with exactly account, chain, method, "
                         "params, salt and valid_until is expected");
    TRY(member_text(json, "account", &account, error));
    TRY(member_text(json, "chain", &chain, error));
    TRY(member_text(json, "method", &method, error));
    TRY(member_text(json, "salt", &salt, error));
    valid_until = json_object_get(json, "valid_until");
    if (!json_is_integer(valid_until))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "transaction.valid_until: microseconds since 1970 are expected");
    if (!address_decode(&t.account, json_string_value(account), json_string_length(account)))
        return error_set(error, ERROR_INVALID_PARAMS, "transaction.account: '%.80s' is not an address (%s1…)",
                         json_string_value(account), address_prefix());
    if (!hex_decode(t.salt, sizeof(t.salt), json_string_value(salt), json_string_length(salt)))
        return error_set(error, ERROR_INVALID_PARAMS, "transaction.salt: %d hex digits are expected",
                         2 * TRANSACTION_SALT_SIZE);
    t.chain = json_string_value(chain);
    t.method = json_string_value(method);
    t.params = json_object_get(json, "params");
    t.valid_until_us = json_integer_value(valid_until);
    TRY(transaction_encode(&t, out, id, error));
    *transaction = t;
    return OK;
}
