/* One read on a network: see call.h. */
#include "network/call.h"

#include <string.h>

#include "network/names.h"
#include "network/results.h"
#include "network/sync.h"

/* --- what there is ------------------------------------------------------------------------------ */
static bool writes(const struct network *n, enum write_kind kind)
{
    return (n->writes & 1u << kind) != 0 && n->prepare != NULL && n->send != NULL;
}

bool network_offers(const struct network *n, enum network_operation operation)
{
    switch (operation) {
    case NETWORK_CONNECT: return n->connect != NULL;
    case NETWORK_DISCONNECT: return true; /* the link comes to rest in any case */
    case NETWORK_HEALTH_CHECK: return n->health_check != NULL;
    case NETWORK_GET_STATE: return n->get_state != NULL;
    case NETWORK_SYNC_STATE: return n->sync_state != NULL;
    case NETWORK_VALIDATE_STATE: return n->validate_state != NULL;
    case NETWORK_SUBMIT_TRANSACTION: return writes(n, WRITE_SUBMIT);
    case NETWORK_CHECK_TRANSACTION_STATUS: return n->check_transaction_status != NULL;
    case NETWORK_GET_TRANSACTION_HISTORY: return n->get_transaction_history != NULL;
    case NETWORK_ESTIMATE_FEES: return n->estimate_fees != NULL;
    case NETWORK_ISSUE_ASSET: return writes(n, WRITE_ISSUE);
    case NETWORK_TRANSFER_ASSET: return writes(n, WRITE_TRANSFER);
    case NETWORK_VERIFY_PROOF: return n->verify_proof != NULL;
    case NETWORK_GENERATE_PROOF: return n->generate_proof != NULL;
    case NETWORK_REQUEST_PAYMENT: return n->request_payment != NULL;
    case NETWORK_OPERATIONS: break;
    }
    return false;
}

const char *network_lacks(const struct network *n, enum network_operation operation)
{
    return operation == NETWORK_REQUEST_PAYMENT ? n->paid_how : NULL;
}

bool link_offers(const struct link *link, enum network_operation operation, const char **reason)
{
    *reason = network_lacks(link->network, operation);
    return network_offers(link->network, operation) &&
           (link->network->capable == NULL || link->network->capable(link->client, operation, reason));
}

enum status refuse_not_offered(const struct network *network, enum network_operation operation,
                               const char *reason, struct error *error)
{
    return error_set(error, ERROR_NETWORK_NOT_SUPPORTED, "%s cannot %s%s%s", network->name,
                     network_operation_name(operation), reason == NULL ? "" : ": ",
                     reason == NULL ? "" : reason);
}

/* --- one function an operation ------------------------------------------------------------------ */
static enum status connect_link(struct link_call *c, struct writer *w)
{
    struct network_greeting greeting = { .chain = NULL };
    enum status status = c->link->network->connect(c->link->client, &c->call, &greeting);

    if (status != OK)
        return status;
    atomic_store(&c->link->verified, true);
    result_greeting(w, &greeting);
    return OK;
}

static enum status disconnect_link(struct link_call *c)
{
    atomic_store(&c->link->verified, false);
    if (c->link->network->disconnect == NULL)
        return OK;
    return c->link->network->disconnect(c->link->client, &c->call);
}

typedef enum status state_function(void *client, struct network_call *call, struct network_state *state);

static enum status tell_state(struct link_call *c, state_function *function, struct writer *w)
{
    struct network_state state = { .tip = NULL };

    TRY(function(c->link->client, &c->call, &state));
    result_state(w, &state);
    return OK;
}

static enum status tell_status(struct link_call *c, const struct ask *ask, struct writer *w)
{
    struct network_prepared which = { .transaction = ask->transaction, .label = ask->label };
    struct network_status status = { .block = NULL };

    TRY(c->link->network->check_transaction_status(c->link->client, &c->call, &which, &status));
    result_status(w, &status);
    return OK;
}

static enum status tell_history(struct link_call *c, const struct ask *ask, struct writer *w)
{
    struct network_history history = { .count = 0 };

    TRY(c->link->network->get_transaction_history(c->link->client, &c->call, ask->after, (size_t)ask->limit,
                                                  &history));
    result_history(w, &history);
    return OK;
}

static enum status tell_fees(struct link_call *c, const struct ask *ask, struct writer *w)
{
    struct network_fees fees = { .slow = NULL };
    struct network_write write;
    enum write_kind kind = WRITE_SUBMIT;
    bool described = ask->kind != NULL && write_kind_find(ask->kind, &kind);

    write = ask_as_write(ask, kind);
    TRY(c->link->network->estimate_fees(c->link->client, &c->call, described ? &write : NULL, &fees));
    result_fees(w, &fees);
    return OK;
}

typedef enum status verdict_function(void *client, struct network_call *call, const char *text,
                                     struct network_verdict *verdict);

static enum status tell_verdict(struct link_call *c, verdict_function *function, struct bytes text,
                                struct writer *w)
{
    struct network_verdict verdict = { .verdict = PROOF_UNVERIFIABLE };

    TRY(function(c->link->client, &c->call, (const char *)text.data, &verdict));
    result_verdict(w, &verdict);
    return OK;
}

static enum status tell_proof(struct link_call *c, const struct ask *ask, struct writer *w)
{
    const char *proof = NULL;
    size_t size;

    TRY(c->link->network->generate_proof(c->link->client, &c->call, (const char *)ask->claim.data, &proof));
    size = proof == NULL ? 0 : strnlen(proof, RESULT_PROOF_MAX + 1);
    if (size > RESULT_PROOF_MAX)
        return error_set(&c->call.error, ERROR_NETWORK_TOO_LARGE, "the proof has more than %zu bytes",
                         RESULT_PROOF_MAX);
    if (size == 0 || !result_json_fits(proof, size))
        return error_set(&c->call.error, ERROR_NETWORK_PROTOCOL, "the proof is not one JSON value");
    writer_member_raw(w, "proof", proof, size);
    return OK;
}

static bool is_whole(const char *text)
{
    size_t size = text == NULL ? RESULT_PAYABLE_MAX : strnlen(text, RESULT_PAYABLE_MAX);

    return size > 0 && size < RESULT_PAYABLE_MAX && utf8_valid_prefix(text, size) == size;
}

static enum status tell_payable(struct link_call *c, const struct ask *ask, struct writer *w)
{
    struct network_payment_request request = { .amount = ask->amount, .asset = ask->asset, .memo = ask->memo,
                                               .has_expiry = ask->expires_s != NOT_GIVEN,
                                               .expires_s = ask->expires_s, .secret = ask->secret };
    struct network_payable payable = { .invoice = NULL };

    TRY(c->link->network->request_payment(c->link->client, &c->call, &request, &payable));
    if (!is_whole(payable.invoice != NULL ? payable.invoice : payable.address))
        return error_set(&c->call.error, ERROR_NETWORK_PROTOCOL,
                         "what came back is nothing that can be paid");
    result_payable(w, &payable);
    return OK;
}

static enum status tell(struct link_call *c, enum network_operation operation, const struct ask *ask,
                        struct writer *w)
{
    const struct network *n = c->link->network;

    switch (operation) {
    case NETWORK_CONNECT: return connect_link(c, w);
    case NETWORK_DISCONNECT: return disconnect_link(c);
    case NETWORK_HEALTH_CHECK: return tell_state(c, n->health_check, w);
    case NETWORK_GET_STATE: return tell_state(c, n->get_state, w);
    case NETWORK_SYNC_STATE: return sync_run(c, w);
    case NETWORK_VALIDATE_STATE: return tell_verdict(c, n->validate_state, ask->claim, w);
    case NETWORK_CHECK_TRANSACTION_STATUS: return tell_status(c, ask, w);
    case NETWORK_GET_TRANSACTION_HISTORY: return tell_history(c, ask, w);
    case NETWORK_ESTIMATE_FEES: return tell_fees(c, ask, w);
    case NETWORK_VERIFY_PROOF: return tell_verdict(c, n->verify_proof, ask->proof, w);
    case NETWORK_GENERATE_PROOF: return tell_proof(c, ask, w);
    case NETWORK_REQUEST_PAYMENT: return tell_payable(c, ask, w);
    case NETWORK_SUBMIT_TRANSACTION:
    case NETWORK_ISSUE_ASSET:
    case NETWORK_TRANSFER_ASSET:
    case NETWORK_OPERATIONS: break;
    }
    INVARIANT(false, "a write among the reads");
}

enum status call_run(struct link_call *c, enum network_operation operation, const struct ask *ask,
                     struct buffer *result, struct error *error)
{
    struct writer w;
    const char *reason;

    if (!link_offers(c->link, operation, &reason))
        return refuse_not_offered(c->link->network, operation, reason, error);
    if (operation != NETWORK_CONNECT && operation != NETWORK_DISCONNECT)
        TRY(link_call_verify(c, error));
    writer_init(&w, result);
    writer_object_begin(&w);
    TRY(link_call_ended(c, tell(c, operation, ask, &w), error));
    writer_object_end(&w);
    if (result->size > RESULT_MAX) { /* many entries, each with details that were not too large */
        buffer_clear(result);
        return error_set(error, ERROR_NETWORK_TOO_LARGE, "the result has more than %zu bytes", RESULT_MAX);
    }
    return OK;
}
