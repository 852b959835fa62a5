/* Keys that accounts stand by, and proofs on record. */
#include "test_proving.h"

static const struct module *const proving_modules[] = { &proof_module, NULL };

#define EVENTS(type) "SELECT count(*) FROM event WHERE type = '" type "'"

static int setup(void **state)
{
    struct fixture *f = memory_new(sizeof *f);

    fixture_start(f, NETWORK_DEV, proving_modules);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fixture_audit(f);
    fixture_replay(f);
    fixture_stop(f);
    memory_free_pointer(state);
    return 0;
}

static void make(struct fixture *f, struct made *made, enum claim_system system, unsigned variant)
{
    made_of(made, system, kernel_chain(f->kernel), PURPOSE, variant);
}

static char *hex_of(struct bytes bytes)
{
    char *text = memory_new(2 * bytes.size + 1);

    hex_text(text, bytes.data, bytes.size);
    return text;
}

static enum status list_key(struct fixture *f, const char *who, const struct made *made)
{
    char *key AUTO_FREE = hex_of(made->claim.key);

    return fixture_try(f, who, "proof.key_add", fixture_json("{'key':'%s','title':'sums'}", key), NULL);
}

/* The hash of the key, as the node says it. */
static char *key_hash(struct fixture *f)
{
    return fixture_sql_text(f, "SELECT lower(hex(hash)) FROM verification_key LIMIT 1");
}

static enum status verify(struct fixture *f, const char *who, const struct made *made)
{
    return fixture_try(f, who, "proof.verify", made_params(made), NULL);
}

static void a_proof_that_holds_is_recorded_once_for_an_account(void **state)
{
    struct fixture *f = *state;
    struct made made;

    for (int system = CLAIM_HALF_AGGREGATE; system <= CLAIM_RING; system++) {
        make(f, &made, (enum claim_system)system, 1);
        assert_int_equal(verify(f, "alice", &made), OK);
        assert_int_equal(verify(f, "alice", &made), ERROR_PROOF_RECORDED);
        assert_int_equal(verify(f, "bob", &made), OK); /* whoever copies it takes nobody's place */
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verified_proof"), 6);
    assert_int_equal(fixture_sql(f, "SELECT count(DISTINCT claim) FROM verified_proof"), 3);
    assert_int_equal(fixture_sql(f, EVENTS("proof.verified")), 6);
    json_t *page AUTO_JSON = fixture_query(f, "proof.records", "{'account':'%s','limit':2}",
                                           fixture_address(f, "alice"));
    json_t *items = json_object_get(page, "items");
    assert_int_equal(json_array_size(items), 2);
    assert_int_equal(json_integer_value(json_object_get(page, "next")),
                     json_integer_value(json_object_get(json_array_get(items, 1), "seq")));
}

static void a_transaction_sent_twice_is_one_record(void **state)
{
    struct fixture *f = *state;
    struct made made;

    make(f, &made, CLAIM_RANGE, 1);
    json_t *transaction AUTO_JSON = fixture_sign(f, "alice", "proof.verify", made_params(&made));
    for (int i = 0; i < 2; i++) {
        struct reply reply = fixture_call(f, "transaction.submit", json_incref(transaction));

        assert_int_equal(reply.status, OK);
        reply_close(&reply);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verified_proof"), 1);
    assert_int_equal(fixture_sql(f, EVENTS("proof.verified")), 1);
}

static void a_proof_that_does_not_hold_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct made made;

    for (int system = CLAIM_HALF_AGGREGATE; system <= CLAIM_RING; system++) {
        make(f, &made, (enum claim_system)system, 1);
        made.claim.purpose = "another one";
        assert_int_equal(verify(f, "alice", &made), ERROR_INVALID_PROOF);
        made.claim.purpose = PURPOSE;
        made.proof_size--;
        assert_int_equal(verify(f, "alice", &made), ERROR_MALFORMED_PROOF);
        made_of(&made, (enum claim_system)system, CHAIN, PURPOSE, 1); /* made for another chain */
        assert_int_equal(verify(f, "alice", &made), ERROR_INVALID_PROOF);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verified_proof"), 0);
    assert_int_equal(fixture_sql(f, EVENTS("proof.verified")), 0);
}

static void a_ring_signature_shows_its_image(void **state)
{
    struct fixture *f = *state;
    struct made made;

    for (unsigned variant = 1; variant <= 2; variant++) {
        make(f, &made, CLAIM_RING, variant);
        assert_int_equal(verify(f, "alice", &made), OK);
    }
    /* Two messages, one key: the image says so. */
    assert_int_equal(fixture_sql(f, "SELECT count(DISTINCT claim) FROM verified_proof"), 2);
    assert_int_equal(fixture_sql(f, "SELECT count(DISTINCT image) FROM verified_proof"), 1);
    char *image AUTO_FREE = hex_of(bytes_of(made.proof, CLAIM_PIECE));
    char *shown AUTO_FREE = fixture_sql_text(
        f, "SELECT body ->> '$.image' FROM event WHERE type = 'proof.verified' ORDER BY seq DESC LIMIT 1");
    assert_string_equal(image, shown);
}

static void a_groth16_proof_needs_a_key_on_a_list(void **state)
{
    struct fixture *f = *state;
    struct made made;

    make(f, &made, CLAIM_GROTH16, 1);
    assert_int_equal(verify(f, "alice", &made), ERROR_VERIFICATION_KEY_NOT_FOUND);
    assert_int_equal(list_key(f, "alice", &made), OK);
    assert_int_equal(list_key(f, "alice", &made), ERROR_VERIFICATION_KEY_LISTED);
    assert_int_equal(verify(f, "alice", &made), OK);
    assert_int_equal(verify(f, "bob", &made), ERROR_VERIFICATION_KEY_NOT_FOUND);
    json_t *params = made_params(&made);
    json_object_set_new(params, "listed_by", json_string(fixture_address(f, "alice")));
    assert_int_equal(fixture_try(f, "bob", "proof.verify", params, NULL), OK);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verified_proof WHERE bound = 1"), 2);
    make(f, &made, CLAIM_RANGE, 1);
    params = made_params(&made);
    json_object_set_new(params, "listed_by", json_string(fixture_address(f, "alice")));
    assert_int_equal(fixture_try(f, "bob", "proof.verify", params, NULL), ERROR_INVALID_PARAMS);
}

static void a_groth16_proof_that_nothing_binds_is_recorded_as_such(void **state)
{
    struct fixture *f = *state;
    struct made made;

    made_groth16(&made, kernel_chain(f->kernel), PURPOSE, 1, false);
    assert_int_equal(list_key(f, "alice", &made), OK);
    made.claim.binding = 0;
    assert_int_equal(verify(f, "alice", &made), ERROR_NOT_BOUND);
    made.claim.binding = CLAIM_NOT_BOUND;
    assert_int_equal(verify(f, "alice", &made), OK);
    assert_int_equal(fixture_sql(f, "SELECT bound FROM verified_proof"), 0);
    made.proof[40] ^= 1; /* a point that is off its curve */
    assert_int_equal(verify(f, "bob", &made), ERROR_MALFORMED_PROOF); /* before any list is looked at */
}

static void a_retired_key_serves_no_more_and_only_on_its_own_list(void **state)
{
    struct fixture *f = *state;
    struct made made, other;

    make(f, &made, CLAIM_GROTH16, 1);
    make(f, &other, CLAIM_GROTH16, 2);
    assert_int_equal(list_key(f, "alice", &made), OK);
    assert_int_equal(list_key(f, "bob", &made), OK);
    assert_int_equal(verify(f, "alice", &made), OK);
    char *hash AUTO_FREE = key_hash(f);
    fixture_refused(f, ERROR_VERIFICATION_KEY_NOT_FOUND, "carol", "proof.key_retire", "{'key':'%s'}", hash);
    fixture_run(f, "alice", "proof.key_retire", "{'key':'%s'}", hash);
    fixture_refused(f, ERROR_VERIFICATION_KEY_RETIRED, "alice", "proof.key_retire", "{'key':'%s'}", hash);
    assert_int_equal(verify(f, "alice", &other), ERROR_VERIFICATION_KEY_RETIRED);
    assert_int_equal(list_key(f, "alice", &made), ERROR_VERIFICATION_KEY_LISTED);
    assert_int_equal(verify(f, "bob", &other), OK);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verified_proof"), 2);
    assert_int_equal(fixture_sql(f, EVENTS("proof.key_retired")), 1);
    json_t *page AUTO_JSON = fixture_query(f, "proof.keys", "{'key':'%s','owner':'%s'}", hash,
                                           fixture_address(f, "alice"));
    json_t *item = json_array_get(json_object_get(page, "items"), 0);
    assert_true(json_is_integer(json_object_get(item, "retired_height")));
    json_t *key AUTO_JSON = fixture_query(f, "proof.key", "{'key':'%s','owner':'%s'}", hash,
                                          fixture_address(f, "bob"));
    char *bytes AUTO_FREE = hex_of(made.claim.key);
    assert_string_equal(json_string_value(json_object_get(key, "key")), bytes);
    assert_true(json_is_null(json_object_get(key, "retired_height")));
}

static void what_is_no_key_is_not_listed(void **state)
{
    struct fixture *f = *state;
    struct made made;

    make(f, &made, CLAIM_GROTH16, 1);
    made.first[100] ^= 1; /* a point that is off its curve */
    assert_int_equal(list_key(f, "alice", &made), ERROR_VERIFICATION_KEY);
    made.first[100] ^= 1;
    made.claim.key.size--;
    assert_int_equal(list_key(f, "alice", &made), ERROR_VERIFICATION_KEY);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verification_key"), 0);
}

static void an_account_lists_so_many_keys_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct made made;

    make(f, &made, CLAIM_GROTH16, 1);
    assert_int_equal(list_key(f, "bob", &made), OK);
    char *alice AUTO_FREE = hex_of(bytes_of(fixture_key(f, "alice")->account.bytes, 32));
    char *fill AUTO_FREE = text_format(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 256)"
        " INSERT INTO verification_key SELECT x'%s', randomblob(32), system, title, key, public_inputs,"
        " added_height, NULL, -i FROM verification_key, n",
        alice);
    fixture_tamper(f, fill);
    assert_int_equal(list_key(f, "alice", &made), ERROR_LIMIT);
    fixture_tamper(f, "DELETE FROM verification_key WHERE added_seq = -1");
    assert_int_equal(list_key(f, "alice", &made), OK);
    fixture_tamper(f, "DELETE FROM verification_key WHERE added_seq < 0");
}

static void a_check_answers_and_records_nothing(void **state)
{
    struct fixture *f = *state;
    struct made made;

    for (int system = CLAIM_GROTH16; system <= CLAIM_RING; system++) {
        make(f, &made, (enum claim_system)system, 1);
        struct reply good = fixture_call_public(f, "proof.check", made_params(&made));

        assert_int_equal(good.status, OK);
        assert_true(json_is_true(json_object_get(good.result, "valid")));
        assert_true(json_is_true(json_object_get(good.result, "bound")));
        reply_close(&good);
        made.claim.purpose = "another one";
        struct reply bad = fixture_call_public(f, "proof.check", made_params(&made));

        assert_int_equal(bad.status, OK);
        assert_true(json_is_false(json_object_get(bad.result, "valid")));
        assert_string_equal(json_string_value(json_object_get(bad.result, "error")),
                            system == CLAIM_GROTH16 ? "not_bound" : "invalid_proof");
        assert_non_null(json_object_get(bad.result, "reason"));
        reply_close(&bad);
        json_t *params = made_params(&made);
        json_object_del(params, system == CLAIM_GROTH16 ? "key" : system == CLAIM_RANGE ? "bits" : "keys");
        struct reply none = fixture_call_public(f, "proof.check", params);

        assert_int_equal(none.status, ERROR_INVALID_PARAMS);
        reply_close(&none);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM verified_proof"), 0);
}

static void what_binds_is_told(void **state)
{
    static const uint8_t message[CLAIM_PIECE] = { 7 };
    struct fixture *f = *state;
    char *text AUTO_FREE = hex_of(bytes_of(message, sizeof message));
    struct hash hash;

    json_t *told AUTO_JSON = fixture_query(f, "proof.binding", "{'purpose':'" PURPOSE "','message':'%s'}",
                                           text);
    claim_binding(kernel_chain(f->kernel), PURPOSE, &hash);
    assert_hash_is(&hash, json_string_value(json_object_get(told, "input")));
    claim_bound_message(kernel_chain(f->kernel), PURPOSE, message, &hash);
    assert_hash_is(&hash, json_string_value(json_object_get(told, "signed")));
}

static void the_audit_sees_records_and_keys_that_were_changed(void **state)
{
    static const struct {
        const char *change, *undo, *invariant;
    } changes[] = {
        { "UPDATE verified_proof SET content = CAST(content || x'00' AS BLOB)",
          "UPDATE verified_proof SET content = substr(content, 1, length(content) - 1)", "proof.records" },
        { "UPDATE verified_proof SET account = zeroblob(32)", NULL, "proof.records" },
        { "UPDATE verification_key SET public_inputs = public_inputs + 1",
          "UPDATE verification_key SET public_inputs = public_inputs - 1", "proof.keys" },
        { "UPDATE verification_key SET retired_height = 0",
          "UPDATE verification_key SET retired_height = NULL", "proof.listed" },
    };
    struct fixture *f = *state;
    struct made made;

    make(f, &made, CLAIM_GROTH16, 1);
    assert_int_equal(list_key(f, "alice", &made), OK);
    assert_int_equal(verify(f, "alice", &made), OK);
    char *account AUTO_FREE = fixture_sql_text(f, "SELECT hex(account) FROM verified_proof");
    char *back AUTO_FREE = text_format("UPDATE verified_proof SET account = x'%s'", account);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        fixture_tamper(f, changes[i].change);
        char *violation AUTO_FREE = fixture_violation(f, changes[i].invariant);
        assert_non_null(violation);
        fixture_tamper(f, changes[i].undo == NULL ? back : changes[i].undo);
        char *none AUTO_FREE = fixture_violation(f, changes[i].invariant);
        assert_null(none);
    }
}

#define RECORD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int record_tests(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_TEST(a_proof_that_holds_is_recorded_once_for_an_account),
        RECORD_TEST(a_transaction_sent_twice_is_one_record),
        RECORD_TEST(a_proof_that_does_not_hold_leaves_nothing),
        RECORD_TEST(a_ring_signature_shows_its_image),
        RECORD_TEST(a_groth16_proof_needs_a_key_on_a_list),
        RECORD_TEST(a_groth16_proof_that_nothing_binds_is_recorded_as_such),
        RECORD_TEST(a_retired_key_serves_no_more_and_only_on_its_own_list),
        RECORD_TEST(what_is_no_key_is_not_listed),
        RECORD_TEST(an_account_lists_so_many_keys_and_no_more),
        RECORD_TEST(a_check_answers_and_records_nothing),
        RECORD_TEST(what_binds_is_told),
        RECORD_TEST(the_audit_sees_records_and_keys_that_were_changed),
    };

    return cmocka_run_group_tests_name("proofs on record", tests, NULL, NULL);
}
