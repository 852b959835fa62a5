/* The off-chain life on a whole node that keeps alice's and bob's keys; carol and dave keep their own. */
#include "party_support.h"

#include "crypto/hash.h"

#define CHALLENGED "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'"

static int setup(void **state)
{
    struct place *p = memory_new(sizeof(*p));

    party_begin(p);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    fixture_audit(&p->f);
    fixture_replay(&p->f);
    fixture_stop(&p->f);
    memory_free_pointer(state);
    return 0;
}

/* --- one node, both keys ---------------------------------------------------------------------- */
static void whole_life_with_both_keys_here(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    for (int i = 0; i < 20; i++) /* alice pays bob */
        assert_string_equal(status_name(update(p, "alice", 600 - i, 400 + i)), "ok");
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"), 22);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$'"), 2);
    assert_call(OK, p, "channel.close",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, PHASE, PHASE_CLOSED); /* the node concludes by itself */
    assert_int_equal(number(p, "SELECT count(*) FROM v_channel_holding WHERE channel = '$'"), 0);
}

static void countersigning_keys_never_give_away_their_own(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(update(p, "alice", 601, 399)), "ok"); /* stored, and waits for bob */
    assert_int_equal(number(p, "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"), 1);
    assert_string_equal(status_name(update(p, "alice", 500, 500)), "proposal_pending");
    assert_call(OK, p, "channel.reject",
                json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", 2, "signer",
                          fixture_address(&p->f, "bob")), NULL);
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"),
                     3);                                                /* turn 2 is burnt */
    assert_string_equal(status_name(update(p, "bob", 601, 399)), "ok"); /* his own proposal */
    assert_int_equal(number(p, "SELECT staged IS NULL FROM channel_local WHERE id = x'$'"), 1);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "alice"), "countersign", "never"),
                NULL);
    assert_string_equal(status_name(update(p, "bob", 602, 398)), "ok");
    assert_int_equal(number(p, "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"), 1);
    assert_call(OK, p, "channel.sign",
                json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", 4, "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_int_equal(number(p, "SELECT staged IS NULL FROM channel_local WHERE id = x'$'"), 1);
}

static void wrong_updates_are_refused_by_name(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(update(p, "alice", 600, 401)), "not_conserved");
    assert_string_equal(status_name(update(p, "carol", 600, 400)), "not_a_participant");
    s = plain(p, 5, 500, 500);
    assert_string_equal(status_name(update_outside(p, "alice", &s, NULL)), "wrong_turn");
    assert_call(ERROR_WRONG_TURN, p, "channel.sign",
                json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", 2, "signer",
                          fixture_address(&p->f, "bob")), NULL);
    assert_string_equal(status_name(propose(p, 600, 400)), "wrong_phase");
    assert_call(OK, p, "channel.suspend", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_string_equal(status_name(update(p, "alice", 599, 401)), "wrong_phase");
    assert_call(ERROR_WRONG_PHASE, p, "channel.suspend", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_call(OK, p, "channel.resume", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_string_equal(status_name(update(p, "alice", 599, 401)), "ok");
    p->hex[0] = p->hex[0] == '0' ? '1' : '0';
    assert_string_equal(status_name(update(p, "alice", 599, 401)), "channel_not_found");
}

static void top_up_enters_by_an_update(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    deposit(p, "alice", 50);
    assert_string_equal(status_name(update(p, "alice", 651, 400)), "not_conserved");
    assert_string_equal(status_name(update(p, "alice", 650, 400)), "ok");
    assert_int_equal(number(p, "SELECT staged IS NULL FROM channel_local WHERE id = x'$'"), 1);
}

/* --- keys elsewhere --------------------------------------------------------------------------- */
static void participant_with_a_key_elsewhere_countersigns_by_rpc(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;

    describe(p, "alice", "carol", 1);
    assert_string_equal(status_name(propose(p, 600, 400)), "ok");
    assert_string_equal(phase(p), "proposed");
    s = plain(p, 0, 600, 400);
    assert_string_equal(status_name(sign_outside(p, "dave", &s)), "not_a_participant");
    channel_state_hash(&p->id, &s, &hash);
    hash.bytes[0] ^= 1;
    assert_call(ERROR_BAD_SIGNATURE, p, "channel.sign",
                json_pack("{s:s, s:i, s:s, s:o}", "channel", p->hex, "turn", 0, "signer",
                          fixture_address(&p->f, "carol"), "signature", signature_of(p, "carol", &hash)),
                NULL);
    assert_string_equal(status_name(sign_outside(p, "carol", &s)), "ok");
    assert_string_equal(phase(p), "funding");
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 600);
    deposit(p, "carol", 400);
    s = plain(p, 1, 600, 400);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)),
                        "ok"); /* alice's key signs at once */
    assert_string_equal(phase(p), "running");
    s = plain(p, 2, 700, 300);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"), 3);
    s = plain(p, 3, 699, 301); /* takes from alice: stored, but she does not sign */
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_int_equal(number(p, "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"), 1);
}

static void two_states_of_one_turn_are_kept_as_evidence(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    json_t *result AUTO_JSON = NULL;

    participant_with_a_key_elsewhere_countersigns_by_rpc(state);
    s = plain(p, 3, 698, 302); /* carol signed another turn 3 already */
    assert_string_equal(status_name(update_outside(p, "carol", &s, &result)), "ok");
    assert_string_equal(json_string_value(json_object_get(result, "refused")), "equivocation");
    assert_int_equal(number(p, "SELECT count(*) FROM channel_equivocation WHERE channel = x'$'"), 1);
    s = plain(p, 2, 698, 302); /* and another turn 2, which counts */
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_int_equal(number(p, "SELECT count(*) FROM channel_equivocation WHERE channel = x'$'"), 2);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.equivocated'"), 2);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$' AND turn = 3"),
                     1);
}

/* --- disputes --------------------------------------------------------------------------------- */
static void stale_challenge_is_answered_also_after_a_restart(void **state)
{
    struct place *p = *state;
    struct channel_state old;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(update(p, "alice", 100, 900)), "ok");
    old = plain(p, 1, 600, 400);
    challenge_with(p, &old, "alice");
    fixture_reopen(&p->f); /* whatever was under way goes on */
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 2);
    await(p, "SELECT finalizes_us IS NULL FROM channel WHERE id = x'$'", 1);
    await(p, PHASE, PHASE_RUNNING);
    assert_string_equal(status_name(update(p, "bob", 101, 899)), "ok");
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.defended'"), 1);
}

static void dispute_brings_the_newest_state_and_ends_the_channel(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(update(p, "alice", 100, 900)), "ok");
    assert_call(OK, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, CHALLENGED, 1);
    assert_string_equal(phase(p), "dispute");
    assert_string_equal(status_name(update(p, "alice", 99, 901)), "wrong_phase"); /* nothing is signed now */
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(number(p, "SELECT turn_record FROM channel WHERE id = x'$'"), 2);
}

/* A challenge waits for the keystore; its operator does not. */
static void dispute_is_refused_when_no_key_can_sign(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    assert_call(ERROR_NOT_A_PARTICIPANT, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "dave")), NULL);
    keystore_lock(p->f.keystore);
    assert_call(ERROR_KEYSTORE_LOCKED, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    assert_string_equal(phase(p), "running");
    assert_int_equal(number(p, "SELECT count(*) FROM effect WHERE key LIKE '%/challenge/%'"), 0);
}

static void tower_answers_for_who_is_away(void **state)
{
    struct place *p = *state;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct channel_state s;
    struct hash hash;

    describe(p, "carol", "dave", 1); /* nobody's key is here */
    channel_fixed_encode(&p->fixed, &fixed);
    {
        json_t *register_ = json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size));

        assert_int_equal(fixture_try(&p->f, "dave", "channel.register", register_, NULL), OK);
    }
    deposit(p, "carol", 1000);
    for (uint64_t turn = 4; turn <= 5; turn++) {
        struct buffer bytes CLEANUP(buffer_close) = { 0 };
        json_t *receipt AUTO_JSON = NULL;

        s = plain(p, turn, 1000 - turn, turn);
        channel_state_encode(&s, &bytes);
        channel_state_hash(&p->id, &s, &hash);
        for (int again = 0; again < 2; again++)
            assert_call(again == 0 ? OK : ERROR_TURN_NOT_INCREASED, p, "tower.appoint",
                        json_pack("{s:o, s:[{s:o, s:[{s:s, s:o}, {s:s, s:o}]}]}", "fixed",
                                  hex_json(fixed.data, fixed.size), "states", "state",
                                  hex_json(bytes.data, bytes.size), "signatures", "key",
                                  fixture_address(&p->f, "carol"), "signature",
                                  signature_of(p, "carol", &hash), "key", fixture_address(&p->f, "dave"),
                                  "signature", signature_of(p, "dave", &hash)),
                        again == 0 ? &receipt : NULL);
        assert_int_equal(json_string_length(json_object_get(receipt, "receipt")), 128);
        assert_int_equal(json_integer_value(json_object_get(receipt, "number")), turn - 3);
        if (turn == 4) /* one signature of two supports nothing */
            assert_call(ERROR_WRONG_SIGNERS, p, "tower.appoint",
                        json_pack("{s:o, s:[{s:o, s:[{s:s, s:o}]}]}", "fixed",
                                  hex_json(fixed.data, fixed.size), "states", "state",
                                  hex_json(bytes.data, bytes.size), "signatures", "key",
                                  fixture_address(&p->f, "carol"), "signature",
                                  signature_of(p, "carol", &hash)), NULL);
    }
    s = plain(p, 2, 1000, 0);
    challenge_with(p, &s, "carol");
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 5);
    assert_int_equal(number(p, "SELECT finalizes_us IS NULL FROM channel WHERE id = x'$'"), 1);
}

/* --- channels in channels --------------------------------------------------------------------- */
/* alice and bob hold 300 of their channel in another one, which they end off the ledger. */
static void sub_channel_is_funded_and_taken_back_without_the_ledger(void **state)
{
    struct place *p = *state;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    char parent[65], child[65];
    json_t *list;

    open_running(p, 1, 600, 400);
    memcpy(parent, p->hex, 65);
    describe(p, "alice", "bob", 2);
    memcpy(child, p->hex, 65);
    channel_fixed_encode(&p->fixed, &fixed);
    assert_call(OK, p, "channel.propose",
                json_pack("{s:o, s:o, s:s, s:[{s:s}]}", "fixed", hex_json(fixed.data, fixed.size), "outcome",
                          outcome(p, 200, 100), "signer", fixture_address(&p->f, "alice"), "parents",
                          "channel", parent),
                NULL);
    assert_string_equal(phase(p), "funding");
    list = outcome(p, 400, 300);
    json_array_append_new(list,
                          json_pack("{s:s, s:i, s:s}", "kind", "channel", "amount", 300, "target", child));
    assert_call(OK, p, "channel.update",
                json_pack("{s:s, s:o, s:s}", "channel", parent, "outcome", list, "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_string_equal(phase(p), "funded"); /* bob's share is whole: his key signed */
    assert_string_equal(status_name(update(p, "alice", 200, 100)), "ok");
    assert_string_equal(status_name(update(p, "alice", 50, 250)), "ok");
    assert_call(OK, p, "channel.close",
                json_pack("{s:s, s:s}", "channel", child, "signer", fixture_address(&p->f, "bob")), NULL);
    assert_string_equal(phase(p), "final");
    assert_call(OK, p, "channel.update", /* more than the sub-channel gave her: bob's key does not sign */
                json_pack("{s:s, s:o, s:s}", "channel", parent, "outcome", outcome(p, 451, 549), "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_string_equal(phase(p), "final");
    assert_call(OK, p, "channel.reject",
                json_pack("{s:s, s:i, s:s}", "channel", parent, "turn", 3, "signer",
                          fixture_address(&p->f, "bob")), NULL);
    assert_call(OK, p, "channel.update",
                json_pack("{s:s, s:o, s:s}", "channel", parent, "outcome", outcome(p, 450, 550), "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_string_equal(phase(p), "closed");
    assert_int_equal(number(p, "SELECT count(*) FROM channel WHERE id = x'$'"),
                     0); /* the ledger never saw it */
}

/* Two channels that name each other as parents wake each other no more often than they move. */
static void channels_that_fund_each_other_come_to_rest(void **state)
{
    struct place *p = *state;
    char ids[2][65];
    struct buffer fixed[2] = { { 0 }, { 0 } };

    for (uint64_t i = 0; i < 2; i++) {
        describe(p, "alice", "bob", 20 + i);
        memcpy(ids[i], p->hex, 65);
        channel_fixed_encode(&p->fixed, &fixed[i]);
    }
    for (int i = 0; i < 2; i++) {
        json_t *list = json_pack("[{s:s, s:i, s:s}]", "kind", "channel", "amount", 10, "target", ids[1 - i]);

        assert_call(OK, p, "channel.propose",
                    json_pack("{s:o, s:o, s:s, s:[{s:s}]}", "fixed", hex_json(fixed[i].data, fixed[i].size),
                              "outcome", list, "signer", fixture_address(&p->f, "alice"), "parents",
                              "channel", ids[1 - i]),
                    NULL);
        buffer_close(&fixed[i]);
    }
    assert_int_equal(fixture_sql(&p->f, "SELECT count(*) FROM channel_local"), 2);
}

/* --- vouchers, cheating ----------------------------------------------------------------------- */
/* Between alice and bob with an application and terms; all of it is alice's at first. */
static void open_application(struct place *p, const char *application, struct bytes terms, const char *data)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    describe(p, "alice", "bob", 9);
    strcpy(p->fixed.application, application);
    p->fixed.terms = terms;
    p->fixed.penalty_ppm = 100000;
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    channel_fixed_encode(&p->fixed, &fixed);
    assert_call(OK, p, "channel.propose",
                json_pack("{s:o, s:o, s:s, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome",
                          outcome(p, 1000, 0), "data", data, "signer", fixture_address(&p->f, "alice")),
                NULL);
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 1000);
    assert_string_equal(status_name(update(p, "alice", 1000, 0)), "ok");
    assert_string_equal(phase(p), "running");
}

static enum status promise(struct place *p, int amount)
{
    return call(p, "channel.voucher", json_pack("{s:s, s:i}", "channel", p->hex, "amount", amount), NULL);
}

static void vouchers_rise_and_the_highest_is_redeemed(void **state)
{
    struct place *p = *state;
    int64_t bob;
    char sql[200], hex[65];

    open_application(p, "voucher", bytes_of(NULL, 0), "");
    for (int i = 1; i <= 30; i++)
        assert_string_equal(status_name(promise(p, 10 * i)), "ok");
    assert_string_equal(status_name(promise(p, 300)), "voucher_not_higher");
    assert_string_equal(status_name(promise(p, 1001)), "holdings_insufficient");
    hex_text(hex, fixture_key(&p->f, "bob")->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT amount FROM balance WHERE account = x'%s'", hex);
    bob = fixture_sql(&p->f, sql);
    assert_call(ERROR_NOT_A_PARTICIPANT, p, "channel.redeem",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "alice")), NULL);
    assert_call(OK, p, "channel.redeem",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, CHALLENGED, 1);
    assert_string_equal(phase(p), "dispute");
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(fixture_sql(&p->f, sql) - bob, 300);
}

static void payer_signs_what_he_promised_and_no_more(void **state)
{
    struct place *p = *state;

    open_application(p, "voucher", bytes_of(NULL, 0), "");
    assert_string_equal(status_name(promise(p, 300)), "ok");
    assert_string_equal(status_name(update(p, "bob", 699, 301)), "ok");
    assert_int_equal(number(p, "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"), 1);
    assert_call(OK, p, "channel.reject",
                json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", 2, "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_string_equal(status_name(update(p, "bob", 700, 300)), "ok");
    assert_int_equal(number(p, "SELECT staged IS NULL FROM channel_local WHERE id = x'$'"), 1);
    assert_string_equal(status_name(update(p, "bob", 400, 600)), "ok"); /* the promise is kept: not twice */
    assert_int_equal(number(p, "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"), 1);
}

static enum status pay(struct place *p, int known, int first, int second)
{
    char data[17];

    snprintf(data, sizeof(data), "%016x", (unsigned)known);
    return call(p, "channel.update",
                json_pack("{s:s, s:o, s:s, s:s}", "channel", p->hex, "outcome", outcome(p, first, second),
                          "data", data, "signer", fixture_address(&p->f, "alice")),
                NULL);
}

/* Alice pays twice and challenges with the first payment, though she signed to know of the second. */
static void cheat_is_answered_proved_and_punished(void **state)
{
    struct place *p = *state;
    uint8_t terms[34] = { 0 }, known[8];
    struct channel_state old;
    int64_t alice;
    char sql[200], hex[65];

    put_be64(terms + 16, 1);
    put_be64(terms + 24, 1000);
    terms[33] = 30;
    open_application(p, "payment", bytes_of(terms, sizeof(terms)), "0000000000000000");
    assert_string_equal(status_name(pay(p, 1, 900, 100)), "ok"); /* turn 2 */
    assert_string_equal(status_name(pay(p, 2, 600, 400)), "ok"); /* turn 3 */
    assert_string_equal(status_name(pay(p, 3, 500, 500)), "ok"); /* turn 4 */
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"), 5);
    old = plain(p, 2, 900, 100);
    put_be64(known, 1);
    old.data = bytes_of(known, 8);
    challenge_with(p, &old, "alice");
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 4);
    assert_int_equal(number(p, "SELECT cheaters FROM channel WHERE id = x'$'"), 1);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.cheat_proved'"), 1);
    await(p, PHASE, PHASE_RUNNING);
    hex_text(hex, fixture_key(&p->f, "alice")->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT amount FROM balance WHERE account = x'%s'", hex);
    alice = fixture_sql(&p->f, sql);
    assert_call(OK, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, CHALLENGED, 1);
    assert_string_equal(phase(p), "dispute");
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(fixture_sql(&p->f, sql) - alice, 450); /* 500 less a tenth */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int party_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_life_with_both_keys_here),
        TEST(countersigning_keys_never_give_away_their_own),
        TEST(wrong_updates_are_refused_by_name),
        TEST(top_up_enters_by_an_update),
        TEST(participant_with_a_key_elsewhere_countersigns_by_rpc),
        TEST(two_states_of_one_turn_are_kept_as_evidence),
        TEST(stale_challenge_is_answered_also_after_a_restart),
        TEST(dispute_brings_the_newest_state_and_ends_the_channel),
        TEST(dispute_is_refused_when_no_key_can_sign),
        TEST(tower_answers_for_who_is_away),
        TEST(sub_channel_is_funded_and_taken_back_without_the_ledger),
        TEST(channels_that_fund_each_other_come_to_rest),
        TEST(vouchers_rise_and_the_highest_is_redeemed),
        TEST(payer_signs_what_he_promised_and_no_more),
        TEST(cheat_is_answered_proved_and_punished),
    };

    return cmocka_run_group_tests_name("channels of this node", tests, NULL, NULL);
}
