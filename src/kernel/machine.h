/* The machine: executes base and local commands, one after the other, against one writer connection, and
 * makes blocks. It has no threads and asks no clock: the executor drives it with the wall clock, replay with
 * the times of the stored blocks, and both get the same block hashes.
 *
 * A batch: machine_batch_begin (times of the block that may come), machine_fire_deadlines, machine_run for
 * each command, machine_batch_end (the block's row, when a base command or a deadline made one). The caller
 * owns the transaction. */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#include "base/buffer.h"
#include "kernel/block.h"
#include "kernel/execution.h"
#include "kernel/registry.h"

#define DEADLINES_PER_BLOCK_MAX 1000
#define EVENTS_PER_COMMAND_MAX 4096
#define REACTION_SUBJECT_MAX 64

/* An event recorded in the open batch, not yet in the log. Texts are offsets into machine.text. */
struct pending_event {
    int type; /* event_type_index */
    uint64_t block;
    size_t subject_offset, subject_size; /* size 0: no subject; a zero byte follows it */
    size_t body_offset, body_size;
    bool last;
};

/* Asked for by the command at hand, run after it. */
struct pending_reaction {
    const struct reaction *reaction;
    uint8_t subject[REACTION_SUBJECT_MAX];
    size_t subject_size;
};

/* What is to be done once the batch is committed: execution_after_commit. */
struct follow_up {
    void (*run)(struct kernel *kernel, void *context);
    void (*drop)(void *context);
    void *context;
};

struct machine {
    struct database *database;
    const struct registry *registry;
    struct kernel *kernel; /* NULL in replay */
    const char *chain;
    enum node_network network;

    struct block head;           /* the newest block */
    int64_t head_advance_us;     /* what dev.advance_time added in that block itself */

    struct block next;           /* the block that this batch makes, when block_open */
    int64_t next_advance_us;
    bool block_open;
    struct block_content content;

    uint64_t next_seq;           /* of the next event recorded */
    int64_t
        earliest_us[2]; /* by clock: due time of the earliest deadline as the batch began; INT64_MAX: none */
    bool deadlines_changed;      /* since batch begin */
    bool careful;                /* a savepoint for each command; see machine_run */
    bool spoiled; /* a refused command left rows behind: the caller rolls the whole batch back */
    int64_t wall_us;             /* of this batch, for local rows */

    struct buffer text;
    struct buffer subject_at_hand, body_at_hand; /* of the event being written */
    struct pending_event *events;
    size_t event_count, event_capacity;
    struct pending_reaction *reactions; /* of the command at hand */
    size_t reaction_count, reaction_capacity;
    struct follow_up *follow_ups; /* of the batch */
    size_t follow_up_count, follow_up_capacity;
    int64_t sweep_due_us[SWEEPS_MAX]; /* block time */
};

struct execution {
    struct machine *machine;
    enum scope scope;
    struct account_id account;
    struct hash transaction;
    struct error *error; /* where fail() writes; NULL while a deadline fires */
};

void machine_init(struct machine *machine, struct database *database, const struct registry *registry,
                  struct kernel *kernel, const char *chain, enum node_network network);
void machine_close(struct machine *machine);
/* Makes a stored block the head. */
void machine_load(struct machine *machine, const struct block *head, int64_t head_advance_us);

/* `clock_us` is the sequencer's clock without advances. */
void machine_batch_begin(struct machine *machine, int64_t clock_us, uint64_t next_seq, bool careful);
/* The batch makes a block even when nothing happens in it. */
void machine_open_block(struct machine *machine);
/* Fires what is due, in order of due time, block-time deadlines first. True when DEADLINES_PER_BLOCK_MAX were
 * not enough. */
bool machine_fire_deadlines(struct machine *machine);

/* Runs the sweeps that are due (none before machine_set_sweeps said when); machine_sweep_due says when the
 * next one is (block time). Not in replay. */
void machine_sweep(struct machine *machine);
void machine_set_sweeps(struct machine *machine, int64_t due_us); /* all of them */
int64_t machine_sweep_due(const struct machine *machine);

/* After COMMIT, or instead of it. */
void machine_follow_up(struct machine *machine);
void machine_drop_follow_ups(struct machine *machine, size_t from);

/* Runs one command: all of it or nothing. x holds account and transaction; `after` (may be NULL) runs once
 * the handler said OK, for rows that belong to the command. The result's JSON is appended to `result`.
 *
 * Careful, each command has a savepoint to go back to. Otherwise it has none, which saves much of the
 * writer's time: most refusals come before anything was written, and one that comes later marks the batch as
 * spoiled, to be rolled back and run again with care. So a handler may run twice; only its last run counts.
 */
struct machine_command {
    enum scope scope;
    command_handler *run;
    const void *params;
    void (*after)(void *context, struct execution *x, struct bytes result, uint64_t first_seq);
    void *context;
};
MUST_CHECK enum status machine_run(struct machine *machine, struct execution *x,
                                   const struct machine_command *command, struct buffer *result,
                                   struct error *error);

/* Runs module geneses into block 0, whose times and previous hash are given by the caller in machine->next.
 */
void machine_genesis(struct machine *machine, int64_t time_us, const struct hash *previous,
                     uint64_t next_seq);

/* Writes the block's row when one was opened, and makes it the head. Returns whether it did. */
bool machine_batch_end(struct machine *machine);

/* Height that events of the command at hand carry. */
uint64_t machine_height(const struct machine *machine, enum scope scope);

#endif
