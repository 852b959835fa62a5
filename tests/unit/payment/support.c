/* A node with payment channels under test: see test_payment.h. */
#include "test_payment.h"

#include <time.h>

#include "base/bech32.h"
#include "crypto/asset.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "layer2/channel/channel.h"
#include "layer2/channel/life.h"
#include "layer2/channel/local.h"
#include "crypto/bolt11.h"
#include "layer2/payment/payment.h"
#include "ledger/ledger.h"
#include "store/database.h"

const struct module *const payment_test_modules[] = { &ledger_module,  &channel_module, &channel_local_module,
                                                      &payment_module, &invoice_module, NULL };

void town_start(struct fixture *f, const char *kept)
{
    static const char *const people[] = { "bob", "carol", "dave", "erin" };

    fixture_start(f, NETWORK_DEV, payment_test_modules);
    fixture_keep_keys(f, kept);
    fixture_run(f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':100000000}");
    for (size_t i = 0; i < 4; i++)
        fixture_run(f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':10000000}",
                    fixture_address(f, people[i]));
}

/* --- calls ------------------------------------------------------------------------------------ */
__attribute__((format(printf, 3, 0))) static struct reply
call_as_operator(struct fixture *f, const char *method, const char *format, va_list arguments)
{
    char text[16384];

    vsnprintf(text, sizeof(text), format, arguments);
    return fixture_call(f, method, fixture_json("%s", text));
}

json_t *ask(struct fixture *f, const char *method, const char *format, ...)
{
    va_list arguments;
    struct reply reply;
    json_t *result;

    va_start(arguments, format);
    reply = call_as_operator(f, method, format, arguments);
    va_end(arguments);
    if (reply.status != OK)
        fail_msg("%s: %s", method, reply.error.message);
    result = json_incref(reply.result);
    reply_close(&reply);
    return result;
}

void refused(struct fixture *f, enum status code, const char *method, const char *format, ...)
{
    va_list arguments;
    struct reply reply;

    va_start(arguments, format);
    reply = call_as_operator(f, method, format, arguments);
    va_end(arguments);
    assert_string_equal(status_name(reply.status), status_name(code));
    reply_close(&reply);
}

int64_t sql_of(struct fixture *f, const char *sql, const char *hex)
{
    const char *mark = strchr(sql, '$');
    char filled[1024];

    if (mark == NULL)
        return fixture_sql(f, sql);
    snprintf(filled, sizeof(filled), "%.*s%s%s", (int)(mark - sql), sql, hex, mark + 1);
    return fixture_sql(f, filled);
}

void await_sql(struct fixture *f, const char *sql, const char *hex, int64_t expected)
{
    const struct timespec nap = { .tv_nsec = 2000000 };

    for (int i = 0; i < 30000; i++) {
        if (sql_of(f, sql, hex) == expected)
            return; /* what was seen counts: the next look may see what came after it */
        nanosleep(&nap, NULL);
    }
    fail_msg("%s (%s): %" PRId64 " instead of %" PRId64, sql, hex, sql_of(f, sql, hex), expected);
}

/* --- states and signatures -------------------------------------------------------------------- */
static struct database *reader_of(struct fixture *f)
{
    struct database *reader;
    struct error error;

    assert_int_equal(kernel_reader(f->kernel, &reader, &error), OK);
    return reader;
}

static struct local_channel read_channel(struct way *way, struct arena *arena)
{
    struct database *reader = reader_of(way->f);
    struct local_channel c;

    assert_true(local_read(reader, &way->id, arena, &c));
    database_close(reader);
    return c;
}

struct channel_state supported_of(struct way *way, struct arena *arena)
{
    return read_channel(way, arena).supported.state;
}

bool staged_of(struct way *way, struct arena *arena, struct channel_state *state)
{
    struct local_channel c = read_channel(way, arena);

    *state = c.staged.state;
    return c.has_staged;
}

static json_t *signature_by(struct way *way, const char *who, const struct channel_state *state)
{
    struct signature signature;
    struct hash hash;
    char hex[129];

    channel_state_hash(&way->id, state, &hash);
    assert_true(schnorr_sign(fixture_key(way->f, who)->secret, &hash, NULL, &signature));
    hex_text(hex, signature.bytes, sizeof(signature.bytes));
    return json_string(hex);
}

static json_t *hex_of(const void *data, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, data, size);
    return json_string(buffer_text(&text));
}

static json_t *outcome_of(const struct channel_state *state)
{
    json_t *list = json_array();

    for (size_t i = 0; i < state->allocation_count; i++) {
        const struct allocation *a = &state->allocations[i];
        char account[ADDRESS_TEXT_MAX], refund[ADDRESS_TEXT_MAX];

        address_encode(account, &a->account);
        if (a->kind == ALLOCATION_SIMPLE) {
            json_array_append_new(list, json_pack("{s:s, s:I}", "account", account, "amount",
                                                  (json_int_t)a->amount));
            continue;
        }
        address_encode(refund, &a->refund);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I, s:o, s:I}", "kind", "hashlock", "account",
                                        account, "refund", refund, "amount", (json_int_t)a->amount, "hash",
                                        hex_of(a->hash.bytes, 32), "expiry", (json_int_t)a->expiry_us));
    }
    return list;
}

enum status propose_as(struct way *way, const char *who, const struct channel_state *state)
{
    struct reply reply = fixture_call(way->f, "channel.update",
        json_pack("{s:s, s:I, s:b, s:o, s:o, s:s, s:o}", "channel", way->hex, "turn",
                  (json_int_t)state->turn, "final", (int)state->final, "outcome", outcome_of(state), "data",
                  hex_of(state->data.data, state->data.size), "signer", fixture_address(way->f, who),
                  "signature", signature_by(way, who, state)));
    enum status status = reply.status;

    reply_close(&reply);
    return status;
}

enum status try_countersign_as(struct way *way, const char *who)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;
    struct reply reply;
    enum status status;

    arena_init(&arena);
    if (!staged_of(way, &arena, &state)) /* the node may have taken it back since somebody looked */
        return ERROR_WRONG_TURN;
    reply = fixture_call(way->f, "channel.sign",
                         json_pack("{s:s, s:I, s:s, s:o}", "channel", way->hex, "turn",
                                   (json_int_t)state.turn, "signer", fixture_address(way->f, who),
                                   "signature", signature_by(way, who, &state)));
    status = reply.status;
    reply_close(&reply);
    return status;
}

void countersign_as(struct way *way, const char *who)
{
    assert_string_equal(status_name(try_countersign_as(way, who)), "ok");
}

void reject_as(struct way *way, const char *who)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;
    struct signature signature;
    struct hash hash, message;
    char hex[129];

    arena_init(&arena);
    assert_true(staged_of(way, &arena, &state));
    channel_state_hash(&way->id, &state, &hash);
    channel_reject_hash(&way->id, &hash, &message);
    assert_true(schnorr_sign(fixture_key(way->f, who)->secret, &message, NULL, &signature));
    hex_text(hex, signature.bytes, sizeof(signature.bytes));
    json_decref(ask(way->f, "channel.reject",
                    "{'channel':'%s','turn':%" PRIu64 ",'signer':'%s','signature':'%s'}", way->hex,
                    state.turn, fixture_address(way->f, who), hex));
}

void checkpoint_as(struct way *way, const char *who, size_t other, const struct channel_state *state)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct buffer text CLEANUP(buffer_close) = { 0 };
    json_t *own AUTO_JSON = signature_by(way, who, state);
    struct database *reader = reader_of(way->f);
    struct signature signature;
    struct hash signed_;
    char hex[129];

    assert_true(local_signature(reader, &way->id, state->turn, other, &signed_, &signature));
    database_close(reader);
    hex_text(hex, signature.bytes, sizeof(signature.bytes));
    channel_state_encode(state, &bytes);
    buffer_append_hex(&text, bytes.data, bytes.size);
    fixture_run(way->f, who, "channel.checkpoint",
                "{'channel':'%s','states':[{'state':'%s','signatures':["
                "{'key':'%s','signature':'%s'},{'key':'%s','signature':'%s'}]}]}",
                way->hex, buffer_text(&text), fixture_address(way->f, way->people[other]), hex,
                fixture_address(way->f, who), json_string_value(own));
}

struct channel_state with_lock(struct way *way, size_t offerer, uint64_t amount, const char *hash,
                                      int64_t expiry_us, struct arena *arena)
{
    struct channel_state before = supported_of(way, arena), next = before;
    uint8_t *data = arena_new(arena, 8);
    struct allocation *lock;

    next.turn++;
    next.allocations = arena_new(arena, (before.allocation_count + 1) * sizeof(*next.allocations));
    memcpy(next.allocations, before.allocations, before.allocation_count * sizeof(*next.allocations));
    lock = &next.allocations[next.allocation_count++];
    *lock = (struct allocation){ .kind = ALLOCATION_HASHLOCK, .amount = amount, .expiry_us = expiry_us,
                                 .account = way->fixed.participants[1 - offerer],
                                 .refund = way->fixed.participants[offerer] };
    assert_true(hex_decode(lock->hash.bytes, 32, hash, 64));
    next.allocations[offerer].amount -= amount;
    put_be64(data, before.turn);
    next.data = bytes_of(data, 8);
    return next;
}

struct channel_state without_lock(struct way *way, size_t winner, const struct hash *preimage,
                                  struct arena *arena)
{
    struct channel_state before = supported_of(way, arena), next = before;
    uint8_t *data = arena_new(arena, 8 + 32);

    next.turn++;
    next.allocations = arena_new(arena, before.allocation_count * sizeof(*next.allocations));
    memcpy(next.allocations, before.allocations, before.allocation_count * sizeof(*next.allocations));
    next.allocation_count--;
    next.allocations[winner].amount += before.allocations[next.allocation_count].amount;
    put_be64(data, before.turn);
    if (preimage != NULL)
        memcpy(data + 8, preimage->bytes, 32);
    next.data = bytes_of(data, preimage == NULL ? 8 : 40);
    return next;
}

/* --- opening ---------------------------------------------------------------------------------- */
void way_describe(struct way *way, struct fixture *f, const char *first, const char *second, uint64_t nonce)
{
    memset(way, 0, sizeof(*way));
    way->f = f;
    way->people[0] = first;
    way->people[1] = second;
    put_be64(way->terms + 16, 1);
    put_be64(way->terms + 24, INTEGER_MAX);
    way->terms[32] = 483 >> 8;
    way->terms[33] = 483 & 0xFF;
    snprintf(way->fixed.chain, sizeof(way->fixed.chain), "%s", kernel_chain(f->kernel));
    strcpy(way->fixed.application, "payment");
    for (size_t i = 0; i < 2; i++)
        way->fixed.participants[i] = fixture_key(f, way->people[i])->account;
    way->fixed.participant_count = 2;
    way->fixed.nonce = nonce;
    way->fixed.challenge_period_us = 10 * MINUTE;
    way->fixed.dispute_limit_us = 30 * MINUTE;
    way->fixed.penalty_ppm = 500000;
    way->fixed.asset_count = 1;
    asset_id_from_symbol(&way->fixed.assets[0], way->fixed.chain, "GOLD");
    way->fixed.terms = bytes_of(way->terms, sizeof(way->terms));
    channel_id(&way->fixed, &way->id);
    hex_text(way->hex, way->id.bytes, sizeof(way->id.bytes));
}

static bool is_kept(struct way *way, size_t side)
{
    struct account_id account;
    struct error error;

    return keystore_account(way->f->keystore, fixture_address(way->f, way->people[side]), &account, &error) ==
           OK;
}

static void sign_if_elsewhere(struct way *way, size_t side)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;

    arena_init(&arena);
    if (!is_kept(way, side) && staged_of(way, &arena, &state))
        countersign_as(way, way->people[side]);
}

void way_open(struct way *way, struct fixture *f, const char *first, const char *second, uint64_t nonce,
              uint64_t first_amount, uint64_t second_amount)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    uint64_t amounts[2] = { first_amount, second_amount };
    struct allocation all[2];
    struct channel_state state = { .allocation_count = 2, .allocations = all };
    size_t proposer;
    uint8_t zeros[8] = { 0 };

    way_describe(way, f, first, second, nonce);
    proposer = is_kept(way, 0) ? 0 : 1;
    for (size_t i = 0; i < 2; i++)
        all[i] = (struct allocation){ .amount = amounts[i], .account = way->fixed.participants[i] };
    state.data = bytes_of(zeros, sizeof(zeros));
    channel_fixed_encode(&way->fixed, &fixed);
    json_decref(ask(f, "channel.policy", "{'signer':'%s','countersign':'safe'}",
                    fixture_address(f, way->people[proposer])));
    {
        struct reply reply = fixture_call(f, "channel.propose",
            json_pack("{s:o, s:o, s:o, s:s}", "fixed", hex_of(fixed.data, fixed.size), "outcome",
                      outcome_of(&state), "data", hex_of(zeros, sizeof(zeros)), "signer",
                      fixture_address(f, way->people[proposer])));

        if (reply.status != OK)
            fail_msg("%s", reply.error.message);
        reply_close(&reply);
    }
    sign_if_elsewhere(way, 1 - proposer);
    await_sql(f, "SELECT count(*) FROM channel WHERE id = x'$'", way->hex, 1);
    for (size_t i = 0; i < 2; i++) {
        if (amounts[i] > 0)
            fixture_run(f, way->people[i], "channel.deposit",
                        "{'channel':'%s','asset':'GOLD','amount':%" PRIu64 "}", way->hex, amounts[i]);
    }
    json_decref(ask(f, "channel.update", "{'channel':'%s','signer':'%s'}", way->hex,
                    fixture_address(f, way->people[proposer])));
    sign_if_elsewhere(way, 1 - proposer);
    assert_int_equal(sql_of(f, "SELECT phase FROM channel_local WHERE id = x'$'", way->hex), PHASE_RUNNING);
}

void way_propose_elsewhere(struct way *way, uint64_t amount)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };
    struct allocation all[2] = { { .amount = amount, .account = way->fixed.participants[0] },
                                 { .account = way->fixed.participants[1] } };
    uint8_t zeros[8] = { 0 };
    struct channel_state state = { .allocation_count = 2, .allocations = all,
                                   .data = bytes_of(zeros, sizeof(zeros)) };
    struct reply reply;

    channel_fixed_encode(&way->fixed, &fixed);
    reply = fixture_call(way->f, "channel.propose",
        json_pack("{s:o, s:o, s:o, s:s, s:o}", "fixed", hex_of(fixed.data, fixed.size), "outcome",
                  outcome_of(&state), "data", hex_of(zeros, sizeof(zeros)), "signer",
                  fixture_address(way->f, way->people[0]), "signature",
                  signature_by(way, way->people[0], &state)));
    if (reply.status != OK)
        fail_msg("%s", reply.error.message);
    reply_close(&reply);
    countersign_as(way, way->people[1]);
}

void way_open_elsewhere(struct way *way, struct fixture *f, const char *first, const char *second,
                        uint64_t nonce, uint64_t amount)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;

    arena_init(&arena);
    way_describe(way, f, first, second, nonce);
    way_propose_elsewhere(way, amount);
    await_sql(f, "SELECT count(*) FROM channel WHERE id = x'$'", way->hex, 1);
    fixture_run(f, first, "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':%" PRIu64 "}", way->hex,
                amount);
    state = supported_of(way, &arena);
    state.turn = 1;
    assert_int_equal(propose_as(way, first, &state), OK);
    countersign_as(way, second);
    assert_int_equal(sql_of(f, "SELECT phase FROM channel_local WHERE id = x'$'", way->hex), PHASE_RUNNING);
}

uint64_t way_share(struct way *way, size_t side)
{
    struct arena arena CLEANUP(arena_close);

    arena_init(&arena);
    return supported_of(way, &arena).allocations[side].amount;
}

uint64_t way_locks(struct way *way)
{
    struct arena arena CLEANUP(arena_close);

    arena_init(&arena);
    return supported_of(way, &arena).allocation_count - 2;
}

/* --- paying ----------------------------------------------------------------------------------- */
char *invoice_of(struct fixture *f, const char *payee, uint64_t amount, const char *more, char hash[65])
{
    char asked[64] = "";
    json_t *result AUTO_JSON = NULL;

    if (amount > 0)
        snprintf(asked, sizeof(asked), ",'amount':%" PRIu64, amount);
    result =
        ask(f, "invoice.create", "{'payee':'%s','asset':'GOLD'%s%s}", fixture_address(f, payee), asked, more);
    snprintf(hash, 65, "%s", json_string_value(json_object_get(result, "hash")));
    return text_copy(json_string_value(json_object_get(result, "invoice")));
}

char *invoice_with_key(struct fixture *f, const char *payee, uint64_t amount, const struct hash *preimage,
                       char hex[65])
{
    struct bolt11 v = { .currency = "lyt", .has_amount = true, .amount_msat = amount, .description = "",
                        .time_s = (uint64_t)(kernel_now(f->kernel) / 1000000), .expiry_s = 3600,
                        .final_delta = 18, .feature_count = 1, .features = { 14 } };
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct asset_id asset;
    struct error error;

    asset_id_from_symbol(&asset, kernel_chain(f->kernel), "GOLD");
    v.metadata = bytes_of(asset.bytes, sizeof(asset.bytes));
    sha256(&v.payment_hash, preimage->bytes, 32);
    hex_text(hex, v.payment_hash.bytes, 32);
    assert_int_equal(bolt11_encode(&v, "spdxcm9", bolt11_sign_with_key, fixture_key(f, payee)->secret,
                                   &text, &error),
                     OK);
    return text_copy(buffer_text(&text));
}

int64_t pay(struct fixture *f, const char *payer, const char *invoice, const char *hash, const char *more)
{
    const struct timespec nap = { .tv_nsec = 1000000 };

    json_decref(
        ask(f, "payment.send", "{'invoice':'%s','payer':'%s'%s}", invoice, fixture_address(f, payer), more));
    for (int i = 0; i < 60000 && sql_of(f, PAYMENT_STATE, hash) == 0; i++)
        nanosleep(&nap, NULL);
    return sql_of(f, PAYMENT_STATE, hash);
}

/* --- paying carol ----------------------------------------------------------------------------- */
struct hash preimage_of(uint8_t byte)
{
    struct hash preimage;

    memset(preimage.bytes, byte, sizeof(preimage.bytes));
    return preimage;
}

void send_to_carol(struct fixture *f, uint64_t amount, const struct hash *preimage, char hash[65])
{
    char *invoice AUTO_FREE = invoice_with_key(f, "carol", amount, preimage, hash);

    json_decref(
        ask(f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(f, "alice")));
    await_sql(f, SIGNATURES_ELSEWHERE, "", 1);
    assert_int_equal(sql_of(f, PAYMENT_STATE, hash), 0);
}

void offer_to_carol(struct fixture *f, struct way *ab, struct way *bc, const struct hash *preimage,
                    char hash[65])
{
    town_start(f, "alice bob");
    way_open(ab, f, "alice", "bob", 1, 10000, 0);
    way_open(bc, f, "bob", "carol", 2, 10000, 0);
    send_to_carol(f, 1000, preimage, hash);
    assert_int_equal(way_locks(ab), 1);
    assert_int_equal(way_locks(bc), 0);
}
