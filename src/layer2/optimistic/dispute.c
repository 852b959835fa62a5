/* A game of the ledger's in the executor: see dispute.h. */
#include "layer2/optimistic/dispute.h"

#include <stdlib.h>

/* --- reading ---------------------------------------------------------------------------------- */
void dispute_game_params(const struct rollup *rollup, unsigned max_depth, unsigned split_depth,
                    const struct hash *prestate, struct game_params *params)
{
    *params = rollup->game;
    params->max_depth = max_depth;
    params->split_depth = split_depth;
    params->prestate = *prestate;
}

void dispute_of_row(struct database *database, const struct game_row *row, struct dispute *d)
{
    const uint32_t capacity = row->claims < GAME_CLAIMS_MAX ? row->claims + 1 : GAME_CLAIMS_MAX;

    *d = (struct dispute){ .row = *row };
    INVARIANT(rollup_find(database, row->domain, &d->rollup), "a game without its rollup");
    dispute_game_params(&d->rollup, row->max_depth, row->split_depth, &row->prestate, &d->game.params);
    d->game.claims = memory_array(capacity, sizeof(*d->game.claims));
    d->game.count = row->claims;
    d->game.capacity = capacity;
    d->game.pot = row->pot;
    d->game.status = row->status;
    d->game.closing = row->closing;
    d->game.ended_at_us = row->ended_us;
    d->game.closed_at_us = row->closed_us;
}

bool dispute_open(struct database *database, const struct hash *id, struct dispute *d)
{
    struct game_row row;

    *d = (struct dispute){ .game.claims = NULL };
    if (!game_row_read(database, id, &row))
        return false;
    dispute_of_row(database, &row, d);
    return true;
}

void dispute_close(struct dispute *d)
{
    free(d->game.claims);
    d->game.claims = NULL;
}

bool dispute_read_claim(struct database *database, struct dispute *d, uint32_t number)
{
    return number < d->game.count && claim_row_read(database, &d->row.id, number, &d->game.claims[number]);
}

bool dispute_read_path(struct database *database, struct dispute *d, uint32_t number)
{
    for (;;) {
        if (!dispute_read_claim(database, d, number))
            return false;
        if (number == 0)
            return true;
        number = d->game.claims[number].parent;
    }
}

void dispute_read_all(struct database *database, struct dispute *d)
{
    const struct game now = d->game;
    uint32_t count = claim_row_list(database, &d->row.id, 0, d->row.claims, d->game.claims);

    INVARIANT(count == d->row.claims, "%u claims of %u", count, d->row.claims);
    game_restore(&now.params, now.claims, count, now.capacity, &d->game);
    d->game.status = now.status;
    d->game.closing = now.closing;
    d->game.ended_at_us = now.ended_at_us;
    d->game.closed_at_us = now.closed_at_us;
}

void dispute_link(struct dispute *d, uint32_t number)
{
    struct claim *parent = &d->game.claims[d->game.claims[number].parent];

    parent->first_child = parent->last_child = number;
}

void dispute_batch(const struct rollup *rollup, const struct batch_row *row, struct batch *batch)
{
    *batch = (struct batch){ .machine = { .rollup = rollup->id, .assets = rollup->assets,
                                          .items = row->items,
                                          .inbox_items = row->inbox_to - row->inbox_from,
                                          .inbox_from = row->inbox_from },
                             .number = row->number, .previous_root = row->previous_root };
}

/* --- writing ---------------------------------------------------------------------------------- */
static int64_t next_us(struct execution *x, const struct dispute *d)
{
    int64_t due_us;
    uint32_t number;

    if (d->row.status == GAME_RUNNING && d->row.claims == GAME_CLAIMS_MAX)
        return 0; /* full: void at once, but not by a command, which may record so many events only */
    if (d->row.status == GAME_RUNNING) {
        INVARIANT(claim_row_next(execution_database(x), &d->row.id, &number, &due_us),
                  "a running game without a claim to be resolved");
        return due_us;
    }
    if (d->row.closing == GAME_OPEN)
        return d->row.ended_us + d->game.params.air_gap_us;
    return d->row.closed_us + (d->row.status == GAME_VOID ? 0 : d->game.params.payout_delay_us);
}

void dispute_save(struct execution *x, struct dispute *d)
{
    const struct bytes subject = bytes_of(d->row.id.bytes, sizeof(d->row.id.bytes));
    const int64_t soon_us = execution_chain_time(x) + 1; /* not in this block: it has done enough */
    int64_t due_us;

    d->row.claims = d->game.count;
    d->row.pot = d->game.pot;
    d->row.status = d->game.status;
    d->row.closing = d->game.closing;
    d->row.ended_us = d->game.ended_at_us;
    d->row.closed_us = d->game.closed_at_us;
    game_row_update(execution_database(x), &d->row);
    if (d->row.paid < d->row.claims) {
        due_us = next_us(x, d);
        deadline_set(x, CLOCK_CHAIN, due_us > soon_us ? due_us : soon_us, GAME_DEADLINE, subject);
    } else {
        deadline_clear(x, GAME_DEADLINE, subject);
    }
    reaction_request(x, GAME_CHANGED, bytes_of(d->row.batch.bytes, sizeof(d->row.batch.bytes)));
}

/* --- value ------------------------------------------------------------------------------------ */
void dispute_asset(struct execution *x, const struct rollup *rollup, struct asset *asset)
{
    enum status status = asset_find(x, &rollup->bond_asset, asset);

    INVARIANT(status == OK, "the asset of a rollup's bonds is not there");
}

void dispute_pay(struct execution *x, const struct asset *asset, const struct account_id *from,
                 const struct account_id *to, uint64_t amount)
{
    enum status status = amount == 0 ? OK : balance_move(x, DOMAIN_BASE, asset, from, to, amount, NULL);

    INVARIANT(status == OK, "a bond is not there");
}

void dispute_burn(struct execution *x, struct asset *asset, const struct account_id *from, uint64_t amount)
{
    enum status status = amount == 0 ? OK : asset_burn(x, DOMAIN_BASE, asset, from, amount);

    INVARIANT(status == OK, "a bond is not there");
}
