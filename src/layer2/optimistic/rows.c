/* The tables of dispute games and of fraud: see rows.h. */
#include "layer2/optimistic/rows.h"

#include <string.h>

static void bind_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash->bytes, sizeof(hash->bytes));
}

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

static void bind_unsigned(struct statement *s, uint64_t value)
{
    bind_integer(s, (int64_t)value);
}

static void bind_time(struct statement *s, int64_t time_us)
{
    if (time_us == 0)
        bind_null(s);
    else
        bind_integer(s, time_us);
}

static int64_t read_time(struct statement *s, const char *column)
{
    return column_is_null(s, column) ? 0 : column_integer(s, column);
}

static void read_hash(struct statement *s, const char *column, struct hash *hash)
{
    column_fixed(s, column, hash->bytes, sizeof(hash->bytes));
}

static void read_account(struct statement *s, const char *column, struct account_id *account)
{
    column_fixed(s, column, account->bytes, sizeof(account->bytes));
}

/* --- game ------------------------------------------------------------------------------------- */
static bool read_game(struct statement *s, struct game_row *row)
{
    if (!statement_row(s))
        return false;
    read_hash(s, "id", &row->id);
    read_hash(s, "batch", &row->batch);
    row->domain = (uint64_t)column_integer(s, "domain");
    read_account(s, "holding", &row->holding);
    row->max_depth = (unsigned)column_integer(s, "max_depth");
    row->split_depth = (unsigned)column_integer(s, "split_depth");
    read_hash(s, "prestate", &row->prestate);
    row->claims = (uint32_t)column_integer(s, "claims");
    row->pot = (uint64_t)column_integer(s, "pot");
    row->status = (enum game_status)column_integer(s, "status");
    row->closing = (enum game_closing)column_integer(s, "closing");
    row->paid = (uint32_t)column_integer(s, "paid");
    row->begun_us = column_integer(s, "begun_us");
    row->ended_us = read_time(s, "ended_us");
    row->closed_us = read_time(s, "closed_us");
    statement_finish(s);
    return true;
}

bool game_row_read(struct database *database, const struct hash *id, struct game_row *row)
{
    struct statement *s = statement(database, "SELECT * FROM game WHERE id = ?");

    bind_hash(s, id);
    return read_game(s, row);
}

bool game_row_running(struct database *database, const struct hash *batch, struct game_row *row)
{
    struct statement *s = statement(database, "SELECT * FROM game WHERE batch = ? AND status = 0");

    bind_hash(s, batch);
    return read_game(s, row);
}

void game_row_insert(struct database *database, const struct game_row *row, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO game (id, batch, domain, holding, max_depth, split_depth, prestate, claims, pot, status,"
        " closing, paid, begun_us, begun_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    INVARIANT(row->max_depth <= GAME_ROW_DEPTH_MAX, "a game of depth %u", row->max_depth);
    bind_hash(s, &row->id);
    bind_hash(s, &row->batch);
    bind_unsigned(s, row->domain);
    bind_account(s, &row->holding);
    bind_integer(s, row->max_depth);
    bind_integer(s, row->split_depth);
    bind_hash(s, &row->prestate);
    bind_integer(s, row->claims);
    bind_unsigned(s, row->pot);
    bind_integer(s, row->status);
    bind_integer(s, row->closing);
    bind_integer(s, row->paid);
    bind_integer(s, row->begun_us);
    bind_unsigned(s, seq);
    (void)statement_run(s);
}

void game_row_update(struct database *database, const struct game_row *row)
{
    struct statement *s = statement(database,
        "UPDATE game SET claims = ?, pot = ?, status = ?, closing = ?, paid = ?, ended_us = ?, closed_us = ?"
        " WHERE id = ?");

    bind_integer(s, row->claims);
    bind_unsigned(s, row->pot);
    bind_integer(s, row->status);
    bind_integer(s, row->closing);
    bind_integer(s, row->paid);
    bind_time(s, row->ended_us);
    bind_time(s, row->closed_us);
    bind_hash(s, &row->id);
    (void)statement_run(s);
}

size_t game_row_list_running(struct database *database, const struct hash *after, struct hash *batches,
                             size_t most)
{
    struct statement *s = statement(database, "SELECT batch FROM game WHERE status = 0 AND batch > ?"
                                              " ORDER BY batch LIMIT ?");
    size_t count = 0;

    bind_hash(s, after);
    bind_integer(s, (int64_t)most);
    while (statement_row(s))
        read_hash(s, "batch", &batches[count++]);
    return count;
}

/* --- claim ------------------------------------------------------------------------------------ */
static void read_claim(struct statement *s, struct claim *claim)
{
    *claim = (struct claim){ .parent = column_is_null(s, "parent") ? GAME_NO_CLAIM
                                                                   : (uint32_t)column_integer(s, "parent"),
                             .position = { (unsigned __int128)column_integer(s, "position") },
                             .bond = (uint64_t)column_integer(s, "bond"),
                             .clock_us = column_integer(s, "clock_us"),
                             .made_at_us = column_integer(s, "made_us"),
                             .countered = column_integer(s, "countered") != 0,
                             .resolved = column_integer(s, "resolved") != 0,
                             .first_child = GAME_NO_CLAIM, .last_child = GAME_NO_CLAIM,
                             .next_sibling = GAME_NO_CLAIM };
    read_hash(s, "value", &claim->value);
    read_account(s, "claimant", &claim->claimant);
    if (claim->countered)
        read_account(s, "countered_by", &claim->countered_by);
}

bool claim_row_read(struct database *database, const struct hash *game, uint32_t number, struct claim *claim)
{
    struct statement *s = statement(database, "SELECT * FROM claim WHERE game = ? AND number = ?");

    bind_hash(s, game);
    bind_integer(s, number);
    if (!statement_row(s))
        return false;
    read_claim(s, claim);
    statement_finish(s);
    return true;
}

uint32_t claim_row_list(struct database *database, const struct hash *game, uint32_t from, uint32_t most,
                        struct claim *claims)
{
    struct statement *s = statement(database, "SELECT * FROM claim WHERE game = ? AND number >= ?"
                                              " ORDER BY number LIMIT ?");
    uint32_t count = 0;

    bind_hash(s, game);
    bind_integer(s, from);
    bind_integer(s, most);
    while (statement_row(s))
        read_claim(s, &claims[count++]);
    return count;
}

static void add_waiting(struct database *database, const struct hash *game, uint32_t number, int by)
{
    struct statement *s =
        statement(database, "UPDATE claim SET waits_for = waits_for + ? WHERE game = ? AND number = ?");

    if (number == GAME_NO_CLAIM)
        return;
    bind_integer(s, by);
    bind_hash(s, game);
    bind_integer(s, number);
    INVARIANT(statement_run(s) == 1, "claim %u is not there", number);
}

void claim_row_insert(struct database *database, const struct hash *game, uint32_t number,
                      const struct claim *claim, int64_t deadline_us)
{
    struct statement *s = statement(database,
        "INSERT INTO claim (game, number, parent, position, value, claimant, bond, clock_us, made_us,"
        " deadline_us, countered, resolved, waits_for) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)");

    bind_hash(s, game);
    bind_integer(s, number);
    if (claim->parent == GAME_NO_CLAIM)
        bind_null(s);
    else
        bind_integer(s, claim->parent);
    bind_integer(s, (int64_t)claim->position.gindex);
    bind_hash(s, &claim->value);
    bind_account(s, &claim->claimant);
    bind_unsigned(s, claim->bond);
    bind_integer(s, claim->clock_us);
    bind_integer(s, claim->made_at_us);
    bind_integer(s, deadline_us);
    (void)statement_run(s);
    add_waiting(database, game, claim->parent, 1);
}

void claim_row_countered(struct database *database, const struct hash *game, uint32_t number,
                         const struct account_id *by)
{
    struct statement *s = statement(database, "UPDATE claim SET countered = 1, countered_by = ?"
                                              " WHERE game = ? AND number = ?");

    bind_account(s, by);
    bind_hash(s, game);
    bind_integer(s, number);
    (void)statement_run(s);
}

void claim_row_resolved(struct database *database, const struct hash *game, uint32_t number,
                        const struct claim *claim)
{
    struct statement *s = statement(database, "UPDATE claim SET resolved = 1 WHERE game = ? AND number = ?");

    bind_hash(s, game);
    bind_integer(s, number);
    (void)statement_run(s);
    if (claim->countered)
        claim_row_countered(database, game, number, &claim->countered_by);
    add_waiting(database, game, claim->parent, -1);
}

static bool read_number(struct statement *s, uint32_t *number)
{
    if (!statement_row(s))
        return false;
    *number = (uint32_t)column_integer(s, "number");
    statement_finish(s);
    return true;
}

bool claim_row_find(struct database *database, const struct hash *game, uint32_t parent,
                    struct position position, const struct hash *value, uint32_t *number)
{
    struct statement *s = statement(database, "SELECT number FROM claim WHERE game = ? AND parent = ?"
                                              " AND position = ? AND value = ?");

    bind_hash(s, game);
    bind_integer(s, parent);
    bind_integer(s, (int64_t)position.gindex);
    bind_hash(s, value);
    return read_number(s, number);
}

bool claim_row_standing(struct database *database, const struct hash *game, uint32_t parent,
                        uint32_t *number)
{
    struct statement *s = statement(database, "SELECT number FROM claim WHERE game = ? AND parent = ?"
                                              " AND countered = 0 ORDER BY position, number LIMIT 1");

    bind_hash(s, game);
    bind_integer(s, parent);
    return read_number(s, number);
}

bool claim_row_next(struct database *database, const struct hash *game, uint32_t *number,
                    int64_t *deadline_us)
{
    struct statement *s = statement(database,
        "SELECT number, deadline_us FROM claim WHERE game = ? AND resolved = 0 AND waits_for = 0"
        " ORDER BY deadline_us, number LIMIT 1");

    bind_hash(s, game);
    if (!statement_row(s))
        return false;
    *number = (uint32_t)column_integer(s, "number");
    *deadline_us = column_integer(s, "deadline_us");
    statement_finish(s);
    return true;
}

/* --- step and payout -------------------------------------------------------------------------- */
void step_row_insert(struct database *database, const struct hash *game, const struct move *move,
                     int64_t now_us, uint64_t seq)
{
    struct statement *s = statement(database, "INSERT INTO step (game, claim, kind, mover, made_us, seq)"
                                              " VALUES (?, ?, ?, ?, ?, ?)");

    bind_hash(s, game);
    bind_integer(s, move->parent);
    bind_integer(s, move->kind);
    bind_account(s, &move->mover);
    bind_integer(s, now_us);
    bind_unsigned(s, seq);
    (void)statement_run(s);
}

uint32_t step_row_count(struct database *database, const struct hash *game)
{
    struct statement *s = statement(database, "SELECT count(*) AS number FROM step WHERE game = ?");
    uint32_t count = 0;

    bind_hash(s, game);
    return read_number(s, &count) ? count : 0;
}

void payout_row_insert(struct database *database, const struct hash *game, const struct payout *payout,
                       int64_t now_us, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO payout (game, claim, recipient, amount, burned, paid_us, seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");

    bind_hash(s, game);
    bind_integer(s, payout->claim);
    bind_account(s, &payout->recipient);
    bind_unsigned(s, payout->amount);
    bind_unsigned(s, payout->burned);
    bind_integer(s, now_us);
    bind_unsigned(s, seq);
    (void)statement_run(s);
}

/* --- fraud_commitment and fraud --------------------------------------------------------------- */
bool commitment_read(struct database *database, const struct account_id *account, const struct hash *hash,
                     struct commitment *commitment)
{
    struct statement *s = statement(database, "SELECT block, expires_us FROM fraud_commitment"
                                              " WHERE account = ? AND hash = ?");

    bind_account(s, account);
    bind_hash(s, hash);
    if (!statement_row(s))
        return false;
    *commitment = (struct commitment){ *account, *hash, (uint64_t)column_integer(s, "block"),
                                       column_integer(s, "expires_us") };
    statement_finish(s);
    return true;
}

void commitment_insert(struct database *database, const struct commitment *commitment, uint64_t seq)
{
    struct statement *s = statement(database,
        "INSERT INTO fraud_commitment (account, hash, block, expires_us, seq) VALUES (?, ?, ?, ?, ?)");

    bind_account(s, &commitment->account);
    bind_hash(s, &commitment->hash);
    bind_unsigned(s, commitment->block);
    bind_integer(s, commitment->expires_us);
    bind_unsigned(s, seq);
    (void)statement_run(s);
}

void commitment_delete(struct database *database, const struct account_id *account, const struct hash *hash)
{
    struct statement *s = statement(database, "DELETE FROM fraud_commitment WHERE account = ? AND hash = ?");

    bind_account(s, account);
    bind_hash(s, hash);
    (void)statement_run(s);
}

void fraud_row_insert(struct database *database, const struct fraud_row *row, uint64_t seq)
{
    struct statement *s = statement(database, "INSERT INTO fraud (batch, kind, prover, reward, burned, seq)"
                                              " VALUES (?, ?, ?, ?, ?, ?)");

    bind_hash(s, &row->batch);
    bind_integer(s, row->kind);
    bind_account(s, &row->prover);
    bind_unsigned(s, row->reward);
    bind_unsigned(s, row->burned);
    bind_unsigned(s, seq);
    (void)statement_run(s);
}
