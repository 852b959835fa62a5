/* Strangers who try everything, at random: carol, whom alice pays through bob, and dave, who pays bob. They
 * sign or not, claim, give back, claim what is not theirs, show preimages to the ledger, offer too much or
 * for too short, challenge with old states, replay what was signed; time passes, the node restarts, its
 * keystore is locked for a while. Whatever they do, at the end alice and bob together have what they had,
 * less what carol can be proved to have been paid, plus what bob's invoices say he got. */
#include "test_payment.h"

#include <time.h>

#include "base/bech32.h"
#include "base/clock.h"
#include "crypto/asset.h"
#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "layer2/channel/life.h"
#include "layer2/channel/local.h"
#include "layer2/payment/bolt11.h"

#define STEPS 120
#define OLD_STATES 40
#define FUNDS 20000

struct old_state {
    size_t way;
    char *state, *signatures[2]; /* hex */
    struct hash hash;
};

struct world {
    struct fixture f;
    struct way ways[3]; /* alice–bob, bob–carol, dave–bob */
    uint64_t seed;
    struct hash preimages[STEPS]; /* carol's, and of bob's invoices the hashes */
    size_t preimage_count;
    char hashes[STEPS][65];       /* of bob's invoices */
    size_t hash_count;
    struct old_state old[OLD_STATES];
    size_t old_count;
};

static uint64_t below(struct world *w, uint64_t bound)
{
    w->seed ^= w->seed >> 12;
    w->seed ^= w->seed << 25;
    w->seed ^= w->seed >> 27;
    return (w->seed * UINT64_C(0x2545f4914f6cdd1d) >> 11) % bound;
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
    struct old_state *old = &w->old[w->old_count];
    struct channel_state state;
    struct database *reader;
    struct error error;

    arena_init(&arena);
    if (w->old_count == OLD_STATES)
        return;
    assert_int_equal(kernel_reader(w->f.kernel, &reader, &error), OK);
    state = supported_of(&w->ways[which], &arena);
    old->way = which;
    channel_state_hash(&w->ways[which].id, &state, &old->hash);
    channel_state_encode(&state, &bytes);
    old->state = hex_of(bytes.data, bytes.size);
    for (size_t i = 0; i < 2; i++) {
        struct signature signature;
        struct hash hash;

        if (!local_signature(reader, &w->ways[which].id, state.turn, i, &hash, &signature) ||
            !hash_equal(&hash, &old->hash))
            goto end; /* the ledger brought it: no signatures are here */
        old->signatures[i] = hex_of(signature.bytes, sizeof(signature.bytes));
    }
    w->old_count++;
end:
    database_close(reader);
}

static void challenge_with_old(struct world *w)
{
    const struct old_state *old = &w->old[below(w, w->old_count)];
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
        for (size_t i = 0; i < w->preimage_count && winner == side; i++) {
            struct hash hash;

            sha256(&hash, w->preimages[i].bytes, 32);
            if (!hash_equal(&hash, &before.allocations[lock].hash))
                continue;
            memcpy(data + 8, w->preimages[i].bytes, 32);
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

    if (w->preimage_count == 0)
        return;
    hex_text(hex, w->preimages[below(w, w->preimage_count)].bytes, 32);
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
    if (keystore_is_locked(w->f.keystore) || w->hash_count == STEPS)
        return;
    if (w->hash_count == 0 || below(w, 3) > 0)
        invoice = invoice_of(&w->f, "bob", 200, ",'expiry':'10h'", w->hashes[w->hash_count++]);
    next = with_lock(way, 0, amount, w->hashes[below(w, w->hash_count)], fixture_now(&w->f) + for_us, &arena);
    if (next.allocations[0].amount < FUNDS && propose_as(way, "dave", &next) == OK)
        remember(w, 2);
}

/* --- what our own do -------------------------------------------------------------------------- */
static void alice_pays(struct world *w)
{
    struct hash *preimage = &w->preimages[w->preimage_count];
    char hash[65];
    char *invoice AUTO_FREE = NULL;
    struct reply reply;

    if (w->preimage_count == STEPS)
        return;
    w->preimage_count++;
    for (size_t i = 0; i < 32; i++)
        preimage->bytes[i] = (uint8_t)below(w, 256);
    invoice = invoice_with_key(&w->f, "carol", 1 + below(w, 1500), preimage, hash);
    reply = fixture_call(&w->f, "payment.send", fixture_json("{'invoice':'%s','payer':'%s'}", invoice,
                                                             fixture_address(&w->f, "alice")));
    assert_true(reply.status == OK || reply.status == ERROR_NO_ROUTE ||
                reply.status == ERROR_KEYSTORE_LOCKED);
    reply_close(&reply);
}

static void pass_time(struct world *w, int64_t by_us)
{
    fixture_run(&w->f, "erin", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    w->f.advanced_us += by_us;
    fixture_advance(&w->f, 2 * MICROSECONDS_PER_SECOND);
}

static void one_step(struct world *w)
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
        if (w->old_count > 0 && below(w, 12) == 0)
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

static int64_t ours(struct world *w)
{
    return on_ledger(w, "alice") + on_ledger(w, "bob") + in_channel(&w->ways[0], 0) +
           in_channel(&w->ways[0], 1) + in_channel(&w->ways[1], 0) + in_channel(&w->ways[2], 1);
}

/* What the node brings to the ledger is valid for a minute of a clock that jumps here: it tries again. */
static void let_effects_end(struct world *w)
{
    const struct timespec nap = { .tv_nsec = 20000000 };

    for (int i = 0; i < 100 && fixture_sql(&w->f, "SELECT count(*) FROM effect WHERE state NOT IN"
                                                  " ('done', 'failed')") > 0; i++) {
        fixture_advance(&w->f, 5 * MINUTE);
        nanosleep(&nap, NULL);
    }
    await_sql(&w->f, "SELECT count(*) FROM effect WHERE state NOT IN ('done', 'failed')", "", 0);
}

static void strangers_take_nothing(void **state)
{
    const char *given = getenv("LAYERD_SEED");
    static struct world w;
    struct error error;
    int64_t before, after, paid, received;

    (void)state;
    memset(&w, 0, sizeof(w));
    w.seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();
    print_message("strangers_take_nothing: LAYERD_SEED=%" PRIu64 "\n", w.seed);
    w.seed = w.seed * 2 + 1;
    town_start(&w.f, "alice bob");
    way_open(&w.ways[0], &w.f, "alice", "bob", 1, FUNDS, 0);
    way_open(&w.ways[1], &w.f, "bob", "carol", 2, FUNDS, 500);
    way_open(&w.ways[2], &w.f, "dave", "bob", 3, FUNDS, 500);
    before = ours(&w);
    for (size_t i = 0; i < STEPS; i++)
        one_step(&w);
    assert_int_equal(keystore_unlock(w.f.keystore, "the tests' own", &error), OK);
    for (size_t i = 0; i < 60; i++)
        pass_time(&w, 10 * MINUTE);
    let_effects_end(&w);
    pass_time(&w, 60 * MINUTE);
    pass_time(&w, 60 * MINUTE);
    await_sql(&w.f, "SELECT count(*) FROM payment WHERE state = 0", "", 0);
    after = ours(&w);
    paid = fixture_sql(&w.f, "SELECT coalesce(sum(amount), 0) FROM payment WHERE state = 1");
    received = fixture_sql(&w.f, "SELECT coalesce(sum(received), 0) FROM invoice WHERE state = 2");
    print_message("%" PRId64 " paid, %" PRId64 " received, %" PRId64 " gained; %" PRId64 " disputes\n", paid,
                  received, after - before + paid - received,
                  fixture_sql(&w.f, "SELECT count(*) FROM event WHERE type = 'channel.challenged'"));
    assert_true(after >= before - paid + received);
    fixture_audit(&w.f);
    fixture_replay(&w.f);
    for (size_t i = 0; i < w.old_count; i++) {
        free(w.old[i].state);
        free(w.old[i].signatures[0]);
        free(w.old[i].signatures[1]);
    }
    fixture_stop(&w.f);
}

int malice_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_take_nothing),
        cmocka_unit_test(strangers_take_nothing),
        cmocka_unit_test(strangers_take_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
