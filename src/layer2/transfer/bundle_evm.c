/* The judge of an EVM leg's proofs: see bundle_evm.h. */
#include "layer2/transfer/bundle_evm.h"

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "network/evm/contracts.h"
#include "network/evm/evm_proof.h"
#include "network/evm/evm_swap_terms.h"

struct evm_judged {
    const struct bundle_evm_leg *leg;
    struct arena arena;
    struct evm_proof proofs[BUNDLE_STEPS];
    struct hash id;
    struct evm_swap_terms terms; /* the lock's, as its event says them; its id covers them */
    struct bundle_evm_finding finding;
};

static enum status wrong(struct error *error, const char *what)
{
    return error_set(error, ERROR_TRANSFER_PROOF, "%s", what);
}

/* --- the proofs as such ------------------------------------------------------------------------------ */
static bool is_receipt(const struct evm_proof *proof)
{
    return proof->type == EVM_PROOF_RECEIPT || proof->type == EVM_PROOF_ROOTSTOCK_RECEIPT;
}

/* Everything in it leads from the header on: what is said of it elsewhere is not needed. */
static enum status read_proof(struct evm_judged *j, enum bundle_step step, const json_t *json,
                              struct error *error)
{
    struct bundle_evm_fact *fact = &j->finding.facts[step];
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct evm_proof *proof = &j->proofs[step];
    char number[U256_DECIMAL_MAX];
    struct error inner;

    if (json_canonical(json, &text, &inner) != OK || text.size > BUNDLE_NETWORK_PROOF_MAX)
        return wrong(error, "a network's proof is longer than any");
    if (evm_proof_verify(buffer_text(&text), false, &j->arena, proof, &inner) != OK)
        return error_set(error, ERROR_TRANSFER_PROOF, "the network's proof of the %s: %s",
                         bundle_step_name(step), inner.message);
    fact->present = true;
    fact->chain_id = proof->chain_id;
    fact->number = proof->number;
    fact->block = proof->block;
    fact->vouched = proof->vouched;
    fact->mined = proof->mined;
    if (proof->mined)
        snprintf(fact->difficulty, sizeof(fact->difficulty), "%s", u256_decimal(number, &proof->difficulty));
    sha256(&fact->text, text.data, text.size);
    return OK;
}

static enum status read_proofs(struct evm_judged *j, struct error *error)
{
    size_t members = 0;

    for (size_t i = 0; i < BUNDLE_STEPS; i++) {
        const json_t *json = json_object_get(j->leg->proofs, bundle_step_name((enum bundle_step)i));

        if (json == NULL && i == BUNDLE_CONTRACT)
            continue;
        if (json == NULL)
            return error_set(error, ERROR_TRANSFER_PROOF, "the network's proof of the %s is missing",
                             bundle_step_name((enum bundle_step)i));
        TRY(read_proof(j, (enum bundle_step)i, json, error));
        members++;
    }
    if (json_object_size(j->leg->proofs) != members)
        return wrong(error, "a network's proof has no part in the transfer");
    if (!is_receipt(&j->proofs[BUNDLE_LOCK]) ||
        j->proofs[BUNDLE_LOCK].type != j->proofs[BUNDLE_CLAIM].type ||
        j->proofs[BUNDLE_LOCK].chain_id != j->proofs[BUNDLE_CLAIM].chain_id)
        return wrong(error, "the network's proofs of lock and claim are not receipts of one chain");
    return OK;
}

/* --- what they show ----------------------------------------------------------------------------------- */
/* With no checksum, Ethereum's (EIP-55), or that of the chain (EIP-1191, Rootstock). */
static bool address_is(const char *text, uint64_t chain_id, const struct evm_address *address)
{
    struct evm_address read;

    return (evm_address_decode(&read, text, strlen(text), EVM_CHECKSUM_PLAIN) ||
            evm_address_decode(&read, text, strlen(text), chain_id)) &&
           evm_address_equal(&read, address);
}

static bool hash_is(const char *text, const struct hash *hash)
{
    char hex[65];

    hex_text(hex, hash->bytes, sizeof(hash->bytes));
    return strcmp(hex, text) == 0;
}

static bool asset_is(const char *text, uint64_t chain_id, const struct evm_address *token)
{
    return strcmp(text, "coin") == 0 ? evm_address_is_zero(token)
                                     : !evm_address_is_zero(token) && address_is(text, chain_id, token);
}

static enum status check_lock(struct evm_judged *j, struct error *error)
{
    const struct evm_proof *proof = &j->proofs[BUNDLE_LOCK];
    const struct bundle_evm_leg *leg = j->leg;
    const struct evm_swap_terms *terms = &j->terms;
    struct u256 amount;

    if (strlen(leg->reference) != 64 || !hex_decode(j->id.bytes, sizeof(j->id.bytes), leg->reference, 64) ||
        !hash_is(leg->reference, &j->id))
        return wrong(error, "a lock on the network has no id");
    if (!proof->receipt.succeeded)
        return wrong(error, "the lock's transaction failed on the network");
    if (!evm_swap_find_locked(&proof->receipt, proof->chain_id, &j->id, &j->terms))
        return wrong(error, "the receipt shows no lock whose terms, contract and chain give the lock's id");
    if (!hash_is(leg->hash, &terms->hash))
        return wrong(error, "the lock on the network is not by the transfer's hash");
    if (!u256_from_decimal(&amount, leg->amount, strlen(leg->amount)) ||
        u256_compare(&amount, &terms->amount) != 0)
        return wrong(error, "the lock on the network is not of the amount agreed");
    if (!asset_is(leg->asset, proof->chain_id, &terms->token))
        return wrong(error, "the lock on the network is not of the asset agreed");
    if (!address_is(leg->from, proof->chain_id, &terms->sender) ||
        !address_is(leg->to, proof->chain_id, &terms->recipient))
        return wrong(error, "the lock on the network is not between those agreed");
    if (terms->deadline_s != leg->expiry_us / MICROSECONDS_PER_SECOND)
        return wrong(error, "the lock on the network does not end when the log says");
    return OK;
}

static enum status check_claim(struct evm_judged *j, struct error *error)
{
    const struct evm_proof *lock = &j->proofs[BUNDLE_LOCK], *claim = &j->proofs[BUNDLE_CLAIM];
    struct hash secret;

    if (!claim->receipt.succeeded)
        return wrong(error, "the claim's transaction failed on the network");
    if (!evm_swap_find_claimed(&claim->receipt, &j->terms.contract, &j->id, &secret))
        return wrong(error, "the receipt shows no claim of that lock");
    if (!hash_is(j->leg->preimage, &secret))
        return wrong(error, "the lock on the network was claimed by another preimage");
    if (claim->number < lock->number || claim->timestamp >= j->terms.deadline_s)
        return wrong(error, "the lock on the network was claimed before it was made, or after its end");
    return OK;
}

/* The code at the address is the hash lock's, and its storage says that this lock was claimed: then what it
 * said in its events is so. */
static enum status check_contract(struct evm_judged *j, struct error *error)
{
    const struct evm_proof *proof = &j->proofs[BUNDLE_CONTRACT], *claim = &j->proofs[BUNDLE_CLAIM];
    struct evm_swap_word word;
    struct u256 slot;

    if (!j->finding.facts[BUNDLE_CONTRACT].present)
        return OK;
    if (proof->type != EVM_PROOF_ACCOUNT || proof->chain_id != claim->chain_id ||
        !hash_equal(&proof->block, &claim->block) || !evm_address_equal(&proof->address, &j->terms.contract))
        return wrong(error, "the contract's proof is not of the contract as it was after the claim");
    if (!proof->present || !contract_is_hash_lock(&proof->account.code_hash))
        return wrong(error, "the contract on the network is not our hash lock");
    evm_swap_slot(&j->id, &slot);
    if (proof->slot_count != 1 || u256_compare(&proof->slots[0].slot, &slot) != 0 ||
        !evm_swap_word_read(&proof->slots[0].value, &word) || word.state != EVM_SWAP_CLAIMED ||
        word.deadline_s != j->terms.deadline_s || !evm_address_equal(&word.sender, &j->terms.sender))
        return wrong(error, "the contract's storage does not say that the lock was claimed");
    return OK;
}

static void write_address(char text[43], const struct evm_address *address)
{
    memcpy(text, "0x", 2);
    hex_text(text + 2, address->bytes, EVM_ADDRESS_SIZE);
}

static enum status judge(struct evm_judged *j, struct error *error)
{
    TRY(read_proofs(j, error));
    TRY(check_lock(j, error));
    TRY(check_claim(j, error));
    TRY(check_contract(j, error));
    write_address(j->finding.contract, &j->terms.contract);
    if (evm_address_is_zero(&j->terms.token))
        memcpy(j->finding.asset, "coin", sizeof("coin"));
    else
        write_address(j->finding.asset, &j->terms.token);
    u256_decimal(j->finding.amount, &j->terms.amount);
    return OK;
}

enum status bundle_evm_judge(const struct bundle_evm_leg *leg, struct bundle_evm_finding *finding,
                             struct error *error)
{
    struct evm_judged *j = memory_new(sizeof(*j));
    enum status status;

    j->leg = leg;
    arena_init(&j->arena);
    status = judge(j, error);
    if (status == OK)
        *finding = j->finding;
    arena_close(&j->arena);
    memory_free_pointer(&j);
    return status;
}
