/* Proofs that a hash lock was made and claimed, from what a server gives: evm_swap.h. Each is checked here as
 * whoever judges it later will: a server that proves something else is caught now. */
#include "network/evm/contracts.h"
#include "network/evm/evm_swap.h"
#include "network/evm/prove.h"

#define PAGES_MAX 10000 /* of eth_getLogs: so far back nobody locks */

struct wanted {
    struct evm_client *client;
    struct network_call *call;
    const struct evm_swap_terms *terms;
    struct hash id;
    uint64_t settled; /* the newest block with the link's confirmations */
};

/* --- where it happened ------------------------------------------------------------------------------- */
static enum status look_in(const struct wanted *w, const char *event, uint64_t first, uint64_t last,
                           struct server_logs *logs)
{
    struct hash topic;
    abi_topic(event, &topic);
    json_t *filter = json_pack(
        "{sosososo}", "address", json_data(w->terms->contract.bytes, EVM_ADDRESS_SIZE), "fromBlock",
        json_quantity(first), "toBlock", json_quantity(last), "topics",
        json_pack("[oo]", json_data(topic.bytes, sizeof topic.bytes),
                  json_data(w->id.bytes, sizeof w->id.bytes)));
    return server_logs(w->client, w->call, filter, logs);
}

/* The contract says each of these once of a lock. */
static enum status find_event(const struct wanted *w, const char *event, uint64_t since,
                              struct server_log *found)
{
    struct server_logs logs = {0};
    uint64_t span = w->client->chain->log_range, first = since;
    for (size_t page = 0; page < PAGES_MAX && first <= w->settled && logs.count == 0; page++) {
        uint64_t last = w->settled - first < span ? w->settled : first + span - 1;
        TRY(look_in(w, event, first, last, &logs));
        first = last + 1;
    }
    if (logs.count == 0)
        return error_set(&w->call->error, ERROR_NETWORK_NOT_FOUND,
                         "up to block %llu, as deep as it has to be, the lock has no such event",
                         (unsigned long long)w->settled);
    *found = logs.logs[0];
    return OK;
}

/* --- proofs ------------------------------------------------------------------------------------------ */
static enum status check_receipt(const struct wanted *w, enum evm_swap_fact fact,
                                 const struct evm_receipt *receipt)
{
    struct evm_swap_terms terms;
    struct hash secret;
    bool shown = fact == EVM_SWAP_FACT_LOCKED
                     ? evm_swap_find_locked(receipt, w->client->chain_id, &w->id, &terms)
                     : evm_swap_find_claimed(receipt, &w->terms->contract, &w->id, &secret);
    return shown && receipt->succeeded
               ? OK
               : server_lied(w->client, w->call, "the receipt does not have the event that its logs have");
}

static enum status prove_event(const struct wanted *w, enum evm_swap_fact fact, const struct server_log *log,
                               const char **text, struct evm_proof *proof)
{
    AUTO_JSON json_t *claim = json_pack("{sssosb}", "type", "receipt", "transaction",
                                        json_data(log->transaction.bytes, sizeof log->transaction.bytes),
                                        "brief", 1);
    TRY(prove_receipt(w->client, w->call, claim, text, proof));
    return check_receipt(w, fact, &proof->receipt);
}

static enum status check_contract(const struct wanted *w, const struct evm_proof *proof)
{
    struct evm_swap_word word;
    if (!contract_is_hash_lock(&proof->account.code_hash))
        return server_lied(w->client, w->call, "the contract is not the hash lock that its code was");
    if (proof->slot_count != 1 || !evm_swap_word_read(&proof->slots[0].value, &word) ||
        word.state != EVM_SWAP_CLAIMED)
        return server_lied(w->client, w->call, "the lock is not claimed in the block that claimed it");
    return OK;
}

static enum status prove_contract(const struct wanted *w, const struct server_log *log, const char **text,
                                  struct evm_proof *proof)
{
    struct u256 slot;
    evm_swap_slot(&w->id, &slot);
    AUTO_JSON json_t *claim = json_pack(
        "{sssosos[o]sb}", "type", "account", "address",
        json_data(w->terms->contract.bytes, EVM_ADDRESS_SIZE), "block",
        json_data(log->block.bytes, sizeof log->block.bytes), "slots",
        json_data(slot.bytes, sizeof slot.bytes), "brief", 1);
    TRY(prove_account(w->client, w->call, claim, text, proof));
    return check_contract(w, proof);
}

enum status evm_swap_prove(void *client, struct network_call *call, const struct evm_swap_terms *terms,
                           uint64_t since, enum evm_swap_fact fact, const char **text,
                           struct evm_proof *proof)
{
    struct evm_client *c = client;
    struct wanted wanted = {.client = c, .call = call, .terms = terms};
    struct server_tips tips;
    struct server_log log;
    struct evm_proof found;
    const char *why, *made;
    if (!evm_capable(client, NETWORK_GENERATE_PROOF, &why))
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED, "%s", why);
    if (fact == EVM_SWAP_FACT_CONTRACT && c->chain->family == EVM_ROOTSTOCK)
        return error_set(&call->error, ERROR_NETWORK_NOT_SUPPORTED,
                         "this network's servers prove no accounts");
    evm_swap_id(c->chain_id, terms, &wanted.id);
    TRY(server_tips(c, call, &tips));
    wanted.settled = server_settled(c, tips.latest.number);
    TRY(find_event(&wanted, fact == EVM_SWAP_FACT_LOCKED ? EVM_SWAP_EVENT_LOCKED : EVM_SWAP_EVENT_CLAIMED,
                   since, &log));
    if (fact == EVM_SWAP_FACT_CONTRACT)
        TRY(prove_contract(&wanted, &log, &made, &found));
    else
        TRY(prove_event(&wanted, fact, &log, &made, &found));
    /* The chain may have changed since the logs were read. */
    if (found.number > wanted.settled)
        return error_set(&call->error, ERROR_NETWORK_NOT_FOUND, "it is not as deep any more");
    *text = made;
    *proof = found;
    return OK;
}
