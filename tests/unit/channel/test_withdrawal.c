/* Value taken out of channels that go on. The node keeps alice's and bob's keys; carol keeps her own. */
#include "party_support.h"

#include "crypto/hash.h"

#define GOLD_OF "SELECT amount FROM v_balance WHERE address = '%s' AND symbol = 'GOLD'"
#define PENDING "SELECT count(*) FROM channel_withdrawal WHERE channel = x'$'"
#define STAGED "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"
#define NEXT_TURN "SELECT next_turn FROM channel_local WHERE id = x'$'"
#define RECORD "SELECT coalesce(max(turn_record), 0) FROM channel WHERE id = x'$'"
#define HELD "SELECT coalesce(sum(amount), 0) FROM v_channel_holding WHERE channel = '$'"
#define WITHDRAWN "SELECT count(*) FROM event WHERE type = 'channel.withdrawn'"
#define PROPOSED "SELECT count(*) FROM event WHERE type = 'channel.withdrawal_proposed'"

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

/* --- calls ------------------------------------------------------------------------------------ */
static enum status take(struct place *p, const char *who, int amount)
{
    return call(p, "channel.take_out",
                json_pack("{s:s, s:[{s:i}], s:s}", "channel", p->hex, "payments", "amount", amount, "signer",
                          fixture_address(&p->f, who)), NULL);
}

/* What all sign: `amount` to `taker`, and on with the state. */
static struct hash hash_of(struct place *p, const struct channel_state *s, const char *taker, uint64_t amount)
{
    struct allocation payment = { .amount = amount, .account = fixture_key(&p->f, taker)->account };
    struct hash state, hash;

    channel_state_hash(&p->id, s, &state);
    channel_withdrawal_hash(&p->id, &state, &payment, 1, &hash);
    return hash;
}

static enum status take_outside(struct place *p, const char *who, int amount, const struct channel_state *s)
{
    struct hash hash = hash_of(p, s, who, (uint64_t)amount);

    return call(p, "channel.take_out",
                json_pack("{s:s, s:[{s:i}], s:s, s:o}", "channel", p->hex, "payments", "amount", amount,
                          "signer", fixture_address(&p->f, who), "signature", signature_of(p, who, &hash)),
                NULL);
}

static enum status sign_with(struct place *p, const char *who, uint64_t turn, const struct hash *hash)
{
    json_t *params = json_pack("{s:s, s:I, s:s}", "channel", p->hex, "turn", (json_int_t)turn, "signer",
                               fixture_address(&p->f, who));

    if (hash != NULL)
        json_object_set_new(params, "signature", signature_of(p, who, hash));
    return call(p, "channel.sign_withdrawal", params, NULL);
}

static enum status reject_as(struct place *p, const char *who, uint64_t turn, const struct hash *hash)
{
    struct hash message;

    channel_reject_hash(&p->id, hash, &message);
    return call(p, "channel.reject",
                json_pack("{s:s, s:I, s:s, s:o}", "channel", p->hex, "turn", (json_int_t)turn, "signer",
                          fixture_address(&p->f, who), "signature", signature_of(p, who, &message)), NULL);
}

static int64_t gold_of(struct place *p, const char *who)
{
    char sql[256];

    snprintf(sql, sizeof(sql), GOLD_OF, fixture_address(&p->f, who));
    return number(p, sql);
}

/* Alice 600, bob or carol 400, running at turn 1. */
static void open_with_carol(struct place *p)
{
    struct channel_state s;

    describe(p, "alice", "carol", 1);
    assert_string_equal(status_name(propose(p, 600, 400)), "ok");
    s = plain(p, 0, 600, 400);
    assert_string_equal(status_name(sign_outside(p, "carol", &s)), "ok");
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 600);
    deposit(p, "carol", 400);
    s = plain(p, 1, 600, 400);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_string_equal(phase(p), "running");
}

/* The state is the node's newest one, the ledger holds as much, nothing waits. */
static void assert_stands(struct place *p, uint64_t turn, int64_t held)
{
    await(p, NEXT_TURN, (int64_t)turn + 1);
    assert_int_equal(number(p, PENDING), 0);
    assert_int_equal(number(p, STAGED), 0);
    assert_int_equal(number(p, HELD), held);
    assert_string_equal(phase(p), "running");
}

/* The ledger's command, as anybody could bring it who has the signatures. */
static enum status bring(struct place *p, const struct channel_state *s, const char *taker, int amount)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash = hash_of(p, s, taker, (uint64_t)amount);

    channel_state_encode(s, &bytes);
    return fixture_try(&p->f, "dave", "channel.withdraw",
        json_pack("{s:s, s:o, s:[{s:i, s:i, s:s}], s:[{s:s, s:o}, {s:s, s:o}]}", "channel", p->hex, "state",
                  hex_json(bytes.data, bytes.size), "payments", "asset", 0, "amount", amount, "to",
                  fixture_address(&p->f, taker), "signatures", "key", fixture_address(&p->f, p->first),
                  "signature", signature_of(p, p->first, &hash), "key", fixture_address(&p->f, p->second),
                  "signature", signature_of(p, p->second, &hash)), NULL);
}

/* --- both keys here --------------------------------------------------------------------------- */
static void both_keys_here_sign_at_once_and_the_channel_goes_on(void **state)
{
    struct place *p = *state;
    int64_t before;

    open_running(p, 1, 600, 400);
    before = gold_of(p, "alice");
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    fixture_reopen(&p->f);
    assert_stands(p, 2, 900);
    assert_int_equal(gold_of(p, "alice"), before + 100);
    assert_int_equal(number(p, RECORD), 2);
    assert_int_equal(number(p, PROPOSED), 0); /* nobody had to be asked */
    assert_string_equal(status_name(update(p, "alice", 450, 450)), "ok");
    assert_string_equal(status_name(take(p, "bob", 450)), "ok"); /* all that he has */
    assert_stands(p, 4, 450);
    assert_string_equal(status_name(update(p, "alice", 440, 10)), "ok");
    assert_call(OK, p, "channel.close",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(number(p, HELD), 0);
}

static void many_payments_may_go_to_others(void **state)
{
    struct place *p = *state;
    int64_t dave, bob;

    open_running(p, 1, 600, 400);
    dave = gold_of(p, "dave");
    bob = gold_of(p, "bob");
    assert_call(OK, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i, s:s}, {s:i, s:i}, {s:i, s:s}], s:s}", "channel", p->hex, "payments",
                          "amount", 10, "account", fixture_address(&p->f, "dave"), "asset", 0, "amount", 20,
                          "amount", 30, "account", fixture_address(&p->f, "bob"), "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_stands(p, 2, 940);
    assert_int_equal(gold_of(p, "dave"), dave + 10);
    assert_int_equal(gold_of(p, "bob"), bob + 30);
}

/* The newest state has no signatures of its own then: the ledger has it. */
static void what_remains_can_be_disputed(void **state)
{
    struct place *p = *state;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_stands(p, 2, 900);
    assert_call(OK, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "bob")), NULL);
    await(p, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", 1);
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(number(p, HELD), 0);
}

static void old_states_are_answered_by_the_ledger(void **state)
{
    struct place *p = *state;
    struct channel_state old;

    open_running(p, 1, 600, 400);
    old = plain(p, 1, 600, 400);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_stands(p, 2, 900);
    assert_int_equal(bring(p, &old, "alice", 100), ERROR_TURN_NOT_INCREASED);
    old = plain(p, 2, 500, 400);
    assert_int_equal(bring(p, &old, "alice", 100), ERROR_TURN_NOT_INCREASED); /* the same again */
}

/* --- refusals --------------------------------------------------------------------------------- */
static void wrong_ones_are_refused_by_name(void **state)
{
    struct place *p = *state;
    struct hash hash = { { 1 } };

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(take(p, "alice", 601)), "holdings_insufficient");
    assert_string_equal(status_name(take(p, "carol", 1)), "not_a_participant");
    assert_string_equal(status_name(take(p, "alice", 0)), "invalid_params");
    assert_call(ERROR_INVALID_PARAMS, p, "channel.take_out",
                json_pack("{s:s, s:[], s:s}", "channel", p->hex, "payments", "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_call(ERROR_INVALID_PARAMS, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i, s:i}], s:s}", "channel", p->hex, "payments", "asset", 1, "amount",
                          1, "signer", fixture_address(&p->f, "alice")), NULL);
    assert_call(ERROR_HOLDINGS_INSUFFICIENT, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i}, {s:i}], s:s}", "channel", p->hex, "payments", "amount", 300,
                          "amount", 301, "signer", fixture_address(&p->f, "alice")), NULL);
    assert_call(ERROR_BAD_SIGNATURE, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i}], s:s, s:o}", "channel", p->hex, "payments", "amount", 5, "signer",
                          fixture_address(&p->f, "alice"), "signature", signature_of(p, "alice", &hash)),
                NULL);
    assert_string_equal(status_name(sign_with(p, "bob", 2, NULL)), "wrong_turn");
    assert_call(OK, p, "channel.suspend", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_string_equal(status_name(take(p, "alice", 1)), "wrong_phase");
    assert_call(OK, p, "channel.resume", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_string_equal(status_name(update(p, "alice", 601, 399)), "ok"); /* waits for bob */
    assert_string_equal(status_name(take(p, "alice", 1)), "proposal_pending");
    assert_string_equal(status_name(sign_with(p, "bob", 2, NULL)), "wrong_turn"); /* that is no withdrawal */
    p->hex[0] = p->hex[0] == '0' ? '1' : '0';
    assert_string_equal(status_name(take(p, "alice", 1)), "channel_not_found");
    assert_string_equal(status_name(sign_with(p, "alice", 2, NULL)), "channel_not_found");
}

static void holdings_of_the_ledger_itself_receive_nothing(void **state)
{
    struct place *p = *state;
    struct account_id holding;
    char address[128];

    open_running(p, 1, 600, 400);
    channel_holding(&p->id, &holding);
    snprintf(address, sizeof(address), "%s", fixture_address(&p->f, "alice"));
    assert_call(ERROR_INVALID_PARAMS, p, "channel.take_out",
                json_pack("{s:s, s:[{s:i, s:s}], s:s}", "channel", p->hex, "payments", "amount", 1, "account",
                          "nonsense", "signer", address), NULL);
    assert_int_equal(number(p, PENDING), 0);
}

/* --- a stranger ------------------------------------------------------------------------------- */
static void stranger_signs_and_it_goes_to_the_ledger(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash, wrong;
    int64_t before;

    open_with_carol(p);
    before = gold_of(p, "alice");
    s = plain(p, 2, 500, 400);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_int_equal(number(p, PROPOSED), 1);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok"); /* the same again changes nothing */
    assert_int_equal(number(p, PROPOSED), 1);
    fixture_reopen(&p->f); /* and a restart neither */
    assert_int_equal(number(p, STAGED), 1);
    channel_state_hash(&p->id, &s, &wrong);
    assert_string_equal(status_name(sign_with(p, "carol", 2, &wrong)), "bad_signature");
    assert_string_equal(status_name(sign_with(p, "dave", 2, &hash)), "not_a_participant");
    assert_string_equal(status_name(sign_with(p, "carol", 3, &hash)), "wrong_turn");
    assert_string_equal(status_name(sign_outside(p, "carol", &s)), "bad_signature"); /* as a state: never */
    assert_call(ERROR_WRONG_PHASE, p, "channel.sign",
                json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", 2, "signer",
                          fixture_address(&p->f, "alice")), NULL);
    assert_string_equal(status_name(sign_with(p, "carol", 2, &hash)), "ok");
    fixture_reopen(&p->f);
    assert_stands(p, 2, 900);
    assert_int_equal(gold_of(p, "alice"), before + 100);
    s = plain(p, 3, 510, 390);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_int_equal(number(p, NEXT_TURN), 4);
    assert_string_equal(status_name(sign_with(p, "carol", 2, &hash)), "wrong_turn");
}

static void stranger_takes_out_and_our_key_signs_by_itself(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    int64_t before;

    open_with_carol(p);
    before = gold_of(p, "carol");
    s = plain(p, 2, 600, 350);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_stands(p, 2, 950);
    assert_int_equal(gold_of(p, "carol"), before + 50);
}

static void policy_never_leaves_it_to_the_operator(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_with_carol(p);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "alice"), "countersign", "never"),
                NULL);
    s = plain(p, 2, 600, 350);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_int_equal(number(p, PROPOSED), 1);
    assert_int_equal(number(p, STAGED), 1);
    assert_string_equal(status_name(sign_with(p, "alice", 2, NULL)), "ok");
    assert_stands(p, 2, 950);
}

static void locked_keystore_signs_later(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct error error;

    open_with_carol(p);
    keystore_lock(p->f.keystore);
    s = plain(p, 2, 600, 350);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_int_equal(number(p, STAGED), 1);
    assert_int_equal(number(p, "SELECT wants_signature FROM channel_local WHERE id = x'$'"), 1);
    assert_int_equal(keystore_unlock(p->f.keystore, "the tests' own", &error), OK);
    fixture_advance(&p->f, 3 * MICROSECONDS_PER_SECOND);
    assert_stands(p, 2, 950);
}

static void nothing_else_is_signed_while_it_waits(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    json_t *answer;

    open_with_carol(p);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_string_equal(status_name(update(p, "alice", 599, 401)), "proposal_pending");
    s = plain(p, 2, 500, 500); /* no signature of hers on turn 2 so far */
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "proposal_pending");
    s = plain(p, 3, 500, 500);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "proposal_pending");
    assert_string_equal(status_name(take(p, "alice", 101)), "proposal_pending");
    assert_call(ERROR_PROPOSAL_PENDING, p, "channel.close",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "alice")), NULL);
    answer = fixture_query(&p->f, "channel.status", "{'channel':'%s'}", p->hex);
    assert_int_equal(json_array_size(json_object_get(answer, "payments")), 1);
    assert_int_equal(json_array_size(json_object_get(answer, "missing")), 1);
    json_decref(answer);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$' AND turn = 2"),
                     1);
}

/* Two things with one turn are evidence also when one of them is a withdrawal. */
static void second_signature_of_its_turn_is_evidence(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    json_t *result;

    open_with_carol(p);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "alice"), "countersign", "never"),
                NULL);
    s = plain(p, 2, 600, 350);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    s = plain(p, 2, 700, 300);
    assert_int_equal(update_outside(p, "carol", &s, &result), OK);
    assert_string_equal(json_string_value(json_object_get(result, "refused")), "equivocation");
    json_decref(result);
    assert_int_equal(number(p, "SELECT count(*) FROM channel_equivocation WHERE channel = x'$'"), 1);
}

/* --- no ---------------------------------------------------------------------------------------- */
static void refused_one_burns_its_turn_and_is_outdone(void **state)
{
    struct place *p = *state;
    struct channel_state s, taken;
    struct hash hash;

    open_with_carol(p);
    taken = plain(p, 2, 500, 400);
    hash = hash_of(p, &taken, "alice", 100);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_string_equal(status_name(reject_as(p, "carol", 2, &hash)), "ok");
    assert_int_equal(number(p, STAGED), 0);
    assert_int_equal(number(p, NEXT_TURN), 3);
    assert_int_equal(number(p, PENDING), 1); /* alice's signature is out: carol could still complete it */
    assert_string_equal(status_name(sign_with(p, "carol", 2, &hash)), "wrong_turn");
    fixture_reopen(&p->f);
    s = plain(p, 3, 700, 300);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    await(p, RECORD, 3); /* the node has put a later state on record */
    await(p, PENDING, 0);
    taken = plain(p, 2, 500, 400);
    assert_int_equal(bring(p, &taken, "alice", 100), ERROR_TURN_NOT_INCREASED);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok"); /* once more, with another turn */
    s = plain(p, 4, 600, 300);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(sign_with(p, "carol", 4, &hash)), "ok");
    assert_stands(p, 4, 900);
}

static void refused_one_that_is_brought_after_all_counts(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;

    open_with_carol(p);
    s = plain(p, 2, 500, 400);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_string_equal(status_name(reject_as(p, "carol", 2, &hash)), "ok");
    s = plain(p, 2, 500, 400);
    assert_int_equal(bring(p, &s, "alice", 100), OK);
    assert_stands(p, 2, 900);
    assert_string_equal(status_name(update(p, "alice", 400, 500)), "ok"); /* waits for carol */
    assert_int_equal(number(p, STAGED), 1);
}

static void proposer_may_change_his_mind(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;

    open_with_carol(p);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "alice"), "countersign", "never"),
                NULL);
    s = plain(p, 2, 600, 350);
    hash = hash_of(p, &s, "carol", 50);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_string_equal(status_name(reject_as(p, "carol", 2, &hash)), "ok");
    assert_int_equal(number(p, PENDING), 0); /* no signature of ours: nobody can complete it */
    assert_int_equal(number(p, NEXT_TURN), 3);
    assert_int_equal(number(p, HELD), 1000);
}

static void silent_stranger_is_told_of_and_the_ledger_is_the_way_out(void **state)
{
    struct place *p = *state;

    open_with_carol(p);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    fixture_reopen(&p->f);
    advance(p, 11 * MINUTE);
    await(p, "SELECT count(*) FROM event WHERE type = 'channel.overdue'", 1);
    assert_int_equal(number(p, STAGED), 1);
    assert_call(OK, p, "channel.dispute",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "alice")), NULL);
    await(p, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", 1);
    advance(p, 11 * MINUTE);
    await(p, PHASE, PHASE_CLOSED);
    assert_int_equal(number(p, PENDING), 0);
    assert_int_equal(number(p, HELD), 0);
    assert_int_equal(number(p, WITHDRAWN), 0);
}

static void challenge_meanwhile_is_answered_and_it_goes_on(void **state)
{
    struct place *p = *state;
    struct channel_state old, s;
    struct hash hash;

    open_with_carol(p);
    s = plain(p, 2, 700, 300);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    old = plain(p, 1, 600, 400);
    challenge_with(p, &old, "carol");
    await(p, RECORD, 2); /* the node answers */
    await(p, PHASE, PHASE_RUNNING);
    s = plain(p, 3, 600, 300);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(sign_with(p, "carol", 3, &hash)), "ok");
    assert_stands(p, 3, 900);
}

/* Participants did it without this node: the ledger's state counts, what waited is void. */
static void later_turn_on_the_ledger_ends_it(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;

    open_with_carol(p);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    s = plain(p, 7, 600, 390);
    assert_int_equal(bring(p, &s, "carol", 10), OK);
    assert_stands(p, 7, 990);
    s = plain(p, 2, 500, 400);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(sign_with(p, "carol", 2, &hash)), "wrong_turn");
}

/* --- what the ledger does not take at once ------------------------------------------------------ */
/* Carol's signature is there, and nothing was brought yet; then a dispute comes and is cleared. */
static void sign_before_a_dispute(struct place *p, const char *signature)
{
    struct channel_state s;
    char sql[512];

    open_with_carol(p);
    s = plain(p, 2, 700, 300);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    snprintf(sql, sizeof(sql), "INSERT INTO channel_signature SELECT id, 3, 1, staged_hash, x'%s'"
                               " FROM channel_local WHERE id = x'%s'", signature, p->hex);
    fixture_tamper(&p->f, sql);
    s = plain(p, 1, 600, 400);
    challenge_with(p, &s, "carol");
    await(p, PHASE, PHASE_RUNNING);
}

static void signed_one_is_brought_after_a_dispute(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;
    json_t *signature;

    describe(p, "alice", "carol", 1);
    s = plain(p, 3, 600, 300);
    hash = hash_of(p, &s, "alice", 100);
    signature = signature_of(p, "carol", &hash);
    sign_before_a_dispute(p, json_string_value(signature));
    json_decref(signature);
    assert_stands(p, 3, 900);
}

static void what_the_ledger_never_takes_burns_its_turn(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    char zeros[129];

    memset(zeros, '0', 128);
    zeros[128] = '\0';
    sign_before_a_dispute(p, zeros);
    assert_stands(p, 3, 1000); /* nothing was paid, and turn 4 comes next */
    assert_int_equal(number(p, WITHDRAWN), 0);
    assert_int_equal(number(p, "SELECT count(*) FROM event WHERE type = 'channel.submit_failed'"), 1);
    s = plain(p, 4, 710, 290);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    assert_int_equal(number(p, NEXT_TURN), 5);
}

static void signed_one_is_not_rejected(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;
    char sql[512];

    open_with_carol(p);
    s = plain(p, 2, 500, 400);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    snprintf(sql, sizeof(sql), "INSERT INTO channel_signature SELECT id, 2, 1, staged_hash, zeroblob(64)"
                               " FROM channel_local WHERE id = x'%s'", p->hex);
    fixture_tamper(&p->f, sql);
    assert_string_equal(status_name(reject_as(p, "carol", 2, &hash)), "wrong_phase");
    assert_int_equal(number(p, STAGED), 1);
}

/* --- our keys sign last ------------------------------------------------------------------------ */
/* Alice, bob and carol: whoever has bob's signature could bring it when it suits him. */
static void our_key_waits_for_the_strangers(void **state)
{
    struct place *p = *state;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct channel_state s;
    struct hash hash;
    json_t *three;

    describe(p, "alice", "bob", 9);
    p->fixed.participants[2] = fixture_key(&p->f, "carol")->account;
    p->fixed.participant_count = 3;
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    channel_fixed_encode(&p->fixed, &fixed);
    three = json_pack("[{s:s, s:i}, {s:s, s:i}, {s:s, s:i}]", "account", fixture_address(&p->f, "alice"),
                      "amount", 100, "account", fixture_address(&p->f, "bob"), "amount", 200, "account",
                      fixture_address(&p->f, "carol"), "amount", 300);
    assert_call(OK, p, "channel.propose",
                json_pack("{s:o, s:o, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome", three,
                          "signer", fixture_address(&p->f, "alice")), NULL);
    s = state_of(&p->fixed, 0, (uint64_t[]){ 100, 200, 300, UINT64_MAX }, p->all);
    assert_string_equal(status_name(sign_outside(p, "carol", &s)), "ok");
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    deposit(p, "alice", 100);
    deposit(p, "bob", 200);
    deposit(p, "carol", 300);
    assert_call(OK, p, "channel.update",
                json_pack("{s:s, s:s}", "channel", p->hex, "signer", fixture_address(&p->f, "alice")), NULL);
    s = state_of(&p->fixed, 1, (uint64_t[]){ 100, 200, 300, UINT64_MAX }, p->all);
    assert_string_equal(status_name(sign_outside(p, "carol", &s)), "ok");
    assert_string_equal(phase(p), "running");

    assert_string_equal(status_name(take(p, "alice", 60)), "ok");
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$' AND turn = 2"),
                     1); /* alice's; bob's is not given before carol's */
    assert_string_equal(status_name(sign_with(p, "bob", 2, NULL)), "wrong_phase"); /* not by hand either */
    s = state_of(&p->fixed, 2, (uint64_t[]){ 40, 200, 300, UINT64_MAX }, p->all);
    hash = hash_of(p, &s, "alice", 60);
    assert_string_equal(status_name(sign_with(p, "carol", 2, &hash)), "ok");
    assert_stands(p, 2, 540);
}

/* --- what strangers may try -------------------------------------------------------------------- */
static void set_policy(struct place *p, const char *signer, const char *policy)
{
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, signer), "countersign", policy),
                NULL);
}

/* Carol puts a state on record that she had rejected, while the withdrawal behind it is on its way. Were
 * others to follow meanwhile, the ledger would hold less than they give. */
static void signed_one_outlives_an_older_state_of_the_ledger(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;
    json_t *signature;
    char sql[512];

    open_with_carol(p);
    assert_string_equal(status_name(update(p, "alice", 550, 450)), "ok"); /* waits for carol */
    s = plain(p, 2, 550, 450);
    channel_state_hash(&p->id, &s, &hash);
    assert_string_equal(status_name(reject_as(p, "carol", 2, &hash)), "ok");
    set_policy(p, "alice", "never");
    s = plain(p, 3, 600, 300);
    assert_string_equal(status_name(take_outside(p, "carol", 100, &s)), "ok");
    hash = hash_of(p, &s, "carol", 100);
    signature = signature_of(p, "alice", &hash);
    snprintf(sql, sizeof(sql), "INSERT INTO channel_signature SELECT id, 3, 0, staged_hash, x'%s'"
                               " FROM channel_local WHERE id = x'%s'", json_string_value(signature), p->hex);
    json_decref(signature);
    fixture_tamper(&p->f, sql); /* alice has signed, and nothing was brought yet */
    set_policy(p, "alice", "safe");
    s = plain(p, 2, 550, 450);
    checkpoint_by(p, "carol", &s);
    await(p, RECORD, 2);
    s = plain(p, 4, 650, 350);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "proposal_pending");
    s = plain(p, 3, 600, 300);
    assert_int_equal(bring(p, &s, "carol", 100), OK);
    assert_stands(p, 3, 900);
    s = plain(p, 4, 650, 250);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    await(p, NEXT_TURN, 5);
}

static void asking_again_makes_nobody_sign_in_a_pause(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_with_carol(p);
    set_policy(p, "alice", "never");
    s = plain(p, 2, 600, 350);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_call(OK, p, "channel.suspend", json_pack("{s:s}", "channel", p->hex), NULL);
    set_policy(p, "alice", "safe");
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_int_equal(number(p, "SELECT count(*) FROM channel_signature WHERE channel = x'$' AND turn = 2"),
                     1);
    assert_call(OK, p, "channel.resume", json_pack("{s:s}", "channel", p->hex), NULL);
    assert_stands(p, 2, 950);
}

/* Carol has alice's signature on the first one, whatever becomes of her own. */
static void refused_one_is_outdone_after_another_was_refused(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash;

    open_with_carol(p);
    s = plain(p, 2, 500, 400);
    hash = hash_of(p, &s, "alice", 100);
    assert_string_equal(status_name(take(p, "alice", 100)), "ok");
    assert_string_equal(status_name(reject_as(p, "carol", 2, &hash)), "ok");
    set_policy(p, "alice", "never");
    s = plain(p, 3, 600, 350);
    hash = hash_of(p, &s, "carol", 50);
    assert_string_equal(status_name(take_outside(p, "carol", 50, &s)), "ok");
    assert_string_equal(status_name(reject_as(p, "carol", 3, &hash)), "ok");
    assert_int_equal(number(p, PENDING), 1);
    set_policy(p, "alice", "safe");
    s = plain(p, 4, 700, 300);
    assert_string_equal(status_name(update_outside(p, "carol", &s, NULL)), "ok");
    await(p, RECORD, 4);
    await(p, PENDING, 0);
}

/* --- other applications ------------------------------------------------------------------------ */
static void nothing_is_taken_where_one_signature_may_count(void **state)
{
    struct place *p = *state;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    describe(p, "alice", "bob", 5);
    strcpy(p->fixed.application, "voucher");
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    channel_fixed_encode(&p->fixed, &fixed);
    assert_call(OK, p, "channel.propose",
                json_pack("{s:o, s:o, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome",
                          outcome(p, 600, 0), "signer", fixture_address(&p->f, "alice")), NULL);
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1);
    assert_string_equal(status_name(take(p, "alice", 1)), "invalid_transition");
}

static void payment_keeps_the_reserve_and_names_the_turn_before(void **state)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_fixed fixed = fixed_of(2, "payment");
    struct allocation before_all[8], next_all[8];
    struct channel_state before, next;
    uint8_t terms[34] = { 0 }, data[8] = { 0 };
    struct error error;

    (void)state;
    arena_init(&arena);
    put_be64(terms, 50); /* participant 0's reserve */
    put_be64(terms + 16, 1);
    put_be64(terms + 24, INTEGER_MAX);
    terms[33] = 10;
    fixed.terms = bytes_of(terms, sizeof(terms));
    before = state_of(&fixed, 5, (uint64_t[]){ 100, 200, UINT64_MAX }, before_all);
    before.data = bytes_of(data, 8);
    next = state_of(&fixed, 9, (uint64_t[]){ 50, 200, UINT64_MAX }, next_all); /* turns were burnt */
    assert_int_equal(application_payment.take_out(&fixed, &before, &next, 0, &arena, &error), OK);
    assert_int_equal(next.data.size, 8);
    assert_int_equal(get_be64(next.data.data), 5);
    next.allocations[0].amount = 49;
    assert_int_equal(application_payment.take_out(&fixed, &before, &next, 0, &arena, &error),
                     ERROR_INVALID_TRANSITION);
    next = state_of(&fixed, 9, (uint64_t[]){ 100, 0, UINT64_MAX }, next_all); /* the other one has none */
    assert_int_equal(application_payment.take_out(&fixed, &before, &next, 1, &arena, &error), OK);
}

int withdrawal_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_keys_here_sign_at_once_and_the_channel_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(many_payments_may_go_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(what_remains_can_be_disputed, setup, teardown),
        cmocka_unit_test_setup_teardown(old_states_are_answered_by_the_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_ones_are_refused_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(holdings_of_the_ledger_itself_receive_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(stranger_signs_and_it_goes_to_the_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(stranger_takes_out_and_our_key_signs_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(policy_never_leaves_it_to_the_operator, setup, teardown),
        cmocka_unit_test_setup_teardown(locked_keystore_signs_later, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_else_is_signed_while_it_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(second_signature_of_its_turn_is_evidence, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_one_burns_its_turn_and_is_outdone, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_one_that_is_brought_after_all_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(proposer_may_change_his_mind, setup, teardown),
        cmocka_unit_test_setup_teardown(silent_stranger_is_told_of_and_the_ledger_is_the_way_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(challenge_meanwhile_is_answered_and_it_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(later_turn_on_the_ledger_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(signed_one_is_brought_after_a_dispute, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_ledger_never_takes_burns_its_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(signed_one_is_not_rejected, setup, teardown),
        cmocka_unit_test_setup_teardown(our_key_waits_for_the_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(signed_one_outlives_an_older_state_of_the_ledger, setup, teardown),
        cmocka_unit_test_setup_teardown(asking_again_makes_nobody_sign_in_a_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_one_is_outdone_after_another_was_refused, setup, teardown),
        cmocka_unit_test(payment_keeps_the_reserve_and_names_the_turn_before),
        cmocka_unit_test_setup_teardown(nothing_is_taken_where_one_signature_may_count, setup, teardown),
    };

    return cmocka_run_group_tests_name("value taken out of channels that go on", tests, NULL, NULL);
}
