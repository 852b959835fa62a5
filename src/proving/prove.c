/* Making proofs: see prove.h. */
#include "proving/prove.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "kernel/execution.h"
#include "kernel/kernel.h"
#include "proving/claim_make.h"
#include "proving/prove_files.h"
#include "proving/rows.h"

#define LOG_ROOM "proving"
#define FILE_NAME_MAX 64
#define PROVE_THREADS 2
#define PROVE_ATTEMPTS 3

/* What a node makes: the secrets of the others are numbers and keys, which no request should hold. */
static const char *const systems[] = { "groth16", "half_aggregate", NULL };

const struct param prove_params[PROVE_PARAMS] = {
    PARAM(struct prove_params, system, CHOICE, REQUIRED,
          "groth16 or half_aggregate; 'layer-cli proof prove' makes the others, whose secrets stay there",
          .choices = systems),
    PARAM(struct prove_params, circuit, TEXT, OPTIONAL,
          "groth16: name of a .zkey file in the folder 'proving' of the data directory",
          .most = FILE_NAME_MAX),
    PARAM(struct prove_params, witness, TEXT, OPTIONAL,
          "groth16: name of a .wtns file there, mode 0600; it is a secret", .most = FILE_NAME_MAX),
    PARAM(struct prove_params, purpose, TEXT, OPTIONAL, "half_aggregate: what the proof is for",
          .most = CLAIM_PURPOSE_MAX),
    PARAM(struct prove_params, keys, BYTES, OPTIONAL, "half_aggregate: who signed, 32 bytes each",
          .most = CLAIM_SIGNATURES_MAX * CLAIM_PIECE),
    PARAM(struct prove_params, messages, BYTES, OPTIONAL,
          "half_aggregate: 32 bytes for each key; proof.binding tells what is signed for one",
          .most = CLAIM_SIGNATURES_MAX * CLAIM_PIECE),
    PARAM(struct prove_params, signatures, BYTES, OPTIONAL, "half_aggregate: 64 bytes for each key",
          .most = CLAIM_SIGNATURES_MAX * CLAIM_SIGNATURE),
};

/* --- asking ------------------------------------------------------------------------------------- */
static struct claim claim_of(const char *chain, const char *purpose, struct bytes keys, struct bytes messages)
{
    return (struct claim){ .system = CLAIM_HALF_AGGREGATE, .chain = chain, .purpose = purpose, .keys = keys,
                           .messages = messages, .binding = CLAIM_NOT_BOUND };
}

static enum status check_files(struct execution *x, const struct prove_params *p)
{
    const char *wrong = p->circuit == NULL || !proving_name_is_plain(p->circuit)   ? "circuit"
                        : p->witness == NULL || !proving_name_is_plain(p->witness) ? "witness"
                                                                                   : NULL;

    if (p->purpose != NULL || p->keys.size > 0 || p->messages.size > 0 || p->signatures.size > 0)
        return fail(x, ERROR_INVALID_PARAMS, "groth16 is asked for with circuit and witness alone");
    if (wrong != NULL)
        return fail(x, ERROR_INVALID_PARAMS, "%s: a plain file name is expected, of letters, digits, '.', '_'"
                    " and '-', and not beginning with a '.'", wrong);
    return OK;
}

static enum status check_parts(struct execution *x, const struct prove_params *p)
{
    struct error error;

    if (p->circuit != NULL || p->witness != NULL)
        return fail(x, ERROR_INVALID_PARAMS, "half_aggregate is asked for with purpose, keys, messages and "
                    "signatures alone");
    const struct claim claim = claim_of(execution_chain(x), p->purpose == NULL ? "" : p->purpose, p->keys,
                                        p->messages);
    if (claim_check_signatures(&claim, p->signatures, &error) != OK)
        return fail(x, error.code, "%s", error.message);
    return OK;
}

static void write_request(struct buffer *request, uint64_t job, const struct prove_params *p,
                          enum claim_system system)
{
    struct writer w;

    writer_init(&w, request);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "job", job);
    if (system == CLAIM_GROTH16) {
        writer_member_text(&w, "circuit", p->circuit);
        writer_member_text(&w, "witness", p->witness);
    } else {
        writer_member_text(&w, "purpose", p->purpose);
        writer_member_hex(&w, "keys", p->keys.data, p->keys.size);
        writer_member_hex(&w, "messages", p->messages.data, p->messages.size);
        writer_member_hex(&w, "signatures", p->signatures.data, p->signatures.size);
    }
    writer_object_end(&w);
    writer_finish(&w);
}

enum status prove(struct execution *x, const void *params, struct writer *result)
{
    struct buffer request CLEANUP(buffer_close) = { 0 };
    const struct prove_params *p = params;
    enum claim_system system;

    INVARIANT(claim_system_find(p->system, &system), "a system '%s'", p->system);
    TRY(system == CLAIM_GROTH16 ? check_files(x, p) : check_parts(x, p));
    const struct asked_proof asked = { .system = p->system, .circuit = p->circuit, .witness = p->witness,
                                       .purpose = p->purpose, .keys = p->keys, .messages = p->messages };
    uint64_t job = row_job_insert(execution_database(x), &asked, execution_next_seq(x));
    TRY(event_proof_progress(x, &(struct event_proof_progress){ .job = job, .stage = "queued" }));
    buffer_init(&request);
    write_request(&request, job, p, system);
    AUTO_FREE char *key = text_format("%" PRIu64, job);
    uint64_t effect = effect_request(x, PROVE_EFFECT, key, buffer_text(&request));
    writer_object_begin(result);
    writer_member_unsigned(result, "job", job);
    writer_member_unsigned(result, "effect", effect);
    writer_object_end(result);
    return OK;
}

/* --- progress ----------------------------------------------------------------------------------- */
struct progress_report {
    struct kernel_task task;
    uint64_t job;
    const char *stage;
};

static enum status record_progress(struct kernel_task *task, struct execution *x)
{
    const struct progress_report *report = (const struct progress_report *)(const void *)task;

    return event_proof_progress(
        x, &(struct event_proof_progress){ .job = report->job, .stage = report->stage });
}

static void free_report(struct kernel_task *task, enum status status, const struct error *error)
{
    (void)status, (void)error;
    free(task);
}

/* One event a stage; when the executor is busy this one is left out. */
static void report_progress(struct kernel *kernel, uint64_t job, const char *stage)
{
    struct progress_report *report = memory_new(sizeof(*report));

    report->task.run = record_progress;
    report->task.done = free_report;
    report->job = job;
    report->stage = stage;
    if (!kernel_submit_task(kernel, &report->task))
        free(report);
}

/* --- the work ----------------------------------------------------------------------------------- */
/* Borrows from the parsed JSON. */
struct request {
    uint64_t job;
    const json_t *json;
    const char *circuit, *witness; /* NULL: a half-aggregate */
};

static void read_request(const char *text, json_t **parsed, struct request *request)
{
    INVARIANT(json_parse(text, strlen(text), parsed, NULL) == OK, "a request that is no JSON: %s", text);
    request->json = *parsed;
    request->job = (uint64_t)json_integer_value(json_object_get(*parsed, "job"));
    request->circuit = json_string_value(json_object_get(*parsed, "circuit"));
    request->witness = json_string_value(json_object_get(*parsed, "witness"));
    INVARIANT((request->circuit == NULL) == (request->witness == NULL), "a request for half a proof: %s",
              text);
}

/* Of JSON that this file wrote; `data` owns it. */
static struct bytes member_bytes(const json_t *json, const char *name, uint8_t **data)
{
    const char *hex = json_string_value(json_object_get(json, name));
    size_t digits = hex == NULL ? 0 : strlen(hex);

    *data = memory_new(digits / 2 + 1);
    INVARIANT(hex != NULL && hex_decode(*data, digits / 2, hex, digits), "a proof's JSON has no %s", name);
    return bytes_of(*data, digits / 2);
}

static void write_made(const struct groth16_proving_key *key, const struct groth16_proof *proof,
                       struct bytes inputs, struct buffer *out)
{
    struct buffer encoded CLEANUP(buffer_close) = { 0 };
    uint8_t proof_bytes[GROTH16_PROOF_BYTES];
    struct writer w;

    buffer_init(&encoded);
    groth16_key_encode(&key->key, &encoded);
    groth16_proof_encode(proof, proof_bytes);
    writer_init(&w, out);
    writer_object_begin(&w);
    writer_member_hex(&w, "proof", proof_bytes, sizeof proof_bytes);
    writer_member_hex(&w, "inputs", inputs.data, inputs.size);
    writer_member_hex(&w, "key", encoded.data, encoded.size);
    writer_object_end(&w);
    writer_finish(&w);
}

static enum status run_groth16(struct effect_run *run, const struct request *request)
{
    struct groth16_proving_key key CLEANUP(groth16_proving_key_close);
    struct groth16_witness witness CLEANUP(groth16_witness_close);
    struct buffer inputs CLEANUP(buffer_close) = { 0 };
    const char *database = kernel_database_path(run->kernel);
    AUTO_FREE char *folder = text_format("%.*s" PROVING_FOLDER, (int)(strrchr(database, '/') + 1 - database),
                                         database);
    struct groth16_proof proof;
    struct error why = { 0 };

    groth16_proving_key_init(&key);
    groth16_witness_init(&witness);
    buffer_init(&inputs);
    report_progress(run->kernel, request->job, "reading");
    TRY(proving_files_read(folder, request->circuit, request->witness, &key, &witness, &run->error));
    if (kernel_stopping(run->kernel))
        return error_set(&run->error, ERROR_STOPPING, "the node stops");
    report_progress(run->kernel, request->job, "proving");
    /* It tells how many variables a witness has, and whether it satisfies: none of its values. */
    enum groth16_verdict verdict = groth16_prove(&key, &witness, PROVE_THREADS, &proof, &inputs, &why);
    if (verdict != GROTH16_VALID)
        return error_set(&run->error, ERROR_NOT_PROVABLE, "%s: %s", groth16_verdict_name(verdict),
                         why.message);
    write_made(&key, &proof, buffer_bytes(&inputs), &run->result);
    return OK;
}

static enum status run_half_aggregate(struct effect_run *run, const struct request *request)
{
    uint8_t *keys AUTO_FREE = NULL, *messages AUTO_FREE = NULL, *signatures AUTO_FREE = NULL;
    struct buffer proof CLEANUP(buffer_close) = { 0 };
    struct bytes signed_bytes = member_bytes(request->json, "signatures", &signatures);
    const struct claim claim = claim_of(kernel_chain(run->kernel),
                                        json_string_value(json_object_get(request->json, "purpose")),
                                        member_bytes(request->json, "keys", &keys),
                                        member_bytes(request->json, "messages", &messages));
    struct writer w;

    buffer_init(&proof);
    report_progress(run->kernel, request->job, "proving");
    TRY(claim_make_half_aggregate(&claim, signed_bytes, &proof, &run->error));
    writer_init(&w, &run->result);
    writer_object_begin(&w);
    writer_member_hex(&w, "proof", proof.data, proof.size);
    writer_object_end(&w);
    writer_finish(&w);
    return OK;
}

static enum status run_prove(struct effect_run *run)
{
    AUTO_JSON json_t *parsed = NULL;
    struct request request;

    read_request(run->request, &parsed, &request);
    log_info("proof %" PRIu64 " begins (attempt %u)", request.job, run->attempt);
    return request.circuit == NULL ? run_half_aggregate(run, &request) : run_groth16(run, &request);
}

static bool never_again(enum status outcome)
{
    (void)outcome; /* the files and parts would be the same */
    return false;
}

/* --- the end ------------------------------------------------------------------------------------ */
static void prove_made(struct execution *x, const struct request *asked, const char *result)
{
    uint8_t *proof AUTO_FREE = NULL, *inputs AUTO_FREE = NULL, *key AUTO_FREE = NULL;
    enum claim_system system = asked->circuit == NULL ? CLAIM_HALF_AGGREGATE : CLAIM_GROTH16;
    AUTO_JSON json_t *parsed = NULL;
    struct made_proof made = { .inputs = { NULL, 0 }, .key = { NULL, 0 } };
    char text[2 * sizeof(struct hash) + 1];

    INVARIANT(json_parse(result, strlen(result), &parsed, NULL) == OK, "a proof's result is no JSON");
    made.proof = member_bytes(parsed, "proof", &proof);
    if (system == CLAIM_GROTH16) {
        struct hash hash;
        uint64_t count;

        made.inputs = member_bytes(parsed, "inputs", &inputs);
        made.key = member_bytes(parsed, "key", &key);
        INVARIANT(claim_key_read(made.key, &count, &hash, NULL) == OK, "a proof's result has no key");
        hex_text(text, hash.bytes, sizeof(hash.bytes));
    }
    row_job_made(execution_database(x), asked->job, &made, execution_next_seq(x));
    (void)event_proof_made(x, &(struct event_proof_made){
        .job = asked->job, .system = claim_systems[system], .key = system == CLAIM_GROTH16 ? text : NULL });
    log_info("proof %" PRIu64 " is made", asked->job);
}

static void prove_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                        enum status outcome, const char *result)
{
    AUTO_JSON json_t *parsed = NULL;
    AUTO_JSON json_t *failure = NULL;
    struct request asked;

    (void)id, (void)key;
    read_request(request, &parsed, &asked);
    if (outcome == OK) {
        prove_made(x, &asked, result);
        return;
    }
    INVARIANT(json_parse(result, strlen(result), &failure, NULL) == OK, "a failure that is no JSON");
    const char *reason = json_string_value(json_object_get(failure, "message"));
    log_warn("proof %" PRIu64 " failed: %s", asked.job, reason);
    row_job_failed(execution_database(x), asked.job, reason, execution_next_seq(x));
    (void)event_proof_failed(x, &(struct event_proof_failed){ .job = asked.job, .error = reason });
}

const struct effect_kind prove_effect = {
    PROVE_EFFECT, run_prove, prove_ended, .attempts = PROVE_ATTEMPTS, .retry = never_again,
    .help = "Makes a proof of files in the folder 'proving', or of signatures.",
};
