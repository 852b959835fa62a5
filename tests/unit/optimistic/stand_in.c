/* A room of rollups for the tests of games: see stand_in.h. */
#include "stand_in.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "kernel/execution.h"

#define WINDOW "test.window"
#define CHILDREN_MAX 4096

atomic_bool stand_in_not_ready;
void (*batch_before_void)(struct execution *x, const struct hash *id, const char *reason);

/* --- the trace -------------------------------------------------------------------------------- */
void stand_in_context(struct hash *out, uint64_t domain, uint64_t number, const struct hash *parent)
{
    uint8_t bytes[16 + 32];

    put_be64(bytes, domain);
    put_be64(bytes + 8, number);
    memcpy(bytes + 16, parent->bytes, 32);
    tagged_hash(out, "test/context", bytes, sizeof(bytes));
}

static void step_of(struct hash *out, const char *tag, const struct hash *pre, uint64_t index)
{
    uint8_t bytes[40];

    memcpy(bytes, pre->bytes, 32);
    put_be64(bytes + 32, index);
    tagged_hash(out, tag, bytes, sizeof(bytes));
}

void stand_in_value(struct hash *out, const struct hash *context, uint64_t index, uint64_t lie_from,
                    uint64_t seed)
{
    batch_prestate(NULL, context, out);
    for (uint64_t i = 0; i <= index; i++) {
        if (i == lie_from) {
            struct hash salt = *out;

            put_be64(salt.bytes, seed);
            step_of(out, "test/lie", &salt, i);
        } else {
            step_of(out, "test/step", out, i);
        }
    }
}

void batch_prestate(const struct batch *batch, const struct hash *context, struct hash *out)
{
    (void)batch;
    tagged_hash(out, "test/prestate", context->bytes, sizeof(context->bytes));
}

unsigned batch_game_depth(uint64_t items)
{
    return (unsigned)items;
}

void batch_root_claim(const struct hash *context, unsigned depth, const struct hash *root, struct hash *out)
{
    (void)context, (void)depth;
    *out = *root;
}

enum status machine_judge(const struct machine_batch *batch, const struct hash *context,
                          const struct hash *items_root, uint64_t index, const struct hash *pre,
                          const struct hash *post, struct bytes witness, bool *right, struct error *error)
{
    struct hash expected;

    (void)batch, (void)context, (void)items_root;
    if (!bytes_equal(witness, bytes_of_text(STAND_IN_WITNESS)))
        return error_set(error, ERROR_INVALID_WITNESS, "not the step");
    step_of(&expected, "test/step", pre, index);
    *right = hash_equal(&expected, post);
    return OK;
}

struct rollup_state {
    struct batch_row row;
    bool typed;
};

struct batch_trace {
    struct hash context;
};

struct batch_trace *batch_trace_open(struct rollup_state *before, const struct batch *batch)
{
    struct batch_trace *trace = memory_new(sizeof(*trace));

    (void)batch;
    trace->context = before->row.context;
    return trace;
}

void batch_trace_close(struct batch_trace *trace)
{
    free(trace);
}

enum status batch_trace_value(void *trace, unsigned __int128 index, struct hash *out, struct error *error)
{
    (void)error;
    stand_in_value(out, &((struct batch_trace *)trace)->context, (uint64_t)index, NEVER_LIES, 0);
    return OK;
}

enum status batch_trace_witness(struct batch_trace *trace, uint64_t index, struct buffer *witness,
                                struct error *error)
{
    (void)trace, (void)index, (void)error;
    buffer_append_text(witness, STAND_IN_WITNESS);
    return OK;
}

/* --- fraud ------------------------------------------------------------------------------------ */
const char *fraud_kind_name(enum fraud_kind kind)
{
    (void)kind;
    return "bad_nonce";
}

bool rollup_fraud_prove(struct rollup_state *before, const struct batch *batch,
                        const struct batch_result *claimed, struct buffer *proof)
{
    (void)batch, (void)claimed;
    if (before->typed)
        buffer_append_text(proof, STAND_IN_PROOF);
    return before->typed;
}

enum status fraud_verify(const struct batch *batch, const struct batch_result *claimed, struct bytes proof,
                         enum fraud_kind *kind, struct error *error)
{
    (void)claimed;
    if (!bytes_equal(proof, bytes_of_text(STAND_IN_PROOF)))
        return error_set(error, ERROR_INVALID_WITNESS, "not the proof");
    if (batch->items[0].size == 0)
        return error_set(error, ERROR_NOT_FRAUD, "nothing is wrong with it");
    *kind = FRAUD_NONCE;
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */
static void genesis(struct execution *x)
{
    database_execute(execution_database(x),
                     "CREATE TABLE test_rollup (domain INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
                     "CREATE TABLE test_batch (id BLOB PRIMARY KEY, domain INTEGER NOT NULL,"
                     " number INTEGER NOT NULL, state INTEGER NOT NULL, typed INTEGER NOT NULL,"
                     " body BLOB NOT NULL) STRICT;"
                     "CREATE INDEX test_batch_number ON test_batch (domain, number) WHERE state < 4");
}

bool rollup_find(struct database *database, uint64_t domain, struct rollup *rollup)
{
    struct statement *s = statement(database, "SELECT body FROM test_rollup WHERE domain = ?");

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return false;
    column_fixed(s, "body", rollup, sizeof(*rollup));
    statement_finish(s);
    return true;
}

static bool read_batch(struct statement *s, struct rollup_state *found)
{
    if (!statement_row(s))
        return false;
    column_fixed(s, "body", &found->row, sizeof(found->row));
    found->row.state = (enum batch_state)column_integer(s, "state");
    found->typed = column_integer(s, "typed") != 0;
    statement_finish(s);
    return true;
}

static bool find(struct database *database, const struct hash *id, struct rollup_state *found)
{
    struct statement *s = statement(database, "SELECT state, typed, body FROM test_batch WHERE id = ?");

    bind_blob(s, id->bytes, sizeof(id->bytes));
    return read_batch(s, found);
}

bool batch_find(struct database *database, const struct hash *id, struct batch_row *row)
{
    struct rollup_state found;

    if (!find(database, id, &found))
        return false;
    *row = found.row;
    return true;
}

bool batch_find_number(struct database *database, uint64_t domain, uint64_t number, struct batch_row *row)
{
    struct statement *s = statement(database, "SELECT state, typed, body FROM test_batch WHERE domain = ?"
                                              " AND number = ? AND state < 4");
    struct rollup_state found;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    if (!read_batch(s, &found))
        return false;
    *row = found.row;
    return true;
}

const char *batch_state_name(enum batch_state state)
{
    static const char *const names[] = { "proposed", "challenged", "accepted", "final",
                                         "rejected", "parent_rejected", "voided" };

    return names[state];
}

enum status batch_load(struct database *database, const struct rollup *rollup, const struct batch_row *row,
                       struct arena *arena, struct batch *batch, struct error *error)
{
    struct rollup_state found;
    struct bytes *items = arena_new(arena, sizeof(*items));

    (void)error, (void)rollup;
    INVARIANT(find(database, &row->id, &found), "no such batch");
    items[0] = bytes_of_text(found.typed ? "wrong" : "");
    *batch = (struct batch){ .number = row->number, .items = items };
    return OK;
}

void batch_bond_account(struct account_id *account, const struct hash *batch)
{
    struct hash id;

    tagged_hash(&id, "test/bond", batch->bytes, sizeof(batch->bytes));
    memcpy(account->bytes, id.bytes, sizeof(id.bytes));
}

/* --- what becomes of a batch ------------------------------------------------------------------ */
static void set_state(struct execution *x, const struct hash *id, enum batch_state state)
{
    struct statement *s = statement(execution_database(x), "UPDATE test_batch SET state = ? WHERE id = ?");

    bind_integer(s, state);
    bind_blob(s, id->bytes, sizeof(id->bytes));
    (void)statement_run(s);
}

/* Stands for the rollup room's own events. */
static void tell(struct execution *x, const struct account_id *from, const struct account_id *to,
                 const struct rollup *rollup, uint64_t amount)
{
    struct asset asset;

    INVARIANT(asset_find(x, &rollup->bond_asset, &asset) == OK, "no asset");
    if (balance_of(x, DOMAIN_BASE, &asset, from) == 0)
        return; /* a game has it */
    INVARIANT(balance_move(x, DOMAIN_BASE, &asset, from, to, amount, NULL) == OK, "a bond is not there");
    event_transferred(x, &(struct event_transferred){ .from = *from, .to = *to, .asset = asset.symbol,
                                                      .amount = amount });
}

static void end_with_bond(struct execution *x, const struct hash *id, enum batch_state state)
{
    struct rollup rollup;
    struct batch_row row;
    struct account_id held;

    INVARIANT(batch_find(execution_database(x), id, &row) &&
                  rollup_find(execution_database(x), row.domain, &rollup), "no such batch");
    batch_bond_account(&held, id);
    tell(x, &held, &row.proposer, &rollup, row.bond);
    set_state(x, id, state);
}

enum status batch_open_to_challenge(struct execution *x, const struct hash *id, struct batch_row *row)
{
    if (!batch_find(execution_database(x), id, row))
        return fail(x, ERROR_BATCH_NOT_FOUND, "no such batch");
    if (row->state == BATCH_CHALLENGED ||
        (row->state == BATCH_PROPOSED && execution_chain_time(x) < row->window_end_us))
        return OK;
    return fail(x, ERROR_BATCH_NOT_OPEN, "it is %s", batch_state_name(row->state));
}

void batch_challenged(struct execution *x, const struct hash *id)
{
    set_state(x, id, BATCH_CHALLENGED);
}

void batch_defended(struct execution *x, const struct hash *id)
{
    struct batch_row row;

    INVARIANT(batch_find(execution_database(x), id, &row), "no such batch");
    set_state(x, id, BATCH_PROPOSED);
    if (row.window_end_us <= execution_chain_time(x))
        deadline_set(x, CLOCK_CHAIN, execution_chain_time(x) + 1, WINDOW, bytes_of(id->bytes, 32));
}

static void window_over(struct execution *x, struct bytes subject)
{
    struct batch_row row;
    struct hash id;

    memcpy(id.bytes, subject.data, sizeof(id.bytes));
    INVARIANT(batch_find(execution_database(x), &id, &row), "no such batch");
    if (row.state == BATCH_PROPOSED)
        end_with_bond(x, &id, BATCH_ACCEPTED);
}

size_t batch_descendants(struct execution *x, const struct hash *id, struct arena *arena, struct hash **ids)
{
    struct batch_row row, child;
    size_t count = 0;

    INVARIANT(batch_find(execution_database(x), id, &row), "no such batch");
    *ids = arena_new(arena, CHILDREN_MAX * sizeof(**ids));
    while (count < CHILDREN_MAX &&
           batch_find_number(execution_database(x), row.domain, row.number + 1 + count, &child))
        (*ids)[count++] = child.id;
    return count;
}

static void take_back(struct execution *x, const struct hash *id, enum batch_state state)
{
    struct arena arena CLEANUP(arena_close);
    struct hash *ids;
    size_t count;

    arena_init(&arena);
    count = batch_descendants(x, id, &arena, &ids);
    for (size_t i = 0; i < count; i++)
        end_with_bond(x, &ids[i], BATCH_PARENT_REJECTED);
    set_state(x, id, state);
}

static void jail(struct execution *x, const struct hash *id)
{
    struct statement *s =
        statement(execution_database(x), "UPDATE test_rollup SET body = ? WHERE domain = ?");
    struct rollup rollup;
    struct batch_row row;

    INVARIANT(batch_find(execution_database(x), id, &row) &&
                  rollup_find(execution_database(x), row.domain, &rollup), "no such batch");
    rollup.jailed_until_us = execution_chain_time(x) + rollup.jail_us;
    bind_blob(s, &rollup, sizeof(rollup));
    bind_integer(s, (int64_t)row.domain);
    (void)statement_run(s);
}

void batch_reject(struct execution *x, const struct hash *id, const char *reason)
{
    (void)reason;
    take_back(x, id, BATCH_REJECTED);
    jail(x, id);
}

void batch_void(struct execution *x, const struct hash *id)
{
    take_back(x, id, BATCH_VOIDED);
}

/* --- this node's own -------------------------------------------------------------------------- */
bool batch_verdict_read(struct database *database, const struct hash *id, struct batch_verdict *verdict)
{
    struct batch_row row;

    if (!batch_find(database, id, &row))
        return false;
    *verdict = (struct batch_verdict){ .right = false };
    stand_in_value(&verdict->result.root, &row.context, ((uint64_t)1 << row.items) - 1, NEVER_LIES, 0);
    verdict->right = hash_equal(&verdict->result.root, &row.result.root);
    return true;
}

size_t batch_list_wrong(struct database *database, const struct hash *after, struct hash *ids, size_t most)
{
    struct statement *s = statement(database, "SELECT id FROM test_batch WHERE state < 2 AND id > ?"
                                              " ORDER BY id LIMIT ?");
    struct hash *found = memory_array(most, sizeof(*found));
    size_t count = 0, wrong = 0;
    struct batch_verdict verdict;

    bind_blob(s, after->bytes, sizeof(after->bytes));
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        column_fixed(s, "id", found[count++].bytes, sizeof(found[0].bytes));
    for (size_t i = 0; i < count; i++) {
        if (batch_verdict_read(database, &found[i], &verdict) && !verdict.right)
            ids[wrong++] = found[i];
    }
    free(found);
    return wrong;
}

enum status rollup_with_state(struct kernel *kernel, struct database *database, const struct hash *batch,
                              enum status (*use)(void *context, struct rollup_state *before,
                                                 const struct batch *batch, struct error *error),
                              void *context, struct error *error)
{
    struct rollup_state before;
    const struct batch outline = { .number = 0 };

    (void)kernel;
    if (atomic_load(&stand_in_not_ready) || !find(database, batch, &before))
        return error_set(error, ERROR_NOT_READY, "not that far");
    return use(context, &before, &outline, error);
}

/* --- commands --------------------------------------------------------------------------------- */
struct make { struct asset_id asset; };
static const struct param make_params[] = { PARAM(struct make, asset, ASSET, REQUIRED, "of bonds") };

static enum status make(struct execution *x, const void *params, struct writer *result)
{
    const struct make *p = params;
    struct statement *s = statement(execution_database(x), "INSERT INTO test_rollup (body) VALUES (?)");
    struct rollup rollup;

    memset(&rollup, 0, sizeof(rollup));
    rollup.bond_asset = p->asset;
    rollup.assets = 1;
    rollup.operator_ = execution_account(x);
    rollup.game = (struct game_params){
        .max_clock_us = CLOCK_US, .extension_us = EXTENSION_US, .step_extension_us = STEP_EXTENSION_US,
        .air_gap_us = AIR_GAP_US, .payout_delay_us = PAYOUT_US, .bond_base = BOND_BASE, .bond_numerator = 11,
        .bond_denominator = 10, .burn_ppm = BURN_PPM };
    rollup.challenge_us = CHALLENGE_US;
    rollup.jail_us = 1000 * SECOND;
    rollup.domain = 1;
    for (struct rollup other; rollup_find(execution_database(x), rollup.domain, &other);)
        rollup.domain++;
    bind_blob(s, &rollup, sizeof(rollup));
    (void)statement_run(s);
    writer_object_begin(result);
    writer_member_unsigned(result, "domain", rollup.domain);
    writer_object_end(result);
    return OK;
}

struct propose {
    uint64_t domain, depth;
    struct hash root, parent;
    bool typed;
};
static const struct param propose_params[] = {
    PARAM(struct propose, domain, INTEGER, REQUIRED, "the rollup"),
    PARAM(struct propose, depth, INTEGER, REQUIRED, "of its game"),
    PARAM(struct propose, root, HASH, REQUIRED, "the trace's last value"),
    PARAM(struct propose, parent, HASH, OPTIONAL, "its parent"),
    PARAM(struct propose, typed, BOOLEAN, OPTIONAL, "whether there is a typed proof"),
};

static enum status propose(struct execution *x, const void *params, struct writer *result)
{
    const struct propose *p = params;
    const struct hash transaction = execution_transaction(x);
    struct statement *s;
    struct batch_row row, parent;
    struct account_id held;
    struct rollup rollup;
    struct asset asset;

    memset(&row, 0, sizeof(row));
    INVARIANT(rollup_find(execution_database(x), p->domain, &rollup), "no such rollup");
    TRY(asset_find(x, &rollup.bond_asset, &asset));
    tagged_hash(&row.id, "test/batch", transaction.bytes, sizeof(transaction.bytes));
    row.number = batch_find(execution_database(x), &p->parent, &parent) ? parent.number + 1 : 1;
    row.domain = p->domain;
    row.parent = p->parent;
    row.items = p->depth;
    row.result.root = p->root;
    row.proposer = execution_account(x);
    row.bond = BOND_BASE;
    row.proposed_us = execution_chain_time(x);
    row.window_end_us = row.proposed_us + CHALLENGE_US;
    stand_in_context(&row.context, row.domain, row.number, &row.parent);
    batch_bond_account(&held, &row.id);
    TRY(account_hold(x, &held, "test"));
    TRY(balance_move(x, DOMAIN_BASE, &asset, &row.proposer, &held, row.bond, NULL));
    event_transferred(x, &(struct event_transferred){ .from = row.proposer, .to = held,
                                                      .asset = asset.symbol, .amount = row.bond });
    s = statement(execution_database(x), "INSERT INTO test_batch (id, domain, number, state, typed, body)"
                                         " VALUES (?, ?, ?, 0, ?, ?)");
    bind_blob(s, row.id.bytes, sizeof(row.id.bytes));
    bind_integer(s, (int64_t)row.domain);
    bind_integer(s, (int64_t)row.number);
    bind_integer(s, p->typed);
    bind_blob(s, &row, sizeof(row));
    (void)statement_run(s);
    deadline_set(x, CLOCK_CHAIN, row.window_end_us, WINDOW, bytes_of(row.id.bytes, 32));
    reaction_request(x, BATCH_VERDICT_REACTION, bytes_of(row.id.bytes, 32));
    writer_object_begin(result);
    writer_member_hex(result, "batch", row.id.bytes, sizeof(row.id.bytes));
    writer_object_end(result);
    return OK;
}

struct freeze { uint64_t domain; };
static const struct param freeze_params[] = {
    PARAM(struct freeze, domain, INTEGER, REQUIRED, "the rollup"),
};

static enum status freeze(struct execution *x, const void *params, struct writer *result)
{
    const struct freeze *p = params;
    struct batch_row row;

    (void)result;
    for (uint64_t number = 1; batch_find_number(execution_database(x), p->domain, number, &row); number++) {
        if (row.state >= BATCH_ACCEPTED)
            continue;
        batch_before_void(x, &row.id, NULL);
        end_with_bond(x, &row.id, BATCH_VOIDED);
    }
    return OK;
}

static const struct command commands[] = {
    { "test.rollup", SCOPE_BASE, ACCESS_SIGNED, make, PARAMS(struct make, make_params), .help = "",
      .result = "" },
    { "test.propose", SCOPE_BASE, ACCESS_SIGNED, propose, PARAMS(struct propose, propose_params), .help = "",
      .result = "" },
    { "test.freeze", SCOPE_BASE, ACCESS_SIGNED, freeze, PARAMS(struct freeze, freeze_params), .help = "",
      .result = "" },
};
static const struct deadline_kind deadlines[] = { { WINDOW, window_over, "The window is over." } };
static const char *const tables[] = { "test_rollup", "test_batch", NULL };

const struct module stand_in_module = { .name = "test", .help = "", COMMANDS(commands), DEADLINES(deadlines),
                                        .base_tables = tables, .genesis = genesis };
