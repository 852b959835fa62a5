/* Transfers whose channel is with somebody whose key is elsewhere, and who goes offline, closes the channel,
 * or is unwilling, before the lock, after it, and after the secret is out. Dave is the peer; bob provides. */
#include "test_transfer.h"

#include "crypto/hash.h"
#include "layer2/channel/life.h"
#include "layer2/payment/map.h"

#define STAKE 1000000
#define AMOUNT 5000
#define FEE 51 /* 1 + 1 % */
#define DESTINATION_SIGHT "SELECT sight FROM transfer_leg WHERE side = 1"
#define SOURCE_SIGHT "SELECT sight FROM transfer_leg WHERE side = 0"
#define PHASE "SELECT phase FROM channel_local WHERE id = x'$'"
#define OVERDUE "SELECT count(*) FROM event WHERE type = 'htlc.overdue'"
#define LOST_BY_PROVIDER                                                                                     \
    "SELECT count(*) FROM event WHERE type = 'transfer.lost' AND subject = 'transfer/$'"                     \
    " AND body LIKE '%\"loser\":\"provider\"%'"

/* A disputed channel is decided in chain time, which a jump moves by a minute: so it is moved by command. */
static void end_dispute(struct fixture *f, struct way *way)
{
    await_sql(f, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", way->hex, 1);
    fixture_run(f, "alice", "dev.advance_time", "{'by':%" PRId64 "}", 11 * MINUTE);
    f->advanced_us += 11 * MINUTE;
    fixture_advance(f, 1);
    await_sql(f, PHASE, way->hex, PHASE_CLOSED);
    await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
}

/* --- the peer receives ----------------------------------------------------------------------------- */
/* What people had on the ledger before the channel was opened, and a transfer of alice's to an invoice of
 * dave's, up to where bob's offer waits for dave's signature. */
struct paying {
    struct way bd;
    uint64_t alice, bob, dave;
    struct hash secret;
    char id[65], hash[65];
};

static void offer_to_dave(struct fixture *f, struct paying *p)
{
    p->alice = gold(f, "alice");
    p->bob = gold(f, "bob");
    p->dave = gold(f, "dave");
    p->secret = preimage_of(7);
    way_open(&p->bd, f, "bob", "dave", 3, STAKE, 0);
    char *invoice AUTO_FREE = invoice_with_key(f, "dave", AMOUNT, &p->secret, p->hash);
    start(f, "alice", "base", "channel", invoice, AMOUNT, "", p->id);
    await_sql(f, SIGNATURES_ELSEWHERE, "", 1);
    await_sql(f, DESTINATION_SIGHT, "", SIGHT_SHALLOW);
}

static void reveal_to_ledger(struct fixture *f, const struct hash *secret)
{
    char hex[65];

    hex_text(hex, secret->bytes, sizeof(secret->bytes));
    fixture_run(f, "dave", "channel.reveal", "{'preimage':'%s'}", hex);
}

/* The source is on the base ledger, and goes back at its own time. */
static void assert_all_back(struct fixture *f, const struct paying *p)
{
    fixture_advance(f, 12 * 60 * MINUTE);
    await_state(f, p->id, TRANSFER_REFUNDED);
    assert_int_equal(gold(f, "alice"), p->alice);
    assert_int_equal(fixture_sql(f, "SELECT sum(amount) FROM transfer_volume"), 0);
}

static void a_peer_who_never_signs_the_lock_costs_nobody(void **state)
{
    struct fixture *f = *state;
    struct paying p;

    offer_to_dave(f, &p);
    fixture_advance(f, 181 * MINUTE);
    await_sql(f, PAYMENT_STATE, p.hash, FAILED);
    await_sql(f, DESTINATION_SIGHT, "", SIGHT_RETURNED);
    assert_int_equal(sql_of(f, TRANSFER_STATE, p.id), TRANSFER_SOURCE_LOCKED);
    assert_all_back(f, &p);
    assert_int_equal(way_share(&p.bd, 0), STAKE);
}

static void a_peer_who_vanishes_with_the_lock_is_taken_to_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct paying p;

    offer_to_dave(f, &p);
    countersign_as(&p.bd, "dave");
    await_sql(f, "SELECT count(*) FROM htlc WHERE state = 2", "", 1);
    fixture_advance(f, 181 * MINUTE);
    await_sql(f, DESTINATION_SIGHT, "", SIGHT_RETURNED);
    assert_int_equal(fixture_sql(f, OVERDUE), 0);
    fixture_advance(f, 11 * MINUTE);
    assert_int_equal(fixture_sql(f, OVERDUE), 1);
    end_dispute(f, &p.bd);
    assert_all_back(f, &p);
    assert_int_equal(gold(f, "bob"), p.bob);
}

/* The source is claimed as soon as the ledger has the secret, hours before the channel is closed. */
static void a_peer_who_shows_the_secret_to_the_ledger_alone_has_settled_it(void **state)
{
    struct fixture *f = *state;
    struct paying p;

    offer_to_dave(f, &p);
    countersign_as(&p.bd, "dave");
    await_sql(f, "SELECT count(*) FROM htlc WHERE state = 2", "", 1);
    reveal_to_ledger(f, &p.secret);
    await_state(f, p.id, TRANSFER_SETTLED);
    assert_int_equal(gold(f, "bob"), p.bob - STAKE + AMOUNT + FEE);
    fixture_advance(f, 192 * MINUTE);
    end_dispute(f, &p.bd);
    assert_int_equal(gold(f, "alice"), p.alice - AMOUNT - FEE);
    assert_int_equal(gold(f, "bob"), p.bob + FEE);
    assert_int_equal(gold(f, "dave"), p.dave + AMOUNT);
}

/* Never signed, but bob's signature is out: dave brings it to the ledger with his own, and the secret. */
static void a_peer_who_brings_the_lock_to_the_ledger_alone_has_settled_it(void **state)
{
    struct fixture *f = *state;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    struct paying p;

    arena_init(&arena);
    offer_to_dave(f, &p);
    assert_true(staged_of(&p.bd, &arena, &offer));
    checkpoint_as(&p.bd, "dave", 0, &offer);
    reveal_to_ledger(f, &p.secret);
    await_state(f, p.id, TRANSFER_SETTLED);
    assert_int_equal(gold(f, "alice"), p.alice - AMOUNT - FEE);
    assert_int_equal(gold(f, "bob"), p.bob - STAKE + AMOUNT + FEE);
}

/* PHASE_DEFUNDING when a lock is in it, else PHASE_CLOSED. */
static void close_as_bob(struct fixture *f, struct way *way, enum channel_phase phase)
{
    json_decref(ask(f, "channel.close", "{'channel':'%s','signer':'%s'}", way->hex,
                    fixture_address(f, "bob")));
    countersign_as(way, "dave");
    await_sql(f, PHASE, way->hex, phase);
}

/* Both sign that the channel ends while the lock is in it: the ledger keeps the lock. */
static void a_channel_that_both_close_in_the_middle_settles_by_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct paying p;

    offer_to_dave(f, &p);
    refused(f, ERROR_PROPOSAL_PENDING, "channel.close", "{'channel':'%s','signer':'%s'}", p.bd.hex,
            fixture_address(f, "bob"));
    countersign_as(&p.bd, "dave");
    await_sql(f, "SELECT count(*) FROM htlc WHERE state = 2", "", 1);
    close_as_bob(f, &p.bd, PHASE_DEFUNDING);
    assert_int_equal(sql_of(f, TRANSFER_STATE, p.id), TRANSFER_SOURCE_LOCKED);
    reveal_to_ledger(f, &p.secret);
    await_state(f, p.id, TRANSFER_SETTLED);
    await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(gold(f, "bob"), p.bob + FEE);
    assert_int_equal(gold(f, "dave"), p.dave + AMOUNT);
}

static void a_channel_that_both_close_in_the_middle_gives_back_by_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct paying p;

    offer_to_dave(f, &p);
    countersign_as(&p.bd, "dave");
    await_sql(f, "SELECT count(*) FROM htlc WHERE state = 2", "", 1);
    close_as_bob(f, &p.bd, PHASE_DEFUNDING);
    fixture_advance(f, 181 * MINUTE);
    await_sql(f, DESTINATION_SIGHT, "", SIGHT_RETURNED);
    assert_all_back(f, &p);
    assert_int_equal(gold(f, "bob"), p.bob);
    assert_int_equal(gold(f, "dave"), p.dave);
}

static void a_channel_that_was_closed_before_the_lock_gives_the_source_back(void **state)
{
    struct fixture *f = *state;
    uint64_t alice = gold(f, "alice"), bob = gold(f, "bob");
    struct hash secret = preimage_of(7);
    char id[65], hash[65];
    struct way bd;

    way_open(&bd, f, "bob", "dave", 3, STAKE, 0);
    char *invoice AUTO_FREE = invoice_with_key(f, "dave", AMOUNT, &secret, hash);
    close_as_bob(f, &bd, PHASE_CLOSED);
    start(f, "alice", "base", "channel", invoice, AMOUNT, "", id);
    await_state(f, id, TRANSFER_SOURCE_LOCKED);
    await_sql(f, "SELECT reason LIKE 'lock_destination: %%' FROM transfer", "", 1);
    assert_int_equal(fixture_sql(f, DESTINATION_SIGHT), SIGHT_NONE);
    fixture_advance(f, 12 * 60 * MINUTE);
    await_state(f, id, TRANSFER_REFUNDED);
    assert_int_equal(gold(f, "alice"), alice);
    assert_int_equal(gold(f, "bob"), bob);
}

/* --- the peer pays --------------------------------------------------------------------------------- */
/* Dave transfers out of his channel with bob to himself on the base ledger, by a secret of his own. */
struct taking {
    struct way db;
    uint64_t bob, dave;
    struct hash secret;
    char id[65], hash[65];
};

static void start_as_dave(struct fixture *f, struct taking *t)
{
    struct hash digest;

    t->bob = gold(f, "bob");
    t->dave = gold(f, "dave");
    t->secret = preimage_of(9);
    sha256(&digest, t->secret.bytes, sizeof(t->secret.bytes));
    hex_text(t->hash, digest.bytes, sizeof(digest.bytes));
    way_open(&t->db, f, "dave", "bob", 3, STAKE, 0);
    char *more AUTO_FREE = text_format(",'hash':'%s'", t->hash);
    start(f, "dave", "channel", "base", "dave", AMOUNT, more, t->id);
    await_sql(f, "SELECT count(*) FROM invoice WHERE hash = x'$'", t->hash, 1);
}

static void lock_as_dave(struct fixture *f, struct taking *t)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;

    arena_init(&arena);
    start_as_dave(f, t);
    offer = with_lock(&t->db, 0, AMOUNT + FEE, t->hash, fixture_now(f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&t->db, "dave", &offer), OK);
    await_state(f, t->id, TRANSFER_DESTINATION_LOCKED);
}

/* The secret is out: bob claims, and would take the lock out of the channel with dave's signature. */
static void claim_as_dave(struct fixture *f, struct taking *t)
{
    char hex[65];

    hex_text(hex, t->secret.bytes, sizeof(t->secret.bytes));
    char *escrow AUTO_FREE = fixture_sql_text(f, "SELECT reference FROM transfer_leg WHERE side = 1");
    fixture_run(f, "dave", "ledger.claim", "{'escrow':'%s','preimage':'%s'}", escrow, hex);
    await_state(f, t->id, TRANSFER_CLAIMED);
    await_sql(f, INVOICE_STATE, t->hash, 2);
    await_sql(f, SIGNATURES_ELSEWHERE, "", 1);
}

static void a_peer_who_never_locks_the_source_lets_it_expire(void **state)
{
    struct fixture *f = *state;
    struct taking t;

    start_as_dave(f, &t);
    fixture_advance(f, 5 * 60 * MINUTE);
    await_state(f, t.id, TRANSFER_EXPIRED);
    assert_int_equal(way_share(&t.db, 0), STAKE);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM escrow"), 0);
}

static void a_peer_who_vanishes_before_the_secret_is_out_has_his_source_back(void **state)
{
    struct fixture *f = *state;
    struct taking t;

    lock_as_dave(f, &t);
    fixture_advance(f, 181 * MINUTE);
    await_state(f, t.id, TRANSFER_REFUNDED);
    assert_int_equal(gold(f, "bob"), t.bob);
    fixture_advance(f, 11 * MINUTE); /* what bob gave back waits for dave's signature */
    countersign_as(&t.db, "dave");
    assert_int_equal(way_share(&t.db, 0), STAKE);
}

static void a_source_that_is_claimed_is_the_providers_once_the_peer_signed(void **state)
{
    struct fixture *f = *state;
    struct taking t;

    lock_as_dave(f, &t);
    claim_as_dave(f, &t);
    assert_int_equal(fixture_sql(f, SOURCE_SIGHT), SIGHT_CLAIMING);
    assert_int_equal(sql_of(f, TRANSFER_STATE, t.id), TRANSFER_CLAIMED);
    countersign_as(&t.db, "dave");
    await_state(f, t.id, TRANSFER_SETTLED);
    assert_int_equal(way_share(&t.db, 1), AMOUNT + FEE);
    assert_int_equal(gold(f, "dave"), t.dave - STAKE + AMOUNT);
}

/* He has his amount and signs no more: the ledger gives bob the source, also through restarts. */
static void a_peer_who_vanishes_after_the_secret_is_out_is_taken_to_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct taking t;

    lock_as_dave(f, &t);
    claim_as_dave(f, &t);
    fixture_reopen(f);
    fixture_advance(f, 161 * MINUTE);
    await_sql(f, "SELECT count(*) FROM preimage", "", 1);
    assert_int_equal(sql_of(f, TRANSFER_STATE, t.id), TRANSFER_CLAIMED);
    end_dispute(f, &t.db);
    await_state(f, t.id, TRANSFER_SETTLED);
    assert_int_equal(gold(f, "bob"), t.bob + FEE);
    assert_int_equal(gold(f, "dave"), t.dave - FEE);
}

/* And when bob's node slept over the lock's end, he bears it, and the transfer says so. */
static void a_provider_who_sleeps_over_the_end_of_a_claimed_source_has_lost_it(void **state)
{
    struct fixture *f = *state;
    struct taking t;

    lock_as_dave(f, &t);
    claim_as_dave(f, &t);
    fixture_advance(f, 195 * MINUTE);
    end_dispute(f, &t.db);
    await_state(f, t.id, TRANSFER_LOST);
    assert_int_equal(sql_of(f, LOST_BY_PROVIDER, t.id), 1);
    assert_int_equal(gold(f, "bob"), t.bob - AMOUNT);
    assert_int_equal(gold(f, "dave"), t.dave + AMOUNT);
}

/* Both sign the end of the channel with the claimed lock in it: the ledger has the secret, and pays. */
static void a_source_in_a_channel_that_both_close_is_claimed_by_the_ledger(void **state)
{
    struct fixture *f = *state;
    struct taking t;
    char hex[65];

    lock_as_dave(f, &t);
    close_as_bob(f, &t.db, PHASE_DEFUNDING);
    assert_int_equal(sql_of(f, TRANSFER_STATE, t.id), TRANSFER_DESTINATION_LOCKED);
    hex_text(hex, t.secret.bytes, sizeof(t.secret.bytes));
    char *escrow AUTO_FREE = fixture_sql_text(f, "SELECT reference FROM transfer_leg WHERE side = 1");
    fixture_run(f, "dave", "ledger.claim", "{'escrow':'%s','preimage':'%s'}", escrow, hex);
    await_state(f, t.id, TRANSFER_SETTLED);
    await_sql(f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(gold(f, "bob"), t.bob + FEE);
    assert_int_equal(gold(f, "dave"), t.dave - FEE);
}

int peer_tests(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, market_setup, market_teardown)
        TEST(a_peer_who_never_signs_the_lock_costs_nobody),
        TEST(a_peer_who_vanishes_with_the_lock_is_taken_to_the_ledger),
        TEST(a_peer_who_shows_the_secret_to_the_ledger_alone_has_settled_it),
        TEST(a_peer_who_brings_the_lock_to_the_ledger_alone_has_settled_it),
        TEST(a_channel_that_both_close_in_the_middle_settles_by_the_ledger),
        TEST(a_channel_that_both_close_in_the_middle_gives_back_by_the_ledger),
        TEST(a_channel_that_was_closed_before_the_lock_gives_the_source_back),
        TEST(a_peer_who_never_locks_the_source_lets_it_expire),
        TEST(a_peer_who_vanishes_before_the_secret_is_out_has_his_source_back),
        TEST(a_source_that_is_claimed_is_the_providers_once_the_peer_signed),
        TEST(a_peer_who_vanishes_after_the_secret_is_out_is_taken_to_the_ledger),
        TEST(a_provider_who_sleeps_over_the_end_of_a_claimed_source_has_lost_it),
        TEST(a_source_in_a_channel_that_both_close_is_claimed_by_the_ledger),
#undef TEST
    };

    return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
