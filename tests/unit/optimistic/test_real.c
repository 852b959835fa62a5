/* The watcher against a proposer who cheats in a real rollup: real batches, the real machine's trace, real
 * witnesses. The node under test operates nothing; it follows, finds out, and plays. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/outbox_tree.h"
#include "kernel_fixture.h"
#include "layer2/optimistic/dispute.h"
#include "layer2/optimistic/honest.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/rollup/data.h"
#include "layer2/rollup/lane.h"
#include "message/message.h"

#include <cmocka.h>

#define SECOND MICROSECONDS_PER_SECOND
#define BOND 1000
#define FUNDS 1000000
#define PATIENCE 60000 /* naps of 2 ms at least */
/* Naps. Pauses grow from sweep to sweep: on a slow machine no clock may run out while the watcher works. */
#define FIRST_SWEEP 50

static const struct module *const modules[] = { &ledger_module, &message_module, &rollup_module,
                                                &game_module,   &fraud_module,   &watch_module, NULL };

struct place {
    struct fixture f;
    uint64_t domain;
    struct hash batch, game;
    char batch_hex[65], game_hex[65];
    char watcher[80];
};

/* Each deposit is an item of 16 steps. */
static void place_open(struct place *p, unsigned deposits)
{
    struct account_id own;
    json_t *made AUTO_JSON = NULL;

    memset(p, 0, sizeof(*p));
    fixture_start(&p->f, NETWORK_DEV, modules);
    own = kernel_account(p->f.kernel);
    address_encode(p->watcher, &own);
    fixture_run(&p->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100000000}");
    fixture_run(&p->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}",
                fixture_address(&p->f, "paul"), FUNDS);
    fixture_run(&p->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}", p->watcher,
                FUNDS);
    made = fixture_do(&p->f, "paul", "rollup.create", "{'assets':[{'asset':'GOLD'}],'bond':%d}", BOND);
    p->domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    for (unsigned i = 0; i < deposits; i++)
        fixture_run(&p->f, "alice", "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'GOLD','amount':5000}",
                    p->domain);
}

static void place_close(struct place *p)
{
    fixture_audit(&p->f);
    fixture_replay(&p->f);
    fixture_stop(&p->f);
}

static void advance(struct place *p, int64_t by_us)
{
    fixture_run(&p->f, "alice", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    p->f.advanced_us += by_us;
    fixture_advance(&p->f, 1);
}

static void await_sql(struct place *p, const char *sql, int64_t expected)
{
    int next = FIRST_SWEEP, pause = FIRST_SWEEP;

    for (int i = 0; i < PATIENCE && fixture_sql(&p->f, sql) != expected; i++) {
        if (i == next) {
            fixture_advance(&p->f, 2 * SECOND + 1);
            pause += pause / 4;
            next += pause;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    assert_int_equal(fixture_sql(&p->f, sql), expected);
}

/* The first batch, with the deposits and these transactions, as it is claimed to be. */
static void propose_claiming(struct place *p, unsigned deposits, struct bytes transactions,
                             const struct hash *claimed, unsigned withdrawn)
{
    struct outbox_tree none = { .count = 0 };
    struct buffer published CLEANUP(buffer_close) = { 0 };
    struct buffer data CLEANUP(buffer_close) = { 0 };
    json_t *made AUTO_JSON = NULL;
    char root[65], withdrawals[65];
    struct hash empty;

    outbox_root(outbox_shape(), &none, &empty);
    hex_text(withdrawals, empty.bytes, sizeof(empty.bytes));
    hex_text(root, claimed->bytes, sizeof(claimed->bytes));
    if (transactions.size > 0)
        data_deflate(transactions, &published);
    buffer_append_hex(&data, published.data, published.size);
    made = fixture_do(&p->f, "paul", "rollup.propose",
                      "{'domain':%" PRIu64 ",'number':1,'root':'%s','withdrawal_root':'%s','withdrawals':%u,"
                      "'inbox_to':%u%s%s%s}", p->domain, root, withdrawals, withdrawn, deposits,
                      published.size > 0 ? ",'data':'" : "", buffer_text(&data),
                      published.size > 0 ? "'" : "");
    snprintf(p->batch_hex, sizeof(p->batch_hex), "%s", json_string_value(json_object_get(made, "batch")));
    assert_true(hex_decode(p->batch.bytes, sizeof(p->batch.bytes), p->batch_hex, 64));
}

/* And a root out of nowhere. */
static void propose_wrong(struct place *p, unsigned deposits, struct bytes transactions)
{
    struct hash wrong;

    tagged_hash(&wrong, "test/wrong", "root", 4);
    propose_claiming(p, deposits, transactions, &wrong, 0);
}

/* --- the cheat: true up to a step, out of nowhere from there on --------------------------------- */
struct cheat {
    struct place *p;
    struct dispute d;
    const struct account_id *who;
    uint64_t lie_from;
    struct batch_trace *trace;
    struct move *moves;
    uint32_t count;
};

static enum status tell(void *context, unsigned __int128 index, struct hash *out, struct error *error)
{
    struct cheat *c = context;
    const uint64_t last = ((uint64_t)1 << c->d.row.max_depth) - 1;
    uint8_t number[8];

    if ((uint64_t)index == last) {
        *out = c->d.game.claims[0].value;
        return OK;
    }
    if ((uint64_t)index < c->lie_from)
        return batch_trace_value(c->trace, index, out, error);
    put_be64(number, (uint64_t)index);
    tagged_hash(out, "test/lie", number, sizeof(number));
    return OK;
}

static enum status think(void *context, struct rollup_state *before, const struct batch *batch,
                         struct error *error)
{
    struct cheat *c = context;
    const struct honest_trace trace = { tell, c };
    struct honest_mark *marks = memory_array(c->d.game.count, sizeof(*marks));
    int64_t now_us = fixture_sql(&c->p->f, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
    enum status status;

    c->moves = memory_array(c->d.game.count, sizeof(*c->moves));
    c->trace = batch_trace_open(before, batch);
    status = honest_moves(&c->d.game, &trace, c->who, now_us, marks, c->moves, &c->count, error);
    batch_trace_close(c->trace);
    free(marks);
    return status;
}

static unsigned play(struct place *p, const char *who, uint64_t lie_from)
{
    struct cheat c = { .p = p, .who = &fixture_key(&p->f, who)->account, .lie_from = lie_from };
    struct database *reader;
    struct error error;
    unsigned taken = 0;

    assert_int_equal(kernel_reader(p->f.kernel, &reader, &error), OK);
    assert_true(dispute_open(reader, &p->game, &c.d));
    dispute_read_all(reader, &c.d);
    if (rollup_with_state(p->f.kernel, reader, &p->batch, think, &c, &error) != OK)
        fail_msg("%s", error.message);
    for (uint32_t i = 0; i < c.count; i++) {
        const struct move *m = &c.moves[i];
        char value[65], disputed[65];

        if ((m->kind != MOVE_ATTACK && m->kind != MOVE_DEFEND) ||
            account_equal(&c.d.game.claims[m->parent].claimant, c.who))
            continue;
        hex_text(value, m->value.bytes, sizeof(m->value.bytes));
        hex_text(disputed, m->disputed.bytes, sizeof(m->disputed.bytes));
        taken += fixture_try(&p->f, who, "game.move",
                             fixture_json("{'game':'%s','claim':%u,'disputed':'%s','kind':'%s','value':'%s'}",
                                          p->game_hex, m->parent, disputed, move_kind_name(m->kind), value),
                             NULL) == OK;
    }
    free(c.moves);
    dispute_close(&c.d);
    database_close(reader);
    return taken;
}

static void await_game(struct place *p)
{
    char sql[200], *hex AUTO_FREE = NULL;

    await_sql(p, "SELECT count(*) FROM game", 1);
    snprintf(sql, sizeof(sql), "SELECT lower(hex(id)) FROM game WHERE batch = x'%s'", p->batch_hex);
    hex = fixture_sql_text(&p->f, sql);
    assert_non_null(hex);
    snprintf(p->game_hex, sizeof(p->game_hex), "%s", hex);
    assert_true(hex_decode(p->game.bytes, sizeof(p->game.bytes), hex, 64));
}

static int64_t held(struct place *p, const char *address)
{
    char sql[300];

    snprintf(sql, sizeof(sql), "SELECT amount FROM balance JOIN account ON account.id = balance.account"
                               " WHERE address = '%s' AND domain = 0", address);
    return fixture_sql(&p->f, sql);
}

/* How many claims of the cheat's nobody has answered yet; the watcher has work to do. */
#define UNANSWERED                                                                                          \
    "SELECT count(*) FROM claim AS c WHERE claimant <> (SELECT id FROM account WHERE address = '%s')"        \
    " AND countered = 0 AND NOT EXISTS (SELECT 1 FROM claim AS a WHERE a.game = c.game"                     \
    " AND a.parent = c.number)"

static void a_wrong_root_is_played_down_to_its_step(unsigned deposits, uint64_t lie_from, bool restart)
{
    struct place p;
    char sql[600];

    place_open(&p, deposits);
    propose_wrong(&p, deposits, bytes_of(NULL, 0));
    await_game(&p);
    snprintf(sql, sizeof(sql), UNANSWERED, p.watcher);
    for (unsigned i = 0; i < 20; i++) {
        if (restart)
            fixture_reopen(&p.f);
        await_sql(&p, sql, 0);
        if (play(&p, "paul", lie_from) == 0)
            break;
        if (restart)
            fixture_reopen(&p.f);
    }
    fixture_audit(&p.f);
    assert_int_equal(fixture_sql(&p.f, "SELECT count(*) FROM event WHERE type = 'watcher.refused'"), 0);
    if (deposits == 3) /* depth 6: the last claim is the cheat's, and the real judge decides */
        assert_int_equal(fixture_sql(&p.f, "SELECT count(*) FROM step"), 1);
    assert_int_equal(fixture_sql(&p.f, "SELECT max(claims - max_depth) FROM game"), 1);
    for (unsigned i = 0; i < 40 && fixture_sql(&p.f, "SELECT paid = claims FROM game") == 0; i++)
        advance(&p, 60 * SECOND);
    assert_int_equal(fixture_sql(&p.f, "SELECT status FROM game"), GAME_DEFEATED);
    assert_int_equal(fixture_sql(&p.f, "SELECT state FROM batch"), BATCH_REJECTED);
    assert_true(fixture_sql(&p.f, "SELECT jailed_until_us FROM rollup") > 0);
    assert_true(held(&p, p.watcher) > FUNDS);
    assert_true(held(&p, fixture_address(&p.f, "paul")) <= FUNDS - BOND);
    place_close(&p);
}

static void steps_of_the_real_machine_decide(void **state)
{
    (void)state;
    for (uint64_t lie_from = 0; lie_from < 64; lie_from += lie_from < 34 ? 1 : 7)
        a_wrong_root_is_played_down_to_its_step(3, lie_from, false);
}

static void or_the_last_claim_is_the_watchers_own(void **state)
{
    (void)state;
    for (uint64_t lie_from = 0; lie_from < 32; lie_from += 5)
        a_wrong_root_is_played_down_to_its_step(1, lie_from, false);
}

static void also_when_the_node_starts_anew_at_every_move(void **state)
{
    (void)state;
    a_wrong_root_is_played_down_to_its_step(3, 5, true);
    a_wrong_root_is_played_down_to_its_step(1, 17, true);
}

static void what_a_typed_proof_can_show_needs_no_game(void **state)
{
    struct item item = { .kind = ITEM_TRANSFER, .from = 0, .nonce = 9, .asset = 0, .output_count = 1,
                         .outputs = { { .to = 1, .amount = 1 } } };
    struct buffer transaction CLEANUP(buffer_close) = { 0 };
    struct place p;
    int64_t before;

    (void)state;
    place_open(&p, 1);
    before = held(&p, p.watcher);
    rollup_transaction_encode(&item, &transaction); /* the operator's account, another nonce, no signature */
    propose_wrong(&p, 1, buffer_bytes(&transaction));
    await_sql(&p, "SELECT count(*) FROM fraud", 1);
    assert_int_equal(fixture_sql(&p.f, "SELECT count(*) FROM game"), 0);
    assert_int_equal(fixture_sql(&p.f, "SELECT state FROM batch"), BATCH_REJECTED);
    assert_int_equal(held(&p, p.watcher), before + BOND / 2);
    place_close(&p);
}

/* What is frozen goes back to whoever paid it, the games' bonds too: a freeze blames nobody. */
static void an_escape_gives_all_bonds_back(void **state)
{
    struct reply reply;
    struct place p;
    int64_t carol;

    (void)state;
    place_open(&p, 1);
    reply = fixture_call(&p.f, "watch.policy", fixture_json("{'play':false}"));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    fixture_run(&p.f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}",
                fixture_address(&p.f, "carol"), FUNDS);
    propose_wrong(&p, 1, bytes_of(NULL, 0));
    fixture_run(&p.f, "alice", "rollup.deposit", "{'domain':%" PRIu64 ",'asset':'GOLD','amount':77}",
                p.domain);
    for (int i = 0; i < 20; i++)
        advance(&p, 30 * SECOND);
    carol = held(&p, fixture_address(&p.f, "carol"));
    fixture_run(&p.f, "carol", "game.challenge", "{'batch':'%s','value':'%064d'}", p.batch_hex, 0);
    advance(&p, 10 * SECOND);
    fixture_run(&p.f, "dave", "rollup.escape", "{'domain':%" PRIu64 "}", p.domain);
    assert_int_equal(fixture_sql(&p.f, "SELECT state FROM batch"), BATCH_VOIDED);
    fixture_audit(&p.f);
    advance(&p, 1);
    advance(&p, 1);
    assert_int_equal(fixture_sql(&p.f, "SELECT count(*) FROM game WHERE status = 3 AND paid = claims"), 1);
    assert_int_equal(held(&p, fixture_address(&p.f, "carol")), carol);
    assert_int_equal(held(&p, fixture_address(&p.f, "paul")), FUNDS);
    assert_int_equal(fixture_sql(&p.f, "SELECT jailed_until_us FROM rollup"), 0);
    place_close(&p);
}

/* The root that a batch of one deposit leads to. */
static void root_of_one_deposit(struct place *p, struct hash *root)
{
    struct account_id operator_ = fixture_key(&p->f, "paul")->account;
    struct rollup_state *state = rollup_state_new(1, &operator_);
    struct item item = { .kind = ITEM_DEPOSIT, .inbox = true, .amount = 5000,
                         .key = fixture_key(&p->f, "alice")->account };
    struct buffer payload CLEANUP(buffer_close) = { 0 };
    struct batch_result result;
    enum item_fault fault;
    struct bytes bytes;
    struct batch batch = { .machine = { .assets = 1, .items = 1, .inbox_items = 1 }, .number = 1,
                           .items = &bytes };
    struct error error;
    uint64_t invalid;

    inbox_item_encode(&item, &payload);
    bytes = buffer_bytes(&payload);
    assert_int_equal(rollup_execute(state, &batch, NULL, &result, NULL, &invalid, &fault, &error), OK);
    *root = result.root;
    rollup_state_free(state);
}

/* A game is about the root: where that is right, and the withdrawals alone are not, the watcher would
 * lose it; also when it finds out in the last quarter of the window only, where it begins games beside
 * its proofs. */
static void a_game_that_it_would_lose_it_does_not_begin(void **state)
{
    struct lane *lane;
    struct hash root;
    struct place p;
    int64_t before;

    (void)state;
    place_open(&p, 1);
    before = held(&p, p.watcher);
    root_of_one_deposit(&p, &root);
    lane = lane_lock(p.f.kernel, p.domain); /* nobody here executes anything for the moment */
    assert_non_null(lane);
    propose_claiming(&p, 1, bytes_of(NULL, 0), &root, 1);
    advance(&p, fixture_sql(&p.f, "SELECT challenge_us * 9 / 10 FROM rollup"));
    lane_unlock(lane);
    await_sql(&p, "SELECT count(*) FROM fraud", 1);
    assert_int_equal(fixture_sql(&p.f, "SELECT count(*) FROM game"), 0);
    assert_int_equal(fixture_sql(&p.f, "SELECT state FROM batch"), BATCH_REJECTED);
    assert_int_equal(held(&p, p.watcher), before + BOND / 2);
    place_close(&p);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_the_real_machine_decide),
        cmocka_unit_test(or_the_last_claim_is_the_watchers_own),
        cmocka_unit_test(also_when_the_node_starts_anew_at_every_move),
        cmocka_unit_test(what_a_typed_proof_can_show_needs_no_game),
        cmocka_unit_test(an_escape_gives_all_bonds_back),
        cmocka_unit_test(a_game_that_it_would_lose_it_does_not_begin),
    };

    crypto_start();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("games about real batches", tests, NULL, NULL);
}
