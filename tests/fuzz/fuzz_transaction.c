/* Signed transactions and parameters from outside: whatever the bytes, decoding refuses or gives a canonical
 * form that decodes to itself, and every declared command and query parses or refuses its parameters. */
#include <stdlib.h>
#include <string.h>

#include "crypto/transaction.h"
#include "kernel/kernel_module.h"
#include "kernel/param.h"
#include "node/modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_transaction(const json_t *json)
{
    struct buffer first CLEANUP(buffer_close) = { 0 };
    struct buffer second CLEANUP(buffer_close) = { 0 };
    json_t *again AUTO_JSON = NULL;
    struct transaction t;
    struct hash id, id_again;
    struct error error;

    if (transaction_decode(json, &t, &first, &id, &error) != OK)
        return;
    if (json_parse((const char *)first.data, first.size, &again, &error) != OK ||
        transaction_decode(again, &t, &second, &id_again, &error) != OK || !hash_equal(&id, &id_again) ||
        !bytes_equal(buffer_bytes(&first), buffer_bytes(&second)))
        abort();
}

static void check_params(const struct module *module, const json_t *json)
{
    struct error error;
    void *parsed;

    for (size_t i = 0; i < module->command_count + module->query_count; i++) {
        bool is_command = i < module->command_count;
        const struct command *c = is_command ? &module->commands[i] : NULL;
        const struct query_method *q = is_command ? NULL : &module->queries[i - module->command_count];
        struct arena arena;

        arena_init(&arena);
        (void)!params_parse(is_command ? c->params : q->params, is_command ? c->param_count : q->param_count,
                            is_command ? c->params_size : q->params_size, json, "dev-0000000000000000",
                            &arena, &parsed, &error);
        arena_close(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json AUTO_JSON = NULL;
    struct error error;

    if (json_parse((const char *)data, size, &json, &error) != OK)
        return 0;
    check_transaction(json);
    check_params(&kernel_module, json);
    for (const struct module *const *module = modules; *module != NULL; module++)
        check_params(*module, json);
    return 0;
}
