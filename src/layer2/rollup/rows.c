/* SQL of the ledger's rollups: see rows.h. */
#include "layer2/rollup/rows.h"

#include "layer2/rollup/rules.h"

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void column_hash(struct statement *s, const char *name, struct hash *hash)
{
    column_fixed(s, name, hash->bytes, sizeof(hash->bytes));
}

static uint64_t column_unsigned(struct statement *s, const char *name)
{
    return (uint64_t)column_integer(s, name);
}

/* --- rollup ----------------------------------------------------------------------------------- */
static void read_game(struct statement *s, struct game_params *game)
{
    game->max_clock_us = column_integer(s, "clock_us");
    game->extension_us = column_integer(s, "extension_us");
    game->step_extension_us = column_integer(s, "step_extension_us");
    game->air_gap_us = column_integer(s, "air_gap_us");
    game->payout_delay_us = column_integer(s, "payout_delay_us");
    game->bond_base = column_unsigned(s, "bond");
    game->bond_numerator = (uint32_t)column_integer(s, "bond_numerator");
    game->bond_denominator = (uint32_t)column_integer(s, "bond_denominator");
    game->burn_ppm = (uint32_t)column_integer(s, "burn_ppm");
}

bool rollup_find(struct database *database, uint64_t domain, struct rollup *rollup)
{
    struct statement *s = statement(database,
        "SELECT id, operator, escrow, bond_asset, assets, frozen, clock_us, extension_us, step_extension_us,"
        " air_gap_us, payout_delay_us, bond, bond_numerator, bond_denominator, burn_ppm, challenge_us,"
        " forced_us, escape_us, jail_us, jailed_until_us, epoch, unfreeze_us, unfreeze_at_us, unfrozen_us,"
        " exits_end, genesis_root, head, final, availability, committee_threshold, availability_us,"
        " availability_bond FROM rollup WHERE domain = ?");

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return false;
    *rollup = (struct rollup){ .domain = domain };
    column_hash(s, "id", &rollup->id);
    column_fixed(s, "operator", rollup->operator_.bytes, sizeof(rollup->operator_.bytes));
    column_fixed(s, "escrow", rollup->escrow.bytes, sizeof(rollup->escrow.bytes));
    column_fixed(s, "bond_asset", rollup->bond_asset.bytes, sizeof(rollup->bond_asset.bytes));
    rollup->assets = (unsigned)column_integer(s, "assets");
    rollup->frozen = column_integer(s, "frozen") != 0;
    read_game(s, &rollup->game);
    rollup->challenge_us = column_integer(s, "challenge_us");
    rollup->forced_us = column_integer(s, "forced_us");
    rollup->escape_us = column_integer(s, "escape_us");
    rollup->jail_us = column_integer(s, "jail_us");
    rollup->jailed_until_us = column_integer(s, "jailed_until_us");
    rollup->epoch = column_unsigned(s, "epoch");
    rollup->unfreeze_us = column_integer(s, "unfreeze_us");
    rollup->unfreeze_at_us = column_integer(s, "unfreeze_at_us");
    rollup->unfrozen_us = column_integer(s, "unfrozen_us");
    rollup->exits_end = column_unsigned(s, "exits_end");
    column_hash(s, "genesis_root", &rollup->genesis_root);
    rollup->head = column_unsigned(s, "head");
    rollup->final = column_unsigned(s, "final");
    rollup->availability = (enum availability)column_integer(s, "availability");
    rollup->committee_threshold = (unsigned)column_integer(s, "committee_threshold");
    rollup->availability_us = column_integer(s, "availability_us");
    rollup->availability_bond = column_unsigned(s, "availability_bond");
    statement_finish(s);
    return true;
}

void rollup_insert(struct database *database, const struct rollup *r, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup (domain, id, operator, escrow, bond_asset, assets, frozen, clock_us,"
        " extension_us, step_extension_us, air_gap_us, payout_delay_us, bond, bond_numerator,"
        " bond_denominator, burn_ppm, challenge_us, forced_us, escape_us, jail_us, jailed_until_us,"
        " unfreeze_us, genesis_root, head, final, created_seq, availability, committee_threshold,"
        " availability_us, availability_bond)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, 0, ?, ?, ?, ?, ?)");

    bind_integer(s, (int64_t)r->domain);
    bind_hash(s, &r->id);
    bind_blob(s, r->operator_.bytes, sizeof(r->operator_.bytes));
    bind_blob(s, r->escrow.bytes, sizeof(r->escrow.bytes));
    bind_blob(s, r->bond_asset.bytes, sizeof(r->bond_asset.bytes));
    bind_integer(s, r->assets);
    bind_integer(s, r->game.max_clock_us);
    bind_integer(s, r->game.extension_us);
    bind_integer(s, r->game.step_extension_us);
    bind_integer(s, r->game.air_gap_us);
    bind_integer(s, r->game.payout_delay_us);
    bind_integer(s, (int64_t)r->game.bond_base);
    bind_integer(s, r->game.bond_numerator);
    bind_integer(s, r->game.bond_denominator);
    bind_integer(s, r->game.burn_ppm);
    bind_integer(s, r->challenge_us);
    bind_integer(s, r->forced_us);
    bind_integer(s, r->escape_us);
    bind_integer(s, r->jail_us);
    bind_integer(s, r->unfreeze_us);
    bind_hash(s, &r->genesis_root);
    bind_integer(s, (int64_t)seq);
    bind_integer(s, r->availability);
    bind_integer(s, r->committee_threshold);
    bind_integer(s, r->availability_us);
    bind_integer(s, (int64_t)r->availability_bond);
    (void)statement_run(s);
}

void rollup_update(struct database *database, const struct rollup *r)
{
    struct statement *s = statement(database,
        "UPDATE rollup SET frozen = ?, jailed_until_us = ?, epoch = ?, unfreeze_at_us = ?, unfrozen_us = ?,"
        " exits_end = ?, head = ?, final = ? WHERE domain = ?");

    bind_integer(s, r->frozen);
    bind_integer(s, r->jailed_until_us);
    bind_integer(s, (int64_t)r->epoch);
    bind_integer(s, r->unfreeze_at_us);
    bind_integer(s, r->unfrozen_us);
    bind_integer(s, (int64_t)r->exits_end);
    bind_integer(s, (int64_t)r->head);
    bind_integer(s, (int64_t)r->final);
    bind_integer(s, (int64_t)r->domain);
    (void)statement_run(s);
}

/* --- rollup_asset ------------------------------------------------------------------------------ */
void deposit_min_insert(struct database *database, uint64_t domain, unsigned asset, uint64_t amount)
{
    struct statement *s =
        statement(database, "INSERT INTO rollup_asset (domain, number, deposit_min) VALUES (?, ?, ?)");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, asset);
    bind_integer(s, (int64_t)amount);
    (void)statement_run(s);
}

uint64_t deposit_min(struct database *database, uint64_t domain, unsigned asset)
{
    struct statement *s =
        statement(database, "SELECT deposit_min FROM rollup_asset WHERE domain = ? AND number = ?");
    uint64_t amount;

    bind_integer(s, (int64_t)domain);
    bind_integer(s, asset);
    INVARIANT(statement_row(s), "an asset of a rollup without its terms");
    amount = column_unsigned(s, "deposit_min");
    statement_finish(s);
    return amount;
}

/* --- batch ------------------------------------------------------------------------------------ */
void batch_from_row(struct statement *s, struct batch_row *row)
{
    *row = (struct batch_row){ .state = (enum batch_state)column_integer(s, "state") };
    column_hash(s, "id", &row->id);
    row->domain = column_unsigned(s, "domain");
    row->number = column_unsigned(s, "number");
    column_hash(s, "parent", &row->parent);
    column_hash(s, "previous_root", &row->previous_root);
    column_hash(s, "items_root", &row->items_root);
    column_hash(s, "context", &row->context);
    column_fixed(s, "proposer", row->proposer.bytes, sizeof(row->proposer.bytes));
    column_hash(s, "root", &row->result.root);
    column_hash(s, "withdrawal_root", &row->result.withdrawal_root);
    row->result.withdrawals = column_unsigned(s, "withdrawals");
    row->inbox_from = column_unsigned(s, "inbox_from");
    row->inbox_to = column_unsigned(s, "inbox_to");
    row->items = column_unsigned(s, "items");
    row->bond = column_unsigned(s, "bond");
    row->proposed_us = column_integer(s, "proposed_us");
    row->window_end_us = column_integer(s, "window_end_us");
    row->accepted_us = column_integer(s, "accepted_us");
    row->ended_us = column_integer(s, "ended_us");
    row->data_state = (enum data_state)column_integer(s, "data_state");
    if (!column_is_null(s, "data_hash"))
        column_hash(s, "data_hash", &row->data_hash);
    row->data_size = column_unsigned(s, "data_size");
}

static bool one_batch(struct statement *s, struct batch_row *row)
{
    if (!statement_row(s))
        return false;
    batch_from_row(s, row);
    statement_finish(s);
    return true;
}

bool batch_find(struct database *database, const struct hash *id, struct batch_row *row)
{
    struct statement *s = statement(database, "SELECT " BATCH_COLUMNS " FROM batch WHERE id = ?");

    bind_hash(s, id);
    return one_batch(s, row);
}

bool batch_find_number(struct database *database, uint64_t domain, uint64_t number, struct batch_row *row)
{
    struct statement *s = statement(database, "SELECT " BATCH_COLUMNS " FROM batch WHERE domain = ?"
                                              " AND number = ? AND state < 4");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    return one_batch(s, row);
}

void batch_insert(struct database *database, const struct batch_row *row, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO batch (id, domain, number, parent, previous_root, items_root, context, proposer, root,"
        " withdrawal_root, withdrawals, inbox_from, inbox_to, items, bond, state, proposed_us,"
        " window_end_us, accepted_us, ended_us, data_state, data_hash, data_size, created_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, &row->id);
    bind_integer(s, (int64_t)row->domain);
    bind_integer(s, (int64_t)row->number);
    bind_hash(s, &row->parent);
    bind_hash(s, &row->previous_root);
    bind_hash(s, &row->items_root);
    bind_hash(s, &row->context);
    bind_blob(s, row->proposer.bytes, sizeof(row->proposer.bytes));
    bind_hash(s, &row->result.root);
    bind_hash(s, &row->result.withdrawal_root);
    bind_integer(s, (int64_t)row->result.withdrawals);
    bind_integer(s, (int64_t)row->inbox_from);
    bind_integer(s, (int64_t)row->inbox_to);
    bind_integer(s, (int64_t)row->items);
    bind_integer(s, (int64_t)row->bond);
    bind_integer(s, row->state);
    bind_integer(s, row->proposed_us);
    bind_integer(s, row->window_end_us);
    bind_integer(s, row->accepted_us);
    bind_integer(s, row->ended_us);
    bind_integer(s, row->data_state);
    if (row->data_size > 0)
        bind_hash(s, &row->data_hash);
    else
        bind_null(s);
    bind_integer(s, (int64_t)row->data_size);
    bind_integer(s, (int64_t)seq);
    (void)statement_run(s);
}

void batch_data_insert(struct database *database, const struct hash *id, struct bytes data)
{
    struct statement *s = statement(database, "INSERT INTO batch_data (batch, data) VALUES (?, ?)");

    bind_hash(s, id);
    bind_blob(s, data.size > 0 ? data.data : (const void *)"", data.size);
    (void)statement_run(s);
}

void batch_update(struct database *database, const struct batch_row *row)
{
    struct statement *s = statement(database,
        "UPDATE batch SET state = ?, window_end_us = ?, accepted_us = ?, ended_us = ?, data_state = ?"
        " WHERE id = ?");

    bind_integer(s, row->state);
    bind_integer(s, row->window_end_us);
    bind_integer(s, row->accepted_us);
    bind_integer(s, row->ended_us);
    bind_integer(s, row->data_state);
    bind_hash(s, &row->id);
    (void)statement_run(s);
}

void batch_extend_above(struct database *database, uint64_t domain, uint64_t number, int64_t until_us)
{
    struct statement *s = statement(database, "UPDATE batch SET window_end_us = ?1 WHERE domain = ?2"
                                              " AND number > ?3 AND state < 2 AND window_end_us < ?1");

    bind_integer(s, until_us);
    bind_integer(s, (int64_t)domain);
    bind_integer(s, (int64_t)number);
    (void)statement_run(s);
}

bool batch_data(struct database *database, const struct hash *id, struct buffer *out)
{
    struct statement *s = statement(database, "SELECT data FROM batch_data WHERE batch = ?");
    struct bytes data;

    bind_hash(s, id);
    if (!statement_row(s))
        return false;
    data = column_blob(s, "data");
    buffer_append(out, data.data, data.size);
    statement_finish(s);
    return true;
}

/* --- rollup_exit ------------------------------------------------------------------------------ */
bool exit_waits(struct database *database, uint64_t domain, uint32_t account, unsigned asset, uint64_t done)
{
    struct statement *s = statement(database,
        "SELECT 1 AS found FROM rollup_exit WHERE domain = ? AND account = ? AND asset = ?"
        " AND (item IS NULL OR item >= ?) LIMIT 1");

    bind_integer(s, (int64_t)domain);
    bind_integer(s, account);
    bind_integer(s, asset);
    bind_integer(s, (int64_t)done);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool exit_lacks_item(struct database *database, uint64_t domain)
{
    struct statement *s =
        statement(database, "SELECT 1 AS found FROM rollup_exit WHERE domain = ? AND item IS NULL LIMIT 1");

    bind_integer(s, (int64_t)domain);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool exit_insert(struct database *database, const struct rollup *rollup, uint32_t account, unsigned asset,
                 uint64_t amount, uint64_t item)
{
    struct statement *s = statement(database,
        "INSERT INTO rollup_exit (domain, account, asset, epoch, amount, item) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (domain, account, asset, epoch) DO NOTHING");

    bind_integer(s, (int64_t)rollup->domain);
    bind_integer(s, account);
    bind_integer(s, asset);
    bind_integer(s, (int64_t)rollup->epoch);
    bind_integer(s, (int64_t)amount);
    bind_integer(s, (int64_t)item);
    return statement_run(s) == 1;
}

int64_t newest_chain_time(struct database *database)
{
    struct statement *s =
        statement(database, "SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1");
    int64_t time_us = 0;

    if (statement_row(s)) {
        time_us = column_integer(s, "chain_time_us");
        statement_finish(s);
    }
    return time_us;
}
