/* The kernel as its own files see it. Which thread owns what: the executor owns `machine`, `log`, `effects`
 * and the writer; each worker owns its reader; the rest is read-only after start, or atomic. */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "crypto/transaction.h"
#include "kernel/effect.h"
#include "kernel/kernel.h"
#include "kernel/machine.h"
#include "kernel/query_lane.h"

#define QUEUED_BYTES_USUAL ((size_t)160 * 1024 * 1024) /* of all waiting commands together */
#define MAX_CONCURRENCY_USUAL 100
#define JOB_OVERHEAD 640                             /* bytes that a waiting command takes besides its own */
#define NODE_ID_TEXT 33
#define CHAIN_TEXT TRANSACTION_CHAIN_MAX
#define CLOCK_POLL_US MICROSECONDS_PER_SECOND /* the longest sleep while something is due later */

enum job_kind { JOB_COMMAND, JOB_TASK, JOB_EFFECT };

/* One piece of work in the executor's queue. */
struct job {
    enum job_kind kind;
    struct arena arena; /* owns what this job points to, canonical bytes and parameters included */
    size_t bytes;       /* counted against options.queue_bytes */

    /* JOB_COMMAND */
    struct call *call;
    const struct command *command;
    const void *params;
    bool is_signed;
    struct account_id account;
    struct hash id;
    struct signature signature;
    struct bytes canonical;
    const char *method;
    int64_t valid_until_us;

    struct kernel_task *task;  /* JOB_TASK */
    struct effect_job *effect; /* JOB_EFFECT */

    /* the outcome, until it is delivered after COMMIT */
    enum status status;
    struct error *error; /* NULL unless refused */
    size_t reply_offset, reply_size;
};

struct kernel {
    struct kernel_options options;
    char *directory, *database_path, *backup_directory;
    char node_id[NODE_ID_TEXT];
    char chain[CHAIN_TEXT];
    char origin[64];
    struct note_signer *signer;
    struct secret_key *own_key; /* of the node's own account */
    struct account_id own_account;
    struct registry *registry;
    void **memories; /* one for each module, in the registry's order */

    struct workers *workers;
    struct database **readers; /* one for each worker */
    struct query_lane lane;    /* of those that may take long, `sql` too */
    atomic_bool slow_query;    /* without a time limit: one at a time */

    struct queue queue; /* of struct job */
    atomic_size_t queued_bytes;
    atomic_bool stopping;
    pthread_t executor;

    struct database *writer;
    struct event_log *log;
    struct machine machine;
    struct effects *effects;
    struct buffer results; /* replies of the batch at hand */
    struct job **batch;
    int64_t event_time_us; /* of the newest event: times never go back */
    bool sweeping; /* while there are workers: sweeps run, and what follows a commit */
    unsigned careful_batches; /* so many batches still get savepoints */

    atomic_uint_fast64_t head, height, block_time_us, chain_time_us, advanced_us;
    atomic_uint_fast64_t commits, commands, refused, events, blocks, queries, busy;
};

/* --- executor.c ------------------------------------------------------------------------------- */
void executor_start(struct kernel *kernel);
void executor_stop(struct kernel *kernel); /* drains and joins */
/* Before the thread starts and after it ended: block 0 of a new chain; one local command of the node's own.
 */
void executor_genesis(struct kernel *kernel, const struct hash *genesis);
void executor_record(struct kernel *kernel, command_handler *run, const void *params, bool force_checkpoint);
/* False: the queue is full (or over its bytes), and the job is still the caller's. */
bool executor_submit(struct kernel *kernel, struct job *job);
struct job *job_new(enum job_kind kind);
void job_free(struct job *job);

/* --- kernel.c --------------------------------------------------------------------------------- */
int64_t kernel_clock(const struct kernel *kernel); /* the sequencer's clock, µs */

/* --- publication.c ---------------------------------------------------------------------------- */
/* Appends the events of the open batch to the log. NULL: there are none. */
struct publication *publication_make(struct kernel *kernel);

/* --- transaction_row.c ------------------------------------------------------------------------ */
struct stored_transaction { /* texts are owned */
    uint64_t number, block, first_seq, last_seq;
    char *result;
};
MUST_CHECK bool transaction_find(struct database *database, const struct hash *id,
                                 struct stored_transaction *found);
void stored_transaction_close(struct stored_transaction *found);
void transaction_insert(struct database *database, const struct job *job, uint64_t block, struct bytes result,
                        uint64_t first_seq, uint64_t next_seq);

#endif
