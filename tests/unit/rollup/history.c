/* The world of random histories: see history.h. */
#include "history.h"

#include <unistd.h>

#include "crypto/hash.h"

const char *const users[USERS] = { "ann", "ben", "cid" };
const char *const symbols[ASSETS] = { "GOLD", "DEV" };

#define RICH 1000000
#define SALT_AGAIN 1000000 /* transactions of a node that goes on are others than those before it */

/* The honest party by hand: the same modules without what this node does by itself. */
static struct module quiet_rollup_module, quiet_game_module;
static const struct module *const node_modules[] = { &ledger_module, &message_module, &rollup_module,
                                                     &game_module, &fraud_module, NULL };
static const struct module *const quiet_modules[] = { &ledger_module, &message_module, &quiet_rollup_module,
                                                      &quiet_game_module, &fraud_module, NULL };

uint64_t roll(struct history *h, uint64_t below)
{
    h->random ^= h->random >> 12;
    h->random ^= h->random << 25;
    h->random ^= h->random >> 27;
    return (h->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

bool one_in(struct history *h, uint64_t times)
{
    return roll(h, times) == 0;
}

void hex_of(char hex[65], const struct hash *hash)
{
    hex_text(hex, hash->bytes, sizeof(hash->bytes));
}

enum status attempt(struct history *h, const char *who, const char *method, json_t *params)
{
    return fixture_try(&h->f, who, method, params, NULL);
}

/* --- the beginning and the end ------------------------------------------------------------------ */
static void open_reader(struct history *h)
{
    struct error error;

    if (kernel_reader(h->f.kernel, &h->reader, &error) != OK)
        fail_msg("%s", error.message);
    database_snapshot_begin(h->reader);
}

static void close_reader(struct history *h)
{
    database_snapshot_end(h->reader);
    database_close(h->reader);
    h->reader = NULL;
}

static void make_rich(struct history *h, const char *address)
{
    fixture_run(&h->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}", address, RICH);
    fixture_run(&h->f, "alice", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':%d}", address,
                RICH / 100);
}

#define CREATE_FORMAT \
    "{'assets':[{'asset':'GOLD'},{'asset':'DEV'}],'bond':%d,'bond_numerator':11,'bond_denominator':10," \
    "'burn_ppm':%d,'challenge':%" PRId64 ",'clock':%" PRId64 ",'extension':%" PRId64 ",'step_extension':%" \
    PRId64 ",'air_gap':%" PRId64 ",'payout_delay':%" PRId64 ",'forced':%" PRId64 ",'escape':%" PRId64 \
    ",'jail':%" PRId64 "%s}"
/* Windows on the network of tests are a thousandth of what is asked for. */
#define CREATE_VALUES(more) \
    BOND, BURN_PPM, 1000 * CHALLENGE_US, 1000 * CLOCK_US, 1000 * EXTENSION_US, 1000 * STEP_EXTENSION_US, \
        1000 * AIR_GAP_US, 1000 * PAYOUT_US, 1000 * FORCED_US, 1000 * ESCAPE_US, 1000 * JAIL_US, more

static void make_sides(struct history *h)
{
    char own[65], more[100] = "";
    struct account_id account = kernel_account(h->f.kernel);

    fixture_run(&h->f, "paul", "rollup.create", CREATE_FORMAT, CREATE_VALUES(""));
    hex_text(own, account.bytes, sizeof(account.bytes));
    if (h->honest == HONEST_NODE)
        snprintf(more, sizeof(more), ",'operator':'%s'", own);
    fixture_run(&h->f, "olga", "rollup.create", CREATE_FORMAT, CREATE_VALUES(more));
    if (h->honest == HONEST_NODE) {
        struct reply reply = fixture_call(&h->f, "rollup.sequencer",
                                          fixture_json("{'domain':2,'enabled':true,'batch_time':'5s'}"));

        if (reply.status != OK)
            fail_msg("%s", reply.error.message);
        reply_close(&reply);
        make_rich(h, own);
    }
}

static void make_quiet(struct module *quiet, const struct module *module)
{
    *quiet = *module;
    quiet->reactions = NULL;
    quiet->reaction_count = 0;
    quiet->sweeps = NULL;
    quiet->sweep_count = 0;
    quiet->memory_open = NULL;
    quiet->memory_close = NULL;
}

static void name_sides(struct history *h)
{
    h->sides[0] = (struct side){ .domain = 1, .operator_ = "paul" };
    h->sides[1] = (struct side){ .domain = 2, .operator_ = h->honest == HONEST_NODE ? NULL : "olga" };
}

static void take_stock(struct history *h)
{
    open_reader(h);
    for (size_t i = 0; i < ASSETS; i++)
        h->supply[i] = held_of(h, symbols[i]) + (i == 0 ? burned_so_far(h) : 0);
    history_look(h);
}

void history_open(struct history *h, const char *directory, struct counts *counts)
{
    memset(h, 0, sizeof(*h));
    h->honest = HONEST_NODE;
    h->random = 1;
    h->counts = counts;
    fixture_open(&h->f, NETWORK_DEV, node_modules, directory);
    h->f.salt = SALT_AGAIN;
    h->f.advanced_us = 24 * 3600 * SECOND; /* its transactions live longer than that node moved its time */
    name_sides(h);
    h->party = kernel_account(h->f.kernel);
    take_stock(h);
}

void history_begin(struct history *h, uint64_t seed, enum honest_party honest, struct counts *counts)
{
    static const char *const people[] = { "ann", "ben", "cid", "paul", "olga", "eve", "dave", "fred",
                                         "wanda" };

    memset(h, 0, sizeof(*h));
    h->honest = honest;
    h->random = seed * 2 + 1;
    h->counts = counts;
    make_quiet(&quiet_rollup_module, &rollup_module);
    make_quiet(&quiet_game_module, &game_module);
    fixture_start(&h->f, NETWORK_DEV, honest == HONEST_NODE ? node_modules : quiet_modules);
    fixture_run(&h->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100000000}");
    fixture_run(&h->f, "alice", "dev.faucet", "{'amount':1000000}");
    for (size_t i = 0; i < COUNT_OF(people); i++)
        make_rich(h, fixture_address(&h->f, people[i]));
    name_sides(h);
    make_sides(h);
    h->party = honest == HONEST_NODE ? kernel_account(h->f.kernel) : fixture_key(&h->f, "wanda")->account;
    take_stock(h);
}

static void forget_model(struct side *side)
{
    rollup_state_free(side->state);
    side->state = NULL;
    side->count = 0;
    side->withdrawal_count = 0;
}

void history_end(struct history *h)
{
    for (size_t i = 0; i < SIDES; i++) {
        json_t *answer AUTO_JSON = fixture_query(&h->f, "rollup.rebuild", "{'domain':%" PRIu64 "}",
                                                 h->sides[i].domain);

        if (!json_is_true(json_object_get(answer, "equal")))
            fail_msg("rebuild: %s", json_string_value(json_object_get(answer, "difference")));
        forget_model(&h->sides[i]);
    }
    close_reader(h);
    fixture_audit(&h->f);
    fixture_replay(&h->f);
    fixture_stop(&h->f);
}

void history_restart(struct history *h)
{
    close_reader(h);
    fixture_reopen(&h->f);
    open_reader(h);
    h->counts->restarts++;
}

void history_crash(struct history *h)
{
    char *copying AUTO_FREE = text_format("cp -r '%s' '%s+'", h->f.directory, h->f.directory);
    char *removing AUTO_FREE = text_format("rm -rf '%s'", h->f.directory);
    size_t length = strlen(h->f.directory);

    assert_true(length + 2 < sizeof(h->f.directory));
    /* The files are copied one after the other: that no checkpoint comes between them is due to the snapshot,
     * behind which none moves anything. */
    assert_int_equal(system(copying), 0);
    close_reader(h);
    kernel_stop(h->f.kernel, "its files were copied while it ran");
    h->f.kernel = NULL;
    memcpy(h->f.directory + length, "+", 2);
    fixture_reopen(&h->f);
    assert_int_equal(system(removing), 0);
    open_reader(h);
    h->counts->crashes++;
}

/* --- asking ------------------------------------------------------------------------------------- */
__attribute__((format(printf, 2, 0))) static char *ask_list(struct history *h, const char *format,
                                                            va_list arguments)
{
    char *sql AUTO_FREE = NULL, *text = NULL;
    sqlite3_stmt *statement;
    sqlite3 *database = database_handle(h->reader);

    assert_true(vasprintf(&sql, format, arguments) >= 0);
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(database), sql);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        text = text_copy((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

char *ask_text(struct history *h, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = ask_list(h, format, arguments);
    va_end(arguments);
    return text;
}

int64_t ask(struct history *h, const char *format, ...)
{
    char *text AUTO_FREE = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = ask_list(h, format, arguments);
    va_end(arguments);
    return text == NULL ? -1 : strtoll(text, NULL, 10);
}

int64_t held_of(struct history *h, const char *symbol)
{
    return ask(h, "SELECT sum(amount) FROM balance JOIN asset ON asset.id = asset WHERE symbol = '%s'",
               symbol);
}

int64_t burned_so_far(struct history *h)
{
    return ask(h, "SELECT (SELECT coalesce(sum(burned), 0) FROM payout) +"
                  " (SELECT coalesce(sum(burned), 0) FROM fraud)");
}

/* --- the model ---------------------------------------------------------------------------------- */
const struct truth *truth_of(const struct history *h, const struct hash *batch)
{
    for (size_t i = 0; i < h->truth_count; i++) {
        if (hash_equal(&h->truths[i].batch, batch))
            return &h->truths[i];
    }
    return NULL;
}

static void note_truth(struct history *h, const struct hash *batch, bool right, bool root_right)
{
    const struct truth *known = truth_of(h, batch);

    if (known != NULL) {
        assert_true(known->right == right && known->root_right == root_right);
        return;
    }
    assert_true(h->truth_count < TRUTHS_MAX);
    h->truths[h->truth_count++] = (struct truth){ *batch, right, root_right };
}

static bool result_equal(const struct batch_result *a, const struct batch_result *b)
{
    return hash_equal(&a->root, &b->root) && hash_equal(&a->withdrawal_root, &b->withdrawal_root) &&
           a->withdrawals == b->withdrawals;
}

/* Executed on the state, which stays as it was when the batch is wrong. */
static bool execute(struct history *h, const struct side *side, struct rollup_state *state,
                    const struct batch_row *row, struct batch_effects *effects, bool *root_right)
{
    struct arena arena CLEANUP(arena_close);
    struct batch_result result;
    enum item_fault fault;
    struct batch batch;
    struct error error;
    enum status status;
    uint64_t invalid;

    arena_init(&arena);
    if (batch_load(h->reader, &side->rollup, row, &arena, &batch, &error) != OK)
        fail_msg("%s", error.message);
    status = rollup_execute(state, &batch, NULL, &result, effects, &invalid, &fault, &error);
    *root_right = status == OK && hash_equal(&result.root, &row->result.root);
    if (status == ERROR_INVALID_BATCH)
        return false;
    if (status != OK)
        fail_msg("%s", error.message);
    if (result_equal(&result, &row->result))
        return true;
    rollup_revert(state, effects->changes, effects->change_count);
    batch_effects_close(effects);
    return false;
}

static bool still_stands(struct history *h, const struct side *side)
{
    struct batch_row row;

    for (size_t i = 0; i < side->count; i++) {
        if (!batch_find_number(h->reader, side->domain, i + 1, &row) ||
            !hash_equal(&row.id, &side->batches[i]))
            return false;
    }
    return true;
}

static void take_up(struct side *side, const struct batch_row *row, struct batch_effects *effects)
{
    assert_true(side->count < BATCHES_MAX);
    side->batches[side->count++] = row->id;
    for (size_t i = 0; i < effects->withdrawal_count; i++) {
        assert_true(side->withdrawal_count < WITHDRAWALS_MAX);
        side->withdrawals[side->withdrawal_count++] = effects->withdrawals[i];
    }
    batch_effects_close(effects);
}

/* Something that it executed was taken back: a run without it begins from nothing. */
static void follow(struct history *h, struct side *side)
{
    struct batch_effects effects;
    struct batch_row row;
    bool root_right;

    INVARIANT(rollup_find(h->reader, side->domain, &side->rollup), "no rollup");
    if (!still_stands(h, side))
        forget_model(side);
    if (side->state == NULL)
        side->state = rollup_state_new(side->rollup.assets, &side->rollup.operator_);
    side->wrong = false;
    while (!side->wrong && batch_find_number(h->reader, side->domain, side->count + 1, &row)) {
        side->wrong = !execute(h, side, side->state, &row, &effects, &root_right);
        note_truth(h, &row.id, !side->wrong, root_right);
        if (side->wrong)
            side->wrong_batch = row.id;
        else
            take_up(side, &row, &effects);
    }
}

struct rollup_state *model_at(struct history *h, const struct side *side, size_t batches)
{
    struct rollup_state *state = rollup_state_new(side->rollup.assets, &side->rollup.operator_);
    struct batch_effects effects;
    struct batch_row row;
    bool root_right;

    assert_true(batches <= side->count);
    for (size_t i = 0; i < batches; i++) {
        assert_true(batch_find(h->reader, &side->batches[i], &row));
        assert_true(execute(h, side, state, &row, &effects, &root_right));
        batch_effects_close(&effects);
    }
    return state;
}

void history_look(struct history *h)
{
    struct error error;

    database_snapshot_end(h->reader);
    if (database_failure(h->reader, &error) != OK)
        fail_msg("%s", error.message);
    database_snapshot_begin(h->reader);
    h->now_us = ask(h, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
    for (size_t i = 0; i < SIDES; i++)
        follow(h, &h->sides[i]);
}

void history_advance(struct history *h, int64_t by_us)
{
    fixture_run(&h->f, "alice", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    h->f.advanced_us += by_us;
    fixture_run(&h->f, "alice", "ledger.transfer", "{'to':'%s','asset':'DEV','amount':1}",
                fixture_address(&h->f, "ann")); /* a block at that time, whether anything was due or not */
    fixture_advance(&h->f, 0);                  /* and what waits for a sweep */
    history_look(h);
}
