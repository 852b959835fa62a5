/* Attacks on payments, each of which would have worked once: secrets read, locks that count where they should
 * not, hash-locks confused with one another, deadlines starved. Carol, dave and erin have their keys
 * elsewhere; alice and bob have theirs here. */
#include "test_payment.h"

#include "crypto/hash.h"
#include "layer2/channel/life.h"

#define CHALLENGED "SELECT finalizes_us IS NOT NULL FROM channel WHERE id = x'$'"
#define CHANNEL_PHASE "SELECT phase FROM channel_local WHERE id = x'$'"
#define HTLC_STATE "SELECT state FROM htlc WHERE hash = x'$'"
#define SHOWN "SELECT count(*) FROM preimage"
#define LONG_INVOICE ",'expiry':'10h'"
#define HELD_INVOICE ",'expiry':'10h','hold':true"

enum { OPEN = 0, ACCEPTED = 1, INVOICE_PAID = 2, CANCELED = 3 }; /* src/layer2/payment/invoice_row.h */

/* The ledger's time, and with it what the ledger decides. */
static void pass_time(struct fixture *f, int64_t by_us)
{
    fixture_run(f, "dave", "dev.advance_time", "{'by':%" PRId64 "}", by_us);
    f->advanced_us += by_us;
    fixture_advance(f, 1000000);
}

static void reveal_as(struct fixture *f, const char *who, const struct hash *preimage)
{
    char hex[65];

    hex_text(hex, preimage->bytes, sizeof(preimage->bytes));
    fixture_run(f, who, "channel.reveal", "{'preimage':'%s'}", hex);
    fixture_advance(f, 1000000);
}

/* --- secrets ---------------------------------------------------------------------------------- */
static enum status public_sql(struct fixture *f, const char *query)
{
    struct reply reply = fixture_call_public(f, "sql", json_pack("{s:s}", "query", query));
    enum status status = reply.status;

    reply_close(&reply);
    return status;
}

/* The first column of the first row. */
static json_t *public_value(struct fixture *f, const char *query)
{
    struct reply reply = fixture_call_public(f, "sql", json_pack("{s:s}", "query", query));
    json_t *value;

    if (reply.status != OK)
        fail_msg("%s: %s", query, reply.error.message);
    value = json_incref(json_array_get(json_array_get(json_object_get(reply.result, "rows"), 0), 0));
    reply_close(&reply);
    return value;
}

static void preimages_are_not_for_the_public(void **state)
{
    static const char *const refused_[] = {
        "SELECT hex(preimage) FROM invoice", "SELECT * FROM invoice", "SELECT hex(preimage) FROM htlc",
        "SELECT hex(staged) FROM channel_local", "SELECT (SELECT hex(preimage) FROM invoice)",
        "SELECT 1 FROM v_invoice WHERE EXISTS (SELECT 1 FROM invoice WHERE preimage > x'80')",
        "SELECT hex(i.preimage) FROM v_invoice AS v JOIN invoice AS i ON v.hash = lower(hex(i.hash))",
        "SELECT hex(p) FROM (SELECT preimage AS p FROM htlc) AS v_htlc", "SELECT * FROM v_effect",
        "WITH v_invoice AS (SELECT hex(preimage) AS p FROM invoice) SELECT p FROM v_invoice",
        "WITH x AS MATERIALIZED (SELECT hex(staged) AS p FROM channel_local) SELECT p FROM x",
    };
    struct fixture f;
    struct way ab;
    char hash[65];
    char *invoice AUTO_FREE = NULL;
    json_t *open AUTO_JSON = NULL, *settled AUTO_JSON = NULL;
    struct reply reply;

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 0);
    invoice = invoice_of(&f, "bob", 700, "", hash);
    for (size_t i = 0; i < COUNT_OF(refused_); i++)
        assert_string_equal(status_name(public_sql(&f, refused_[i])), status_name(ERROR_DENIED));
    reply = fixture_call(&f, "sql", json_pack("{s:s}", "query", refused_[0]));
    assert_int_equal(reply.status, OK);
    reply_close(&reply);
    open = public_value(&f, "SELECT preimage FROM v_invoice");
    assert_true(json_is_null(open));
    assert_int_equal(public_sql(&f, "SELECT * FROM v_htlc"), OK);
    assert_int_equal(public_sql(&f, "SELECT * FROM v_channel_local"), OK);
    assert_int_equal(pay(&f, "alice", invoice, hash, ""), SETTLED);
    settled = public_value(&f, "SELECT preimage FROM v_invoice");
    assert_true(json_is_string(settled));
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- invoices that are held ------------------------------------------------------------------- */
/* Alice's 1000 wait with dave's invoice, whose preimage the ledger sees by another hand. */
static void hold_and_show(struct fixture *f, struct way *ab, struct way *bd, const struct hash *elsewhere,
                          char hash[65])
{
    struct hash preimage;
    char more[160] = HELD_INVOICE;
    char *invoice AUTO_FREE = NULL;
    char *hex AUTO_FREE = NULL;

    town_start(f, "alice bob dave");
    way_open(ab, f, "alice", "bob", 1, 10000, 0);
    way_open(bd, f, "bob", "dave", 2, 10000, 0);
    if (elsewhere != NULL) {
        struct hash lock;

        sha256(&lock, elsewhere->bytes, sizeof(elsewhere->bytes));
        hex_text(hash, lock.bytes, sizeof(lock.bytes));
        snprintf(more, sizeof(more), HELD_INVOICE ",'hash':'%s'", hash);
    }
    invoice = invoice_of(f, "dave", 1000, more, hash);
    json_decref(
        ask(f, "payment.send", "{'invoice':'%s','payer':'%s'}", invoice, fixture_address(f, "alice")));
    await_sql(f, INVOICE_STATE, hash, ACCEPTED);
    hex = fixture_sql_text(f, "SELECT hex(preimage) FROM invoice");
    if (elsewhere != NULL)
        preimage = *elsewhere;
    else
        assert_true(hex_decode(preimage.bytes, 32, hex, 64));
    reveal_as(f, "erin", &preimage);
}

/* Bob claims from alice with what the ledger shows: dave's cancel would make him a present of the rest. */
static void shown_hold_invoice_is_settled_not_canceled(void **state)
{
    const struct hash elsewhere = preimage_of(9);
    const struct hash *const preimages[] = { NULL, &elsewhere };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(preimages); i++) {
        struct fixture f;
        struct way ab, bd;
        char hash[65];

        hold_and_show(&f, &ab, &bd, preimages[i], hash);
        await_sql(&f, INVOICE_STATE, hash, INVOICE_PAID);
        refused(&f, ERROR_INVOICE_ENDED, "invoice.cancel", "{'hash':'%s'}", hash);
        await_sql(&f, PAYMENT_STATE, hash, SETTLED);
        await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
        assert_int_equal(way_share(&ab, 1), 1001);
        assert_int_equal(way_share(&bd, 1), 1000);
        fixture_audit(&f);
        fixture_stop(&f);
    }
}

/* It stays so when the hash-lock becomes due. */
static void shown_hold_invoice_stays_settled_when_due(void **state)
{
    const struct hash elsewhere = preimage_of(9);
    struct fixture f;
    struct way ab, bd;
    char hash[65];

    (void)state;
    hold_and_show(&f, &ab, &bd, &elsewhere, hash);
    fixture_advance(&f, 240 * MINUTE);
    await_sql(&f, INVOICE_STATE, hash, INVOICE_PAID);
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* Carol's 700 wait with bob's invoice; then she proposes an end in which they are hers again. */
static void take_back_what_is_held(struct fixture *f, struct way *cb, char hash[65])
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer, end;
    char *invoice AUTO_FREE = NULL;

    arena_init(&arena);
    town_start(f, "alice bob");
    way_open(cb, f, "carol", "bob", 1, 10000, 0);
    invoice = invoice_of(f, "bob", 700, HELD_INVOICE, hash);
    offer = with_lock(cb, 0, 700, hash, fixture_now(f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(cb, "carol", &offer), OK);
    await_sql(f, INVOICE_STATE, hash, ACCEPTED);
    end = without_lock(cb, 0, NULL, &arena);
    end.final = true;
    assert_int_equal(propose_as(cb, "carol", &end), OK);
    fixture_advance(f, 1000000);
}

static void final_state_does_not_take_a_held_lock_back(void **state)
{
    struct fixture f;
    struct way cb;
    char hash[65];

    (void)state;
    take_back_what_is_held(&f, &cb, hash);
    assert_int_equal(way_locks(&cb), 1);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), ACCEPTED);
    json_decref(ask(&f, "invoice.settle", "{'hash':'%s'}", hash));
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), INVOICE_PAID);
    fixture_advance(&f, 161 * MINUTE); /* she signs nothing more: the ledger gives bob what is his */
    await_sql(&f, SHOWN, "", 1);
    await_sql(&f, CHALLENGED, cb.hex, 1);
    pass_time(&f, 11 * MINUTE);
    await_sql(&f, CHANNEL_PHASE, cb.hex, PHASE_CLOSED);
    await_sql(&f, HTLC_STATE, hash, 5);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* Bob's owner signs it by hand: then there is nothing that could be settled. */
static void invoice_is_not_settled_without_its_locks(void **state)
{
    struct arena arena CLEANUP(arena_close);
    struct channel_state end;
    struct fixture f;
    struct way cb;
    char hash[65];

    (void)state;
    arena_init(&arena);
    take_back_what_is_held(&f, &cb, hash);
    assert_true(staged_of(&cb, &arena, &end));
    json_decref(ask(&f, "channel.sign", "{'channel':'%s','turn':%" PRIu64 ",'signer':'%s'}", cb.hex, end.turn,
                    fixture_address(&f, "bob")));
    fixture_advance(&f, 1000000);
    assert_int_equal(way_locks(&cb), 0);
    refused(&f, ERROR_INVOICE_ENDED, "invoice.settle", "{'hash':'%s'}", hash);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), ACCEPTED);
    json_decref(ask(&f, "invoice.cancel", "{'hash':'%s'}", hash));
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), CANCELED);
    assert_int_equal(sql_of(&f, "SELECT count(*) FROM htlc WHERE hash = x'$' AND preimage IS NOT NULL", hash),
                     0);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- strangers among themselves --------------------------------------------------------------- */
/* Most of an invoice's amount in a channel of two strangers, a unit of it in the payee's. */
static void strangers_channel_does_not_count_for_an_invoice(void **state)
{
    struct fixture f;
    struct way cb, cd;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    way_open_elsewhere(&cd, &f, "carol", "dave", 2, 10000);
    invoice = invoice_of(&f, "bob", 700, LONG_INVOICE, hash);
    offer = with_lock(&cd, 0, 699, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cd, "carol", &offer), OK);
    countersign_as(&cd, "dave");
    offer = with_lock(&cb, 0, 1, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    fixture_advance(&f, 1000000);
    assert_int_equal(way_locks(&cd), 1);
    assert_int_equal(way_locks(&cb), 1);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc"), 1);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), OPEN);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc WHERE preimage IS NOT NULL"), 0);
    fixture_advance(&f, 2 * MINUTE); /* the rest does not come */
    await_sql(&f, SIGNATURES_ELSEWHERE, "", 1);
    countersign_as(&cb, "carol");
    assert_int_equal(way_share(&cb, 0), 10000);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), OPEN);
    fixture_audit(&f);
    fixture_stop(&f);
}

#define MOST_LOCKS 483 /* that a side may offer */

/* The state after the newest one with as many hash-locks more as a side may offer, overdue from the
 * beginning, and `gift` for the other side. */
static struct channel_state with_overdue_locks(struct way *way, size_t offerer, uint64_t gift,
                                               struct arena *arena)
{
    struct channel_state before = supported_of(way, arena), next = before;
    uint8_t *data = arena_new(arena, 8);

    next.turn++;
    next.allocations = arena_new(arena, (before.allocation_count + MOST_LOCKS) * sizeof(*next.allocations));
    memcpy(next.allocations, before.allocations, before.allocation_count * sizeof(*next.allocations));
    for (size_t i = 0; i < MOST_LOCKS; i++) {
        struct allocation *lock = &next.allocations[next.allocation_count++];

        *lock = (struct allocation){ .kind = ALLOCATION_HASHLOCK, .amount = 1, .expiry_us = 1000,
                                     .account = way->fixed.participants[1 - offerer],
                                     .refund = way->fixed.participants[offerer] };
        put_be64(lock->hash.bytes, i);
    }
    next.allocations[offerer].amount -= MOST_LOCKS + gift;
    next.allocations[1 - offerer].amount += gift;
    put_be64(data, before.turn);
    next.data = bytes_of(data, 8);
    return next;
}

static void strangers_locks_do_not_starve_deadlines(void **state)
{
    struct fixture f;
    struct way cb, cd;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    way_open_elsewhere(&cd, &f, "carol", "dave", 2, 10000);
    offer = with_overdue_locks(&cd, 0, 600, &arena);
    assert_int_equal(propose_as(&cd, "carol", &offer), OK);
    countersign_as(&cd, "dave");
    offer = with_overdue_locks(&cd, 1, 0, &arena);
    assert_int_equal(propose_as(&cd, "dave", &offer), OK);
    countersign_as(&cd, "carol");
    assert_int_equal(way_locks(&cd), 2 * MOST_LOCKS);
    invoice = invoice_of(&f, "bob", 700, LONG_INVOICE, hash);
    offer = with_lock(&cb, 0, 700, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    await_sql(&f, INVOICE_STATE, hash, INVOICE_PAID);
    fixture_advance(&f, 161 * MINUTE);
    await_sql(&f, SHOWN, "", 1);
    await_sql(&f, CHALLENGED, cb.hex, 1);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc WHERE overdue = 1"), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* The end of a channel need not have the shape of payments: three entries, the third the first's again. */
static struct channel_state end_of_three_entries(struct way *way, uint64_t third, struct arena *arena)
{
    struct channel_state before = supported_of(way, arena), end = before;

    end.turn = before.turn + 1;
    end.final = true;
    end.allocation_count = 3;
    end.allocations = arena_new(arena, 3 * sizeof(*end.allocations));
    memcpy(end.allocations, before.allocations, 2 * sizeof(*end.allocations));
    end.allocations[2] = end.allocations[0];
    end.allocations[0].amount -= third;
    end.allocations[2].amount = third;
    return end;
}

static void free_end_of_strangers_is_left_alone(void **state)
{
    struct fixture f;
    struct way funded, unfunded;
    struct arena arena CLEANUP(arena_close);
    struct channel_state end;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open_elsewhere(&funded, &f, "carol", "dave", 1, 10000);
    end = end_of_three_entries(&funded, 1000, &arena);
    assert_int_equal(propose_as(&funded, "carol", &end), OK);
    countersign_as(&funded, "dave");
    way_describe(&unfunded, &f, "carol", "dave", 2);
    way_propose_elsewhere(&unfunded, 2);
    end = end_of_three_entries(&unfunded, 1, &arena);
    assert_int_equal(propose_as(&unfunded, "carol", &end), OK);
    countersign_as(&unfunded, "dave");
    fixture_advance(&f, 1000000);
    fixture_reopen(&f); /* and nothing of it is found at the next start */
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc"), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

static void free_end_of_a_payees_channel_pays_out(void **state)
{
    struct fixture f;
    struct way cb;
    struct arena arena CLEANUP(arena_close);
    struct channel_state end;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    end = end_of_three_entries(&cb, 1000, &arena);
    assert_int_equal(propose_as(&cb, "carol", &end), OK);
    await_sql(&f, CHANNEL_PHASE, cb.hex, PHASE_CLOSED);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* --- hash-locks confused with one another ----------------------------------------------------- */
/* Carol shows the ledger the preimages of the first and the third of three: the second is still pending. */
static void ended_locks_on_the_ledger_do_not_shift_the_others(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct hash preimages[3];
    char hash[3][65];

    (void)state;
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 0);
    way_open(&bc, &f, "bob", "carol", 2, 10000, 0);
    for (size_t i = 0; i < 3; i++) {
        preimages[i] = preimage_of((uint8_t)(20 + i));
        send_to_carol(&f, 1000, &preimages[i], hash[i]);
        countersign_as(&bc, "carol");
    }
    assert_int_equal(way_locks(&bc), 3);
    json_decref(ask(&f, "channel.dispute", "{'channel':'%s','signer':'%s'}", bc.hex,
                    fixture_address(&f, "bob")));
    await_sql(&f, CHALLENGED, bc.hex, 1);
    pass_time(&f, 11 * MINUTE);
    await_sql(&f, CHANNEL_PHASE, bc.hex, PHASE_DEFUNDING);
    reveal_as(&f, "carol", &preimages[0]);
    await_sql(&f, PAYMENT_STATE, hash[0], SETTLED);
    reveal_as(&f, "carol", &preimages[2]);
    await_sql(&f, PAYMENT_STATE, hash[2], SETTLED);
    assert_int_equal(sql_of(&f, PAYMENT_STATE, hash[1]), 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc WHERE state = 6"), 0);
    reveal_as(&f, "carol", &preimages[1]);
    await_sql(&f, PAYMENT_STATE, hash[1], SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(way_share(&ab, 1), 3003);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* The step that claims what bob offered gives him what she offered herself, of the same hash: its preimage
 * is the claim's. */
static void preimage_is_the_claims_of_two_locks_of_one_hash(void **state)
{
    struct fixture f;
    struct way ab, cb;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer, both, claim;
    struct hash preimage = preimage_of(7), lock;
    char hash[65], more[160];
    char *own AUTO_FREE = NULL;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&ab, &f, "alice", "bob", 1, 10000, 0);
    way_open(&cb, &f, "carol", "bob", 2, 10000, 5000);
    sha256(&lock, preimage.bytes, sizeof(preimage.bytes));
    hex_text(hash, lock.bytes, sizeof(lock.bytes));
    snprintf(more, sizeof(more), HELD_INVOICE ",'hash':'%s'", hash);
    own = invoice_of(&f, "bob", 1, more, hash);
    offer = with_lock(&cb, 0, 1, hash, fixture_now(&f) + 180 * MINUTE, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    await_sql(&f, INVOICE_STATE, hash, ACCEPTED);
    send_to_carol(&f, 1000, &preimage, hash);
    countersign_as(&cb, "carol");
    assert_int_equal(way_locks(&cb), 2);
    both = supported_of(&cb, &arena);
    claim = without_lock(&cb, 0, &preimage, &arena);
    claim.allocation_count--;
    claim.allocations[1].amount += both.allocations[2].amount;
    assert_int_equal(propose_as(&cb, "carol", &claim), OK);
    await_sql(&f, PAYMENT_STATE, hash, SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc WHERE state = 5"), 3);
    assert_int_equal(way_share(&cb, 0), 9999 + 1000);
    assert_int_equal(way_share(&ab, 1), 1001);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- states that the ledger alone has seen signed --------------------------------------------- */
/* Carol brings bob's offer to the ledger instead of signing it here, and vanishes. */
static void adopted_state_is_challenged_when_overdue(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct hash preimage = preimage_of(7);
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];

    (void)state;
    arena_init(&arena);
    offer_to_carol(&f, &ab, &bc, &preimage, hash);
    assert_true(staged_of(&bc, &arena, &offer));
    checkpoint_as(&bc, "carol", 0, &offer);
    fixture_advance(&f, 1000000);
    assert_int_equal(way_locks(&bc), 1);
    fixture_advance(&f, 181 * MINUTE);
    await_sql(&f, PAYMENT_STATE, hash, FAILED);
    assert_int_equal(way_share(&ab, 0), 10000);
    fixture_advance(&f, 11 * MINUTE);
    await_sql(&f, CHALLENGED, bc.hex, 1);
    pass_time(&f, 11 * MINUTE);
    await_sql(&f, CHANNEL_PHASE, bc.hex, PHASE_CLOSED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* She refuses bob's offer, waits for his next one, and has the ledger see the first as signed by both. */
static void refuse_and_checkpoint(struct fixture *f, struct way *ab, struct way *bc, char hashes[2][65],
                                  struct arena *arena, struct channel_state *second)
{
    struct hash preimages[2] = { preimage_of(7), preimage_of(8) };
    struct channel_state first;

    offer_to_carol(f, ab, bc, &preimages[0], hashes[0]);
    assert_true(staged_of(bc, arena, &first));
    reject_as(bc, "carol");
    send_to_carol(f, 500, &preimages[1], hashes[1]);
    assert_true(staged_of(bc, arena, second));
    assert_true(second->turn > first.turn);
    checkpoint_as(bc, "carol", 0, &first);
    fixture_advance(f, 1000000);
    assert_int_equal(way_locks(bc), 1);
    assert_int_equal(sql_of(f, PAYMENT_STATE, hashes[0]), 0); /* she may still claim it */
    assert_int_equal(sql_of(f, PAYMENT_STATE, hashes[1]), 0);
}

static void refused_offer_that_the_ledger_has_is_followed(void **state)
{
    struct fixture f;
    struct way ab, bc;
    struct arena arena CLEANUP(arena_close);
    struct channel_state second;
    char hashes[2][65];

    (void)state;
    arena_init(&arena);
    refuse_and_checkpoint(&f, &ab, &bc, hashes, &arena, &second);
    fixture_advance(&f, 181 * MINUTE);
    await_sql(&f, PAYMENT_STATE, hashes[0], FAILED);
    await_sql(&f, PAYMENT_STATE, hashes[1], FAILED);
    assert_int_equal(way_share(&ab, 0), 10000);
    fixture_advance(&f, 11 * MINUTE);
    await_sql(&f, CHALLENGED, bc.hex, 1);
    pass_time(&f, 11 * MINUTE);
    await_sql(&f, CHANNEL_PHASE, bc.hex, PHASE_CLOSED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5", "", 0);
    fixture_audit(&f);
    fixture_replay(&f);
    fixture_stop(&f);
}

/* The next offer, in which the first is bob's again, comes to the ledger too: nobody pays for the first. */
static void next_offer_on_the_ledger_ends_the_refused_one(void **state)
{
    const struct hash preimage = preimage_of(8);
    struct fixture f;
    struct way ab, bc;
    struct arena arena CLEANUP(arena_close);
    struct channel_state second;
    char hashes[2][65];

    (void)state;
    arena_init(&arena);
    refuse_and_checkpoint(&f, &ab, &bc, hashes, &arena, &second);
    checkpoint_as(&bc, "carol", 0, &second);
    fixture_advance(&f, 1000000);
    assert_int_equal(way_locks(&bc), 1);
    await_sql(&f, PAYMENT_STATE, hashes[0], FAILED);
    reveal_as(&f, "carol", &preimage);
    await_sql(&f, PAYMENT_STATE, hashes[1], SETTLED);
    await_sql(&f, "SELECT count(*) FROM htlc WHERE state < 5 AND hop = 0", "", 0);
    assert_int_equal(way_share(&ab, 1), 501);
    fixture_audit(&f);
    fixture_stop(&f);
}

/* --- times ------------------------------------------------------------------------------------ */
/* Bob would have to keep his claim, and the ledger its channel, for as long. */
static void offer_for_two_years_is_not_countersigned(void **state)
{
    const int64_t two_years_us = 2 * 365 * 24 * 60 * MINUTE;
    struct fixture f;
    struct way cb;
    struct arena arena CLEANUP(arena_close);
    struct channel_state offer;
    char hash[65];
    char *invoice AUTO_FREE = NULL;

    (void)state;
    arena_init(&arena);
    town_start(&f, "alice bob");
    way_open(&cb, &f, "carol", "bob", 1, 10000, 0);
    invoice = invoice_of(&f, "bob", 700, LONG_INVOICE, hash);
    offer = with_lock(&cb, 0, 700, hash, fixture_now(&f) + two_years_us, &arena);
    assert_int_equal(propose_as(&cb, "carol", &offer), OK);
    fixture_advance(&f, 60 * MINUTE);
    assert_int_equal(way_locks(&cb), 0);
    assert_int_equal(sql_of(&f, INVOICE_STATE, hash), OPEN);
    assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM htlc"), 0);
    fixture_audit(&f);
    fixture_stop(&f);
}

int attack_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preimages_are_not_for_the_public),
        cmocka_unit_test(shown_hold_invoice_is_settled_not_canceled),
        cmocka_unit_test(shown_hold_invoice_stays_settled_when_due),
        cmocka_unit_test(final_state_does_not_take_a_held_lock_back),
        cmocka_unit_test(invoice_is_not_settled_without_its_locks),
        cmocka_unit_test(strangers_channel_does_not_count_for_an_invoice),
        cmocka_unit_test(strangers_locks_do_not_starve_deadlines),
        cmocka_unit_test(free_end_of_strangers_is_left_alone),
        cmocka_unit_test(free_end_of_a_payees_channel_pays_out),
        cmocka_unit_test(ended_locks_on_the_ledger_do_not_shift_the_others),
        cmocka_unit_test(preimage_is_the_claims_of_two_locks_of_one_hash),
        cmocka_unit_test(adopted_state_is_challenged_when_overdue),
        cmocka_unit_test(refused_offer_that_the_ledger_has_is_followed),
        cmocka_unit_test(next_offer_on_the_ledger_ends_the_refused_one),
        cmocka_unit_test(offer_for_two_years_is_not_countersigned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
