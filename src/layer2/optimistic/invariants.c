/* What always holds of games: see invariants.h. */
#include "layer2/optimistic/invariants.h"

#include <stdio.h>

#include "kernel/query.h"
#include "layer2/optimistic/dispute.h"

/* In = held + out + burned, to the unit: each bond is with the game until it is paid, and paid once. */
static const char bonds[] =
    "SELECT printf('game %s holds %d; its unpaid bonds are %d', lower(hex(game.id)),"
    "  coalesce((SELECT sum(amount) FROM balance WHERE account = holding), 0),"
    "  coalesce((SELECT sum(bond) FROM claim WHERE game = game.id AND number >= paid), 0)) FROM game"
    " WHERE coalesce((SELECT sum(amount) FROM balance WHERE account = holding), 0) <>"
    "  coalesce((SELECT sum(bond) FROM claim WHERE game = game.id AND number >= paid), 0)"
    " UNION ALL SELECT printf('game %s: a pot of %d, bonds of %d', lower(hex(game.id)), pot, sum(bond))"
    " FROM game JOIN claim ON claim.game = game.id GROUP BY game.id"
    " HAVING sum(bond) <> pot OR count(*) <> claims OR max(number) <> claims - 1"
    " UNION ALL SELECT printf('game %s, claim %d: a bond of %d was paid as %d, and %d burned',"
    "  lower(hex(claim.game)), number, bond, amount, burned) FROM claim JOIN payout"
    "  ON payout.game = claim.game AND payout.claim = number WHERE amount + burned <> bond"
    " UNION ALL SELECT printf('game %s: %d bonds are paid, with %d payouts', lower(hex(id)), paid,"
    "  (SELECT count(*) FROM payout WHERE game = game.id)) FROM game"
    " WHERE paid <> (SELECT count(*) FROM payout WHERE game = game.id)"
    " UNION ALL SELECT printf('game %s has no account of its own', lower(hex(id))) FROM game"
    " WHERE holding NOT IN (SELECT id FROM account WHERE kind = 'game')";

/* A claim stands below its parent, one level down, and waits for as many answers as are not resolved. */
static const char claims[] =
    "SELECT printf('game %s, claim %d is not below claim %d', lower(hex(child.game)), child.number,"
    "  child.parent) FROM claim AS child LEFT JOIN claim AS parent ON parent.game = child.game"
    "  AND parent.number = child.parent WHERE child.number > 0"
    "  AND (parent.number IS NULL OR child.position % 2 <> 0"
    "   OR child.position / 2 NOT IN (parent.position, parent.position + 1))"
    " UNION ALL SELECT printf('game %s, claim %d waits for %d answers', lower(hex(game)), number, waits_for)"
    " FROM claim LEFT JOIN (SELECT game AS g, parent AS p, count(*) AS answers FROM claim"
    "  WHERE resolved = 0 GROUP BY game, parent) ON g = game AND p = number"
    " WHERE waits_for <> coalesce(answers, 0)"
    " UNION ALL SELECT printf('game %s, claim %d is resolved before its answers', lower(hex(game)), number)"
    " FROM claim WHERE resolved = 1 AND waits_for > 0"
    " UNION ALL SELECT printf('game %s, claim %d: countered by %s', lower(hex(game)), number,"
    "  iif(countered_by IS NULL, 'nobody', 'somebody, but not countered')) FROM claim"
    " WHERE countered <> (countered_by IS NOT NULL)"
    " UNION ALL SELECT printf('game %s has no root claim', lower(hex(id))) FROM game"
    " WHERE NOT EXISTS (SELECT 1 FROM claim WHERE game = id AND number = 0 AND parent IS NULL"
    "  AND position = 1)"
    " UNION ALL SELECT printf('game %s, claim %d: a step that countered nothing', lower(hex(step.game)),"
    "  claim) FROM step LEFT JOIN claim AS c ON c.game = step.game AND number = claim"
    " WHERE coalesce(c.countered, 0) = 0";

/* Something is always due in a game until all is paid; nothing afterwards. */
static const char deadlines[] =
    "SELECT printf('game %s waits for nothing', lower(hex(game.id))) FROM game LEFT JOIN deadline"
    "  ON kind = 'game.next' AND subject = game.id AND clock = 1"
    " WHERE paid < claims AND deadline.id IS NULL"
    " UNION ALL SELECT printf('a deadline for the game %s, in which nothing is due', lower(hex(subject)))"
    " FROM deadline WHERE kind = 'game.next' AND subject NOT IN (SELECT id FROM game WHERE paid < claims)"
    " UNION ALL SELECT printf('game %s is %d, with its root claim resolved: %d', lower(hex(id)), status,"
    "  resolved) FROM game JOIN claim ON claim.game = game.id AND number = 0"
    " WHERE status = 0 AND resolved = 1 OR status IN (1, 2) AND resolved = 0 OR status = 1 AND countered = 1"
    "  OR status = 2 AND countered = 0"
    " UNION ALL SELECT printf('a commitment of %s that is not forgotten in time', lower(hex(account)))"
    " FROM fraud_commitment WHERE NOT EXISTS (SELECT 1 FROM deadline WHERE kind = 'fraud.commitment'"
    "  AND clock = 1 AND due_us = expires_us AND hex(subject) = hex(account) || hex(hash))";

/* The game of a batch that went with others has only this left to come, and that at once. */
static bool ends_at_once(struct database *database, const struct hash *batch)
{
    struct statement *s = statement(database,
        "SELECT 1 FROM game JOIN deadline ON kind = 'game.next' AND subject = game.id WHERE batch = ?"
        " AND status = 0 AND due_us <= (SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1) + 1");
    bool found;

    bind_blob(s, batch->bytes, sizeof(batch->bytes));
    found = statement_row(s);
    if (found)
        statement_finish(s);
    return found;
}

/* A batch is challenged exactly while a game about it runs; the one that lost its game is gone. */
static enum status check_batches(struct query *q, char *violation, size_t size)
{
    struct statement *s = statement(q->database, "SELECT batch, min(status) AS least, max(status = 2) AS lost"
                                                 " FROM game GROUP BY batch");
    char hex[2 * sizeof(struct hash) + 1];
    struct batch_row row;
    struct hash batch;

    while (statement_row(s)) {
        bool runs = column_integer(s, "least") == GAME_RUNNING, lost = column_integer(s, "lost") != 0;
        bool found;

        column_fixed(s, "batch", batch.bytes, sizeof(batch.bytes));
        found = batch_find(q->database, &batch, &row);
        if (found && runs == (row.state == BATCH_CHALLENGED) && (!lost || row.state >= BATCH_REJECTED))
            continue;
        if (found && runs && row.state > BATCH_FINAL && ends_at_once(q->database, &batch))
            continue;
        hex_text(hex, batch.bytes, sizeof(batch.bytes));
        snprintf(violation, size, "batch %s is %s, with %s", hex,
                 found ? batch_state_name(row.state) : "gone",
                 runs ? "a game that runs" : lost ? "a game that was lost" : "no game that runs");
        statement_finish(s);
        break;
    }
    return OK;
}

const struct invariant game_invariants[GAME_INVARIANTS] = {
    { .name = "game.bonds", .help = "A game's account holds its bonds until each is paid, once and exactly.",
      .sql = bonds },
    { .name = "game.claims",
      .help = "Claims stand below their parents, and are resolved after their answers.",
      .sql = claims },
    { .name = "game.deadlines", .help = "Something is due in each game until all of it is paid.",
      .sql = deadlines },
    { .name = "game.batches", .help = "A batch is challenged exactly while a game about it runs.",
      .check = check_batches },
};
