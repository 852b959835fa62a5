/* proof: verification keys, and proofs put on record. What a proof proves is judged in the check, on a worker
 * and of the parameters alone (claim.h); the handler looks at keys and records. */
#include "proving/proving.h"

#include <string.h>

#include "base/bech32.h"
#include "kernel/execution.h"
#include "proving/claim_params.h"
#include "proving/invariants.h"
#include "proving/prove.h"
#include "proving/queries.h"
#include "proving/rows.h"

#define TITLE_MAX 128
#define KEYS_MAX 256 /* of one account */

struct claim claim_of_params(const struct claim_params *p, const char *chain)
{
    struct claim claim = { .chain = chain, .purpose = p->purpose, .bits = p->bits,
                           .commitments = p->commitments, .keys = p->keys, .messages = p->messages,
                           .message = p->message, .key = p->key, .inputs = p->inputs,
                           .binding = p->binding == NOT_GIVEN ? CLAIM_NOT_BOUND : p->binding };

    INVARIANT(claim_system_find(p->system, &claim.system), "a system '%s'", p->system);
    return claim;
}

/* --- keys --------------------------------------------------------------------------------------- */
struct key_add {
    struct bytes key;
    const char *title;
    struct hash hash;       /* by the check */
    uint64_t public_inputs; /* by the check */
};

static const struct param key_add_params[] = {
    PARAM(struct key_add, key, BYTES, REQUIRED,
          "its canonical bytes; 'layer-cli proof encode' makes them of verification_key.json",
          .most = CLAIM_KEY_BYTES_MAX),
    PARAM(struct key_add, title, TEXT, OPTIONAL, "what it is for", .most = TITLE_MAX),
};

static enum status check_key_add(const struct check *check, void *params, struct arena *arena,
                                 struct error *error)
{
    struct key_add *p = params;

    (void)check, (void)arena;
    return claim_key_read(p->key, &p->public_inputs, &p->hash, error);
}

static enum status key_add(struct execution *x, const void *params, struct writer *result)
{
    const struct key_add *p = params;
    struct verification_key key = { .owner = execution_account(x), .hash = p->hash, .title = p->title,
                                    .key = p->key, .public_inputs = p->public_inputs };
    struct database *database = execution_database(x);
    bool retired;

    if (row_key_find(database, &key.owner, &key.hash, &retired))
        return fail(x, ERROR_VERIFICATION_KEY_LISTED, "key: it is %s",
                    retired ? "retired" : "on the account's list");
    if (row_key_count(database, &key.owner) >= KEYS_MAX)
        return fail(x, ERROR_LIMIT, "the account has listed %d verification keys, and no more are taken",
                    KEYS_MAX);
    row_key_insert(database, &key, execution_block(x), execution_next_seq(x));
    writer_object_begin(result);
    writer_member_hex(result, "key", key.hash.bytes, sizeof(key.hash.bytes));
    writer_member_unsigned(result, "public_inputs", key.public_inputs);
    writer_object_end(result);
    return event_proof_key_added(x, &(struct event_proof_key_added){
        .key = key.hash, .owner = key.owner, .system = claim_systems[CLAIM_GROTH16],
        .public_inputs = key.public_inputs, .title = key.title });
}

struct key_retire {
    struct hash key;
};

static const struct param key_retire_params[] = {
    PARAM(struct key_retire, key, HASH, REQUIRED, "the key's hash"),
};

/* Whether the key is on the account's list, and in force. */
static enum status check_listed(struct execution *x, const struct account_id *owner, const struct hash *key)
{
    char text[65];
    bool retired;

    hex_text(text, key->bytes, sizeof(key->bytes));
    if (!row_key_find(execution_database(x), owner, key, &retired))
        return fail(x, ERROR_VERIFICATION_KEY_NOT_FOUND, "key: %s is not on the account's list", text);
    if (retired)
        return fail(x, ERROR_VERIFICATION_KEY_RETIRED, "key: %s is retired", text);
    return OK;
}

static enum status key_retire(struct execution *x, const void *params, struct writer *result)
{
    const struct key_retire *p = params;
    struct account_id owner = execution_account(x);

    (void)result;
    TRY(check_listed(x, &owner, &p->key));
    row_key_retire(execution_database(x), &owner, &p->key, execution_block(x));
    return event_proof_key_retired(x, &(struct event_proof_key_retired){ .key = p->key, .owner = owner });
}

/* --- proof.verify ------------------------------------------------------------------------------- */
static const struct param verify_params[] = {
    CLAIM_PARAMS,
    PARAM(struct claim_params, listed_by, ACCOUNT, OPTIONAL,
          "groth16: on whose list the key stands; absent: on the signer's"),
};

static enum status check_verify(const struct check *check, void *params, struct arena *arena,
                                struct error *error)
{
    struct buffer content CLEANUP(buffer_close) = { 0 };
    struct claim_params *p = params;
    uint8_t *copy;

    p->claim = claim_of_params(p, check->chain);
    if (p->claim.system != CLAIM_GROTH16 && !account_is_zero(&p->listed_by))
        return error_set(error, ERROR_INVALID_PARAMS, "listed_by: no part of a claim of the system %s",
                         p->system);
    TRY(claim_verify(&p->claim, p->proof, &p->key_hash, error));
    buffer_init(&content);
    claim_encode(&p->claim, &p->key_hash, &content);
    copy = arena_new(arena, content.size);
    memcpy(copy, content.data, content.size);
    p->content = bytes_of(copy, content.size);
    claim_id(p->content, &p->id);
    return OK;
}

static enum status record(struct execution *x, const struct claim_params *p,
                          const struct verified_proof *proof)
{
    char key[65], image[65], listed_by[ADDRESS_TEXT_MAX];

    if (proof->key != NULL)
        hex_text(key, proof->key->bytes, sizeof(proof->key->bytes));
    if (proof->listed_by != NULL)
        address_encode(listed_by, proof->listed_by);
    if (proof->image != NULL)
        hex_text(image, proof->image, CLAIM_PIECE);
    row_proof_insert(execution_database(x), proof, execution_block(x), execution_next_seq(x));
    return event_proof_verified(x, &(struct event_proof_verified){
        .record = proof->id, .system = p->system, .account = proof->account, .claim = p->id,
        .purpose = p->purpose, .bound = proof->bound, .key = proof->key == NULL ? NULL : key,
        .listed_by = proof->listed_by == NULL ? NULL : listed_by,
        .image = proof->image == NULL ? NULL : image });
}

static enum status verify(struct execution *x, const void *params, struct writer *result)
{
    const struct claim_params *p = params;
    struct account_id listed_by = p->listed_by;
    struct verified_proof proof = { .claim = p->id, .content = p->content, .system = p->system,
                                    .purpose = p->purpose, .account = execution_account(x),
                                    .bound = claim_is_bound(&p->claim) };

    if (p->claim.system == CLAIM_GROTH16) {
        if (account_is_zero(&listed_by))
            listed_by = proof.account;
        TRY(check_listed(x, &listed_by, &p->key_hash));
        proof.key = &p->key_hash;
        proof.listed_by = &listed_by;
    }
    if (p->claim.system == CLAIM_RING)
        proof.image = p->proof.data;
    proof_record_id(&p->id, &proof.account, &proof.id);
    if (row_proof_exists(execution_database(x), &proof.id))
        return fail(x, ERROR_PROOF_RECORDED, "the account's proof of this claim is on record");
    writer_object_begin(result);
    writer_member_hex(result, "record", proof.id.bytes, sizeof(proof.id.bytes));
    writer_member_hex(result, "claim", p->id.bytes, sizeof(p->id.bytes));
    writer_member_boolean(result, "bound", proof.bound);
    writer_object_end(result);
    return record(x, p, &proof);
}

/* --- the module --------------------------------------------------------------------------------- */
static const struct command commands[] = {
    { "proof.key_add", SCOPE_BASE, ACCESS_SIGNED, key_add, check_key_add,
      PARAMS(struct key_add, key_add_params),
      .help = "Put a Groth16 verification key on the account's list of keys that it stands by.",
      .result = "the key's hash", .example = "from=alice key=@key.hex title='range of 16 bits'" },
    { "proof.key_retire", SCOPE_BASE, ACCESS_SIGNED, key_retire,
      PARAMS(struct key_retire, key_retire_params),
      .help = "Stand by a verification key no more: no further proof is recorded by it.",
      .example = "from=alice key=HASH" },
    { "proof.verify", SCOPE_BASE, ACCESS_SIGNED, verify, check_verify,
      PARAMS(struct claim_params, verify_params),
      .help = "Verify a proof for this chain and a purpose, and put it on record; what does not hold is "
              "refused.",
      .result = "the record's id, and the hash of what was proved",
      .example = "from=alice system=range purpose='audit 2026' bits=64 commitments=HEX proof=HEX" },
    { "proof.prove", SCOPE_LOCAL, ACCESS_OPERATOR, prove, PARAMS(struct prove_params, prove_params),
      .help = "Have this node make a proof: Groth16 of files in the folder 'proving' of its data directory, "
              "or one half-aggregate of many signatures. Events tell how it goes; a witness stays in its "
              "file.",
      .result = "job: its number; effect: the work's id",
      .example = "system=groth16 circuit=range16.zkey witness=range16.wtns" },
};

static const char *const base_tables[] = { "verification_key", "verified_proof", NULL };

const struct module proof_module = {
    .name = "proof",
    .help = "Proofs of half-aggregation, ranges, rings and Groth16: verified, and put on record.",
    COMMANDS(commands),
    .queries = proving_queries,
    .query_count = PROVING_QUERIES,
    .invariants = proving_invariants,
    .invariant_count = PROVING_INVARIANTS,
    .effects = &prove_effect,
    .effect_count = 1,
    .base_tables = base_tables,
};
