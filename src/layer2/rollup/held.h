/* Data that this node keeps itself, published or not, and what it does about data that it has not got: SQL
 * of this node's own tables rollup_data_held, rollup_sealed, rollup_attestation, rollup_data_missing,
 * rollup_guard. */
#ifndef LAYER2_ROLLUP_HELD_H
#define LAYER2_ROLLUP_HELD_H

#include "layer2/rollup/availability_rows.h"

/* --- data by its hash */
/* Packed, appended. */
MUST_CHECK bool held_read(struct database *database, const struct hash *hash, struct buffer *out);
bool held_has(struct database *database, const struct hash *hash);
/* False: it was there. */
MUST_CHECK bool held_write(struct database *database, const struct hash *hash, struct bytes data,
                           int64_t now_us);

/* As batch_load, also from what this node keeps. ERROR_DATA_NOT_HELD; ERROR_WRONG_DATA and those of
 * batch_restore: it has the data, and the batch lies about it. */
MUST_CHECK enum status batch_load_here(struct database *database, const struct rollup *rollup,
                                       const struct batch_row *row, struct arena *arena, struct batch *batch,
                                       struct error *error);
bool batch_is_here(struct database *database, const struct batch_row *row); /* its data, whatever it is */

/* --- a batch made here that waits for attestations */
struct sealed {
    uint64_t number;
    struct hash parent;
    uint64_t inbox_to;
    struct hash items_root;
    uint64_t transactions;
    struct hash data_hash;
    uint64_t data_size;
    struct hash message; /* attestation_message */
    bool announced;
};
MUST_CHECK bool sealed_read(struct database *database, uint64_t domain, struct sealed *sealed);
/* In place of an earlier one, whose attestations are forgotten, like its data when no batch has it. */
void sealed_write(struct database *database, uint64_t domain, const struct sealed *sealed);
void sealed_delete(struct database *database, uint64_t domain);
void attested_write(struct database *database, const struct hash *message, const struct attestation *given);
unsigned attested_list(struct database *database, const struct hash *message,
                       struct attestation list[COMMITTEE_MAX]);

/* --- data that is missing */
bool missing_has(struct database *database, const struct hash *batch);
void missing_write(struct database *database, const struct batch_row *row, int64_t now_us);
void missing_delete(struct database *database, const struct hash *batch);
uint64_t missing_count(struct database *database, uint64_t domain); /* of batches that stand */

/* --- challenging it */
uint64_t guard_bond(struct database *database, uint64_t domain); /* at most so much; 0: never */
void guard_write(struct database *database, uint64_t domain, uint64_t bond_max);
/* Batches that can still be challenged and whose data this node has not got, those with low numbers first. */
size_t batch_list_missing(struct database *database, uint64_t domain, struct batch_row *rows, size_t most);
/* Batches whose data is demanded, and which this node has got. */
size_t batch_list_demanded(struct database *database, uint64_t domain, struct batch_row *rows, size_t most);

#endif
