/* Signatures that nobody brings: see step.h. */
#include "layer2/channel/step.h"

#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "kernel/kernel.h"
#include "layer2/channel/party.h"
#include "layer2/channel/settlement.h"
#include "layer2/channel/waiting.h"

#define RESUME_US (2 * MICROSECONDS_PER_SECOND)
#define RESUME_MOST 200 /* channels a sweep */

/* One staged state on its way through a worker. */
struct signing {
    struct work work;
    struct kernel_task task;
    struct kernel *kernel;
    struct hash channel, hash;
    size_t count;
    struct {
        size_t participant;
        struct account_id account;
        struct signature signature;
        bool made;
    } by[CHANNEL_PARTICIPANTS_MAX];
};

bool step_is_ours(struct execution *x, const struct account_id *account)
{
    return keystore_has(kernel_keystore(execution_kernel(x)), account);
}

/* Who proposed it has decided already; the others as their policy says. */
static bool shall_sign(struct execution *x, const struct local_channel *c, size_t participant)
{
    return (c->staged.signed_by >> participant & 1) == 0 &&
           (participant == c->staged_by || party_countersigns(x, c, participant)) &&
           step_is_ours(x, &c->fixed.participants[participant]);
}

/* --- in the executor again: what was made is stored ------------------------------------------- */
static enum status store_signatures(struct kernel_task *task, struct execution *x)
{
    struct signing *s = (struct signing *)((char *)task - offsetof(struct signing, task));
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    if (!local_read(execution_database(x), &s->channel, &arena, &c) || !c.has_staged ||
        !hash_equal(&c.staged.hash, &s->hash) || !life_may_sign(c.phase))
        return OK; /* it came to nothing in between */
    c.wants_signature = false;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->by[i].made)
            c.wants_signature = true; /* the sweep asks again */
        else if (shall_sign(x, &c, s->by[i].participant)) /* also by what has changed since */
            (void)party_add_signature(x, &c, s->by[i].participant, &s->by[i].signature);
    }
    if (!party_support_if_complete(x, &c) && !c.wants_signature)
        party_tell_staged(x, &c);
    local_write(execution_database(x), &c, execution_time(x));
    if (c.parent_count > 0)
        channel_changed(x, &c.id);
    return OK;
}

static void stored(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)status, (void)error;
    free((char *)task - offsetof(struct signing, task));
}

/* --- on a worker ------------------------------------------------------------------------------ */
static void sign(struct work *work, size_t worker)
{
    struct signing *s = (struct signing *)((char *)work - offsetof(struct signing, work));
    struct keystore *keystore = kernel_keystore(s->kernel);
    char address[ADDRESS_TEXT_MAX];
    struct error error;
    bool any = false;

    (void)worker;
    for (size_t i = 0; i < s->count; i++) {
        address_encode(address, &s->by[i].account);
        s->by[i].made = keystore_sign(keystore, address, &s->hash, &s->by[i].signature, &error) == OK;
        any |= s->by[i].made;
    }
    s->task = (struct kernel_task){ .run = store_signatures, .done = stored };
    if (!any || !kernel_submit_task(s->kernel, &s->task))
        free(s);
}

static void hand_on(struct kernel *kernel, void *context)
{
    struct signing *s = context;

    s->kernel = kernel;
    s->work.run = sign;
    if (!workers_submit(kernel_workers(kernel), &s->work))
        free(s);
}

/* --- asking ----------------------------------------------------------------------------------- */
void step_request(struct execution *x, struct local_channel *c)
{
    struct signing *s = memory_new(sizeof(*s));

    s->channel = c->id;
    s->hash = c->staged.hash;
    for (size_t i = 0; i < c->fixed.participant_count; i++) {
        if (!shall_sign(x, c, i))
            continue;
        s->by[s->count].participant = i;
        s->by[s->count++].account = c->fixed.participants[i];
    }
    c->wants_signature = s->count > 0;
    if (!c->wants_signature) {
        free(s);
        return;
    }
    sweep_request(x, CHANNEL_UNSIGNED, execution_time(x) + RESUME_US);
    execution_after_commit(x, hand_on, free, s);
}

void step_stage(struct execution *x, struct local_channel *c, const struct channel_state *state, size_t mover)
{
    c->staged = (struct signed_state){ .state = *state };
    channel_state_hash(&c->id, state, &c->staged.hash);
    c->staged_by = mover;
    c->has_staged = true;
    waiting_as_staged(x, c);
    step_request(x, c);
    local_write(execution_database(x), c, execution_time(x));
}

/* --- the sweep -------------------------------------------------------------------------------- */
int64_t step_resume(struct execution *x)
{
    int64_t now_us = execution_time(x);
    struct hash ids[RESUME_MOST];
    struct statement *s;
    size_t count = 0;

    s = statement(execution_database(x), "SELECT id FROM channel_local WHERE wants_signature = 1"
                                         " ORDER BY changed_us LIMIT ?");
    bind_integer(s, RESUME_MOST);
    while (statement_row(s))
        column_fixed(s, "id", ids[count++].bytes, sizeof(ids[0].bytes));
    for (size_t i = 0; i < count; i++) {
        struct arena arena CLEANUP(arena_close);
        struct local_channel c;

        arena_init(&arena);
        if (!local_read(execution_database(x), &ids[i], &arena, &c))
            continue;
        if (c.has_staged && life_may_sign(c.phase))
            step_request(x, &c);
        else
            c.wants_signature = false;
        local_write(execution_database(x), &c, now_us);
    }
    return count == 0 ? INT64_MAX : now_us + RESUME_US;
}
