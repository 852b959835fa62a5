/* The queries about proofs: see queries.h. */
#include "proving/queries.h"

#include "kernel/kernel.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "proof/snarkjs_decimal.h"
#include "proving/claim_params.h"

/* A column that may be NULL, which is null then. */
static void write_if_any(struct writer *w, struct statement *s, const char *column,
                         void (*write)(struct writer *w, struct statement *s, const char *column))
{
    if (column_is_null(s, column))
        writer_member_text(w, column, NULL);
    else
        write(w, s, column);
}

/* --- proof.keys and proof.key ------------------------------------------------------------------- */
struct keys {
    struct hash key;
    struct account_id owner;
    uint64_t after, limit;
};

static const struct param keys_params[] = {
    PARAM(struct keys, key, HASH, OPTIONAL, "only of this hash"),
    PARAM(struct keys, owner, ACCOUNT, OPTIONAL, "only on the list of this account"),
    PARAM(struct keys, after, INTEGER, OPTIONAL, "only keys whose added_seq is greater"),
    PARAM(struct keys, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define KEY_COLUMNS "hash, owner, system, title, public_inputs, added_height, retired_height, added_seq"

static void write_key(struct writer *w, struct statement *s)
{
    write_column_hex(w, s, "hash");
    write_column_account(w, s, "owner");
    write_column_text(w, s, "system");
    write_column_text(w, s, "title");
    write_column_integer(w, s, "public_inputs");
    write_column_integer(w, s, "added_height");
    write_if_any(w, s, "retired_height", write_column_integer);
    write_column_integer(w, s, "added_seq");
}

static const struct hash no_hash;

/* What was not given is bound as NULL. */
static void bind_given_hash(struct statement *s, const struct hash *hash)
{
    bind_blob(s, hash_equal(hash, &no_hash) ? NULL : hash->bytes, sizeof(hash->bytes));
}

static void bind_given_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account_is_zero(account) ? NULL : account->bytes, sizeof(account->bytes));
}

static enum status keys(struct query *q, const void *params, struct writer *w)
{
    const struct keys *p = params;
    struct statement *s = statement(q->database,
        "SELECT " KEY_COLUMNS " FROM verification_key"
        " WHERE hash = coalesce(?, hash) AND owner = coalesce(?, owner) AND added_seq > ?"
        " ORDER BY added_seq LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_given_hash(s, &p->key);
    bind_given_account(s, &p->owner);
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "added_seq");
        writer_object_begin(w);
        write_key(w, s);
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

static const struct param key_params[] = {
    PARAM(struct keys, key, HASH, REQUIRED, "its hash"),
    PARAM(struct keys, owner, ACCOUNT, OPTIONAL, "on whose list; absent: whoever listed it first"),
};

static enum status key(struct query *q, const void *params, struct writer *w)
{
    const struct keys *p = params;
    struct statement *s = statement(q->database,
        "SELECT " KEY_COLUMNS ", key FROM verification_key"
        " WHERE hash = ? AND owner = coalesce(?, owner) ORDER BY added_seq LIMIT 1");

    bind_blob(s, p->key.bytes, sizeof(p->key.bytes));
    bind_given_account(s, &p->owner);
    if (!statement_row(s))
        return query_fail(q, ERROR_VERIFICATION_KEY_NOT_FOUND, "key: on no such list");
    writer_object_begin(w);
    write_key(w, s);
    write_column_hex(w, s, "key");
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

/* --- proof.records and proof.record ------------------------------------------------------------- */
struct records {
    struct account_id account;
    uint64_t after, limit;
};

static const struct param records_params[] = {
    PARAM(struct records, account, ACCOUNT, OPTIONAL, "only those that this account brought"),
    PARAM(struct records, after, INTEGER, OPTIONAL, "only records whose seq is greater"),
    PARAM(struct records, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define RECORD_COLUMNS "id, system, account, claim, purpose, bound, key, listed_by, image, height, seq"

static void write_record(struct writer *w, struct statement *s)
{
    write_column_hex(w, s, "id");
    write_column_text(w, s, "system");
    write_column_account(w, s, "account");
    write_column_hex(w, s, "claim");
    write_column_text(w, s, "purpose");
    writer_member_boolean(w, "bound", column_integer(s, "bound") != 0);
    write_if_any(w, s, "key", write_column_hex);
    write_if_any(w, s, "listed_by", write_column_account);
    write_if_any(w, s, "image", write_column_hex);
    write_column_integer(w, s, "height");
    write_column_integer(w, s, "seq");
}

static enum status records(struct query *q, const void *params, struct writer *w)
{
    const struct records *p = params;
    bool all = account_is_zero(&p->account);
    struct statement *s = all
        ? statement(q->database, "SELECT " RECORD_COLUMNS " FROM verified_proof WHERE seq > ?"
                                 " ORDER BY seq LIMIT ?")
        : statement(q->database, "SELECT " RECORD_COLUMNS " FROM verified_proof WHERE account = ? AND seq > ?"
                                 " ORDER BY seq LIMIT ?");
    struct page page;
    int64_t last = 0;

    if (!all)
        bind_blob(s, p->account.bytes, sizeof(p->account.bytes));
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "seq");
        writer_object_begin(w);
        write_record(w, s);
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

struct record {
    struct hash record;
};

static const struct param record_params[] = {
    PARAM(struct record, record, HASH, REQUIRED, "its id"),
};

static enum status record(struct query *q, const void *params, struct writer *w)
{
    const struct record *p = params;
    struct statement *s =
        statement(q->database, "SELECT " RECORD_COLUMNS ", content FROM verified_proof WHERE id = ?");

    bind_blob(s, p->record.bytes, sizeof(p->record.bytes));
    if (!statement_row(s))
        return query_fail(q, ERROR_PROOF_RECORD_NOT_FOUND, "record: there is none with this id");
    writer_object_begin(w);
    write_record(w, s);
    write_column_hex(w, s, "content");
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

/* --- proof.check -------------------------------------------------------------------------------- */
static const struct param check_params[] = { CLAIM_PARAMS };

/* A proof that does not hold is an answer; a claim that is none is an error. */
static bool is_verdict(enum status status)
{
    return status == OK || status == ERROR_INVALID_PROOF || status == ERROR_MALFORMED_PROOF ||
           status == ERROR_NOT_BOUND;
}

static enum status check(struct query *q, const void *params, struct writer *w)
{
    const struct claim_params *p = params;
    struct claim claim = claim_of_params(p, kernel_chain(q->kernel));
    struct error error;
    enum status status;

    TRY(query_long_begin(q));
    status = claim_verify(&claim, p->proof, NULL, &error);
    query_long_end(q);
    if (!is_verdict(status))
        return query_fail(q, status, "%s", error.message);
    writer_object_begin(w);
    writer_member_boolean(w, "valid", status == OK);
    if (status != OK) {
        writer_member_text(w, "error", status_name(status));
        writer_member_text(w, "reason", error.message);
    }
    writer_member_boolean(w, "bound", claim_is_bound(&claim));
    writer_object_end(w);
    return OK;
}

/* --- proof.binding ------------------------------------------------------------------------------ */
struct binding {
    const char *purpose;
    struct bytes message;
};

static const struct param binding_params[] = {
    PARAM(struct binding, purpose, TEXT, REQUIRED, "what the proof is for", .most = CLAIM_PURPOSE_MAX),
    PARAM(struct binding, message, BYTES, OPTIONAL, "half_aggregate: what is to be signed, 32 bytes",
          .most = CLAIM_PIECE),
};

static enum status binding(struct query *q, const void *params, struct writer *w)
{
    const struct binding *p = params;
    char decimal[DECIMAL_256_MAX + 1];
    struct hash hash;

    if (p->message.size != 0 && p->message.size != CLAIM_PIECE)
        return query_fail(q, ERROR_INVALID_PARAMS, "message: %zu bytes; %d are expected", p->message.size,
                          CLAIM_PIECE);
    claim_binding(kernel_chain(q->kernel), p->purpose, &hash);
    decimal_write(decimal, hash.bytes);
    writer_object_begin(w);
    writer_member_hex(w, "input", hash.bytes, sizeof(hash.bytes));
    writer_member_text(w, "decimal", decimal);
    if (p->message.size > 0) {
        claim_bound_message(kernel_chain(q->kernel), p->purpose, p->message.data, &hash);
        writer_member_hex(w, "signed", hash.bytes, sizeof(hash.bytes));
    }
    writer_object_end(w);
    return OK;
}

/* --- proof.jobs and proof.job ------------------------------------------------------------------- */
struct jobs {
    uint64_t job, after, limit;
};

static const struct param jobs_params[] = {
    PARAM(struct jobs, after, INTEGER, OPTIONAL, "only jobs with a higher number"),
    PARAM(struct jobs, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define JOB_COLUMNS "id, system, circuit, witness, purpose, state, error, asked_seq, ended_seq"

static void write_job(struct writer *w, struct statement *s)
{
    writer_member_integer(w, "job", column_integer(s, "id"));
    write_column_text(w, s, "system");
    write_column_text(w, s, "circuit");
    write_column_text(w, s, "witness");
    write_column_text(w, s, "purpose");
    write_column_text(w, s, "state");
    write_column_text(w, s, "error");
    write_column_integer(w, s, "asked_seq");
    write_if_any(w, s, "ended_seq", write_column_integer);
}

static enum status jobs(struct query *q, const void *params, struct writer *w)
{
    const struct jobs *p = params;
    struct statement *s = statement(
        q->database, "SELECT " JOB_COLUMNS " FROM proof_job WHERE id > ? ORDER BY id LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "id");
        writer_object_begin(w);
        write_job(w, s);
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

static const struct param job_params[] = {
    PARAM(struct jobs, job, INTEGER, REQUIRED, "its number"),
};

static enum status job(struct query *q, const void *params, struct writer *w)
{
    const struct jobs *p = params;
    struct statement *s = statement(q->database,
        "SELECT " JOB_COLUMNS ", keys, messages, proof, inputs, key FROM proof_job WHERE id = ?");

    bind_integer(s, (int64_t)p->job);
    if (!statement_row(s))
        return query_fail(q, ERROR_PROOF_JOB_NOT_FOUND, "job: there is none with this number");
    writer_object_begin(w);
    write_job(w, s);
    write_if_any(w, s, "keys", write_column_hex);
    write_if_any(w, s, "messages", write_column_hex);
    write_if_any(w, s, "proof", write_column_hex);
    write_if_any(w, s, "inputs", write_column_hex);
    write_if_any(w, s, "key", write_column_hex);
    writer_object_end(w);
    statement_finish(s);
    return OK;
}

const struct query_method proving_queries[PROVING_QUERIES] = {
    { "proof.keys", ACCESS_PUBLIC, keys, PARAMS(struct keys, keys_params),
      .help = "List the verification keys that accounts stand by.", .result = "a page of keys" },
    { "proof.key", ACCESS_PUBLIC, key, PARAMS(struct keys, key_params),
      .help = "Show a verification key with its bytes.", .result = "the key", .example = "key=HASH" },
    { "proof.records", ACCESS_PUBLIC, records, PARAMS(struct records, records_params),
      .help = "List the proofs on record.", .result = "a page of records" },
    { "proof.record", ACCESS_PUBLIC, record, PARAMS(struct record, record_params),
      .help = "Show a proof on record with what it proved.", .result = "the record",
      .example = "record=HASH" },
    { "proof.check", ACCESS_PUBLIC, check, PARAMS(struct claim_params, check_params),
      .help = "Say whether a proof holds for this chain and a purpose; nothing is recorded.",
      .result = "whether it is valid, or the reason why not",
      .example = "system=range purpose='audit 2026' bits=64 commitments=HEX proof=HEX", .detached = true },
    { "proof.binding", ACCESS_PUBLIC, binding, PARAMS(struct binding, binding_params),
      .help = "Tell what binds proofs to this chain and a purpose.",
      .result = "the public input for groth16; for half_aggregate what is signed for the message",
      .example = "purpose='audit 2026'", .detached = true },
    { "proof.jobs", ACCESS_PUBLIC, jobs, PARAMS(struct jobs, jobs_params),
      .help = "List the proofs that this node was asked to make.", .result = "a page of jobs" },
    { "proof.job", ACCESS_PUBLIC, job, PARAMS(struct jobs, job_params),
      .help = "Show a proof that this node was asked to make, as proof.verify takes it.",
      .result = "the job, with proof, public inputs and key (groth16) once it is made", .example = "job=1" },
};
