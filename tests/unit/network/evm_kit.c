/* What the tests of the EVM client share: evm_kit.h. */
#include "evm_kit.h"

static enum status sign(struct network_signer *signer, const struct hash *digest, struct signature *signature,
                        int *recovery_id, struct error *error)
{
    struct test_signer *test = (struct test_signer *)signer;
    (void)error;
    assert_true(ecdsa_sign_recoverable(test->key, digest, signature, recovery_id));
    return OK;
}

void test_signer_start(struct test_signer *signer, const char *key)
{
    signer->key = secret_new(sizeof *signer->key);
    assert_true(hex_decode(signer->key->bytes, sizeof signer->key->bytes, key, strlen(key)));
    assert_true(secret_key_public(signer->key, &signer->signer.public_key));
    signer->signer.sign = sign;
}

void test_signer_stop(struct test_signer *signer)
{
    secret_free(signer->key);
}

void call_begin(struct network_call *call, struct arena *arena, double seconds)
{
    arena_init(arena);
    *call = (struct network_call){.operation = "00000000000000000000000000000001", .attempt = 1,
                                  .arena = arena};
    call->waiting.deadline_us = clock_monotonic_us() + (int64_t)(seconds * 1e6);
}

void call_end(struct network_call *call)
{
    arena_close(call->arena);
}

struct evm_options default_options(const struct network *network, const char *url)
{
    struct evm_options options = {.url = url};
    for (size_t i = 0; i < network->option_count; i++) {
        const struct param *param = &network->options[i];
        char *place = (char *)&options + param->offset;
        if (param->type == PARAM_INTEGER)
            *(uint64_t *)(void *)place = param->fallback;
        else if (param->type == PARAM_DURATION)
            *(int64_t *)(void *)place = (int64_t)param->fallback;
        else if (param->type == PARAM_BOOLEAN)
            *(bool *)(void *)place = param->fallback != 0;
    }
    return options;
}
