/* Making proofs: see prove.h. */
#include "proving/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "kernel/execution.h"
#include "kernel/kernel.h"
#include "proof/snarkjs_binary.h"
#include "proving/claim.h"
#include "proving/rows.h"

#define LOG_ROOM "proving"
#define FILE_NAME_MAX 64
#define FILE_SIZE_MAX ((size_t)1 << 30)
#define PROVE_THREADS 2
#define PROVE_ATTEMPTS 3

static const char *const systems[] = { "groth16", NULL };

const struct param prove_params[3] = {
    PARAM(struct prove_params, system, CHOICE, REQUIRED, "which proof system", .choices = systems),
    PARAM(struct prove_params, circuit, TEXT, REQUIRED,
          "name of a .zkey file in the folder 'proving' of the data directory", .most = FILE_NAME_MAX),
    PARAM(struct prove_params, witness, TEXT, REQUIRED, "name of a .wtns file there; it is a secret",
          .most = FILE_NAME_MAX),
};

/* A name of a file in one folder, and no way out of it. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

/* --- asking ------------------------------------------------------------------------------------- */
enum status prove(struct execution *x, const void *params, struct writer *result)
{
    struct buffer request CLEANUP(buffer_close) = { 0 };
    const struct prove_params *p = params;
    struct writer w;

    if (!is_plain_name(p->circuit) || !is_plain_name(p->witness))
        return fail(x, ERROR_INVALID_PARAMS, "%s: a plain file name is expected, of letters, digits, '.', '_'"
                    " and '-', and not beginning with a '.'",
                    is_plain_name(p->circuit) ? "witness" : "circuit");
    uint64_t job = row_job_insert(execution_database(x), p->system, p->circuit, p->witness,
                                  execution_next_seq(x));
    TRY(event_proof_progress(x, &(struct event_proof_progress){ .job = job, .stage = "queued" }));
    buffer_init(&request);
    writer_init(&w, &request);
    writer_object_begin(&w);
    writer_member_unsigned(&w, "job", job);
    writer_member_text(&w, "circuit", p->circuit);
    writer_member_text(&w, "witness", p->witness);
    writer_object_end(&w);
    writer_finish(&w);
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

/* --- files -------------------------------------------------------------------------------------- */
/* For CLEANUP: what was read may be a witness. */
static void close_wiped(struct buffer *buffer)
{
    if (buffer->data != NULL)
        sodium_memzero(buffer->data, buffer->capacity);
    buffer_close(buffer);
}

static void close_file(int *file)
{
    if (*file >= 0)
        close(*file);
}

/* Memory is taken once, so that growing leaves no copy behind. */
static enum status read_file(const char *folder, const char *name, struct buffer *out, struct error *error)
{
    AUTO_FREE char *path = text_format("%s/%s", folder, name);
    int file CLEANUP(close_file) = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat facts;
    ssize_t got = 0;

    if (file < 0)
        return error_set(error, ERROR_PROVING_FILE, "%s: %s", name, strerror(errno));
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        return error_set(error, ERROR_PROVING_FILE, "%s is no plain file", name);
    if (facts.st_size > (off_t)FILE_SIZE_MAX)
        return error_set(error, ERROR_PROVING_FILE, "%s has %lld bytes; %zu at most", name,
                         (long long)facts.st_size, FILE_SIZE_MAX);
    size_t size = (size_t)facts.st_size;
    buffer_reserve(out, size + 1);
    while (out->size < size && (got = read(file, out->data + out->size, size - out->size)) > 0)
        out->size += (size_t)got;
    if (got < 0 || out->size != size)
        return error_set(error, ERROR_PROVING_FILE, "%s cannot be read to its end", name);
    return OK;
}

/* --- the work ----------------------------------------------------------------------------------- */
/* Borrows from the parsed JSON. */
struct request {
    uint64_t job;
    const char *circuit, *witness;
};

static void read_request(const char *text, json_t **parsed, struct request *request)
{
    INVARIANT(json_parse(text, strlen(text), parsed, NULL) == OK, "a request that is no JSON: %s", text);
    request->job = (uint64_t)json_integer_value(json_object_get(*parsed, "job"));
    request->circuit = json_string_value(json_object_get(*parsed, "circuit"));
    request->witness = json_string_value(json_object_get(*parsed, "witness"));
    INVARIANT(request->circuit != NULL && request->witness != NULL, "a request without files: %s", text);
}

/* The verdict's name alone goes on: a message about a witness might tell of it. */
static enum status refuse_file(struct error *error, const char *name, enum groth16_verdict verdict)
{
    return error_set(error, ERROR_PROVING_FILE, "%s: %s", name, groth16_verdict_name(verdict));
}

static enum status read_keys(const char *folder, const struct request *request,
                             struct groth16_proving_key *key, struct groth16_witness *witness,
                             struct error *error)
{
    struct buffer circuit_file CLEANUP(buffer_close) = { 0 }, witness_file CLEANUP(close_wiped) = { 0 };
    enum groth16_verdict verdict;

    buffer_init(&circuit_file);
    buffer_init(&witness_file);
    TRY(read_file(folder, request->circuit, &circuit_file, error));
    TRY(read_file(folder, request->witness, &witness_file, error));
    verdict = snarkjs_zkey_read(buffer_bytes(&circuit_file), key, NULL);
    if (verdict != GROTH16_VALID)
        return refuse_file(error, request->circuit, verdict);
    verdict = snarkjs_wtns_read(buffer_bytes(&witness_file), witness, NULL);
    if (verdict != GROTH16_VALID)
        return refuse_file(error, request->witness, verdict);
    if (key->key.public_count > CLAIM_KEY_INPUTS_MAX)
        return error_set(error, ERROR_LIMIT, "%s has %zu public inputs; %d at most", request->circuit,
                         key->key.public_count, CLAIM_KEY_INPUTS_MAX);
    return OK;
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

static enum status run_prove(struct effect_run *run)
{
    struct groth16_proving_key key CLEANUP(groth16_proving_key_close);
    struct groth16_witness witness CLEANUP(groth16_witness_close);
    struct buffer inputs CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *parsed = NULL;
    struct request request;
    const char *database = kernel_database_path(run->kernel);
    AUTO_FREE char *folder = text_format("%.*s" PROVING_FOLDER, (int)(strrchr(database, '/') + 1 - database),
                                         database);
    struct groth16_proof proof;

    read_request(run->request, &parsed, &request);
    groth16_proving_key_init(&key);
    groth16_witness_init(&witness);
    buffer_init(&inputs);
    log_info("proof %" PRIu64 " begins (attempt %u)", request.job, run->attempt);
    report_progress(run->kernel, request.job, "reading");
    TRY(read_keys(folder, &request, &key, &witness, &run->error));
    if (kernel_stopping(run->kernel))
        return error_set(&run->error, ERROR_STOPPING, "the node stops");
    report_progress(run->kernel, request.job, "proving");
    enum groth16_verdict verdict = groth16_prove(&key, &witness, PROVE_THREADS, &proof, &inputs, NULL);
    if (verdict != GROTH16_VALID)
        return error_set(&run->error, ERROR_NOT_PROVABLE, "%s: the witness does not fit the circuit",
                         groth16_verdict_name(verdict));
    write_made(&key, &proof, buffer_bytes(&inputs), &run->result);
    return OK;
}

static bool never_again(enum status outcome)
{
    (void)outcome; /* the files would be the same */
    return false;
}

/* --- the end ------------------------------------------------------------------------------------ */
static struct bytes result_bytes(const json_t *result, const char *name, uint8_t **data)
{
    const char *hex = json_string_value(json_object_get(result, name));
    size_t digits = hex == NULL ? 0 : strlen(hex);

    *data = memory_new(digits / 2 + 1);
    INVARIANT(hex != NULL && hex_decode(*data, digits / 2, hex, digits), "a proof's result has no %s", name);
    return bytes_of(*data, digits / 2);
}

static void prove_made(struct execution *x, uint64_t job, const char *result)
{
    uint8_t *proof AUTO_FREE = NULL, *inputs AUTO_FREE = NULL, *key AUTO_FREE = NULL;
    AUTO_JSON json_t *parsed = NULL;
    struct made_proof made;
    struct hash key_hash;
    uint64_t count;

    INVARIANT(json_parse(result, strlen(result), &parsed, NULL) == OK, "a proof's result is no JSON");
    made.proof = result_bytes(parsed, "proof", &proof);
    made.inputs = result_bytes(parsed, "inputs", &inputs);
    made.key = result_bytes(parsed, "key", &key);
    INVARIANT(claim_key_read(made.key, &count, &key_hash, NULL) == OK, "a proof's result has no key");
    row_job_made(execution_database(x), job, &made, execution_next_seq(x));
    (void)event_proof_made(x, &(struct event_proof_made){
        .job = job, .system = systems[0], .key = key_hash });
    log_info("proof %" PRIu64 " is made", job);
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
        prove_made(x, asked.job, result);
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
    .help = "Makes a proof from files in the folder 'proving'.",
};
