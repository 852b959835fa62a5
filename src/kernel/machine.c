/* The machine: see machine.h. */
#include "kernel/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/deadline.h"
#include "kernel/event_record.h"
#include "store/event_log.h"

void machine_init(struct machine *m, struct database *database, const struct registry *registry,
                  struct kernel *kernel, const char *chain, enum node_network network)
{
    memset(m, 0, sizeof(*m));
    m->database = database;
    m->registry = registry;
    m->kernel = kernel;
    m->chain = chain;
    m->network = network;
    buffer_init(&m->text);
    machine_set_sweeps(m, INT64_MAX);
}

void machine_set_sweeps(struct machine *m, int64_t due_us)
{
    for (size_t i = 0; i < SWEEPS_MAX; i++)
        m->sweep_due_us[i] = due_us;
}

static void find_earliest(struct machine *m)
{
    m->earliest_us[CLOCK_BLOCK] = deadline_earliest(m->database, CLOCK_BLOCK);
    m->earliest_us[CLOCK_CHAIN] = deadline_earliest(m->database, CLOCK_CHAIN);
    m->deadlines_changed = false;
}

void machine_load(struct machine *m, const struct block *head, int64_t head_advance_us)
{
    m->head = *head;
    m->head_advance_us = head_advance_us;
    find_earliest(m);
}

void machine_close(struct machine *m)
{
    buffer_close(&m->text);
    buffer_close(&m->subject_at_hand);
    buffer_close(&m->body_at_hand);
    machine_drop_follow_ups(m, 0);
    memory_free_pointer(&m->events);
    memory_free_pointer(&m->reactions);
    memory_free_pointer(&m->follow_ups);
}

uint64_t machine_height(const struct machine *m, enum scope scope)
{
    return scope == SCOPE_BASE || m->block_open ? m->next.height : m->head.height;
}

void machine_batch_begin(struct machine *m, int64_t clock_us, uint64_t next_seq, bool careful)
{
    block_follow(&m->head, m->head_advance_us, clock_us, &m->next);
    m->next.first_seq = next_seq;
    m->next_advance_us = 0;
    m->block_open = false;
    m->next_seq = next_seq;
    m->deadlines_changed = false;
    m->careful = careful;
    m->spoiled = false;
    m->wall_us = clock_us;
    m->event_count = 0;
    m->reaction_count = 0;
    machine_drop_follow_ups(m, 0);
    buffer_clear(&m->text);
}

void machine_open_block(struct machine *m)
{
    if (m->block_open)
        return;
    m->block_open = true;
    block_content_begin(&m->content);
}

bool machine_batch_end(struct machine *m)
{
    if (m->deadlines_changed)
        find_earliest(m);
    if (!m->block_open)
        return false;
    m->next.advanced_us += m->next_advance_us;
    block_content_end(&m->content, &m->next.content);
    block_seal(&m->next);
    block_insert(m->database, &m->next);
    m->head = m->next;
    m->head_advance_us = m->next_advance_us;
    m->block_open = false;
    return true;
}

/* --- events ----------------------------------------------------------------------------------- */
void event_begin(struct execution *x, struct buffer **subject, struct buffer **body)
{
    *subject = &x->machine->subject_at_hand;
    *body = &x->machine->body_at_hand;
    buffer_clear(*subject);
    buffer_clear(*body);
}

void event_record(struct execution *x, int type, const struct buffer *subject, const struct buffer *body)
{
    struct machine *m = x->machine;
    struct pending_event *event;

    INVARIANT(body->size <= EVENT_BODY_MAX, "%s: a body of %zu bytes", event_type_at((size_t)type)->name,
              body->size);
    INVARIANT(subject == NULL || subject->size <= EVENT_SUBJECT_MAX, "%s: a subject of %zu bytes",
              event_type_at((size_t)type)->name, subject->size);
    if (m->event_count == m->event_capacity) {
        m->event_capacity = m->event_capacity == 0 ? 256 : 2 * m->event_capacity;
        m->events = memory_resize(m->events, m->event_capacity * sizeof(*m->events));
    }
    event = &m->events[m->event_count++];
    event->type = type;
    event->block = machine_height(m, x->scope);
    event->last = false;
    event->subject_offset = m->text.size;
    event->subject_size = subject == NULL ? 0 : subject->size;
    if (event->subject_size > 0) {
        buffer_append(&m->text, subject->data, subject->size);
        buffer_append(&m->text, "", 1);
    }
    event->body_offset = m->text.size;
    event->body_size = body->size;
    buffer_append(&m->text, body->data, body->size);
    m->next_seq++;
}

static void hash_events(struct machine *m, size_t from)
{
    for (size_t i = from; i < m->event_count; i++) {
        const struct pending_event *event = &m->events[i];

        block_content_event(&m->content, event_type_at((size_t)event->type)->name,
                            bytes_of(m->text.data + event->subject_offset, event->subject_size),
                            bytes_of(m->text.data + event->body_offset, event->body_size));
    }
    m->next.events += m->event_count - from;
}

static void mark_last(struct machine *m, size_t from)
{
    if (m->event_count > from)
        m->events[m->event_count - 1].last = true;
}

/* --- what this node does of its own ----------------------------------------------------------- */
/* Reactions see the rows as the command left them; their events are a group of its own, no part of the block.
 */
static void react(struct machine *m)
{
    struct error unread;
    struct execution x = { .machine = m, .scope = SCOPE_LOCAL, .error = &unread };

    for (size_t i = 0; i < m->reaction_count; i++) {
        const struct pending_reaction at_hand = m->reactions[i];
        size_t events_before = m->event_count;

        at_hand.reaction->run(&x, bytes_of(at_hand.subject, at_hand.subject_size));
        mark_last(m, events_before);
    }
    m->reaction_count = 0;
}

void machine_sweep(struct machine *m)
{
    struct error unread;
    struct execution x = { .machine = m, .scope = SCOPE_LOCAL, .error = &unread };

    for (size_t i = 0; i < registry_sweep_count(m->registry); i++) {
        size_t events_before = m->event_count;
        int64_t next_us;

        if (m->sweep_due_us[i] > m->next.time_us)
            continue;
        m->sweep_due_us[i] = INT64_MAX;
        next_us = registry_sweep(m->registry, i)->run(&x);
        if (next_us < m->sweep_due_us[i])
            m->sweep_due_us[i] = next_us;
        mark_last(m, events_before);
    }
    react(m);
}

int64_t machine_sweep_due(const struct machine *m)
{
    int64_t due_us = INT64_MAX;

    for (size_t i = 0; i < registry_sweep_count(m->registry); i++)
        if (m->sweep_due_us[i] < due_us)
            due_us = m->sweep_due_us[i];
    return due_us;
}

void machine_follow_up(struct machine *m)
{
    for (size_t i = 0; i < m->follow_up_count; i++)
        m->follow_ups[i].run(m->kernel, m->follow_ups[i].context);
    m->follow_up_count = 0;
}

void machine_drop_follow_ups(struct machine *m, size_t from)
{
    while (m->follow_up_count > from) {
        const struct follow_up *dropped = &m->follow_ups[--m->follow_up_count];

        dropped->drop(dropped->context);
    }
}

/* --- one command ------------------------------------------------------------------------------ */
/* Undoes what a refused command wrote, or says that it cannot. */
static void take_back(struct machine *m, int64_t changes_before)
{
    if (m->careful)
        database_savepoint_rollback(m->database);
    else if (database_changes(m->database) != changes_before)
        m->spoiled = true;
}

enum status machine_run(struct machine *m, struct execution *x, const struct machine_command *command,
                        struct buffer *result, struct error *error)
{
    const size_t events_before = m->event_count, text_before = m->text.size, result_before = result->size;
    const uint64_t seq_before = m->next_seq;
    const int64_t advance_before = m->next_advance_us;
    const size_t follow_ups_before = m->follow_up_count;
    const int64_t changes_before = m->careful ? 0 : database_changes(m->database);
    struct writer w;
    enum status status;

    x->machine = m;
    x->scope = command->scope;
    x->error = error;
    writer_init(&w, result);
    if (m->careful)
        database_savepoint(m->database);
    status = command->run(x, command->params, &w);
    if (status == OK && m->event_count - events_before > EVENTS_PER_COMMAND_MAX)
        status = error_set(error, ERROR_LIMIT, "the command would record %zu events; at most %d are allowed",
                           m->event_count - events_before, EVENTS_PER_COMMAND_MAX);
    if (status != OK) {
        take_back(m, changes_before);
        m->event_count = events_before;
        m->text.size = text_before;
        m->next_seq = seq_before;
        m->next_advance_us = advance_before;
        m->reaction_count = 0;
        machine_drop_follow_ups(m, follow_ups_before);
        result->size = result_before;
        return status;
    }
    if (result->size == result_before)
        buffer_append_text(result, "{}");
    mark_last(m, events_before);
    if (command->after != NULL)
        command->after(command->context, x,
                       bytes_of(result->data + result_before, result->size - result_before), seq_before);
    if (m->careful)
        database_savepoint_release(m->database);
    if (command->scope == SCOPE_BASE) {
        machine_open_block(m);
        block_content_transaction(&m->content, &x->transaction);
        hash_events(m, events_before);
        m->next.transactions++;
    }
    react(m);
    return OK;
}

/* --- deadlines -------------------------------------------------------------------------------- */
static bool fire_next(struct machine *m, enum deadline_clock clock, int64_t now_us)
{
    struct deadline_row due;
    const struct deadline_kind *kind;
    struct execution x = { .machine = m, .scope = SCOPE_BASE };
    size_t events_before = m->event_count;

    if ((m->earliest_us[clock] > now_us && !m->deadlines_changed) ||
        !deadline_take_due(m->database, clock, now_us, &due))
        return false;
    m->deadlines_changed = true;
    kind = registry_deadline(m->registry, due.kind);
    INVARIANT(kind != NULL, "a deadline of kind '%s', which no module declares", due.kind);
    machine_open_block(m);
    block_content_deadline(&m->content, kind->name, bytes_of(due.subject, due.subject_size));
    kind->fire(&x, bytes_of(due.subject, due.subject_size));
    mark_last(m, events_before);
    hash_events(m, events_before);
    return true;
}

/* Reactions come after all of them: replay has none, and numbers the events of a block's deadlines from the
 * block's first on. */
bool machine_fire_deadlines(struct machine *m)
{
    size_t fired = 0;

    while (fired < DEADLINES_PER_BLOCK_MAX && fire_next(m, CLOCK_BLOCK, m->next.time_us))
        fired++;
    while (fired < DEADLINES_PER_BLOCK_MAX && fire_next(m, CLOCK_CHAIN, m->next.chain_time_us))
        fired++;
    react(m);
    return fired == DEADLINES_PER_BLOCK_MAX;
}

/* --- genesis ---------------------------------------------------------------------------------- */
void machine_genesis(struct machine *m, int64_t time_us, const struct hash *previous, uint64_t next_seq)
{
    struct execution x = { .machine = m, .scope = SCOPE_BASE };

    m->next_seq = next_seq;
    m->next_advance_us = 0;
    m->wall_us = time_us;
    m->event_count = 0;
    buffer_clear(&m->text);
    memset(&m->next, 0, sizeof(m->next));
    m->next.time_us = time_us;
    m->next.chain_time_us = 0;
    m->next.first_seq = next_seq;
    m->next.previous = *previous;
    m->block_open = false;
    m->deadlines_changed = true;
    machine_open_block(m);
    for (size_t i = 0; i < registry_module_count(m->registry); i++) {
        const struct module *module = registry_module(m->registry, i);
        size_t events_before = m->event_count;

        if (module->genesis == NULL)
            continue;
        module->genesis(&x);
        mark_last(m, events_before);
        hash_events(m, events_before);
    }
    machine_batch_end(m);
}

/* --- what handlers see: execution.h ----------------------------------------------------------- */
struct database *execution_database(struct execution *x)
{
    return x->machine->database;
}

struct kernel *execution_kernel(struct execution *x)
{
    INVARIANT(x->scope == SCOPE_LOCAL, "a base command reached for the node");
    INVARIANT(x->machine->kernel != NULL, "a local command in replay");
    return x->machine->kernel;
}

struct account_id execution_account(const struct execution *x)
{
    return x->account;
}

struct hash execution_transaction(const struct execution *x)
{
    return x->transaction;
}

uint64_t execution_block(const struct execution *x)
{
    return machine_height(x->machine, x->scope);
}

int64_t execution_time(const struct execution *x)
{
    return x->machine->next.time_us;
}

int64_t execution_chain_time(const struct execution *x)
{
    return x->machine->next.chain_time_us;
}

const char *execution_chain(const struct execution *x)
{
    return x->machine->chain;
}

enum node_network execution_network(const struct execution *x)
{
    return x->machine->network;
}

int64_t execution_window(const struct execution *x, int64_t window_us)
{
    return x->machine->network == NETWORK_DEV ? window_us / 1000 : window_us;
}

uint64_t execution_next_seq(const struct execution *x)
{
    return x->machine->next_seq;
}

void reaction_request(struct execution *x, const char *name, struct bytes subject)
{
    struct machine *m = x->machine;
    const struct reaction *reaction = registry_reaction(m->registry, name);
    struct pending_reaction *pending;

    INVARIANT(subject.size <= REACTION_SUBJECT_MAX, "%s: a subject of %zu bytes", name, subject.size);
    if (m->kernel == NULL || reaction == NULL) /* replay; or nobody listens */
        return;
    if (m->reaction_count == m->reaction_capacity) {
        m->reaction_capacity = m->reaction_capacity == 0 ? 16 : 2 * m->reaction_capacity;
        m->reactions = memory_resize(m->reactions, m->reaction_capacity * sizeof(*m->reactions));
    }
    pending = &m->reactions[m->reaction_count++];
    pending->reaction = reaction;
    pending->subject_size = subject.size;
    memcpy(pending->subject, subject.data, subject.size);
}

void sweep_request(struct execution *x, const char *name, int64_t due_us)
{
    int index = registry_sweep_index(x->machine->registry, name);

    INVARIANT(x->scope == SCOPE_LOCAL, "%s: sweeps are this node's own", name);
    INVARIANT(index >= 0, "a sweep '%s', which no module declares", name);
    if (due_us < x->machine->sweep_due_us[index])
        x->machine->sweep_due_us[index] = due_us;
}

void execution_after_commit(struct execution *x, void (*run)(struct kernel *kernel, void *context),
                            void (*drop)(void *context), void *context)
{
    struct machine *m = x->machine;

    INVARIANT(x->scope == SCOPE_LOCAL, "the ledger does nothing outside of itself");
    if (m->follow_up_count == m->follow_up_capacity) {
        m->follow_up_capacity = m->follow_up_capacity == 0 ? 64 : 2 * m->follow_up_capacity;
        m->follow_ups = memory_resize(m->follow_ups, m->follow_up_capacity * sizeof(*m->follow_ups));
    }
    m->follow_ups[m->follow_up_count++] = (struct follow_up){ run, drop, context };
}

void execution_advance_time(struct execution *x, int64_t by_us)
{
    INVARIANT(x->scope == SCOPE_BASE && x->machine->network == NETWORK_DEV,
              "time advances on dev, by a base command");
    x->machine->next_advance_us += by_us;
}

enum status fail(struct execution *x, enum status code, const char *format, ...)
{
    char message[ERROR_MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    INVARIANT(x->error != NULL, "a deadline failed: %s", message);
    return error_set(x->error, code, "%s", message);
}
