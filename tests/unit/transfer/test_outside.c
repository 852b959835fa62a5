/* Outside networks: what the terms say of them is judged when they are set; what a lock on an EVM chain is,
 * from servers that are behind, lie, or tell another time; links that are not what was planned with; and
 * claims that
 * come to nothing for as long as value is to be had. The server of the link here never answers. */
#include "test_transfer.h"

#include "evm_server.h"

#include "crypto/hash.h"
#include "layer2/channel/channel.h"
#include "layer2/payment/payment.h"
#include "layer2/transfer/evm_sight.h"
#include "layer2/transfer/transfer.h"
#include "ledger/ledger.h"
#include "network/evm/evm_client.h"
#include "network/network.h"

#define CONTRACT "0x00000000000000000000000000000000000000c0"
#define THERE "0x00000000000000000000000000000000000000b0"  /* bob's */
#define WALLET "0x00000000000000000000000000000000000000a0" /* alice's */
#define SOMEBODY "0x7777777777777777777777777777777777777777"
#define SECRET_HEX "1111111111111111111111111111111111111111111111111111111111111111"

static const struct network *const networks[] = { &bob_network, NULL };
static const struct module *const modules[] = { &ledger_module, &channel_module, &channel_local_module,
                                                &payment_module, &invoice_module, &network_module,
                                                &transfer_module, NULL };

static void add_link(struct fixture *f, const char *name, const char *key, int confirmations)
{
    json_decref(ask(f, "network.initialize", "{'link':'%s','network':'bob'%s,'options':"
                    "{'url':'http://127.0.0.1:1','confirmations':%d,'withdrawals_root':false}}", name, key,
                    confirmations));
}

static int setup(void **state)
{
    struct fixture *f = memory_new(sizeof(*f));

    network_use(networks);
    market_start_with(f, modules);
    add_link(f, "bobs", ",'key':'bob'", 1);
    add_link(f, "alices", ",'key':'alice'", 1);
    add_link(f, "deep", ",'key':'carol'", 20);
    add_link(f, "new", "", 1);
    fixture_tamper(f, "UPDATE network_link SET account = '" THERE "', chain = '60808';"
                      "UPDATE network_link SET account = '" WALLET "' WHERE name = 'alices';"
                      "UPDATE network_link SET account = NULL, chain = NULL WHERE name = 'new'");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fixture_stop(f);
    memory_free_pointer(state);
    return 0;
}

static enum status offer(struct fixture *f, const char *source, const char *destination, const char *outside)
{
    char *with AUTO_FREE = outside == NULL ? text_format("%s", "") : text_format(",'outside':%s", outside);
    struct reply reply = fixture_call(f, "transfer.provider_terms", fixture_json(
        "{'provider':'%s','asset':'GOLD','source':'%s','destination':'%s','most':100000%s}",
        fixture_address(f, "bob"), source, destination, with));
    enum status status = reply.status;

    reply_close(&reply);
    return status;
}

/* --- terms -------------------------------------------------------------------------------------------- */
#define BARE "'contract':'" CONTRACT "'"
#define GOOD BARE ",'units':'1'"

static void terms_that_are_none_are_refused_when_they_are_set(void **state)
{
    static const char *const bad[] = {
        "{" BARE "}", /* a wei for one here: nobody means that by silence */
        "'no'", "[]", "{}", "{'contract':'0x12'}", "{'contract':12}", "{'contract':'" CONTRACT "00'}",
        "{'contract':'0x0000000000000000000000000000000000000000'}",
        "{" GOOD ",'token':''}", "{" GOOD ",'token':'" CONTRACT "'}", "{" GOOD ",'token':null}",
        "{" BARE ",'units':1000000000}", "{" BARE ",'units':'0'}", "{" BARE ",'units':'000'}",
        "{" BARE ",'units':'-1'}", "{" BARE ",'units':'1.5'}", "{" BARE ",'units':'0x10'}",
        "{" BARE ",'units':''}",
        "{" GOOD ",'confirmations':0}", "{" GOOD ",'confirmations':'12'}", "{" GOOD ",'confirmations':-1}",
        "{" GOOD ",'confirmations':100001}",
        "{" GOOD ",'block_s':0}", "{" GOOD ",'block_s':'12'}", "{" GOOD ",'skew_s':-1}",
        "{" GOOD ",'skew_s':true}",
        "{" GOOD ",'confirmation':12}", "{" GOOD ",'lightning':{}}",
        "{" GOOD ",'wallet':'alices'}", "{" GOOD ",'wallet':{'link':'alices'}}",
        "{" GOOD ",'wallet':{'link':'alices','account':'nobody'}}",
        "{" GOOD ",'wallet':{'account':'$'}}",
        "{" GOOD ",'wallet':{'link':'alices','account':'$','key':'x'}}",
        "{" GOOD ",'wallet':{'link':'bobs','account':'$'}}", /* he would lock for himself */
        NULL,
    };
    struct fixture *f = *state;

    for (size_t i = 0; bad[i] != NULL; i++) {
        char *text AUTO_FREE = text_copy(bad[i]);
        char *place = strchr(text, '$'), *with = NULL;

        if (place != NULL) {
            *place = '\0';
            with = text_format("%s%s%s", text, fixture_address(f, "alice"), place + 1);
        }
        if (offer(f, "base", "evm:bobs", place == NULL ? text : with) != ERROR_INVALID_PARAMS)
            fail_msg("taken, or refused by another error: %s", bad[i]);
        free(with);
    }
    assert_int_equal(offer(f, "base", "evm:bobs", NULL), ERROR_INVALID_PARAMS);
    assert_int_equal(offer(f, "base", "channel", "{" GOOD "}"), ERROR_INVALID_PARAMS);
    assert_int_equal(offer(f, "base", "evm:none", "{" GOOD "}"), ERROR_NETWORK_LINK_NOT_FOUND);
    assert_int_equal(offer(f, "base", "evm:new", "{" GOOD "}"), ERROR_NETWORK_NOT_CONNECTED);
    assert_int_equal(offer(f, "evm:bobs", "evm:new", "{" GOOD "}"), ERROR_INVALID_PARAMS);
    char *nowhere AUTO_FREE = text_format("{" GOOD ",'wallet':{'link':'none','account':'%s'}}",
                                          fixture_address(f, "alice"));
    assert_int_equal(offer(f, "base", "evm:bobs", nowhere), ERROR_NETWORK_LINK_NOT_FOUND);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM transfer_terms WHERE destination LIKE 'evm:%'"), 0);
    char *all AUTO_FREE = text_format("{" BARE ",'token':'" SOMEBODY "','units':'1000000000',"
                                      "'confirmations':1,"
                                      "'block_s':1,'skew_s':0,'wallet':{'link':'alices','account':'%s'}}",
                                      fixture_address(f, "alice"));
    assert_int_equal(offer(f, "base", "evm:bobs", all), OK);
    assert_int_equal(offer(f, "evm:bobs", "base", "{" GOOD "}"), OK);
}

/* Of the terms' number and the link's the greater one counts. */
static void terms_say_no_fewer_confirmations_than_the_link(void **state)
{
    struct fixture *f = *state;
    char id[65];

    assert_int_equal(offer(f, "base", "evm:deep", "{" GOOD ",'confirmations':19}"), ERROR_INVALID_PARAMS);
    assert_int_equal(offer(f, "base", "evm:deep", "{" GOOD ",'confirmations':20}"), OK);
    assert_int_equal(offer(f, "base", "evm:deep", "{" GOOD "}"), OK); /* 12, unless they say */
    start(f, "alice", "base", "evm:deep", SOMEBODY, 1000, "", id);
    assert_int_equal(fixture_sql(f, "SELECT detail ->> 'confirmations' FROM transfer_leg WHERE side = 1"),
                     20);
}

/* Nor is a lock waited for until the end of time, which would be no time at all when it does not fit. */
static void a_link_that_counts_nothing_is_no_place_for_a_transfer(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(offer(f, "base", "evm:deep", "{" GOOD "}"), OK);
    fixture_tamper(f, "UPDATE network_link SET options = json_set(options, '$.confirmations', 400000000000)"
                      " WHERE name = 'deep'");
    start_refused(f, ERROR_TRANSFER_TERMS_NOT_FOUND, "alice", "base", "evm:deep", SOMEBODY, 1000, "");
}

static void nobody_transfers_to_the_contract_the_provider_or_from_himself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(offer(f, "base", "evm:bobs", "{" GOOD ",'token':'" SOMEBODY "'}"), OK);
    assert_int_equal(offer(f, "evm:bobs", "base", "{" GOOD "}"), OK);
    start_refused(f, ERROR_TRANSFER_RECIPIENT, "alice", "base", "evm:bobs", CONTRACT, 1000, "");
    start_refused(f, ERROR_TRANSFER_RECIPIENT, "alice", "base", "evm:bobs", SOMEBODY, 1000, "");
    start_refused(f, ERROR_SAME_ACCOUNT, "alice", "base", "evm:bobs", THERE, 1000, "");
    start_refused(f, ERROR_SAME_ACCOUNT, "dave", "evm:bobs", "base", "carol", 1000,
                  ",'account_there':'" THERE "','hash':'" SECRET_HEX "'");
}

static void quote(struct fixture *f, const char *destination, char id[65])
{
    struct reply reply = fixture_call(f, "transaction.submit", fixture_sign(f, "alice", "transfer.quote",
        fixture_json("{'asset':'GOLD','source':'base','destination':'%s','amount':1000}", destination)));

    assert_int_equal(reply.status, OK);
    strcpy(id, json_string_value(json_object_get(json_object_get(reply.result, "result"), "quote")));
    reply_close(&reply);
}

/* How much arrives there is what the terms say a unit is worth: as much part of the price as the fee is. */
static void a_quote_does_not_hold_when_the_rate_is_another(void **state)
{
    struct fixture *f = *state;
    char id[65], transfer[65];

    assert_int_equal(offer(f, "base", "evm:bobs", "{" BARE ",'units':'1000000000'}"), OK);
    quote(f, "evm:bobs", id);
    char *first AUTO_FREE = text_format(",'quote':'%s'", id);
    quote(f, "evm:bobs", id);
    char *second AUTO_FREE = text_format(",'quote':'%s'", id);
    start(f, "alice", "base", "evm:bobs", SOMEBODY, 1000, first, transfer);
    assert_int_equal(offer(f, "base", "evm:bobs", "{" BARE ",'units':'1'}"), OK);
    start_refused(f, ERROR_TRANSFER_QUOTE_ENDED, "alice", "base", "evm:bobs", SOMEBODY, 1000, second);
    quote(f, "evm:bobs", id);
    char *third AUTO_FREE = text_format(",'quote':'%s'", id);
    start(f, "alice", "base", "evm:bobs", SOMEBODY, 1000, third, transfer);
    /* here a unit is a unit, and the fee is the quote's */
    quote(f, "base", id);
    char *here AUTO_FREE = text_format(",'quote':'%s'", id);
    assert_int_equal(offer(f, "base", "base", NULL), OK);
    start(f, "alice", "base", "base", "carol", 1000, here, transfer);
}

/* --- what a lock is ------------------------------------------------------------------------------------ */
#define SECOND ((int64_t)1000000)
#define DEADLINE (10000 * SECOND)
static struct evm_glance glance(bool is_source, enum transfer_state at, enum evm_swap_state newest,
                                enum evm_swap_state settled, int64_t now_us)
{
    return (struct evm_glance){ .is_source = is_source, .state = at, .newest = newest, .settled = settled,
                                .chain_us = now_us, .now_us = now_us, .deadline_us = DEADLINE,
                                .lock_until_us = 300 * SECOND,
                                .timing = { .depth_us = 60 * SECOND, .skew_us = 10 * SECOND } };
}

static enum sight seen(bool is_source, enum transfer_state at, enum evm_swap_state newest,
                       enum evm_swap_state settled, int64_t now_us)
{
    struct evm_glance g = glance(is_source, at, newest, settled, now_us);

    return evm_sight(&g);
}

static void a_lock_that_a_server_does_not_show_for_a_moment_may_come_again(void **state)
{
    (void)state;
    /* the account has until lock_until, and what it locked then becomes deep */
    assert_int_equal(seen(true, TRANSFER_INITIATED, EVM_SWAP_NONE, EVM_SWAP_NONE, 359 * SECOND),
                     SIGHT_NONE);
    assert_int_equal(seen(true, TRANSFER_INITIATED, EVM_SWAP_NONE, EVM_SWAP_NONE, 360 * SECOND),
                     SIGHT_NEVER);
    /* a lock that went with its block, or that a server behind has not seen: the provider would never claim
     * it */
    for (int at = TRANSFER_SOURCE_LOCKED; at <= TRANSFER_CLAIMED; at++) {
        assert_int_equal(seen(true, (enum transfer_state)at, EVM_SWAP_NONE, EVM_SWAP_NONE,
                              DEADLINE - 1), SIGHT_NONE);
        assert_int_equal(seen(true, (enum transfer_state)at, EVM_SWAP_NONE, EVM_SWAP_NONE,
                              DEADLINE + 60 * SECOND), SIGHT_NEVER);
        /* what is deep is there */
        assert_int_equal(seen(true, (enum transfer_state)at, EVM_SWAP_NONE, EVM_SWAP_LOCKED, SECOND),
                         SIGHT_LOCKED);
        assert_int_equal(seen(false, (enum transfer_state)at, EVM_SWAP_NONE, EVM_SWAP_CLAIMED,
                              SECOND), SIGHT_CLAIMED);
    }
    struct evm_glance g = glance(true, TRANSFER_INITIATED, EVM_SWAP_NONE, EVM_SWAP_NONE, 360 * SECOND);
    g.may_come = true;
    assert_int_equal(evm_sight(&g), SIGHT_NONE);
}

static void what_may_still_come_matters_where_nothing_is_seen_alone(void **state)
{
    (void)state;
    for (int newest = EVM_SWAP_NONE; newest <= EVM_SWAP_REFUNDED; newest++) {
        for (int at = TRANSFER_INITIATED; at <= TRANSFER_CLAIMED; at++) {
            struct evm_glance g = glance(true, (enum transfer_state)at, (enum evm_swap_state)newest,
                                         EVM_SWAP_NONE, SECOND);

            assert_int_equal(evm_sight_is_open(&g), newest == EVM_SWAP_NONE && at == TRANSFER_INITIATED);
            g.is_source = false;
            assert_int_equal(evm_sight_is_open(&g), newest == EVM_SWAP_NONE && at == TRANSFER_SOURCE_LOCKED);
            g.settled = EVM_SWAP_LOCKED;
            assert_false(evm_sight_is_open(&g));
        }
    }
}

/* Or the source would wait for the destination's time, for nothing. */
static void a_destination_that_can_come_no_more_is_over(void **state)
{
    struct evm_glance g = glance(false, TRANSFER_SOURCE_LOCKED, EVM_SWAP_NONE, EVM_SWAP_NONE, SECOND);

    (void)state;
    assert_int_equal(evm_sight(&g), SIGHT_NONE);
    g.is_void = true;
    assert_int_equal(evm_sight(&g), SIGHT_NEVER);
    g.newest = EVM_SWAP_LOCKED;
    assert_int_equal(evm_sight(&g), SIGHT_SHALLOW);
    g.newest = EVM_SWAP_NONE;
    g.state = TRANSFER_DESTINATION_LOCKED; /* it was there for good once: a server that is behind */
    assert_int_equal(evm_sight(&g), SIGHT_NONE);
}

static void a_server_that_tells_another_time_ends_nothing(void **state)
{
    struct evm_glance g = glance(false, TRANSFER_SOURCE_LOCKED, EVM_SWAP_NONE, EVM_SWAP_NONE, 0);

    (void)state;
    g.now_us = DEADLINE - 1; /* nothing is locked, it says, and nothing can be, for it is next year */
    g.chain_us = 4 * DEADLINE;
    assert_int_equal(evm_sight(&g), SIGHT_NONE);
    g.now_us = DEADLINE;
    assert_int_equal(evm_sight(&g), SIGHT_NEVER);
    g.chain_us = DEADLINE + 60 * SECOND - 1; /* by its clock a lock may still come */
    assert_int_equal(evm_sight(&g), SIGHT_NONE);
    g.newest = g.settled = EVM_SWAP_REFUNDED;
    g.now_us = DEADLINE - 10 * SECOND - 1; /* it cannot have gone back yet */
    assert_int_equal(evm_sight(&g), SIGHT_SHALLOW);
    g.now_us = DEADLINE - 10 * SECOND;
    assert_int_equal(evm_sight(&g), SIGHT_RETURNED);
    g.settled = EVM_SWAP_LOCKED;
    assert_int_equal(evm_sight(&g), SIGHT_SHALLOW);
}

static void what_is_not_deep_is_not_relied_on(void **state)
{
    (void)state;
    assert_int_equal(seen(true, TRANSFER_INITIATED, EVM_SWAP_LOCKED, EVM_SWAP_NONE, 0), SIGHT_SHALLOW);
    assert_int_equal(seen(true, TRANSFER_INITIATED, EVM_SWAP_LOCKED, EVM_SWAP_LOCKED, 0), SIGHT_LOCKED);
    assert_int_equal(seen(true, TRANSFER_CLAIMED, EVM_SWAP_CLAIMED, EVM_SWAP_LOCKED, 0),
                     SIGHT_CLAIMING);
    assert_int_equal(seen(true, TRANSFER_CLAIMED, EVM_SWAP_CLAIMED, EVM_SWAP_CLAIMED, 0), SIGHT_CLAIMED);
}

static void a_clock_that_is_ahead_or_stands_still_is_not_relied_on(void **state)
{
    const struct leg_timing t = { .depth_us = 60 * SECOND, .skew_us = 10 * SECOND };

    (void)state;
    assert_null(evm_clock_fault(1010 * SECOND, 1000 * SECOND, &t, true));
    assert_non_null(evm_clock_fault(1010 * SECOND + 1, 1000 * SECOND, &t, true));
    assert_non_null(evm_clock_fault(1010 * SECOND + 1, 1000 * SECOND, &t, false));
    assert_null(evm_clock_fault(930 * SECOND, 1000 * SECOND, &t, true));
    assert_non_null(evm_clock_fault(930 * SECOND - 1, 1000 * SECOND, &t, true));
    assert_null(evm_clock_fault(0, 1000 * SECOND, &t, false)); /* the provider has but more time */
}

/* Of servers behind one name the next may have seen less: what is on record as claimed for good is not locked
 * again, or the transfer would end settled with one side of it locked. */
static void a_claim_that_is_there_for_good_is_not_taken_back_by_a_look(void **state)
{
    (void)state;
    for (int sight = SIGHT_NONE; sight < SIGHTS; sight++) {
        enum sight shown = (enum sight)sight;

        assert_int_equal(sight_to_keep(TRANSFER_CLAIMED, true, SIGHT_CLAIMED, shown), SIGHT_CLAIMED);
        assert_int_equal(sight_to_keep(TRANSFER_CLAIMED, false, SIGHT_CLAIMED, shown), shown);
        assert_int_equal(sight_to_keep(TRANSFER_DESTINATION_LOCKED, true, SIGHT_CLAIMING, shown), shown);
    }
}

static void a_time_past_all_time_is_no_early_one(void **state)
{
    const struct leg_timing t = { .depth_us = 60 * SECOND, .skew_us = 10 * SECOND };
    const int64_t last_s = (int64_t)INTEGER_MAX; /* what a server may say, at most */

    (void)state;
    assert_int_equal(evm_chain_us(1700000000), 1700000000 * SECOND);
    for (int64_t s = last_s; s > INT64_MAX / SECOND; s -= last_s / 1000)
        assert_non_null(evm_clock_fault(evm_chain_us(s), 1700000000 * SECOND, &t, true));
}

static void claims_are_looked_for_from_before_the_transfer_on(void **state)
{
    (void)state;
    assert_int_equal(evm_search_start(5000, 100 * SECOND), 3900);
    assert_int_equal(evm_search_start(5000, 0), 4000);
    assert_int_equal(evm_search_start(5000, -SECOND), 4000); /* the clock went back */
    assert_int_equal(evm_search_start(1000, 0), 0);
    assert_int_equal(evm_search_start(5000, INT64_MAX), 0);
}

/* --- links and writes ------------------------------------------------------------------------------------
 * */
static void begin_to_bob(struct fixture *f, char id[65])
{
    assert_int_equal(offer(f, "base", "evm:bobs", "{" GOOD ",'confirmations':1,'block_s':1,'skew_s':1}"), OK);
    start(f, "alice", "base", "evm:bobs", SOMEBODY, 1000, ",'timeout':'1h'", id);
    await_state(f, id, TRANSFER_SOURCE_LOCKED);
}

static void a_server_that_does_not_answer_is_told(void **state)
{
    struct fixture *f = *state;
    char id[65];

    begin_to_bob(f, id);
    await_sql(f, "SELECT tries > 0 FROM transfer_leg WHERE side = 1 AND transfer = x'$'", id, 1);
    /* a lock there takes four, and the window is a thousandth of five minutes */
    fixture_advance(f, 5 * SECOND);
    await_sql(f, "SELECT count(*) > 0 FROM event WHERE type = 'transfer.stuck' AND subject = 'transfer/$'"
                 " AND body ->> 'what' = 'lock_destination' AND body ->> 'reason' IS NOT NULL", id, 1);
    /* both are locked, and whether the recipient claims is not seen */
    fixture_tamper(f, "UPDATE transfer SET state = 2, secret = 1, reason = NULL;"
                      "UPDATE transfer_leg SET sight = 3, told_us = 0, unseen_us = 0");
    for (int i = 0; i < 3; i++) {
        fixture_advance(f, 3 * SECOND);
        await_sql(f, "SELECT count(*) FROM effect WHERE kind LIKE 'transfer.%'", "", 0);
    }
    await_sql(f, "SELECT count(*) > 0 FROM event JOIN transfer_leg ON side = 0 WHERE type = 'transfer.stuck'"
                 " AND subject = 'transfer/$' AND body ->> 'what' = 'look' AND body ->> 'side' ="
                 " 'destination'"
                 " AND body ->> 'deadline_us' = expiry_us AND body ->> 'reason' LIKE 'looking at the"
                 " dest%'", id, 1);
}

/* What is locked by another key, or on another chain, would be seen by nobody here. */
static void a_link_that_was_made_anew_with_another_key_or_chain_locks_nothing(void **state)
{
    static const char *const changes[][2] = {
        { "UPDATE network_link SET account = '" SOMEBODY "' WHERE name = 'bobs'", "%has not the key%" },
        { "UPDATE network_link SET account = '" THERE "', chain = '1' WHERE name = 'bobs'",
          "%not of the chain 60808%" },
        { "UPDATE network_link SET chain = '60808', network = 'liquid' WHERE name = 'bobs'",
          "%not of the chain 60808%" },
    };
    struct fixture *f = *state;
    char id[65];

    begin_to_bob(f, id);
    for (size_t i = 0; i < 3; i++) {
        char *sql AUTO_FREE = text_format("SELECT count(*) FROM transfer WHERE reason LIKE '%s'",
                                          changes[i][1]);

        fixture_tamper(f, "UPDATE transfer SET reason = NULL");
        fixture_tamper(f, changes[i][0]);
        for (int k = 0; k < 2000 && fixture_sql(f, sql) == 0; k++) {
            const struct timespec nap = { .tv_nsec = 20000000 };

            if (k % 50 == 0) /* a look takes as long as it takes: the clock does not run away from it */
                fixture_advance(f, 60 * SECOND);
            nanosleep(&nap, NULL);
        }
        if (fixture_sql(f, sql) != 1)
            fail_msg("%s: nothing was said", changes[i][0]);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_operation WHERE request_key LIKE"
                                    " 'transfer/%'"), 0);
}

/* It ended after twenty once, and nobody heard of it. */
static void a_claim_goes_on_however_often_its_writes_came_to_nothing(void **state)
{
    struct fixture *f = *state;
    struct hash secret, hash;
    char id[65], hex[65];

    memset(secret.bytes, 0x11, sizeof(secret.bytes));
    sha256(&hash, secret.bytes, sizeof(secret.bytes));
    hex_text(hex, hash.bytes, sizeof(hash.bytes));
    assert_int_equal(offer(f, "evm:bobs", "base", "{" GOOD ",'confirmations':1,'block_s':1,'skew_s':1}"), OK);
    char *more AUTO_FREE = text_format(",'timeout':'20h','account_there':'" SOMEBODY "','hash':'%s'", hex);
    start(f, "dave", "evm:bobs", "base", "dave", 1000, more, id);
    char *claimed AUTO_FREE = text_format(
        "UPDATE network_link SET state = 'connected';"
        "UPDATE transfer SET state = 3, awaited = 0, preimage = x'" SECRET_HEX "';"
        "UPDATE transfer_leg SET sight = iif(side = 0, 3, 5);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
        " INSERT INTO network_operation (id, link, operation, request, request_key, timeout_us, state,"
        " code, error, asked_us, ended_us) SELECT randomblob(16), l.id, 'submit_transaction', '{}',"
        " 'transfer/%s/source/claim/' || i, 1, 'failed', 1, 'x', 1, 1 FROM n, network_link AS l"
        " WHERE l.name = 'bobs';"
        "INSERT INTO network_write (number, link, kind, state, settled, retries, sends, give_up_us, reason)"
        " SELECT number, link, 'submit', 'rejected', 1, 0, 0, 1, 'no gas'"
        " FROM network_operation WHERE request_key LIKE 'transfer/%%'", id);
    fixture_tamper(f, claimed);
    fixture_advance(f, 10 * SECOND); /* when it is looked at again */
    char *next AUTO_FREE = text_format("SELECT count(*) FROM network_operation WHERE state = 'queued' AND"
                                       " request_key = 'transfer/%s/source/claim/41'", id);
    await_sql(f, "SELECT count(*) FROM transfer WHERE id = x'$' AND"
                 " reason = 'claim_source: write 40 came to nothing, the next is under way: no gas'", id, 1);
    await_sql(f, next, "", 1);
    fixture_advance(f, 5 * SECOND);
    await_sql(f, "SELECT count(*) > 0 FROM event WHERE type = 'transfer.stuck' AND subject = 'transfer/$'"
                 " AND body ->> 'what' = 'claim_source'", id, 1);
    json_decref(ask(f, "transfer.retry", "{'transfer':'%s'}", id));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_operation WHERE request_key LIKE"
                                    " 'transfer/%'"), 41); /* the one under way is waited for */
}

/* The lock that a link was asked for, as the network module has it when a server said no to it. */
static void deny_lock(struct fixture *f, const char *id, const char *side, const char *link)
{
    char *sql AUTO_FREE = text_format(
        "INSERT INTO network_operation (id, link, operation, request, request_key, timeout_us, state,"
        " code, error, asked_us, ended_us) SELECT randomblob(16), id, 'submit_transaction', '{}',"
        " 'transfer/%s/%s/lock/1', 1, 'failed', 1, 'x', 1, 1 FROM network_link WHERE name = '%s';"
        "INSERT INTO network_write (number, link, kind, state, settled, raw, transaction_id, retries, sends,"
        " give_up_us, reason) SELECT number, link, 'submit', 'rejected', 1, x'02', '0x%s', 0, 1, 1, 'no gas'"
        " FROM network_operation WHERE request_key LIKE 'transfer/%s/%%'", id, side, link, id, id);

    fixture_tamper(f, sql);
}

/* Signed bytes that a server has said no to are not back: it may mine them later, and what they lock would be
 * nobody's matter. */
static void a_lock_that_a_server_was_sent_and_refused_does_not_end_the_transfer(void **state)
{
    struct fixture *f = *state;
    char *outside AUTO_FREE = text_format("{" GOOD ",'confirmations':1,'block_s':1,'skew_s':1,"
                                          "'wallet':{'link':'alices','account':'%s'}}",
                                          fixture_address(f, "alice"));
    char id[65];

    assert_int_equal(offer(f, "evm:bobs", "base", outside), OK);
    start(f, "alice", "evm:bobs", "base", "carol", 1000, ",'timeout':'1h'", id);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, 1);
    deny_lock(f, id, "source", "alices");
    fixture_advance(f, 2 * SECOND);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, 2);
    await_sql(f, "SELECT asked AND NOT refused FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, 1);
    await_state(f, id, TRANSFER_INITIATED);
    /* nor is it asked for again: it could be locked twice */
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM network_write"), 1);
    /* what no server ever saw is over when it is refused */
    fixture_tamper(f, "UPDATE network_write SET raw = NULL, transaction_id = NULL");
    fixture_advance(f, 5 * SECOND);
    await_state(f, id, TRANSFER_FAILED);
}

/* An account with a secret of his own could claim it, and have the source back. */
static void a_destination_that_a_server_was_sent_and_refused_is_not_over(void **state)
{
    struct fixture *f = *state;
    char id[65];

    begin_to_bob(f, id);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 1 AND transfer = x'$'", id, 1);
    deny_lock(f, id, "destination", "bobs");
    fixture_advance(f, 2 * SECOND);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 1 AND transfer = x'$'", id, 2);
    assert_int_equal(fixture_sql(f, "SELECT asked FROM transfer_leg WHERE side = 1"), 1);
    fixture_tamper(f, "UPDATE network_write SET raw = NULL, transaction_id = NULL");
    fixture_advance(f, 5 * SECOND);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 1 AND transfer = x'$'", id, 3);
    assert_int_equal(fixture_sql(f, "SELECT asked FROM transfer_leg WHERE side = 1"), 0);
}

/* --- with a server ------------------------------------------------------------------------------------- */
#define NUMBER 7 /* of the write that was refused */

static int setup_with_server(void **state)
{
    char *sql AUTO_FREE = text_format("UPDATE network_link SET state = 'connected', options ="
                                      " json_set(options, '$.url', 'http://127.0.0.1:%u')"
                                      " WHERE name = 'bobs'", evm_server_start());

    (void)setup(state);
    fixture_tamper(*state, sql);
    return 0;
}

static int teardown_with_server(void **state)
{
    (void)teardown(state);
    evm_server_stop();
    return 0;
}

/* Alice's wallet was refused the lock, which the terms want four blocks deep, the link but one. */
static void refused_by_the_wallets_server(struct fixture *f, const struct evm_server_chain *chain,
                                          char id[65])
{
    char *outside AUTO_FREE = text_format("{" GOOD ",'confirmations':4,'block_s':1,'skew_s':1,"
                                          "'wallet':{'link':'alices','account':'%s'}}",
                                          fixture_address(f, "alice"));

    evm_server_set(chain);
    assert_int_equal(offer(f, "evm:bobs", "base", outside), OK);
    start(f, "alice", "evm:bobs", "base", "carol", 1000, ",'timeout':'1h','hash':'" SECRET_HEX "'", id);
    await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, 1);
    deny_lock(f, id, "source", "alices");
    char *number AUTO_FREE = text_format("UPDATE network_write SET sequence = %d", NUMBER);
    fixture_tamper(f, number);
}

/* Between the link's depth and the lock's a reorganisation brings it back, and nobody would take it back. */
static void a_refused_lock_is_over_once_its_number_is_used_as_deep_as_a_lock_must_be(void **state)
{
    struct evm_server_chain chain = { .newest = 20, .used_in = 20, .number = NUMBER };
    struct fixture *f = *state;
    char id[65];

    refused_by_the_wallets_server(f, &chain, id);
    for (int tries = 2; tries <= 4; tries++, chain.newest++) {
        evm_server_set(&chain);
        fixture_advance(f, 5 * SECOND);
        await_sql(f, "SELECT tries FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id, tries);
        await_sql(f, "SELECT asked AND NOT refused FROM transfer_leg WHERE side = 0 AND transfer = x'$'", id,
                  1);
        await_sql(f, "SELECT reason LIKE '%has it signed%' FROM transfer WHERE id = x'$'", id, 1);
        await_state(f, id, TRANSFER_INITIATED);
    }
    evm_server_set(&chain);
    fixture_advance(f, 10 * SECOND);
    await_state(f, id, TRANSFER_FAILED);
}

/* Nor does a server that cannot tell of transactions end it, or make a look fail. */
static void a_refused_lock_is_looked_for_without_word_of_transactions(void **state)
{
    struct evm_server_chain chain = { .newest = 20, .tells_no_transactions = true };
    struct fixture *f = *state;
    char id[65];

    refused_by_the_wallets_server(f, &chain, id);
    fixture_advance(f, 3600 * SECOND / 10);
    await_sql(f, "SELECT count(*) FROM effect WHERE kind LIKE 'transfer.%'", "", 0);
    await_state(f, id, TRANSFER_INITIATED);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM transfer_leg WHERE unseen_us <> 0"), 0);
}

int outside_tests(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(terms_that_are_none_are_refused_when_they_are_set),
        TEST(terms_say_no_fewer_confirmations_than_the_link),
        TEST(a_quote_does_not_hold_when_the_rate_is_another),
        TEST(nobody_transfers_to_the_contract_the_provider_or_from_himself),
        cmocka_unit_test(a_lock_that_a_server_does_not_show_for_a_moment_may_come_again),
        cmocka_unit_test(what_may_still_come_matters_where_nothing_is_seen_alone),
        cmocka_unit_test(a_destination_that_can_come_no_more_is_over),
        cmocka_unit_test(a_server_that_tells_another_time_ends_nothing),
        cmocka_unit_test(what_is_not_deep_is_not_relied_on),
        cmocka_unit_test(a_clock_that_is_ahead_or_stands_still_is_not_relied_on),
        cmocka_unit_test(a_claim_that_is_there_for_good_is_not_taken_back_by_a_look),
        cmocka_unit_test(a_time_past_all_time_is_no_early_one),
        cmocka_unit_test(claims_are_looked_for_from_before_the_transfer_on),
        TEST(a_link_that_counts_nothing_is_no_place_for_a_transfer),
        TEST(a_server_that_does_not_answer_is_told),
        TEST(a_link_that_was_made_anew_with_another_key_or_chain_locks_nothing),
        TEST(a_claim_goes_on_however_often_its_writes_came_to_nothing),
        TEST(a_lock_that_a_server_was_sent_and_refused_does_not_end_the_transfer),
        TEST(a_destination_that_a_server_was_sent_and_refused_is_not_over),
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_with_server, teardown_with_server)
        TEST(a_refused_lock_is_over_once_its_number_is_used_as_deep_as_a_lock_must_be),
        TEST(a_refused_lock_is_looked_for_without_word_of_transactions),
#undef TEST
    };

    return cmocka_run_group_tests_name("outside", tests, NULL, NULL);
}
