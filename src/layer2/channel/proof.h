/* Signed states as commands bring them: read and verified beside the executor, and there matched with the
 * channel's participants. A signature comes with its key, so that verifying needs no rows. */
#ifndef LAYER2_CHANNEL_PROOF_H
#define LAYER2_CHANNEL_PROOF_H

#include "kernel/execution.h"
#include "layer2/channel/application.h"

#define PROOF_STATES_MAX CHANNEL_PARTICIPANTS_MAX

/* --- parameters */
struct signature_param {
    struct account_id key;
    struct bytes signature; /* 64 bytes */
};
struct state_param {
    struct bytes state;
    struct param_list signatures;
};
extern const struct param signature_params[2];
extern const struct param state_params[2];
#define SIGNATURES_PARAM(structure, field, need, text)                                             \
    PARAM(structure, field, LIST, need, text, .most = CHANNEL_PARTICIPANTS_MAX,                    \
          .items = signature_params, .item_params = COUNT_OF(signature_params),                    \
          .item_size = sizeof(struct signature_param))
#define STATES_PARAM(structure, field, need, text)                                                 \
    PARAM(structure, field, LIST, need, text, .most = PROOF_STATES_MAX, .items = state_params,     \
          .item_params = COUNT_OF(state_params), .item_size = sizeof(struct state_param))

/* --- beside the executor */
/* States whose signatures are good; who signed is not yet matched with any channel. */
struct proof {
    size_t count;
    struct proof_item {
        struct channel_state state;
        struct hash hash;
        const struct param_list *signatures;
    } items[PROOF_STATES_MAX];
};

/* A signature over `hash` by its key: ERROR_BAD_SIGNATURE, ERROR_INVALID_PARAMS. */
MUST_CHECK enum status signature_check(const struct signature_param *signature, const struct hash *hash,
                                       const char *what, struct error *error);
/* All of a list, by distinct keys: also ERROR_DUPLICATE_SIGNATURE. */
MUST_CHECK enum status signatures_check(const struct param_list *signatures, const struct hash *hash,
                                        struct error *error);
/* Reads the states of channel `id`, verifies their signatures, and that whoever gets something is a key.
 * ERROR_INVALID_TRANSITION when a later state has a lower or equal turn, ERROR_BAD_KEY. */
MUST_CHECK enum status proof_check(const struct hash *id, const struct param_list *states,
                                   struct arena *arena, struct proof **proof, struct error *error);
MUST_CHECK enum status proof_check_one(const struct hash *id, struct bytes state,
                                       const struct param_list *signatures, struct arena *arena,
                                       struct proof **proof, struct error *error);

/* --- in the executor */
/* The states as the rules take them, without work on the curve. ERROR_NOT_A_PARTICIPANT for a signature by
 * anybody else; ERROR_INVALID_PARAMS for a state that does not suit the fixed part. */
MUST_CHECK enum status proof_match(const struct channel_fixed *fixed, const struct proof *proof,
                                   struct signed_state states[PROOF_STATES_MAX], struct error *error);
/* Mask of the keys that signed; ERROR_NOT_A_PARTICIPANT names a key that is none of them. */
MUST_CHECK enum status signers_match(const struct account_id *keys, size_t count,
                                     const struct param_list *signatures, uint32_t *mask,
                                     struct error *error);

#endif
