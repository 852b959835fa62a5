/* Proofs that the node makes of files, and the files that it does not take. */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test_proving.h"

static const struct module *const proving_modules[] = { &proof_module, NULL };

#define PATIENCE_MS 240000
#define ASK "{'system':'groth16','circuit':'%s','witness':'%s'}"

static int setup(void **state)
{
    struct fixture *f = memory_new(sizeof *f);

    fixture_start(f, NETWORK_DEV, proving_modules);
    AUTO_FREE char *folder = text_format("%s/proving", f->directory);
    assert_int_equal(mkdir(folder, 0700), 0);
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

static void put_file(struct fixture *f, const char *name, const void *data, size_t size)
{
    AUTO_FREE char *path = text_format("%s/proving/%s", f->directory, name);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

/* A file of the published fixtures; skips the test where there are none. */
static void put_fixture(struct fixture *f, const char *name, const char *fixture)
{
    size_t size;
    AUTO_FREE char *data = vectors_text(fixture, &size);

    put_file(f, name, data, size);
}

static void put_fixtures(struct fixture *f)
{
    put_fixture(f, "range.zkey", "groth16/range16/circuit.zkey");
    put_fixture(f, "range.wtns", "groth16/range16/witness.wtns");
    put_fixture(f, "mul.wtns", "groth16/mul/witness.wtns");
}

/* Asks, waits for the end, and gives the job. */
static json_t *run_asked(struct fixture *f, json_t *params)
{
    struct reply asked = fixture_call(f, "proof.prove", params);
    const struct timespec pause = { .tv_nsec = 2000000 };
    json_t *job = NULL;

    assert_int_equal(asked.status, OK);
    for (int waited = 0; waited < PATIENCE_MS; waited += 2) {
        json_decref(job);
        job = fixture_query(f, "proof.job", "{'job':%d}",
                            (int)json_integer_value(json_object_get(asked.result, "job")));
        if (strcmp(json_string_value(json_object_get(job, "state")), "waiting") != 0)
            break;
        nanosleep(&pause, NULL);
    }
    reply_close(&asked);
    return job;
}

static json_t *run_job(struct fixture *f, const char *circuit, const char *witness)
{
    return run_asked(f, fixture_json(ASK, circuit, witness));
}

static const char *text_of(const json_t *job, const char *name)
{
    return json_string_value(json_object_get(job, name));
}

static void a_proof_is_made_and_verifies(void **state)
{
    struct fixture *f = *state;

    put_fixtures(f);
    json_t *job AUTO_JSON = run_job(f, "range.zkey", "range.wtns");
    assert_string_equal(text_of(job, "state"), "made");
    json_t *verdict AUTO_JSON = fixture_query(
        f, "proof.check", "{'system':'groth16','purpose':'x','proof':'%s','inputs':'%s','key':'%s'}",
        text_of(job, "proof"), text_of(job, "inputs"), text_of(job, "key"));
    assert_true(json_is_true(json_object_get(verdict, "valid")));
    fixture_run(f, "alice", "proof.key_add", "{'key':'%s'}", text_of(job, "key"));
    fixture_run(f, "alice", "proof.verify",
                "{'system':'groth16','purpose':'x','proof':'%s','inputs':'%s','key':'%s'}",
                text_of(job, "proof"), text_of(job, "inputs"), text_of(job, "key"));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'proof.made'"), 1);
    AUTO_FREE char *stages = fixture_sql_text(
        f, "SELECT group_concat(stage) FROM (SELECT body ->> '$.stage' AS stage FROM event"
           " WHERE type = 'proof.progress' ORDER BY seq)");
    assert_string_equal(stages, "queued,reading,proving");
    /* Of the witness there is its file's name and nothing more. */
    AUTO_FREE char *request = fixture_sql_text(f, "SELECT request FROM effect WHERE kind = 'proof.prove'");
    assert_string_equal(request, "{\"job\":1,\"circuit\":\"range.zkey\",\"witness\":\"range.wtns\"}");
}

static void a_witness_of_another_circuit_gives_no_proof(void **state)
{
    struct fixture *f = *state;

    put_fixtures(f);
    json_t *job AUTO_JSON = run_job(f, "range.zkey", "mul.wtns");
    assert_string_equal(text_of(job, "state"), "failed");
    assert_non_null(strstr(text_of(job, "error"), "public_count: a witness of "));
    assert_non_null(strstr(text_of(job, "error"), " variables; the circuit has "));
    assert_true(json_is_null(json_object_get(job, "proof")));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'proof.failed'"), 1);
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'proof.made'"), 0);
}

static void a_witness_that_was_changed_gives_no_proof(void **state)
{
    struct fixture *f = *state;
    size_t size;
    AUTO_FREE char *witness = vectors_text("groth16/range16/witness.wtns", &size);

    put_fixtures(f);
    witness[size - 32] ^= 1; /* the last value's lowest bit */
    put_file(f, "changed.wtns", witness, size);
    json_t *job AUTO_JSON = run_job(f, "range.zkey", "changed.wtns");
    assert_string_equal(text_of(job, "state"), "failed");
    assert_non_null(strstr(text_of(job, "error"), "unsatisfied: the witness does not satisfy the circuit"));
}

/* As 'zkey new' leaves it, before anybody contributed: delta is gamma. What is wrong is the key, not the
 * witness, and the failure says so. */
static void a_key_that_is_forgeable_is_named_for_it(void **state)
{
    const size_t g1 = 64, g2 = 128, gamma = 40 + 72 + 12 + 2 * g1 + g2; /* behind alpha, beta and beta */
    struct fixture *f = *state;
    size_t size;
    AUTO_FREE char *circuit = vectors_text("groth16/range16/circuit.zkey", &size);

    put_fixtures(f);
    memcpy(circuit + gamma + g2 + g1, circuit + gamma, g2);
    put_file(f, "forgeable.zkey", circuit, size);
    json_t *job AUTO_JSON = run_job(f, "forgeable.zkey", "range.wtns");
    assert_string_equal(text_of(job, "state"), "failed");
    assert_string_equal(text_of(job, "error"), "forgeable.zkey: key_forgeable");
}

/* Modes that let anybody but the owner in, each by one bit. */
static void a_witness_that_others_may_read_is_not_taken(void **state)
{
    static const mode_t modes[] = { 0640, 0620, 0604, 0602, 0610, 0601 };
    struct fixture *f = *state;
    AUTO_FREE char *path = text_format("%s/proving/range.wtns", f->directory);

    put_fixtures(f);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        json_t *job AUTO_JSON = run_job(f, "range.zkey", "range.wtns");
        assert_string_equal(text_of(job, "state"), "failed");
        assert_non_null(strstr(text_of(job, "error"), "others may read it"));
    }
    assert_int_equal(chmod(path, 0400), 0);
    json_t *job AUTO_JSON = run_job(f, "range.zkey", "range.wtns");
    assert_string_equal(text_of(job, "state"), "made");
}

/* --- half-aggregates ---------------------------------------------------------------------------- */
#define SIGNATURES 5

static json_t *hex_json(const void *data, size_t size)
{
    AUTO_FREE char *text = memory_new(2 * size + 1);

    hex_text(text, data, size);
    return json_string(text);
}

/* What a few keys signed for this chain and the purpose, as proof.prove takes it. */
static json_t *signed_params(struct fixture *f, uint8_t signatures[SIGNATURES][64])
{
    uint8_t keys[SIGNATURES][CLAIM_PIECE], messages[SIGNATURES][CLAIM_PIECE];
    json_t *params = fixture_json("{'system':'half_aggregate','purpose':'" PURPOSE "'}");

    for (size_t i = 0; i < SIGNATURES; i++) {
        struct secret_key *key CLEANUP(secret_free_pointer) = secret_new(sizeof *key);
        struct signature signature;
        struct account_id account;
        struct hash bound;

        secret_key_generate(key);
        assert_true(secret_key_account(key, &account));
        memcpy(keys[i], account.bytes, CLAIM_PIECE);
        memset(messages[i], (int)i, CLAIM_PIECE);
        claim_bound_message(kernel_chain(f->kernel), PURPOSE, messages[i], &bound);
        assert_true(schnorr_sign(key, &bound, NULL, &signature));
        memcpy(signatures[i], signature.bytes, sizeof signature.bytes);
    }
    json_object_set_new(params, "keys", hex_json(keys, sizeof keys));
    json_object_set_new(params, "messages", hex_json(messages, sizeof messages));
    json_object_set_new(params, "signatures", hex_json(signatures, SIGNATURES * sizeof signatures[0]));
    return params;
}

static void an_aggregate_is_made_and_goes_on_record(void **state)
{
    struct fixture *f = *state;
    uint8_t signatures[SIGNATURES][64];

    json_t *job AUTO_JSON = run_asked(f, signed_params(f, signatures));
    assert_string_equal(text_of(job, "state"), "made");
    assert_int_equal(strlen(text_of(job, "proof")), 2 * 32 * (SIGNATURES + 1));
    assert_true(json_is_null(json_object_get(job, "key")) && json_is_null(json_object_get(job, "inputs")));
    assert_true(json_is_null(json_object_get(job, "circuit")));
    fixture_run(f, "alice", "proof.verify",
                "{'system':'half_aggregate','purpose':'%s','proof':'%s','keys':'%s','messages':'%s'}",
                text_of(job, "purpose"), text_of(job, "proof"), text_of(job, "keys"),
                text_of(job, "messages"));
    AUTO_FREE char *stages = fixture_sql_text(
        f, "SELECT group_concat(stage) FROM (SELECT body ->> '$.stage' AS stage FROM event"
           " WHERE type = 'proof.progress' ORDER BY seq)");
    assert_string_equal(stages, "queued,proving");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'proof.made'"
                                    " AND body ->> '$.system' = 'half_aggregate'"
                                    " AND body ->> '$.key' IS NULL"), 1);
}

static void a_signature_that_does_not_verify_is_named_and_gives_no_aggregate(void **state)
{
    struct fixture *f = *state;
    uint8_t signatures[SIGNATURES][64];

    json_t *params = signed_params(f, signatures);
    signatures[3][40] ^= 1;
    json_object_set_new(params, "signatures", hex_json(signatures, sizeof signatures));
    json_t *job AUTO_JSON = run_asked(f, params);
    assert_string_equal(text_of(job, "state"), "failed");
    assert_non_null(strstr(text_of(job, "error"), "signature 4 of 5"));
    params = signed_params(f, signatures); /* of another purpose than they were made for */
    json_object_set_new(params, "purpose", json_string("another"));
    json_t *other AUTO_JSON = run_asked(f, params);
    assert_non_null(strstr(text_of(other, "error"), "signature 1 of 5"));
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'proof.made'"), 0);
}

static void assert_not_asked(struct fixture *f, json_t *params, const char *words)
{
    struct reply reply = fixture_call(f, "proof.prove", params);

    assert_int_equal(reply.status, ERROR_INVALID_PARAMS);
    if (strstr(reply.error.message, words) == NULL)
        fail_msg("'%s' does not speak of '%s'", reply.error.message, words);
    reply_close(&reply);
}

static void what_the_node_does_not_make_is_refused_by_name(void **state)
{
    static const char *const members[] = { "purpose", "keys", "messages", "signatures" };
    struct fixture *f = *state;
    uint8_t signatures[SIGNATURES][64];
    json_t *params;

    assert_not_asked(f, fixture_json("{'system':'range'}"), "expected is one of: groth16 half_aggregate");
    assert_not_asked(f, fixture_json("{'system':'ring'}"), "expected is one of: groth16 half_aggregate");
    assert_not_asked(f, fixture_json("{'system':'groth16'}"), "circuit");
    assert_not_asked(f, fixture_json("{'system':'groth16','circuit':'a'}"), "witness");
    assert_not_asked(f, fixture_json("{'system':'groth16','circuit':'a','witness':'b','purpose':'c'}"),
                     "circuit and witness alone");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        params = signed_params(f, signatures);
        json_object_del(params, members[i]);
        assert_not_asked(f, params, members[i]);
    }
    params = signed_params(f, signatures);
    json_object_set_new(params, "signatures", hex_json(signatures, sizeof signatures - 1));
    assert_not_asked(f, params, "319 bytes; 5 keys have 320");
    params = signed_params(f, signatures);
    json_object_set_new(params, "circuit", json_string("range.zkey"));
    assert_not_asked(f, params, "signatures alone");
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM proof_job"), 0);
}

/* --- what is refused, and restarts -------------------------------------------------------------- */
static void what_leads_out_of_the_folder_is_refused(void **state)
{
    static const char *const names[] = { "", ".", "..", "../node.key", "a/b", "/etc/passwd", ".hidden", "a b",
                                         "%2e" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int witness = 0; witness < 2; witness++) {
            struct reply reply = fixture_call(f, "proof.prove",
                                              fixture_json(ASK, witness ? "good" : names[i],
                                                           witness ? names[i] : "good"));
            assert_int_equal(reply.status, ERROR_INVALID_PARAMS);
            reply_close(&reply);
        }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM proof_job"), 0);
}

static void assert_file_refused(struct fixture *f, const char *circuit, const char *why)
{
    json_t *job AUTO_JSON = run_job(f, circuit, "witness");

    assert_string_equal(text_of(job, "state"), "failed");
    if (strstr(text_of(job, "error"), why) == NULL)
        fail_msg("%s: '%s' does not speak of '%s'", circuit, text_of(job, "error"), why);
}

static void a_file_that_is_none_fails_the_job_alone(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *link = text_format("%s/proving/link", f->directory);
    AUTO_FREE char *pipe = text_format("%s/proving/pipe", f->directory);
    AUTO_FREE char *folder = text_format("%s/proving/folder", f->directory);

    put_file(f, "witness", "wtns", 4);
    put_file(f, "empty", "", 0);
    put_file(f, "rubbish", "zkey\1\0\0\0\377\377\377\377", 12);
    assert_int_equal(symlink("rubbish", link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_file_refused(f, "missing", strerror(ENOENT));
    assert_file_refused(f, "link", strerror(ELOOP));
    assert_file_refused(f, "pipe", "no plain file");
    assert_file_refused(f, "folder", "no plain file");
    assert_file_refused(f, "empty", "malformed");
    assert_file_refused(f, "rubbish", "malformed");
    json_t *page AUTO_JSON = fixture_query(f, "proof.jobs", "{'limit':4}");
    assert_int_equal(json_array_size(json_object_get(page, "items")), 4);
    assert_int_equal(json_integer_value(json_object_get(page, "next")), 4);
}

static void only_the_operator_has_proofs_made(void **state)
{
    struct fixture *f = *state;
    struct reply reply = fixture_call_public(f, "proof.prove", fixture_json(ASK, "a", "b"));

    assert_int_equal(reply.status, ERROR_DENIED);
    reply_close(&reply);
    reply = fixture_call_public(f, "proof.job", fixture_json("{'job':1}"));
    assert_int_equal(reply.status, ERROR_PROOF_JOB_NOT_FOUND);
    reply_close(&reply);
}

static void a_job_that_waits_is_done_after_a_restart(void **state)
{
    struct fixture *f = *state;

    put_fixtures(f);
    struct reply asked = fixture_call(f, "proof.prove", fixture_json(ASK, "range.zkey", "range.wtns"));
    assert_int_equal(asked.status, OK);
    reply_close(&asked);
    fixture_reopen(f); /* before the work, in it or behind it: it ends once */
    json_t *second AUTO_JSON = run_job(f, "range.zkey", "mul.wtns");
    assert_string_equal(text_of(second, "state"), "failed");
    for (int waited = 0; waited < PATIENCE_MS; waited += 2) {
        if (fixture_sql(f, "SELECT count(*) FROM proof_job WHERE state = 'made'") == 1)
            break;
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    assert_int_equal(fixture_sql(f, "SELECT count(*) FROM event WHERE type = 'proof.made'"), 1);
}

#define JOB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int job_tests(void)
{
    const struct CMUnitTest tests[] = {
        JOB_TEST(a_proof_is_made_and_verifies),
        JOB_TEST(a_witness_of_another_circuit_gives_no_proof),
        JOB_TEST(a_witness_that_was_changed_gives_no_proof),
        JOB_TEST(a_key_that_is_forgeable_is_named_for_it),
        JOB_TEST(a_witness_that_others_may_read_is_not_taken),
        JOB_TEST(an_aggregate_is_made_and_goes_on_record),
        JOB_TEST(a_signature_that_does_not_verify_is_named_and_gives_no_aggregate),
        JOB_TEST(what_the_node_does_not_make_is_refused_by_name),
        JOB_TEST(what_leads_out_of_the_folder_is_refused),
        JOB_TEST(a_file_that_is_none_fails_the_job_alone),
        JOB_TEST(only_the_operator_has_proofs_made),
        JOB_TEST(a_job_that_waits_is_done_after_a_restart),
    };

    return cmocka_run_group_tests_name("proofs made", tests, NULL, NULL);
}
