/* Blocks: the times a block gets, and its hash. Pure. What replicas agree on is the chain of these hashes. */
#ifndef KERNEL_BLOCK_H
#define KERNEL_BLOCK_H

#include <sodium.h>

#include "base/bytes.h"
#include "store/database.h"

/* Chain time grows by at most this much a block, so that an outage never eats somebody's window (DESIGN.md
 * §2). */
#define CHAIN_TIME_STEP_MAX_US ((int64_t)60 * 1000 * 1000)

struct block {
    uint64_t height;
    int64_t time_us;       /* block time: the sequencer's clock, never going back, plus all advances */
    int64_t chain_time_us;
    int64_t advanced_us;   /* all that dev.advance_time has added, up to and with this block */
    uint64_t transactions, events;
    uint64_t first_seq;    /* this node's: not part of the hash */
    struct hash content;
    struct hash previous;
    struct hash hash;
};

/* The block after `parent` when the sequencer's clock (without advances) shows `clock_us`: height, times and
 * previous are set, the rest is zero. `parent_advance_us` is how much of parent->advanced_us was added in the
 * parent block itself. */
void block_follow(const struct block *parent, int64_t parent_advance_us, int64_t clock_us,
                  struct block *block);

/* tagged hash "layerd/block" of height ‖ time ‖ chain time ‖ advanced ‖ transactions ‖ events (8 bytes
 * little-endian each) ‖ content ‖ previous. */
void block_seal(struct block *block);

/* The running hash of a block's content: for each deadline fired and each transaction in order, its mark and
 * id, then its base events: type, subject and body with their lengths. BLAKE2b-256. */
struct block_content { crypto_generichash_state state; };
void block_content_begin(struct block_content *content);
void block_content_deadline(struct block_content *content, const char *kind, struct bytes subject);
void block_content_transaction(struct block_content *content, const struct hash *id);
void block_content_event(struct block_content *content, const char *type, struct bytes subject,
                         struct bytes body);
void block_content_end(struct block_content *content, struct hash *out);

/* --- rows ------------------------------------------------------------------------------------- */
void block_insert(struct database *database, const struct block *block);
MUST_CHECK bool block_read(struct database *database, uint64_t height, struct block *block); /* false: none */
MUST_CHECK bool block_newest(struct database *database, struct block *block);
/* Steps the statement to its first row, reads the block there, and finishes it. */
MUST_CHECK bool block_from_row(struct statement *s, struct block *block);

#endif
