/* A node with a rollup, and people who dispute its batches: see table.h. */
#include "table.h"

#include <time.h>

#include "base/bech32.h"
#include "layer2/optimistic/optimistic.h"
#include "ledger/ledger.h"

#define PATIENCE 60000 /* naps of 2 ms at least */
/* Naps. Pauses grow from nudge to nudge: on a slow machine no clock may run out while the watcher works. */
#define FIRST_NUDGE 50

static const struct module *const modules[] = { &ledger_module, &stand_in_module, &game_module,
                                                &fraud_module, &watch_module, NULL };

void table_open(struct table *t, uint64_t watcher_funds)
{
    static const char *const people[] = { "paul", "carol", "dave", "erin", "frank" };
    struct account_id own;
    json_t *result AUTO_JSON = NULL;

    memset(t, 0, sizeof(*t));
    atomic_store(&stand_in_not_ready, false);
    fixture_start(&t->f, NETWORK_DEV, modules);
    own = kernel_account(t->f.kernel);
    address_encode(t->watcher, &own);
    fixture_run(&t->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100000000}");
    for (size_t i = 0; i < COUNT_OF(people); i++)
        fixture_run(&t->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%d}",
                    fixture_address(&t->f, people[i]), RICH);
    if (watcher_funds > 0)
        fixture_run(&t->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':%" PRIu64 "}",
                    t->watcher, watcher_funds);
    result = fixture_do(&t->f, "paul", "test.rollup", "{'asset':'GOLD'}");
    t->domain = (uint64_t)json_integer_value(json_object_get(result, "domain"));
}

void table_close(struct table *t)
{
    fixture_audit(&t->f);
    fixture_replay(&t->f);
    fixture_stop(&t->f);
}

/* --- batches ---------------------------------------------------------------------------------- */
static void hex_of(char hex[65], const struct hash *hash)
{
    hex_text(hex, hash->bytes, sizeof(hash->bytes));
}

struct hash value_at(const struct table *t, uint64_t index, uint64_t lie_from)
{
    struct hash value;

    stand_in_value(&value, &t->context, index, lie_from, 7);
    return value;
}

static void propose_after(struct table *t, const char *who, unsigned depth, uint64_t lie_from, bool typed,
                          const struct hash *parent, uint64_t number)
{
    json_t *result AUTO_JSON = NULL;
    struct hash root;
    char root_hex[65], parent_hex[65];

    stand_in_context(&t->context, t->domain, number, parent);
    t->depth = depth;
    root = value_at(t, ((uint64_t)1 << depth) - 1, lie_from);
    hex_of(root_hex, &root);
    hex_of(parent_hex, parent);
    result = fixture_do(&t->f, who, "test.propose",
                        "{'domain':%" PRIu64 ",'depth':%u,'root':'%s','parent':'%s','typed':%s}", t->domain,
                        depth, root_hex, parent_hex, typed ? "true" : "false");
    snprintf(t->batch_hex, sizeof(t->batch_hex), "%s", json_string_value(json_object_get(result, "batch")));
    assert_true(hex_decode(t->batch.bytes, sizeof(t->batch.bytes), t->batch_hex, 64));
}

void propose(struct table *t, const char *who, unsigned depth, uint64_t lie_from, bool typed)
{
    static const struct hash none;

    propose_after(t, who, depth, lie_from, typed, &none, 1);
}

void propose_child(struct table *t, const char *who, unsigned depth, uint64_t lie_from)
{
    const struct hash parent = t->batch;
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT number FROM test_batch WHERE id = x'%s'", t->batch_hex);
    propose_after(t, who, depth, lie_from, false, &parent, (uint64_t)fixture_sql(&t->f, sql) + 1);
}

const char *batch_state(struct table *t)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT state FROM test_batch WHERE id = x'%s'", t->batch_hex);
    return batch_state_name((enum batch_state)fixture_sql(&t->f, sql));
}

/* --- moves ------------------------------------------------------------------------------------ */
bool find_game(struct table *t)
{
    char sql[200], *hex AUTO_FREE = NULL;

    snprintf(sql, sizeof(sql), "SELECT lower(hex(id)) FROM game WHERE batch = x'%s' ORDER BY begun_seq DESC",
             t->batch_hex);
    hex = fixture_sql_text(&t->f, sql);
    if (hex == NULL)
        return false;
    snprintf(t->game_hex, sizeof(t->game_hex), "%s", hex);
    assert_true(hex_decode(t->game.bytes, sizeof(t->game.bytes), t->game_hex, 64));
    return true;
}

enum status challenge(struct table *t, const char *who, uint64_t lie_from)
{
    const struct hash value = value_at(t, ((uint64_t)1 << (t->depth - 1)) - 1, lie_from);
    enum status status;
    char hex[65];

    hex_of(hex, &value);
    status = fixture_try(&t->f, who, "game.challenge",
                         fixture_json("{'batch':'%s','value':'%s'}", t->batch_hex, hex), NULL);
    if (status == OK)
        assert_true(find_game(t));
    return status;
}

enum status move_at(struct table *t, const char *who, uint32_t parent, const char *kind,
                    const struct hash *value)
{
    char sql[300], hex[65], *disputed AUTO_FREE = NULL;

    hex_of(hex, value);
    snprintf(sql, sizeof(sql), "SELECT lower(hex(value)) FROM claim WHERE game = x'%s' AND number = %" PRIu32,
             t->game_hex, parent);
    disputed = fixture_sql_text(&t->f, sql);
    return fixture_try(&t->f, who, "game.move",
                       fixture_json("{'game':'%s','claim':%" PRIu32 ",'disputed':'%s','kind':'%s',"
                                    "'value':'%s'}", t->game_hex, parent, disputed != NULL ? disputed : hex,
                                    kind, hex), NULL);
}

enum status step_at(struct table *t, const char *who, uint32_t claim, const char *kind, const char *witness)
{
    char hex[200];

    hex_text(hex, witness, strlen(witness));
    return fixture_try(&t->f, who, "game.step",
                       fixture_json("{'game':'%s','claim':%" PRIu32 ",'kind':'%s','witness':'%s'}",
                                    t->game_hex, claim, kind, hex), NULL);
}

void read_game(struct table *t, struct dispute *d)
{
    struct database *reader;
    struct error error;

    assert_int_equal(kernel_reader(t->f.kernel, &reader, &error), OK);
    assert_true(dispute_open(reader, &t->game, d));
    dispute_read_all(reader, d);
    database_close(reader);
}

struct telling {
    const struct table *table;
    uint64_t lie_from;
};

static enum status tell_value(void *context, unsigned __int128 index, struct hash *out, struct error *error)
{
    const struct telling *telling = context;

    (void)error;
    *out = value_at(telling->table, (uint64_t)index, telling->lie_from);
    return OK;
}

static int64_t chain_time(struct table *t)
{
    return fixture_sql(&t->f, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
}

/* What somebody with this trace would do now; moves against his own claims left out. */
static struct move *moves_of(struct table *t, struct dispute *d, const struct account_id *who,
                             uint64_t lie_from, uint32_t *count)
{
    struct telling telling = { t, lie_from };
    const struct honest_trace trace = { tell_value, &telling };
    struct honest_mark *marks = memory_array(d->game.count, sizeof(*marks));
    struct move *moves = memory_array(d->game.count, sizeof(*moves));
    struct error error;
    uint32_t all, kept = 0;

    assert_int_equal(honest_moves(&d->game, &trace, who, chain_time(t), marks, moves, &all, &error), OK);
    for (uint32_t i = 0; i < all; i++) {
        if (!account_equal(&d->game.claims[moves[i].parent].claimant, who))
            moves[kept++] = moves[i];
    }
    free(marks);
    *count = kept;
    return moves;
}

unsigned play_all(struct table *t, const char *who, uint64_t lie_from)
{
    const struct account_id account = fixture_key(&t->f, who)->account;
    struct dispute d;
    struct move *moves;
    unsigned taken = 0;
    uint32_t count;

    read_game(t, &d);
    moves = moves_of(t, &d, &account, lie_from, &count);
    for (uint32_t i = 0; i < count; i++) {
        bool attacks = moves[i].kind == MOVE_ATTACK || moves[i].kind == MOVE_STEP_ATTACK;

        if (moves[i].kind == MOVE_ATTACK || moves[i].kind == MOVE_DEFEND)
            taken += move_at(t, who, moves[i].parent, attacks ? "attack" : "defend", &moves[i].value) == OK;
        else
            taken += step_at(t, who, moves[i].parent, attacks ? "attack" : "defend", STAND_IN_WITNESS) == OK;
    }
    free(moves);
    dispute_close(&d);
    return taken;
}

void await_watcher(struct table *t)
{
    const struct account_id own = kernel_account(t->f.kernel);
    const struct timespec nap = { .tv_nsec = 2000000 };
    struct dispute d;
    uint32_t count = 1;

    for (int i = 0; i < PATIENCE && count > 0; i++) {
        read_game(t, &d);
        free(moves_of(t, &d, &own, NEVER_LIES, &count));
        dispute_close(&d);
        if (count > 0)
            nanosleep(&nap, NULL);
    }
    assert_int_equal(count, 0);
}

void await_sql(struct table *t, const char *sql, int64_t expected)
{
    const struct timespec nap = { .tv_nsec = 2000000 };
    int next = FIRST_NUDGE, pause = FIRST_NUDGE;

    for (int i = 0; i < PATIENCE && fixture_sql(&t->f, sql) != expected; i++) {
        if (i == next) {
            nudge(t);
            pause += pause / 4;
            next += pause;
        }
        nanosleep(&nap, NULL);
    }
    assert_int_equal(fixture_sql(&t->f, sql), expected);
}

/* --- time and money --------------------------------------------------------------------------- */
void advance(struct table *t, int64_t by_us)
{
    fixture_run(&t->f, "alice", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    t->f.advanced_us += by_us;
    fixture_advance(&t->f, 1);
}

void nudge(struct table *t)
{
    fixture_advance(&t->f, 2 * SECOND + 1);
}

int64_t held_by(struct table *t, const char *address)
{
    char sql[400];

    snprintf(sql, sizeof(sql), "SELECT coalesce((SELECT amount FROM balance JOIN account ON account.id ="
                               " balance.account JOIN asset ON asset.id = asset WHERE address = '%s'"
                               " AND symbol = 'GOLD'), 0)", address);
    return fixture_sql(&t->f, sql);
}

int64_t held_by_person(struct table *t, const char *who)
{
    return held_by(t, fixture_address(&t->f, who));
}

void play_out(struct table *t)
{
    char sql[200];

    snprintf(sql, sizeof(sql), "SELECT paid = claims FROM game WHERE id = x'%s'", t->game_hex);
    for (int i = 0; i < 200 && fixture_sql(&t->f, sql) == 0; i++)
        advance(t, CLOCK_US / 4);
    assert_int_equal(fixture_sql(&t->f, sql), 1);
}
