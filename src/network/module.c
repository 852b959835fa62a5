/* network: links to outside networks, and the operations on them. What each does stands in operation.c,
 * write.c and health.c; the networks themselves in their folders. */
#include "network/network.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "network/effects.h"
#include "network/health.h"
#include "network/invariants.h"
#include "network/links.h"
#include "network/names.h"
#include "network/operation.h"
#include "network/queries.h"
#include "network/write.h"

#define POLL_DEFAULT_US (5 * MICROSECONDS_PER_SECOND)
#define POLL_LEAST_US (10 * 1000)
#define HEALTH_DEFAULT_US (30 * MICROSECONDS_PER_SECOND)
#define HEALTH_LEAST_US (100 * 1000)
#define ABANDONED_MAX 1000 /* operations that one network.remove gives up: each takes its events */
#define INTERVAL_MOST_US (3600 * MICROSECONDS_PER_SECOND)

/* --- network.initialize and network.remove ------------------------------------------------------ */
struct initialize {
    const char *link, *network, *key;
    struct bytes options;
    int64_t poll, health;
    struct public_key public_key; /* by the check */
};

static const struct param initialize_params[] = {
    PARAM(struct initialize, link, TEXT, REQUIRED, "a name for it", .most = LINK_NAME_MAX),
    PARAM(struct initialize, network, TEXT, REQUIRED, "which network; 'network.networks' lists them",
          .most = LINK_NAME_MAX),
    PARAM(struct initialize, options, JSON, OPTIONAL,
          "an object: what this network takes; 'network.networks network=NAME' shows it",
          .most = ASK_OPTIONS_MAX),
    PARAM(struct initialize, key, TEXT, OPTIONAL, "name of the key in the keystore that signs for it",
          .most = KEY_NAME_MAX - 1),
    PARAM(struct initialize, poll, DURATION, OPTIONAL,
          "between looks at a transaction that is not final, at first",
          .fallback = POLL_DEFAULT_US),
    PARAM(struct initialize, health, DURATION, OPTIONAL, "between looks at the server",
          .fallback = HEALTH_DEFAULT_US),
};

static enum status check_interval(const char *name, int64_t value_us, int64_t least_us, struct error *error)
{
    if (value_us >= least_us && value_us <= INTERVAL_MOST_US)
        return OK;
    return error_set(error, ERROR_INVALID_PARAMS, "%s: from %" PRId64 " ms to an hour are allowed", name,
                     least_us / 1000);
}

static enum status check_initialize(const struct check *check, void *params, struct arena *arena,
                                    struct error *error)
{
    struct initialize *p = params;
    const struct network *network = network_find(p->network);

    (void)arena;
    if (!key_name_valid(p->link))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "link: letters, digits, '.', '_' and '-' make a name, not '%.64s'", p->link);
    if (network == NULL)
        return error_set(error, ERROR_NETWORK_NOT_SUPPORTED,
                         "network: there is no '%.64s' here; 'network.networks' lists those that are",
                         p->network);
    if (network->needs_key && p->key == NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "key: %s needs one to sign with", network->name);
    TRY(check_interval("poll", p->poll, POLL_LEAST_US, error));
    TRY(check_interval("health", p->health, HEALTH_LEAST_US, error));
    return links_check(links_of(check->kernel), p->link, network, p->options, p->key, &p->public_key, error);
}

struct survey {
    const struct initialize *p;
    size_t links;
    char signs_too[LINK_NAME_MAX + 1]; /* another link to the network with the same key; empty: none */
};

static void survey_link(void *context, const struct link_row *row)
{
    struct survey *survey = context;
    const struct initialize *p = survey->p;

    survey->links++;
    if (p->key != NULL && row->key != NULL && strcmp(row->network, p->network) == 0 &&
        memcmp(row->public_key.bytes, p->public_key.bytes, sizeof(row->public_key.bytes)) == 0)
        snprintf(survey->signs_too, sizeof(survey->signs_too), "%s", row->name);
}

/* Writes are numbered for each link by itself: two with one account would give out the same numbers. */
static enum status check_others(struct execution *x, const struct initialize *p)
{
    struct survey survey = { .p = p };

    row_link_each(execution_database(x), survey_link, &survey);
    if (survey.links >= LINKS_MAX)
        return fail(x, ERROR_LIMIT, "there are %d links, and no more are taken", LINKS_MAX);
    if (survey.signs_too[0] != '\0')
        return fail(x, ERROR_NETWORK_LINK_EXISTS,
                    "key: the link '%s' to %s signs with it already; give this one another, or remove that",
                    survey.signs_too, p->network);
    return OK;
}

static enum status initialize(struct execution *x, const void *params, struct writer *result)
{
    const struct initialize *p = params;
    struct arena arena CLEANUP(arena_close);
    struct link_row row = { .name = p->link, .network = p->network, .key = p->key,
                            .public_key = p->public_key,
                            .options = p->options.size == 0 ? "{}" : (const char *)p->options.data,
                            .poll_us = p->poll, .health_us = p->health }, other;
    char public_key[2 * sizeof(p->public_key.bytes) + 1];

    arena_init(&arena);
    if (row_link_find(execution_database(x), p->link, &arena, &other))
        return fail(x, ERROR_NETWORK_LINK_EXISTS, "link: '%s' is there already, to %s", p->link,
                    other.network);
    TRY(check_others(x, p));
    row_link_insert(execution_database(x), &row, execution_time(x));
    hex_text(public_key, p->public_key.bytes, sizeof(p->public_key.bytes));
    writer_object_begin(result);
    writer_member_text(result, "link", p->link);
    if (p->key != NULL)
        writer_member_text(result, "public_key", public_key);
    writer_object_end(result);
    return event_network_initialized(x, &(struct event_network_initialized){
        .link = p->link, .network = p->network, .key = p->key,
        .public_key = p->key == NULL ? NULL : public_key });
}

struct removal {
    const char *link;
    bool abandon;
};

static const struct param removal_params[] = {
    PARAM(struct removal, link, TEXT, REQUIRED, "its name", .most = LINK_NAME_MAX),
    PARAM(struct removal, abandon, BOOLEAN, OPTIONAL,
          "also when it has writes that are not settled: nobody will follow them"),
};

/* At most so many; false: there are more. */
static bool abandon_some(struct execution *x, const struct link_row *row, size_t most)
{
    most -= operation_abandon(x, row, most);
    write_abandon(x, row, most);
    return row_write_open(execution_database(x), row->id) == 0 &&
           !row_operation_too_many(execution_database(x), row->id, 1);
}

static void answer_removal(struct writer *result, bool removed)
{
    writer_object_begin(result);
    writer_member_boolean(result, "removed", removed);
    writer_object_end(result);
}

struct gone { uint64_t link; };

static void forget_link(struct kernel *kernel, void *context)
{
    struct gone *gone = context;

    links_forget(links_of(kernel), gone->link);
    free(gone);
}

static enum status remove_link(struct execution *x, const void *params, struct writer *result)
{
    const struct removal *p = params;
    struct arena arena CLEANUP(arena_close);
    struct link_row row;
    struct gone *gone;
    uint64_t open;

    arena_init(&arena);
    if (!row_link_find(execution_database(x), p->link, &arena, &row))
        return fail(x, ERROR_NETWORK_LINK_NOT_FOUND, "link: there is no '%s'", p->link);
    open = row_write_open(execution_database(x), row.id);
    if (open > 0 && !p->abandon)
        return fail(x, ERROR_NETWORK_WRITES_OPEN,
                    "link: '%s' has %" PRIu64 " writes that are not settled; 'abandon=true' gives them up",
                    p->link, open);
    if (!abandon_some(x, &row, ABANDONED_MAX)) {
        if (row.state != LINK_IDLE)
            operation_rest(x, &row);
        answer_removal(result, false);
        return OK;
    }
    health_stop(x, &row);
    row_block_forget(execution_database(x), row.id);
    row.state = LINK_REMOVED;
    row_link_update(execution_database(x), &row, execution_time(x));
    gone = memory_new(sizeof(*gone));
    gone->link = row.id;
    execution_after_commit(x, forget_link, free, gone);
    answer_removal(result, true);
    return event_network_removed(x, &(struct event_network_removed){ .link = row.name,
                                                                     .network = row.network });
}

/* --- the operations ----------------------------------------------------------------------------- */
#define LINK_PARAM PARAM(struct ask, link, TEXT, REQUIRED, "name of the link", .most = LINK_NAME_MAX)
#define COMMON_PARAMS                                                                                        \
    PARAM(struct ask, timeout, DURATION, OPTIONAL, "for one attempt, at most 10 minutes; absent: as usual "  \
          "for the operation", .fallback = NOT_GIVEN),                                                       \
    PARAM(struct ask, request, TEXT, OPTIONAL,                                                               \
          "a key of your own: the same again on this link is the same operation", .most = 64)
#define WRITE_PARAMS                                                                                         \
    PARAM(struct ask, fee, TEXT, OPTIONAL,                                                                   \
          "at most this much, in the smallest unit of the network's coin; while it would cost more, it "     \
          "waits, and so do the link's later writes", .most = 80),                                           \
    PARAM(struct ask, urgent_by, TIME, OPTIONAL,                                                             \
          "it is to be in a block by then: its fee is raised the sooner the less time is left"),             \
    PARAM(struct ask, options, JSON, OPTIONAL, "what this network alone takes", .most = ASK_OPTIONS_MAX)
#define GIVE_UP_PARAM                                                                                        \
    PARAM(struct ask, give_up_after, DURATION, OPTIONAL,                                                     \
          "it fails unless it could be prepared by then; a locked keystore does not count",                  \
          .fallback = GIVE_UP_DEFAULT_US)
#define RAW_PARAMS                                                                                           \
    PARAM(struct ask, raw, BYTES, OPTIONAL, "a signed transaction, as the network takes it",                 \
          .most = ASK_RAW_MAX),                                                                              \
    PARAM(struct ask, text, TEXT, OPTIONAL, "instead of raw: a text, such as an invoice",                    \
          .most = ASK_TEXT_MAX)
#define AMOUNT_PARAM(need, help) PARAM(struct ask, amount, TEXT, need, help, .most = 80)
#define ASSET_PARAM                                                                                          \
    PARAM(struct ask, asset, TEXT, OPTIONAL, "its id there; absent: the network's own coin",                 \
          .most = ASK_MEMO_MAX)
#define SYMBOL_PARAM(need) PARAM(struct ask, symbol, TEXT, need, "the new asset's", .most = 64)
#define TITLE_PARAM PARAM(struct ask, title, TEXT, OPTIONAL, "the new asset's name", .most = 256)
#define DECIMALS_PARAM PARAM(struct ask, decimals, INTEGER, OPTIONAL, "0 … 38", .fallback = NOT_GIVEN)
#define TO_PARAM(need) PARAM(struct ask, to, TEXT, need, "address there", .most = ASK_TEXT_MAX)
#define MEMO_PARAM                                                                                           \
    PARAM(struct ask, memo, TEXT, OPTIONAL, "where the network takes one", .most = ASK_MEMO_MAX)

static const char *const kinds[] = { "submit", "issue", "transfer", NULL };

static const struct param plain_params[] = { LINK_PARAM, COMMON_PARAMS };
static const struct param claim_params[] = {
    LINK_PARAM,
    PARAM(struct ask, claim, JSON, REQUIRED, "{\"type\": …, …}: what is said about the state",
          .most = ASK_JSON_MAX),
    COMMON_PARAMS,
};
static const struct param proof_params[] = {
    LINK_PARAM,
    PARAM(struct ask, proof, JSON, REQUIRED, "{\"type\": …, …}", .most = ASK_JSON_MAX),
    COMMON_PARAMS,
};
static const struct param status_params[] = {
    LINK_PARAM,
    PARAM(struct ask, transaction, TEXT, OPTIONAL, "its id there", .most = ASK_MEMO_MAX),
    PARAM(struct ask, label, TEXT, OPTIONAL, "or what else it is found by there", .most = ASK_MEMO_MAX),
    COMMON_PARAMS,
};
static const struct param history_params[] = {
    LINK_PARAM,
    PARAM(struct ask, after, TEXT, OPTIONAL, "the `next` of the page before", .most = ASK_MEMO_MAX),
    PARAM(struct ask, limit, INTEGER, OPTIONAL, "entries at most", .fallback = ASK_LIMIT_DEFAULT),
    COMMON_PARAMS,
};
static const struct param fees_params[] = {
    LINK_PARAM,
    PARAM(struct ask, kind, CHOICE, OPTIONAL, "of the write that the fees are for; absent: in general",
          .choices = kinds),
    RAW_PARAMS, AMOUNT_PARAM(OPTIONAL, "of the write"), ASSET_PARAM, TO_PARAM(OPTIONAL),
        SYMBOL_PARAM(OPTIONAL),
    TITLE_PARAM, DECIMALS_PARAM, MEMO_PARAM, WRITE_PARAMS, COMMON_PARAMS,
};
static const struct param submit_params[] = {
    LINK_PARAM, RAW_PARAMS, AMOUNT_PARAM(OPTIONAL, "of an invoice that names none"), WRITE_PARAMS,
    GIVE_UP_PARAM, COMMON_PARAMS,
};
static const struct param issue_params[] = {
    LINK_PARAM, SYMBOL_PARAM(REQUIRED), TITLE_PARAM, DECIMALS_PARAM,
    AMOUNT_PARAM(REQUIRED, "the supply, in the smallest unit"), MEMO_PARAM, WRITE_PARAMS, GIVE_UP_PARAM,
    COMMON_PARAMS,
};
static const struct param transfer_params[] = {
    LINK_PARAM, TO_PARAM(REQUIRED), AMOUNT_PARAM(REQUIRED, "in the smallest unit"), ASSET_PARAM, MEMO_PARAM,
    WRITE_PARAMS, GIVE_UP_PARAM, COMMON_PARAMS,
};

static const struct param payment_params[] = {
    LINK_PARAM, AMOUNT_PARAM(REQUIRED, "that is to be paid, in the smallest unit"), ASSET_PARAM, MEMO_PARAM,
    PARAM(struct ask, expires_s, INTEGER, OPTIONAL,
          "seconds that it can be paid, at most a year; absent: an hour, where it ends at all",
          .fallback = NOT_GIVEN),
    COMMON_PARAMS,
};

static enum status check_ask(const struct check *check, void *params, struct arena *arena,
                             struct error *error)
{
    struct ask *ask = params;

    (void)check, (void)arena;
    randombytes_buf(ask->id.bytes, sizeof(ask->id.bytes));
    if (ask->timeout != (int64_t)NOT_GIVEN && (ask->timeout < 1 || ask->timeout > ASK_TIMEOUT_MAX_US))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "timeout: from 1 microsecond to 10 minutes are allowed");
    return ask_check(ask, error);
}

static enum status check_submit(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    const struct ask *ask = params;

    if ((ask->raw.size > 0) == (ask->text != NULL))
        return error_set(error, ERROR_INVALID_PARAMS, "either raw or text is expected");
    return check_ask(check, params, arena, error);
}

static enum status check_status(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    const struct ask *ask = params;

    if ((ask->transaction != NULL) == (ask->label != NULL))
        return error_set(error, ERROR_INVALID_PARAMS, "either transaction or label is expected");
    return check_ask(check, params, arena, error);
}

static enum status check_payment(const struct check *check, void *params, struct arena *arena,
                                 struct error *error)
{
    struct ask *ask = params;

    if (strspn(ask->amount, "0") == strlen(ask->amount))
        return error_set(error, ERROR_INVALID_PARAMS, "amount: at least 1 is expected");
    if (ask->expires_s != NOT_GIVEN && (ask->expires_s < 1 || ask->expires_s > ASK_EXPIRES_MAX_S))
        return error_set(error, ERROR_INVALID_PARAMS, "expires_s: from 1 to %d are allowed",
                         ASK_EXPIRES_MAX_S);
    randombytes_buf(ask->secret.bytes, sizeof(ask->secret.bytes));
    return check_ask(check, params, arena, error);
}

#define OPERATION(function, operation)                                                                       \
    static enum status function(struct execution *x, const void *params, struct writer *result)             \
    {                                                                                                        \
        return operation_ask(x, params, operation, result);                                                  \
    }
OPERATION(ask_connect, NETWORK_CONNECT)
OPERATION(ask_disconnect, NETWORK_DISCONNECT)
OPERATION(ask_health_check, NETWORK_HEALTH_CHECK)
OPERATION(ask_get_state, NETWORK_GET_STATE)
OPERATION(ask_sync_state, NETWORK_SYNC_STATE)
OPERATION(ask_validate_state, NETWORK_VALIDATE_STATE)
OPERATION(ask_submit_transaction, NETWORK_SUBMIT_TRANSACTION)
OPERATION(ask_check_transaction_status, NETWORK_CHECK_TRANSACTION_STATUS)
OPERATION(ask_get_transaction_history, NETWORK_GET_TRANSACTION_HISTORY)
OPERATION(ask_estimate_fees, NETWORK_ESTIMATE_FEES)
OPERATION(ask_issue_asset, NETWORK_ISSUE_ASSET)
OPERATION(ask_transfer_asset, NETWORK_TRANSFER_ASSET)
OPERATION(ask_verify_proof, NETWORK_VERIFY_PROOF)
OPERATION(ask_generate_proof, NETWORK_GENERATE_PROOF)
OPERATION(ask_request_payment, NETWORK_REQUEST_PAYMENT)

/* --- network.cancel ----------------------------------------------------------------------------- */
struct cancel {
    struct bytes operation;
};

static const struct param cancel_params[] = {
    PARAM(struct cancel, operation, BYTES, REQUIRED, "its id", .most = NETWORK_ID_SIZE),
};

static enum status cancel(struct execution *x, const void *params, struct writer *result)
{
    const struct cancel *p = params;
    struct network_id id;

    if (p->operation.size != sizeof(id.bytes))
        return fail(x, ERROR_INVALID_PARAMS, "operation: %d bytes are expected", NETWORK_ID_SIZE);
    memcpy(id.bytes, p->operation.data, sizeof(id.bytes));
    return operation_cancel(x, &id, result);
}

/* --- the module --------------------------------------------------------------------------------- */
#define ASK(name, function, check, table)                                                                    \
    "network." name, SCOPE_LOCAL, ACCESS_OPERATOR, function, check, PARAMS(struct ask, table)
#define ASK_RESULT .result = "operation: its id; 'network.operation' shows what comes of it"

static const struct command commands[] = {
    { "network.initialize", SCOPE_LOCAL, ACCESS_OPERATOR, initialize, check_initialize,
      PARAMS(struct initialize, initialize_params),
      .help = "Make a link to an outside network: options, credentials and key are checked, nobody is "
              "called.",
      .result = "{link, public_key}",
      .example = "link=bob network=bob key=alice options='{\"url\":\"http://127.0.0.1:8545\"}'" },
    { "network.remove", SCOPE_LOCAL, ACCESS_OPERATOR, remove_link, PARAMS(struct removal, removal_params),
      .help = "Remove a link. What is under way is given up, at most a thousand operations a call.",
      .result = "removed: false when more are left; call again", .example = "link=bob" },
    { ASK("connect", ask_connect, check_ask, plain_params),
      .help = "Connect a link: its server has to answer and to be on the right chain. It stays connected, "
              "over "
              "restarts too, until network.disconnect.",
      ASK_RESULT, .example = "link=bob" },
    { ASK("disconnect", ask_disconnect, check_ask, plain_params),
      .help = "Put a link to rest: nothing more is sent or asked there.", ASK_RESULT, .example = "link=bob" },
    { ASK("health_check", ask_health_check, check_ask, plain_params),
      .help = "Ask a link's server how it is.",
      ASK_RESULT, .example = "link=bob" },
    { ASK("get_state", ask_get_state, check_ask, plain_params),
      .help = "Ask for the newest block, what is final, and our balance there.", ASK_RESULT,
      .example = "link=bob" },
    { ASK("sync_state", ask_sync_state, check_ask, plain_params),
      .help = "Fetch the blocks after those that are stored, verify that they are a chain, and store them.",
      ASK_RESULT, .example = "link=bob" },
    { ASK("validate_state", ask_validate_state, check_ask, claim_params),
      .help = "Check a claim about the network's state.", ASK_RESULT, .example = "link=bob claim='{…}'" },
    { ASK("submit_transaction", ask_submit_transaction, check_submit, submit_params),
      .help = "Send a transaction that is signed already, or pay what a text asks for; it is followed until "
              "it is "
              "final.",
      ASK_RESULT, .example = "link=bob raw=HEX request=order-17" },
    { ASK("check_transaction_status", ask_check_transaction_status, check_status, status_params),
      .help = "Ask what has become of a transaction.", ASK_RESULT, .example = "link=bob transaction=ID" },
    { ASK("get_transaction_history", ask_get_transaction_history, check_ask, history_params),
      .help = "Ask for our transactions there, newest first.", ASK_RESULT, .example = "link=bob limit=20" },
    { ASK("estimate_fees", ask_estimate_fees, check_ask, fees_params),
      .help = "Ask what a write would cost.", ASK_RESULT, .example = "link=bob" },
    { ASK("issue_asset", ask_issue_asset, check_ask, issue_params),
      .help = "Issue an asset there; it is followed until it is final.", ASK_RESULT,
      .example = "link=bob symbol=GOLD amount=1000000 decimals=2 request=gold-1" },
    { ASK("transfer_asset", ask_transfer_asset, check_ask, transfer_params),
      .help = "Transfer an asset, or the network's coin; it is followed until it is final.", ASK_RESULT,
      .example = "link=bob to=ADDRESS amount=1000 request=order-18" },
    { ASK("verify_proof", ask_verify_proof, check_ask, proof_params),
      .help = "Check a proof of the network's own kind; the answer says what its verdict rests on.",
          ASK_RESULT,
      .example = "link=bob proof=@proof.json" },
    { ASK("generate_proof", ask_generate_proof, check_ask, claim_params),
      .help = "Have a proof made that others can check.", ASK_RESULT, .example = "link=bob claim='{…}'" },
    { ASK("request_payment", ask_request_payment, check_payment, payment_params),
      .help = "Have the server make what somebody else pays to: an invoice (Lightning), an address (Taproot "
              "Assets).",
      ASK_RESULT, .example = "link=ln amount=25000 memo='order 19' expires_s=600 request=order-19" },
    { "network.cancel", SCOPE_LOCAL, ACCESS_OPERATOR, cancel, PARAMS(struct cancel, cancel_params),
      .help = "Cancel an operation that has not ended; a write, as long as it is not prepared.",
      .result = "cancelled: at once; false: it runs, and was told to stop", .example = "operation=ID" },
};

/* Rows and schedules of the room's own say what is tried again, and when. */
static bool never_again(enum status outcome)
{
    (void)outcome;
    return false;
}

#define EFFECT(kind, function, most, at_once, text)                                                          \
    {                                                                                                        \
        .name = kind, .run = network_##function##_run, .ended = network_##function##_ended,                  \
        .attempts = most, .retry = never_again, .waits = at_once, .transient = true, .help = text            \
    }
static const struct effect_kind effects[] = {
    EFFECT(CALL_EFFECT, call, CALL_ATTEMPTS, WAITS_USUAL, "read from an outside network"),
    EFFECT(PREPARE_EFFECT, prepare, CUT_OFF_ATTEMPTS, PREPARE_AT_ONCE,
           "make a link's queued writes ready to be sent"),
    EFFECT(SEND_EFFECT, send, CUT_OFF_ATTEMPTS, SEND_AT_ONCE, "send prepared writes to their network"),
    EFFECT(TRACK_EFFECT, track, CUT_OFF_ATTEMPTS, TRACK_AT_ONCE, "look what has become of a write"),
    EFFECT(HEALTH_EFFECT, health, CUT_OFF_ATTEMPTS, HEALTH_AT_ONCE, "look whether a link's server answers"),
};

static const struct sweep sweeps[] = {
    { HEALTH_SWEEP, health_sweep, .help = "connect links anew when the node starts" },
};

const struct module network_module = {
    .name = "network",
    .help = "Outside networks: links, operations on them, and writes that are followed until they are final.",
    COMMANDS(commands),
    .queries = network_queries,
    .query_count = NETWORK_QUERIES,
    EFFECTS(effects),
    SWEEPS(sweeps),
    .invariants = network_invariants,
    .invariant_count = NETWORK_INVARIANTS,
    .memory_open = links_open,
    .memory_close = links_close,
    .memory_stopping = links_stopping,
};
