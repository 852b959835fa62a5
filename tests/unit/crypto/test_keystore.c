/* The keystore and key files: what opens, what is refused, and what a failing or dying write leaves behind.
 * The calls write, fsync, rename and link are wrapped at link time, so that any one of them can fail or end
 * the process. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/keystore_file.h"

#define PASSPHRASE "correct horse"
#define CRASHED 77 /* exit code of a child that a fault ended */

/* --- faults ----------------------------------------------------------------------------------- */

enum fault_call { FAULT_NONE, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME, FAULT_LINK };

static struct {
    enum fault_call call;
    int nth;         /* the call that fails, counted from 1 */
    int error;       /* errno it leaves; 0: the process ends instead */
    bool afterwards; /* the call is made, then the process ends */
} fault;

int __real_rename(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __real_fsync(int descriptor);
ssize_t __real_write(int descriptor, const void *data, size_t size);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_fsync(int descriptor);
ssize_t __wrap_write(int descriptor, const void *data, size_t size);

/* Whether this call is the one to fail. */
static bool fault_hits(enum fault_call call)
{
    if (fault.call != call || --fault.nth != 0)
        return false;
    if (fault.error == 0 && !fault.afterwards)
        _exit(CRASHED);
    errno = fault.error;
    return true;
}

#define WRAPPED(call, real)      \
    do {                         \
        if (!fault_hits(call))   \
            return real;         \
        if (fault.afterwards) {  \
            (void)!(real);       \
            _exit(CRASHED);      \
        }                        \
        return -1;               \
    } while (0)

int __wrap_rename(const char *from, const char *to)
{
    WRAPPED(FAULT_RENAME, __real_rename(from, to));
}

int __wrap_link(const char *from, const char *to)
{
    WRAPPED(FAULT_LINK, __real_link(from, to));
}

int __wrap_fsync(int descriptor)
{
    WRAPPED(FAULT_FSYNC, __real_fsync(descriptor));
}

ssize_t __wrap_write(int descriptor, const void *data, size_t size)
{
    WRAPPED(FAULT_WRITE, __real_write(descriptor, data, size));
}

/* --- a keystore in a folder of its own -------------------------------------------------------- */

struct place {
    char folder[64];
    char path[128];
    char temporary[160];
};

static int place_make(void **state)
{
    struct place *place = memory_new(sizeof *place);

    strcpy(place->folder, "/tmp/layerd-keystore-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/keystore.json", place->folder);
    snprintf(place->temporary, sizeof place->temporary, "%s.new", place->path);
    memset(&fault, 0, sizeof fault);
    *state = place;
    return 0;
}

static int place_remove(void **state)
{
    struct place *place = *state;

    memset(&fault, 0, sizeof fault);
    unlink(place->path);
    unlink(place->temporary);
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

static struct keystore *opened(const struct place *place)
{
    struct keystore *keystore;
    struct error error;

    assert_int_equal(keystore_open(place->path, &keystore, &error), OK);
    return keystore;
}

static struct keystore *unlocked(const struct place *place)
{
    struct keystore *keystore = opened(place);
    struct error error;

    if (keystore_exists(keystore))
        assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), OK);
    else
        assert_int_equal(keystore_create(keystore, PASSPHRASE, &error), OK);
    return keystore;
}

/* A keystore of these keys, written and closed. */
static void made_with(const struct place *place, const char *const *names)
{
    struct keystore *keystore = unlocked(place);
    struct account_id account;
    struct error error;

    for (; *names != NULL; names++)
        assert_int_equal(keystore_generate(keystore, *names, &account, &error), OK);
    keystore_close(keystore);
}

static const char *const two_keys[] = { "alice", "bob", NULL };

static void file_get(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    buffer_reserve(out, 1 << 16);
    out->size = fread(out->data, 1, 1 << 16, file);
    fclose(file);
}

static void file_put(const char *path, const void *data, size_t size, mode_t mode)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static bool signs(struct keystore *keystore, const char *name)
{
    struct hash message = { .bytes = { 4, 2 } };
    struct signature signature;
    struct account_id account;
    struct error error;

    return keystore_sign(keystore, name, &message, &signature, &error) == OK &&
           keystore_account(keystore, name, &account, &error) == OK &&
           schnorr_verify(&account, message.bytes, sizeof message.bytes, &signature);
}

static size_t counted;
static char listed[256];

static void count_key(void *context, const char *name, const struct account_id *account)
{
    (void)context;
    (void)account;
    counted++;
    if (strlen(listed) + strlen(name) + 2 < sizeof listed) {
        strcat(listed, name);
        strcat(listed, " ");
    }
}

static size_t key_count(struct keystore *keystore)
{
    counted = 0;
    listed[0] = '\0';
    keystore_list(keystore, count_key, NULL);
    return counted;
}

/* --- ordinary life ---------------------------------------------------------------------------- */

static void keys_survive_closing_and_reopening(void **state)
{
    struct place *place = *state;
    struct keystore *keystore = opened(place);
    struct account_id alice, found;
    struct error error;

    assert_false(keystore_exists(keystore));
    assert_true(keystore_is_locked(keystore));
    assert_int_equal(keystore_generate(keystore, "alice", &alice, &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), ERROR_NOT_FOUND);
    assert_int_equal(keystore_create(keystore, PASSPHRASE, &error), OK);
    assert_true(keystore_exists(keystore));
    assert_false(keystore_is_locked(keystore));
    assert_int_equal(keystore_create(keystore, PASSPHRASE, &error), ERROR_KEY_EXISTS);
    assert_int_equal(keystore_generate(keystore, "alice", &alice, &error), OK);
    assert_true(signs(keystore, "alice"));
    keystore_close(keystore);

    keystore = opened(place);
    assert_true(keystore_exists(keystore));
    assert_true(keystore_is_locked(keystore));
    assert_int_equal(keystore_account(keystore, "alice", &found, &error), OK); /* while locked too */
    assert_true(account_equal(&alice, &found));
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), OK);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), OK); /* again: no harm */
    assert_true(signs(keystore, "alice"));
    keystore_close(keystore);
    keystore_close(NULL);
}

static void a_wrong_passphrase_is_told_from_damage(void **state)
{
    static const char *const wrong[] = { "correct hors", "correct horse ", "Correct horse", "", "x" };
    struct place *place = *state;
    AUTO_FREE char *too_long = memory_new(PASSPHRASE_MAX + 2);
    struct error error;

    made_with(place, two_keys);
    struct keystore *keystore = opened(place);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(keystore_unlock(keystore, wrong[i], &error), ERROR_WRONG_PASSPHRASE);
        assert_true(keystore_is_locked(keystore));
        assert_true(wrong[i][0] == '\0' || strlen(wrong[i]) == 1 || strstr(error.message, wrong[i]) == NULL);
    }
    memset(too_long, 'x', PASSPHRASE_MAX + 1);
    assert_int_equal(keystore_unlock(keystore, too_long, &error), ERROR_WRONG_PASSPHRASE);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), OK);
    assert_int_equal(keystore_unlock(keystore, "x", &error), ERROR_WRONG_PASSPHRASE);
    assert_false(keystore_is_locked(keystore)); /* a wrong guess does not lock it either */
    keystore_close(keystore);
}

static void a_locked_keystore_does_nothing_with_secrets(void **state)
{
    struct place *place = *state;
    struct hash message = { .bytes = { 1 } };
    struct signature signature;
    struct account_id account;
    struct error error;
    CLEANUP(buffer_close) struct buffer out = { 0 };
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);

    buffer_init(&out);
    secret_key_generate(secret);
    made_with(place, two_keys);
    struct keystore *keystore = unlocked(place);
    assert_true(signs(keystore, "bob"));
    keystore_lock(keystore);
    assert_true(keystore_is_locked(keystore));
    assert_int_equal(keystore_sign(keystore, "bob", &message, &signature, &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(keystore_generate(keystore, "carol", &account, &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(keystore_import(keystore, "carol", secret, &account, &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(keystore_export(keystore, "bob", "other", &out, &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(keystore_remove(keystore, "bob", &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(keystore_derive(keystore, "bob", "tag", &message, &error), ERROR_KEYSTORE_LOCKED);
    assert_int_equal(key_count(keystore), 2);
    keystore_lock(keystore);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), OK);
    assert_true(signs(keystore, "bob"));
    keystore_close(keystore);
}

static void what_follows_from_a_key_is_the_same_again_and_no_other_keys(void **state)
{
    struct place *place = *state;
    struct hash first, again, other, tagged;
    struct account_id account;
    char address[ADDRESS_TEXT_MAX];
    struct error error;

    made_with(place, two_keys);
    struct keystore *keystore = unlocked(place);
    assert_int_equal(keystore_derive(keystore, "bob", "tag", &first, &error), OK);
    assert_int_equal(keystore_derive(keystore, "bob", "tab", &tagged, &error), OK);
    assert_int_equal(keystore_derive(keystore, "alice", "tag", &other, &error), OK);
    assert_int_equal(keystore_derive(keystore, "nobody", "tag", &again, &error), ERROR_KEY_NOT_FOUND);
    assert_false(hash_equal(&first, &tagged) || hash_equal(&first, &other));
    assert_int_equal(keystore_account(keystore, "bob", &account, &error), OK);
    address_encode(address, &account);
    keystore_close(keystore);
    keystore = unlocked(place);
    assert_int_equal(keystore_derive(keystore, address, "tag", &again, &error), OK);
    assert_true(hash_equal(&first, &again));
    keystore_close(keystore);
}

static void keys_are_found_by_name_or_address_and_listed_in_order(void **state)
{
    static const char *const names[] = { "zoe", "Alice", "bob", "a.b_c-9", "0", NULL };
    struct place *place = *state;
    char address[ADDRESS_TEXT_MAX], hex[65];
    struct account_id account, found;
    struct error error;

    made_with(place, names);
    struct keystore *keystore = unlocked(place);
    assert_int_equal(key_count(keystore), 5);
    assert_string_equal(listed, "0 Alice a.b_c-9 bob zoe ");
    assert_int_equal(keystore_account(keystore, "bob", &account, &error), OK);
    address_encode(address, &account);
    hex_text(hex, account.bytes, 32);
    assert_true(signs(keystore, address));
    assert_true(signs(keystore, hex));
    assert_int_equal(keystore_account(keystore, address, &found, &error), OK);
    assert_true(account_equal(&account, &found));
    assert_int_equal(keystore_remove(keystore, address, &error), OK);
    assert_int_equal(keystore_account(keystore, address, &found, &error), ERROR_KEY_NOT_FOUND);
    assert_int_equal(keystore_account(keystore, "bob", &found, &error), ERROR_KEY_NOT_FOUND);
    assert_int_equal(keystore_remove(keystore, "bob", &error), ERROR_KEY_NOT_FOUND);
    assert_int_equal(keystore_account(keystore, "no\nname\x1b", &found, &error), ERROR_KEY_NOT_FOUND);
    assert_null(strpbrk(error.message, "\n\x1b"));
    keystore_close(keystore);
    keystore = unlocked(place);
    key_count(keystore);
    assert_string_equal(listed, "0 Alice a.b_c-9 zoe ");
    assert_true(signs(keystore, "zoe"));
    keystore_close(keystore);
}

static void a_name_or_key_is_taken_once(void **state)
{
    struct place *place = *state;
    struct account_id account, again;
    struct error error;
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);

    secret_key_generate(secret);
    struct keystore *keystore = unlocked(place);
    assert_int_equal(keystore_import(keystore, "alice", secret, &account, &error), OK);
    assert_int_equal(keystore_import(keystore, "bob", secret, &again, &error), ERROR_KEY_EXISTS);
    assert_non_null(strstr(error.message, "'alice'"));
    assert_int_equal(keystore_generate(keystore, "alice", &again, &error), ERROR_KEY_EXISTS);
    sodium_memzero(secret->bytes, 32);
    assert_int_equal(keystore_import(keystore, "zero", secret, &again, &error), ERROR_BAD_KEY);
    assert_int_equal(key_count(keystore), 1);
    keystore_close(keystore);
}

static void invalid_names_are_refused(void **state)
{
    struct place *place = *state;
    struct keystore *keystore = unlocked(place);
    struct account_id account;
    struct error error;
    char longest[KEY_NAME_MAX + 1], address[ADDRESS_TEXT_MAX];
    static const char *const bad[] = { "", ".", ".hidden", "-x", "a b", "a/b", "a\nb", "\xc3\xa9", "a+b",
                                       "a\"b" };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(key_name_valid(bad[i]));
        assert_int_equal(keystore_generate(keystore, bad[i], &account, &error), ERROR_INVALID_PARAMS);
    }
    memset(longest, 'x', sizeof longest);
    longest[KEY_NAME_MAX] = '\0';
    assert_false(key_name_valid(longest));
    longest[KEY_NAME_MAX - 1] = '\0';
    assert_true(key_name_valid(longest));
    assert_int_equal(keystore_generate(keystore, longest, &account, &error), OK);
    address_encode(address, &account);
    assert_false(key_name_valid(address)); /* else it could hide the key of that address */
    keystore_close(keystore);
}

/* Made by way of the file, as 10,000 durable writes would take minutes. */
static void a_full_keystore_opens_and_takes_no_more(void **state)
{
    struct place *place = *state;
    struct keystore_file file;
    CLEANUP(buffer_close) struct buffer text = { 0 };
    CLEANUP(secret_free_pointer) struct encryption_key *encryption = secret_new(sizeof *encryption);
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account;
    struct error error;

    buffer_init(&text);
    keystore_file_init(&file);
    derivation_new(&file.derivation);
    assert_int_equal(derivation_run(&file.derivation, PASSPHRASE, encryption, &error), OK);
    for (unsigned i = 0; i < KEYSTORE_KEYS_MAX; i++) {
        struct keystore_key key = { .name = "" };
        memcpy(key.account.bytes, &i, sizeof i);
        snprintf(key.name, sizeof key.name, "%0*u", KEY_NAME_MAX - 1, i);
        secret->bytes[31] = 1;
        keystore_key_seal(&key, encryption, secret);
        keystore_file_insert(&file, i, &key);
    }
    keystore_file_write(&file, encryption, &text);
    keystore_file_close(&file);
    assert_true(text.size <= KEYSTORE_FILE_SIZE_MAX);
    file_put(place->path, text.data, text.size, 0600);

    struct keystore *keystore = unlocked(place);
    assert_int_equal(key_count(keystore), KEYSTORE_KEYS_MAX);
    assert_int_equal(keystore_generate(keystore, "more", &account, &error), ERROR_LIMIT);
    snprintf(listed, sizeof listed, "%0*u", KEY_NAME_MAX - 1, 7);
    assert_int_equal(keystore_remove(keystore, listed, &error), OK);
    assert_int_equal(keystore_generate(keystore, "more", &account, &error), OK);
    assert_true(signs(keystore, "more"));
    keystore_close(keystore);
}

static void invalid_passphrases_make_nothing(void **state)
{
    struct place *place = *state;
    struct keystore *keystore = opened(place);
    AUTO_FREE char *text = memory_new(PASSPHRASE_MAX + 2);
    struct error error;

    memset(text, 'p', PASSPHRASE_MAX + 1);
    assert_int_equal(keystore_create(keystore, "", &error), ERROR_INVALID_PARAMS);
    assert_int_equal(keystore_create(keystore, text, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(access(place->path, F_OK), -1);
    text[PASSPHRASE_MAX] = '\0';
    assert_int_equal(keystore_create(keystore, text, &error), OK);
    keystore_lock(keystore);
    text[PASSPHRASE_MAX - 1] = '\0';
    assert_int_equal(keystore_unlock(keystore, text, &error), ERROR_WRONG_PASSPHRASE);
    text[PASSPHRASE_MAX - 1] = 'p';
    assert_int_equal(keystore_unlock(keystore, text, &error), OK);
    keystore_close(keystore);
}

/* --- key files -------------------------------------------------------------------------------- */

static void a_key_travels_by_key_file(void **state)
{
    struct place *place = *state;
    CLEANUP(buffer_close) struct buffer text = { 0 };
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    struct account_id account, again;
    struct error error;
    char name[KEY_NAME_MAX], address[ADDRESS_TEXT_MAX];

    buffer_init(&text);
    made_with(place, two_keys);
    struct keystore *keystore = unlocked(place);
    assert_int_equal(keystore_account(keystore, "alice", &account, &error), OK);
    address_encode(address, &account);
    assert_int_equal(keystore_export(keystore, "carol", "file pass", &text, &error), ERROR_KEY_NOT_FOUND);
    assert_int_equal(keystore_export(keystore, address, "", &text, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(text.size, 0);
    assert_int_equal(keystore_export(keystore, address, "file pass", &text, &error), OK);
    assert_int_equal(keystore_remove(keystore, "alice", &error), OK);

    assert_int_equal(key_file_decode((char *)text.data, text.size, PASSPHRASE, secret, name, &error),
                     ERROR_WRONG_PASSPHRASE);
    assert_int_equal(key_file_decode((char *)text.data, text.size, "file pass", secret, name, &error), OK);
    assert_string_equal(name, "alice");
    assert_int_equal(keystore_import(keystore, name, secret, &again, &error), OK);
    assert_true(account_equal(&account, &again));
    assert_true(signs(keystore, "alice"));
    keystore_close(keystore);
}

static void every_flipped_bit_of_a_key_file_is_refused(void **state)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    CLEANUP(secret_free_pointer) struct secret_key *out = secret_new(sizeof *out);
    char name[KEY_NAME_MAX];
    struct error error;
    (void)state;

    buffer_init(&text);
    secret_key_generate(secret);
    assert_int_equal(key_file_encode(secret, "alice", PASSPHRASE, &text, &error), OK);
    for (size_t bit = 0; bit < 8 * text.size; bit++) {
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(key_file_decode((char *)text.data, text.size, PASSPHRASE, out, name, &error),
                         ERROR_BAD_KEY_FILE);
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size + 1 < text.size; size++) /* the last byte is a newline, which may be missing */
        assert_int_equal(key_file_decode((char *)text.data, size, PASSPHRASE, out, name, &error),
                         ERROR_BAD_KEY_FILE);
    assert_int_equal(key_file_decode((char *)text.data, text.size - 1, PASSPHRASE, out, name, &error), OK);
    assert_memory_equal(out->bytes, secret->bytes, 32);
}

static void a_message_about_a_wrong_file_tells_nothing_of_it(void **state)
{
    static const char *const files[] = { "", "null", "[]", "{}", "{\"format\":\"layerd/key\"}", "[1,2",
        "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef",
        "{\"secret\":\"b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef\",}" };
    CLEANUP(secret_free_pointer) struct secret_key *secret = secret_new(sizeof *secret);
    AUTO_FREE char *large = memory_new(KEY_FILE_SIZE_MAX + 2);
    char name[KEY_NAME_MAX];
    struct error error;
    (void)state;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal(key_file_decode(files[i], strlen(files[i]), "p", secret, name, &error),
                         ERROR_BAD_KEY_FILE);
        assert_null(strstr(error.message, "b7e1"));
    }
    memset(large, ' ', KEY_FILE_SIZE_MAX + 1);
    assert_int_equal(key_file_decode(large, KEY_FILE_SIZE_MAX + 1, "p", secret, name, &error),
                     ERROR_BAD_KEY_FILE);
}

/* --- damage and malice ------------------------------------------------------------------------ */

static void every_flipped_bit_of_a_keystore_is_refused(void **state)
{
    struct place *place = *state;
    CLEANUP(buffer_close) struct buffer text = { 0 };

    buffer_init(&text);
    made_with(place, two_keys);
    file_get(place->path, &text);
    for (size_t bit = 0; bit < 8 * text.size; bit++) {
        struct keystore *keystore;
        struct error error;

        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        file_put(place->path, text.data, text.size, 0600);
        assert_int_equal(keystore_open(place->path, &keystore, &error), ERROR_BAD_KEY_FILE);
        text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* The text with one part changed and the checksum made right again, as one would who wants to deceive. */
static void forge(const struct buffer *text, const char *from, const char *to, struct buffer *out)
{
    char *place = memmem(text->data, text->size, from, strlen(from));
    struct hash checksum;

    assert_non_null(place);
    size_t before = (size_t)((uint8_t *)place - text->data);
    buffer_clear(out);
    buffer_append(out, text->data, before);
    buffer_append_text(out, to);
    buffer_append(out, place + strlen(from), text->size - before - strlen(from));
    uint8_t *tail = memmem(out->data, out->size, ",\"checksum\":", 12);
    assert_non_null(tail);
    blake2b256(&checksum, out->data, (size_t)(tail - out->data));
    out->size = (size_t)(tail - out->data);
    buffer_append_text(out, ",\"checksum\":\"");
    buffer_append_hex(out, checksum.bytes, 32);
    buffer_append_text(out, "\"}\n");
}

static void forged_keystores_are_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum status open, unlock;
    } forgeries[] = {
        { "alice", "alice", OK, OK },
        { "alice", "alicf", OK, ERROR_BAD_KEY_FILE },
        { "alice", "zelda", ERROR_BAD_KEY_FILE, OK }, /* out of order */
        { "alice", "bob", ERROR_BAD_KEY_FILE, OK },   /* twice */
        { "alice", "a lice", ERROR_BAD_KEY_FILE, OK },
        { "alice", "a\\u006cice", ERROR_BAD_KEY_FILE, OK },
        { "\"operations\":1,", "\"operations\":2,", OK, ERROR_WRONG_PASSPHRASE },
        { "\"operations\":1,", "\"operations\":0,", ERROR_BAD_KEY_FILE, OK },
        { "\"operations\":1,", "\"operations\":21,", ERROR_BAD_KEY_FILE, OK },
        { "\"operations\":1,", "\"operations\":-1,", ERROR_BAD_KEY_FILE, OK },
        { "\"operations\":1,", "\"operations\":1.0,", ERROR_BAD_KEY_FILE, OK },
        { "\"operations\":1,", "", ERROR_BAD_KEY_FILE, OK },
        { "\"memory\":8192", "\"memory\":268435457", ERROR_BAD_KEY_FILE, OK },
        { "\"memory\":8192", "\"memory\":9223372036854775807", ERROR_BAD_KEY_FILE, OK },
        { "\"memory\":8192", "\"memory\":8191", ERROR_BAD_KEY_FILE, OK },
        { "argon2id13", "argon2i", ERROR_BAD_KEY_FILE, OK },
        { "\"version\":1", "\"version\":2", ERROR_BAD_KEY_FILE, OK },
        { "\"version\":1", "\"version\":1,\"note\":1", ERROR_BAD_KEY_FILE, OK },
        { "layerd/keystore", "layerd/key", ERROR_BAD_KEY_FILE, OK },
        { "\"keys\":[", "\"keys\":[ ", ERROR_BAD_KEY_FILE, OK },
        { "\"keys\":[", "\"keys\":[1,", ERROR_BAD_KEY_FILE, OK },
    };
    struct place *place = *state;
    CLEANUP(buffer_close) struct buffer text = { 0 }, forged = { 0 };

    buffer_init(&text);
    buffer_init(&forged);
    made_with(place, two_keys);
    file_get(place->path, &text);
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        struct keystore *keystore;
        struct error error;

        print_message("%s -> %s\n", forgeries[i].from, forgeries[i].to);
        forge(&text, forgeries[i].from, forgeries[i].to, &forged);
        file_put(place->path, forged.data, forged.size, 0600);
        assert_int_equal(keystore_open(place->path, &keystore, &error), forgeries[i].open);
        if (forgeries[i].open != OK)
            continue;
        assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), forgeries[i].unlock);
        assert_int_equal(keystore_is_locked(keystore), forgeries[i].unlock != OK);
        keystore_close(keystore);
    }
}

/* Makes a keystore at a cost of its own and gives its text, ended by a zero byte. */
static void made_at_cost(const struct place *place, uint64_t operations, uint64_t memory, struct buffer *text)
{
    derivation_set_cost(operations, memory);
    made_with(place, two_keys);
    derivation_set_cost(crypto_pwhash_argon2id_OPSLIMIT_MIN, crypto_pwhash_argon2id_MEMLIMIT_MIN);
    file_get(place->path, text);
    buffer_append(text, "", 1);
}

static void a_new_file_costs_4_passes_over_64_mib(void **state)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };

    buffer_init(&text);
    made_at_cost(*state, DERIVATION_OPERATIONS, DERIVATION_MEMORY, &text);
    assert_non_null(strstr((const char *)text.data, "\"operations\":4,\"memory\":67108864,"));
}

static void files_made_at_another_cost_still_open(void **state)
{
    struct place *place = *state;
    CLEANUP(buffer_close) struct buffer text = { 0 };
    struct error error;

    buffer_init(&text);
    made_at_cost(place, 3, (uint64_t)256 << 20, &text);
    assert_non_null(strstr((const char *)text.data, "\"operations\":3,\"memory\":268435456,"));
    struct keystore *keystore = opened(place);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), OK);
    keystore_close(keystore);
}

/* The most memory this process ever had, in KiB. */
static long peak_kib(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void *try_wrong_passphrase(void *context)
{
    struct keystore *keystore = context;
    struct error error;

    return keystore_unlock(keystore, "wrong", &error) == ERROR_WRONG_PASSPHRASE ? NULL : context;
}

static void many_unlocks_at_once_take_the_memory_of_one(void **state)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };
    pthread_t threads[8];
    void *failed;

    buffer_init(&text);
    made_at_cost(*state, DERIVATION_OPERATIONS, DERIVATION_MEMORY, &text);
    struct keystore *keystore = opened(*state);
    long before = peak_kib(); /* one derivation is in it already */
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, try_wrong_passphrase, keystore), 0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_true(peak_kib() - before < (long)(DERIVATION_MEMORY / 1024 / 2));
    keystore_close(keystore);
}

static void a_key_taken_out_or_put_back_is_noticed(void **state)
{
    struct place *place = *state;
    CLEANUP(buffer_close) struct buffer both = { 0 }, one = { 0 }, forged = { 0 };
    struct error error;

    buffer_init(&both);
    buffer_init(&one);
    buffer_init(&forged);
    made_with(place, two_keys);
    file_get(place->path, &both);
    struct keystore *keystore = unlocked(place);
    assert_int_equal(keystore_remove(keystore, "bob", &error), OK);
    keystore_close(keystore);
    file_get(place->path, &one);

    /* bob's entry, from the older file */
    char *start = memmem(both.data, both.size, ",{\"name\":\"bob\"", 14), *end = strchr(start, '}');
    AUTO_FREE char *entry = text_format("%.*s]", (int)(end + 1 - start), start);
    forge(&one, "]", entry, &forged);
    file_put(place->path, forged.data, forged.size, 0600);
    keystore = opened(place);
    assert_int_equal(key_count(keystore), 2);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), ERROR_BAD_KEY_FILE);
    keystore_close(keystore);

    forge(&both, entry, "]", &forged);
    file_put(place->path, forged.data, forged.size, 0600);
    keystore = opened(place);
    assert_int_equal(keystore_unlock(keystore, PASSPHRASE, &error), ERROR_BAD_KEY_FILE);
    keystore_close(keystore);
}

static void a_file_that_others_can_reach_is_refused(void **state)
{
    static const mode_t modes[] = { 0640, 0620, 0610, 0604, 0602, 0601, 0666, 0777 };
    struct place *place = *state;
    struct keystore *keystore;
    struct error error;

    mode_t before = umask(0);
    made_with(place, two_keys);
    umask(before);
    struct stat found;
    assert_int_equal(stat(place->path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(place->path, modes[i]), 0);
        assert_int_equal(keystore_open(place->path, &keystore, &error), ERROR_BAD_KEY_FILE);
        assert_non_null(strstr(error.message, "chmod 600"));
    }
    assert_int_equal(chmod(place->path, 0400), 0);
    keystore_close(opened(place));
}

static void what_is_no_regular_file_is_refused(void **state)
{
    struct place *place = *state;
    struct keystore *keystore;
    struct error error;

    assert_int_equal(mkfifo(place->path, 0600), 0); /* and does not hang */
    assert_int_equal(keystore_open(place->path, &keystore, &error), ERROR_BAD_KEY_FILE);
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(keystore_open(place->folder, &keystore, &error), ERROR_BAD_KEY_FILE);
    /* to nothing: there is no keystore, nor can one be */
    assert_int_equal(symlink(place->temporary, place->path), 0);
    keystore = opened(place);
    assert_int_equal(keystore_create(keystore, PASSPHRASE, &error), ERROR_STORAGE);
    assert_true(keystore_is_locked(keystore));
    keystore_close(keystore);
}

static void a_file_that_another_program_changed_is_not_overwritten(void **state)
{
    struct place *place = *state;
    struct account_id account;
    struct error error;

    made_with(place, two_keys);
    struct keystore *ours = unlocked(place), *theirs = unlocked(place);
    assert_int_equal(keystore_generate(theirs, "carol", &account, &error), OK);
    assert_int_equal(keystore_generate(ours, "dave", &account, &error), ERROR_STORAGE);
    assert_int_equal(key_count(ours), 2);
    keystore_close(ours);
    keystore_close(theirs);
    ours = opened(place);
    key_count(ours);
    assert_string_equal(listed, "alice bob carol ");
    keystore_close(ours);
}

static void a_second_keystore_does_not_replace_the_first(void **state)
{
    struct place *place = *state;
    struct error error;
    struct keystore *first = opened(place), *second = opened(place);

    assert_int_equal(keystore_create(first, PASSPHRASE, &error), OK);
    assert_int_equal(keystore_create(second, "other", &error), ERROR_STORAGE);
    assert_false(keystore_exists(second));
    assert_true(keystore_is_locked(second));
    keystore_close(first);
    keystore_close(second);
    keystore_close(unlocked(place));
}

/* --- writes that fail or are cut off ---------------------------------------------------------- */

static const struct {
    enum fault_call call;
    int nth;
    bool new_name_stands; /* the directory alone was not synced: the new file may be seen */
} write_faults[] = {
    { FAULT_WRITE, 1, false },
    { FAULT_FSYNC, 1, false },
    { FAULT_RENAME, 1, false },
    { FAULT_FSYNC, 2, true },
};
#define WRITE_FAULTS (sizeof write_faults / sizeof write_faults[0])

static void a_failed_write_leaves_the_old_keystore_in_file_and_memory(void **state)
{
    static const int errors[] = { EIO, ENOSPC };
    struct place *place = *state;
    struct account_id account;
    struct error error;

    made_with(place, two_keys);
    for (size_t i = 0; i < WRITE_FAULTS * 2; i++) {
        struct keystore *keystore = unlocked(place);

        fault.call = write_faults[i / 2].call;
        fault.nth = write_faults[i / 2].nth;
        fault.error = errors[i % 2];
        assert_int_equal(keystore_generate(keystore, "carol", &account, &error), ERROR_STORAGE);
        assert_non_null(strstr(error.message, strerror(errors[i % 2])));
        fault.call = FAULT_NONE;
        assert_int_equal(key_count(keystore), 2);
        assert_int_equal(keystore_account(keystore, "carol", &account, &error), ERROR_KEY_NOT_FOUND);
        struct keystore *fresh = unlocked(place);
        assert_int_equal(key_count(fresh), write_faults[i / 2].new_name_stands ? 3 : 2);
        keystore_close(fresh);
        assert_int_equal(access(place->temporary, F_OK), -1);

        fault.call = write_faults[i / 2].call;
        fault.nth = write_faults[i / 2].nth;
        assert_int_equal(keystore_remove(keystore, "bob", &error), ERROR_STORAGE);
        fault.call = FAULT_NONE;
        key_count(keystore);
        assert_string_equal(listed, "alice bob ");
        assert_true(signs(keystore, "bob"));
        /* the next one succeeds */
        assert_int_equal(keystore_generate(keystore, "dave", &account, &error), OK);
        assert_int_equal(keystore_remove(keystore, "dave", &error), OK);
        keystore_close(keystore);
    }
}

static void a_failed_creation_makes_no_keystore(void **state)
{
    static const struct { enum fault_call call; int nth; } faults[] = {
        { FAULT_WRITE, 1 }, { FAULT_FSYNC, 1 }, { FAULT_LINK, 1 },
    };
    struct place *place = *state;
    struct error error;

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct keystore *keystore = opened(place);
        fault.call = faults[i].call;
        fault.nth = faults[i].nth;
        fault.error = ENOSPC;
        assert_int_equal(keystore_create(keystore, PASSPHRASE, &error), ERROR_STORAGE);
        fault.call = FAULT_NONE;
        assert_false(keystore_exists(keystore));
        assert_true(keystore_is_locked(keystore));
        assert_int_equal(access(place->path, F_OK), -1);
        keystore_close(keystore);
    }
    keystore_close(unlocked(place));
}

static void a_crash_at_any_step_of_a_write_leaves_a_whole_keystore(void **state)
{
    struct place *place = *state;

    made_with(place, two_keys);
    for (size_t i = 0; i < WRITE_FAULTS * 2; i++) {
        char name[KEY_NAME_MAX];
        bool afterwards = i % 2 == 1;

        snprintf(name, sizeof name, "crash%zu", i);
        struct keystore *keystore = unlocked(place);
        size_t count = key_count(keystore);
        pid_t child = fork();
        if (child == 0) {
            struct account_id account;
            struct error error;
            fault.call = write_faults[i / 2].call;
            fault.nth = write_faults[i / 2].nth;
            fault.error = 0;
            fault.afterwards = afterwards;
            _exit(keystore_generate(keystore, name, &account, &error) == OK ? 0 : 1);
        }
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFEXITED(result) && WEXITSTATUS(result) == CRASHED);
        keystore_close(keystore);

        bool named = write_faults[i / 2].new_name_stands ||
                     (write_faults[i / 2].call == FAULT_RENAME && afterwards);
        keystore = unlocked(place);
        assert_int_equal(key_count(keystore), count + named);
        assert_true(signs(keystore, "alice"));
        struct account_id account;
        struct error error;
        snprintf(name, sizeof name, "after%zu", i); /* what the crash left does not hinder the next write */
        assert_int_equal(keystore_generate(keystore, name, &account, &error), OK);
        assert_int_equal(access(place->temporary, F_OK), -1);
        keystore_close(keystore);
    }
}

/* Adds keys until it is killed; tells the name of each once it is durable. */
static void generate_until_killed(struct keystore *keystore, int report)
{
    for (uint32_t i = 0;; i++) {
        char name[KEY_NAME_MAX] = { 0 };
        struct account_id account;
        struct error error;

        snprintf(name, sizeof name, "k%u-%u", (unsigned)getpid(), i);
        if (keystore_generate(keystore, name, &account, &error) != OK ||
            write(report, name, sizeof name) != sizeof name)
            _exit(1);
    }
}

static void no_acknowledged_key_is_lost_by_kill(void **state)
{
    struct place *place = *state;

    made_with(place, two_keys);
    for (unsigned round = 0; round < 10; round++) {
        char name[KEY_NAME_MAX];
        int report[2], result;
        size_t acknowledged = 0;
        struct account_id account;
        struct error error;

        assert_int_equal(pipe(report), 0);
        struct keystore *keystore = unlocked(place);
        pid_t child = fork();
        if (child == 0)
            generate_until_killed(keystore, report[1]);
        keystore_close(keystore);
        close(report[1]);
        usleep(2000 + 1700 * round);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFSIGNALED(result));

        keystore = unlocked(place);
        while (read(report[0], name, sizeof name) == sizeof name) {
            acknowledged++;
            assert_int_equal(keystore_account(keystore, name, &account, &error), OK);
            assert_true(signs(keystore, name));
        }
        close(report[0]);
        print_message("round %u: %zu keys acknowledged\n", round, acknowledged);
        keystore_close(keystore);
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

struct signing {
    struct keystore *keystore;
    bool stop;
    size_t signed_ones, locked, wrong;
};

static void *sign_often(void *argument)
{
    struct signing *signing = argument;
    struct account_id account;
    struct error error;

    if (keystore_account(signing->keystore, "alice", &account, &error) != OK)
        return NULL;
    while (!__atomic_load_n(&signing->stop, __ATOMIC_RELAXED)) {
        struct hash message = { .bytes = { 7 } };
        struct signature signature;
        enum status status = keystore_sign(signing->keystore, "alice", &message, &signature, &error);

        if (status == ERROR_KEYSTORE_LOCKED)
            __atomic_add_fetch(&signing->locked, 1, __ATOMIC_RELAXED);
        else if (status == OK && schnorr_verify(&account, message.bytes, 32, &signature))
            __atomic_add_fetch(&signing->signed_ones, 1, __ATOMIC_RELAXED);
        else
            __atomic_add_fetch(&signing->wrong, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* The threads have come to it once more. */
static void await_more(const size_t *count)
{
    size_t before = __atomic_load_n(count, __ATOMIC_RELAXED);

    for (int i = 0; i < 60000 && __atomic_load_n(count, __ATOMIC_RELAXED) == before; i++)
        usleep(1000);
    assert_true(__atomic_load_n(count, __ATOMIC_RELAXED) > before);
}

static void threads_sign_while_others_lock_unlock_and_add(void **state)
{
    struct place *place = *state;
    pthread_t threads[3];
    struct error error;

    made_with(place, two_keys);
    struct signing signing = { .keystore = unlocked(place) };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, &signing), 0);
    for (unsigned i = 0; i < 30; i++) {
        char name[KEY_NAME_MAX];
        struct account_id account;

        snprintf(name, sizeof name, "aa%u", i); /* before alice: her place moves */
        assert_int_equal(keystore_generate(signing.keystore, name, &account, &error), OK);
        await_more(&signing.signed_ones);
        keystore_lock(signing.keystore);
        await_more(&signing.locked);
        assert_int_equal(keystore_unlock(signing.keystore, PASSPHRASE, &error), OK);
    }
    __atomic_store_n(&signing.stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(signing.wrong, 0);
    keystore_close(signing.keystore);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(keys_survive_closing_and_reopening),
        WITH_PLACE(a_wrong_passphrase_is_told_from_damage),
        WITH_PLACE(a_locked_keystore_does_nothing_with_secrets),
        WITH_PLACE(what_follows_from_a_key_is_the_same_again_and_no_other_keys),
        WITH_PLACE(keys_are_found_by_name_or_address_and_listed_in_order),
        WITH_PLACE(a_name_or_key_is_taken_once),
        WITH_PLACE(invalid_names_are_refused),
        WITH_PLACE(a_full_keystore_opens_and_takes_no_more),
        WITH_PLACE(invalid_passphrases_make_nothing),
        WITH_PLACE(a_key_travels_by_key_file),
        cmocka_unit_test(every_flipped_bit_of_a_key_file_is_refused),
        cmocka_unit_test(a_message_about_a_wrong_file_tells_nothing_of_it),
        WITH_PLACE(every_flipped_bit_of_a_keystore_is_refused),
        WITH_PLACE(forged_keystores_are_refused),
        WITH_PLACE(a_new_file_costs_4_passes_over_64_mib),
        WITH_PLACE(many_unlocks_at_once_take_the_memory_of_one),
        WITH_PLACE(files_made_at_another_cost_still_open),
        WITH_PLACE(a_key_taken_out_or_put_back_is_noticed),
        WITH_PLACE(a_file_that_others_can_reach_is_refused),
        WITH_PLACE(what_is_no_regular_file_is_refused),
        WITH_PLACE(a_file_that_another_program_changed_is_not_overwritten),
        WITH_PLACE(a_second_keystore_does_not_replace_the_first),
        WITH_PLACE(a_failed_write_leaves_the_old_keystore_in_file_and_memory),
        WITH_PLACE(a_failed_creation_makes_no_keystore),
        WITH_PLACE(a_crash_at_any_step_of_a_write_leaves_a_whole_keystore),
        WITH_PLACE(no_acknowledged_key_is_lost_by_kill),
        WITH_PLACE(threads_sign_while_others_lock_unlock_and_add),
    };

    crypto_start();
    derivation_set_cost(crypto_pwhash_argon2id_OPSLIMIT_MIN, crypto_pwhash_argon2id_MEMLIMIT_MIN);
    return cmocka_run_group_tests_name("keystore", tests, NULL, NULL);
}
