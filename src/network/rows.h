/* The tables of links, operations, blocks and verdicts, and those who alone write them (the writes are in
 * write_rows.h). Texts that are read live in the arena given. */
#ifndef NETWORK_ROWS_H
#define NETWORK_ROWS_H

#include "crypto/schnorr.h"
#include "network/network.h"
#include "store/database.h"

#define NETWORK_ID_SIZE 16
#define LINKS_MAX 256
#define OPERATIONS_KEPT 100000 /* ended reads older than that many operations are forgotten */
#define OPERATIONS_QUEUED_MAX 10000 /* of a link */
#define BLOCKS_KEPT 10000      /* of a link */

struct network_id { uint8_t bytes[NETWORK_ID_SIZE]; };

/* --- network_link ------------------------------------------------------------------------------- */
enum link_state { LINK_IDLE, LINK_CONNECTING, LINK_CONNECTED, LINK_DEGRADED, LINK_LOST, LINK_REMOVED };
const char *link_state_name(enum link_state state);

struct link_row {
    uint64_t id;
    const char *name, *network, *options;
    const char *key; /* NULL: none */
    struct public_key public_key;
    int64_t poll_us, health_us;
    enum link_state state;
    int64_t changed_us;  /* when the state became what it is; read, never written by the caller */
    uint64_t failures;
    uint64_t flaps, good; /* health.c's */
    const char *error, *chain, *version, *account;
};

uint64_t row_link_insert(struct database *database, const struct link_row *row, int64_t now_us);
/* Removed ones are not found. */
MUST_CHECK bool row_link_read(struct database *database, uint64_t id, struct arena *arena,
                              struct link_row *row);
MUST_CHECK bool row_link_find(struct database *database, const char *name, struct arena *arena,
                              struct link_row *row);
/* State, failures, flaps, good, error, chain, version and account. Of one that is removed the options, which
 * may hold a provider's key, are forgotten, and overwritten in the file. */
void row_link_update(struct database *database, const struct link_row *row, int64_t now_us);
/* How many sequences of the link's came to nothing; and one more. */
uint64_t row_link_gaps(struct database *database, uint64_t id);
void row_link_gap(struct database *database, uint64_t id);
/* Calls `each` for every link that is not removed. */
void row_link_each(struct database *database, void (*each)(void *context, const struct link_row *row),
                   void *context);

/* --- network_operation -------------------------------------------------------------------------- */
struct operation_row {
    uint64_t number;
    struct network_id id;
    uint64_t link;
    enum network_operation operation;
    const char *request, *request_key;
    int64_t timeout_us;
    const char *state; /* queued, done, failed, cancelled */
};

uint64_t row_operation_insert(struct database *database, const struct operation_row *row, int64_t now_us);
MUST_CHECK bool row_operation_find(struct database *database, const struct network_id *id,
                                   struct arena *arena, struct operation_row *row);
MUST_CHECK bool row_operation_read(struct database *database, uint64_t number, struct arena *arena,
                                   struct operation_row *row);
MUST_CHECK bool row_operation_requested(struct database *database, uint64_t link, const char *request_key,
                                        struct arena *arena, struct operation_row *row);
/* The result's JSON when it is done (code OK), else the error. */
void row_operation_end(struct database *database, uint64_t number, const char *state, struct bytes result,
                       enum status code, const char *error, int64_t now_us);
/* that many are queued */
bool row_operation_too_many(struct database *database, uint64_t link, uint64_t most);
/* The first one that is queued and reads. */
MUST_CHECK bool row_operation_first_queued(struct database *database, uint64_t link, struct arena *arena,
                                           struct operation_row *row);
/* Forgets the read that ended OPERATIONS_KEPT operations before this one. */
void row_operation_prune(struct database *database, uint64_t number);

/* --- network_block ------------------------------------------------------------------------------ */
/* The newest one; not known: there is none. `hash` lives in the arena. */
void row_block_newest(struct database *database, uint64_t link, struct arena *arena,
                      struct network_position *position);
void row_block_insert(struct database *database, uint64_t link, const struct network_block *block);
void row_block_rewind(struct database *database, uint64_t link, uint64_t height); /* forgets those above */
void row_block_prune(struct database *database, uint64_t link, uint64_t newest);
void row_block_forget(struct database *database, uint64_t link); /* all of a link */

/* --- network_verdict ---------------------------------------------------------------------------- */
void row_verdict_insert(struct database *database, uint64_t number, uint64_t link, const char *kind,
                        const struct hash *hash, const char *verdict, const char *anchor, const char *reason);

#endif
