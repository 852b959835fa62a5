/* The leg through payment channels of this node: a hold invoice, and the payment of it (layer2/payment). Who
 * receives has his key here, or (at the destination) gives an invoice of his own.
 *
 * As source, the provider asks by a hold invoice and takes it once he has the secret. As destination, the
 * recipient's hold invoice is paid, or the one that he gave, whose secret is his. */
#include <inttypes.h>
#include <string.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "crypto/bolt11.h"
#include "kernel/kernel.h"
#include "layer2/payment/flow.h"
#include "layer2/payment/htlc.h"
#include "layer2/payment/invoice.h"
#include "layer2/payment/map.h"
#include "layer2/payment/send.h"
#include "layer2/transfer/leg.h"
#include "ledger/ledger.h"

#define HOPS_ROOM_US ((int64_t)60 * 60 * 1000000) /* beyond the last hop's lock, for a hop between */
#define SEND_ONCE_US 1 /* another route than the first could take longer than the source allows */
#define DESCRIPTION "transfer between ledgers"

static void timing(enum node_network network, const char *detail, struct leg_timing *timing)
{
    (void)detail;
    *timing = (struct leg_timing){ .reaction_us = leg_window(network, REACTION_US),
                                   .least_us = FINAL_DELTA_US + HOPS_ROOM_US,
                                   .most_us = FINAL_DELTA_US - SAFETY_US };
}

static bool is_invoice(const char *text)
{
    return strncmp(text, "ln", 2) == 0;
}

/* --- planning ---------------------------------------------------------------------------------- */
static enum status need_key(struct execution *x, const struct account_id *account, const char *who)
{
    if (keystore_has(kernel_keystore(execution_kernel(x)), account))
        return OK;
    return fail(x, ERROR_KEY_NOT_FOUND, "channel: the keystore has no key of the %s", who);
}

static enum status write_terms(struct execution *x, struct leg_plan *plan, uint64_t amount)
{
    struct asset asset;

    TRY(asset_find(x, &plan->terms->way.asset, &asset));
    text_set(plan->leg->asset, sizeof(plan->leg->asset), asset.symbol);
    snprintf(plan->leg->amount, sizeof(plan->leg->amount), "%" PRIu64, amount);
    return OK;
}

static enum status plan_source(struct execution *x, struct leg_plan *plan, const struct account_id *account,
                               uint64_t amount)
{
    TRY(need_key(x, &plan->terms->provider, "provider"));
    if (account_equal(account, &plan->terms->provider))
        return fail(x, ERROR_SAME_ACCOUNT, "channel: it would be from an account to itself");
    address_encode(plan->leg->sender, account);
    address_encode(plan->leg->recipient, &plan->terms->provider);
    plan->locks = keystore_has(kernel_keystore(execution_kernel(x)), account);
    return write_terms(x, plan, amount);
}

/* The recipient's own invoice: of this chain, for that asset and amount, and with time left. */
static enum status plan_invoice(struct execution *x, struct leg_plan *plan, uint64_t amount)
{
    struct arena arena CLEANUP(arena_close);
    struct bolt11 *v;
    struct payment before;
    struct error error;
    struct account_id payee;

    arena_init(&arena);
    v = arena_new(&arena, sizeof(*v));
    if (bolt11_decode(plan->recipient, strlen(plan->recipient), &arena, v, &error) != OK)
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: %s", error.message);
    if (strcmp(v->currency, payment_currency(execution_chain(x))) != 0 ||
        !bytes_equal(v->metadata, bytes_of(plan->terms->way.asset.bytes, 32)))
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: the invoice is of another chain or asset");
    if (!v->has_amount || v->amount_msat != amount)
        return fail(x, ERROR_TRANSFER_RECIPIENT, "recipient: the invoice is not for %" PRIu64, amount);
    if (bolt11_expired(v, (uint64_t)(execution_time(x) / MICROSECONDS_PER_SECOND)))
        return fail(x, ERROR_INVOICE_ENDED, "recipient: the invoice expired");
    if (payment_read(execution_database(x), &v->payment_hash, &before) && before.state != PAYMENT_FAILED)
        return fail(x, ERROR_TRANSFER_HASH_USED, "recipient: the invoice is paid already, or about to be");
    memcpy(payee.bytes, v->payee.bytes + 1, sizeof(payee.bytes));
    if (account_equal(&payee, &plan->terms->provider))
        return fail(x, ERROR_SAME_ACCOUNT, "recipient: the invoice is the provider's own");
    text_set(plan->leg->recipient, sizeof(plan->leg->recipient), plan->recipient);
    plan->has_invoice_hash = true;
    plan->invoice_hash = v->payment_hash;
    return OK;
}

static enum status plan_destination(struct execution *x, struct leg_plan *plan, uint64_t amount)
{
    struct account_id recipient;

    TRY(need_key(x, &plan->terms->provider, "provider"));
    address_encode(plan->leg->sender, &plan->terms->provider);
    TRY(write_terms(x, plan, amount));
    if (is_invoice(plan->recipient))
        return plan_invoice(x, plan, amount);
    if (!address_decode(&recipient, plan->recipient, strlen(plan->recipient)))
        return fail(x, ERROR_TRANSFER_RECIPIENT,
                    "recipient: an address with its key on this node is expected, or an invoice");
    TRY(need_key(x, &recipient, "recipient, who could give an invoice instead"));
    if (account_equal(&recipient, &plan->terms->provider))
        return fail(x, ERROR_SAME_ACCOUNT, "recipient: it is the provider");
    address_encode(plan->leg->recipient, &recipient);
    plan->takes_secret = true;
    return OK;
}

/* --- looking ----------------------------------------------------------------------------------- */
/* When the first hash-lock of the receiving invoice has to be resolved; 0: there is none. */
static int64_t received_until(const struct leg_work *work)
{
    struct statement *s = statement(work->database,
        "SELECT coalesce(min(expiry_us), 0) AS expiry FROM htlc WHERE hash = ? AND state < 5 AND counts = 1");
    int64_t expiry_us;

    bind_blob(s, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    INVARIANT(statement_row(s), "an aggregate has one row");
    expiry_us = column_integer(s, "expiry");
    statement_finish(s);
    return expiry_us == 0 ? 0 : expiry_us - SAFETY_US;
}

/* The invoice of who receives, for just this; another with the same hash, the transfer has no part in. */
static bool read_receiving(const struct leg_work *work, struct invoice *v)
{
    char payee[ADDRESS_TEXT_MAX], amount[DECIMAL_TEXT_MAX];

    if (!invoice_read(work->database, &work->transfer->hash, v))
        return false;
    address_encode(payee, &v->payee);
    snprintf(amount, sizeof(amount), "%" PRIu64, v->amount);
    return memcmp(&v->asset, &work->transfer->asset, sizeof(v->asset)) == 0 &&
           strcmp(amount, work->leg->amount) == 0 &&
           (is_invoice(work->leg->recipient) || (v->hold && strcmp(payee, work->leg->recipient) == 0));
}

/* The payment of who pays, likewise. */
static bool read_paying(const struct leg_work *work, struct payment *payment)
{
    char payer[ADDRESS_TEXT_MAX], amount[DECIMAL_TEXT_MAX];

    if (!payment_read(work->database, &work->transfer->hash, payment))
        return false;
    address_encode(payer, &payment->payer);
    snprintf(amount, sizeof(amount), "%" PRIu64, payment->amount);
    return memcmp(&payment->asset, &work->transfer->asset, sizeof(payment->asset)) == 0 &&
           strcmp(amount, work->leg->amount) == 0 && strcmp(payer, work->leg->sender) == 0;
}

/* What became of the hash-locks that a settled invoice took. It is settled as soon as they are claimed; they
 * are his who receives once the other side has signed that, or the ledger has seen the secret in time. */
static enum sight settled_sight(const struct leg_work *work, const struct invoice *v)
{
    struct statement *s = statement(work->database,
        "SELECT coalesce(sum(iif(state = 5, amount, 0)), 0) AS taken, coalesce(sum(state < 5), 0) AS pending"
        "  FROM htlc WHERE hash = ? AND counts = 1");
    uint64_t taken;
    bool pending;

    bind_blob(s, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    INVARIANT(statement_row(s), "an aggregate has one row");
    taken = (uint64_t)column_integer(s, "taken");
    pending = column_integer(s, "pending") > 0;
    statement_finish(s);
    return taken >= v->amount ? SIGHT_CLAIMED : pending ? SIGHT_CLAIMING : SIGHT_RETURNED;
}

/* What the receiving invoice of this node shows. */
static void look_at_invoice(const struct leg_work *work, const struct invoice *v, struct leg_view *view)
{
    switch (v->state) {
    case INVOICE_OPEN:
        view->sight = SIGHT_NONE;
        break;
    case INVOICE_ACCEPTED:
        view->sight = SIGHT_LOCKED;
        view->expiry_us = received_until(work);
        break;
    case INVOICE_SETTLED:
        view->sight = settled_sight(work, v);
        view->preimage_known = v->has_preimage;
        view->preimage = v->preimage;
        break;
    case INVOICE_CANCELED:
    case INVOICE_EXPIRED:
        view->sight = v->received > 0 ? SIGHT_RETURNED : SIGHT_NEVER;
        break;
    }
}

static void look_at_source(const struct leg_work *work, struct leg_view *view)
{
    struct invoice v;

    if (read_receiving(work, &v))
        look_at_invoice(work, &v, view);
    if (view->sight == SIGHT_NONE && work->now_us >= work->transfer->lock_until_us)
        view->sight = SIGHT_NEVER; /* the invoice expires then */
}

/* A lock that was not asked for, and is too late now, is asked for no more. */
static void look_at_destination(const struct leg_work *work, struct leg_view *view)
{
    struct payment payment;
    struct invoice v;

    if (!read_paying(work, &payment)) {
        view->sight = SIGHT_NONE;
        return;
    }
    if (payment.state == PAYMENT_SETTLED) {
        view->sight = SIGHT_CLAIMED;
        view->preimage_known = payment.has_preimage;
        view->preimage = payment.preimage;
    } else if (payment.state == PAYMENT_FAILED) {
        view->sight = SIGHT_RETURNED;
    } else {
        view->sight = SIGHT_SHALLOW;
        if (read_receiving(work, &v) && v.state == INVOICE_ACCEPTED)
            look_at_invoice(work, &v, view);
    }
}

static enum status look(struct leg_work *work, struct leg_view *view)
{
    hex_text(view->reference, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    view->sight = SIGHT_NONE;
    if (work->leg->side == SIDE_SOURCE)
        look_at_source(work, view);
    else
        look_at_destination(work, view);
    return OK;
}

/* --- acting ------------------------------------------------------------------------------------ */
static bool may_pass(enum status status)
{
    return status == ERROR_BUSY || status == ERROR_STOPPING || status == ERROR_KEYSTORE_LOCKED;
}

static enum status refused(struct leg_work *work, enum status status)
{
    char why[ERROR_MESSAGE_MAX];

    if (status == OK || may_pass(status))
        return status;
    memcpy(why, work->error.message, sizeof(why));
    return leg_refuse(work, why);
}

static struct account_id account_of(const char *address)
{
    struct account_id account;

    INVARIANT(address_decode(&account, address, strlen(address)), "a leg of '%s'", address);
    return account;
}

/* A command of the payments' room, checked here and run in the executor. */
struct command_at_hand {
    command_handler *run;
    const void *params;
};

static enum status run_command(struct execution *x, void *context)
{
    const struct command_at_hand *command = context;
    struct buffer answer CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &answer);
    return command->run(x, command->params, &w);
}

static enum status run_here(struct leg_work *work, command_handler *run, const void *params)
{
    struct command_at_hand command = { run, params };

    return leg_run(work, run_command, &command);
}

static struct check check_of(const struct leg_work *work)
{
    return (struct check){ .chain = kernel_chain(work->kernel), .operator_ = true,
                           .keystore = kernel_keystore(work->kernel), .database = work->database,
                           .kernel = work->kernel };
}

/* The hold invoice of whoever receives, made unless it is there. */
static enum status ensure_invoice(struct leg_work *work, int64_t until_us)
{
    const struct check check = check_of(work);
    struct create p = { .payee = account_of(work->leg->recipient), .asset = work->transfer->asset,
                        .amount = (uint64_t)strtoull(work->leg->amount, NULL, 10), .description = DESCRIPTION,
                        .expiry = until_us - work->now_us, .hold = true, .hash = work->transfer->hash };
    struct invoice present;
    enum status status;

    if (read_receiving(work, &present))
        return OK;
    if (invoice_read(work->database, &work->transfer->hash, &present))
        return leg_refuse(work, "another invoice has this hash");
    if (p.expiry < MICROSECONDS_PER_SECOND)
        return leg_refuse(work, "there is no time left for an invoice");
    TRY(check_create(&check, &p, work->arena, &work->error));
    status = run_here(work, create_invoice, &p);
    return status == ERROR_INVOICE_EXISTS ? OK : status;
}

static const char *invoice_text(struct leg_work *work)
{
    struct statement *s = statement(work->database, "SELECT text FROM invoice WHERE hash = ?");
    struct bytes text;
    const char *copy;

    bind_blob(s, work->transfer->hash.bytes, sizeof(work->transfer->hash.bytes));
    if (!statement_row(s))
        return NULL;
    text = column_text_sized(s, "text");
    copy = arena_text(work->arena, (const char *)text.data, text.size);
    statement_finish(s);
    return copy;
}

/* No hash-lock of the provider's may outlive what the source allows. Judged in the executor: the machine may
 * have slept since the way was found, and hash-locks last from when they are made. */
struct send_at_hand {
    const struct send *params;
    int64_t until_us; /* 0: any */
};

static enum status send_in_time(struct execution *x, void *context)
{
    const struct send_at_hand *at_hand = context;
    const struct sending *s = at_hand->params->sending;
    struct buffer answer CLEANUP(buffer_close) = { 0 };
    struct writer w;

    for (size_t i = 0; at_hand->until_us > 0 && i < s->route_count; i++) {
        if (execution_time(x) + s->routes[i].hops[0].expiry_us >= at_hand->until_us)
            return fail(x, ERROR_TRANSFER_LEG_REFUSED,
                        "the way there would be locked for longer than the source allows");
    }
    writer_init(&w, &answer);
    return send_payment(x, at_hand->params, &w);
}

static enum status send(struct leg_work *work, const char *invoice)
{
    const struct check check = check_of(work);
    struct send p = { .invoice = invoice, .payer = account_of(work->leg->sender), .amount = NOT_GIVEN,
                      .fee_limit = work->leg->side == SIDE_SOURCE ? NOT_GIVEN : work->transfer->fee,
                      .parts = GRAPH_PARTS_MAX, .timeout = SEND_ONCE_US };
    struct send_at_hand at_hand = { .params = &p,
                                    .until_us = work->leg->side == SIDE_SOURCE ? 0 : work->leg->expiry_us };

    TRY(check_send(&check, &p, work->arena, &work->error));
    return leg_run(work, send_in_time, &at_hand);
}

static enum status lock_source(struct leg_work *work)
{
    struct account_id account = account_of(work->leg->sender);
    const char *invoice;

    TRY(ensure_invoice(work, work->transfer->lock_until_us));
    if (!keystore_has(kernel_keystore(work->kernel), &account))
        return OK; /* he pays it himself */
    invoice = invoice_text(work);
    if (invoice == NULL)
        return error_set(&work->error, ERROR_BUSY, "the invoice is on its way");
    return send(work, invoice);
}

static enum status lock_destination(struct leg_work *work)
{
    const char *invoice = work->leg->recipient;

    if (!is_invoice(invoice)) {
        TRY(ensure_invoice(work, work->leg->expiry_us));
        invoice = invoice_text(work);
    }
    if (invoice == NULL)
        return error_set(&work->error, ERROR_BUSY, "the invoice is on its way");
    return send(work, invoice);
}

static enum status lock(struct leg_work *work, char detail[DETAIL_MAX])
{
    (void)detail;
    return refused(work, work->leg->side == SIDE_SOURCE ? lock_source(work) : lock_destination(work));
}

static enum status claim(struct leg_work *work, const struct hash *preimage)
{
    const struct settle p = { .hash = work->transfer->hash, .preimage = *preimage };
    struct invoice v;

    if (!read_receiving(work, &v))
        return error_set(&work->error, ERROR_INVOICE_NOT_FOUND, "there is no invoice of this transfer");
    return run_here(work, settle_invoice, &p);
}

static enum status refund(struct leg_work *work)
{
    const struct cancel p = { .hash = work->transfer->hash };
    struct invoice v;

    if (!read_receiving(work, &v) ||
        (v.state != INVOICE_OPEN && v.state != INVOICE_ACCEPTED))
        return OK;
    return run_here(work, cancel_invoice, &p);
}

const struct leg_kind channel_leg = {
    .name = "channel", .returns_early = true, .prepares = true, .timing = timing,
    .plan_source = plan_source, .plan_destination = plan_destination,
    .lock = lock, .claim = claim, .refund = refund, .look = look,
};
