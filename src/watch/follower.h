/* One rollup executed from what is published, from the state before its first batch on; and the state before
 * any batch that is not final. Nothing is believed: ids, items and roots are computed anew. */
#ifndef WATCH_FOLLOWER_H
#define WATCH_FOLLOWER_H

#include "watch/published.h"
#include "watch/undo.h"
#include "watch/watch.h"

#define TROUBLES_MOST 64u

/* A batch that was executed, and was right. */
struct executed {
    struct hash id, root;
    uint64_t inbox_to;            /* the next one begins there */
    struct undo undo;
};

/* A batch that is not right, or of which nobody can tell: nothing is executed on it. */
struct stopped_at {
    bool is_there;
    bool unpublished;             /* its data is not to be had */
    struct published_batch batch;
    char why[256];
};

struct follower {
    uint64_t domain;
    size_t keep_most;              /* bytes of what takes batches back; the newest one's is always kept */
    uint64_t limit;                /* goes no further than that batch; 0: to the newest */
    bool begun;
    struct published_rollup terms; /* as read in the latest look */
    struct rollup_state *state;    /* after batch `number` */
    uint64_t number;
    struct executed base;          /* the batch before kept[0], or none */
    struct executed *kept;         /* those up to `number`, oldest first */
    size_t kept_count, kept_room, kept_bytes;
    struct stopped_at wrong;
    uint64_t batches;              /* executed in the latest look */
    bool has_told;                 /* of `told`, that it is wrong or cannot be checked */
    struct hash told;
    uint64_t told_number;
    struct hash troubles[TROUBLES_MOST]; /* told of what cannot be done: each is told once */
    size_t trouble_count;
    char doubt[ERROR_MESSAGE_MAX]; /* told last of what does not fit together */
    bool anew;                     /* it goes back further than is kept: to be executed from the beginning */
};

void follower_open(struct follower *follower, uint64_t domain, size_t keep_most, uint64_t limit);
void follower_close(struct follower *follower);

/* Executes what is new, takes back what does not stand any more. ERROR_CORRUPT: what is served does not fit
 * together. ERROR_NOT_READY: it changed while it was read, or goes back further than is kept; look again.
 * Others: the node did not answer. */
MUST_CHECK enum status follower_catch_up(struct follower *follower, struct node *node,
                                         const struct watch_listener *listener, struct error *error);

/* Calls `use` with the state before the batch and the batch: one that was executed and is not final, or the
 * one that is wrong. ERROR_NOT_READY: neither. */
MUST_CHECK enum status follower_before(struct follower *follower, struct node *node,
                                       const struct published_batch *published,
                                       enum status (*use)(void *context, struct rollup_state *before,
                                                          const struct batch *batch, struct error *error),
                                       void *context, struct error *error);
/* Whether the batch was executed and was right, and can be taken back here. */
MUST_CHECK bool follower_has(const struct follower *follower, uint64_t number, const struct hash *id);

/* For what is told. */
void follower_tell(const struct follower *follower, const struct watch_listener *listener, const char *what,
                   const struct published_batch *batch, json_t *more, const char *format, ...)
    PRINTF_LIKE(6, 7);

#endif
