/* What always holds of channels on the ledger: see invariants.h. */
#include "layer2/channel/invariants.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/query.h"
#include "layer2/channel/record.h"

/* A channel has its holding account, its participants, and a deadline exactly while a challenge runs. */
static const char rows[] =
    "SELECT printf('channel %s has no holding account', lower(hex(id))) FROM channel"
    " WHERE holding NOT IN (SELECT id FROM account WHERE kind = 'channel')"
    " UNION ALL SELECT printf('channel %s has no participants', lower(hex(id))) FROM channel"
    " WHERE id NOT IN (SELECT channel FROM channel_participant)"
    " UNION ALL SELECT printf('channel %s is challenged, but has no deadline', lower(hex(channel.id)))"
    " FROM channel LEFT JOIN deadline ON kind = 'channel.finalized' AND subject = channel.id AND clock = 1"
    "  AND due_us = finalizes_us WHERE finalizes_us IS NOT NULL AND outcome IS NULL AND deadline.id IS NULL"
    " UNION ALL SELECT printf('a deadline for the channel %s, which is not challenged', lower(hex(subject)))"
    " FROM deadline WHERE kind = 'channel.finalized' AND subject NOT IN"
    "  (SELECT id FROM channel WHERE finalizes_us IS NOT NULL AND outcome IS NULL)"
    " UNION ALL SELECT printf('channel %s ended without an end', lower(hex(id))) FROM channel"
    " WHERE outcome IS NOT NULL AND finalizes_us IS NULL";

/* Each noted hash-lock has a deadline of its own and belongs to a channel that ended; those of a preimage
 * that was shown have one together. */
static const char locks[] =
    "SELECT printf('hash-lock %d of channel %s has no deadline', lock, lower(hex(channel)))"
    " FROM channel_hashlock LEFT JOIN deadline ON kind = 'channel.hashlock' AND clock = 0"
    "  AND due_us = expiry_us AND hex(subject) = hex(channel) || printf('%08X', lock)"
    " WHERE deadline.id IS NULL"
    " UNION ALL SELECT printf('hash-lock %d of channel %s, which has not ended', lock, lower(hex(channel)))"
    " FROM channel_hashlock JOIN channel ON channel.id = channel WHERE outcome IS NULL"
    " UNION ALL SELECT printf('hash-lock %d of channel %s waits for a preimage that was shown in time',"
    "  lock, lower(hex(channel))) FROM channel_hashlock JOIN preimage USING (hash)"
    " WHERE revealed_us < expiry_us AND hash NOT IN"
    "  (SELECT subject FROM deadline WHERE kind = 'channel.unlock' AND clock = 0)";

/* What is still owed was never more than the state that the channel ended with gives, guarantees aside. */
static bool is_broken(const struct channel_record *record, char *violation, size_t size)
{
    char hex[2 * sizeof(record->id.bytes) + 1];

    hex_text(hex, record->id.bytes, sizeof(record->id.bytes));
    if (record->a.has_outcome && record->state.turn > record->a.turn_record) {
        snprintf(violation, size, "channel %s: turn %" PRIu64 " on record is below its state's %" PRIu64, hex,
                 record->a.turn_record, record->state.turn);
        return true;
    }
    for (unsigned asset = 0; record->is_settled && asset < record->fixed.asset_count; asset++) {
        uint64_t owed = 0, ended = 0;

        if (!channel_outcome_total(&record->outcome, asset, &owed) ||
            !channel_outcome_total(&record->state, asset, &ended) || owed > ended) {
            snprintf(violation, size, "channel %s owes %" PRIu64 " of asset %u, but ended with %" PRIu64, hex,
                     owed, asset, ended);
            return true;
        }
    }
    return false;
}

static enum status check_records(struct query *q, char *violation, size_t size)
{
    struct hash id = { { 0 } };
    bool first = true;

    for (;;) {
        struct statement *s = statement(q->database, "SELECT id FROM channel WHERE id > ?1 OR ?2"
                                                     " ORDER BY id LIMIT 1");
        struct arena arena CLEANUP(arena_close);
        struct channel_record record;

        arena_init(&arena);
        bind_blob(s, id.bytes, sizeof(id.bytes));
        bind_integer(s, first);
        if (!statement_row(s))
            return OK;
        column_fixed(s, "id", id.bytes, sizeof(id.bytes));
        statement_finish(s);
        first = false;
        if (record_read(q->database, &id, &arena, &record) && is_broken(&record, violation, size))
            return OK;
    }
}

const struct invariant channel_invariants[CHANNEL_INVARIANTS] = {
    { .name = "channel.rows",
      .help = "Each channel has its account, its participants, and a deadline while it is challenged.",
      .sql = rows },
    { .name = "channel.hashlocks",
      .help = "Each noted hash-lock has its deadline, and none waits for a preimage that came in time.",
      .sql = locks },
    { .name = "channel.owed",
      .help = "No channel owes more than it ended with, nor has a state above its turn on record.",
      .check = check_records },
};
