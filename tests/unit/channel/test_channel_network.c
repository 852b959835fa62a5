/* The network "state-channel" on a whole node: alice's and bob's keys are here, carol and dave keep theirs;
 * the link pays with alice's. Everything goes through the network module's commands. */
#include "party_support.h"

#include <time.h>

#include "crypto/hash.h"
#include "layer2/channel/channel.h"
#include "layer2/channel/local.h"
#include "layer2/channel/network.h"
#include "layer2/payment/payment.h"
#include "ledger/ledger.h"

#define TURNS 3000 /* of a wait */

static const struct module *const test_modules[] = { &ledger_module, &channel_module, &channel_local_module,
                                                     &payment_module, &invoice_module, &network_module,
                                                     NULL };
static const struct network *const test_networks[] = { &state_channel_network, NULL };

struct operation { char id[33]; };

/* --- asking ------------------------------------------------------------------------------------- */
static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static struct operation start(struct place *p, const char *method, json_t *params)
{
    struct reply reply = fixture_call(&p->f, method, params);
    struct operation o;

    if (reply.status != OK)
        fail_msg("%s: %s", method, reply.error.message);
    snprintf(o.id, sizeof(o.id), "%s", json_string_value(json_object_get(reply.result, "operation")));
    reply_close(&reply);
    return o;
}

static bool is_ended(const json_t *operation)
{
    const char *state = json_string_value(json_object_get(operation, "state"));

    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
}

/* Until it ended; the clock moves, for looks come later. The caller's. */
static json_t *ended(struct place *p, const struct operation *o)
{
    for (int i = 0; i < TURNS; i++) {
        json_t *found = fixture_query(&p->f, "network.operation", "{'operation':'%s'}", o->id);

        if (is_ended(found))
            return found;
        json_decref(found);
        fixture_advance(&p->f, MICROSECONDS_PER_SECOND / 10);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    fail_msg("an operation does not end");
    return NULL;
}

/* The result of one that must end well. */
static json_t *result_of(struct place *p, const char *method, json_t *params)
{
    struct operation o = start(p, method, params);
    json_t *found AUTO_JSON = ended(p, &o);

    if (strcmp(json_string_value(json_object_get(found, "state")), "done") != 0) {
        char *text = json_dumps(found, 0);

        fail_msg("%s: %s", method, text);
    }
    return json_incref(json_object_get(found, "result"));
}

static void fails(struct place *p, const char *method, json_t *params, const char *error)
{
    struct operation o = start(p, method, params);
    json_t *found AUTO_JSON = ended(p, &o);

    assert_string_equal(json_string_value(json_object_get(found, "state")), "failed");
    assert_string_equal(text_in(found, "error_name"), error);
}

static void refused_at_once(struct place *p, const char *method, json_t *params, enum status code)
{
    struct reply reply = fixture_call(&p->f, method, params);

    assert_string_equal(status_name(reply.status), status_name(code));
    reply_close(&reply);
}

static void await_write(struct place *p, const struct operation *o, const char *state)
{
    char *sql AUTO_FREE = text_format("SELECT count(*) FROM network_write w JOIN network_operation o USING "
                                      "(number)"
                                      " WHERE id = x'%s' AND w.state = '%s'", o->id, state);
    char *is AUTO_FREE = text_format("SELECT w.state || ' ' || coalesce(w.reason, '') FROM network_write w"
                                     " JOIN network_operation o USING (number) WHERE id = x'%s'", o->id);

    for (int i = 0; i < TURNS; i++) {
        if (fixture_sql(&p->f, sql) == 1)
            return;
        fixture_advance(&p->f, MICROSECONDS_PER_SECOND / 10);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    fail_msg("%s was expected: %s", state, fixture_sql_text(&p->f, is));
}

/* It was refused for this reason. */
static void await_rejection(struct place *p, const struct operation *o, const char *why)
{
    char *sql AUTO_FREE = text_format("SELECT w.reason FROM network_write w JOIN network_operation o USING "
                                      "(number)"
                                      " WHERE id = x'%s'", o->id);
    char *reason AUTO_FREE = NULL;

    await_write(p, o, "rejected");
    reason = fixture_sql_text(&p->f, sql);
    if (strstr(reason, why) == NULL)
        fail_msg("'%s' was expected as a reason, not '%s'", why, reason);
}

static char *transaction_of(struct place *p, const struct operation *o)
{
    char *sql AUTO_FREE = text_format("SELECT transaction_id FROM network_write w JOIN network_operation o"
                                      " USING (number) WHERE id = x'%s'", o->id);

    return fixture_sql_text(&p->f, sql);
}

static void status_is(struct place *p, const char *transaction, const char *state)
{
    json_t *status AUTO_JSON = result_of(p, "network.check_transaction_status",
                                         json_pack("{s:s, s:s}", "link", "mine", "transaction", transaction));

    assert_string_equal(text_in(status, "state"), state);
}

static json_t *link_alone(void)
{
    return json_pack("{s:s}", "link", "mine");
}

/* --- the place ---------------------------------------------------------------------------------- */
static int setup(void **state)
{
    struct place *p = memory_new(sizeof(*p));
    struct reply reply;

    network_use(test_networks);
    fixture_start(&p->f, NETWORK_DEV, test_modules);
    fixture_keep_keys(&p->f, "alice bob");
    fixture_run(&p->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000000}");
    fixture_run(&p->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100000}",
                fixture_address(&p->f, "bob"));
    fixture_run(&p->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100000}",
                fixture_address(&p->f, "carol"));
    reply = fixture_call(&p->f, "network.initialize",
                         fixture_json("{'link':'mine','network':'state-channel','key':'alice',"
                                      "'poll':'100ms'}"));
    if (reply.status != OK)
        fail_msg("no link: %s", reply.error.message);
    reply_close(&reply);
    json_decref(result_of(p, "network.connect", link_alone()));
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

static json_t *transfer(struct place *p, const char *to, const char *amount, const char *request)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s}}", "link", "mine", "to", fixture_address(&p->f, to),
                     "amount",
                     amount, "request", request, "options", "channel", p->hex);
}

static int64_t share(struct place *p, size_t side)
{
    struct arena arena CLEANUP(arena_close);
    struct database *reader;
    struct local_channel c;
    struct error error;

    arena_init(&arena);
    assert_int_equal(kernel_reader(p->f.kernel, &reader, &error), OK);
    assert_true(local_read(reader, &p->id, &arena, &c));
    database_close(reader);
    return (int64_t)channel_outcome_simple(&c.supported.state, 0, &p->fixed.participants[side]);
}

/* A state with these people's signatures, as submit and the proofs take it. */
static json_t *signed_form(struct place *p, const struct channel_state *s, const char *first,
                           const char *second)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    json_t *signatures = json_array();
    struct hash hash;

    channel_state_encode(s, &bytes);
    channel_state_hash(&p->id, s, &hash);
    json_array_append_new(signatures, json_pack("{s:s, s:o}", "key", fixture_address(&p->f, first),
                                                "signature",
                                                signature_of(p, first, &hash)));
    if (second != NULL)
        json_array_append_new(signatures, json_pack("{s:s, s:o}", "key", fixture_address(&p->f, second),
                                                    "signature", signature_of(p, second, &hash)));
    return json_pack("{s:o, s:o}", "state", hex_json(bytes.data, bytes.size), "signatures", signatures);
}

static struct operation submit(struct place *p, json_t *form)
{
    char *text = json_dumps(form, JSON_COMPACT);
    struct operation o =
        start(p, "network.submit_transaction", json_pack("{s:s, s:s}", "link", "mine", "text", text));

    json_decref(form);
    free(text);
    return o;
}

static json_t *submitted(struct place *p, const struct channel_state *s, const char *first,
                         const char *second)
{
    json_t *form = signed_form(p, s, first, second);

    json_object_set_new(form, "channel", json_string(p->hex));
    return form;
}

/* --- what there is ------------------------------------------------------------------------------ */
static void link_tells_of_channels_and_of_its_account(void **state)
{
    struct place *p = *state;
    json_t *told AUTO_JSON = NULL;
    json_t *details, *balance;

    open_running(p, 1, 600, 400);
    open_running(p, 2, 50, 1);
    told = result_of(p, "network.get_state", link_alone());
    assert_true(json_is_true(json_object_get(told, "synced")));
    details = json_object_get(told, "details");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(details, "channels"), "running")), 2);
    assert_int_equal(json_array_size(json_object_get(details, "balances")), 1);
    balance = json_array_get(json_object_get(details, "balances"), 0);
    assert_string_equal(text_in(balance, "symbol"), "GOLD");
    assert_string_equal(text_in(balance, "amount"), "650");
}

static void what_channels_cannot_do_is_refused_by_name(void **state)
{
    struct place *p = *state;

    refused_at_once(p, "network.issue_asset", json_pack("{s:s, s:s, s:s}", "link", "mine", "symbol", "X",
                                                        "amount",
                                                        "1"), ERROR_NETWORK_NOT_SUPPORTED);
    refused_at_once(p, "network.sync_state", link_alone(), ERROR_NETWORK_NOT_SUPPORTED);
    refused_at_once(p, "network.estimate_fees", link_alone(), ERROR_NETWORK_NOT_SUPPORTED);
}

/* --- transfers ---------------------------------------------------------------------------------- */
static void transfers_inside_a_channel_follow_each_other(void **state)
{
    struct place *p = *state;
    struct operation o[3];

    open_running(p, 1, 600, 400);
    for (int i = 0; i < 3; i++) { /* all at once: each needs the state behind the one before */
        char request[8];

        snprintf(request, sizeof(request), "r%d", i);
        o[i] = start(p, "network.transfer_asset", transfer(p, "bob", "10", request));
    }
    for (int i = 0; i < 3; i++)
        await_write(p, &o[i], "final");
    assert_int_equal(share(p, 0), 570);
    assert_int_equal(share(p, 1), 430);
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"), 5);
}

static void same_request_moves_value_once(void **state)
{
    struct place *p = *state;
    struct operation first, again;

    open_running(p, 1, 600, 400);
    first = start(p, "network.transfer_asset", transfer(p, "bob", "25", "once"));
    await_write(p, &first, "final");
    again = start(p, "network.transfer_asset", transfer(p, "bob", "25", "once"));
    assert_string_equal(again.id, first.id);
    assert_int_equal(share(p, 1), 425);
}

static void transfer_waits_for_the_keystore(void **state)
{
    struct place *p = *state;
    struct error error;
    struct operation o;

    open_running(p, 1, 600, 400);
    keystore_lock(p->f.keystore);
    o = start(p, "network.transfer_asset", transfer(p, "bob", "25", "locked"));
    await(p, "SELECT count(*) FROM network_write WHERE retries > 0 AND reason LIKE '%locked%'", 1);
    assert_int_equal(share(p, 1), 400);
    assert_int_equal(keystore_unlock(p->f.keystore, "the tests' own", &error), OK);
    await_write(p, &o, "final");
    assert_int_equal(share(p, 1), 425);
}

static void transfers_that_cannot_be_are_refused(void **state)
{
    struct place *p = *state;
    struct operation o;

    open_running(p, 1, 600, 400);
    o = start(p, "network.transfer_asset", transfer(p, "bob", "601", "much"));
    await_rejection(p, &o, "has less");
    o = start(p, "network.transfer_asset", transfer(p, "carol", "1", "stranger"));
    await_rejection(p, &o, "another participant");
    o = start(p, "network.transfer_asset", transfer(p, "bob", "0", "nothing"));
    await_rejection(p, &o, "1 …");
    p->hex[0] = p->hex[0] == '0' ? '1' : '0';
    o = start(p, "network.transfer_asset", transfer(p, "bob", "1", "unknown"));
    await_rejection(p, &o, "does not take part");
    assert_int_equal(share(p, 0), 600);
}

/* --- states that were signed -------------------------------------------------------------------- */
static void state_that_all_signed_is_confirmed_once(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct operation o, again;
    char *id AUTO_FREE = NULL;

    open_running(p, 1, 600, 400);
    s = plain(p, 2, 500, 500);
    o = submit(p, submitted(p, &s, "alice", "bob"));
    await_write(p, &o, "final");
    assert_int_equal(share(p, 0), 500);
    again = submit(p, submitted(p, &s, "alice", "bob"));
    await_write(p, &again, "final");
    assert_int_equal(number(p, "SELECT next_turn FROM channel_local WHERE id = x'$'"), 3);
    assert_string_equal(status_name(update(p, "alice", 490, 510)), "ok");
    id = transaction_of(p, &o);
    status_is(p, id, "confirmed"); /* it counted, and the log tells */
}

static void state_that_half_signed_waits_for_the_others(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct operation o;
    char *id AUTO_FREE = NULL;

    open_running(p, 1, 600, 400);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "bob"), "countersign", "never"),
                NULL);
    s = plain(p, 2, 500, 500);
    o = submit(p, submitted(p, &s, "alice", NULL));
    await_write(p, &o, "pending");
    id = transaction_of(p, &o);
    status_is(p, id, "pending");
    assert_int_equal(share(p, 0), 600);
    assert_string_equal(status_name(sign_outside(p, "bob", &s)), "ok");
    await_write(p, &o, "final");
    assert_int_equal(share(p, 0), 500);
}

static void state_that_is_rejected_fails(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct operation o;

    open_running(p, 1, 600, 400);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "bob"), "countersign", "never"),
                NULL);
    s = plain(p, 2, 500, 500);
    o = submit(p, submitted(p, &s, "alice", NULL));
    await_write(p, &o, "pending");
    assert_call(OK, p, "channel.reject", json_pack("{s:s, s:i, s:s}", "channel", p->hex, "turn", 2, "signer",
                                                   fixture_address(&p->f, "bob")), NULL);
    await_write(p, &o, "failed");
    assert_int_equal(share(p, 0), 600);
}

static void state_whose_dispute_is_lost_fails(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct operation o;
    char *id AUTO_FREE = NULL;

    open_running(p, 1, 600, 400);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "bob"), "countersign", "never"),
                NULL);
    s = plain(p, 2, 500, 500);
    o = submit(p, submitted(p, &s, "alice", NULL));
    await_write(p, &o, "pending");
    s = plain(p, 1, 600, 400);
    challenge_with(p, &s, "bob");
    advance(p, 11 * MINUTE);
    await(p, "SELECT outcome IS NOT NULL FROM channel WHERE id = x'$'", 1);
    await_write(p, &o, "failed");
    id = transaction_of(p, &o);
    status_is(p, id, "failed");
}

static void states_that_are_wrong_are_rejected(void **state)
{
    struct place *p = *state;
    struct channel_state s;
    struct operation o;
    json_t *form;

    open_running(p, 1, 600, 400);
    s = plain(p, 2, 500, 500);
    form = submitted(p, &s, "alice", "bob");
    json_object_set(json_array_get(json_object_get(form, "signatures"), 0), "signature",
                    json_object_get(json_array_get(json_object_get(form, "signatures"), 1), "signature"));
    o = submit(p, form);
    await_rejection(p, &o, "the signature is not one");
    o = submit(p, submitted(p, &s, "alice", "carol"));
    await_rejection(p, &o, "is none of those");
    s = plain(p, 3, 500, 500);
    o = submit(p, submitted(p, &s, "alice", "bob")); /* turn 2 comes first */
    await_rejection(p, &o, "wrong_turn");
    s = plain(p, 2, 500, 501);
    o = submit(p, submitted(p, &s, "alice", "bob"));
    await_rejection(p, &o, "not_conserved");
    assert_int_equal(share(p, 0), 600);
}

/* --- signed commands ---------------------------------------------------------------------------- */
static void signed_command_of_channels_runs_once(void **state)
{
    struct place *p = *state;
    struct operation first, again;
    json_t *form;
    char *id AUTO_FREE = NULL;

    open_running(p, 1, 600, 400);
    form = fixture_sign(&p->f, "alice", "channel.deposit",
                        json_pack("{s:s, s:s, s:i}", "channel", p->hex, "asset", "GOLD", "amount", 7));
    first = submit(p, json_incref(form));
    await_write(p, &first, "final");
    again = submit(p, form);
    await_write(p, &again, "final");
    assert_int_equal(number(p, "SELECT amount FROM balance WHERE account = (SELECT holding FROM channel"
                               " WHERE id = x'$')"), 1007);
    id = transaction_of(p, &first);
    assert_int_equal(strlen(id), 64);
    id[0] = id[0] == '0' ? '1' : '0';
    status_is(p, id, "unknown");
}

static void signed_commands_of_others_are_refused(void **state)
{
    struct place *p = *state;
    struct operation o;
    json_t *form;

    o = submit(p, fixture_sign(&p->f, "alice", "ledger.transfer",
                               json_pack("{s:s, s:s, s:i}", "to", fixture_address(&p->f, "bob"), "asset",
                                         "GOLD",
                                         "amount", 7)));
    await_rejection(p, &o, "a command of channels");
    open_running(p, 1, 600, 400);
    form = fixture_sign(&p->f, "alice", "channel.deposit",
                        json_pack("{s:s, s:s, s:i}", "channel", p->hex, "asset", "GOLD", "amount", 7));
    json_object_set_new(json_object_get(json_object_get(form, "transaction"), "params"), "amount",
                        json_integer(8));
    o = submit(p, form);
    await_rejection(p, &o, "not the account's");
}

/* --- proofs ------------------------------------------------------------------------------------- */
static json_t *claim_of(struct place *p)
{
    return json_pack("{s:s, s:{s:s, s:s}}", "link", "mine", "claim", "type", "channel-state", "channel",
                     p->hex);
}

static void verdict_is(struct place *p, const char *method, const char *name, json_t *what,
                       const char *verdict)
{
    json_t *told AUTO_JSON = result_of(p, method, json_pack("{s:s, s:O}", "link", "mine", name, what));

    assert_string_equal(text_in(told, "verdict"), verdict);
    assert_string_equal(text_in(told, "anchor"), strcmp(verdict, "unverifiable") == 0 ? "none" : "signature");
}

static json_t *own_proof(struct place *p)
{
    json_t *told AUTO_JSON = result_of(p, "network.generate_proof", claim_of(p));

    return json_incref(json_object_get(told, "proof"));
}

static void proof_of_the_newest_state_is_valid_until_a_higher_turn(void **state)
{
    struct place *p = *state;
    json_t *proof AUTO_JSON = NULL;
    json_t *newer AUTO_JSON = NULL;

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(update(p, "alice", 590, 410)), "ok");
    proof = own_proof(p);
    verdict_is(p, "network.verify_proof", "proof", proof, "valid");
    verdict_is(p, "network.validate_state", "claim", proof, "valid");
    assert_string_equal(status_name(update(p, "alice", 580, 420)), "ok");
    verdict_is(p, "network.verify_proof", "proof", proof, "invalid");
    newer = own_proof(p);
    verdict_is(p, "network.verify_proof", "proof", newer, "valid");
}

/* Each digit of state and signatures is changed in turn. */
static void any_changed_byte_makes_a_proof_invalid(void **state)
{
    struct place *p = *state;
    json_t *proof AUTO_JSON = NULL;
    json_t *item;
    char *digits;
    size_t size;

    open_running(p, 1, 600, 400);
    proof = own_proof(p);
    item = json_array_get(json_object_get(proof, "states"), 0);
    digits = text_copy(json_string_value(json_object_get(item, "state")));
    size = strlen(digits);
    for (size_t i = 0; i < size; i += 7) { /* a prime: all sorts of bytes, and both halves of them */
        char was = digits[i];

        digits[i] = was == '0' ? '1' : '0';
        json_object_set_new(item, "state", json_string(digits));
        verdict_is(p, "network.verify_proof", "proof", proof, "invalid");
        digits[i] = was;
    }
    json_object_set_new(item, "state", json_string(digits));
    verdict_is(p, "network.verify_proof", "proof", proof, "valid");
    json_array_remove(json_object_get(item, "signatures"), 0);
    verdict_is(p, "network.verify_proof", "proof", proof, "invalid");
    free(digits);
}

static void proof_of_an_unknown_channel_needs_its_fixed_part(void **state)
{
    struct place *p = *state;
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    json_t *proof AUTO_JSON = NULL;
    struct channel_state s;

    describe(p, "alice", "bob", 9); /* nobody proposed it */
    s = plain(p, 1, 5, 5);
    proof = json_pack("{s:s, s:s, s:[o]}", "type", "channel-state", "channel", p->hex, "states",
                      signed_form(p, &s, "alice", "bob"));
    verdict_is(p, "network.verify_proof", "proof", proof, "unverifiable");
    channel_fixed_encode(&p->fixed, &fixed);
    json_object_set_new(proof, "fixed", hex_json(fixed.data, fixed.size));
    verdict_is(p, "network.verify_proof", "proof", proof, "valid");
    verdict_is(p, "network.validate_state", "claim", proof, "unverifiable"); /* who paid in? */
    fixed.data[fixed.size - 3] ^= 1;
    json_object_set_new(proof, "fixed", hex_json(fixed.data, fixed.size));
    verdict_is(p, "network.verify_proof", "proof", proof, "invalid");
    fails(p, "network.generate_proof", claim_of(p), "network_not_found");
}

static void state_that_gives_more_than_is_held_is_invalid(void **state)
{
    struct place *p = *state;
    json_t *claim AUTO_JSON = NULL;
    struct channel_state s;

    open_running(p, 1, 600, 400);
    s = plain(p, 2, 600, 401);
    claim = json_pack("{s:s, s:s, s:[o]}", "type", "channel-state", "channel", p->hex, "states",
                      signed_form(p, &s, "alice", "bob"));
    verdict_is(p, "network.verify_proof", "proof", claim, "valid"); /* both did sign it */
    verdict_is(p, "network.validate_state", "claim", claim, "invalid");
    json_decref(result_of(p, "network.validate_state", claim_of(p)));
}

/* --- history ------------------------------------------------------------------------------------ */
static void history_is_newest_first_in_pages(void **state)
{
    struct place *p = *state;
    json_t *page AUTO_JSON = NULL;
    json_t *rest AUTO_JSON = NULL;
    char newest[160];

    open_running(p, 1, 600, 400);
    assert_string_equal(status_name(update(p, "alice", 590, 410)), "ok");
    page = result_of(p, "network.get_transaction_history", json_pack("{s:s, s:i}", "link", "mine", "limit",
                                                                     2));
    assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
    snprintf(newest, sizeof(newest), "%s/2/", p->hex);
    assert_memory_equal(text_in(json_array_get(json_object_get(page, "items"), 0), "transaction"), newest,
                        strlen(newest));
    rest = result_of(p, "network.get_transaction_history",
                     json_pack("{s:s, s:i, s:s}", "link", "mine", "limit", 5, "after", text_in(page,
                                                                                               "next")));
    assert_int_equal(json_array_size(json_object_get(rest, "items")), 1); /* turn 0 */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(link_tells_of_channels_and_of_its_account),
        TEST(what_channels_cannot_do_is_refused_by_name),
        TEST(transfers_inside_a_channel_follow_each_other),
        TEST(same_request_moves_value_once),
        TEST(transfer_waits_for_the_keystore),
        TEST(transfers_that_cannot_be_are_refused),
        TEST(state_that_all_signed_is_confirmed_once),
        TEST(state_that_half_signed_waits_for_the_others),
        TEST(state_that_is_rejected_fails),
        TEST(state_whose_dispute_is_lost_fails),
        TEST(states_that_are_wrong_are_rejected),
        TEST(signed_command_of_channels_runs_once),
        TEST(signed_commands_of_others_are_refused),
        TEST(proof_of_the_newest_state_is_valid_until_a_higher_turn),
        TEST(any_changed_byte_makes_a_proof_invalid),
        TEST(proof_of_an_unknown_channel_needs_its_fixed_part),
        TEST(state_that_gives_more_than_is_held_is_invalid),
        TEST(history_is_newest_first_in_pages),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
