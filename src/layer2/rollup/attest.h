/* This node as a member of a committee, or beside one: local commands. rollup.attest keeps data and vouches
 * for it; rollup.attested takes what a member elsewhere signed for a batch that waits here; rollup.hold_data
 * keeps the data of a batch on the ledger; rollup.guard says when to challenge data that is missing. */
#ifndef LAYER2_ROLLUP_ATTEST_H
#define LAYER2_ROLLUP_ATTEST_H

#include "kernel/execution.h"
#include "layer2/rollup/held.h"

/* Signs with a key of this node: its own account's, or one of its keystore. False: it has not got the key,
 * or the keystore is locked. */
MUST_CHECK bool attestation_sign(struct kernel *kernel, const struct account_id *member,
                                 const struct hash *message, struct signature *signature);

struct attest {
    uint64_t domain, number, inbox_to;
    struct hash parent, items_root, data_hash;
    struct bytes data;
    struct account_id member;
};
#define ATTEST_PARAMS 8
extern const struct param attest_params[ATTEST_PARAMS];
enum status attest_data(struct execution *x, const void *params, struct writer *result);

struct attested_elsewhere {
    uint64_t domain;
    struct account_id member;
    struct bytes signature;
};
#define ATTESTED_ELSEWHERE_PARAMS 3
extern const struct param attested_elsewhere_params[ATTESTED_ELSEWHERE_PARAMS];
enum status take_attestation(struct execution *x, const void *params, struct writer *result);

struct hold_data {
    struct hash batch;
    struct bytes data;
};
#define HOLD_DATA_PARAMS 2
extern const struct param hold_data_params[HOLD_DATA_PARAMS];
enum status hold_data(struct execution *x, const void *params, struct writer *result);

struct guard {
    uint64_t domain, bond_max;
};
#define GUARD_PARAMS 2
extern const struct param guard_params[GUARD_PARAMS];
enum status set_guard(struct execution *x, const void *params, struct writer *result);

#endif
