/* The deterministic machine. One kernel a process: it owns the executor thread (the only writer), the
 * readers, the registry of modules, deadlines and effects. api/ brings calls in and gets replies and
 * publications back; node/ starts and stops it. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "base/workers.h"
#include "crypto/keystore.h"
#include "crypto/note.h"
#include "kernel/module.h"
#include "kernel/query.h"
#include "store/event_log.h"

struct kernel;

/* One committed batch of events, rendered: what the dispatcher sends. */
struct publication {
    uint64_t first, last;        /* seqs; last < first: none */
    struct buffer lines;         /* event lines one after the other (event_log.h, event_line) */
    struct publication_entry {
        uint32_t offset, size;   /* of the line in `lines`, newline included */
        int16_t type;            /* event_type_index */
        uint32_t subject_offset; /* of the subject's text in `lines`; size 0: none */
        uint16_t subject_size;
    } *entries;                  /* last − first + 1 */
    int64_t time_us;
    int64_t committed_us;        /* monotonic clock when COMMIT returned */
};
void publication_free(struct publication *publication);

struct kernel_options {
    const char *directory; /* data directory, made by the caller; the database is DIRECTORY/layerd.sqlite3 */
    enum node_network network;
    const struct module *const *modules; /* ends with NULL; the kernel adds its own */
    size_t workers;               /* threads for signatures and queries */
    size_t queue_size;            /* commands that may wait */
    size_t queue_bytes;           /* the same in bytes of memory; 0: 160 MiB */
    size_t batch_size;            /* commands a commit at most */
    size_t max_concurrency;       /* effects of one kind that wait at once; 0: 100 */
    int64_t block_interval_us;    /* between blocks while deadlines run */
    int64_t query_timeout_us;     /* for queries that are not slow */
    bool stays_out_of_disputes;   /* see kernel_takes_part */
    const char *vfs;              /* NULL: default */
    int64_t (*clock)(void *context); /* NULL: the wall clock; tests give their own */
    void *clock_context;
    const struct hash
        *seed; /* of a new chain's identity; NULL: random. Tests give one to get the same chain again */
    struct keystore *keystore;    /* NULL: unsigned commands with `from` are refused */
    /* Called by the executor after COMMIT with each batch's events, in order, before the replies of that
     * batch. Takes ownership. NULL: nobody listens. Must not block. */
    void (*publish)(void *context, struct publication *publication);
    /* Called by the executor after all replies of a batch were handed to `done`: the moment to wake the I/O
     * thread once. */
    void (*batch_done)(void *context);
    void *context;
};

/* Opens or makes the database, migrates, checks the log, starts the threads. */
MUST_CHECK enum status kernel_start(const struct kernel_options *options, struct kernel **kernel,
                                    struct error *error);
/* Finishes what is queued, records node.stopped, signs a checkpoint, closes the database. */
void kernel_stop(struct kernel *kernel, const char *reason);

/* --- calls ------------------------------------------------------------------------------------ */
/* One call from outside. The caller allocates it, and gets it back through `done` exactly once: from a worker
 * (queries and refusals) or from the executor after COMMIT (commands). result is borrowed until `done`
 * returns. */
struct call {
    struct caller caller;
    /* Called once. status OK: result is one JSON value. Otherwise error tells. */
    void (*done)(struct call *call, enum status status, const struct error *error, struct bytes result);
    void *context;
    struct work work;       /* the kernel's */
    void *state;            /* the kernel's */
};

/* Runs one parsed call on the calling thread as far as it goes without waiting: finds the method, checks
 * access and parameters, verifies signatures, answers queries, queues commands. Call it from a worker
 * (`worker` is its number, which picks the read connection). `params` is borrowed: a json object, or NULL.
 * Methods: those of the modules, and "transaction.submit" with
 * {"transaction":{account,chain,method,params,salt,valid_until},"signature":hex}. */
void kernel_call(struct kernel *kernel, size_t worker, struct call *call, const char *method,
                 const json_t *params);

/* Runs `task` in the executor's next batch, all or nothing, as SCOPE_LOCAL; `done` after COMMIT. For cursors
 * and the like. Like any handler, `run` may be called twice, the first time being rolled back. False: the
 * queue is full or the kernel stops (then `done` is not called). */
struct kernel_task {
    enum status (*run)(struct kernel_task *task, struct execution *x);
    void (*done)(struct kernel_task *task, enum status status,
                 const struct error *error); /* owns the task from here on */
};
bool kernel_submit_task(struct kernel *kernel, struct kernel_task *task);

/* The node's own account: its key follows from node.key, so that it is there without any passphrase. It signs
 * what the node does on the ledger for itself, as answering a challenge. */
struct account_id kernel_account(const struct kernel *kernel);
void kernel_sign_own(const struct kernel *kernel, const struct hash *message, struct signature *signature);
/* A secret that this node alone can tell, and tells alike each time: a hash of that key under a tag, and of
 * what it is for. */
void kernel_derive_own(const struct kernel *kernel, const char *tag, const struct hash *subject,
                       struct hash *secret);
/* Signs a base command with that key and waits until it is committed or refused. For effects. `params` is
 * borrowed; *result (may be NULL) is JSON text in the end of `result`, appended. */
MUST_CHECK enum status kernel_submit_own(struct kernel *kernel, const char *method, const json_t *params,
                                         struct buffer *result, struct error *error);

/* Brings a signed transaction in, as transaction.submit takes it, and waits likewise. The same one again is
 * answered as the first time. For effects. */
MUST_CHECK enum status kernel_submit_signed(struct kernel *kernel, const json_t *params,
                                            struct buffer *result, struct error *error);

/* Runs a local command as the operator, and waits likewise. `reader` is a connection of the caller's own, for
 * the command's check. For effects. ERROR_METHOD_NOT_FOUND: no module of this node has it. */
MUST_CHECK enum status kernel_submit_local(struct kernel *kernel, struct database *reader, const char *method,
                                           const json_t *params, struct buffer *result, struct error *error);

/* What the module made by memory_open; NULL when this kernel runs without the module. */
void *kernel_memory(const struct kernel *kernel, const struct module *module);

struct workers *kernel_workers(struct kernel *kernel); /* the pool: api submits its parsing here */

/* --- facts (any thread) ----------------------------------------------------------------------- */
const char *kernel_chain(const struct kernel *kernel);
const char *kernel_node_id(const struct kernel *kernel);  /* 32 hex digits */
const char *kernel_origin(const struct kernel *kernel);   /* checkpoint origin: "layerd/<node id>" */
const struct note_key *kernel_note_key(const struct kernel *kernel);
const char *kernel_database_path(const struct kernel *kernel);
enum node_network kernel_network(const struct kernel *kernel);
/* Whether the node's own account takes part in disputes of itself: challenges, moves, proofs of fraud. */
bool kernel_takes_part(const struct kernel *kernel);
const char *network_name(enum node_network network);
uint64_t kernel_head(const struct kernel *kernel);        /* newest committed event */
uint64_t kernel_height(const struct kernel *kernel);      /* newest committed block */
int64_t kernel_now(const struct kernel *kernel);          /* the time that a block made now would have, µs */
struct keystore *kernel_keystore(struct kernel *kernel);
bool kernel_stopping(
    const struct kernel *kernel); /* effects that run long ask, and end with ERROR_STOPPING */

/* A read-only connection of one's own (the I/O thread has one); close with database_close. */
MUST_CHECK enum status kernel_reader(struct kernel *kernel, struct database **reader, struct error *error);

/* Counters since start, for node.status and the memory bounds. */
struct kernel_counters {
    uint64_t commits, commands, refused, events, blocks, queries, busy;
    uint64_t queued; /* commands waiting now */
};
void kernel_counters(struct kernel *kernel, struct kernel_counters *counters);

/* --- the registry (for help, completion, schemas) --------------------------------------------- */
/* Writes the OpenRPC 1.2 document of all commands and queries, and JSON Schema of all events. */
void kernel_write_openrpc(const struct module *const *modules, struct writer *w);
void kernel_write_event_schema(struct writer *w);

#endif
