/* A channel of this node under test: see party_support.h. */
#include "party_support.h"

#include <time.h>

#include "crypto/asset.h"
#include "crypto/hash.h"
#include "layer2/channel/channel.h"
#include "ledger/ledger.h"

const struct module *const party_modules[] = { &ledger_module, &channel_module, &channel_local_module, NULL };

void party_begin(struct place *p)
{
    static const char *const people[] = { "bob", "carol", "dave" };

    fixture_start(&p->f, NETWORK_DEV, party_modules);
    fixture_keep_keys(&p->f, "alice bob");
    fixture_run(&p->f, "alice", "ledger.issue", "{'symbol':'GOLD','amount':1000000}");
    for (size_t i = 0; i < 3; i++)
        fixture_run(&p->f, "alice", "ledger.transfer", "{'to':'%s','asset':'GOLD','amount':100000}",
                    fixture_address(&p->f, people[i]));
}

/* --- calls ------------------------------------------------------------------------------------ */
enum status call(struct place *p, const char *method, json_t *params, json_t **result)
{
    struct reply reply = fixture_call(&p->f, method, params);
    enum status status = reply.status;

    if (status != OK)
        print_message("%s: %s\n", method, reply.error.message);
    if (result != NULL)
        *result = status == OK ? json_incref(reply.result) : NULL;
    reply_close(&reply);
    return status;
}

void describe(struct place *p, const char *first, const char *second, uint64_t nonce)
{
    memset(&p->fixed, 0, sizeof(p->fixed));
    snprintf(p->fixed.chain, sizeof(p->fixed.chain), "%s", kernel_chain(p->f.kernel));
    strcpy(p->fixed.application, "consensus");
    p->first = first;
    p->second = second;
    p->fixed.participants[0] = fixture_key(&p->f, first)->account;
    p->fixed.participants[1] = fixture_key(&p->f, second)->account;
    p->fixed.participant_count = 2;
    p->fixed.nonce = nonce;
    p->fixed.challenge_period_us = 10 * MINUTE;
    p->fixed.dispute_limit_us = 30 * MINUTE;
    p->fixed.asset_count = 1;
    asset_id_from_symbol(&p->fixed.assets[0], p->fixed.chain, "GOLD");
    channel_id(&p->fixed, &p->id);
    hex_text(p->hex, p->id.bytes, sizeof(p->id.bytes));
}

json_t *outcome(struct place *p, int first, int second)
{
    return json_pack("[{s:s, s:i}, {s:s, s:i}]", "account", fixture_address(&p->f, p->first), "amount", first,
                     "account", fixture_address(&p->f, p->second), "amount", second);
}

json_t *hex_json(const void *data, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, data, size);
    return json_string(buffer_text(&text));
}

enum status propose(struct place *p, int first, int second)
{
    struct buffer fixed CLEANUP(buffer_close) = { 0 };

    channel_fixed_encode(&p->fixed, &fixed);
    return call(p, "channel.propose",
                json_pack("{s:o, s:o, s:s}", "fixed", hex_json(fixed.data, fixed.size), "outcome",
                          outcome(p, first, second), "signer", fixture_address(&p->f, p->first)), NULL);
}

enum status update(struct place *p, const char *signer, int first, int second)
{
    return call(p, "channel.update",
                json_pack("{s:s, s:o, s:s}", "channel", p->hex, "outcome", outcome(p, first, second),
                          "signer", fixture_address(&p->f, signer)),
                NULL);
}

struct channel_state plain(struct place *p, uint64_t turn, uint64_t first, uint64_t second)
{
    return state_of(&p->fixed, turn, (uint64_t[]){ first, second, UINT64_MAX }, p->all);
}

json_t *signature_of(struct place *p, const char *who, const struct hash *hash)
{
    struct signature signature;

    assert_true(schnorr_sign(fixture_key(&p->f, who)->secret, hash, NULL, &signature));
    return hex_json(signature.bytes, sizeof(signature.bytes));
}

/* An update whose signer keeps the key elsewhere. */
enum status update_outside(struct place *p, const char *who, const struct channel_state *s,
                                  json_t **result)
{
    struct hash hash;

    channel_state_hash(&p->id, s, &hash);
    return call(p, "channel.update",
                json_pack("{s:s, s:I, s:b, s:o, s:s, s:o}", "channel", p->hex, "turn", (json_int_t)s->turn,
                          "final", s->final, "outcome",
                          outcome(p, (int)s->allocations[0].amount, (int)s->allocations[1].amount), "signer",
                          fixture_address(&p->f, who), "signature", signature_of(p, who, &hash)), result);
}

enum status sign_outside(struct place *p, const char *who, const struct channel_state *s)
{
    struct hash hash;

    channel_state_hash(&p->id, s, &hash);
    return call(p, "channel.sign",
                json_pack("{s:s, s:I, s:s, s:o}", "channel", p->hex, "turn", (json_int_t)s->turn, "signer",
                          fixture_address(&p->f, who), "signature", signature_of(p, who, &hash)), NULL);
}

/* `$` in the SQL stands for the channel's id as hex. */
int64_t number(struct place *p, const char *sql)
{
    const char *mark = strchr(sql, '$');
    char filled[512];

    if (mark == NULL)
        return fixture_sql(&p->f, sql);
    snprintf(filled, sizeof(filled), "%.*s%s%s", (int)(mark - sql), sql, p->hex, mark + 1);
    return fixture_sql(&p->f, filled);
}

const char *phase(struct place *p)
{
    return channel_phase_name(
        (enum channel_phase)number(p, "SELECT phase FROM channel_local WHERE id = x'$'"));
}

/* Effects run beside the executor: what they lead to comes soon after. */
void await(struct place *p, const char *sql, int64_t expected)
{
    const struct timespec nap = { .tv_nsec = 5000000 };

    for (int i = 0; i < 12000; i++) {
        if (number(p, sql) == expected)
            return; /* what was seen counts: the next look may see what came after it */
        nanosleep(&nap, NULL);
    }
    assert_int_equal(number(p, sql), expected);
}


void deposit(struct place *p, const char *who, int amount)
{
    fixture_run(&p->f, who, "channel.deposit", "{'channel':'%s','asset':'GOLD','amount':%d}", p->hex, amount);
}

/* From nothing to running, both keys in the keystore. */
void open_running(struct place *p, uint64_t nonce, int first, int second)
{
    describe(p, "alice", "bob", nonce);
    assert_call(OK, p, "channel.policy",
                json_pack("{s:s, s:s}", "signer", fixture_address(&p->f, "bob"), "countersign", "safe"),
                NULL);
    assert_string_equal(status_name(propose(p, first, second)), "ok");
    await(p, "SELECT count(*) FROM channel WHERE id = x'$'", 1); /* the node registers it by itself */
    assert_string_equal(phase(p), "funding");
    deposit(p, "alice", first);
    assert_string_equal(phase(p), "funding");
    deposit(p, "bob", second);
    assert_string_equal(phase(p), "funded");
    assert_string_equal(status_name(update(p, "alice", first, second)), "ok");
    assert_string_equal(phase(p), "running");
}

void advance(struct place *p, int64_t by_us)
{
    fixture_run(&p->f, "dave", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    p->f.advanced_us += by_us;
    fixture_advance(&p->f, 1);
}

/* A challenge on the ledger by `who` with a state that alice and bob once signed. */
void challenge_with(struct place *p, const struct channel_state *s, const char *who)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash, challenge;
    json_t *params;

    channel_state_encode(s, &bytes);
    channel_state_hash(&p->id, s, &hash);
    channel_challenge_hash(&p->id, &hash, &challenge);
    params = json_pack("{s:s, s:[{s:o, s:[{s:s, s:o}, {s:s, s:o}]}], s:s, s:o}", "channel", p->hex, "states",
                       "state", hex_json(bytes.data, bytes.size), "signatures", "key",
                       fixture_address(&p->f, p->first), "signature", signature_of(p, p->first, &hash), "key",
                       fixture_address(&p->f, p->second), "signature", signature_of(p, p->second, &hash),
                       "challenger", fixture_address(&p->f, who), "signature",
                       signature_of(p, who, &challenge));
    assert_int_equal(fixture_try(&p->f, who, "channel.challenge", params, NULL), OK);
}

void checkpoint_by(struct place *p, const char *who, const struct channel_state *s)
{
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct hash hash;

    channel_state_encode(s, &bytes);
    channel_state_hash(&p->id, s, &hash);
    assert_int_equal(fixture_try(&p->f, who, "channel.checkpoint",
                                 json_pack("{s:s, s:[{s:o, s:[{s:s, s:o}, {s:s, s:o}]}]}", "channel", p->hex,
                                           "states", "state", hex_json(bytes.data, bytes.size), "signatures",
                                           "key", fixture_address(&p->f, p->first), "signature",
                                           signature_of(p, p->first, &hash), "key",
                                           fixture_address(&p->f, p->second), "signature",
                                           signature_of(p, p->second, &hash)), NULL), OK);
}
