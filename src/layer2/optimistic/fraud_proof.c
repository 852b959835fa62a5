/* Fraud that is proved at once: see fraud_proof.h. */
#include "layer2/optimistic/fraud_proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "layer2/optimistic/dispute.h"

#define COMMITMENT_LIFE_US (7 * 24 * 3600 * MICROSECONDS_PER_SECOND) /* as long as a window is, usually */

/* --- fraud.commit ----------------------------------------------------------------------------- */
struct commit {
    struct hash commitment;
};

static const struct param commit_params[] = {
    PARAM(struct commit, commitment, HASH, REQUIRED,
          "tagged hash layerd/rollup/fraud-commitment of batch, account, salt and the proof's SHA-256"),
};

static void commitment_subject(uint8_t subject[64], const struct account_id *account, const struct hash *hash)
{
    memcpy(subject, account->bytes, sizeof(account->bytes));
    memcpy(subject + sizeof(account->bytes), hash->bytes, sizeof(hash->bytes));
}

static enum status commit(struct execution *x, const void *params, struct writer *result)
{
    const struct commit *p = params;
    struct commitment made = { .account = execution_account(x), .hash = p->commitment,
                               .block = execution_block(x) };
    struct commitment known;
    uint8_t subject[64];

    if (commitment_read(execution_database(x), &made.account, &made.hash, &known))
        return fail(x, ERROR_COMMITMENT_EXISTS, "it was made in block %" PRIu64, known.block);
    made.expires_us = execution_chain_time(x) + execution_window(x, COMMITMENT_LIFE_US);
    commitment_insert(execution_database(x), &made, execution_next_seq(x));
    commitment_subject(subject, &made.account, &made.hash);
    deadline_set(x, CLOCK_CHAIN, made.expires_us, FRAUD_DEADLINE, bytes_of(subject, sizeof(subject)));
    event_fraud_committed(x, &(struct event_fraud_committed){
        .account = made.account, .commitment = made.hash, .expires_us = made.expires_us });
    writer_object_begin(result);
    writer_member_unsigned(result, "open_from_block", made.block + FRAUD_REVEAL_BLOCKS);
    writer_member_integer(result, "expires_us", made.expires_us);
    writer_object_end(result);
    return OK;
}

void fraud_forget(struct execution *x, struct bytes subject)
{
    struct account_id account;
    struct hash hash;

    INVARIANT(subject.size == sizeof(account.bytes) + sizeof(hash.bytes), "a commitment of %zu bytes",
              subject.size);
    memcpy(account.bytes, subject.data, sizeof(account.bytes));
    memcpy(hash.bytes, subject.data + sizeof(account.bytes), sizeof(hash.bytes));
    commitment_delete(execution_database(x), &account, &hash);
}

/* --- fraud.prove ------------------------------------------------------------------------------ */
struct prove {
    struct hash batch, salt;
    struct bytes proof;
};

static const struct param prove_params[] = {
    PARAM(struct prove, batch, HASH, REQUIRED, "the wrong batch"),
    PARAM(struct prove, salt, HASH, REQUIRED, "the commitment's"),
    PARAM(struct prove, proof, BYTES, REQUIRED, "as committed to, hex", .most = FRAUD_SIZE_MAX),
};

static enum status check_commitment(struct execution *x, const struct prove *p, struct commitment *found)
{
    const struct account_id account = execution_account(x);
    struct hash hash;

    fraud_commitment_hash(&hash, &p->batch, &account, &p->salt, p->proof);
    if (!commitment_read(execution_database(x), &account, &hash, found))
        return fail(x, ERROR_COMMITMENT_NOT_FOUND, "no commitment of this account to this proof");
    if (execution_block(x) < found->block + FRAUD_REVEAL_BLOCKS)
        return fail(x, ERROR_COMMITMENT_TOO_NEW, "it was made in block %" PRIu64 "; this is %" PRIu64,
                    found->block, execution_block(x));
    return OK;
}

static enum status check_proof(struct execution *x, const struct rollup *rollup, const struct batch_row *row,
                               struct bytes proof, enum fraud_kind *kind)
{
    struct arena arena CLEANUP(arena_close);
    struct batch batch;
    struct error error;
    enum status status;

    arena_init(&arena);
    status = batch_load(execution_database(x), rollup, row, &arena, &batch, &error);
    if (status == OK)
        status = fraud_verify(&batch, &row->result, proof, kind, &error);
    return status == OK ? OK : fail(x, status, "%s", error.message);
}

/* The batch's bond to whoever proved it wrong, less what burns so that nobody proves himself wrong for
 * nothing. A game that runs about the batch has nothing to decide any more. */
static void reward(struct execution *x, const struct rollup *rollup, const struct batch_row *batch,
                   const char *kind, struct fraud_row *row)
{
    struct account_id held;
    struct asset asset;

    dispute_void(x, &batch->id, NULL, "fraud_proved");
    dispute_asset(x, rollup, &asset);
    batch_bond_account(&held, &batch->id);
    row->burned = (uint64_t)((unsigned __int128)batch->bond * rollup->game.burn_ppm / GAME_PPM);
    row->reward = batch->bond - row->burned;
    fraud_row_insert(execution_database(x), row, execution_next_seq(x));
    dispute_pay(x, &asset, &held, &row->prover, row->reward);
    dispute_burn(x, &asset, &held, row->burned);
    event_fraud_proved(x, &(struct event_fraud_proved){ .batch = batch->id, .prover = row->prover,
                                                        .kind = kind, .reward = row->reward,
                                                        .burned = row->burned });
}

static enum status prove(struct execution *x, const void *params, struct writer *result)
{
    const struct prove *p = params;
    struct fraud_row row = { .batch = p->batch, .prover = execution_account(x) };
    struct commitment commitment;
    struct batch_row batch;
    struct rollup rollup;
    enum fraud_kind kind;
    uint8_t subject[64];

    TRY(batch_open_to_challenge(x, &p->batch, &batch));
    TRY(check_commitment(x, p, &commitment));
    INVARIANT(rollup_find(execution_database(x), batch.domain, &rollup), "a batch without its rollup");
    TRY(check_proof(x, &rollup, &batch, p->proof, &kind));
    row.kind = kind;
    commitment_delete(execution_database(x), &commitment.account, &commitment.hash);
    commitment_subject(subject, &commitment.account, &commitment.hash);
    deadline_clear(x, FRAUD_DEADLINE, bytes_of(subject, sizeof(subject)));
    reward(x, &rollup, &batch, fraud_kind_name(kind), &row);
    dispute_roll_back(x, &batch.id, true, fraud_kind_name(kind));
    reaction_request(x, GAME_CHANGED, bytes_of(batch.id.bytes, sizeof(batch.id.bytes)));
    writer_object_begin(result);
    writer_member_text(result, "kind", fraud_kind_name(kind));
    writer_member_unsigned(result, "reward", row.reward);
    writer_object_end(result);
    return OK;
}

/* --- the list --------------------------------------------------------------------------------- */
#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"
#define EXAMPLE_VALUE "0001020304050607080900010203040506070809000102030405060708090102"

const struct command fraud_commands[FRAUD_COMMANDS] = {
    { "fraud.commit", SCOPE_BASE, ACCESS_SIGNED, commit, PARAMS(struct commit, commit_params),
      .help = "Say that a proof of fraud will follow, so that nobody else can show it first.",
      .result = "{open_from_block, expires_us}", .example = "commitment=" EXAMPLE_ID },
    { "fraud.prove", SCOPE_BASE, ACCESS_SIGNED, prove, PARAMS(struct prove, prove_params),
      .help = "Prove a batch wrong at once: a bad signature, nonce, balance, or withdrawal root.",
      .result = "{kind, reward}", .example = "batch=" EXAMPLE_ID " salt=" EXAMPLE_VALUE " proof=01" },
};
