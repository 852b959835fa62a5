/* Signed notes and checkpoints: published vectors, every kind of damage, and the seed's file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "crypto/note.h"
#include "vectors.h"

#define KNOWN_MAX 4

/* signed-note.json: the signing key's published seed, text and note. */
static const char published_seed[] = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
static const char published_verifier[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char published_text[] = "If you think cryptography is the answer to your problem,\n"
                                     "then you don't know what your problem is.\n";
static const char published_note[] = "If you think cryptography is the answer to your problem,\n"
                                     "then you don't know what your problem is.\n\n"
                                     "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZ"
                                     "InNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static struct note_key key_of(const char *verifier)
{
    struct note_key key;
    struct error error;

    assert_int_equal(note_key_parse(verifier, &key, &error), OK);
    return key;
}

static struct note_signer *published_signer(void)
{
    uint8_t seed[32];

    assert_true(hex_decode(seed, sizeof seed, published_seed, 64));
    return note_signer_new("PeterNeumann", seed);
}

static void the_published_note_is_signed_to_the_byte(void **state)
{
    struct note_signer *signer = published_signer();
    CLEANUP(buffer_close) struct buffer out = { 0 }, verifier = { 0 };
    struct note_key key = key_of(published_verifier);
    struct error error;
    size_t text_size;
    (void)state;

    buffer_init(&out);
    buffer_init(&verifier);
    note_sign(signer, published_text, &out);
    assert_string_equal(buffer_text(&out), published_note);
    note_key_text(note_signer_key(signer), &verifier);
    assert_string_equal(buffer_text(&verifier), published_verifier);
    assert_int_equal(note_open(published_note, strlen(published_note), &key, &text_size, &error), OK);
    assert_int_equal(text_size, strlen(published_text));
    note_signer_free(signer);
}

static void verifier_keys_are_judged_as_published(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("signed-note.json");
    const json_t *row;
    struct error error;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "keys"), i, row) {
        struct note_key key = key_of(member_text(row, "verifier"));
        CLEANUP(buffer_close) struct buffer text = { 0 }, id = { 0 }, public_key = { 0 };

        buffer_init(&text);
        buffer_init(&id);
        buffer_init(&public_key);
        assert_string_equal(key.name, member_text(row, "name"));
        member_bytes(row, "key_id", &id);
        assert_memory_equal(key.id, id.data, 4);
        member_bytes(row, "public_key", &public_key);
        assert_memory_equal(key.public_key, public_key.data, 32);
        note_key_text(&key, &text);
        assert_string_equal(buffer_text(&text), member_text(row, "verifier"));
    }
    json_array_foreach(json_object_get(vectors, "bad_verifier_keys"), i, row) {
        struct note_key key;
        assert_int_equal(note_key_parse(json_string_value(row), &key, &error), ERROR_BAD_KEY);
    }
}

static void note_of_row(const json_t *row, struct buffer *note)
{
    if (json_object_get(row, "note_hex") != NULL) {
        member_bytes(row, "note_hex", note);
        return;
    }
    const char *text = member_text(row, "note");
    buffer_append_text(note, text);
    const json_t *repeat = json_object_get(row, "repeat_last_line");
    if (repeat == NULL)
        return;
    const char *line = text + strlen(text) - 1;
    while (line[-1] != '\n')
        line--;
    for (json_int_t i = 1; i < json_integer_value(repeat); i++)
        buffer_append_text(note, line);
}

static size_t known_of_row(const json_t *vectors, const json_t *row, struct note_key known[KNOWN_MAX])
{
    const json_t *names = json_object_get(row, "known"), *key;
    size_t count = json_array_size(names), k;

    assert_true(count <= KNOWN_MAX);
    for (size_t i = 0; i < count; i++)
        json_array_foreach(json_object_get(vectors, "keys"), k, key)
            if (strcmp(member_text(key, "name"), json_string_value(json_array_get(names, i))) == 0)
                known[i] = key_of(member_text(key, "verifier"));
    return count;
}

static bool lists(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
            return true;
    return false;
}

static void notes_open_as_published(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("signed-note.json");
    const json_t *row;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "open"), i, row) {
        CLEANUP(buffer_close) struct buffer note = { 0 };
        struct note_key known[KNOWN_MAX];
        bool verified[KNOWN_MAX] = { false };
        struct error error;
        size_t text_size;
        const char *result = member_text(row, "result");

        print_message("signed-note.json open %zu: %s\n", i, result);
        buffer_init(&note);
        note_of_row(row, &note);
        size_t count = known_of_row(vectors, row, known);
        enum status status = note_open_any((const char *)note.data, note.size, known, count, &text_size,
                                           verified, &error);
        if (strcmp(result, "ok") != 0) {
            assert_int_equal(status, ERROR_BAD_SIGNATURE);
            continue;
        }
        assert_int_equal(status, OK);
        assert_int_equal(text_size, strlen(published_text));
        for (size_t k = 0; k < count; k++)
            assert_int_equal(verified[k], lists(json_object_get(row, "verified"), known[k].name));
        if (count == 1)
            assert_int_equal(note_open((const char *)note.data, note.size, known, &text_size, &error), OK);
    }
}

static void format_examples_have_their_published_form(void **state)
{
    AUTO_JSON json_t *vectors = vectors_json("signed-note.json");
    const json_t *row;
    struct note_key key = key_of(published_verifier);
    struct error error;
    size_t i, text_size;
    (void)state;

    json_array_foreach(json_object_get(vectors, "format_examples"), i, row) {
        const char *note = member_text(row, "note");

        /* Well-formed, by a key nobody published: refused for that alone. */
        assert_int_equal(note_open(note, strlen(note), &key, &text_size, &error), ERROR_BAD_SIGNATURE);
        assert_string_equal(error.message, "the note bears no signature by a known key");
        if (strcmp(member_text(row, "kind"), "checkpoint") != 0)
            continue;
        struct checkpoint checkpoint;
        CLEANUP(buffer_close) struct buffer text = { 0 };
        size_t size = (size_t)(strstr(note, "\n\n") + 1 - note);

        buffer_init(&text);
        assert_int_equal(checkpoint_parse(note, size, &checkpoint, &error), OK);
        assert_string_equal(checkpoint.origin, member_text(row, "origin"));
        assert_int_equal(checkpoint.size, json_integer_value(json_object_get(row, "size")));
        assert_hash_is(&checkpoint.root, member_text(row, "root"));
        checkpoint_text(&checkpoint, &text);
        assert_int_equal(text.size, size);
        assert_memory_equal(text.data, note, size);
    }
}

static void every_flipped_bit_of_a_note_is_refused(void **state)
{
    struct note_key key = key_of(published_verifier);
    AUTO_FREE char *note = text_copy(published_note);
    size_t size = strlen(note), text_size;
    struct error error;
    (void)state;

    for (size_t bit = 0; bit < 8 * size; bit++) {
        note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(note_open(note, size, &key, &text_size, &error), ERROR_BAD_SIGNATURE);
        note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t shorter = 0; shorter < size; shorter++)
        assert_int_equal(note_open(note, shorter, &key, &text_size, &error), ERROR_BAD_SIGNATURE);
}

/* A note of this text with a right signature, whatever the text holds. */
static enum status open_signed(const char *text, size_t size)
{
    uint8_t seed[32], secret[64], public_key[32], line[68];
    char encoded[128];
    struct note_key key = key_of(published_verifier);
    CLEANUP(buffer_close) struct buffer note = { 0 };
    struct error error;
    size_t text_size;

    buffer_init(&note);
    assert_true(hex_decode(seed, sizeof seed, published_seed, 64));
    crypto_sign_seed_keypair(public_key, secret, seed);
    memcpy(line, key.id, 4);
    crypto_sign_detached(line + 4, NULL, (const uint8_t *)text, size, secret);
    sodium_bin2base64(encoded, sizeof encoded, line, sizeof line, sodium_base64_VARIANT_ORIGINAL);
    buffer_append(&note, text, size);
    buffer_append_format(&note, "\n\xe2\x80\x94 PeterNeumann %s\n", encoded);
    return note_open((const char *)note.data, note.size, &key, &text_size, &error);
}

static void a_signed_text_that_is_not_plain_utf8_is_refused(void **state)
{
    static const struct { const char *text; size_t size; enum status status; } cases[] = {
#define CASE(text, status) { text, sizeof(text) - 1, status }
        CASE("plain\n", OK),
        CASE("\n", OK),
        CASE("with\n\nempty line\n", OK),
        CASE("\xc3\xa8 \xe2\x82\xac \xf0\x9f\x94\x91 \xf4\x8f\xbf\xbf\n", OK),
        CASE("nul \0 inside\n", ERROR_BAD_SIGNATURE),
        CASE("tab \t\n", ERROR_BAD_SIGNATURE),
        CASE("carriage\r\n", ERROR_BAD_SIGNATURE),
        CASE("escape \x1b[1m\n", ERROR_BAD_SIGNATURE),
        CASE("overlong \xc0\x80\n", ERROR_BAD_SIGNATURE),
        CASE("overlong \xe0\x80\x80\n", ERROR_BAD_SIGNATURE),
        CASE("overlong \xf0\x80\x80\x80\n", ERROR_BAD_SIGNATURE),
        CASE("surrogate \xed\xa0\x80\n", ERROR_BAD_SIGNATURE),
        CASE("too large \xf4\x90\x80\x80\n", ERROR_BAD_SIGNATURE),
        CASE("five bytes \xf8\x88\x80\x80\x80\n", ERROR_BAD_SIGNATURE),
        CASE("cut \xe2\x82\n", ERROR_BAD_SIGNATURE),
        CASE("stray \x80\n", ERROR_BAD_SIGNATURE),
        CASE("no newline", ERROR_BAD_SIGNATURE),
        CASE("", ERROR_BAD_SIGNATURE),
#undef CASE
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("text %zu\n", i);
        assert_int_equal(open_signed(cases[i].text, cases[i].size), cases[i].status);
    }
}

static void notes_over_their_limits_are_refused(void **state)
{
    AUTO_FREE char *text = memory_new(NOTE_TEXT_MAX + 2);
    struct note_key key = key_of(published_verifier);
    CLEANUP(buffer_close) struct buffer note = { 0 };
    struct error error;
    size_t text_size;
    (void)state;

    memset(text, 'x', NOTE_TEXT_MAX + 1);
    text[NOTE_TEXT_MAX - 1] = '\n';
    assert_int_equal(open_signed(text, NOTE_TEXT_MAX), OK);
    text[NOTE_TEXT_MAX - 1] = 'x';
    text[NOTE_TEXT_MAX] = '\n';
    assert_int_equal(open_signed(text, NOTE_TEXT_MAX + 1), ERROR_BAD_SIGNATURE);

    buffer_init(&note);
    buffer_append_text(&note, published_note);
    for (int lines = 1; lines < NOTE_SIGNATURES_MAX; lines++)
        buffer_append_text(&note, "\xe2\x80\x94 other AAAAAAA=\n");
    assert_int_equal(note_open((const char *)note.data, note.size, &key, &text_size, &error), OK);
    buffer_append_text(&note, "\xe2\x80\x94 other AAAAAAA=\n");
    assert_int_equal(note_open((const char *)note.data, note.size, &key, &text_size, &error),
                     ERROR_BAD_SIGNATURE);
}

static void malformed_signature_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "x\n", "\n", "- other AAAAAAA=\n", "\xe2\x80\x94 other\n", "\xe2\x80\x94 other \n",
        "\xe2\x80\x94  AAAAAAA=\n",
        "\xe2\x80\x94 other AAAA\n" /* 3 bytes */, "\xe2\x80\x94 other AAAAAA==\n" /* an id alone */,
        "\xe2\x80\x94 other AAAAAAB=\n" /* spare bits */, "\xe2\x80\x94 other AAAAAAA\n" /* no padding */,
        "\xe2\x80\x94 other AAAAAAA= \n", "\xe2\x80\x94 ot+her AAAAAAA=\n",
        "\xe2\x80\x94 ot\xc2\xa0her AAAAAAA=\n",
        "\xe2\x80\x94 ot\xe3\x80\x80her AAAAAAA=\n", "\xe2\x80\x94\n", "\xe2\x80\x94 other AAAAAAA=",
        "\xe2\x80\x94 ot\xff AAAAAAA=\n", "\xe2\x80\x94 other AAAA\xc4\x84\x41=\n",
        "\xe2\x80\x94 other AAAA\xc4\x84\x41\x41\n",
    };
    struct note_key key = key_of(published_verifier);
    struct error error;
    size_t text_size;
    (void)state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        AUTO_FREE char *note = text_format("%s%s", published_note, lines[i]);
        print_message("line %zu\n", i);
        assert_int_equal(note_open(note, strlen(note), &key, &text_size, &error), ERROR_BAD_SIGNATURE);
    }
}

static void a_key_of_another_name_does_not_count(void **state)
{
    struct note_key key = key_of(published_verifier);
    struct error error;
    size_t text_size;
    (void)state;

    key.name[0] = 'Q';
    assert_int_equal(note_open(published_note, strlen(published_note), &key, &text_size, &error),
                     ERROR_BAD_SIGNATURE);
}

static void malformed_verifier_keys_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "PeterNeumann", "PeterNeumann+c74f20a3", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumanN+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n", "PeterNeumann+c74f20a3+",
        /* libsodium reads C4 as '/' */
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq\xc4LDE4izWy10TW",
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct note_key key;
        struct error error;
        assert_int_equal(note_key_parse(bad[i], &key, &error), ERROR_BAD_KEY);
    }
}

static void malformed_checkpoints_are_refused(void **state)
{
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    static const struct { const char *text; enum status status; } cases[] = {
        { "log\n5\n" ROOT "\n", OK },
        { "log\n0\n" ROOT "\n", OK },
        { "log\n18446744073709551615\n" ROOT "\n", OK },
        { "log\n5\n" ROOT "\nextension\nanother one\n", OK },
        { "log\n18446744073709551616\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "log\n05\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "log\n-5\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "log\n+5\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "log\n5 \n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "log\n\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "\n5\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "log\n5\n" ROOT, ERROR_INVALID_PARAMS },
        { "log\n5\n", ERROR_INVALID_PARAMS },
        { "log\n5", ERROR_INVALID_PARAMS },
        { "log", ERROR_INVALID_PARAMS },
        { "", ERROR_INVALID_PARAMS },
        { "log\n5\nAAAA\n", ERROR_INVALID_PARAMS },
        { "log\n5\n" ROOT "A\n", ERROR_INVALID_PARAMS },
        { "log\n5\n" ROOT "\n\n", ERROR_INVALID_PARAMS },
        { "log\n5\n" ROOT "\nunended", ERROR_INVALID_PARAMS },
        { "l\tog\n5\n" ROOT "\n", ERROR_INVALID_PARAMS },
        { "l\xffog\n5\n" ROOT "\n", ERROR_INVALID_PARAMS },
    };
    char long_origin[NOTE_NAME_MAX + 80];
    struct checkpoint checkpoint;
    struct error error;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("checkpoint %zu\n", i);
        assert_int_equal(checkpoint_parse(cases[i].text, strlen(cases[i].text), &checkpoint, &error),
                         cases[i].status);
    }
    snprintf(long_origin, sizeof long_origin, "%0*d\n5\n" ROOT "\n", NOTE_NAME_MAX - 1, 7);
    assert_int_equal(checkpoint_parse(long_origin, strlen(long_origin), &checkpoint, &error), OK);
    snprintf(long_origin, sizeof long_origin, "%0*d\n5\n" ROOT "\n", NOTE_NAME_MAX, 7);
    assert_int_equal(checkpoint_parse(long_origin, strlen(long_origin), &checkpoint, &error),
                     ERROR_INVALID_PARAMS);
#undef ROOT
}

/* --- the seed's file -------------------------------------------------------------------------- */

static void the_seed_is_made_once_and_read_again(void **state)
{
    char folder[] = "/tmp/layerd-note-XXXXXX";
    struct note_signer *first, *again;
    struct stat found;
    struct error error;
    (void)state;

    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = text_format("%s/log.seed", folder);
    assert_int_equal(note_signer_open(path, "bad name", &first, &error), ERROR_INVALID_PARAMS);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(note_signer_open(path, "log.example", &first, &error), OK);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_int_equal(note_signer_open(path, "log.example", &again, &error), OK);
    assert_memory_equal(note_signer_key(first), note_signer_key(again), sizeof(struct note_key));
    note_signer_free(first);
    note_signer_free(again);

    static const mode_t open_modes[] = { 0640, 0620, 0604, 0602, 0666, 0610, 0601 };
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(note_signer_open(path, "log.example", &again, &error), ERROR_BAD_KEY_FILE);
        assert_non_null(strstr(error.message, "chmod 600"));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_damaged_seed_file_is_refused_and_left_alone(void **state)
{
    static const char *const contents[] = { "", "810a", "not a seed",
        "g10a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173\n",
        "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173\n\n",
        "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c728317\n" };
    char folder[] = "/tmp/layerd-note-XXXXXX";
    struct note_signer *signer;
    struct error error;
    (void)state;

    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = text_format("%s/log.seed", folder);
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fchmod(fileno(file), 0600), 0);
        fputs(contents[i], file);
        fclose(file);
        assert_int_equal(note_signer_open(path, "log.example", &signer, &error), ERROR_BAD_KEY_FILE);
        assert_null(strstr(error.message, "0a1402d5"));
        struct stat found;
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_size, strlen(contents[i]));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(note_signer_open(path, "log.example", &signer, &error), ERROR_BAD_KEY_FILE);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    /* no such folder */
    assert_int_equal(note_signer_open(path, "log.example", &signer, &error), ERROR_STORAGE);
}

int note_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_note_is_signed_to_the_byte),
        cmocka_unit_test(verifier_keys_are_judged_as_published),
        cmocka_unit_test(notes_open_as_published),
        cmocka_unit_test(format_examples_have_their_published_form),
        cmocka_unit_test(every_flipped_bit_of_a_note_is_refused),
        cmocka_unit_test(a_signed_text_that_is_not_plain_utf8_is_refused),
        cmocka_unit_test(notes_over_their_limits_are_refused),
        cmocka_unit_test(malformed_signature_lines_are_refused),
        cmocka_unit_test(a_key_of_another_name_does_not_count),
        cmocka_unit_test(malformed_verifier_keys_are_refused),
        cmocka_unit_test(malformed_checkpoints_are_refused),
        cmocka_unit_test(the_seed_is_made_once_and_read_again),
        cmocka_unit_test(a_damaged_seed_file_is_refused_and_left_alone),
    };
    return cmocka_run_group_tests_name("note", tests, NULL, NULL);
}
