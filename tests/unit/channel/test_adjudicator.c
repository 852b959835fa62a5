/* The adjudicator on a whole node: every command with its refusals, what a channel's end pays, hash-locks,
 * guarantees, arbitration; audit, replay and restart after each test. */
#include "test_channel.h"

#include "base/bech32.h"
#include "crypto/asset.h"
#include "crypto/hash.h"
#include "layer2/channel/channel.h"
#include "ledger/ledger.h"

static const struct module *const modules[] = { &ledger_module, &channel_module, NULL };

#define START 1000000 /* GOLD that everybody has at first */

/* A channel of named people on a node. */
struct place {
    struct fixture f;
    struct channel_fixed fixed;
    struct hash id;
    char hex[65];
    const char *names[4];
    struct allocation all[8];
    uint8_t stake[8];
};

static int setup(void **state)
{
    static const char *const people[] = { "alice", "bob", "carol", "dave" };
    struct place *p = memory_new(sizeof(*p));

    fixture_start(&p->f, NETWORK_DEV, modules);
    fixture_run(&p->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':%d}", 10 * START);
    for (size_t i = 1; i < 4; i++)
        fixture_run(&p->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}",
                    fixture_address(&p->f, people[i]), START);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    fixture_audit(&p->f);
    fixture_replay(&p->f);
    fixture_reopen(&p->f);
    fixture_audit(&p->f);
    fixture_stop(&p->f);
    memory_free_pointer(state);
    return 0;
}

/* --- making and signing ----------------------------------------------------------------------- */
static void describe(struct place *p, const char *application, const char *const *names, size_t count)
{
    memset(&p->fixed, 0, sizeof(p->fixed));
    snprintf(p->fixed.chain, sizeof(p->fixed.chain), "%s", kernel_chain(p->f.kernel));
    snprintf(p->fixed.application, sizeof(p->fixed.application), "%s", application);
    for (size_t i = 0; i < count; i++) {
        p->names[i] = names[i];
        p->fixed.participants[i] = fixture_key(&p->f, names[i])->account;
    }
    p->fixed.participant_count = count;
    p->fixed.challenge_period_us = 10 * MINUTE;
    p->fixed.dispute_limit_us = 30 * MINUTE;
    p->fixed.asset_count = 1;
    asset_id_from_symbol(&p->fixed.assets[0], p->fixed.chain, "GOLD");
}

static void register_channel(struct place *p)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct buffer text CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(&p->fixed, &bytes);
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
    buffer_append_hex(&text, bytes.data, bytes.size);
    fixture_run(&p->f, "dave", "channel.register", "{'fixed':'%s'}", buffer_text(&text));
}

/* Between alice and bob, who have paid in these amounts. */
static void open_funded(struct place *p, uint64_t first, uint64_t second)
{
    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    register_channel(p);
    fixture_run(&p->f, "alice", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':%d}", p->hex,
                (int)first);
    fixture_run(&p->f, "bob", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':%d}", p->hex,
                (int)second);
}

static struct channel_state plain(struct place *p, uint64_t turn, uint64_t first, uint64_t second)
{
    return state_of(&p->fixed, turn, (uint64_t[]){ first, second, UINT64_MAX }, p->all);
}

static json_t *hex_json(const void *data, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, data, size);
    return json_string(buffer_text(&text));
}

static json_t *sign(struct place *p, const char *who, const struct hash *hash)
{
    struct signature signature;

    assert_true(schnorr_sign(fixture_key(&p->f, who)->secret, hash, NULL, &signature));
    return json_pack("{s:s, s:o}", "key", fixture_address(&p->f, who), "signature",
                     hex_json(signature.bytes, sizeof(signature.bytes)));
}

/* Signatures over `hash` by people named in one text: "alice bob". */
static json_t *sign_all(struct place *p, const char *who, const struct hash *hash)
{
    json_t *list = json_array();
    char names[64], *rest = names, *name;

    snprintf(names, sizeof(names), "%s", who);
    while ((name = strsep(&rest, " ")) != NULL)
        if (name[0] != '\0')
            json_array_append_new(list, sign(p, name, hash));
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
    return json_pack("{s:o, s:o}", "state", state_hex(s), "signatures", sign_all(p, who, &hash));
}

static enum status try(struct place *p, const char *who, const char *method, json_t *params)
{
    return fixture_try(&p->f, who, method, params, NULL);
}

#define assert_try(expected, ...) assert_string_equal(status_name(try(__VA_ARGS__)), status_name(expected))

static json_t *challenge_json(struct place *p, const struct channel_state *s, const char *who,
                              const char *challenger)
{
    struct hash hash, challenge;
    json_t *signature, *params;

    channel_state_hash(&p->id, s, &hash);
    channel_challenge_hash(&p->id, &hash, &challenge);
    signature = sign(p, challenger, &challenge);
    params = json_pack("{s:s, s:[o], s:s, s:O}", "channel", p->hex, "states", signed_state(p, s, who),
                       "challenger", fixture_address(&p->f, challenger), "signature",
                       json_object_get(signature, "signature"));
    json_release(&signature);
    return params;
}

static json_t *checkpoint_json(struct place *p, const struct channel_state *s, const char *who)
{
    return json_pack("{s:s, s:[o]}", "channel", p->hex, "states", signed_state(p, s, who));
}

static json_t *conclude_json(struct place *p, const struct channel_state *s, const char *who)
{
    json_t *params = signed_state(p, s, who);

    json_object_set_new(params, "channel", json_string(p->hex));
    return params;
}

static void advance(struct place *p, int64_t by_us)
{
    fixture_run(&p->f, "dave", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    p->f.advanced_us += by_us;
    fixture_advance(&p->f, 1);
}

static int64_t gold(struct place *p, const char *who)
{
    char sql[256], hex[65];
    int64_t amount;

    hex_text(hex, fixture_key(&p->f, who)->account.bytes, 32);
    snprintf(sql, sizeof(sql), "SELECT sum(amount) FROM balance WHERE account = x'%s'", hex);
    amount = fixture_sql(&p->f, sql);
    return amount < 0 ? 0 : amount;
}

static int64_t held(struct place *p)
{
    int64_t amount;
    char sql[256];

    snprintf(sql, sizeof(sql), "SELECT sum(amount) FROM balance JOIN channel ON account = holding"
                               " WHERE channel.id = x'%s'", p->hex);
    amount = fixture_sql(&p->f, sql);
    return amount < 0 ? 0 : amount;
}

static int64_t column(struct place *p, const char *name)
{
    char sql[256];

    snprintf(sql, sizeof(sql), "SELECT %s FROM channel WHERE id = x'%s'", name, p->hex);
    return fixture_sql(&p->f, sql);
}

static void assert_mode(struct place *p, const char *mode)
{
    json_t *channel AUTO_JSON = fixture_query(&p->f, "channel.get", "{'channel':'%s'}", p->hex);

    assert_string_equal(json_string_value(json_object_get(channel, "mode")), mode);
}

/* --- registering and paying in ---------------------------------------------------------------- */
static void registering_is_for_this_chain_and_known_applications(void **state)
{
    struct place *p = *state;
    struct buffer bytes CLEANUP(buffer_close) = { 0 };

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    register_channel(p);
    register_channel(p); /* once more is the same */
    assert_int_equal(fixture_sql(&p->f, "SELECT count(*) FROM channel"), 1);

    strcpy(p->fixed.chain, "dev-ffffffffffffffff");
    channel_fixed_encode(&p->fixed, &bytes);
    assert_try(ERROR_WRONG_CHAIN, p, "dave", "channel.register",
               json_pack("{s:o}", "fixed", hex_json(bytes.data, bytes.size)));
    describe(p, "chess", (const char *const[]){ "alice", "bob" }, 2);
    buffer_clear(&bytes);
    channel_fixed_encode(&p->fixed, &bytes);
    assert_try(ERROR_APPLICATION_NOT_FOUND, p, "dave", "channel.register",
               json_pack("{s:o}", "fixed", hex_json(bytes.data, bytes.size)));
    describe(p, "tictactoe", (const char *const[]){ "alice", "bob" }, 2);
    buffer_clear(&bytes);
    channel_fixed_encode(&p->fixed, &bytes);
    assert_try(ERROR_INVALID_PARAMS, p, "dave", "channel.register", /* without a stake */
               json_pack("{s:o}", "fixed", hex_json(bytes.data, bytes.size)));
    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    p->fixed.assets[0].bytes[0] ^= 1;
    buffer_clear(&bytes);
    channel_fixed_encode(&p->fixed, &bytes);
    assert_try(ERROR_ASSET_NOT_FOUND, p, "dave", "channel.register",
               json_pack("{s:o}", "fixed", hex_json(bytes.data, bytes.size)));
    assert_int_equal(fixture_sql(&p->f, "SELECT count(*) FROM channel"), 1);
}

/* The published table's deposits. That value sent differs from the amount (deposit-09) cannot be said here:
 * the command moves the amount itself, or nothing when the account has less. */
static void deposits_meet_the_published_table(void **state)
{
    struct place *p = *state;
    char account[65];

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    register_channel(p);
#define DEPOSIT(amount, expected)                                                                            \
    json_pack("{s:s, s:s, s:i, s:i}", "channel", p->hex, "asset", "GOLD", "amount", amount, "expected_held", \
              expected)
    assert_try(ERROR_HELD_MISMATCH, p, "bob", "channel.deposit", DEPOSIT(2, 1)); /* 03, 07 */
    assert_int_equal(held(p), 0);
    assert_try(OK, p, "bob", "channel.deposit", DEPOSIT(1, 0)); /* 01, 05, 10 */
    assert_int_equal(held(p), 1);
    assert_try(ERROR_HELD_MISMATCH, p, "bob", "channel.deposit", DEPOSIT(2, 0)); /* 04, 08 */
    assert_int_equal(held(p), 1);
    assert_try(OK, p, "bob", "channel.deposit", DEPOSIT(1, 1)); /* 02, 06 */
    assert_int_equal(held(p), 2);
    assert_try(ERROR_INSUFFICIENT_BALANCE, p, "bob", "channel.deposit", DEPOSIT(START, 2)); /* 09 */
    hex_text(account, fixture_key(&p->f, "bob")->account.bytes, 32);
    assert_try(ERROR_EXTERNAL_DESTINATION, p, "alice", "channel.deposit", /* 11 */
               json_pack("{s:s, s:s, s:i}", "channel", account, "asset", "GOLD", "amount", 1));
    account[0] ^= 1;
    assert_try(ERROR_CHANNEL_NOT_FOUND, p, "alice", "channel.deposit",
               json_pack("{s:s, s:s, s:i}", "channel", account, "asset", "GOLD", "amount", 1));
    fixture_run(&p->f, "bob", "ledger.issue", "{'symbol':'LEAD','amount':10}");
    assert_try(ERROR_ASSET_MISMATCH, p, "bob", "channel.deposit",
               json_pack("{s:s, s:s, s:i}", "channel", p->hex, "asset", "LEAD", "amount", 1));
    assert_int_equal(held(p), 2);
}

static void nobody_sends_to_a_holding_account_but_by_a_deposit(void **state)
{
    struct place *p = *state;
    struct account_id holding;
    char address[ADDRESS_TEXT_MAX];

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    channel_id(&p->fixed, &p->id);
    channel_holding(&p->id, &holding);
    address_encode(address, &holding);
    fixture_refused(&p->f, ERROR_BAD_KEY, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", address);
    register_channel(p);
    fixture_refused(&p->f, ERROR_NOT_A_RECIPIENT, "alice", "ledger.transfer",
                    "{'to':'%s','asset':'GOLD','amount':1}", address);
}

/* --- signatures ------------------------------------------------------------------------------- */
static void every_wrong_signature_is_refused_by_name(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash hash, other;
    json_t *params;

    open_funded(p, 600, 400);
    s = plain(p, 5, 500, 500);
    channel_state_hash(&p->id, &s, &hash);
    assert_try(ERROR_WRONG_SIGNERS, p, "dave", "channel.checkpoint", checkpoint_json(p, &s, "alice"));
    assert_try(ERROR_DUPLICATE_SIGNATURE, p, "dave", "channel.checkpoint",
               checkpoint_json(p, &s, "alice alice"));
    assert_try(ERROR_NOT_A_PARTICIPANT, p, "dave", "channel.checkpoint",
               checkpoint_json(p, &s, "alice carol"));
    params = checkpoint_json(p, &s, "alice bob"); /* bob's name under alice's signature */
    json_object_set_new(json_array_get(json_object_get(json_array_get(json_object_get(params, "states"), 0),
                                                       "signatures"), 0),
                        "key", json_string(fixture_address(&p->f, "carol")));
    assert_try(ERROR_BAD_SIGNATURE, p, "dave", "channel.checkpoint", params);
    other = p->id; /* signed for another channel */
    p->id.bytes[0] ^= 1;
    params = checkpoint_json(p, &s, "alice bob");
    p->id = other;
    assert_try(ERROR_BAD_SIGNATURE, p, "dave", "channel.checkpoint", params);
    params = checkpoint_json(p, &s, "alice bob"); /* signed for another turn */
    s.turn = 6;
    json_object_set_new(json_array_get(json_object_get(params, "states"), 0), "state", state_hex(&s));
    assert_try(ERROR_BAD_SIGNATURE, p, "dave", "channel.checkpoint", params);
    s.turn = 5;
    assert_try(ERROR_NOT_A_PARTICIPANT, p, "dave", "channel.challenge", /* the table's challenge-06 */
               challenge_json(p, &s, "alice bob", "carol"));
    params = challenge_json(p, &s, "alice bob", "alice"); /* the table's challenge-07 */
    json_object_set_new(params, "challenger", json_string(fixture_address(&p->f, "bob")));
    assert_try(ERROR_BAD_SIGNATURE, p, "dave", "channel.challenge", params);
    assert_int_equal(column(p, "turn_record"), 0);
    assert_try(OK, p, "dave", "channel.checkpoint", checkpoint_json(p, &s, "bob alice"));
    assert_int_equal(column(p, "turn_record"), 5);
}

/* --- ends ------------------------------------------------------------------------------------- */
static void concluding_pays_everybody_at_once(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    int64_t alice, bob;

    open_funded(p, 600, 400);
    alice = gold(p, "alice");
    bob = gold(p, "bob");
    s = plain(p, 7, 100, 900);
    assert_try(ERROR_STATE_NOT_FINAL, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
    s.final = true;
    assert_try(ERROR_NOT_UNANIMOUS, p, "dave", "channel.conclude", conclude_json(p, &s, "bob"));
    assert_int_equal(held(p), 1000);
    assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
    assert_int_equal(gold(p, "alice") - alice, 100);
    assert_int_equal(gold(p, "bob") - bob, 900);
    assert_int_equal(held(p), 0);
    assert_mode(p, "finalized");
    assert_try(ERROR_CHANNEL_FINALIZED, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
    fixture_refused(&p->f, ERROR_NOTHING_TO_PAY, "dave", "channel.transfer", "{'channel':'%s'}", p->hex);
}

static void unanswered_challenge_pays_its_state_and_an_answered_one_nothing(void **state)
{
    struct place *p = *state;
    struct channel_state old, newer;
    int64_t alice;

    open_funded(p, 600, 400);
    alice = gold(p, "alice");
    old = plain(p, 3, 900, 100);
    assert_try(OK, p, "alice", "channel.challenge", challenge_json(p, &old, "alice bob", "alice"));
    assert_mode(p, "challenge");
    advance(p, 9 * MINUTE);
    newer = plain(p, 4, 200, 800);
    assert_try(OK, p, "carol", "channel.checkpoint", checkpoint_json(p, &newer, "alice bob"));
    assert_mode(p, "open");
    advance(p, 60 * MINUTE);
    assert_mode(p, "open");
    assert_int_equal(held(p), 1000);
    old = plain(p, 3, 900, 100);
    assert_try(ERROR_TURN_DECREASED, p, "alice", "channel.challenge",
               challenge_json(p, &old, "alice bob", "alice"));
    newer = plain(p, 4, 200, 800);
    assert_try(OK, p, "alice", "channel.challenge", challenge_json(p, &newer, "alice bob", "alice"));
    fixture_reopen(&p->f); /* the deadline is a row */
    advance(p, 10 * MINUTE);
    assert_mode(p, "finalized");
    assert_int_equal(gold(p, "alice") - alice, 200);
    assert_int_equal(held(p), 0);
}

static void underfunded_channel_pays_in_order_and_the_rest_when_it_comes(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    int64_t alice, bob;

    open_funded(p, 600, 400);
    alice = gold(p, "alice");
    bob = gold(p, "bob");
    s = plain(p, 7, 700, 900);
    s.final = true;
    assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
    assert_int_equal(gold(p, "alice") - alice, 700);
    assert_int_equal(gold(p, "bob") - bob, 300);
    fixture_run(&p->f, "carol", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':50}", p->hex);
    fixture_refused(&p->f, ERROR_NOTHING_TO_PAY, "dave", "channel.transfer", "{'channel':'%s','entries':[0]}",
                    p->hex);
    fixture_refused(&p->f, ERROR_INDICES_NOT_INCREASING, "dave", "channel.transfer",
                    "{'channel':'%s','entries':[1,0]}", p->hex);
    fixture_refused(&p->f, ERROR_INVALID_PARAMS, "dave", "channel.transfer", "{'channel':'%s','entries':[2]}",
                    p->hex);
    fixture_refused(&p->f, ERROR_FINGERPRINT_MISMATCH, "dave", "channel.transfer",
                    "{'channel':'%s','outcome':'%s'}", p->hex, p->hex);
    fixture_run(&p->f, "dave", "channel.transfer", "{'channel':'%s','entries':[1]}", p->hex);
    assert_int_equal(gold(p, "bob") - bob, 350);
}

/* --- withdrawing ------------------------------------------------------------------------------ */
static void withdrawal_needs_all_and_leaves_the_rest_running(void **state)
{
    struct place *p = *state;
    struct channel_state s, last;
    struct allocation payment = { .amount = 300, .account = fixture_key(&p->f, "carol")->account };
    struct hash hash, withdrawal;
    json_t *params;
    int64_t carol = gold(p, "carol");

    open_funded(p, 600, 400);
    s = plain(p, 2, 300, 400);
    channel_state_hash(&p->id, &s, &hash);
    channel_withdrawal_hash(&p->id, &hash, &payment, 1, &withdrawal);
#define WITHDRAW(who)                                                                                        \
    json_pack("{s:s, s:o, s:[{s:i, s:i, s:s}], s:o}", "channel", p->hex, "state", state_hex(&s), "payments", \
              "asset", 0, "amount", 300, "to", fixture_address(&p->f, "carol"), "signatures",                \
              sign_all(p, who, &withdrawal))
    assert_try(ERROR_NOT_UNANIMOUS, p, "carol", "channel.withdraw", WITHDRAW("alice"));
    params = WITHDRAW("alice bob");
    json_object_set_new(json_array_get(json_object_get(params, "payments"), 0), "amount", json_integer(301));
    assert_try(ERROR_BAD_SIGNATURE, p, "carol", "channel.withdraw", params);
    assert_int_equal(held(p), 1000);
    assert_try(OK, p, "carol", "channel.withdraw", WITHDRAW("alice bob"));
    assert_int_equal(held(p), 700);
    assert_int_equal(gold(p, "carol") - carol, 300);
    assert_try(ERROR_TURN_NOT_INCREASED, p, "carol", "channel.withdraw", WITHDRAW("alice bob"));
    last = plain(p, 3, 300, 400);
    last.final = true;
    assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &last, "alice bob"));
    assert_int_equal(held(p), 0);
}

/* --- hash-locks ------------------------------------------------------------------------------- */
static struct channel_state locked(struct place *p, uint64_t turn, const struct hash *preimage,
                                   int64_t expiry_us)
{
    struct channel_state s = plain(p, turn, 600, 300);

    p->all[2] = (struct allocation){ .kind = ALLOCATION_HASHLOCK, .amount = 100, .expiry_us = expiry_us,
                                     .account = p->fixed.participants[1],
                                     .refund = p->fixed.participants[0] };
    sha256(&p->all[2].hash, preimage->bytes, 32);
    s.allocation_count = 3;
    s.final = true;
    return s;
}

static void hashlock_goes_to_who_reveals_in_time_else_back(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash preimages[3];
    char hex[65];
    int64_t alice, bob;

    for (uint8_t i = 0; i < 3; i++)
        memset(preimages[i].bytes, 0x10 + i, 32);
    for (uint8_t i = 0; i < 3; i++) {
        describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
        p->fixed.nonce = i + 1;
        register_channel(p);
        fixture_run(&p->f, "alice", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':1000}",
                    p->hex);
        alice = gold(p, "alice");
        bob = gold(p, "bob");
        hex_text(hex, preimages[i].bytes, 32);
        if (i == 0) /* shown before the end */
            fixture_run(&p->f, "bob", "channel.reveal", "{'preimage':'%s'}", hex);
        s = locked(p, 5, &preimages[i], fixture_sql(&p->f, "SELECT max(time_us) FROM block") + 60 * MINUTE);
        assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
        assert_int_equal(held(p), i == 0 ? 0 : 100);
        if (i == 1) { /* shown while it waits */
            fixture_run(&p->f, "bob", "channel.reveal", "{'preimage':'%s'}", hex);
            assert_int_equal(held(p), 0);
        }
        advance(p, 61 * MINUTE);
        assert_int_equal(held(p), 0);
        assert_int_equal(gold(p, "alice") - alice, i == 2 ? 700 : 600); /* never shown: back to alice */
        assert_int_equal(gold(p, "bob") - bob, i == 2 ? 300 : 400);
        if (i == 2) { /* too late changes nothing */
            fixture_run(&p->f, "bob", "channel.reveal", "{'preimage':'%s'}", hex);
            assert_int_equal(gold(p, "bob") - bob, 300);
        }
    }
}

/* --- channels in channels --------------------------------------------------------------------- */
static void outcome_may_fund_another_channel_even_before_it_is_registered(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct hash ledger;
    char ledger_hex[65];
    struct channel_fixed ledger_fixed;

    open_funded(p, 600, 400);
    ledger = p->id;
    ledger_fixed = p->fixed;
    memcpy(ledger_hex, p->hex, sizeof(ledger_hex));
    describe(p, "consensus", (const char *const[]){ "alice", "carol" }, 2);
    channel_id(&p->fixed, &ledger); /* the other channel */
    {
        struct channel_fixed other = p->fixed;
        struct hash other_id = ledger;

        p->fixed = ledger_fixed;
        channel_id(&p->fixed, &p->id);
        memcpy(p->hex, ledger_hex, sizeof(p->hex));
        s = plain(p, 4, 500, 200);
        p->all[2] = (struct allocation){ .kind = ALLOCATION_CHANNEL, .amount = 300, .target = other_id };
        s.allocation_count = 3;
        s.final = true;
        assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
        assert_int_equal(held(p), 0);
        p->fixed = other;
        register_channel(p);
        assert_int_equal(held(p), 300);
    }
}

static void channel_cannot_fund_itself(void **state)
{
    struct place *p = *state;
    struct channel_state s;

    open_funded(p, 600, 400);
    s = plain(p, 4, 500, 200);
    p->all[2] = (struct allocation){ .kind = ALLOCATION_CHANNEL, .amount = 300, .target = p->id };
    s.allocation_count = 3;
    s.final = true;
    assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
    assert_int_equal(held(p), 300); /* what they all signed leads nowhere, and stays */
}

/* A virtual channel of alice and bob through irene, as in the table's reclaim-01. */
static void guarantee_comes_home_by_the_outcome_of_the_channel_it_was_for(void **state)
{
    struct place *p = *state;
    struct channel_fixed source, target;
    struct hash source_id, target_id;
    struct channel_state s;
    char source_hex[65], target_hex[65];
    int64_t alice, carol;

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2); /* virtual: nothing is paid in */
    register_channel(p);
    target = p->fixed;
    target_id = p->id;
    memcpy(target_hex, p->hex, 65);
    describe(p, "consensus", (const char *const[]){ "alice", "carol" }, 2); /* carol is between */
    register_channel(p);
    source = p->fixed;
    source_id = p->id;
    memcpy(source_hex, p->hex, 65);
    fixture_run(&p->f, "alice", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':30}", p->hex);
    alice = gold(p, "alice");
    carol = gold(p, "carol");
    s = plain(p, 9, 10, 10);
    p->all[2] = (struct allocation){ .kind = ALLOCATION_GUARANTEE, .amount = 10, .target = target_id,
                                     .left = source.participants[0], .right = source.participants[1] };
    s.allocation_count = 3;
    s.final = true;
    fixture_refused(&p->f, ERROR_CHANNEL_NOT_FINALIZED, "dave", "channel.reclaim",
                    "{'channel':'%s','target':'%s','entry':2}", source_hex, target_hex);
    assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice carol"));
    assert_int_equal(gold(p, "alice") - alice, 10); /* the guarantee is not paid out */
    assert_int_equal(held(p), 10);
    fixture_refused(&p->f, ERROR_GUARANTEE_NOT_TRANSFERABLE, "dave", "channel.transfer",
                    "{'channel':'%s','entries':[2]}", source_hex);
    fixture_refused(&p->f, ERROR_CHANNEL_NOT_FINALIZED, "dave", "channel.reclaim",
                    "{'channel':'%s','target':'%s','entry':2}", source_hex, target_hex);
    p->fixed = target;
    p->id = target_id;
    memcpy(p->hex, target_hex, 65);
    s = plain(p, 9, 7, 3);
    s.final = true;
    assert_try(OK, p, "dave", "channel.conclude", conclude_json(p, &s, "alice bob"));
    fixture_run(&p->f, "dave", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':1}", target_hex);
    fixture_run(&p->f, "dave", "channel.transfer", "{'channel':'%s'}",
                target_hex); /* a gift changes nothing */
    fixture_refused(&p->f, ERROR_NOT_A_GUARANTEE, "dave", "channel.reclaim",
                    "{'channel':'%s','target':'%s','entry':0}", source_hex, target_hex);
    fixture_refused(&p->f, ERROR_WRONG_CHANNEL, "dave", "channel.reclaim",
                    "{'channel':'%s','target':'%s','entry':2}", source_hex, source_hex);
    fixture_run(&p->f, "dave", "channel.reclaim", "{'channel':'%s','target':'%s','entry':2}", source_hex,
                target_hex);
    assert_int_equal(gold(p, "alice") - alice, 10 + 7 + 1);
    assert_int_equal(gold(p, "carol") - carol, 10 + 3);
    fixture_refused(&p->f, ERROR_INVALID_PARAMS, "dave", "channel.reclaim", /* once only */
                    "{'channel':'%s','target':'%s','entry':2}", source_hex, target_hex);
    (void)source_id;
}

/* --- arbitration ------------------------------------------------------------------------------ */
static void arbiters_decide_within_their_bounds(void **state)
{
    static const char *const arbiters[] = { "judge0", "judge1", "judge2" };
    struct place *p = *state;
    struct channel_state s, award;
    struct hash hash;
    uint64_t fee = 10;
    int64_t alice, bob;

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    for (size_t i = 0; i < 3; i++)
        p->fixed.arbiters[i] = fixture_key(&p->f, arbiters[i])->account;
    p->fixed.arbiter_count = 3;
    p->fixed.arbiter_threshold = 2;
    p->fixed.arbitration_window_us = 60 * MINUTE;
    p->fixed.arbitration_fee_ppm = 10000;
    register_channel(p);
    fixture_run(&p->f, "alice", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':1000}", p->hex);
    fixture_refused(&p->f, ERROR_NO_STATE, "bob", "channel.open_case", "{'channel':'%s','claim':'mine'}",
                    p->hex);
    s = plain(p, 3, 800, 200);
    assert_try(OK, p, "alice", "channel.checkpoint", checkpoint_json(p, &s, "alice bob"));
    fixture_refused(&p->f, ERROR_NOT_A_PARTICIPANT, "carol", "channel.open_case",
                    "{'channel':'%s','claim':'mine'}", p->hex);
    fixture_refused(&p->f, ERROR_CASE_NOT_FOUND, "bob", "channel.evidence",
                    "{'channel':'%s','body':'0102'}", p->hex);
    fixture_run(&p->f, "bob", "channel.open_case", "{'channel':'%s','claim':'the goods came broken'}",
                p->hex);
    fixture_run(&p->f, "bob", "channel.evidence", "{'channel':'%s','body':'0102'}", p->hex);
    fixture_refused(&p->f, ERROR_NOT_A_PARTICIPANT, "carol", "channel.evidence",
                    "{'channel':'%s','body':'0102'}", p->hex);
    advance(p, 61 * MINUTE);
    fixture_refused(&p->f, ERROR_CASE_CLOSED, "bob", "channel.evidence", "{'channel':'%s','body':'03'}",
                    p->hex);
    alice = gold(p, "alice");
    bob = gold(p, "bob");
    award = plain(p, 3, 400, 590);
    channel_award_hash(&p->id, &award, &fee, 1, &hash);
#define AWARD(who)                                                                                           \
    json_pack("{s:s, s:o, s:[i], s:o}", "channel", p->hex, "state", state_hex(&award), "fees", (int)fee,     \
              "signatures", sign_all(p, who, &hash))
    assert_try(ERROR_MISSING_SIGNATURE, p, "dave", "channel.award", AWARD("judge0"));
    assert_try(ERROR_DUPLICATE_SIGNATURE, p, "dave", "channel.award", AWARD("judge0 judge0"));
    assert_try(ERROR_NOT_A_PARTICIPANT, p, "dave", "channel.award", AWARD("judge0 alice"));
    fee = 11;
    assert_try(ERROR_BAD_SIGNATURE, p, "dave", "channel.award", AWARD("judge0 judge2"));
    award = plain(p, 3, 400, 589);
    channel_award_hash(&p->id, &award, &fee, 1, &hash);
    assert_try(ERROR_AWARD_OUT_OF_BOUNDS, p, "dave", "channel.award", AWARD("judge0 judge2"));
    fee = 10;
    award = plain(p, 3, 400, 590);
    channel_award_hash(&p->id, &award, &fee, 1, &hash);
    assert_try(OK, p, "dave", "channel.award", AWARD("judge0 judge2"));
    assert_int_equal(gold(p, "alice") - alice, 400);
    assert_int_equal(gold(p, "bob") - bob, 590);
    assert_int_equal(gold(p, "judge0"), 4); /* the award names nobody: the fee is for all of them */
    assert_int_equal(gold(p, "judge1"), 3);
    assert_int_equal(gold(p, "judge2"), 3);
    assert_int_equal(column(p, "case_state"), CASE_AWARDED);
}

static void case_that_nobody_decides_ends_with_the_state_on_record(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    int64_t bob;

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    p->fixed.arbiters[0] = fixture_key(&p->f, "judge0")->account;
    p->fixed.arbiter_count = p->fixed.arbiter_threshold = 1;
    p->fixed.arbitration_window_us = 60 * MINUTE;
    register_channel(p);
    fixture_run(&p->f, "alice", "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':1000}", p->hex);
    s = plain(p, 3, 800, 200);
    assert_try(OK, p, "alice", "channel.challenge", challenge_json(p, &s, "alice bob", "alice"));
    fixture_run(&p->f, "bob", "channel.open_case", "{'channel':'%s','claim':'no'}", p->hex);
    s = plain(p, 4, 700, 300);
    assert_try(OK, p, "bob", "channel.checkpoint", checkpoint_json(p, &s, "alice bob"));
    bob = gold(p, "bob");
    advance(p, 119 * MINUTE);
    assert_int_equal(gold(p, "bob"), bob);
    advance(p, 2 * MINUTE);
    assert_int_equal(gold(p, "bob") - bob, 300);
    assert_int_equal(column(p, "case_state"), CASE_LAPSED);
}

/* --- forms ------------------------------------------------------------------------------------ */
static void forms_give_the_encodings_that_participants_sign(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    json_t *got AUTO_JSON = NULL, *coded AUTO_JSON = NULL, *said AUTO_JSON = NULL, *expected AUTO_JSON = NULL;
    struct hash hash;
    char hex[65];

    describe(p, "consensus", (const char *const[]){ "alice", "bob" }, 2);
    p->fixed.nonce = 77;
    register_channel(p);
    got = fixture_query(&p->f, "channel.encode",
                        "{'participants':[{'key':'%s'},{'key':'%s'}],'assets':[{'asset':'GOLD'}],"
                        "'application':'consensus','nonce':77,'challenge_period':'10m'}",
                        fixture_address(&p->f, "alice"), fixture_address(&p->f, "bob"));
    assert_string_equal(json_string_value(json_object_get(got, "channel")), p->hex);
    s = plain(p, 8, 5, 6);
    channel_state_hash(&p->id, &s, &hash);
    hex_text(hex, hash.bytes, 32);
    coded = fixture_query(&p->f, "channel.encode_state",
                          "{'channel':'%s','turn':8,'outcome':[{'account':'%s','amount':5},"
                          "{'account':'%s','amount':6}]}", p->hex, fixture_address(&p->f, "alice"),
                          fixture_address(&p->f, "bob"));
    assert_string_equal(json_string_value(json_object_get(coded, "hash")), hex);
    expected = state_hex(&s);
    assert_true(json_equal(json_object_get(coded, "state"), expected));
    said = fixture_query(&p->f, "channel.decode_state", "{'channel':'%s','state':'%s'}", p->hex,
                         json_string_value(expected));
    assert_int_equal(json_integer_value(json_object_get(said, "turn")), 8);
    assert_int_equal(json_array_size(json_object_get(said, "outcome")), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int adjudicator_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registering_is_for_this_chain_and_known_applications),
        TEST(deposits_meet_the_published_table),
        TEST(nobody_sends_to_a_holding_account_but_by_a_deposit),
        TEST(every_wrong_signature_is_refused_by_name),
        TEST(concluding_pays_everybody_at_once),
        TEST(unanswered_challenge_pays_its_state_and_an_answered_one_nothing),
        TEST(underfunded_channel_pays_in_order_and_the_rest_when_it_comes),
        TEST(withdrawal_needs_all_and_leaves_the_rest_running),
        TEST(hashlock_goes_to_who_reveals_in_time_else_back),
        TEST(outcome_may_fund_another_channel_even_before_it_is_registered),
        TEST(channel_cannot_fund_itself),
        TEST(guarantee_comes_home_by_the_outcome_of_the_channel_it_was_for),
        TEST(arbiters_decide_within_their_bounds),
        TEST(case_that_nobody_decides_ends_with_the_state_on_record),
        TEST(forms_give_the_encodings_that_participants_sign),
    };

    return cmocka_run_group_tests_name("the adjudicator", tests, NULL, NULL);
}
