/* Key files and keystores from anybody: as they come, and as edits of a good key file whose checksum is then
 * made right again, so that the fuzzer gets past it. Nothing but the good file opens. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/keystore_file.h"

#define FUZZ_SIZE_MAX 16384
#define PASSPHRASE "fuzz"
#define EDIT_SIZE 3 /* place (2 bytes), new byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buffer good;        /* a key file at the lowest cost */
static struct secret_key *secret; /* the key in it */

static void start(void)
{
    struct error error;

    crypto_start();
    derivation_set_cost(crypto_pwhash_argon2id_OPSLIMIT_MIN, crypto_pwhash_argon2id_MEMLIMIT_MIN);
    secret = secret_new(sizeof *secret);
    secret_key_generate(secret);
    buffer_init(&good);
    INVARIANT(key_file_encode(secret, "name", PASSPHRASE, &good, &error) == OK, "%s", error.message);
}

static void keystore_check(const char *text, size_t size)
{
    struct keystore_file file;
    struct error error;

    keystore_file_init(&file);
    if (keystore_file_read(text, size, &file, &error) == OK)
        for (size_t i = 0; i < file.count; i++)
            INVARIANT(keystore_file_find(&file, file.keys[i].name) == &file.keys[i],
                      "a key that is not found");
    keystore_file_close(&file);
}

static void key_file_check(const char *text, size_t size)
{
    CLEANUP(secret_free_pointer) struct secret_key *found = secret_new(sizeof *found);
    char name[KEY_NAME_MAX];
    struct error error;

    if (key_file_decode(text, size, PASSPHRASE, found, name, &error) == OK)
        INVARIANT(memcmp(found->bytes, secret->bytes, sizeof found->bytes) == 0 && strcmp(name, "name") == 0,
                  "a forged key file opens");
}

/* The cost must stay what it is, or one input takes seconds. */
static bool cost_is_low(const struct buffer *text)
{
    static const char kdf[] = "\"kdf\":{\"name\":\"argon2id13\",\"operations\":1,\"memory\":8192,";

    return memmem(text->data, text->size, kdf, strlen(kdf)) != NULL;
}

static void edited_check(const uint8_t *edits, size_t size)
{
    static const char member[] = ",\"checksum\":\"";
    CLEANUP(buffer_close) struct buffer text = { 0 };
    struct hash checksum;

    buffer_init(&text);
    buffer_append(&text, good.data, good.size);
    for (; size >= EDIT_SIZE; edits += EDIT_SIZE, size -= EDIT_SIZE)
        text.data[(size_t)(edits[0] << 8 | edits[1]) % text.size] = edits[2];
    uint8_t *tail = memmem(text.data, text.size, member, strlen(member));
    if (tail != NULL) {
        text.size = (size_t)(tail - text.data);
        blake2b256(&checksum, text.data, text.size);
        buffer_append_text(&text, member);
        buffer_append_hex(&text, checksum.bytes, sizeof checksum.bytes);
        buffer_append_text(&text, "\"}\n");
    }
    if (cost_is_low(&text))
        key_file_check((const char *)text.data, text.size);
    keystore_check((const char *)text.data, text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_SIZE_MAX)
        return 0;
    if (secret == NULL)
        start();
    AUTO_FREE char *text = text_copy_sized((const char *)data, size);
    key_file_check(text, size);
    keystore_check(text, size);
    edited_check(data, size);
    return 0;
}
