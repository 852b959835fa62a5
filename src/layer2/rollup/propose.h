/* Batches: put together of published data and inbox rows, and proposed. */
#ifndef LAYER2_ROLLUP_PROPOSE_H
#define LAYER2_ROLLUP_PROPOSE_H

#include "layer2/rollup/rollup.h"

/* Where a batch goes: behind the newest one that stands, if there is one. */
struct batch_place {
    uint64_t number;           /* of the next batch */
    struct hash parent;        /* zero: none */
    struct hash previous_root;
    uint64_t inbox_from;
    uint64_t withdrawals;      /* so far, as claimed */
};
void batch_place_next(struct database *database, const struct rollup *rollup, struct batch_place *place);

bool batch_takes_inbox(struct database *database, const struct rollup *rollup); /* whether items wait */

/* The batch of inbox items `from` … `to` − 1 and the transactions in `data` (not packed), which it borrows.
 * ERROR_MALFORMED_ITEM, ERROR_LIMIT; ERROR_WRONG_INBOX_RANGE when there are no such items. */
MUST_CHECK enum status batch_assemble(struct database *database, const struct rollup *rollup,
                                      const struct batch_place *place, uint64_t to, struct bytes data,
                                      struct arena *arena, struct batch *batch, struct error *error);

/* The batch at this row's place, from packed data, whatever items that makes. ERROR_MALFORMED_DATA,
 * ERROR_MALFORMED_ITEM, ERROR_LIMIT. */
MUST_CHECK enum status batch_unpack(struct database *database, const struct rollup *rollup,
                                    const struct batch_row *row, struct bytes packed, struct arena *arena,
                                    struct batch *batch, struct error *error);
/* The same for a row that a committee's data goes with. ERROR_WRONG_DATA: size or items are not those that it
 * tells of. */
MUST_CHECK enum status batch_restore(struct database *database, const struct rollup *rollup,
                                     const struct batch_row *row, struct bytes packed, struct arena *arena,
                                     struct batch *batch, struct error *error);

struct propose {
    uint64_t domain, number, withdrawals, inbox_to;
    struct hash parent, root, withdrawal_root;
    struct bytes data;
    struct bytes unpacked; /* filled by the check */
    /* of data that a committee holds */
    struct hash data_hash, items_root;
    uint64_t data_size, transactions;
    struct param_list attestations;
};
#define PROPOSE_PARAMS 13
extern const struct param rollup_propose_params[PROPOSE_PARAMS];
enum status check_batch(const struct check *check, void *params, struct arena *arena, struct error *error);
enum status propose_batch(struct execution *x, const void *params, struct writer *result);

#endif
