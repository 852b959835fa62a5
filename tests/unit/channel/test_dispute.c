/* Disputes on a whole node, where somebody uses the rules against the others: every test is an attack, or a
 * mishap, that must not pay. Audit and replay after each. */
#include "party_support.h"

#include "crypto/hash.h"
#include "layer2/channel/proof.h"

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

/* --- making and signing ----------------------------------------------------------------------- */
static void register_channel(struct place *p)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(&p->fixed, &fixed);
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    assert_int_equal(fixture_try(&p->f, "dave", "channel.register",
                                 json_pack("{s:o}", "fixed", hex_json(fixed.data, fixed.size)), NULL), OK);
}

/* A channel of alice and bob that only the ledger knows, with what they have paid in. */
static void open_on_ledger(struct place *p, uint64_t nonce, int first, int second)
{
    describe(p, "alice", "bob", nonce);
    register_channel(p);
    deposit(p, "alice", first);
    deposit(p, "bob", second);
}

/* Signatures over `hash` by people named in one text: "alice bob". */
static json_t *sign_all(struct place *p, const char *who, const struct hash *hash)
{
    json_t *list = json_array();
    char names[64], *rest = names, *name;

    snprintf(names, sizeof(names), "%s", who);
    while ((name = strsep(&rest, " ")) != NULL) {
        if (name[0] != '\0')
            json_array_append_new(list, json_pack("{s:s, s:o}", "key", fixture_address(&p->f, name),
                                                  "signature", signature_of(p, name, hash)));
    }
    return list;
}

static json_t *state_hex(const struct channel_state *s)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    channel_state_encode(s, &bytes);
    return hex_json(bytes.data, bytes.size);
}

static json_t *signed_state(struct place *p, const struct channel_state *s, const char *who)
{
    struct hash hash;

    channel_state_hash(&p->id, s, &hash);
    return who[0] == '\0' ? json_pack("{s:o}", "state", state_hex(s))
                          : json_pack("{s:o, s:o}", "state", state_hex(s), "signatures",
                                      sign_all(p, who, &hash));
}

static enum status challenge(struct place *p, const struct channel_state *s, const char *who,
                             const char *challenger)
{
    struct hash hash, signs;

    channel_state_hash(&p->id, s, &hash);
    channel_challenge_hash(&p->id, &hash, &signs);
    return fixture_try(&p->f, "dave", "channel.challenge",
                       json_pack("{s:s, s:[o], s:s, s:o}", "channel", p->hex, "states",
                                 signed_state(p, s, who), "challenger", fixture_address(&p->f, challenger),
                                 "signature", signature_of(p, challenger, &signs)), NULL);
}

static enum status checkpoint(struct place *p, const struct channel_state *s)
{
    return fixture_try(&p->f, "dave", "channel.checkpoint",
                       json_pack("{s:s, s:[o]}", "channel", p->hex, "states",
                                 signed_state(p, s, "alice bob")), NULL);
}

static enum status conclude(struct place *p, const struct channel_state *s)
{
    json_t *params = signed_state(p, s, "alice bob");

    json_object_set_new(params, "channel", json_string(p->hex));
    return fixture_try(&p->f, "dave", "channel.conclude", params, NULL);
}

/* `amount` goes to `to`, the channel goes on with `s`; alice and bob sign. */
static enum status withdraw(struct place *p, const struct channel_state *s, const char *to, int amount)
{
    struct allocation payment = { .amount = (uint64_t)amount, .account = fixture_key(&p->f, to)->account };
    struct hash hash, signs;

    channel_state_hash(&p->id, s, &hash);
    channel_withdrawal_hash(&p->id, &hash, &payment, 1, &signs);
    return fixture_try(&p->f, "dave", "channel.withdraw",
                       json_pack("{s:s, s:o, s:[{s:i, s:i, s:s}], s:o}", "channel", p->hex, "state",
                                 state_hex(s), "payments", "asset", 0, "amount", amount, "to",
                                 fixture_address(&p->f, to), "signatures",
                                 sign_all(p, "alice bob", &signs)), NULL);
}

#define assert_named(call, expected) assert_string_equal(status_name(call), status_name(expected))

/* --- looking ---------------------------------------------------------------------------------- */
static int64_t gold(struct place *p, const char *who)
{
    char sql[200], hex[65];

    hex_text(hex, fixture_key(&p->f, who)->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT coalesce(sum(amount), 0) FROM balance WHERE account = x'%s'", hex);
    return fixture_sql(&p->f, sql);
}

#define HELD                                                                                       \
    "SELECT coalesce(sum(amount), 0) FROM balance JOIN channel ON account = holding"               \
    " WHERE channel.id = x'$'"
#define FINALIZES "SELECT coalesce(finalizes_us, -1) FROM channel WHERE id = x'$'"
#define TURN "SELECT turn_record FROM channel WHERE id = x'$'"

/* --- the state on record ---------------------------------------------------------------------- */
/* All signed the withdrawal, nobody the state: what is on record is enough. */
static void anybody_may_challenge_with_what_a_withdrawal_left(void **state)
{
    struct place *p = *state;
    struct channel_state s, other;
    struct allocation more[8];
    int64_t bob;

    open_on_ledger(p, 1, 600, 400);
    s = plain(p, 2, 500, 400);
    assert_named(withdraw(p, &s, "alice", 100), OK);
    bob = gold(p, "bob");
    other = state_of(&p->fixed, 2, (uint64_t[]){ 400, 500, UINT64_MAX }, more);
    assert_named(challenge(p, &other, "", "bob"), ERROR_TURN_NOT_INCREASED); /* not the one on record */
    other.turn = 3;
    assert_named(challenge(p, &other, "", "bob"), ERROR_WRONG_SIGNERS); /* newer, and signed by nobody */
    assert_named(challenge(p, &s, "", "carol"), ERROR_NOT_A_PARTICIPANT);
    assert_named(challenge(p, &s, "", "bob"), OK);
    assert_named(challenge(p, &s, "", "alice"), ERROR_TURN_NOT_INCREASED); /* one is running */
    advance(p, 11 * MINUTE);
    assert_int_equal(gold(p, "bob") - bob, 400);
    assert_int_equal(number(p, HELD), 0);
}

/* The node's own dispute, whose participants know no signature on the state either. */
static void node_disputes_after_a_withdrawal(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_running(p, 1, 600, 400);
    s = plain(p, 2, 500, 400);
    assert_named(withdraw(p, &s, "alice", 100), OK);
    await(p, "SELECT next_turn FROM channel_local WHERE id = x'$'", 3);
    assert_call(OK, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, PHASE, PHASE_DISPUTE);
    await(p, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", 1);
    advance(p, 11 * MINUTE);
    await(p, HELD, 0);
}

static void challenge_of_the_turn_on_record_does_not_replace_it(void **state)
{
    struct place *p = *state;
    struct channel_state s, other;
    struct allocation more[8];
    int64_t bob;

    open_on_ledger(p, 1, 600, 400);
    s = plain(p, 2, 900, 100);
    assert_named(checkpoint(p, &s), OK);
    other = state_of(&p->fixed, 2, (uint64_t[]){ 100, 900, UINT64_MAX }, more);
    assert_named(challenge(p, &other, "alice bob", "bob"), ERROR_TURN_NOT_INCREASED);
    bob = gold(p, "bob");
    assert_named(challenge(p, &s, "alice bob", "bob"), OK);
    advance(p, 11 * MINUTE);
    assert_int_equal(gold(p, "bob") - bob, 100);
}

/* --- paying in -------------------------------------------------------------------------------- */
static void nothing_is_paid_into_a_channel_that_ended_and_owes_nothing(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    int64_t bob;

#define REFUSE(amount)                                                                             \
    fixture_refused(&p->f, ERROR_CHANNEL_FINALIZED, "bob", "channel.deposit",                      \
                    "{'channel':'%s','asset':'GOLD','amount':%d}", p->hex, amount)
    open_on_ledger(p, 1, 600, 400);
    s = plain(p, 2, 900, 100);
    s.final = true;
    assert_named(conclude(p, &s), OK);
    bob = gold(p, "bob");
    REFUSE(77);
    assert_int_equal(gold(p, "bob"), bob);

    open_on_ledger(p, 2, 600, 400); /* by a challenge that nobody answered */
    s = plain(p, 2, 600, 450);      /* gives 50 more than is held */
    assert_named(challenge(p, &s, "alice bob", "bob"), OK);
    deposit(p, "bob", 1); /* it may still be answered */
    advance(p, 11 * MINUTE);
    REFUSE(50);
    deposit(p, "bob", 49); /* what it lacks, and no more */
    REFUSE(1);
    bob = gold(p, "bob");
    fixture_run(&p->f, "dave", "channel.transfer", "{'channel':'%s'}", p->hex);
    assert_int_equal(gold(p, "bob") - bob, 49);
    assert_int_equal(number(p, HELD), 0);
    REFUSE(1);
}

/* A gift of 1 stops neither what all signed nor what the arbiters did, and all together may take it. */
static void strangers_gift_hinders_nobody_and_is_not_lost(void **state)
{
    struct place *p = *state;
    struct channel_state s, none = { .turn = 3, .final = true };
    int64_t carol = gold(p, "carol");

    open_on_ledger(p, 1, 600, 400);
    deposit(p, "dave", 1);
    s = plain(p, 1, 500, 400);
    assert_named(withdraw(p, &s, "carol", 102), ERROR_NOT_CONSERVED);
    assert_named(withdraw(p, &s, "carol", 100), OK);
    assert_named(withdraw(p, &none, "carol", 901), OK); /* what all sign, they may take, while it goes on */
    deposit(p, "dave", 5);
    s = plain(p, 4, 2, 1);
    s.final = true;
    assert_named(conclude(p, &s), OK);
    assert_int_equal(number(p, HELD), 2);
    assert_named(withdraw(p, &none, "carol", 2), ERROR_TURN_NOT_INCREASED);
    none.turn = 5;
    assert_named(withdraw(p, &none, "carol", 3), ERROR_NOT_CONSERVED);
    assert_named(withdraw(p, &none, "carol", 1), OK);
    assert_named(withdraw(p, &none, "carol", 1), ERROR_TURN_NOT_INCREASED); /* signed once, paid once */
    none.turn = 6;
    assert_named(withdraw(p, &none, "carol", 1), OK);
    assert_int_equal(number(p, HELD), 0);
    assert_int_equal(gold(p, "carol") - carol, 1003);
    fixture_refused(&p->f, ERROR_NOTHING_TO_PAY, "dave", "channel.transfer", "{'channel':'%s'}", p->hex);
}

/* --- arbitration ------------------------------------------------------------------------------ */
/* Described, with a state on record that gives the first 600 and the second 400. */
static void open_judged(struct place *p, uint64_t nonce, const char *const *arbiters, size_t count,
                        unsigned threshold)
{
    struct channel_state s;

    describe(p, "alice", "bob", nonce);
    for (size_t i = 0; i < count; i++)
        p->fixed.arbiters[i] = fixture_key(&p->f, arbiters[i])->account;
    p->fixed.arbiter_count = count;
    p->fixed.arbiter_threshold = threshold;
    p->fixed.arbitration_window_us = 60 * MINUTE;
    p->fixed.arbitration_fee_ppm = 10000;
    register_channel(p);
    deposit(p, "alice", 600);
    deposit(p, "bob", 400);
    s = plain(p, 3, 600, 400);
    assert_named(checkpoint(p, &s), OK);
    fixture_run(&p->f, "bob", "channel.open_case", "{'channel':'%s','claim':'it broke'}", p->hex);
}

static void nobody_uses_up_the_others_evidence(void **state)
{
    static const char *const arbiters[] = { "judge0" };
    struct place *p = *state;

    open_judged(p, 1, arbiters, 1, 1);
    for (int i = 0; i < 32; i++)
        fixture_run(&p->f, "alice", "channel.evidence", "{'channel':'%s','body':'00'}", p->hex);
    fixture_refused(&p->f, ERROR_LIMIT, "alice", "channel.evidence", "{'channel':'%s','body':'00'}", p->hex);
    for (int i = 0; i < 32; i++)
        fixture_run(&p->f, "bob", "channel.evidence", "{'channel':'%s','body':'01'}", p->hex);
    fixture_refused(&p->f, ERROR_LIMIT, "bob", "channel.evidence", "{'channel':'%s','body':'01'}", p->hex);
    assert_int_equal(number(p, "SELECT max(number) FROM channel_evidence WHERE channel = x'$'"), 64);
}

static enum status award(struct place *p, const struct channel_state *s, int fee, const char *who)
{
    uint64_t amount = (uint64_t)fee;
    struct hash hash;

    channel_award_hash(&p->id, s, &amount, 1, &hash);
    return fixture_try(&p->f, "dave", "channel.award",
                       json_pack("{s:s, s:o, s:[i], s:o}", "channel", p->hex, "state", state_hex(s), "fees",
                                 fee, "signatures", sign_all(p, who, &hash)), NULL);
}

/* Whoever brings the award chooses whose signatures come with it, not who is paid. */
static void fees_go_to_whom_the_arbiters_named(void **state)
{
    static const char *const arbiters[] = { "judge0", "judge1", "judge2" };
    static const uint8_t first_and_last[2] = { 0, 5 };
    struct place *p = *state;
    struct channel_state s;

    open_judged(p, 1, arbiters, 3, 2);
    advance(p, 60 * MINUTE);
    s = plain(p, 3, 90, 901);
    assert_named(award(p, &s, 9, "judge0 judge1"), OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(gold(p, arbiters[i]), 3); /* nobody was left out */
    open_judged(p, 2, arbiters, 3, 2);
    advance(p, 60 * MINUTE);
    s = plain(p, 3, 90, 900);
    s.data = bytes_of(first_and_last, 1);
    assert_named(award(p, &s, 10, "judge0 judge1"), ERROR_AWARD_OUT_OF_BOUNDS);
    s.data.size = 2;
    assert_named(award(p, &s, 10, "judge0 judge1"), OK);
    assert_int_equal(gold(p, "judge0"), 3 + 5);
    assert_int_equal(gold(p, "judge1"), 3);
    assert_int_equal(gold(p, "judge2"), 3 + 5);
}

static void award_waits_for_the_evidence_and_for_no_gift(void **state)
{
    static const char *const arbiters[] = { "judge0" };
    struct place *p = *state;
    struct channel_state s;
    int64_t bob;

    open_judged(p, 1, arbiters, 1, 1);
    s = plain(p, 3, 90, 910);
    assert_named(award(p, &s, 0, "judge0"), ERROR_WRONG_PHASE);
    deposit(p, "dave", 1);
    advance(p, 60 * MINUTE);
    s.allocations[1].amount = 912;
    assert_named(award(p, &s, 0, "judge0"), ERROR_AWARD_OUT_OF_BOUNDS); /* more than is held */
    s.allocations[1].amount = 909;
    assert_named(award(p, &s, 0, "judge0"), ERROR_AWARD_OUT_OF_BOUNDS); /* less than was theirs */
    s.allocations[1].amount = 910;
    bob = gold(p, "bob");
    assert_named(award(p, &s, 0, "judge0"), OK);
    assert_int_equal(gold(p, "bob") - bob, 910);
    assert_int_equal(number(p, HELD), 1);
}

/* Nor does a case about an older state, opened before, go on. */
static void nobody_judges_what_all_signed_as_the_end(void **state)
{
    static const char *const arbiters[] = { "judge0" };
    struct place *p = *state;
    struct channel_state s;

    open_judged(p, 1, arbiters, 1, 1);
    s = plain(p, 4, 500, 500);
    s.final = true;
    assert_named(checkpoint(p, &s), OK);
    assert_int_equal(number(p, FINALIZES), -1);
    s = plain(p, 4, 90, 910);
    assert_named(award(p, &s, 0, "judge0"), ERROR_CASE_CLOSED);
    fixture_refused(&p->f, ERROR_CASE_CLOSED, "bob", "channel.evidence", "{'channel':'%s','body':'01'}",
                    p->hex);
    fixture_refused(&p->f, ERROR_WRONG_PHASE, "bob", "channel.open_case", "{'channel':'%s','claim':'x'}",
                    p->hex);
    json_decref(fixture_query(&p->f, "channel.get", "{'channel':'%s'}", p->hex));
    json_decref(fixture_query(&p->f, "channel.case", "{'channel':'%s'}", p->hex));
    advance(p, 200 * MINUTE);
    assert_named(award(p, &s, 0, "judge0"), ERROR_CASE_CLOSED);
    s = plain(p, 4, 500, 500);
    s.final = true;
    assert_named(challenge(p, &s, "", "bob"), OK);
    advance(p, 11 * MINUTE);
    assert_int_equal(number(p, HELD), 0);
}

static void case_ends_no_sooner_than_a_challenge(void **state)
{
    static const char *const arbiters[] = { "judge0" };
    struct place *p = *state;
    struct channel_state s;

    describe(p, "alice", "bob", 1);
    p->fixed.arbiters[0] = fixture_key(&p->f, arbiters[0])->account;
    p->fixed.arbiter_count = p->fixed.arbiter_threshold = 1;
    p->fixed.arbitration_window_us = 1;
    register_channel(p);
    deposit(p, "alice", 1000);
    s = plain(p, 3, 1000, 0);
    assert_named(checkpoint(p, &s), OK);
    fixture_run(&p->f, "alice", "channel.open_case", "{'channel':'%s','claim':'x'}", p->hex);
    assert_int_equal(number(p, "SELECT challenger FROM channel WHERE id = x'$'"), 0);
    advance(p, 9 * MINUTE);
    s = plain(p, 4, 300, 700); /* bob wakes up */
    assert_named(checkpoint(p, &s), OK);
    advance(p, 2 * MINUTE);
    assert_int_equal(number(p, HELD), 0);
    assert_int_equal(number(p, TURN), 4);
}

/* --- hash-locks ------------------------------------------------------------------------------- */
/* Ends a channel of alice and bob with `count` locks of 1 each, all of one preimage, for bob, else for alice.
 * What is paid in is `held`. */
static void end_locked(struct place *p, uint64_t nonce, const struct hash *preimage, int count, int held,
                       int64_t expiry_us)
{
    struct allocation *all AUTO_FREE = memory_array((size_t)count, sizeof(*all));
    struct channel_state s = { .turn = 2, .final = true, .allocations = all,
                               .allocation_count = (size_t)count };

    describe(p, "alice", "bob", nonce);
    register_channel(p);
    if (held > 0)
        deposit(p, "alice", held);
    for (int i = 0; i < count; i++) {
        all[i] = (struct allocation){ .kind = ALLOCATION_HASHLOCK, .amount = 1, .expiry_us = expiry_us,
                                      .account = p->fixed.participants[1],
                                      .refund = p->fixed.participants[0] };
        sha256(&all[i].hash, preimage->bytes, sizeof(preimage->bytes));
    }
    assert_named(conclude(p, &s), OK);
}

static void reveal(struct place *p, const struct hash *preimage)
{
    char hex[65];

    hex_text(hex, preimage->bytes, sizeof(preimage->bytes));
    fixture_run(&p->f, "carol", "channel.reveal", "{'preimage':'%s'}", hex);
}

#define PAYMENTS "SELECT count(*) FROM event WHERE type = 'channel.paid'"
#define WAITING "SELECT count(*) FROM channel_hashlock"

static void locks_of_one_preimage_are_paid_together(void **state)
{
    struct place *p = *state;
    struct hash preimage = { { 1 } };
    int64_t bob, payments;

    end_locked(p, 1, &preimage, 1000, 1000, fixture_now(&p->f) + 60 * MINUTE);
    assert_int_equal(number(p, WAITING), 1000);
    bob = gold(p, "bob");
    payments = number(p, PAYMENTS);
    reveal(p, &preimage);
    assert_int_equal(gold(p, "bob") - bob, 1000);
    assert_int_equal(number(p, WAITING), 0);
    assert_int_equal(number(p, PAYMENTS) - payments, 1);
    assert_int_equal(number(p, "SELECT count(*) FROM deadline"), 0);
}

static void locks_that_expire_together_go_back_together(void **state)
{
    struct place *p = *state;
    struct hash preimage = { { 2 } };
    int64_t alice, payments;

    end_locked(p, 1, &preimage, 100, 100, fixture_now(&p->f) + 60 * MINUTE);
    alice = gold(p, "alice");
    payments = number(p, PAYMENTS);
    advance(p, 61 * MINUTE);
    assert_int_equal(gold(p, "alice") - alice, 100);
    assert_int_equal(number(p, PAYMENTS) - payments, 1);
    assert_int_equal(number(p, "SELECT count(*) FROM deadline"), 0);
    reveal(p, &preimage); /* too late */
    assert_int_equal(gold(p, "alice") - alice, 100);
}

/* However many channels wait for a preimage, a command pays a few of them, and each block a few more: also
 * when their expiry comes before their turn. */
static void one_preimage_pays_many_channels_block_by_block(void **state)
{
    enum { CHANNELS = 20, A_BLOCK = 8 };
    struct place *p = *state;
    struct hash preimage = { { 3 } };
    int64_t expiry_us, bob;

    for (int late = 0; late < 2; late++) {
        preimage.bytes[1] = (uint8_t)late;
        expiry_us = fixture_now(&p->f) + p->f.advanced_us + 60 * MINUTE;
        for (uint64_t i = 0; i < CHANNELS; i++)
            end_locked(p, 1 + i + CHANNELS * (uint64_t)late, &preimage, 1, 1, expiry_us);
        bob = gold(p, "bob");
        reveal(p, &preimage);
        assert_int_equal(gold(p, "bob") - bob, A_BLOCK);
        assert_int_equal(number(p, WAITING), CHANNELS - A_BLOCK);
        fixture_audit(&p->f);
        if (late == 1) {
            advance(p, 61 * MINUTE);
        } else {
            fixture_advance(&p->f, 1);
            assert_int_equal(gold(p, "bob") - bob, 2 * A_BLOCK);
            fixture_reopen(&p->f); /* what is left to do is a row */
            fixture_advance(&p->f, 1);
        }
        assert_int_equal(gold(p, "bob") - bob, CHANNELS);
        assert_int_equal(number(p, WAITING), 0);
        assert_int_equal(number(p, "SELECT count(*) FROM deadline"), 0);
    }
}

/* Nothing waits for a preimage that is known; what the channel lacks stays owed. */
static void known_preimage_leaves_no_lock_waiting_in_a_channel_that_lacks_funds(void **state)
{
    struct place *p = *state;
    struct hash preimage = { { 4 } };
    int64_t bob = gold(p, "bob");

    reveal(p, &preimage);
    end_locked(p, 1, &preimage, 10, 6, fixture_now(&p->f) + 60 * MINUTE);
    assert_int_equal(number(p, WAITING), 0);
    assert_int_equal(gold(p, "bob") - bob, 6);
    fixture_audit(&p->f);
    deposit(p, "carol", 4);
    fixture_run(&p->f, "carol", "channel.transfer", "{'channel':'%s'}", p->hex);
    assert_int_equal(gold(p, "bob") - bob, 10);
}

/* --- keys ------------------------------------------------------------------------------------- */
/* Work on the curve is the check's, on a worker; the executor matches what it found. */
static void check_refuses_states_that_give_something_to_no_key(void **state)
{
    struct place *p = *state;
    struct signed_state matched[PROOF_STATES_MAX];
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct arena arena CLEANUP(arena_close);
    struct error error = { .message = "" };
    struct state_param item = { .signatures.count = 0 };
    struct param_list list = { .items = &item, .count = 1 };
    struct channel_state s;
    struct proof *proof = NULL;

    arena_init(&arena);
    describe(p, "alice", "bob", 1);
    s = plain(p, 2, 600, 400);
    s.allocations[1].kind = ALLOCATION_HASHLOCK;
    s.allocations[1].refund = p->fixed.participants[0];
    s.allocations[1].expiry_us = 1;
    for (int bad = 0; bad < 3; bad++) {
        struct account_id *account = bad == 1 ? &s.allocations[1].account : &s.allocations[1].refund;
        struct account_id good = *account;

        if (bad > 0)
            memset(account->bytes, 0xff, sizeof(account->bytes));
        buffer_clear(&bytes);
        channel_state_encode(&s, &bytes);
        item.state = buffer_bytes(&bytes);
        assert_status(proof_check(&p->id, &list, &arena, &proof, &error), bad > 0 ? ERROR_BAD_KEY : OK);
        *account = good;
    }
    assert_status(proof_match(&p->fixed, proof, matched, &error), OK);
    p->fixed.asset_count = 0;
    assert_status(proof_match(&p->fixed, proof, matched, &error), ERROR_INVALID_PARAMS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int dispute_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(anybody_may_challenge_with_what_a_withdrawal_left),
        TEST(node_disputes_after_a_withdrawal),
        TEST(challenge_of_the_turn_on_record_does_not_replace_it),
        TEST(nothing_is_paid_into_a_channel_that_ended_and_owes_nothing),
        TEST(strangers_gift_hinders_nobody_and_is_not_lost),
        TEST(nobody_uses_up_the_others_evidence),
        TEST(fees_go_to_whom_the_arbiters_named),
        TEST(award_waits_for_the_evidence_and_for_no_gift),
        TEST(nobody_judges_what_all_signed_as_the_end),
        TEST(case_ends_no_sooner_than_a_challenge),
        TEST(locks_of_one_preimage_are_paid_together),
        TEST(locks_that_expire_together_go_back_together),
        TEST(one_preimage_pays_many_channels_block_by_block),
        TEST(known_preimage_leaves_no_lock_waiting_in_a_channel_that_lacks_funds),
        TEST(check_refuses_states_that_give_something_to_no_key),
    };

    return cmocka_run_group_tests_name("disputes", tests, NULL, NULL);
}
