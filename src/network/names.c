/* The words for operations, states and verdicts: see names.h. */
#include "network/names.h"

#include <string.h>

#include "base/clock.h"

#define SECONDS(n) ((n)*MICROSECONDS_PER_SECOND)

static const struct {
    const char *name;
    int64_t timeout_us;
} operations[NETWORK_OPERATIONS] = {
    [NETWORK_CONNECT] = { "connect", SECONDS(10) },
    [NETWORK_DISCONNECT] = { "disconnect", SECONDS(10) },
    [NETWORK_HEALTH_CHECK] = { "health_check", SECONDS(10) },
    [NETWORK_GET_STATE] = { "get_state", SECONDS(10) },
    [NETWORK_SYNC_STATE] = { "sync_state", SECONDS(60) },
    [NETWORK_VALIDATE_STATE] = { "validate_state", SECONDS(30) },
    [NETWORK_SUBMIT_TRANSACTION] = { "submit_transaction", SECONDS(30) },
    [NETWORK_CHECK_TRANSACTION_STATUS] = { "check_transaction_status", SECONDS(10) },
    [NETWORK_GET_TRANSACTION_HISTORY] = { "get_transaction_history", SECONDS(30) },
    [NETWORK_ESTIMATE_FEES] = { "estimate_fees", SECONDS(10) },
    [NETWORK_ISSUE_ASSET] = { "issue_asset", SECONDS(30) },
    [NETWORK_TRANSFER_ASSET] = { "transfer_asset", SECONDS(30) },
    [NETWORK_VERIFY_PROOF] = { "verify_proof", SECONDS(30) },
    [NETWORK_GENERATE_PROOF] = { "generate_proof", SECONDS(30) },
    [NETWORK_REQUEST_PAYMENT] = { "request_payment", SECONDS(30) },
};

const char *network_operation_name(enum network_operation operation)
{
    return operations[operation].name;
}

bool network_operation_find(const char *name, enum network_operation *operation)
{
    for (int i = 0; i < NETWORK_OPERATIONS; i++) {
        if (strcmp(operations[i].name, name) == 0) {
            *operation = (enum network_operation)i;
            return true;
        }
    }
    return false;
}

int64_t network_operation_timeout_us(enum network_operation operation)
{
    return operations[operation].timeout_us;
}

bool network_operation_writes(enum network_operation operation, enum write_kind *kind)
{
    if (operation == NETWORK_SUBMIT_TRANSACTION)
        *kind = WRITE_SUBMIT;
    else if (operation == NETWORK_ISSUE_ASSET)
        *kind = WRITE_ISSUE;
    else if (operation == NETWORK_TRANSFER_ASSET)
        *kind = WRITE_TRANSFER;
    else
        return false;
    return true;
}

const char *write_kind_name(enum write_kind kind)
{
    switch (kind) {
    case WRITE_SUBMIT: return "submit";
    case WRITE_ISSUE: return "issue";
    case WRITE_TRANSFER: return "transfer";
    }
    return "";
}

bool write_kind_find(const char *name, enum write_kind *kind)
{
    for (enum write_kind k = WRITE_SUBMIT; k <= WRITE_TRANSFER; k++) {
        if (strcmp(write_kind_name(k), name) == 0) {
            *kind = k;
            return true;
        }
    }
    return false;
}

const char *transaction_state_name(enum transaction_state state)
{
    switch (state) {
    case TRANSACTION_UNKNOWN: return "unknown";
    case TRANSACTION_PENDING: return "pending";
    case TRANSACTION_CONFIRMED: return "confirmed";
    case TRANSACTION_FAILED: return "failed";
    }
    return "";
}

bool transaction_state_find(const char *name, enum transaction_state *state)
{
    for (enum transaction_state s = TRANSACTION_UNKNOWN; s <= TRANSACTION_FAILED; s++) {
        if (strcmp(transaction_state_name(s), name) == 0) {
            *state = s;
            return true;
        }
    }
    return false;
}

const char *finality_name(enum finality finality)
{
    switch (finality) {
    case FINALITY_NONE: return "none";
    case FINALITY_SOFT: return "soft";
    case FINALITY_SAFE: return "safe";
    case FINALITY_FINAL: return "final";
    }
    return "";
}

const char *proof_verdict_name(enum proof_verdict verdict)
{
    switch (verdict) {
    case PROOF_VALID: return "valid";
    case PROOF_INVALID: return "invalid";
    case PROOF_UNVERIFIABLE: return "unverifiable";
    }
    return "";
}

const char *proof_anchor_name(enum proof_anchor anchor)
{
    switch (anchor) {
    case ANCHOR_NONE: return "none";
    case ANCHOR_WORK: return "work";
    case ANCHOR_FEDERATION: return "federation";
    case ANCHOR_SIGNATURE: return "signature";
    case ANCHOR_CHECKPOINT: return "checkpoint";
    case ANCHOR_NODE: return "node";
    }
    return "";
}

const char *send_outcome_name(enum send_outcome outcome)
{
    switch (outcome) {
    case SEND_ACCEPTED: return "accepted";
    case SEND_REJECTED: return "rejected";
    case SEND_AMBIGUOUS: return "ambiguous";
    }
    return "";
}
