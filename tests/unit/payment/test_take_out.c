/* Value taken out of payment channels, also while payments are pending in them. Carol is the stranger; alice
 * and bob have their keys here. */
#include "test_payment.h"

#include "crypto/hash.h"
#include "crypto/schnorr.h"
#include "layer2/channel/life.h"

#define LIVE "SELECT count(*) FROM htlc WHERE state < 5"
#define PENDING "SELECT count(*) FROM channel_withdrawal WHERE channel = x'$'"
#define RECORD "SELECT turn_record FROM channel WHERE id = x'$'"
#define STAGED "SELECT count(*) FROM channel_local WHERE staged IS NOT NULL AND wants_signature = 0"

static void take(struct way *way, const char *who, uint64_t amount)
{
    json_decref(ask(way->f, "channel.take_out", "{'channel':'%s','payments':[{'amount':%" PRIu64
                    "}],'signer':'%s'}", way->hex, amount, fixture_address(way->f, who)));
}

/* Signs the withdrawal that waits: `amount` to `taker`. */
static void sign_as(struct way *way, const char *who, const char *taker, uint64_t amount)
{
    struct allocation payment = { .amount = amount, .account = fixture_key(way->f, taker)->account };
    struct arena arena CLEANUP(arena_close);
    struct signature signature;
    struct channel_state state;
    struct hash hash;
    char hex[129];

    arena_init(&arena);
    assert_true(staged_of(way, &arena, &state));
    channel_state_hash(&way->id, &state, &hash);
    channel_withdrawal_hash(&way->id, &hash, &payment, 1, &hash);
    assert_true(schnorr_sign(fixture_key(way->f, who)->secret, &hash, NULL, &signature));
    hex_text(hex, signature.bytes, sizeof(signature.bytes));
    json_decref(ask(way->f, "channel.sign_withdrawal",
                    "{'channel':'%s','turn':%" PRIu64 ",'signer':'%s','signature':'%s'}", way->hex,
                    state.turn, fixture_address(way->f, who), hex));
}

/* The state after the newest one, with its last hash-lock gone to carol, who is participant 1. */
static struct channel_state claimed(struct way *way, const struct hash *preimage, struct arena *arena)
{
    struct channel_state before = supported_of(way, arena), next = before;
    uint8_t *data = arena_new(arena, 8 + 32);

    next.turn++;
    next.allocation_count--;
    next.allocations[1].amount += before.allocations[next.allocation_count].amount;
    put_be64(data, before.turn);
    memcpy(data + 8, preimage->bytes, 32);
    next.data = bytes_of(data, 40);
    return next;
}

/* Bob has offered carol 1000 of his 10000, and then takes 3000 out; she signs both. */
static void take_beside_a_lock(struct fixture *f, struct way *bc, const struct hash *preimage, char hash[65])
{
    char *invoice AUTO_FREE = NULL;

    town_start(f, "alice bob");
    way_open(bc, f, "bob", "carol", 1, 10000, 0);
    invoice = invoice_with_key(f, "carol", 1000, preimage, hash);
    json_decref(ask(f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(f, "bob")));
    await_sql(f, STAGED, "", 1);
    countersign_as(bc, "carol");
    assert_int_equal(way_locks(bc), 1);
    take(bc, "bob", 3000);
    sign_as(bc, "carol", "bob", 3000);
    await_sql(f, RECORD, bc->hex, 3);
    await_sql(f, PENDING, bc->hex, 0);
    assert_int_equal(way_share(bc, 0), 6000);
    assert_int_equal(way_locks(bc), 1);
}

static void payments_go_on_after_it(void **state)
{
    struct fixture f;
    struct way ab;
    char hash[65];
    char *first AUTO_FREE = NULL, *second AUTO_FREE = NULL, *third AUTO_FREE = NULL;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 0);
    first = invoice_of(&f, "bob", 1000, "", hash);
    assert_int_equal(pay(&f, "alice", first, hash, ""), SETTLED);
    await_sql(&f, LIVE, "", 0);
    take(&ab, "alice", 5000);
    await_sql(&f, PENDING, ab.hex, 0);
    take(&ab, "bob", 1000);
    await_sql(&f, PENDING, ab.hex, 0);
    assert_int_equal(way_share(&ab, 0), 4000);
    assert_int_equal(way_share(&ab, 1), 0);
    second = invoice_of(&f, "bob", 4000, "", hash);
    assert_int_equal(pay(&f, "alice", second, hash, ""), SETTLED);
    await_sql(&f, LIVE, "", 0);
    third = invoice_of(&f, "alice", 1500, "", hash);
    assert_int_equal(pay(&f, "bob", third, hash, ""), SETTLED);
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(way_share(&ab, 0), 1500);
    take(&ab, "alice", 500);
    await_sql(&f, PENDING, ab.hex, 0);
    json_decref(ask(&f, "channel.close", "{'channel':'%s','signer':'%s'}", ab.hex,
                    fixture_address(&f, "bob")));
    await_sql(&f, "SELECT phase FROM channel_local WHERE id = x'$'", ab.hex, PHASE_CLOSED);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

static void hash_lock_stays_and_is_claimed(void **state)
{
    struct fixture f;
    struct way bc;
    struct arena arena CLEANUP(arena_close);
    struct hash preimage = preimage_of(7);
    struct channel_state claim;
    char hash[65];

    (void)state;
    arena_init(&arena);
    take_beside_a_lock(&f, &bc, &preimage, hash);
    fixture_reopen(&f);
    claim = claimed(&bc, &preimage, &arena);
    assert_int_equal(propose_as(&bc, "carol", &claim), OK);
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    await_sql(&f, LIVE, "", 0);
    assert_int_equal(way_share(&bc, 0), 6000);
    assert_int_equal(way_share(&bc, 1), 1000);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* The newest state has no signatures here, for the ledger has it: bob can challenge with it all the same. */
static void vanished_stranger_is_taken_to_the_ledger(void **state)
{
    struct fixture f;
    struct way bc;
    struct hash preimage = preimage_of(7);
    char hash[65];

    (void)state;
    take_beside_a_lock(&f, &bc, &preimage, hash);
    fixture_advance(&f, 192 * MINUTE);
    await_sql(&f, "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'", bc.hex, 1);
    fixture_run(&f, "dave", "dev.advance_time", "{'by':%" PRId64 "}", 11 * MINUTE);
    f.advanced_us += 11 * MINUTE;
    fixture_advance(&f, 1);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    await_sql(&f, LIVE, "", 0);
    await_sql(&f, "SELECT phase FROM channel_local WHERE id = x'$'", bc.hex, PHASE_CLOSED);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* What is to be paid while a withdrawal waits is offered when it is over, signed or not. */
static void payments_wait_for_it(bool is_signed)
{
    struct fixture f;
    struct way bc;
    struct hash preimage = preimage_of(7);
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    town_start(&f, "alice bob");
    way_open(&bc, &f, "bob", "carol", 1, 10000, 0);
    take(&bc, "bob", 3000);
    refused(&f, ERROR_PROPOSAL_PENDING, "payment.top_up", "{'channel':'%s','signer':'%s'}", bc.hex,
            fixture_address(&f, "bob"));
    invoice = invoice_with_key(&f, "carol", 1000, &preimage, hash);
    json_decref(ask(&f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice,
                    fixture_address(&f, "bob")));
    fixture_advance(&f, 1000000);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state = 0", "", 1);
    fixture_reopen(&f);
    assert_int_equal(sql_of(&f, "SELECT count(*) FROM htlc WHERE state = 0", ""), 1);
    assert_int_equal(sql_of(&f, PENDING, bc.hex), 1);
    if (is_signed)
        sign_as(&bc, "carol", "bob", 3000);
    else
        json_decref(ask(&f, "channel.reject", "{'channel':'%s','turn':2,'signer':'%s'}", bc.hex,
                        fixture_address(&f, "bob")));
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state = 1", "", 1); /* offered */
    await_sql(&f, STAGED, "", 1);
    countersign_as(&bc, "carol");
    assert_int_equal(way_locks(&bc), 1);
    assert_int_equal(way_share(&bc, 0), is_signed ? 6000 : 9000);
    await_sql(&f, PENDING, bc.hex, 0); /* rejected: the offer's state is on record */
    assert_int_equal(sql_of(&f, RECORD, bc.hex), is_signed ? 2 : 3);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

static void payments_wait_until_it_is_signed(void **state)
{
    (void)state;
    payments_wait_for_it(true);
}

static void payments_wait_until_it_is_rejected(void **state)
{
    (void)state;
    payments_wait_for_it(false);
}

int take_out_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payments_go_on_after_it),
        cmocka_unit_test(hash_lock_stays_and_is_claimed),
        cmocka_unit_test(vanished_stranger_is_taken_to_the_ledger),
        cmocka_unit_test(payments_wait_until_it_is_signed),
        cmocka_unit_test(payments_wait_until_it_is_rejected),
    };

    return cmocka_run_group_tests_name("value taken out of payment channels", tests, NULL, NULL);
}
