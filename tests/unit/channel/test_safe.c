/* What a key under the policy `safe` signs by itself when whoever proposes is a cheat: nothing that its owner
 * could count on is given away; and what this node does so that no end is lost. Alice's and bob's keys are
 * here; either of them cheats the other. */
#include "party_support.h"

#include <time.h>

#include "crypto/hash.h"
#include "crypto/keystore.h"

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

#define SIGNATURES_OF_TURN_2 "SELECT count(*) FROM channel_signature WHERE channel = x'$' AND turn = 2"

/* --- what the tests share --------------------------------------------------------------------- */
static void become(struct place *p, const char *hex)
{
    memmove(p->hex, hex, sizeof(p->hex));
    assert_true(hex_decode(p->id.bytes, sizeof(p->id.bytes), p->hex, 64));
}

static enum status bring(struct place *p, const char *signer, json_t *entries, const char *data, bool final)
{
    json_t *params = json_pack("{s:s, s:o, s:s, s:b}", "channel", p->hex, "outcome", entries, "signer",
                               fixture_address(&p->f, signer), "final", final);

    if (data != NULL)
        json_object_set_new(params, "data", json_string(data));
    return call(p, "channel.update", params, NULL);
}

static enum status by_signer(struct place *p, const char *method, const char *signer)
{
    return call(p, method,
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, signer)), NULL);
}

static enum status by_turn(struct place *p, const char *method, const char *signer, int turn)
{
    return call(p, method,
                json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", turn, "signer",
                          fixture_address(&p->f, signer)), NULL);
}

static bool is_staged(struct place *p)
{
    return number(p, "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'") == 1;
}

/* Accepted, and all signed it; or accepted, and a key that is here holds back. */
#define assert_signed(bringing)                            \
    do {                                                   \
        assert_string_equal(status_name(bringing), "ok");  \
        assert_false(is_staged(p));                        \
    } while (0)
#define assert_waits(bringing)                             \
    do {                                                   \
        assert_string_equal(status_name(bringing), "ok");  \
        assert_true(is_staged(p));                         \
    } while (0)

static enum status propose_with(struct place *p, json_t *entries, const char *data, const char *parent)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *params;

    channel_fixed_encode(&p->fixed, &fixed);
    params = json_pack("{s:o, s:o, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome", entries,
                       "signer", fixture_address(&p->f, p->first));
    if (data != NULL)
        json_object_set_new(params, "data", json_string(data));
    if (parent != NULL)
        json_object_set_new(params, "parents", json_pack("[{s:s}]", "channel", parent));
    return call(p, "channel.propose", params, NULL);
}

static void describe_application(struct place *p, const char *application, struct bytes terms)
{
    describe(p, "alice", "bob", 9);
    strcpy(p->fixed.application, application);
    p->fixed.terms = terms;
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
}

static const char *known_turn(unsigned turn)
{
    static char text[4][17];
    static int next;

    next = (next + 1) % 4;
    snprintf(text[next], sizeof(text[next]), "%016x", turn);
    return text[next];
}

static void describe_payment(struct place *p)
{
    static uint8_t terms[34];

    put_be64(terms + 16, 1);
    put_be64(terms + 24, 100000);
    terms[33] = 30;
    describe_application(p, "payment", bytes_of(terms, sizeof(terms)));
}

/* A `payment` channel that is funded; running after `known_turn(0)` at turn 1. */
static void fund_payment(struct place *p, int alice, int bob)
{
    describe_payment(p);
    assert_string_equal(status_name(propose_with(p, outcome(p, alice, bob), known_turn(0), NULL)), "ok");
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", alice);
    deposit(p, "bob", bob);
    assert_string_equal(phase(p), "funded");
}

static json_t *lock(struct place *p, int amount, const char *to, const char *refund, uint8_t number,
                    int64_t expiry_us)
{
    struct hash preimage, hash;

    memset(preimage.bytes, number, sizeof(preimage.bytes));
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    return json_pack("{s:s, s:i, s:s, s:s, s:o, s:I}", "kind", "hashlock", "amount", amount, "account",
                     fixture_address(&p->f, to), "refund", fixture_address(&p->f, refund), "hash",
                     hex_json(hash.bytes, sizeof(hash.bytes)), "expiry", (json_int_t)expiry_us);
}

static json_t *with(json_t *entries, json_t *one_more)
{
    json_array_append_new(entries, one_more);
    return entries;
}

static json_t *funding(const char *target, int amount)
{
    return json_pack("{s:s, s:i, s:s}", "kind", "channel", "amount", amount, "target", target);
}

static json_t *only(struct place *p, const char *who, int amount)
{
    return json_pack("[{s:s, s:i}]", "account", fixture_address(&p->f, who), "amount", amount);
}

static int64_t hour_from_now(struct place *p)
{
    return fixture_now(&p->f) + 60 * MINUTE;
}

/* --- before the channel runs ------------------------------------------------------------------ */
static void nothing_moves_before_turn_two(void **state)
{
    struct place *p = *state;

    fund_payment(p, 600, 400);
    assert_string_equal(status_name(bring(p, "alice", outcome(p, 1000, 0), known_turn(0), false)),
                        "invalid_transition");
    assert_signed(bring(p, "alice", outcome(p, 600, 400), known_turn(0), false));
    describe(p, "alice", "bob", 2);
    assert_signed(propose(p, 600, 400));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 1000);
    assert_string_equal(phase(p), "funded");
    assert_string_equal(status_name(update(p, "alice", 500, 500)), "invalid_transition");
    assert_string_equal(status_name(update(p, "alice", 600, 400)), "ok");
}

/* Bob paid in first, which is safe by the order of turn 0. */
static void an_end_before_all_is_paid_keeps_the_order(void **state)
{
    struct place *p = *state;
    json_t *turned;

    describe(p, "bob", "alice", 3);
    assert_signed(propose(p, 400, 600));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "bob", 400);
    turned = json_pack("[{s:s, s:i}, {s:s, s:i}]", "account", fixture_address(&p->f, "alice"), "amount", 600,
                       "account", fixture_address(&p->f, "bob"), "amount", 400);
    assert_waits(bring(p, "alice", turned, NULL, true));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 1)), "ok");
    assert_signed(bring(p, "alice", outcome(p, 400, 600), NULL, true));
    await(p, PHASE, PHASE_CLOSED);
}

/* Rows that were lost: the ledger has money in a channel that this node knows nothing of. */
static void turn_zero_of_a_channel_with_funds_is_not_signed(void **state)
{
    struct place *p = *state;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *known;

    describe(p, "alice", "bob", 55);
    channel_fixed_encode(&p->fixed, &fixed);
    known = json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size));
    assert_int_equal(fixture_try(&p->f, "alice", "channel.register", known, NULL), OK);
    deposit(p, "bob", 500);
    assert_waits(propose(p, 500, 0));
    describe(p, "alice", "bob", 56); /* known to the ledger, and empty: nothing is at stake */
    buffer_close(&fixed);
    fixed = (struct buffer){ 0 };
    channel_fixed_encode(&p->fixed, &fixed);
    known = json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size));
    assert_int_equal(fixture_try(&p->f, "alice", "channel.register", known, NULL), OK);
    assert_signed(propose(p, 500, 0));
}

/* --- hash-locks ------------------------------------------------------------------------------- */
static void a_new_lock_that_comes_back_is_no_share(void **state)
{
    struct place *p = *state;
    json_t *entries, *twice;

    open_running(p, 1, 600, 400);
    entries = with(only(p, "alice", 600), lock(p, 400, "alice", "bob", 7, hour_from_now(p)));
    assert_waits(bring(p, "alice", entries, NULL, true));
    describe(p, "alice", "bob", 2);
    open_running(p, 2, 600, 400);
    entries = with(outcome(p, 600, 300), lock(p, 100, "alice", "bob", 7, hour_from_now(p)));
    twice = with(outcome(p, 600, 200), json_deep_copy(json_array_get(entries, 2)));
    json_array_append(twice, json_array_get(twice, 2));
    assert_signed(bring(p, "bob", entries, NULL, false)); /* he offers it himself */
    assert_waits(bring(p, "alice", twice, NULL, false));  /* one that stands is worth one */
}

static void locks_that_stay_are_kept_byte_for_byte(void **state)
{
    struct place *p = *state;
    json_t *stands, *entries;
    int64_t expiry = hour_from_now(p);

    open_running(p, 1, 600, 400);
    entries = with(outcome(p, 500, 400), lock(p, 100, "bob", "alice", 7, expiry));
    stands = json_deep_copy(entries);
    assert_signed(bring(p, "alice", entries, NULL, false));
    entries = with(outcome(p, 500, 400), lock(p, 100, "bob", "alice", 8, expiry)); /* another preimage */
    assert_waits(bring(p, "alice", entries, NULL, true));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 3)), "ok");
    entries = with(outcome(p, 500, 400), lock(p, 100, "bob", "alice", 7, expiry - 1)); /* less time */
    assert_waits(bring(p, "alice", entries, NULL, true));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 4)), "ok");
    assert_signed(bring(p, "alice", stands, NULL, true));
}

static void an_end_drops_no_lock_that_may_be_claimed(void **state)
{
    struct place *p = *state;
    json_t *entries;

    fund_payment(p, 600, 400);
    assert_signed(bring(p, "alice", outcome(p, 600, 400), known_turn(0), false));
    entries = with(outcome(p, 500, 400), lock(p, 100, "bob", "alice", 9, hour_from_now(p)));
    assert_signed(bring(p, "alice", entries, known_turn(1), false));
    assert_waits(bring(p, "alice", outcome(p, 600, 400), known_turn(2), true));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 3)), "ok");
    assert_signed(bring(p, "alice", outcome(p, 500, 500), known_turn(2), true)); /* its amount is bob's */
}

static void a_preimage_after_the_expiry_is_not_signed(void **state)
{
    struct place *p = *state;
    json_t *entries;
    char data[81], preimage[32];

    memset(preimage, 9, sizeof(preimage));
    fund_payment(p, 600, 400);
    assert_signed(bring(p, "alice", outcome(p, 600, 400), known_turn(0), false));
    entries = with(outcome(p, 600, 300), lock(p, 100, "alice", "bob", 9, fixture_now(&p->f) + MINUTE));
    assert_signed(bring(p, "bob", entries, known_turn(1), false));
    advance(p, 30 * MINUTE);
    strcpy(data, known_turn(2));
    hex_text(data + 16, preimage, sizeof(preimage));
    assert_waits(bring(p, "alice", outcome(p, 700, 300), data, false));
}

/* --- channels in channels --------------------------------------------------------------------- */
static void a_channel_does_not_fund_itself(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    assert_waits(bring(p, "alice", with(only(p, "alice", 999), funding(p->hex, 1)), NULL, true));
}

/* A channel with a turn 0 that promises bob whatever alice likes. */
static void describe_child(struct place *p, char child[65], int alice, int bob, bool by_arbiters,
                           int64_t period_us)
{
    describe(p, "alice", "bob", (uint64_t)(bob + (by_arbiters ? 1 : 0)) + (uint64_t)period_us);
    p->fixed.challenge_period_us = period_us;
    p->fixed.dispute_limit_us = 3 * period_us;
    if (by_arbiters) {
        p->fixed.arbiters[0] = fixture_key(&p->f, "carol")->account;
        p->fixed.arbiter_count = p->fixed.arbiter_threshold = 1;
        p->fixed.arbitration_window_us = MINUTE;
    }
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    memcpy(child, p->hex, 65);
    assert_signed(propose(p, alice, bob));
}

static void entries_that_fund_count_what_they_put_in(void **state)
{
    struct place *p = *state;
    char parent[65], large[65], judged[65], slow[65], good[65], decided[65];

    open_running(p, 1, 600, 400);
    memcpy(parent, p->hex, 65);
    describe_child(p, large, 0, 100000, false, 10 * MINUTE);
    describe_child(p, judged, 0, 400, true, 10 * MINUTE);
    describe_child(p, slow, 0, 400, false, 11 * MINUTE);
    describe_child(p, good, 0, 200, false, 10 * MINUTE);
    describe_application(p, "voucher", bytes_of(NULL, 0)); /* alice pays, bob may take what she promised */
    memcpy(decided, p->hex, 65);
    assert_signed(propose_with(p, outcome(p, 0, 400), "", NULL));
    become(p, parent);
    assert_waits(bring(p, "alice", with(only(p, "alice", 999), funding(large, 1)), NULL, false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 2)), "ok");
    assert_waits(bring(p, "alice", with(only(p, "alice", 600), funding(judged, 400)), NULL, false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 3)), "ok");
    assert_waits(bring(p, "alice", with(only(p, "alice", 600), funding(slow, 400)), NULL, false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 4)), "ok");
    assert_waits(bring(p, "alice", with(only(p, "alice", 600), funding(decided, 400)), NULL, false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 5)), "ok");
    assert_waits(bring(p, "alice", /* twice, each with all of it */
                       with(with(only(p, "alice", 600), funding(good, 200)), funding(good, 200)), NULL,
                       false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 6)), "ok");
    assert_waits(bring(p, "alice", with(outcome(p, 601, 200), funding(good, 199)), NULL, false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 7)), "ok");
    assert_signed(bring(p, "alice", with(outcome(p, 600, 200), funding(good, 200)), NULL, false));
    assert_signed(bring(p, "alice", with(outcome(p, 599, 201), funding(good, 200)), NULL, false));
    assert_waits(bring(p, "alice", outcome(p, 799, 201), NULL, false)); /* what bob has there is missing */
}

static json_t *guarantee(struct place *p, const char *target, int amount, const char *left, const char *right)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:s}", "kind", "guarantee", "amount", amount, "target", target,
                     "left", fixture_address(&p->f, left), "right", fixture_address(&p->f, right));
}

static void guarantees_count_for_two_entries_alone(void **state)
{
    struct place *p = *state;
    char parent[65], one[65], two[65], lonely[65], payment[65];

    open_running(p, 1, 600, 400);
    memcpy(parent, p->hex, 65);
    describe(p, "alice", "bob", 31);
    memcpy(one, p->hex, 65);
    assert_signed(propose_with(p, only(p, "alice", 300), NULL, parent));
    describe(p, "alice", "bob", 32);
    memcpy(two, p->hex, 65);
    assert_signed(propose_with(p, outcome(p, 200, 100), NULL, parent));
    describe(p, "alice", "bob", 33);
    memcpy(lonely, p->hex, 65);
    assert_signed(propose(p, 200, 100));
    describe_payment(p);
    memcpy(payment, p->hex, 65);
    assert_signed(propose_with(p, outcome(p, 200, 100), known_turn(0), parent));
    become(p, parent);
    assert_waits(bring(p, "alice", with(outcome(p, 600, 100), guarantee(p, one, 300, "bob", "alice")), NULL,
                       false));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 2)), "ok");
    assert_waits(bring(p, "alice", with(outcome(p, 399, 301), guarantee(p, two, 300, "bob", "carol")), NULL,
                       false)); /* carol has no entry here: it could never come home */
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 3)), "ok");
    assert_waits(bring(p, "alice", with(outcome(p, 400, 300), guarantee(p, lonely, 300, "alice", "bob")),
                       NULL, false)); /* it names no parent: nobody would end it */
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 4)), "ok");
    assert_waits(bring(p, "alice", with(outcome(p, 400, 300), guarantee(p, payment, 300, "alice", "bob")),
                       NULL, false)); /* while hash-locks are pending there, it could not come home */
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 5)), "ok");
    assert_signed(bring(p, "alice", with(outcome(p, 400, 300), guarantee(p, two, 300, "alice", "bob")), NULL,
                        false));
    assert_waits(bring(p, "bob", with(only(p, "bob", 700), guarantee(p, two, 300, "alice", "bob")), NULL,
                       false)); /* nor could it now */
}

/* --- vouchers, escrow, what was topped up ----------------------------------------------------- */
static void run_vouchers(struct place *p, int promised)
{
    describe_application(p, "voucher", bytes_of(NULL, 0));
    assert_signed(propose_with(p, outcome(p, 1000, 0), "", NULL));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 1000);
    assert_signed(update(p, "alice", 1000, 0));
    assert_call(OK, p, "channel.voucher", json_pack("{s:s, s:i}", "channel", p->hex, "amount", promised),
                NULL);
}

static void the_payee_signs_no_promise_away(void **state)
{
    struct place *p = *state;

    run_vouchers(p, 300);
    assert_waits(update(p, "alice", 701, 299));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 2)), "ok");
    assert_waits(by_signer(p, "channel.close", "alice"));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 3)), "ok");
    assert_signed(bring(p, "alice", outcome(p, 700, 300), "", true));
}

static json_t *three_entries(struct place *p, const uint64_t *amounts)
{
    return json_pack("[{s:s, s:I}, {s:s, s:I}, {s:s, s:I}]", "account", fixture_address(&p->f, "carol"),
                     "amount", (json_int_t)amounts[0], "account", fixture_address(&p->f, "dave"), "amount",
                     (json_int_t)amounts[1], "account", fixture_address(&p->f, "alice"), "amount",
                     (json_int_t)amounts[2]);
}

/* A command about one state of an escrow by a participant whose key is elsewhere. */
static enum status escrow_call(struct place *p, const char *method, const char *who, uint64_t turn,
                               const uint64_t *amounts, uint8_t decision)
{
    struct channel_state s = state_of(&p->fixed, turn, amounts, p->all);
    bool signs = strcmp(method, "channel.sign") == 0;
    struct hash hash;
    json_t *params;

    s.data = bytes_of(&decision, 1);
    channel_state_hash(&p->id, &s, &hash);
    params = json_pack("{s:s, s:o}", "signer", fixture_address(&p->f, who), "signature",
                       signature_of(p, who, &hash));
    if (strcmp(method, "channel.propose") == 0) {
        struct buffer fixed CLEANUP(buffer_close) = { 0 };

        channel_fixed_encode(&p->fixed, &fixed);
        json_object_set_new(params, "fixed", hex_json(fixed.data, fixed.size));
    } else {
        json_object_set_new(params, "channel", json_string(p->hex));
        json_object_set_new(params, "turn", json_integer((json_int_t)turn));
    }
    if (!signs) {
        json_object_set_new(params, "outcome", three_entries(p, amounts));
        json_object_set_new(params, "data", hex_json(&decision, 1));
    }
    return call(p, method, params, NULL);
}

/* Alice is the third. Whatever her policy: the seller's wish does not become her decision. */
static void the_third_of_an_escrow_decides_by_hand(void **state)
{
    struct place *p = *state;
    static const uint8_t fee[8] = { 0, 0, 0, 0, 0, 0, 0, 10 };
    const uint64_t at_first[] = { 1000, 0, 0, UINT64_MAX }, released[] = { 0, 990, 10, UINT64_MAX };

    describe(p, "carol", "dave", 4);
    p->fixed.participants[2] = fixture_key(&p->f, "alice")->account;
    p->fixed.participant_count = 3;
    strcpy(p->fixed.application, "escrow");
    p->fixed.terms = bytes_of(fee, sizeof(fee));
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s, s:s}", "signer", fixture_address(&p->f, "alice"), "countersign",
                          "always", "channel", p->hex), NULL);
    assert_waits(escrow_call(p, "channel.propose", "carol", 0, at_first, 0));
    assert_signed(escrow_call(p, "channel.sign", "dave", 0, at_first, 0));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "carol", 1000);
    assert_waits(escrow_call(p, "channel.update", "carol", 1, at_first, 0));
    assert_signed(escrow_call(p, "channel.sign", "dave", 1, at_first, 0));
    assert_waits(escrow_call(p, "channel.update", "dave", 2, released, 3));
    assert_int_equal(number(p, SIGNATURES_OF_TURN_2), 1);
    assert_waits(by_turn(p, "channel.sign", "alice", 2)); /* her own word */
    assert_int_equal(number(p, SIGNATURES_OF_TURN_2), 2);
}

static void what_was_topped_up_is_not_left_behind(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    deposit(p, "bob", 77);
    assert_waits(by_signer(p, "channel.close", "alice"));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "bob", 2)), "ok");
    assert_signed(bring(p, "bob", outcome(p, 600, 477), NULL, true));
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(number(p, "SELECT count(*) FROM v_channel_holding WHERE channel = '$'"), 0);
}

/* Carol keeps her key elsewhere: whether it was she who paid in, no state tells. */
static void strangers_do_not_get_what_was_topped_up(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    describe(p, "alice", "carol", 1);
    assert_string_equal(status_name(propose(p, 600, 400)), "ok");
    s = plain(p, 0, 600, 400);
    assert_signed(sign_outside(p, "carol", &s));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 1000);
    s = plain(p, 1, 600, 400);
    assert_signed(update_outside(p, "carol", &s, NULL));
    deposit(p, "alice", 100);
    s = plain(p, 2, 600, 500);
    assert_waits(update_outside(p, "carol", &s, NULL));
}

/* --- ends and disputes ------------------------------------------------------------------------ */
/* A channel that runs between alice and carol, who keeps her key elsewhere: turn 1 is signed. */
static void run_with_carol(struct place *p)
{
    struct channel_state s;

    describe(p, "alice", "carol", 1);
    assert_waits(propose(p, 600, 400));
    s = plain(p, 0, 600, 400);
    assert_signed(sign_outside(p, "carol", &s));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 600);
    deposit(p, "carol", 400);
    s = plain(p, 1, 600, 400);
    assert_signed(update_outside(p, "carol", &s, NULL));
}

static enum status reject_outside(struct place *p, const char *who, const struct channel_state *s)
{
    struct hash hash, rejection;

    channel_state_hash(&p->id, s, &hash);
    channel_reject_hash(&p->id, &hash, &rejection);
    return call(p, "channel.reject",
                json_pack("{s:s, s:I, s:s, s:o}", "channel", p->hex, "turn", (json_int_t)s->turn, "signer",
                          fixture_address(&p->f, who), "signature", signature_of(p, who, &rejection)), NULL);
}

/* A state that both signed somewhere is shown to the ledger. */
static void register_by_hand(struct place *p)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(&p->fixed, &fixed);
    assert_int_equal(fixture_try(&p->f, p->first, "channel.register",
                                 json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size)), NULL), OK);
}

/* Alice's signature on an end with 600 for her is out: she must not take part in what gives her 1000. */
static void a_rejected_end_lets_only_ends_follow(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    run_with_carol(p);
    assert_waits(by_signer(p, "channel.close", "alice"));
    assert_string_equal(phase(p), "closing");
    s = plain(p, 2, 600, 400);
    s.final = true;
    assert_string_equal(status_name(reject_outside(p, "carol", &s)), "ok");
    assert_string_equal(phase(p), "closing");
    s = plain(p, 3, 1000, 0);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "wrong_phase");
    s = plain(p, 1, 600, 400);
    challenge_with(p, &s, "carol"); /* nobody has a newer one to answer with */
    assert_string_equal(phase(p), "dispute");
    s = plain(p, 2, 600, 400);
    checkpoint_by(p, p->first, &s);
    assert_string_equal(phase(p), "closing");
    s = plain(p, 3, 600, 400);
    s.final = true;
    assert_signed(update_outside(p, "carol", &s, NULL));
    await(p, PHASE, PHASE_CLOSED);
}

/* It was carol's idea, and alice did not sign. */
static void an_end_that_no_key_here_signed_is_forgotten(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    run_with_carol(p);
    s = plain(p, 2, 0, 1000);
    s.final = true;
    assert_waits(update_outside(p, "carol", &s, NULL));
    assert_string_equal(status_name(by_turn(p, "channel.reject", "alice", 2)), "ok");
    assert_string_equal(phase(p), "running");
    s = plain(p, 3, 601, 399);
    assert_signed(update_outside(p, "carol", &s, NULL));
}

static void a_stale_challenge_does_not_end_a_pause(void **state)
{
    struct place *p = *state;
    struct channel_state old;

    open_running(p, 1, 600, 400);
    assert_signed(update(p, "alice", 100, 900));
    assert_call(OK, p, "channel.suspend", json_pack("{s:s}", "channel", p->hex), NULL);
    old = plain(p, 1, 600, 400);
    challenge_with(p, &old, "alice");
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 2);
    await(p, "SELECT finalizes_us IS NULL FROM channel WHERE id = x'$'", 1);
    assert_string_equal(phase(p), "suspended");
}

static void nothing_is_signed_in_a_pause(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    run_with_carol(p);
    s = plain(p, 2, 500, 500);
    assert_waits(update(p, "alice", 500, 500));
    assert_call(OK, p, "channel.suspend", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_string_equal(status_name(sign_outside(p, "carol", &s)), "wrong_phase");
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "wrong_phase");
    assert_waits(update(p, "alice", 500, 500)); /* says the same again: hers is there */
    assert_call(OK, p, "channel.resume", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_signed(update_outside(p, "carol", &s, NULL));
}

/* Whoever signs newer states while his own challenge is on the way would be taken for a cheat. */
static void nothing_is_signed_while_a_challenge_of_ours_is_on_its_way(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(by_signer(p, "channel.dispute", "bob")), "ok");
    assert_string_equal(phase(p), "dispute"); /* at once */
    assert_string_equal(status_name(update(p, "alice", 500, 500)), "wrong_phase");
    await(p, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", 1);
    await(p, "SELECT challenging FROM channel_local WHERE id = x'$'", 0);
    assert_string_equal(phase(p), "dispute");
    assert_string_equal(status_name(by_signer(p, "channel.dispute", "alice")), "ok");
    await(p, "SELECT challenging FROM channel_local WHERE id = x'$'", 0); /* the ledger has that turn */
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.submit_failed'"), 1);
    s = plain(p, 2, 500, 500);
    checkpoint_by(p, p->first, &s);
    assert_string_equal(phase(p), "running");
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"), 3);
    assert_signed(update(p, "alice", 400, 600));
}

static int64_t balance(struct place *p, const char *who)
{
    char sql[200], hex[65];

    hex_text(hex, fixture_key(&p->f, who)->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT sum(amount) FROM balance WHERE account = x'%s'", hex);
    return fixture_sql(&p->f, sql);
}

/* The payer challenges with turn 1, as if he had promised nothing. */
static void a_voucher_is_redeemed_when_the_payer_challenges(void **state)
{
    struct place *p = *state;
    int64_t bob = balance(p, "bob");

    run_vouchers(p, 300);
    assert_string_equal(status_name(by_signer(p, "channel.dispute", "alice")), "ok");
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 2);
    assert_int_equal(number(p, SIGNATURES_OF_TURN_2), 1);
    assert_string_equal(phase(p), "dispute");
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(balance(p, "bob") - bob, 300);
}

static void a_voucher_waits_for_the_keystore(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct error error;

    run_vouchers(p, 300);
    keystore_lock(p->f.keystore);
    s = plain(p, 1, 1000, 0);
    challenge_with(p, &s, "alice");
    await(p, "SELECT count(*) FROM effect WHERE kind = 'channel.redeem' AND attempts > 0", 1);
    assert_int_equal(number(p, "SELECT turn_record FROM channel WHERE id = x'$'"), 1);
    assert_int_equal(keystore_unlock(p->f.keystore, "the tests' own", &error), OK);
    fixture_advance(&p->f, MINUTE / 10);
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 2);
}

/* The keystore stays locked for longer than an effect is tried. */
static void a_voucher_waits_for_the_keystore_as_long_as_it_takes(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct error error;

    run_vouchers(p, 300);
    keystore_lock(p->f.keystore);
    s = plain(p, 1, 1000, 0);
    challenge_with(p, &s, "alice");
    await(p, "SELECT count(*) FROM effect WHERE kind = 'channel.redeem' AND attempts > 0", 1);
    fixture_tamper(&p->f, "UPDATE effect SET attempts = 39 WHERE kind = 'channel.redeem'");
    keystore_lock(p->f.keystore);
    fixture_advance(&p->f, MINUTE / 10);
    await(p, "SELECT count(*) FROM effect WHERE kind = 'channel.redeem' AND state = 'failed'", 1);
    assert_int_equal(keystore_unlock(p->f.keystore, "the tests' own", &error), OK);
    fixture_advance(&p->f, MINUTE / 10);
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 2);
}

static void redeeming_by_command_goes_on_in_a_dispute(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct error error;

    run_vouchers(p, 300);
    keystore_lock(p->f.keystore);
    s = plain(p, 1, 1000, 0);
    challenge_with(p, &s, "alice");
    assert_string_equal(phase(p), "dispute");
    assert_int_equal(keystore_unlock(p->f.keystore, "the tests' own", &error), OK);
    assert_string_equal(status_name(by_signer(p, "channel.redeem", "bob")), "ok");
    await(p, "SELECT turn_record FROM channel WHERE id = x'$'", 2);
    assert_string_equal(status_name(by_signer(p, "channel.redeem", "bob")), "wrong_phase");
}

/* Nobody here can redeem for dave, to whom carol owes it: he is told. */
static void a_voucher_of_a_key_elsewhere_is_announced(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;

    describe(p, "carol", "dave", 3);
    strcpy(p->fixed.application, "voucher");
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    register_by_hand(p);
    s = plain(p, 0, 1000, 0);
    channel_state_hash(&p->id, &s, &hash);
    {
        struct buffer fixed CLEANUP(buffer_close) = { 0 };

        channel_fixed_encode(&p->fixed, &fixed);
        assert_call(OK, p, "channel.propose",
                    json_pack("{s:o, s:o, s:s, s:o}", "fixed", hex_json(fixed.data, fixed.size), "outcome",
                              outcome(p, 1000, 0), "signer", fixture_address(&p->f, "carol"), "signature",
                              signature_of(p, "carol", &hash)), NULL);
    }
    assert_signed(sign_outside(p, "dave", &s));
    deposit(p, "carol", 1000);
    s = plain(p, 1, 1000, 0);
    assert_waits(update_outside(p, "carol", &s, NULL));
    assert_signed(sign_outside(p, "dave", &s));
    channel_voucher_hash(&p->id, 200, &hash);
    assert_call(OK, p, "channel.voucher",
                json_pack("{s:s, s:i, s:o}", "channel", p->hex, "amount", 200, "signature",
                          signature_of(p, "carol", &hash)), NULL);
    challenge_with(p, &s, "carol");
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.voucher_at_stake'"), 1);
}

static void redeeming_never_signs_turn_two_twice(void **state)
{
    struct place *p = *state;

    run_vouchers(p, 300);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "alice"), "countersign", "never"),
                NULL);
    assert_waits(update(p, "bob", 900, 100));
    assert_string_equal(status_name(by_signer(p, "channel.redeem", "bob")), "equivocation");
    assert_call(ERROR_WRONG_PHASE, p, "channel.voucher",
                json_pack("{s:s, s:i}", "channel", p->hex, "amount", 400), NULL);
}

/* --- what the ledger knows -------------------------------------------------------------------- */
static void a_channel_is_not_funded_by_one_without_money(void **state)
{
    struct place *p = *state;
    struct channel_fixed inner;
    char parent[65], child[65];

    describe(p, "alice", "bob", 31);
    memcpy(child, p->hex, 65);
    inner = p->fixed;
    describe(p, "alice", "bob", 30);
    memcpy(parent, p->hex, 65);
    assert_signed(propose_with(p, json_pack("[o]", funding(child, 900)), NULL, NULL));
    p->fixed = inner;
    become(p, child);
    assert_signed(propose_with(p, outcome(p, 900, 0), NULL, parent));
    assert_string_equal(phase(p), "funding");
    become(p, parent);
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 900);
    assert_string_equal(phase(p), "funded");
    become(p, child);
    assert_string_equal(phase(p), "funded"); /* it was told */
}

static void what_the_ledger_holds_is_concluded_whatever_the_parents_say(void **state)
{
    struct place *p = *state;
    char nobody[65];

    memset(nobody, 'a', 64);
    nobody[64] = '\0';
    describe(p, "alice", "bob", 77);
    assert_signed(propose_with(p, outcome(p, 600, 400), NULL, nobody));
    register_by_hand(p);
    deposit(p, "alice", 600);
    deposit(p, "bob", 400);
    assert_string_equal(phase(p), "funded");
    assert_signed(update(p, "alice", 600, 400));
    assert_signed(by_signer(p, "channel.close", "alice"));
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(number(p, "SELECT outcome IS NOT NULL FROM channel WHERE id = x'$'"), 1);
    assert_int_equal(number(p, "SELECT count(*) FROM v_channel_holding WHERE channel = '$'"), 0);
}

/* Carol signed turn 0, but told nobody here; then she challenges with it. */
static void turn_zero_on_the_ledger_counts_here(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    describe(p, "alice", "carol", 1);
    assert_waits(propose(p, 600, 400));
    register_by_hand(p);
    deposit(p, "alice", 600);
    s = plain(p, 0, 600, 400);
    challenge_with(p, &s, "carol");
    assert_int_equal(number(p, "SELECT supported IS NOT NULL FROM channel_local WHERE id = x'$'"), 1);
    assert_string_equal(phase(p), "dispute");
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
}

static void another_state_of_the_turn_on_the_ledger_is_recorded(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_running(p, 1, 600, 400);
    assert_signed(update(p, "alice", 100, 900));
    s = plain(p, 2, 100, 900);
    checkpoint_by(p, p->first, &s); /* the same one is no contradiction */
    assert_signed(update(p, "alice", 90, 910));
    s = plain(p, 3, 590, 410);
    checkpoint_by(p, p->first, &s);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.contradicted'"), 1);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_equivocation WHERE channel = x'$'"), 2);
    assert_signed(update(p, "alice", 580, 420)); /* on with what the ledger says */
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.contradicted'"), 1);
}

/* --- what waits too long ---------------------------------------------------------------------- */
static enum status propose_outside(struct place *p, const char *who)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct channel_state s = plain(p, 0, 1, 1);
    struct hash hash;

    channel_fixed_encode(&p->fixed, &fixed);
    channel_state_hash(&p->id, &s, &hash);
    return call(p, "channel.propose",
                json_pack("{s:o, s:o, s:s, s:o}", "fixed", hex_json(fixed.data, fixed.size), "outcome",
                          outcome(p, 1, 1), "signer", fixture_address(&p->f, who), "signature",
                          signature_of(p, who, &hash)), NULL);
}

static void strangers_do_not_use_up_the_room_for_proposals(void **state)
{
    struct place *p = *state;

    for (uint64_t i = 0; i < 100; i++) {
        describe(p, "carol", "dave", 5000 + i);
        assert_string_equal(status_name(propose_outside(p, "carol")), "ok");
    }
    describe(p, "carol", "dave", 5100);
    assert_string_equal(status_name(propose_outside(p, "carol")), "limit");
    assert_string_equal(status_name(propose_outside(p, "dave")), "ok");
    describe(p, "alice", "bob", 1);
    assert_string_equal(status_name(propose(p, 600, 400)), "ok");
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.expired'"), 0);
    fixture_advance(&p->f, 2 * MINUTE); /* 24 h are 86.4 s on dev */
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.expired'"), 101);
    assert_string_equal(phase(p), "funding"); /* alice's and bob's has all signatures */
    describe(p, "carol", "dave", 5101);
    assert_string_equal(status_name(propose_outside(p, "carol")), "ok");
    describe(p, "carol", "dave", 5000);
    assert_string_equal(phase(p), "rejected");
}

static void channels_without_any_deposit_expire(void **state)
{
    struct place *p = *state;
    char empty[65], begun[65];

    describe(p, "alice", "bob", 1);
    memcpy(empty, p->hex, 65);
    assert_signed(propose(p, 600, 400));
    describe(p, "alice", "bob", 2);
    memcpy(begun, p->hex, 65);
    assert_signed(propose(p, 600, 400));
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 600);
    fixture_advance(&p->f, 11 * MINUTE); /* 7 days are 604.8 s on dev */
    assert_string_equal(phase(p), "funding");
    deposit(p, "bob", 400);
    assert_string_equal(phase(p), "funded");
    become(p, empty);
    assert_string_equal(phase(p), "rejected");
    assert_string_equal(status_name(bring(p, "alice", outcome(p, 600, 400), NULL, false)), "wrong_phase");
    deposit(p, "alice", 100); /* too late, and not lost */
    assert_string_equal(status_name(by_signer(p, "channel.dispute", "alice")), "ok");
    await(p, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", 1);
}

static void a_state_that_waits_for_long_is_told_once(void **state)
{
    struct place *p = *state;

    run_with_carol(p);
    assert_waits(update(p, "alice", 500, 500));
    fixture_advance(&p->f, MINUTE / 120);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.overdue'"), 0);
    for (int i = 0; i < 3; i++)
        fixture_advance(&p->f, MINUTE / 60); /* 10 min are 0.6 s on dev */
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.overdue'"), 1);
    assert_string_equal(status_name(by_turn(p, "channel.reject", "alice", 2)), "ok"); /* she thinks again */
    assert_waits(update(p, "alice", 450, 550));
    fixture_advance(&p->f, MINUTE / 60);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.overdue'"), 2);
}

static enum status appoint_tower(struct place *p, uint64_t turn)
{
    struct channel_state s = plain(p, turn, 600, 400);
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash;

    channel_fixed_encode(&p->fixed, &fixed);
    channel_state_encode(&s, &bytes);
    channel_state_hash(&p->id, &s, &hash);
    return call(p, "tower.appoint",
                json_pack("{s:o, s:[{s:o, s:[{s:s, s:o}, {s:s, s:o}]}]}", "fixed",
                          hex_json(fixed.data, fixed.size), "states", "state",
                          hex_json(bytes.data, bytes.size), "signatures", "key",
                          fixture_address(&p->f, p->first), "signature", signature_of(p, p->first, &hash),
                          "key", fixture_address(&p->f, p->second), "signature",
                          signature_of(p, p->second, &hash)), NULL);
}

static void the_tower_has_little_room_for_channels_that_nobody_registers(void **state)
{
    struct place *p = *state;

    describe(p, "carol", "dave", 1);
    register_by_hand(p);
    assert_string_equal(status_name(appoint_tower(p, 5)), "ok");
    for (uint64_t i = 0; i < 1000; i++) {
        describe(p, "carol", "dave", 100 + i);
        assert_string_equal(status_name(appoint_tower(p, 5)), "ok");
    }
    assert_string_equal(status_name(appoint_tower(p, 6)), "ok"); /* in the place of an older one */
    describe(p, "carol", "dave", 99);
    assert_string_equal(status_name(appoint_tower(p, 5)), "limit");
    register_by_hand(p);
    assert_string_equal(status_name(appoint_tower(p, 5)), "ok");
    describe(p, "carol", "dave", 100);
    register_by_hand(p); /* later than its appointment */
    for (int i = 0; i < 10; i++)
        fixture_advance(&p->f, MINUTE); /* 24 h are 86.4 s on dev */
    assert_int_equal(number(p, "SELECT count(*) FROM tower_appointment"), 3);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'tower.expired'"), 999);
    assert_string_equal(status_name(appoint_tower(p, 6)), "ok");
    assert_int_equal(number(p, "SELECT max(number) FROM tower_appointment"), 1004);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int safe_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_moves_before_turn_two),
        TEST(an_end_before_all_is_paid_keeps_the_order),
        TEST(turn_zero_of_a_channel_with_funds_is_not_signed),
        TEST(a_new_lock_that_comes_back_is_no_share),
        TEST(locks_that_stay_are_kept_byte_for_byte),
        TEST(an_end_drops_no_lock_that_may_be_claimed),
        TEST(a_preimage_after_the_expiry_is_not_signed),
        TEST(a_channel_does_not_fund_itself),
        TEST(entries_that_fund_count_what_they_put_in),
        TEST(guarantees_count_for_two_entries_alone),
        TEST(the_payee_signs_no_promise_away),
        TEST(the_third_of_an_escrow_decides_by_hand),
        TEST(what_was_topped_up_is_not_left_behind),
        TEST(strangers_do_not_get_what_was_topped_up),
        TEST(a_rejected_end_lets_only_ends_follow),
        TEST(an_end_that_no_key_here_signed_is_forgotten),
        TEST(a_stale_challenge_does_not_end_a_pause),
        TEST(nothing_is_signed_in_a_pause),
        TEST(nothing_is_signed_while_a_challenge_of_ours_is_on_its_way),
        TEST(a_voucher_is_redeemed_when_the_payer_challenges),
        TEST(a_voucher_waits_for_the_keystore),
        TEST(a_voucher_waits_for_the_keystore_as_long_as_it_takes),
        TEST(redeeming_by_command_goes_on_in_a_dispute),
        TEST(a_voucher_of_a_key_elsewhere_is_announced),
        TEST(redeeming_never_signs_turn_two_twice),
        TEST(a_channel_is_not_funded_by_one_without_money),
        TEST(what_the_ledger_holds_is_concluded_whatever_the_parents_say),
        TEST(turn_zero_on_the_ledger_counts_here),
        TEST(another_state_of_the_turn_on_the_ledger_is_recorded),
        TEST(strangers_do_not_use_up_the_room_for_proposals),
        TEST(channels_without_any_deposit_expire),
        TEST(a_state_that_waits_for_long_is_told_once),
        TEST(the_tower_has_little_room_for_channels_that_nobody_registers),
    };

    return cmocka_run_group_tests_name("safe countersigning", tests, NULL, NULL);
}
