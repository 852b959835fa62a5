/* A watcher of rollups that stands by itself: it follows a node's published rows, executes every batch again,
 * and disputes what is wrong with a key of its own. `layer-cli watch` is the program around it.
 *
 * The node is trusted for nothing but that it hands on what is published: the state before the first batch,
 * ids, roots and games are computed here and compared. Nothing is kept but the key: whoever kills it and
 * starts it anew loses nothing by it, and two that share one key play one game. */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include <jansson.h>

#include "base/bytes.h"
#include "layerd/layerd.h"

#define WATCH_ROLLUPS_MAX 64 /* named ones */
#define WATCH_ANY_STAKE UINT64_MAX
#define WATCH_KEEP_DEFAULT ((size_t)256 * 1024 * 1024)

/* Something it saw or did. */
struct watch_report {
    const char *what;    /* stable name, for programs: "batch_wrong" */
    const json_t *facts; /* rollup, number, batch, …; never NULL */
    const char *line;    /* the same for people, one line */
};

struct watch_listener {
    void *context;
    void (*tell)(void *context, const struct watch_report *report);
    void (*progress)(void *context, uint64_t rollup, uint64_t done, uint64_t of); /* batches executed */
    bool (*stopped)(void *context); /* asked often: to end soon */
};

struct watch_options {
    const char *path;              /* of the node's directory or socket; NULL: the dev network's */
    const char *chain;             /* the node must be of this one; NULL: of the one that it is of first */
    const struct layerd_key *key;  /* plays; outlives the watcher */
    uint64_t rollups[WATCH_ROLLUPS_MAX];
    size_t rollup_count;           /* 0: all there are */
    size_t keep_most;              /* bytes for each rollup of what takes batches back; more costs no time */
    uint64_t max_stake;            /* bonds locked at once, of each asset, in its smallest unit */
    int timeout_ms;                /* for one call */
    struct watch_listener listener;
};

/* What a look came to; the worst of all rollups. */
enum watch_verdict {
    WATCH_RIGHT,      /* every batch leads where it says */
    WATCH_ACTED,      /* something is wrong, and what could be done was done */
    WATCH_COULD_NOT,  /* something is wrong, or cannot be checked, and not all that is needed could be done */
    WATCH_UNVERIFIED, /* what the node serves does not fit together: do not trust it */
};

struct watch_summary {
    enum watch_verdict verdict;
    bool unfinished;         /* something changed while it was read: the verdict is not of everything */
    bool soon;               /* something is under way: look again in a moment, whatever the events say */
    uint64_t rollups, batches; /* looked at; executed in this look */
};

struct watch;
struct watch *watch_open(const struct watch_options *options);
void watch_close(struct watch *watch);

/* One look at everything. ERROR_CORRUPT: the node is of another chain. Fails besides when the node does not
 * answer (CONNECT, DISCONNECTED, TIMEOUT, PROTOCOL, …) or refuses what every node answers; then look again,
 * it connects anew. */
MUST_CHECK enum status watch_look(struct watch *watch, struct watch_summary *summary, struct error *error);

#endif
