/* Challenges of the node's own accord: see challenge.h. */
#include "layer2/channel/challenge.h"

#include <stdlib.h>

#include "base/bech32.h"
#include "base/writer.h"
#include "kernel/kernel.h"
#include "layer2/channel/party.h"
#include "layer2/channel/record.h"

struct challenge {
    struct work work;
    struct kernel_task task;
    struct kernel *kernel;
    struct hash channel, state;
    struct account_id account;
    struct signature signature;
};

static void submit(struct execution *x, struct local_channel *c, const struct challenge *challenge)
{
    struct buffer json CLEANUP(buffer_close) = { 0 };
    char address[ADDRESS_TEXT_MAX];
    struct writer w;

    address_encode(address, &challenge->account);
    writer_init(&w, &json);
    writer_object_begin(&w);
    party_write_proof(execution_database(x), c, &w);
    writer_member_text(&w, "challenger", address);
    writer_member_hex(&w, "signature", challenge->signature.bytes, sizeof(challenge->signature.bytes));
    writer_object_end(&w);
    party_dispute(x, c, PARTY_CHALLENGE, buffer_bytes(&json));
}

/* A signed end that nobody completes leaves no other way than the ledger; and time does not stop in a pause.
 * */
static bool may_challenge(enum channel_phase phase)
{
    return phase == PHASE_RUNNING || phase == PHASE_SUSPENDED || phase == PHASE_CLOSING;
}

/* All signatures are here, or the ledger has that very state and asks for none. */
static bool can_be_brought(struct execution *x, const struct local_channel *c)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_record record;

    arena_init(&arena);
    if (!c->has_supported)
        return false;
    if (c->supported.signed_by == application_everyone(&c->fixed))
        return true;
    return record_read(execution_database(x), &c->id, &arena, &record) && record.a.has_outcome &&
           hash_equal(&record.a.state, &c->supported.hash);
}

static enum status bring(struct kernel_task *task, struct execution *x)
{
    struct challenge *challenge = (struct challenge *)((char *)task - offsetof(struct challenge, task));
    struct arena arena CLEANUP(arena_close);
    struct local_channel c;

    arena_init(&arena);
    if (local_read(execution_database(x), &challenge->channel, &arena, &c) && may_challenge(c.phase) &&
        hash_equal(&c.supported.hash, &challenge->state))
        submit(x, &c, challenge);
    return OK;
}

static void brought(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)status, (void)error;
    free((char *)task - offsetof(struct challenge, task));
}

static void sign(struct work *work, size_t worker)
{
    struct challenge *challenge = (struct challenge *)((char *)work - offsetof(struct challenge, work));
    char address[ADDRESS_TEXT_MAX];
    struct error error;
    struct hash hash;

    (void)worker;
    address_encode(address, &challenge->account);
    channel_challenge_hash(&challenge->channel, &challenge->state, &hash);
    challenge->task = (struct kernel_task){ .run = bring, .done = brought };
    if (keystore_sign(kernel_keystore(challenge->kernel), address, &hash, &challenge->signature,
                      &error) != OK ||
        !kernel_submit_task(challenge->kernel, &challenge->task))
        free(challenge);
}

static void hand_on(struct kernel *kernel, void *context)
{
    struct challenge *challenge = context;

    challenge->kernel = kernel;
    challenge->work.run = sign;
    if (!workers_submit(kernel_workers(kernel), &challenge->work))
        free(challenge);
}

void challenge_request(struct execution *x, const struct local_channel *c, size_t participant)
{
    struct challenge *challenge;

    if (!may_challenge(c->phase) || !can_be_brought(x, c))
        return;
    challenge = memory_new(sizeof(*challenge));
    challenge->channel = c->id;
    challenge->state = c->supported.hash;
    challenge->account = c->fixed.participants[participant];
    execution_after_commit(x, hand_on, free, challenge);
}
