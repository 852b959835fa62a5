/* Channels in the library: what is signed is what the ledger verifies, and nothing else is taken for a state.
 */
#include "test_client.h"

#include <unistd.h>

#include "base/bech32.h"
#include "base/memory.h"
#include "crypto/channel.h"
#include "crypto/hash.h"
#include "crypto/sealing.h"

#define CHANNEL "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct place {
    char path[64];
    struct layerd_key *key;
    struct account_id account;
    char state[2048]; /* turn 5: 70 to the key, 30 to somebody else */
};

static int setup(void **state)
{
    struct place *p = memory_new(sizeof(*p));
    struct allocation all[2] = { { .amount = 70 }, { .amount = 30 } };
    struct channel_state s = { .turn = 5, .allocation_count = 2, .allocations = all };
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    char folder[] = "/tmp/layerd-client-XXXXXX", public_key[LAYERD_HASH_MAX];

    derivation_set_cost(1, 8192 * 1024);
    assert_non_null(mkdtemp(folder));
    snprintf(p->path, sizeof(p->path), "%s/key", folder);
    assert_int_equal(layerd_key_generate(p->path, "me", "a passphrase", NULL), LAYERD_OK);
    assert_int_equal(layerd_key_open(p->path, "a passphrase", &p->key, NULL), LAYERD_OK);
    unlink(p->path);
    rmdir(folder);
    layerd_key_public(p->key, public_key);
    assert_true(hex_decode(p->account.bytes, 32, public_key, 64));
    all[0].account = p->account;
    memset(all[1].account.bytes, 7, 32);
    channel_state_encode(&s, &bytes);
    hex_text(p->state, bytes.data, bytes.size);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    layerd_key_close(p->key);
    memory_free_pointer(state);
    return 0;
}

static void assert_signs(const struct place *p, const char *hex, const struct hash *hash)
{
    struct signature signature;

    assert_true(hex_decode(signature.bytes, sizeof(signature.bytes), hex, strlen(hex)));
    assert_true(schnorr_verify(&p->account, hash->bytes, sizeof(hash->bytes), &signature));
}

static void signatures_are_over_the_named_hashes(void **state)
{
    struct place *p = *state;
    struct allocation all[2] = { { .amount = 70, .account = p->account }, { .amount = 30 } };
    struct channel_state s = { .turn = 5, .allocation_count = 2, .allocations = all };
    char signature[LAYERD_SIGNATURE_MAX];
    struct hash id, hash, challenge;

    memset(all[1].account.bytes, 7, 32);
    assert_true(hex_decode(id.bytes, 32, CHANNEL, 64));
    channel_state_hash(&id, &s, &hash);
    channel_challenge_hash(&id, &hash, &challenge);
    assert_int_equal(layerd_channel_sign(p->key, CHANNEL, p->state, signature, NULL), LAYERD_OK);
    assert_signs(p, signature, &hash);
    assert_int_equal(layerd_channel_sign_challenge(p->key, CHANNEL, p->state, signature, NULL), LAYERD_OK);
    assert_signs(p, signature, &challenge);
    channel_voucher_hash(&id, 12, &hash);
    assert_int_equal(layerd_channel_sign_voucher(p->key, CHANNEL, 12, signature, NULL), LAYERD_OK);
    assert_signs(p, signature, &hash);
}

static void an_award_is_signed_with_its_fees(void **state)
{
    struct place *p = *state;
    struct allocation all[2] = { { .amount = 70, .account = p->account }, { .amount = 30 } };
    struct channel_state s = { .turn = 5, .allocation_count = 2, .allocations = all };
    const uint64_t fees[2] = { 3, 0 }, others[2] = { 4, 0 };
    char signature[LAYERD_SIGNATURE_MAX];
    struct signature made;
    struct hash id, hash;

    memset(all[1].account.bytes, 7, 32);
    assert_true(hex_decode(id.bytes, 32, CHANNEL, 64));
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, p->state, fees, 2, signature, NULL),
                     LAYERD_OK);
    channel_award_hash(&id, &s, fees, 2, &hash);
    assert_signs(p, signature, &hash);
    assert_true(hex_decode(made.bytes, sizeof(made.bytes), signature, strlen(signature)));
    channel_award_hash(&id, &s, others, 2, &hash);
    assert_false(schnorr_verify(&p->account, hash.bytes, sizeof(hash.bytes), &made));
    channel_award_hash(&id, &s, fees, 1, &hash);
    assert_false(schnorr_verify(&p->account, hash.bytes, sizeof(hash.bytes), &made));
    channel_state_hash(&id, &s, &hash);
    assert_false(schnorr_verify(&p->account, hash.bytes, sizeof(hash.bytes), &made));
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, p->state, NULL, 0, signature, NULL),
                     LAYERD_OK);
    channel_award_hash(&id, &s, NULL, 0, &hash);
    assert_signs(p, signature, &hash);
}

static void what_is_no_award_is_refused(void **state)
{
    struct place *p = *state;
    const uint64_t fees[CHANNEL_ASSETS_MAX + 1] = { 0 }, most = INTEGER_MAX, over = most + 1;
    char signature[LAYERD_SIGNATURE_MAX] = "as before";
    const enum layerd_error refused = LAYERD_ERROR_INVALID_PARAMS;
    struct layerd_failure failure;

    assert_int_equal(layerd_channel_sign_award(p->key, "00", p->state, fees, 1, signature, &failure),
                     refused);
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, NULL, fees, 1, signature, &failure), refused);
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, "00", fees, 1, signature, &failure), refused);
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, p->state, NULL, 1, signature, &failure),
                     refused);
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, p->state, fees, CHANNEL_ASSETS_MAX + 1,
                                               signature, &failure), refused);
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, p->state, &over, 1, signature, &failure),
                     refused);
    assert_string_equal(signature, "as before");
    assert_int_equal(layerd_channel_sign_award(p->key, CHANNEL, p->state, &most, 1, signature, &failure),
                     LAYERD_OK);
}

static void withdrawal_is_signed_with_its_payments(void **state)
{
    struct place *p = *state;
    struct allocation all[2] = { { .amount = 70, .account = p->account }, { .amount = 30 } };
    struct allocation taken[2] = { { .amount = 9, .account = p->account }, { .asset = 1, .amount = 4 } };
    struct channel_state s = { .turn = 5, .allocation_count = 2, .allocations = all };
    char signature[LAYERD_SIGNATURE_MAX], address[ADDRESS_TEXT_MAX], hex[65];
    struct layerd_channel_payment payments[2] = { { .amount = 9, .to = address },
                                                  { .asset = 1, .amount = 4, .to = hex } };
    struct hash id, hash;

    memset(all[1].account.bytes, 7, 32);
    memset(taken[1].account.bytes, 8, 32);
    hex_text(hex, taken[1].account.bytes, 32);
    assert_true(hex_decode(id.bytes, 32, CHANNEL, 64));
    channel_state_hash(&id, &s, &hash);
    channel_withdrawal_hash(&id, &hash, taken, 2, &hash);
    bech32m_encode(address, ADDRESS_PREFIX_TEST, p->account.bytes, 32);
    assert_int_equal(layerd_channel_sign_withdrawal(p->key, CHANNEL, p->state, payments, 2, signature, NULL),
                     LAYERD_OK);
    assert_signs(p, signature, &hash);
    bech32m_encode(address, ADDRESS_PREFIX_MAIN, p->account.bytes, 32); /* the same account elsewhere */
    assert_int_equal(layerd_channel_sign_withdrawal(p->key, CHANNEL, p->state, payments, 2, signature, NULL),
                     LAYERD_OK);
    assert_signs(p, signature, &hash);
}

static void withdrawal_of_nonsense_is_not_signed(void **state)
{
    struct place *p = *state;
    const struct layerd_channel_payment good = { .amount = 9, .to = CHANNEL };
    struct layerd_channel_payment bad[4] = { good, good, good, good };
    const enum layerd_error refused = LAYERD_ERROR_INVALID_PARAMS;
    char signature[LAYERD_SIGNATURE_MAX];

    bad[0].amount = 0;
    bad[1].asset = CHANNEL_ASSETS_MAX;
    bad[2].to = "nobody";
    bad[3].to = NULL;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            layerd_channel_sign_withdrawal(p->key, CHANNEL, p->state, &bad[i], 1, signature, NULL), refused);
    assert_int_equal(layerd_channel_sign_withdrawal(p->key, CHANNEL, p->state, &good, 0, signature, NULL),
                     refused);
    assert_int_equal(layerd_channel_sign_withdrawal(p->key, CHANNEL, p->state, NULL, 1, signature, NULL),
                     refused);
    assert_int_equal(layerd_channel_sign_withdrawal(p->key, CHANNEL, "zz", &good, 1, signature, NULL),
                     refused);
    assert_int_equal(layerd_channel_sign_withdrawal(p->key, "00", p->state, &good, 1, signature, NULL),
                     refused);
}

static void state_says_what_the_key_gets(void **state)
{
    struct place *p = *state;
    struct layerd_channel_state says;

    assert_int_equal(layerd_channel_state_read(p->state, p->key, 0, &says, NULL), LAYERD_OK);
    assert_int_equal(says.turn, 5);
    assert_false(says.final);
    assert_int_equal(says.share, 70);
    assert_int_equal(says.total, 100);
    assert_int_equal(says.entries, 2);
    assert_int_equal(layerd_channel_state_read(p->state, p->key, 1, &says, NULL), LAYERD_OK);
    assert_int_equal(says.share, 0);
    assert_int_equal(says.total, 0);
}

static void what_is_no_state_is_refused(void **state)
{
    struct place *p = *state;
    struct layerd_channel_state says;
    struct layerd_failure failure;
    char signature[LAYERD_SIGNATURE_MAX], channel[LAYERD_HASH_MAX];
    const enum layerd_error refused = LAYERD_ERROR_INVALID_PARAMS;

    assert_int_equal(layerd_channel_sign(p->key, CHANNEL, NULL, signature, &failure), refused);
    assert_int_equal(layerd_channel_sign(p->key, CHANNEL, "", signature, &failure), refused);
    assert_int_equal(layerd_channel_sign(p->key, CHANNEL, "0", signature, &failure), refused);
    assert_int_equal(layerd_channel_sign(p->key, CHANNEL, "zz", signature, &failure), refused);
    assert_int_equal(layerd_channel_sign(p->key, "00", p->state, signature, &failure), refused);
    assert_int_equal(layerd_channel_sign(p->key, NULL, p->state, signature, &failure), refused);
    assert_int_equal(layerd_channel_sign_voucher(p->key, CHANNEL, 0, signature, &failure), refused);
    assert_int_equal(layerd_channel_id("00", channel, &failure), refused);
    p->state[strlen(p->state) - 2] = '\0';
    assert_int_equal(layerd_channel_state_read(p->state, p->key, 0, &says, &failure), refused);
    assert_int_equal(layerd_channel_sign_challenge(p->key, CHANNEL, p->state, signature, &failure), refused);
}

int channel_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signatures_are_over_the_named_hashes, setup, teardown),
        cmocka_unit_test_setup_teardown(an_award_is_signed_with_its_fees, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_award_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(withdrawal_is_signed_with_its_payments, setup, teardown),
        cmocka_unit_test_setup_teardown(withdrawal_of_nonsense_is_not_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(state_says_what_the_key_gets, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_state_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests_name("channels with one's own key", tests, NULL, NULL);
}
