/* What the commands of a pool take, and the checks that need no rows: above all the proofs. */
#ifndef CONFIDENTIAL_PARAMS_H
#define CONFIDENTIAL_PARAMS_H

#include "confidential/spend.h"
#include "kernel/module.h"

struct shield {
    struct asset_id asset;
    uint64_t amount;
    struct hash key;
    struct bytes sealed; /* size 0: none */
};

struct member_item {
    uint64_t note;
    struct hash key, commitment;
};

struct input_item {
    struct param_list members; /* struct member_item */
    struct hash pseudo;
    struct bytes signature;
};

struct output_item {
    struct hash key, commitment;
    struct bytes sealed;
};

/* Of confidential.transfer and confidential.unshield; the first has neither amount nor recipient. */
struct spending {
    struct asset_id asset;
    uint64_t amount;
    struct account_id to;
    struct param_list inputs, outputs; /* struct input_item, struct output_item */
    struct bytes range_proof;
};

#define SHIELD_PARAMS 4
#define TRANSFER_PARAMS 4
#define UNSHIELD_PARAMS 6
extern const struct param pool_shield_params[SHIELD_PARAMS], pool_transfer_params[TRANSFER_PARAMS],
    pool_unshield_params[UNSHIELD_PARAMS];

/* Errors: as spend_verify; MALFORMED_PROOF, also a key that is none or sealed bytes of another size;
 * RING_ORDER. */
enum status check_pool_shield(const struct check *check, void *params, struct arena *arena,
                              struct error *error);
enum status check_pool_transfer(const struct check *check, void *params, struct arena *arena,
                                struct error *error);
enum status check_pool_unshield(const struct check *check, void *params, struct arena *arena,
                                struct error *error);

#endif
