/* The table of writes, and who alone writes it. Texts and bytes that are read live in the arena given. */
#ifndef NETWORK_WRITE_ROWS_H
#define NETWORK_WRITE_ROWS_H

#include "network/rows.h"
#include "network/write_rules.h"

#define WRITES_AT_ONCE 64 /* that one run prepares, or sends */

struct write_row {
    uint64_t number, link;
    enum write_kind kind;
    enum write_stage stage;
    bool settled;
    const char *transaction, *label;
    struct bytes raw;
    bool has_sequence;
    uint64_t sequence;
    const char *asset, *details;
    uint64_t retries, sends;
    int64_t give_up_us, sent_us, unknown_us;
    enum finality finality;
    bool has_confirmations, has_height;
    uint64_t confirmations, height;
    const char *block, *reason;
    int64_t urgent_us;       /* 0: no matter when */
    int64_t priced_us;       /* since when it waits at its present fee */
    const char *fee_reason;  /* why that is not raised; NULL */

    /* of its operation; read, never written here */
    struct network_id id;
    const char *request;
    int64_t timeout_us;
};

void row_write_insert(struct database *database, const struct write_row *row);
MUST_CHECK bool row_write_read(struct database *database, uint64_t number, struct arena *arena,
                               struct write_row *row);
/* All that may change. The stage must be one that may follow the one on record. */
void row_write_update(struct database *database, const struct write_row *row);

/* How often the first that is queued was tried already; false: none is. */
MUST_CHECK bool row_write_is_queued(struct database *database, uint64_t link, uint64_t *retries);
/* The first queued ones of a link, in order; of those, how many there are. */
size_t row_write_queued(struct database *database, uint64_t link, struct arena *arena,
                        struct write_row rows[WRITES_AT_ONCE]);
/* The first that are to be sent in their sequence, or looked for. */
size_t row_write_lane(struct database *database, uint64_t link, struct arena *arena,
                      struct write_row rows[WRITES_AT_ONCE]);
/* One more than the highest sequence that may still get into a block; 0: there is none. */
uint64_t row_write_sequence_least(struct database *database, uint64_t link);
/* Sequences below the lowest that may still get into a block and above all that did: [from, to). */
void row_write_hole(struct database *database, uint64_t link, uint64_t *from, uint64_t *to);
/* Whether later ones, which may still get into a block, wait for it. */
MUST_CHECK bool row_write_awaited(struct database *database, uint64_t link, uint64_t sequence);
/* By when this one or one behind it has to be in a block, of those that are in none; 0: no matter. */
int64_t row_write_urgent(struct database *database, uint64_t link, uint64_t sequence, int64_t now_us);
MUST_CHECK bool row_write_sequence_taken(struct database *database, uint64_t link, uint64_t sequence);
/* Those behind a refused one, which nobody has seen, are to be prepared anew. */
void row_write_requeue(struct database *database, uint64_t link, uint64_t sequence);
uint64_t row_write_open(struct database *database, uint64_t link); /* not settled: how many */
/* The first unsettled one of a link whose number is greater; false: there is none. */
MUST_CHECK bool row_write_next_open(struct database *database, uint64_t link, uint64_t after,
                                    struct arena *arena, struct write_row *row);

#endif
