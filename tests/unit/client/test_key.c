/* Key files and signing: what is signed is what the node will check (crypto/transaction.h decodes it, BIP-340
 * verifies it). */
#include "test_client.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bech32.h"
#include "base/json.h"
#include "base/memory.h"
#include "crypto/sealing.h"
#include "crypto/transaction.h"

#define CHAIN "dev-0123456789abcdef"
#define VALID_UNTIL 1795300000000000

struct fixture {
    char directory[64], path[96];
    struct layerd_key *key;
};

static int setup(void **state)
{
    struct fixture *f = memory_new(sizeof *f);
    derivation_set_cost(1, 8192 * 1024); /* the usual cost is seconds: it is not what is tested here */
    strcpy(f->directory, "/tmp/layerd-key-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/alice.key", f->directory);
    assert_int_equal(layerd_key_generate(f->path, "alice", "correct horse", NULL), LAYERD_OK);
    assert_int_equal(layerd_key_open(f->path, "correct horse", &f->key, NULL), LAYERD_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    layerd_key_close(f->key);
    unlink(f->path);
    rmdir(f->directory);
    free(f);
    return 0;
}

static void a_key_file_is_private_and_never_overwritten(void **state)
{
    struct fixture *f = *state;
    struct stat facts;
    assert_int_equal(stat(f->path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(layerd_key_generate(f->path, "alice", "other", NULL), LAYERD_ERROR_KEY_EXISTS);
}

static void a_key_needs_its_passphrase_and_an_undamaged_file(void **state)
{
    struct fixture *f = *state;
    struct layerd_key *key = NULL;
    struct layerd_failure failure;
    assert_int_equal(layerd_key_open(f->path, "correct horsE", &key, &failure),
                     LAYERD_ERROR_WRONG_PASSPHRASE);
    assert_string_equal(failure.name, "wrong_passphrase");
    assert_null(strstr(failure.message, "horsE"));
    assert_int_equal(layerd_key_open("/nonexistent/key", "x", &key, NULL), LAYERD_ERROR_NOT_FOUND);
    assert_int_equal(chmod(f->path, 0644), 0);
    assert_int_equal(layerd_key_open(f->path, "correct horse", &key, NULL), LAYERD_ERROR_BAD_KEY_FILE);
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_int_equal(truncate(f->path, 40), 0);
    assert_int_equal(layerd_key_open(f->path, "correct horse", &key, NULL), LAYERD_ERROR_BAD_KEY_FILE);
    assert_null(key);
}

static void names_and_passphrases_have_their_bounds(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *path = text_format("%s/other.key", f->directory);
    assert_int_equal(layerd_key_generate(path, "-a", "x", NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_key_generate(path, "", "x", NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_int_equal(layerd_key_generate(path, "a", "", NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void what_is_derived_follows_from_key_tag_and_subject_alone(void **state)
{
    struct fixture *f = *state;
    char subject[LAYERD_HASH_MAX], first[LAYERD_HASH_MAX], second[LAYERD_HASH_MAX] = "untouched";
    struct layerd_key *again;

    memset(subject, 'a', 64);
    subject[64] = '\0';
    assert_int_equal(layerd_key_derive(f->key, "tests/salt", subject, first, NULL), LAYERD_OK);
    assert_int_equal(strlen(first), 64);
    assert_int_equal(layerd_key_open(f->path, "correct horse", &again, NULL), LAYERD_OK);
    assert_int_equal(layerd_key_derive(again, "tests/salt", subject, second, NULL), LAYERD_OK);
    assert_string_equal(first, second);
    assert_int_equal(layerd_key_derive(again, "tests/other", subject, second, NULL), LAYERD_OK);
    assert_string_not_equal(first, second);
    subject[0] = 'b';
    assert_int_equal(layerd_key_derive(again, "tests/salt", subject, second, NULL), LAYERD_OK);
    assert_string_not_equal(first, second);
    strcpy(second, "untouched");
    assert_int_equal(layerd_key_derive(again, "tests/salt", "aa", second, NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_string_equal(second, "untouched");
    layerd_key_close(again);
}

static void another_key_derives_another_secret(void **state)
{
    struct fixture *f = *state;
    char subject[LAYERD_HASH_MAX] = "", own[LAYERD_HASH_MAX], others[LAYERD_HASH_MAX];
    char path[128];
    struct layerd_key *other;

    memset(subject, '0', 64);
    snprintf(path, sizeof path, "%s/bob.key", f->directory);
    assert_int_equal(layerd_key_generate(path, "bob", "x", NULL), LAYERD_OK);
    assert_int_equal(layerd_key_open(path, "x", &other, NULL), LAYERD_OK);
    assert_int_equal(layerd_key_derive(f->key, "tests/salt", subject, own, NULL), LAYERD_OK);
    assert_int_equal(layerd_key_derive(other, "tests/salt", subject, others, NULL), LAYERD_OK);
    assert_string_not_equal(own, others);
    layerd_key_close(other);
    unlink(path);
}

static void a_key_shows_one_account_under_each_networks_prefix(void **state)
{
    struct fixture *f = *state;
    char test[LAYERD_ADDRESS_MAX], live[LAYERD_ADDRESS_MAX], inspected[LAYERD_ADDRESS_MAX],
        name[LAYERD_NAME_MAX];
    char hex[LAYERD_HASH_MAX];
    struct account_id account;
    layerd_key_public(f->key, hex);
    assert_int_equal(layerd_key_address(f->key, "dev", test, NULL), LAYERD_OK);
    assert_int_equal(layerd_key_address(f->key, "main", live, NULL), LAYERD_OK);
    assert_int_equal(layerd_key_address(f->key, "moon", live, NULL), LAYERD_ERROR_INVALID_PARAMS);
    assert_memory_equal(test, "lyt1", 4);
    assert_memory_equal(live, "ly1", 3);
    assert_true(bech32m_decode(account.bytes, 32, ADDRESS_PREFIX_MAIN, live, strlen(live)));
    char again[LAYERD_HASH_MAX];
    hex_text(again, account.bytes, 32);
    assert_string_equal(hex, again);
    assert_int_equal(layerd_key_inspect(f->path, NULL, name, inspected, NULL), LAYERD_OK);
    assert_string_equal(name, "alice");
    assert_string_equal(layerd_key_name(f->key), "alice");
    assert_string_equal(inspected, test);
}

/* Checks the signed text as a node would, and gives the decoded transaction's JSON. */
static json_t *check_signed(const char *signed_text, const char *id, const char *prefix)
{
    struct buffer canonical CLEANUP(buffer_close) = { 0 };
    struct transaction transaction;
    struct signature signature;
    struct hash hash;
    struct error error;
    char hex[LAYERD_HASH_MAX];
    json_t *json;

    buffer_init(&canonical);
    assert_int_equal(json_parse(signed_text, strlen(signed_text), &json, &error), OK);
    address_set_prefix(prefix);
    assert_int_equal(
        transaction_decode(json_object_get(json, "transaction"), &transaction, &canonical, &hash, &error),
        OK);
    address_set_prefix(ADDRESS_PREFIX_TEST);
    hex_text(hex, hash.bytes, 32);
    assert_string_equal(hex, id);
    assert_non_null(strstr(signed_text, buffer_text(&canonical)));
    const char *text = json_string_value(json_object_get(json, "signature"));
    assert_true(hex_decode(signature.bytes, 64, text, strlen(text)));
    assert_true(schnorr_verify(&transaction.account, hash.bytes, 32, &signature));
    signature.bytes[63] ^= 1;
    assert_false(schnorr_verify(&transaction.account, hash.bytes, 32, &signature));
    return json;
}

static void a_signed_command_is_what_the_node_will_check(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *text = NULL;
    char id[LAYERD_HASH_MAX];
    assert_int_equal(layerd_sign(f->key, CHAIN, "ledger.transfer",
                                 "{\"to\":\"b\", \"amount\" : 5,\n\"asset\":\"COIN\"}", VALID_UNTIL, &text,
                                 id, NULL),
                     LAYERD_OK);
    json_t *json = check_signed(text, id, ADDRESS_PREFIX_TEST);
    const json_t *t = json_object_get(json, "transaction");
    assert_string_equal(json_string_value(json_object_get(t, "chain")), CHAIN);
    assert_string_equal(json_string_value(json_object_get(t, "method")), "ledger.transfer");
    assert_int_equal(json_integer_value(json_object_get(t, "valid_until")), VALID_UNTIL);
    assert_non_null(strstr(text, "\"params\":{\"amount\":5,\"asset\":\"COIN\",\"to\":\"b\"}"));
    json_decref(json);
}

static void two_signatures_of_one_command_are_two_transactions(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *first = NULL;
    AUTO_FREE char *second = NULL;
    char id1[LAYERD_HASH_MAX], id2[LAYERD_HASH_MAX];
    assert_int_equal(layerd_sign(f->key, CHAIN, "a.b", NULL, VALID_UNTIL, &first, id1, NULL), LAYERD_OK);
    assert_int_equal(layerd_sign(f->key, CHAIN, "a.b", NULL, VALID_UNTIL, &second, id2, NULL), LAYERD_OK);
    assert_string_not_equal(id1, id2);
}

static void the_main_network_signs_under_its_own_prefix(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *text = NULL;
    char id[LAYERD_HASH_MAX];
    assert_int_equal(layerd_sign(f->key, "main-00", "a.b", "{}", VALID_UNTIL, &text, id, NULL), LAYERD_OK);
    assert_non_null(strstr(text, "\"account\":\"ly1"));
    json_decref(check_signed(text, id, ADDRESS_PREFIX_MAIN));
}

static void what_cannot_be_signed_is_refused(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    static const struct {
        const char *chain, *method, *params;
        int64_t valid_until_us;
        enum layerd_error code;
    } cases[] = {
        { CHAIN, "a.b", "{\"x\":1.5}", VALID_UNTIL, LAYERD_ERROR_NOT_CANONICAL },
        { CHAIN, "a.b", "{\"x\":9007199254740992}", VALID_UNTIL, LAYERD_ERROR_NOT_CANONICAL },
        { CHAIN, "a.b", "{\"x\":1,\"x\":2}", VALID_UNTIL, LAYERD_ERROR_PARSE },
        { CHAIN, "a.b", "{\"x\"", VALID_UNTIL, LAYERD_ERROR_PARSE },
        { CHAIN, "a.b", "[1]", VALID_UNTIL, LAYERD_ERROR_INVALID_PARAMS },
        { CHAIN, "A B", "{}", VALID_UNTIL, LAYERD_ERROR_INVALID_PARAMS },
        { CHAIN, "a.b", "{}", 0, LAYERD_ERROR_INVALID_PARAMS },
        { "moon-00", "a.b", "{}", VALID_UNTIL, LAYERD_ERROR_INVALID_PARAMS },
        { "", "a.b", "{}", VALID_UNTIL, LAYERD_ERROR_INVALID_PARAMS },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(layerd_sign(f->key, cases[i].chain, cases[i].method, cases[i].params,
                                     cases[i].valid_until_us, &text, NULL, NULL),
                         cases[i].code);
    assert_null(text);
}

struct signer {
    const struct layerd_key *key;
    const char *chain, *prefix;
    int wrong;
};

static void *sign_many(void *argument)
{
    struct signer *signer = argument;
    for (int i = 0; i < 300; i++) {
        AUTO_FREE char *text = NULL;
        if (layerd_sign(signer->key, signer->chain, "a.b", NULL, VALID_UNTIL, &text, NULL, NULL) != LAYERD_OK
            || strstr(text, signer->prefix) == NULL)
            signer->wrong++;
    }
    return NULL;
}

static void two_networks_sign_at_once_in_two_threads(void **state)
{
    struct fixture *f = *state;
    struct signer one = { f->key, CHAIN, "\"account\":\"lyt1", 0 },
                  two = { f->key, "main-00", "\"account\":\"ly1", 0 };
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, sign_many, &one), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, sign_many, &two), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(one.wrong + two.wrong, 0);
}

int key_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_file_is_private_and_never_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_needs_its_passphrase_and_an_undamaged_file, setup, teardown),
        cmocka_unit_test_setup_teardown(names_and_passphrases_have_their_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_derived_follows_from_key_tag_and_subject_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_key_derives_another_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_shows_one_account_under_each_networks_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signed_command_is_what_the_node_will_check, setup, teardown),
        cmocka_unit_test_setup_teardown(two_signatures_of_one_command_are_two_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(the_main_network_signs_under_its_own_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_signed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(two_networks_sign_at_once_in_two_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
