/* A command while it runs in the executor: who signed, what time it is, the rows it may write, the events it
 * records. Valid only inside a handler. */
#ifndef KERNEL_EXECUTION_H
#define KERNEL_EXECUTION_H

#include "base/bytes.h"
#include "base/status.h"
#include "kernel/event.h"
#include "kernel/module.h"
#include "store/database.h"

enum node_network { NETWORK_DEV, NETWORK_TEST, NETWORK_MAIN };

struct execution;

struct database *execution_database(struct execution *x);
struct kernel *execution_kernel(struct execution *x);            /* local scope only; aborts in base scope */
struct account_id
execution_account(const struct execution *x); /* who signed (verified); all zero for operator and deadlines */
struct hash
execution_transaction(const struct execution *x); /* id of the signed transaction; all zero without one */
uint64_t execution_block(const struct execution *x);             /* height */
int64_t execution_time(const struct execution *x);               /* block time, µs */
int64_t execution_chain_time(const struct execution *x);         /* chain time, µs */
const char *execution_chain(const struct execution *x);          /* chain id text: "dev-0123456789abcdef" */
enum node_network execution_network(const struct execution *x);
int64_t execution_window(const struct execution *x, int64_t window_us); /* a window: divided by 1000 on dev */

/* Seq of the next event that this handler records: what postings refer to. */
uint64_t execution_next_seq(const struct execution *x);

/* Refuses the command: fills the reply's error and returns `code`. */
enum status fail(struct execution *x, enum status code, const char *format, ...) PRINTF_LIKE(3, 4);

/* A deadline (kind declared by a module; subject ≤ 64 bytes; one per kind and subject; replaces an earlier
 * one). */
void deadline_set(struct execution *x, enum deadline_clock clock, int64_t due_us, const char *kind,
                  struct bytes subject);
void deadline_clear(struct execution *x, const char *kind, struct bytes subject);

/* Asks for an effect: written in this transaction, run after COMMIT. The same kind and key again is the same
 * effect. Returns its id. `request` is JSON text. */
uint64_t effect_request(struct execution *x, const char *kind, const char *key, const char *request);
/* The same, but not before `delay_us` from now. */
uint64_t effect_request_later(struct execution *x, const char *kind, const char *key, const char *request,
                              int64_t delay_us);
/* The same for a kind that waits, with the party that it waits for, by a number of the module's own (a
 * link's); 0, as for the others: nobody in particular. A party gets a share of the kind's places, which
 * effect.h tells. */
uint64_t effect_request_for(struct execution *x, const char *kind, uint64_t party, const char *key,
                            const char *request, int64_t delay_us);
/* Whether one is on record that has not ended. */
bool effect_is_asked(struct execution *x, const char *kind, const char *key);
/* Takes one back that does not run at this moment; `ended` is not called. False: it runs, has ended, or there
 * is none. One that runs is the module's to cancel, in the way that it waits. */
bool effect_cancel(struct execution *x, const char *kind, const char *key);

/* This node's reaction of that name runs right after the command, deadline or sweep at hand; subject ≤ 64
 * bytes. Nothing happens when no module declares it, and nothing in replay. A reaction may ask for others. */
void reaction_request(struct execution *x, const char *name, struct bytes subject);

/* From a local handler, reaction, or sweep: the sweep of that name is to run at `due_us` (block time) at the
 * latest. */
void sweep_request(struct execution *x, const char *name, int64_t due_us);

/* From a local handler, reaction, or sweep: the executor calls `run` once the transaction is committed,
 * before the replies; it must not block but hands work to the pool (kernel_workers) or a task to the
 * executor, either of which may refuse. When the command is refused or the batch runs again, `drop` gets the
 * context back instead. What the work is about stands in rows, from which a sweep takes it up after a
 * restart: this is but the quick way. */
void execution_after_commit(struct execution *x, void (*run)(struct kernel *kernel, void *context),
                            void (*drop)(void *context), void *context);

/* dev.advance_time: from the next block on. */
void execution_advance_time(struct execution *x, int64_t by_us);

#endif
