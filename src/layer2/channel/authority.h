/* Who says so: a participant's signature over a message, given with the command or made by the node's
 * keystore for its operator; and the countersignatures that the keystore's other keys could give. Made beside
 * the executor; which of them count is decided there, and none leaves before it is stored. */
#ifndef LAYER2_CHANNEL_AUTHORITY_H
#define LAYER2_CHANNEL_AUTHORITY_H

#include "crypto/channel.h"
#include "kernel/module.h"

struct authority {
    size_t participant; /* who says so */
    uint32_t at_hand;   /* participants whose signatures are here; his is always */
    struct signature signatures[CHANNEL_PARTICIPANTS_MAX];
};

/* `signature` empty: the keystore signs, for the operator alone. With `countersign` also with every other
 * participant's key that the keystore has, while it is unlocked. ERROR_NOT_A_PARTICIPANT,
 * ERROR_BAD_SIGNATURE, ERROR_UNSIGNED, ERROR_DENIED, ERROR_KEYSTORE_LOCKED, … */
MUST_CHECK enum status authority_check(const struct check *check, const struct channel_fixed *fixed,
                                       const struct hash *message, const struct account_id *signer,
                                       struct bytes signature, bool countersign, struct authority *authority,
                                       struct error *error);

/* Whether the keystore would sign now as the signer, for the operator: the same refusals, and nothing is
 * signed. */
MUST_CHECK enum status authority_at_hand(const struct check *check, const struct channel_fixed *fixed,
                                         const struct account_id *signer, struct error *error);

#endif
