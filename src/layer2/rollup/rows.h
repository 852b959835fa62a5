/* SQL of the tables that belong to the ledger: rollup, rollup_asset, batch, batch_data, rollup_exit. Reading
 * them stands in rollup.h where others may. */
#ifndef LAYER2_ROLLUP_ROWS_H
#define LAYER2_ROLLUP_ROWS_H

#include "layer2/rollup/rollup.h"

void rollup_insert(struct database *database, const struct rollup *rollup, uint64_t seq);
void rollup_update(struct database *database, const struct rollup *rollup); /* what changes in its life */

void batch_insert(struct database *database, const struct batch_row *row, uint64_t seq);
void batch_data_insert(struct database *database, const struct hash *id, struct bytes data); /* published */
void batch_update(struct database *database, const struct batch_row *row);
/* Windows of those above that batch, undecided ones, end at that time at the earliest. */
void batch_extend_above(struct database *database, uint64_t domain, uint64_t number, int64_t until_us);
/* As published, appended. */
MUST_CHECK bool batch_data(struct database *database, const struct hash *id, struct buffer *out);
/* Reads the row at hand of a statement over SELECT BATCH_COLUMNS FROM batch. */
#define BATCH_COLUMNS                                                                                       \
    "id, domain, number, parent, previous_root, items_root, context, proposer, root, withdrawal_root,"      \
    " withdrawals, inbox_from, inbox_to, items, bond, state, proposed_us, window_end_us, accepted_us,"      \
    " ended_us, data_state, data_hash, data_size"
void batch_from_row(struct statement *s, struct batch_row *row);

/* The least that may be deposited. */
void deposit_min_insert(struct database *database, uint64_t domain, unsigned asset, uint64_t amount);
uint64_t deposit_min(struct database *database, uint64_t domain, unsigned asset);

/* `item` is the inbox item that takes it from the account inside. False: it was taken out in this epoch. */
MUST_CHECK bool exit_insert(struct database *database, const struct rollup *rollup, uint32_t account,
                            unsigned asset, uint64_t amount, uint64_t item);
/* Whether an exit is on record that the state before inbox item `done` does not know of. */
MUST_CHECK bool exit_waits(struct database *database, uint64_t domain, uint32_t account, unsigned asset,
                           uint64_t done);
/* Whether there are exits without inbox items, as older versions had them. */
MUST_CHECK bool exit_lacks_item(struct database *database, uint64_t domain);

/* Chain time of the newest block: for what runs outside of the executor. */
int64_t newest_chain_time(struct database *database);

#endif
