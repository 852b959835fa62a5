/* Rollups with a committee: what cannot be made or proposed, members and their signatures, and nodes that
 * have the data or have it not. */
#include "offer.h"

#include <unistd.h>

#include "layer2/rollup/held.h"

/* --- refused ------------------------------------------------------------------------------------ */
#define MADE "{'assets':[{'asset':'DEV'}],'bond':10"

static void a_committee_needs_terms_that_can_be(void **state)
{
    static const char *const terms[] = {
        ",'committee':[{'member':'%s'}]",
        ",'availability':'ledger','committee_threshold':1,'committee':[{'member':'%s'}]",
        ",'availability':'committee','committee_threshold':0,'committee':[{'member':'%s'}]",
        ",'availability':'committee','committee_threshold':2,'committee':[{'member':'%s'}]",
        ",'availability':'committee','availability_window':0,'committee':[{'member':'%s'}]",
        ",'availability':'committee','availability_window':'400d','committee':[{'member':'%s'}]",
    };
    struct buffer many CLEANUP(buffer_close) = { 0 };
    struct scene s;
    const char *bob;

    (void)state;
    scene_open(&s);
    bob = fixture_address(&s.f, "bob");
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        const char *place = strstr(terms[i], "%s");
        char *text AUTO_FREE = text_format(MADE "%.*s%s%s}", (int)(place - terms[i]), terms[i], bob,
                                           place + 2);

        fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create", "%s", text);
    }
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    MADE ",'availability':'committee'}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create", MADE ",'availability_bond':5}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    MADE ",'availability_window':'1h'}");
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    MADE ",'availability':'committee','committee':[{'member':'%s'},{'member':'%s'}]}", bob,
                    bob);
    fixture_refused(&s.f, ERROR_BAD_KEY, "alice", "rollup.create",
                    MADE ",'availability':'committee','committee':[{'member':'%064d'}]}", 5);
    for (int i = 0; i <= COMMITTEE_MAX; i++) {
        char name[16];

        snprintf(name, sizeof(name), "member%d", i);
        buffer_append_format(&many, "%s{'member':'%s'}", i > 0 ? "," : "", fixture_address(&s.f, name));
    }
    fixture_refused(&s.f, ERROR_INVALID_PARAMS, "alice", "rollup.create",
                    MADE ",'availability':'committee','committee':[%s]}", buffer_text(&many));
    scene_close(&s);
}

static void what_is_wrong_with_attestations_is_named(void **state)
{
    struct offer o;
    struct scene s;
    struct hash right;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    right = o.message;
    snprintf(o.members, sizeof(o.members), "bob");
    assert_status(ERROR_TOO_FEW_ATTESTATIONS, offer_propose(&s, &o));
    o.members[0] = '\0';
    assert_status(ERROR_TOO_FEW_ATTESTATIONS, offer_propose(&s, &o));
    snprintf(o.members, sizeof(o.members), "bob alice");
    assert_status(ERROR_NOT_A_MEMBER, offer_propose(&s, &o));
    snprintf(o.members, sizeof(o.members), "bob bob");
    assert_status(ERROR_ATTESTED_TWICE, offer_propose(&s, &o));
    snprintf(o.members, sizeof(o.members), "bob dave bob");
    assert_status(ERROR_ATTESTED_TWICE, offer_propose(&s, &o));
    snprintf(o.members, sizeof(o.members), "bob dave alice"); /* also beside enough others */
    assert_status(ERROR_NOT_A_MEMBER, offer_propose(&s, &o));
    snprintf(o.members, sizeof(o.members), "bob dave");
    o.message.bytes[0] ^= 1; /* over something else */
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &o));
    o.message = right;
    o.data_hash.bytes[0] ^= 1; /* over other data */
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &o));
    o.data_hash.bytes[0] ^= 1;
    o.data_size++;
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &o));
    o.data_size--;
    o.items_root.bytes[0] ^= 1;
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &o));
    o.items_root.bytes[0] ^= 1;
    o.transactions++;
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &o));
    o.transactions--;
    assert_status(OK, offer_propose(&s, &o));
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch_attestation"), 2);
    give_up(&s, &o);
    offer_close(&o);
    scene_close(&s);
}

/* Signed for the same place of another rollup with the same members. */
static void attestations_for_another_epoch_do_not_count(void **state)
{
    struct offer o;
    struct scene s;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    offer_sign_in(&s, &o, 1);
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &o));
    offer_sign(&s, &o);
    assert_status(OK, offer_propose(&s, &o));
    give_up(&s, &o);
    offer_close(&o);
    scene_close(&s);
}

static void attestations_for_another_rollup_do_not_count(void **state)
{
    struct offer here, there;
    struct scene s;
    json_t *made;

    (void)state;
    committee_open(&s);
    offer_make(&s, &here);
    made = fixture_do(&s.f, "alice", "rollup.create",
                      "{'assets':[{'asset':'DEV'}],'bond':%d,'availability':'committee','committee':"
                      "[{'member':'%s'},{'member':'%s'}]}", BOND, fixture_address(&s.f, "bob"),
                      fixture_address(&s.f, "dave"));
    s.domain = (uint64_t)json_integer_value(json_object_get(made, "domain"));
    json_release(&made);
    deposit(&s, "bob", 100);
    offer_make(&s, &there);
    assert_true(hash_equal(&here.items_root, &there.items_root));
    assert_true(hash_equal(&here.data_hash, &there.data_hash));
    there.message = here.message;
    assert_status(ERROR_BAD_ATTESTATION, offer_propose(&s, &there));
    offer_sign(&s, &there);
    assert_status(OK, offer_propose(&s, &there));
    give_up(&s, &there);
    offer_close(&here);
    offer_close(&there);
    scene_close(&s);
}

static void data_comes_the_way_that_the_rollup_says(void **state)
{
    struct offer o;
    struct scene s;
    char *data;
    uint64_t ledger;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    data = offer_data(&o);
    fixture_refused(&s.f, ERROR_WRONG_AVAILABILITY, "alice", "rollup.propose",
                    "{'domain':%" PRIu64 ",'number':1,'root':'%064d','withdrawal_root':'%064d',"
                    "'withdrawals':0,'inbox_to':1,'data':'%s'}", s.domain, 0, 0, data);
    o.transactions = 0;
    assert_status(ERROR_MALFORMED_DATA, offer_propose(&s, &o));
    o.transactions = BATCH_ITEMS_MAX;
    assert_status(ERROR_LIMIT, offer_propose(&s, &o));
    o.transactions = 1;
    o.data_size = 250 * 1024 + 1;
    assert_status(ERROR_MALFORMED_DATA, offer_propose(&s, &o));
    o.data_size = 0;
    assert_status(ERROR_MALFORMED_DATA, offer_propose(&s, &o));
    ledger = s.domain;
    s.domain = 1; /* this node's, all on the ledger */
    deposit(&s, "bob", 100);
    own_refused(&s, ERROR_WRONG_AVAILABILITY, "rollup.propose",
                "{'domain':1,'number':1,'root':'%064d','withdrawal_root':'%064d','withdrawals':0,"
                "'inbox_to':1,"
                "'data_hash':'%064d'}", 0, 0, 1);
    own_refused(&s, ERROR_WRONG_AVAILABILITY, "rollup.propose",
                "{'domain':1,'number':1,'root':'%064d','withdrawal_root':'%064d','withdrawals':0,"
                "'inbox_to':1,"
                "'transactions':1}", 0, 0);
    make_batch(&s);
    s.domain = ledger;
    free(data);
    offer_close(&o);
    scene_close(&s);
}

/* --- a node that has the data ------------------------------------------------------------------- */
#define OWN_COMMITTEE ",'availability':'committee','availability_bond':300,'committee':[{'member':'%s'}]"

/* The story of a rollup, in which nothing but inbox items is on the ledger. */
static void with_its_own_committee_a_node_needs_nobody(void **state)
{
    struct scene s;

    (void)state;
    scene_open_with(&s, OWN_COMMITTEE);
    deposit(&s, "alice", 1000);
    deposit(&s, "bob", 500);
    make_batch(&s);
    transfer(&s, "alice", "bob", 300);
    withdraw(&s, "bob", 250);
    make_batch(&s);
    transfer(&s, "bob", "alice", 50);
    deposit(&s, "carol", 5);
    make_batch(&s);
    assert_int_equal(inside(&s, "alice"), 750);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE data_state = 1"), 2);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch_data WHERE length(data) > 0"), 0);
    check_rebuild(&s);
    scene_crash(&s);
    check_rebuild(&s);
    pass(&s, 1010 * SECOND);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 3);
    assert_int_equal(number_of(&s, "SELECT sum(data_here) FROM v_batch WHERE data_state = 'committee'"), 2);
    scene_close(&s);
}

static void what_is_demanded_a_node_that_has_it_publishes(void **state)
{
    struct scene s;
    int64_t carol;
    char *id;

    (void)state;
    scene_open_with(&s, OWN_COMMITTEE);
    deposit(&s, "alice", 1000);
    make_batch(&s);
    transfer(&s, "alice", "alice", 1);
    make_batch(&s);
    carol = base_balance(&s, "carol");
    id = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 2");
    fixture_run(&s.f, "carol", "rollup.challenge_availability", "{'batch':'%s'}", id);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.availability_answered'", 1);
    assert_int_equal(base_balance(&s, "carol"), carol - 300);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch WHERE data_state = 0"), 2);
    pass(&s, 1010 * SECOND);
    assert_int_equal(number_of(&s, "SELECT final FROM rollup WHERE domain = ?1"), 2);
    free(id);
    scene_close(&s);
}

/* --- members elsewhere -------------------------------------------------------------------------- */
static void open_with_dave(struct scene *s)
{
    struct fixture names;
    char terms[400];

    memset(&names, 0, sizeof(names)); /* a key follows from its name */
    snprintf(terms, sizeof(terms),
             ",'availability':'committee','committee':[{'member':'%%s'},{'member':'%s'}]",
             fixture_address(&names, "dave"));
    scene_open_with(s, terms);
    deposit(s, "alice", 1000);
    make_batch(s);
}

static void attest_elsewhere(struct scene *s, const char *who, const char *as, enum status expected)
{
    json_t *wanted AUTO_JSON = fixture_query(&s->f, "rollup.sealed", "{'domain':%" PRIu64 "}", s->domain);
    struct buffer hex CLEANUP(buffer_close) = { 0 };
    struct signature signature;
    struct reply reply;
    struct hash message;

    assert_true(hex_decode(message.bytes, sizeof(message.bytes),
                           json_string_value(json_object_get(wanted, "message")), 64));
    assert_true(schnorr_sign(fixture_key(&s->f, who)->secret, &message, NULL, &signature));
    buffer_append_hex(&hex, signature.bytes, sizeof(signature.bytes));
    reply = fixture_call(&s->f, "rollup.attested",
                         fixture_json("{'domain':%" PRIu64 ",'member':'%s','signature':'%s'}", s->domain,
                                      fixture_address(&s->f, as), buffer_text(&hex)));
    assert_status(expected, reply.status);
    reply_close(&reply);
}

static void a_batch_waits_for_members_elsewhere(void (*between)(struct scene *s))
{
    struct scene s;

    open_with_dave(&s);
    transfer(&s, "alice", "alice", 1);
    pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.attestation_wanted'", 1);
    between(&s);
    transfer(&s, "alice", "alice", 2); /* is not for this one */
    for (int i = 0; i < 5; i++)
        pass(&s, 12 * SECOND);
    assert_int_equal(number_of(&s, "SELECT head FROM rollup WHERE domain = ?1"), 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.attestation_wanted'"), 1);
    attest_elsewhere(&s, "bob", "bob", ERROR_NOT_A_MEMBER);
    attest_elsewhere(&s, "bob", "dave", ERROR_BAD_ATTESTATION);
    attest_elsewhere(&s, "dave", "dave", OK);
    between(&s);
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 2);
    settle(&s);
    assert_int_equal(number_of(&s, "SELECT items FROM batch WHERE number = 2"), 1);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM batch_attestation"), 2);
    pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.attestation_wanted'", 2);
    between(&s);
    attest_elsewhere(&s, "dave", "dave", OK);
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 3);
    settle(&s);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_pending WHERE state <> 1"), 0);
    scene_close(&s);
}

static void nothing(struct scene *s)
{
    (void)s;
}

static void it_is_proposed_once_enough_have_signed(void **state)
{
    (void)state;
    a_batch_waits_for_members_elsewhere(nothing);
}

static void the_same_when_the_power_goes_while_it_waits(void **state)
{
    (void)state;
    a_batch_waits_for_members_elsewhere(scene_crash);
}

static void a_committee_that_is_silent_does_not_keep_the_inbox_waiting(void **state)
{
    struct scene s;

    (void)state;
    open_with_dave(&s);
    transfer(&s, "alice", "alice", 1);
    pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.attestation_wanted'", 1);
    deposit(&s, "bob", 7);
    for (int i = 0; i < 8; i++)
        pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT inbox_to FROM batch WHERE number = 2", 2);
    settle(&s);
    assert_int_equal(inside(&s, "bob"), 7);
    pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.attestation_wanted'", 2);
    attest_elsewhere(&s, "dave", "dave", OK);
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 3);
    scene_close(&s);
}

static struct reply attest(struct scene *s, const struct offer *o, const char *data)
{
    char root[65], hash[65], parent[65], *own AUTO_FREE = offer_data(o);

    hex_text(root, o->items_root.bytes, sizeof(o->items_root.bytes));
    hex_text(hash, o->data_hash.bytes, sizeof(o->data_hash.bytes));
    hex_text(parent, o->parent.bytes, sizeof(o->parent.bytes));
    return fixture_call(&s->f, "rollup.attest",
                        fixture_json("{'domain':%" PRIu64 ",'number':%" PRIu64 ",'inbox_to':%" PRIu64
                                     ",'parent':'%s','items_root':'%s','data_hash':'%s','data':'%s'}",
                                     o->domain, o->number, o->inbox_to, parent, root, hash,
                                     data == NULL ? own : data));
}

static void attest_comes_to(struct scene *s, const struct offer *o, const char *data, enum status expected)
{
    struct reply reply = attest(s, o, data);

    assert_status(expected, reply.status);
    reply_close(&reply);
}

/* This node has bob's and carol's keys, and sees nothing but the batch's public parts and its data. */
static void a_member_vouches_for_what_it_has_seen_and_keeps_it(void **state)
{
    struct reply reply;
    struct offer o;
    struct scene s;
    struct signature signature;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    attest_comes_to(&s, &o, "789c", ERROR_WRONG_DATA);
    o.items_root.bytes[0] ^= 1;
    attest_comes_to(&s, &o, NULL, ERROR_WRONG_DATA);
    o.items_root.bytes[0] ^= 1;
    o.number++;
    attest_comes_to(&s, &o, NULL, ERROR_WRONG_PARENT);
    o.number--;
    o.inbox_to++;
    attest_comes_to(&s, &o, NULL, ERROR_WRONG_INBOX_RANGE);
    o.inbox_to--;
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_data_held"), 0);
    reply = attest(&s, &o, NULL);
    assert_status(OK, reply.status);
    assert_string_equal(json_string_value(json_object_get(reply.result, "member")),
                        fixture_address(&s.f, "bob"));
    assert_true(hex_decode(signature.bytes, sizeof(signature.bytes),
                           json_string_value(json_object_get(reply.result, "signature")), 128));
    assert_true(schnorr_verify(&fixture_key(&s.f, "bob")->account, o.message.bytes, sizeof(o.message.bytes),
                               &signature));
    reply_close(&reply);
    scene_crash(&s);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM rollup_data_held"), 1);
    assert_status(OK, offer_propose(&s, &o));
    assert_status(OK, demand(&s, "carol", &o));
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.availability_answered'", 1);
    give_up(&s, &o);
    offer_close(&o);
    scene_close(&s);
}

/* --- a batch that waits while the rollup is frozen ------------------------------------------------ */
static void sequence(struct scene *s, bool enabled)
{
    struct reply reply = fixture_call(&s->f, "rollup.sequencer",
                                      fixture_json("{'domain':%" PRIu64 ",'enabled':%s,'batch_time':'10s'}",
                                                   s->domain, enabled ? "true" : "false"));
    struct lane *lane;

    assert_status(OK, reply.status);
    reply_close(&reply);
    lane = lane_lock(s->f.kernel, s->domain); /* nothing is on its way into a batch */
    assert_non_null(lane);
    lane_unlock(lane);
}

/* Sealed, and waiting for dave; carol's deposit is in it, or comes behind it. */
static void freeze_with_a_batch_that_waits(struct scene *s, bool with_deposit)
{
    open_with_dave(s);
    pass(s, 1010 * SECOND);
    if (with_deposit)
        deposit(s, "carol", 7);
    transfer(s, "alice", "alice", 1);
    pass(s, 12 * SECOND);
    wait_until(s, "SELECT count(*) FROM event WHERE type = 'rollup.attestation_wanted'", 1);
    sequence(s, false);
    if (!with_deposit)
        deposit(s, "carol", 7);
    pass(s, 610 * SECOND);
    fixture_run(&s->f, "carol", "rollup.escape", "{'domain':%" PRIu64 "}", s->domain);
    assert_int_equal(number_of(s, "SELECT head FROM rollup WHERE domain = ?1"), 1);
}

static void unfreeze(struct scene *s)
{
    json_release(&(json_t *){ own_do(s, "rollup.unfreeze", "{'domain':%" PRIu64 "}", s->domain) });
    pass(s, 605 * SECOND);
    wait_until(s, "SELECT frozen FROM rollup WHERE domain = ?1", 0);
    sequence(s, true);
}

/* The deposit ended: sealed with it, the batch would tell of items that nobody's data makes any more. */
static void a_batch_sealed_before_a_freeze_is_made_anew(void **state)
{
    struct scene s;
    char *id;

    (void)state;
    freeze_with_a_batch_that_waits(&s, true);
    attest_elsewhere(&s, "dave", "dave", OK);
    unfreeze(&s);
    pass(&s, 24 * SECOND);
    wait_until(&s, "SELECT inbox_to FROM batch WHERE number = 2", 2);
    settle(&s);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.data_missing'"), 0);
    pass(&s, 12 * SECOND);
    wait_until(&s, "SELECT number FROM rollup_sealed WHERE domain = ?1", 3);
    attest_elsewhere(&s, "dave", "dave", OK);
    wait_until(&s, "SELECT head FROM rollup WHERE domain = ?1", 3);
    settle(&s);
    fixture_run(&s.f, "carol", "rollup.challenge_availability", "{'batch':'%s'}",
                id = fixture_sql_text(&s.f, "SELECT lower(hex(id)) FROM batch WHERE number = 3"));
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.availability_answered'", 1);
    free(id);
    scene_close(&s);
}

/* Signed by all, and refused for what left meanwhile: it does not stand in the way for ever. */
static void a_batch_sealed_before_exits_gives_way_to_them(void **state)
{
    struct scene s;
    json_t *proof;

    (void)state;
    freeze_with_a_batch_that_waits(&s, false);
    attest_elsewhere(&s, "dave", "dave", OK);
    proof = exit_proof_of(&s, "alice");
    fixture_run(&s.f, "carol", "rollup.exit_frozen",
                "{'domain':%" PRIu64 ",'account':%" PRId64 ",'asset':'DEV','leaf':'%s','proof':'%s'}",
                s.domain, (int64_t)json_integer_value(json_object_get(proof, "account")),
                json_string_value(json_object_get(proof, "leaf")),
                json_string_value(json_object_get(proof, "proof")));
    json_release(&proof);
    unfreeze(&s);
    pass(&s, 24 * SECOND);
    wait_until(&s, "SELECT inbox_to FROM batch WHERE number = 2", 3);
    settle(&s);
    assert_int_equal(inside(&s, "alice"), 0);
    scene_close(&s);
}

/* --- a node that has not got it ----------------------------------------------------------------- */
static void without_the_data_a_node_says_so_once_and_goes_on_with_it(void **state)
{
    struct reply reply;
    struct offer o;
    struct scene s;
    char *data;

    (void)state;
    committee_open(&s);
    offer_all(&s, &o);
    data = offer_data(&o);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.data_missing'", 1);
    for (int i = 0; i < 10; i++)
        pass(&s, 3 * SECOND);
    scene_restart(&s);
    for (int i = 0; i < 10; i++)
        pass(&s, 3 * SECOND);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM event WHERE type = 'rollup.data_missing'"), 1);
    assert_int_equal(number_of(&s, "SELECT missing FROM v_rollup WHERE domain = ?1"), 1);
    reply = fixture_call_public(&s.f, "rollup.rebuild", fixture_json("{'domain':%" PRIu64 "}", s.domain));
    assert_status(ERROR_DATA_NOT_HELD, reply.status);
    reply_close(&reply);
    reply = fixture_call(&s.f, "rollup.hold_data", fixture_json("{'batch':'%s','data':'00'}", o.hex));
    assert_status(ERROR_WRONG_DATA, reply.status);
    reply_close(&reply);
    reply = fixture_call(&s.f, "rollup.hold_data", fixture_json("{'batch':'%s','data':'%s'}", o.hex, data));
    assert_status(OK, reply.status);
    assert_true(json_is_true(json_object_get(reply.result, "fits")));
    reply_close(&reply);
    wait_until(&s, "SELECT count(*) FROM rollup_verdict WHERE is_right = 0", 1);
    assert_int_equal(number_of(&s, "SELECT missing FROM v_rollup WHERE domain = ?1"), 0);
    give_up(&s, &o);
    free(data);
    offer_close(&o);
    scene_close(&s);
}

static void set_guard_to(struct scene *s, int bond_max)
{
    struct reply reply = fixture_call(&s->f, "rollup.guard",
                                      fixture_json("{'domain':%" PRIu64 ",'bond_max':%d}", s->domain,
                                                   bond_max));

    assert_status(OK, reply.status);
    reply_close(&reply);
}

/* Sweeps, and time for the workers that they wake: 15 s on the ledger. */
static void watch_a_little(struct scene *s)
{
    for (int i = 0; i < 5; i++) {
        fixture_advance(&s->f, 3 * SECOND);
        usleep(20000);
    }
}

static void a_guard_demands_what_is_missing_in_time(void **state)
{
    struct scene s;
    struct offer o;
    int64_t proposed;

    (void)state;
    committee_open(&s);
    offer_all(&s, &o);
    pass(&s, 400 * SECOND);
    set_guard_to(&s, AVAILABILITY_BOND - 1); /* it is not worth so much */
    watch_a_little(&s);
    assert_int_equal(of_batch(&s, &o, "data_state"), DATA_WITHHELD);
    give_up(&s, &o);
    offer_close(&o);
    pass(&s, 610 * SECOND);
    set_guard_to(&s, AVAILABILITY_BOND);
    deposit(&s, "bob", 1);
    offer_all(&s, &o);
    proposed = chain_now(&s);
    until(&s, proposed + 135 * SECOND);
    watch_a_little(&s); /* and a quarter of the window has not passed */
    assert_int_equal(number_of(&s, "SELECT count(*) FROM availability_challenge"), 0);
    pass(&s, 7 * SECOND);
    wait_until(&s, "SELECT count(*) FROM availability_challenge", 1);
    scene_restart(&s);
    pass(&s, 90 * SECOND);
    assert_int_equal(of_batch(&s, &o, "batch.state"), BATCH_REJECTED);
    offer_close(&o);
    scene_close(&s);
}

/* Whoever has the data and sees that it is not what the batch says needs no guard, and no patience. */
static void data_that_is_not_what_the_batch_says_is_shown(void **state)
{
    struct reply reply;
    struct scene s;
    struct offer o;
    char *data;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    o.items_root.bytes[0] ^= 1;
    offer_sign(&s, &o);
    assert_status(OK, offer_propose(&s, &o));
    data = offer_data(&o);
    wait_until(&s, "SELECT count(*) FROM event WHERE type = 'rollup.data_missing'", 1);
    reply = fixture_call(&s.f, "rollup.hold_data", fixture_json("{'batch':'%s','data':'%s'}", o.hex, data));
    assert_status(OK, reply.status);
    assert_true(json_is_false(json_object_get(reply.result, "fits")));
    reply_close(&reply);
    wait_until(&s, "SELECT count(*) FROM batch WHERE state = 4", 1);
    assert_int_equal(of_batch(&s, &o, "c.state"), CHALLENGE_MALFORMED);
    free(data);
    offer_close(&o);
    scene_close(&s);
}

/* The lane looked at another batch with this number, which is gone: what came in its place, with the same
 * data, is right, and a challenge of it would cost the bond. */
static void a_right_batch_is_not_taken_for_the_wrong_one_before_it(void **state)
{
    struct reply reply;
    struct lane *lane;
    struct scene s;
    struct offer o;
    char *data;

    (void)state;
    committee_open(&s);
    offer_make(&s, &o);
    lane = lane_lock(s.f.kernel, s.domain);
    assert_non_null(lane);
    assert_status(OK, offer_propose(&s, &o));
    data = offer_data(&o);
    reply = fixture_call(&s.f, "rollup.hold_data", fixture_json("{'batch':'%s','data':'%s'}", o.hex, data));
    assert_status(OK, reply.status);
    assert_true(json_is_true(json_object_get(reply.result, "fits")));
    reply_close(&reply);
    lane->holds_unfit = true;
    lane_guard(lane);
    lane->holds_unfit = false;
    lane_unlock(lane);
    assert_int_equal(number_of(&s, "SELECT count(*) FROM availability_challenge"), 0);
    give_up(&s, &o);
    free(data);
    offer_close(&o);
    scene_close(&s);
}

int committee_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_committee_needs_terms_that_can_be),
        cmocka_unit_test(what_is_wrong_with_attestations_is_named),
        cmocka_unit_test(attestations_for_another_epoch_do_not_count),
        cmocka_unit_test(attestations_for_another_rollup_do_not_count),
        cmocka_unit_test(data_comes_the_way_that_the_rollup_says),
        cmocka_unit_test(with_its_own_committee_a_node_needs_nobody),
        cmocka_unit_test(what_is_demanded_a_node_that_has_it_publishes),
        cmocka_unit_test(it_is_proposed_once_enough_have_signed),
        cmocka_unit_test(the_same_when_the_power_goes_while_it_waits),
        cmocka_unit_test(a_committee_that_is_silent_does_not_keep_the_inbox_waiting),
        cmocka_unit_test(a_member_vouches_for_what_it_has_seen_and_keeps_it),
        cmocka_unit_test(a_batch_sealed_before_a_freeze_is_made_anew),
        cmocka_unit_test(a_batch_sealed_before_exits_gives_way_to_them),
        cmocka_unit_test(without_the_data_a_node_says_so_once_and_goes_on_with_it),
        cmocka_unit_test(a_guard_demands_what_is_missing_in_time),
        cmocka_unit_test(data_that_is_not_what_the_batch_says_is_shown),
        cmocka_unit_test(a_right_batch_is_not_taken_for_the_wrong_one_before_it),
    };

    return cmocka_run_group_tests_name("committees", tests, NULL, NULL);
}
