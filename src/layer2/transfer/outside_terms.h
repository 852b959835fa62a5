/* What a provider's terms say of outside networks (`outside`), read and checked: when the terms are set, and
 * again when a transfer is planned by them. A member that is none, or of another type, is refused: what
 * would be
 * ignored could be a rate. */
#ifndef LAYER2_TRANSFER_OUTSIDE_TERMS_H
#define LAYER2_TRANSFER_OUTSIDE_TERMS_H

#include <jansson.h>

#include "base/status.h"
#include "network/evm/abi.h"

/* For an EVM network: unless the terms say. */
#define EVM_CONFIRMATIONS 12
#define EVM_BLOCK_S 12
#define EVM_SKEW_S 60
#define EVM_NUMBER_MOST 100000 /* of each of these */

struct evm_outside {
    struct evm_address contract;
    struct evm_address token;         /* zero: the chain's own coin */
    const char *contract_text, *token_text; /* as given; the token's NULL: none */
    struct u256 units;                /* there, for one here */
    uint64_t confirmations, block_s, skew_s;
    const char *wallet;               /* the link that locks for `account`; NULL: none */
    struct account_id account;
};
/* `outside` keeps the texts. ERROR_INVALID_PARAMS. */
MUST_CHECK enum status evm_outside_read(const json_t *outside, uint64_t chain_id, struct evm_outside *read,
                                        struct error *error);
/* With no checksum, Ethereum's (EIP-55), or that of the chain (EIP-1191, Rootstock). */
bool evm_outside_address(const char *text, uint64_t chain_id, struct evm_address *address);

/* For Lightning: unless the terms say. */
#define LIGHTNING_MAX_DELAY 288 /* blocks that a payment may lock at most: two days */
#define LIGHTNING_RESOLVE 36    /* blocks that it may take after that on the chain */
#define LIGHTNING_BLOCK_S 900   /* half as much again as the chain aims at */
#define LIGHTNING_SEND_S 600    /* from the decision until it is sent at the latest */
#define LIGHTNING_SKEW_S 60
#define LIGHTNING_NUMBER_MOST 86400 /* of each of these but max_delay */
#define LIGHTNING_DIGITS_MAX 20

struct lightning_outside {
    uint64_t units; /* msat for one here */
};
MUST_CHECK enum status lightning_outside_read(const json_t *outside, struct lightning_outside *read,
                                              struct error *error);

/* Nothing stands there but what the kinds of legs on the way read. */
MUST_CHECK enum status outside_check_members(const json_t *outside, bool evm, bool lightning,
                                             struct error *error);

/* A whole number from 0 on in the terms or a leg's notes, which were checked; absent: `otherwise`. */
uint64_t outside_number(const json_t *json, const char *name, uint64_t otherwise);

#endif
