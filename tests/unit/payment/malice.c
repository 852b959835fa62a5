/* Strangers who try everything: see malice.h. */
#include "malice.h"

#include <inttypes.h>

#include "base/bech32.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "crypto/bolt11.h"

static uint64_t below(struct world *w, uint64_t bound)
{
    w->m->seed ^= w->m->seed >> 12;
    w->m->seed ^= w->m->seed << 25;
    w->m->seed ^= w->m->seed >> 27;
    return (w->m->seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
}

/* --- what both have signed, kept for later ---------------------------------------------------- */
static char *hex_of(const void *data, size_t size)
{
    char *text = memory_new(2 * size + 1);

    hex_text(text, data, size);
    return text;
}

static void remember(struct world *w, size_t which)
{
    struct arena arena CLEANUP(arena_close);
    struct buffer bytes CLEANUP(buffer_close) = { 0 };
    struct old_state *old = &w->m->old[w->m->old_count];
    struct channel_state state;
    struct database *reader;
    struct error error;

    arena_init(&arena);
    if (w->m->old_count == MALICE_OLD_STATES)
        return;
    assert_int_equal(kernel_reader(w->f.kernel, &reader, &error), OK);
    state = supported_of(&w->ways[which], &arena);
    old->way = which;
    channel_state_hash(&w->ways[which].id, &state, &old->hash);
    channel_state_encode(&state, &bytes);
    if (2 * bytes.size >= sizeof(old->state))
        goto end;
    hex_text(old->state, bytes.data, bytes.size);
    for (size_t i = 0; i < 2; i++) {
        struct signature signature;
        struct hash hash;

        if (!local_signature(reader, &w->ways[which].id, state.turn, i, &hash, &signature) ||
            !hash_equal(&hash, &old->hash))
            goto end; /* the ledger brought it: no signatures are here */
        hex_text(old->signatures[i], signature.bytes, sizeof(signature.bytes));
    }
    w->m->old_count++;
end:
    database_close(reader);
}

static void challenge_with_old(struct world *w)
{
    const struct old_state *old = &w->m->old[below(w, w->m->old_count)];
    struct way *way = &w->ways[old->way];
    const char *who = old->way == 1 ? "carol" : "dave";
    struct signature signature;
    struct hash message;
    char *hex AUTO_FREE = NULL;

    channel_challenge_hash(&way->id, &old->hash, &message);
    assert_true(schnorr_sign(fixture_key(&w->f, who)->secret, &message, NULL, &signature));
    hex = hex_of(signature.bytes, sizeof(signature.bytes));
    (void)fixture_try(&w->f, who, "channel.challenge",
                      json_pack("{s:s, s:[{s:s, s:[{s:s, s:s}, {s:s, s:s}]}], s:s, s:s}", "channel", way->hex,
                                "states", "state", old->state, "signatures", "key",
                                fixture_address(&w->f, way->people[0]), "signature", old->signatures[0],
                                "key", fixture_address(&w->f, way->people[1]), "signature",
                                old->signatures[1], "challenger", fixture_address(&w->f, who), "signature",
                                hex),
                      NULL);
}

/* --- what strangers do ------------------------------------------------------------------------ */
static struct way *strangers_way(struct world *w, const char **who, size_t *side)
{
    bool carol = below(w, 2) == 0;

    *who = carol ? "carol" : "dave";
    *side = carol ? 1 : 0;
    return &w->ways[carol ? 1 : 2];
}

static void countersign(struct world *w)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;
    const char *who;
    size_t side;
    struct way *way = strangers_way(w, &who, &side);

    arena_init(&arena);
    if (staged_of(way, &arena, &state) && try_countersign_as(way, who) == OK)
        remember(w, (size_t)(way - w->ways));
}

/* A step of a stranger's: some hash-lock of the state ends in favour of `winner`, or value moves. */
static void end_some_lock(struct world *w)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state before, next;
    const char *who;
    size_t side, lock, winner = below(w, 2);
    struct way *way = strangers_way(w, &who, &side);
    uint8_t *data;

    arena_init(&arena);
    before = next = supported_of(way, &arena);
    next.turn++;
    data = arena_new(&arena, 40);
    put_be64(data, below(w, 8) == 0 ? before.turn - 1 : before.turn);
    next.data = bytes_of(data, 8);
    next.allocations = arena_new(&arena, before.allocation_count * sizeof(*next.allocations));
    memcpy(next.allocations, before.allocations, before.allocation_count * sizeof(*next.allocations));
    if (before.allocation_count > 2) {
        lock = 2 + below(w, before.allocation_count - 2);
        next.allocations[winner].amount += before.allocations[lock].amount;
        for (size_t i = 0; i < w->m->preimage_count && winner == side; i++) {
            struct hash hash;

            sha256(&hash, w->m->preimages[i].bytes, 32);
            if (!hash_equal(&hash, &before.allocations[lock].hash))
                continue;
            memcpy(data + 8, w->m->preimages[i].bytes, 32);
            next.data.size = 40;
        }
        memmove(&next.allocations[lock], &next.allocations[lock + 1],
                (before.allocation_count - lock - 1) * sizeof(*next.allocations));
        next.allocation_count--;
    } else if (next.allocations[1 - side].amount > 100) { /* what is not his */
        next.allocations[side].amount += 100;
        next.allocations[1 - side].amount -= 100;
    }
    if (propose_as(way, who, &next) == OK)
        remember(w, (size_t)(way - w->ways));
}

static void reveal(struct world *w)
{
    char hex[65];

    if (w->m->preimage_count == 0)
        return;
    hex_text(hex, w->m->preimages[below(w, w->m->preimage_count)].bytes, 32);
    fixture_run(&w->f, "carol", "channel.reveal", "{'preimage':'%s'}", hex);
}

static void dave_offers(struct world *w)
{
    struct arena arena CLEANUP(arena_close);
    struct way *way = &w->ways[2];
    struct channel_state next;
    uint64_t amount = below(w, 4) == 0 ? 50 + below(w, 400) : 200;
    int64_t for_us = (int64_t)below(w, 200) * MINUTE;
    char *invoice AUTO_FREE = NULL;

    arena_init(&arena);
    if (keystore_is_locked(w->f.keystore) || w->m->hash_count == MALICE_STEPS)
        return;
    if (w->m->hash_count == 0 || below(w, 3) > 0)
        invoice = invoice_of(&w->f, "bob", 200, ",'expiry':'10h'", w->m->hashes[w->m->hash_count++]);
    next = with_lock(way, 0, amount, w->m->hashes[below(w, w->m->hash_count)], fixture_now(&w->f) + for_us,
                     &arena);
    if (next.allocations[0].amount < MALICE_FUNDS && propose_as(way, "dave", &next) == OK)
        remember(w, 2);
}

#define WAITING "SELECT count(*) FROM effect WHERE state NOT IN ('done', 'failed')"

/* --- what our own do -------------------------------------------------------------------------- */
static void alice_pays(struct world *w)
{
    struct hash *preimage = &w->m->preimages[w->m->preimage_count];
    char hash[65];
    char *invoice AUTO_FREE = NULL;
    struct reply reply;

    if (w->m->preimage_count == MALICE_STEPS)
        return;
    w->m->preimage_count++;
    for (size_t i = 0; i < 32; i++)
        preimage->bytes[i] = (uint8_t)below(w, 256);
    invoice = invoice_with_key(&w->f, "carol", 1 + below(w, 1500), preimage, hash);
    reply = fixture_call(&w->f, "payment.send", fixture_json("{'invoice':'%s','payer':'%s'}", invoice,
                                                             fixture_address(&w->f, "alice")));
    assert_true(reply.status == OK || reply.status == ERROR_NO_ROUTE ||
                reply.status == ERROR_KEYSTORE_LOCKED);
    reply_close(&reply);
}

/* What runs or could run now, however long a thread takes for it. */
static void let_running_end(struct world *w)
{
    char *sql AUTO_FREE = text_format(WAITING " AND (running = 1 OR next_us <= %" PRId64 ")",
                                      fixture_now(&w->f) + w->f.advanced_us);

    await_sql(&w->f, sql, "", 0);
}

/* A node has real time for what it brings to the ledger: the clock, which jumps here, waits for it as long as
 * a locked keystore lets it come to an end. */
static void let_effects_run(struct world *w)
{
    for (int i = 0; i < 20 && !keystore_is_locked(w->f.keystore) && fixture_sql(&w->f, WAITING) > 0; i++) {
        let_running_end(w);
        fixture_advance(&w->f, MICROSECONDS_PER_SECOND);
    }
}

static void pass_time(struct world *w, int64_t by_us)
{
    fixture_run(&w->f, "erin", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    w->f.advanced_us += by_us;
    fixture_advance(&w->f, 2 * MICROSECONDS_PER_SECOND);
    let_effects_run(w);
}

static void step(struct world *w)
{
    struct error error;

    switch (below(w, 16)) {
    case 0:
    case 1:
    case 2: alice_pays(w); break;
    case 3:
    case 4:
    case 5:
    case 6: countersign(w); break;
    case 7:
    case 8:
    case 9: end_some_lock(w); break;
    case 10: dave_offers(w); break;
    case 11:
        if (below(w, 4) == 0)
            reveal(w);
        break;
    case 12:
        if (w->m->old_count > 0 && below(w, 12) == 0)
            challenge_with_old(w);
        break;
    case 13: pass_time(w, (int64_t)(1 + below(w, 20)) * MINUTE); break;
    case 14:
        if (below(w, 5) == 0)
            fixture_reopen(&w->f);
        break;
    default:
        if (below(w, 3) == 0)
            keystore_lock(w->f.keystore);
        else
            assert_int_equal(keystore_unlock(w->f.keystore, "the tests' own", &error), OK);
    }
    if (below(w, 5) == 0)
        fixture_audit(&w->f);
}

/* --- what everybody has ----------------------------------------------------------------------- */
static int64_t on_ledger(struct world *w, const char *who)
{
    char hex[65];

    hex_text(hex, fixture_key(&w->f, who)->account.bytes, 32);
    return sql_of(&w->f, "SELECT coalesce(sum(amount), 0) FROM balance WHERE account = x'$'", hex);
}

/* In a channel that nobody ended; with what was offered and came back by time. */
static int64_t in_channel(struct way *way, size_t side)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state state;
    int64_t sum;

    arena_init(&arena);
    if (sql_of(way->f, "SELECT outcome IS NOT NULL FROM channel WHERE id = x'$'", way->hex) == 1)
        return 0;
    state = supported_of(way, &arena);
    sum = (int64_t)state.allocations[side].amount;
    for (size_t i = 2; i < state.allocation_count; i++)
        if (account_equal(&state.allocations[i].refund, &way->fixed.participants[side]))
            sum += (int64_t)state.allocations[i].amount;
    return sum;
}

int64_t malice_ours(struct world *w)
{
    return on_ledger(w, "alice") + on_ledger(w, "bob") + in_channel(&w->ways[0], 0) +
           in_channel(&w->ways[0], 1) + in_channel(&w->ways[1], 0) + in_channel(&w->ways[2], 1);
}

/* What the node brings to the ledger is valid for a minute of a clock that jumps here: it tries again. */
static void let_effects_end(struct world *w)
{
    for (int i = 0; i < 100 && fixture_sql(&w->f, WAITING) > 0; i++) {
        fixture_advance(&w->f, 5 * MINUTE);
        let_running_end(w);
    }
    await_sql(&w->f, WAITING, "", 0);
}

/* --- a history ---------------------------------------------------------------------------------- */
#define PAID "SELECT coalesce(sum(amount), 0) FROM payment WHERE state = 1"
#define RECEIVED "SELECT coalesce(sum(received), 0) FROM invoice WHERE state = 2"

void malice_begin(struct world *w)
{
    town_start(&w->f, "alice bob");
    way_open(&w->ways[0], &w->f, "alice", "bob", 1, MALICE_FUNDS, 0);
    way_open(&w->ways[1], &w->f, "bob", "carol", 2, MALICE_FUNDS, 500);
    way_open(&w->ways[2], &w->f, "dave", "bob", 3, MALICE_FUNDS, 500);
    w->m->before = malice_ours(w);
}

void malice_step(struct world *w)
{
    step(w);
    w->m->paid = fixture_sql(&w->f, PAID);
    w->m->received = fixture_sql(&w->f, RECEIVED);
}

void malice_end(struct world *w)
{
    struct error error;
    int64_t after, paid, received, gained;

    assert_int_equal(keystore_unlock(w->f.keystore, "the tests' own", &error), OK);
    for (size_t i = 0; i < 60; i++)
        pass_time(w, 10 * MINUTE);
    let_effects_end(w);
    pass_time(w, 60 * MINUTE);
    pass_time(w, 60 * MINUTE);
    await_sql(&w->f, "SELECT count(*) FROM payment WHERE state = 0", "", 0);
    after = malice_ours(w);
    paid = fixture_sql(&w->f, PAID);
    received = fixture_sql(&w->f, RECEIVED);
    gained = after - w->m->before + paid - received;
    print_message("%" PRId64 " paid, %" PRId64 " received, %" PRId64 " gained; %" PRId64 " disputes\n", paid,
                  received, gained,
                  fixture_sql(&w->f, "SELECT count(*) FROM event WHERE type = 'channel.challenged'"));
    assert_true(gained >= 0);
    malice_nothing_undone(w);
    fixture_audit(&w->f);
    fixture_replay(&w->f);
    fixture_stop(&w->f);
}

void malice_nothing_undone(struct world *w)
{
    assert_true(fixture_sql(&w->f, PAID) >= w->m->paid);
    assert_true(fixture_sql(&w->f, RECEIVED) >= w->m->received);
}

/* --- from one life of the node to the next ------------------------------------------------------ */
void malice_note(struct world *w)
{
    snprintf(w->m->directory, sizeof(w->m->directory), "%s", w->f.directory);
    w->m->now_us = fixture_now(&w->f);
    w->m->advanced_us = w->f.advanced_us;
    w->m->salt = w->f.salt;
}

void malice_go_on(struct world *w)
{
    static const char *const people[3][2] = { { "alice", "bob" }, { "bob", "carol" }, { "dave", "bob" } };
    struct memory *m = w->m;

    memset(w, 0, sizeof(*w));
    w->m = m;
    fixture_open_kept(&w->f, NETWORK_DEV, payment_test_modules, m->directory);
    w->f.salt = m->salt + 1000;
    w->f.advanced_us = m->advanced_us + 60 * MINUTE; /* the step that was cut off may have moved time */
    atomic_store(&w->f.now_us, m->now_us);
    fixture_advance(&w->f, 3 * MICROSECONDS_PER_SECOND); /* what a worker had not signed is taken up again */
    for (size_t i = 0; i < 3; i++)
        way_describe(&w->ways[i], &w->f, people[i][0], people[i][1], i + 1);
    while (m->hash_count > 0 && strlen(m->hashes[m->hash_count - 1]) != 64)
        m->hash_count--; /* the invoice was never made */
    malice_nothing_undone(w);
    fixture_audit(&w->f);
}
