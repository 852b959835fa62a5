/* The leg on an EVM network: an amount in our hash-lock contract (network/evm/evm_swap.h), reached by a
 * link of the network module, which makes every write durable before it is sent, keeps nonces in order, and
 * never sends a write twice. A lock's id covers all its terms, so that the server can show no others.
 *
 * Claims and refunds there are anybody's to bring; this node brings them by the provider's link. It locks for
 * an account only by the wallet that the terms name for that very account. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "kernel/kernel.h"
#include "layer2/transfer/evm_sight.h"
#include "layer2/transfer/leg_evm.h"
#include "layer2/transfer/outside.h"
#include "network/evm/evm_client.h"

#define LOCK_REFUSED "the network refused the lock; 'network.writes' tells why"

/* What a leg is made of, from its row. */
struct evm_leg {
    struct evm_swap_terms terms;
    struct hash id;
    uint64_t chain_id, since, confirmations;
    bool has_since;
    const char *link; /* the provider's */
    char wallet[LINK_NAME_MAX + 1];
};

/* --- the leg's own notes -------------------------------------------------------------------------- */
static bool read_leg(const struct leg_work *work, struct evm_leg *e)
{
    const struct leg *leg = work->leg;
    const char *wallet;
    json_t *json AUTO_JSON = NULL;

    memset(e, 0, sizeof(*e));
    if (json_parse(leg->detail, strlen(leg->detail), &json, NULL) != OK)
        return false;
    wallet = json_string_value(json_object_get(json, "wallet"));
    snprintf(e->wallet, sizeof(e->wallet), "%s", wallet == NULL ? "" : wallet);
    e->link = strchr(leg->place, ':') + 1;
    e->chain_id = outside_number(json, "chain_id", 0);
    e->since = outside_number(json, "since", 0);
    e->has_since = json_object_get(json, "since") != NULL;
    e->confirmations = outside_number(json, "confirmations", EVM_CONFIRMATIONS);
    e->terms.hash = work->transfer->hash;
    e->terms.deadline_s = (uint64_t)(leg->expiry_us / MICROSECONDS_PER_SECOND);
    if (!evm_outside_address(json_string_value(json_object_get(json, "contract")), e->chain_id,
                      &e->terms.contract) ||
        !evm_outside_address(leg->sender, e->chain_id, &e->terms.sender) ||
        !evm_outside_address(leg->recipient, e->chain_id, &e->terms.recipient) ||
        !u256_from_decimal(&e->terms.amount, leg->amount, strlen(leg->amount)))
        return false;
    if (strcmp(leg->asset, "coin") != 0 && !evm_outside_address(leg->asset, e->chain_id, &e->terms.token))
        return false;
    evm_swap_id(e->chain_id, &e->terms, &e->id);
    return true;
}

static enum status need_leg(struct leg_work *work, struct evm_leg *e)
{
    return read_leg(work, e) ? OK : leg_refuse(work, "the leg's row is not what was planned");
}

/* --- the link --------------------------------------------------------------------------------------- */
/* A link that was made anew under the same name may be another network's, of another chain, with another key:
 * what was planned is not there then, and what is locked by it would not be seen. */
static enum status need_link(struct leg_work *work, const char *name, const struct evm_leg *e,
                             const struct evm_address *sender)
{
    struct evm_address account;
    struct link_row row;

    if (!row_link_find(work->database, name, work->arena, &row))
        return error_set(&work->error, ERROR_NETWORK_LINK_NOT_FOUND, "no link '%s'", name);
    if (!evm_leg_network(row.network) || row.chain == NULL || strtoull(row.chain, NULL, 10) != e->chain_id)
        return error_set(&work->error, ERROR_NETWORK_WRONG_CHAIN,
                         "the link '%s' is not of the chain %" PRIu64 ", which this was planned with", name,
                         e->chain_id);
    if (sender != NULL && (!evm_outside_address(row.account, e->chain_id, &account) ||
                           !evm_address_equal(&account, sender)))
        return error_set(&work->error, ERROR_NETWORK_NOT_CONNECTED,
                         "the link '%s' has not the key that this was planned with", name);
    return OK;
}

/* --- writing ----------------------------------------------------------------------------------- */
/* What is asked of the network module; its options stay in the buffer. */
static struct ask ask_for(const char *link, const char *key, const struct evm_swap_call *call,
                          struct buffer *options)
{
    evm_swap_options(call, options);
    return (struct ask){ .link = link, .request = key, .timeout = (int64_t)NOT_GIVEN,
                         .give_up_after = (int64_t)NOT_GIVEN,
                         .options = bytes_of(buffer_text(options), options->size) };
}

/* `urgent_by` 0: no matter when. */
static enum status submit(struct leg_work *work, const char *link, const char *key, int64_t urgent_by,
                          const struct evm_swap_call *call)
{
    struct buffer options CLEANUP(buffer_close) = { 0 };
    struct ask ask = ask_for(link, key, call, &options);

    ask.urgent_by = urgent_by;
    return leg_run(work, outside_submit, &ask);
}

/* A claim or a refund: again under another key when the one before came to nothing, for as long as the ledger
 * still holds the amount. That the one before did is told, although the next one is under way. */
static enum status submit_until_done(struct leg_work *work, const char *link, const char *purpose,
                                     int64_t urgent_by, const struct evm_swap_call *call)
{
    char key[OUTSIDE_KEY_MAX];
    const char *reason;
    enum fate fate = FATE_NONE;
    unsigned count;

    TRY(outside_count_writes(work, link, purpose, &count));
    outside_key(key, work, purpose, count);
    if (count > 0)
        TRY(outside_fate(work, link, key, &fate));
    if (fate == FATE_UNDER_WAY)
        return OK;
    reason = count == 0 ? NULL : outside_reason(work, link, key);
    outside_key(key, work, purpose, count + 1);
    TRY(submit(work, link, key, urgent_by, call));
    return count == 0 ? OK
                      : error_set(&work->error, ERROR_NETWORK_REJECTED,
                                  "write %u came to nothing, the next is under way: %.160s", count,
                                  reason == NULL ? "no reason was told" : reason);
}

/* --- calls by a link ------------------------------------------------------------------------------ */
typedef enum status link_part(struct leg_work *work, struct link_call *c, struct evm_leg *e, void *out);

struct part {
    link_part *run;
    struct evm_leg *e;
    void *out;
};

static enum status run_part(struct leg_work *work, struct link_call *c, void *context)
{
    const struct part *part = context;

    if (!evm_leg_network(c->link->network->name))
        return error_set(&c->call.error, ERROR_NETWORK_WRONG_CHAIN, "the link is of '%s' now",
                         c->link->network->name);
    return part->run(work, c, part->e, part->out);
}

static enum status by_link(struct leg_work *work, struct evm_leg *e, link_part *run, void *out)
{
    struct part part = { run, e, out };

    return outside_look_by(work, e->link, run_part, &part);
}

/* --- locking -------------------------------------------------------------------------------------- */
static const char *locking_link(const struct leg_work *work, const struct evm_leg *e)
{
    return work->leg->side == SIDE_SOURCE ? e->wallet : e->link;
}

struct ground { /* what stands there before a lock */
    int64_t chain_us;
    bool is_locked;  /* by these terms, or was: a database that was restored may not know */
    bool is_allowed; /* the contract may take the token */
};

/* That our contract is at the address is seen before anything goes there. */
static enum status read_ground(struct leg_work *work, struct link_call *c, struct evm_leg *e, void *out)
{
    struct ground *ground = out;
    struct evm_swap_reading newest;
    struct u256 allowed;

    (void)work;
    TRY(evm_swap_read(c->link->client, &c->call, &e->terms.contract, &e->id, false, &newest));
    ground->chain_us = evm_chain_us(newest.time_s);
    ground->is_locked = newest.state != EVM_SWAP_NONE;
    ground->is_allowed = true;
    if (evm_address_is_zero(&e->terms.token) || ground->is_locked)
        return OK;
    TRY(evm_swap_allowance(c->link->client, &c->call, &e->terms, &allowed));
    ground->is_allowed = u256_compare(&allowed, &e->terms.amount) >= 0;
    return OK;
}

/* Whoever has signed bytes can mine them, and a server that was sent them and said no has them. Until their
 * number was used in a block as deep as a lock must be, and no lock of these terms is there after that block,
 * what they lock may come. */
static enum status is_void(struct leg_work *work, struct link_call *c, struct evm_leg *e,
                           const struct evm_swap_reading *settled, bool *gone)
{
    struct write_row write;
    char key[OUTSIDE_KEY_MAX];
    uint64_t next;

    *gone = false;
    outside_key(key, work, "lock", 1);
    if (settled->state != EVM_SWAP_NONE || !outside_write(work, locking_link(work, e), key, &write) ||
        !write.has_sequence)
        return OK;
    TRY(evm_swap_next_number(c->link->client, &c->call, &e->terms.sender, settled->height, &next));
    *gone = next > write.sequence;
    return OK;
}

static enum status read_void(struct leg_work *work, struct link_call *c, struct evm_leg *e, void *out)
{
    struct evm_swap_reading settled;

    TRY(evm_swap_read_deep(c->link->client, &c->call, &e->terms.contract, &e->id, e->confirmations,
                           &settled));
    return is_void(work, c, e, &settled, out);
}

static enum status denied(struct leg_work *work, struct evm_leg *e, const char *key)
{
    const char *reason = outside_reason(work, locking_link(work, e), key);
    bool gone;

    TRY(by_link(work, e, read_void, &gone));
    if (gone)
        return leg_refuse(work, LOCK_REFUSED);
    return error_set(&work->error, ERROR_NETWORK_REJECTED,
                     "a server refused the lock, and has it signed: it may come until its number is "
                     "another's, or its deadline: %.100s",
                     reason == NULL ? "no reason was told" : reason);
}

/* A write that is made once: OK when it is under way. */
static enum status submit_once(struct leg_work *work, const char *link, const char *key, enum fate fate,
                               struct evm_swap_call *call, const char *refused)
{
    if (fate == FATE_REFUSED || fate == FATE_DENIED)
        return leg_refuse(work, refused);
    return fate == FATE_NONE ? submit(work, link, key, 0, call) : OK;
}

/* The lock of a token is tried on the newest block before it is sent: the allowance must be there by then. */
static enum status allow(struct leg_work *work, const char *link, const struct evm_leg *e)
{
    struct evm_swap_call call;
    char key[OUTSIDE_KEY_MAX];
    enum fate fate;
    enum status status;

    outside_key(key, work, "approve", 1);
    TRY(outside_fate(work, link, key, &fate));
    evm_swap_approve(&e->terms, &call);
    status = submit_once(work, link, key, fate, &call,
                         "the network refused the token's allowance; 'network.writes' tells why");
    evm_swap_call_close(&call);
    return status != OK ? status
                        : error_set(&work->error, ERROR_BUSY, "the token's allowance is on its way");
}

/* What the provider locks must end by this chain's clock when it is to end by ours. */
static enum status check_ground(struct leg_work *work, const struct ground *ground)
{
    struct leg_timing t;
    const char *fault;

    evm_leg_timing(kernel_network(work->kernel), work->leg->detail, &t);
    fault = evm_clock_fault(ground->chain_us, work->now_us, &t, work->leg->side == SIDE_DESTINATION);
    return fault == NULL ? OK
                         : error_set(&work->error, ERROR_TRANSFER_CLOCK, "the chain's clock %s", fault);
}

static enum status lock(struct leg_work *work, char detail[DETAIL_MAX])
{
    struct ground ground = { .is_locked = false };
    struct evm_swap_call call;
    char key[OUTSIDE_KEY_MAX], why[ERROR_MESSAGE_MAX];
    struct evm_leg e;
    const char *link;
    enum fate fate;
    enum status status;

    (void)detail;
    TRY(need_leg(work, &e));
    link = locking_link(work, &e);
    TRY(need_link(work, link, &e, &e.terms.sender));
    outside_key(key, work, "lock", 1);
    TRY(outside_fate(work, link, key, &fate));
    if (fate == FATE_DENIED)
        return denied(work, &e, key);
    if (fate == FATE_NONE) {
        status = by_link(work, &e, read_ground, &ground);
        if (status == ERROR_NETWORK_NOT_FOUND) { /* no contract there, or another */
            memcpy(why, work->error.message, sizeof(why));
            return leg_refuse(work, why);
        }
        if (status != OK || ground.is_locked)
            return status;
        TRY(check_ground(work, &ground));
        if (!ground.is_allowed)
            return allow(work, link, &e);
    }
    evm_swap_lock(&e.terms, &call);
    status = submit_once(work, link, key, fate, &call, LOCK_REFUSED);
    evm_swap_call_close(&call);
    return status;
}

/* A claim that comes too late shows the secret for nothing: what this node shows first, it shows only while
 * the chain's own clock leaves time. */
static enum status check_time_to_show(struct leg_work *work, struct link_call *c, struct evm_leg *e,
                                      void *out)
{
    struct evm_swap_reading newest;
    struct leg_timing t;

    (void)out;
    evm_leg_timing(kernel_network(work->kernel), work->leg->detail, &t);
    TRY(evm_swap_read(c->link->client, &c->call, &e->terms.contract, &e->id, false, &newest));
    if (newest.state == EVM_SWAP_LOCKED &&
        newest.time_s + t.depth_us / MICROSECONDS_PER_SECOND >= (int64_t)e->terms.deadline_s)
        return error_set(&c->call.error, ERROR_TRANSFER_CLOCK,
                         "by the chain's clock no claim is safe any more: the secret is kept");
    return OK;
}

static bool is_shown_first(const struct leg_work *work)
{
    return work->leg->side == SIDE_DESTINATION && work->transfer->state == TRANSFER_DESTINATION_LOCKED &&
           (!work->transfer->preimage_known || work->transfer->secret == SECRET_GIVEN);
}

static enum status claim(struct leg_work *work, const struct hash *preimage)
{
    struct evm_swap_call call;
    struct evm_leg e;
    unsigned count;
    enum status status;

    TRY(need_leg(work, &e));
    TRY(need_link(work, e.link, &e, NULL));
    TRY(outside_count_writes(work, e.link, "claim", &count));
    if (count == 0 && is_shown_first(work))
        TRY(by_link(work, &e, check_time_to_show, NULL));
    evm_swap_claim(&e.terms.contract, &e.id, preimage, &call);
    /* from the deadline on the contract takes no claim */
    status = submit_until_done(work, e.link, "claim", work->leg->expiry_us, &call);
    evm_swap_call_close(&call);
    return status;
}

static enum status refund(struct leg_work *work)
{
    struct evm_swap_call call;
    struct evm_leg e;
    enum status status;

    TRY(need_leg(work, &e));
    TRY(need_link(work, e.link, &e, NULL));
    evm_swap_refund(&e.terms.contract, &e.id, &call);
    status = submit_until_done(work, e.link, "refund", 0, &call);
    evm_swap_call_close(&call);
    return status;
}

/* --- looking ----------------------------------------------------------------------------------- */
/* Nothing is seen: whether a lock of this node's may be on its way, or can come no more. What cannot be told
 * may come, and hides nothing else of the look. */
static void judge_absence(struct leg_work *work, struct link_call *c, struct evm_leg *e,
                          const struct evm_swap_reading *settled, struct evm_glance *g)
{
    char key[OUTSIDE_KEY_MAX];
    enum fate fate;

    if (!work->leg->asked)
        return;
    outside_key(key, work, "lock", 1);
    if (outside_fate(work, locking_link(work, e), key, &fate) != OK)
        fate = FATE_UNDER_WAY;
    if (fate == FATE_DENIED && is_void(work, c, e, settled, &g->is_void) != OK)
        g->is_void = false;
    g->may_come = fate != FATE_NONE && fate != FATE_REFUSED && !g->is_void;
}

/* By which clock the source ends matters until the provider locks. */
static enum status check_clock(struct leg_work *work, struct link_call *c, const struct evm_glance *g)
{
    const char *fault = NULL;

    if (g->is_source && g->newest == EVM_SWAP_LOCKED &&
        !work->transfer->legs[SIDE_DESTINATION].asked)
        fault = evm_clock_fault(g->chain_us, g->now_us, &g->timing, false);
    return fault == NULL ? OK
                         : error_set(&c->call.error, ERROR_TRANSFER_CLOCK, "the chain's clock %s", fault);
}

/* Claims are looked for from this block on. */
static void keep_since(struct leg_view *view, struct evm_leg *e, uint64_t since)
{
    json_t *notes AUTO_JSON = NULL;
    char *text AUTO_FREE = NULL;

    if (json_parse(view->detail, strlen(view->detail), &notes, NULL) != OK)
        return;
    e->since = since;
    json_object_set_new(notes, "since", json_integer((json_int_t)since));
    text = json_dumps(notes, JSON_COMPACT | JSON_SORT_KEYS);
    text_set(view->detail, sizeof(view->detail), text);
}

static uint64_t since_at(const struct leg_work *work, uint64_t height)
{
    return evm_search_start(height, work->now_us - work->transfer->started_us);
}

/* What was kept came from a height that a server once told: it may have made that up, or be another by
 * now. */
static enum status look_for_secret(struct leg_work *work, struct link_call *c, struct evm_leg *e,
                                   uint64_t latest, struct leg_view *view)
{
    uint64_t earlier = since_at(work, latest);
    struct hash transaction;
    bool found = false;

    TRY(evm_swap_secret(c->link->client, &c->call, &e->terms.contract, &e->id, &e->terms.hash, e->since,
                        &found, &view->preimage, &transaction));
    if (!found && earlier < e->since) {
        TRY(evm_swap_secret(c->link->client, &c->call, &e->terms.contract, &e->id, &e->terms.hash, earlier,
                            &found, &view->preimage, &transaction));
        if (found)
            keep_since(view, e, earlier);
    }
    return found ? OK
                 : error_set(&c->call.error, ERROR_NETWORK_PROTOCOL,
                             "it was claimed, and no event tells by what");
}

static enum status judge(struct leg_work *work, struct link_call *c, struct evm_leg *e,
                         const struct evm_swap_reading *settled, const struct evm_swap_reading *newest,
                         struct leg_view *view)
{
    struct evm_glance g = { .is_source = work->leg->side == SIDE_SOURCE,
                            .state = work->transfer->state,
                            .newest = newest->state, .settled = settled->state,
                            .chain_us = evm_chain_us(newest->time_s), .now_us = work->now_us,
                            .deadline_us = (int64_t)e->terms.deadline_s * MICROSECONDS_PER_SECOND,
                            .lock_until_us = work->transfer->lock_until_us };

    evm_leg_timing(kernel_network(work->kernel), work->leg->detail, &g.timing);
    if (evm_sight_is_open(&g))
        judge_absence(work, c, e, settled, &g);
    TRY(check_clock(work, c, &g));
    view->expiry_us = g.deadline_us;
    hex_text(view->reference, e->id.bytes, sizeof(e->id.bytes));
    view->sight = evm_sight(&g);
    if (!sight_is_claim(view->sight))
        return OK;
    TRY(look_for_secret(work, c, e, newest->latest, view));
    view->preimage_known = true;
    return OK;
}

static enum status look_by(struct leg_work *work, struct link_call *c, struct evm_leg *e, void *out)
{
    struct evm_swap_reading settled, newest;
    struct leg_view *view = out;

    TRY(evm_swap_read(c->link->client, &c->call, &e->terms.contract, &e->id, false, &newest));
    TRY(evm_swap_read_deep(c->link->client, &c->call, &e->terms.contract, &e->id, e->confirmations,
                           &settled));
    if (!e->has_since || e->since > newest.latest)
        keep_since(view, e, since_at(work, settled.height));
    return judge(work, c, e, &settled, &newest, view);
}

static enum status look(struct leg_work *work, struct leg_view *view)
{
    struct evm_leg e;

    TRY(need_leg(work, &e));
    TRY(need_link(work, e.link, &e, NULL));
    return by_link(work, &e, look_by, view);
}

/* --- proving ----------------------------------------------------------------------------------- */
struct proving_part {
    enum evm_swap_fact fact;
    struct leg_proof *proof;
};

static enum evm_swap_fact fact_of(enum bundle_step step)
{
    switch (step) {
    case BUNDLE_LOCK: return EVM_SWAP_FACT_LOCKED;
    case BUNDLE_CLAIM: return EVM_SWAP_FACT_CLAIMED;
    case BUNDLE_CONTRACT: return EVM_SWAP_FACT_CONTRACT;
    }
    INVARIANT(false, "a step %d", (int)step);
}

/* The proof outlives the call. Its text becomes canonical here, as it will stand in the bundle. */
static enum status prove_by(struct leg_work *work, struct link_call *c, struct evm_leg *e, void *out)
{
    struct proving_part *part = out;
    struct buffer text CLEANUP(buffer_close) = { 0 };
    json_t *json AUTO_JSON = NULL;
    struct evm_proof found;
    const char *made;

    TRY(evm_swap_prove(c->link->client, &c->call, &e->terms, e->since, part->fact, &made, &found));
    TRY(json_parse(made, strlen(made), &json, &c->call.error));
    TRY(json_canonical(json, &text, &c->call.error));
    *part->proof = (struct leg_proof){ .text = arena_text(work->arena, buffer_text(&text), text.size),
                                       .chain_id = found.chain_id, .number = found.number,
                                       .block = found.block };
    return OK;
}

static enum status prove(struct leg_work *work, enum bundle_step step, struct leg_proof *proof)
{
    struct proving_part part = { fact_of(step), proof };
    struct evm_leg e;

    TRY(need_leg(work, &e));
    return by_link(work, &e, prove_by, &part);
}

const struct leg_kind evm_leg = {
    .name = "evm", .outside = true, .check_terms = evm_leg_check_terms, .timing = evm_leg_timing,
    .plan_source = evm_leg_plan_source, .plan_destination = evm_leg_plan_destination,
    .lock = lock, .claim = claim, .refund = refund, .look = look,
    .prove = prove,
};

/* --- transfer.deploy ----------------------------------------------------------------------------- */
const struct param deploy_params[2] = {
    PARAM(struct deploy, link, TEXT, REQUIRED, "of an EVM network; its key pays", .most = LINK_NAME_MAX),
    PARAM(struct deploy, request, TEXT, OPTIONAL, "the same again is the same contract", .most = 64),
};

enum status deploy_contract(struct execution *x, const void *params, struct writer *result)
{
    const struct deploy *p = params;
    struct buffer options CLEANUP(buffer_close) = { 0 };
    struct evm_address account;
    struct evm_swap_call call;
    uint64_t chain_id;
    struct ask ask;

    TRY(evm_leg_link(x, p->link, &account, &chain_id));
    evm_swap_deploy(&call);
    ask = ask_for(p->link, p->request, &call, &options);
    evm_swap_call_close(&call);
    return outside_ask(x, &ask, result);
}

/* --- transfer.collect ---------------------------------------------------------------------------- */
const struct param collect_params[5] = {
    PARAM(struct collect, link, TEXT, REQUIRED, "of an EVM network; its account is who is owed, and pays",
          .most = LINK_NAME_MAX),
    PARAM(struct collect, contract, TEXT, REQUIRED, "the hash-lock contract: 0x and 40 hex digits",
          .most = 64),
    PARAM(struct collect, token, TEXT, OPTIONAL, "what is owed; absent: the chain's own coin", .most = 64),
    PARAM(struct collect, to, TEXT, OPTIONAL, "an address that can be paid; absent: the link's account",
          .most = 64),
    PARAM(struct collect, request, TEXT, OPTIONAL, "the same again is the same payment", .most = 64),
};

static enum status read_address(struct execution *x, const char *name, const char *text, uint64_t chain_id,
                                struct evm_address *address)
{
    if (text == NULL)
        return OK;
    return evm_outside_address(text, chain_id, address) && !evm_address_is_zero(address)
               ? OK : fail(x, ERROR_INVALID_PARAMS, "%s: 0x and 40 hex digits are expected", name);
}

/* The contract owes nobody but who asks, and says no when that is nothing. */
enum status collect_owed(struct execution *x, const void *params, struct writer *result)
{
    const struct collect *p = params;
    struct buffer options CLEANUP(buffer_close) = { 0 };
    struct evm_address contract, token = { .bytes = { 0 } }, to;
    struct evm_swap_call call;
    uint64_t chain_id;
    struct ask ask;

    TRY(evm_leg_link(x, p->link, &to, &chain_id));
    TRY(read_address(x, "contract", p->contract, chain_id, &contract));
    TRY(read_address(x, "token", p->token, chain_id, &token));
    TRY(read_address(x, "to", p->to, chain_id, &to));
    evm_swap_withdraw(&contract, &token, &to, &call);
    ask = ask_for(p->link, p->request, &call, &options);
    evm_swap_call_close(&call);
    return outside_ask(x, &ask, result);
}
