/* A link to Stacks over a scripted endpoint: see stacks_support.h. */
#include "stacks_support.h"

#include <string.h>

struct stacks_test_link here;

static enum status sign(struct network_signer *signer, const struct hash *digest, struct signature *signature,
                        int *recovery_id, struct error *error)
{
    const struct stacks_test_signer *test = (const struct stacks_test_signer *)signer;

    (void)error;
    assert_true(ecdsa_sign_recoverable(test->key, digest, signature, recovery_id));
    return OK;
}

static int open_with(bool api)
{
    static const char hex[] = "edf9aee84d9b7abc145504dde6726c64f369d37ee34ded868fabd876c26570bc";
    struct network_setup setup = { .link = "stacks", .network = NETWORK_DEV, .options = &here.options,
                                   .signer = &here.signer.signer };
    struct error error;

    crypto_start();
    memset(&here, 0, sizeof(here));
    here.options = (struct stacks_options){ .url = "http://127.0.0.1:20443", .chain = "testnet", .api = api,
                                            .confirmations = 6 };
    here.signer.key = secret_new(sizeof(*here.signer.key));
    assert_true(hex_decode(here.signer.key->bytes, 32, hex, strlen(hex)));
    assert_true(secret_key_public(here.signer.key, &here.signer.signer.public_key));
    here.signer.signer.sign = sign;
    if (stacks_network.initialize(&setup, &here.client, &error) != OK)
        fail_msg("%s", error.message);
    /* asked once, in a test of its own */
    atomic_store(&((struct stacks_client *)here.client)->indexed, true);
    arena_init(&here.arena);
    here.call = (struct network_call){ .operation = "0123456789abcdef0123456789abcdef", .attempt = 1,
                                       .arena = &here.arena };
    script_begin();
    return 0;
}

int stacks_setup(void **state)
{
    (void)state;
    return open_with(false);
}

int stacks_setup_api(void **state)
{
    (void)state;
    return open_with(true);
}

int stacks_teardown(void **state)
{
    (void)state;
    script_end();
    stacks_network.release(here.client);
    arena_close(&here.arena);
    secret_free(here.signer.key);
    return 0;
}

void stacks_prepare_write(const struct network_write *write, struct network_prepared *prepared)
{
    script("POST /v2/fees/transaction", FEES);
    assert_int_equal(stacks_network.prepare(here.client, &here.call, write, prepared), OK);
}

/* The very bytes of the published figure: nonce 3, fee 2000. */
void stacks_prepare_one(struct network_prepared *prepared)
{
    const struct network_write write = { .kind = WRITE_TRANSFER, .to = OTHER, .amount = "12345",
                                        .memo = "test" };

    script("GET /v2/accounts/", ACCOUNT_AT("3"));
    stacks_prepare_write(&write, prepared);
}

void stacks_make_block(struct buffer *out, struct bytes transaction, uint64_t height, uint8_t salt,
                       struct hash *id)
{
    struct hash leaf, root, identity;
    struct stacks_block block;
    uint8_t tagged[65] = { 0 }, number[8];

    sha512_256(&identity, transaction.data, transaction.size);
    memcpy(tagged + 1, identity.bytes, 32);
    sha512_256(&leaf, tagged, 33);
    tagged[0] = 1;
    memcpy(tagged + 1, leaf.bytes, 32);
    memcpy(tagged + 33, leaf.bytes, 32);
    sha512_256(&root, tagged, 65);
    buffer_append(out, "", 1);
    put_be64(number, height);
    buffer_append(out, number, 8);
    buffer_append(out, number, 8);
    memset(tagged, salt, sizeof(tagged));
    buffer_append(out, tagged, 20 + 32);
    buffer_append(out, root.bytes, 32);
    buffer_append(out, tagged, 32 + 8);
    buffer_append(out, tagged, STACKS_SIGNATURE_SIZE);
    buffer_append(out, "\0\0\0\0" "\0\x08\0\0\0\x01\xff" "\0\0\0\1", 15);
    buffer_append(out, transaction.data, transaction.size);
    assert_int_equal(stacks_block_read(buffer_bytes(out), &block), STACKS_BLOCK_GOOD);
    *id = block.id;
}

void stacks_script_mined(const struct buffer *block, const struct hash *id, const struct buffer *canonical,
                         const char *result)
{
    char hex[65];

    hex_text(hex, id->bytes, 32);
    script("GET /v3/transaction/", "{\"index_block_hash\":\"%s\",\"tx\":\"00\",\"result\":\"%s\"}", hex,
           result);
    script_bytes("GET /v3/blocks/", buffer_bytes(block));
    script_bytes("GET /v3/blocks/height/5", buffer_bytes(canonical));
    if (block != canonical)
        return;
    script("GET /v2/info", INFO_AT("9"));
    script("GET /v3/sortitions/consensus/", "[{\"burn_block_height\":95}]");
}

void stacks_assert_status(const struct network_prepared *prepared, enum transaction_state state)
{
    struct network_status status;

    assert_int_equal(stacks_network.check_transaction_status(here.client, &here.call, prepared, &status), OK);
    assert_int_equal(status.state, state);
}
