/* Who says so: see authority.h. */
#include "layer2/channel/authority.h"

#include <string.h>

#include "base/bech32.h"
#include "crypto/keystore.h"
#include "layer2/channel/proof.h"

static enum status may_sign_own(const struct check *check, const char *address, struct error *error)
{
    if (check->keystore == NULL)
        return error_set(error, ERROR_UNSIGNED, "this node keeps no keys; give the signature of %s", address);
    if (!check->operator_)
        return error_set(error, ERROR_DENIED,
                         "the node signs for its operator alone; give the signature of %s", address);
    return OK;
}

static enum status sign_own(const struct check *check, const struct account_id *signer,
                            const struct hash *message, struct signature *signature, struct error *error)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, signer);
    TRY(may_sign_own(check, address, error));
    return keystore_sign(check->keystore, address, message, signature, error);
}

static enum status not_a_participant(struct error *error)
{
    return error_set(error, ERROR_NOT_A_PARTICIPANT, "signer: none of the channel's participants");
}

enum status authority_at_hand(const struct check *check, const struct channel_fixed *fixed,
                              const struct account_id *signer, struct error *error)
{
    char address[ADDRESS_TEXT_MAX];
    struct account_id found;

    if (channel_participant(fixed, signer) < 0)
        return not_a_participant(error);
    address_encode(address, signer);
    TRY(may_sign_own(check, address, error));
    if (keystore_is_locked(check->keystore))
        return error_set(error, ERROR_KEYSTORE_LOCKED, "the keystore is locked");
    return keystore_account(check->keystore, address, &found, error);
}

/* A key that cannot sign now is passed over: its owner may sign later. */
static void countersign_all(const struct check *check, const struct channel_fixed *fixed,
                            const struct hash *message, struct authority *authority)
{
    char address[ADDRESS_TEXT_MAX];
    struct error error;

    for (size_t i = 0; i < fixed->participant_count; i++) {
        if (i == authority->participant || !keystore_has(check->keystore, &fixed->participants[i]))
            continue;
        address_encode(address, &fixed->participants[i]);
        if (keystore_sign(check->keystore, address, message, &authority->signatures[i], &error) == OK)
            authority->at_hand |= UINT32_C(1) << i;
    }
}

enum status authority_check(const struct check *check, const struct channel_fixed *fixed,
                            const struct hash *message, const struct account_id *signer,
                            struct bytes signature, bool countersign, struct authority *authority,
                            struct error *error)
{
    struct signature_param given = { .key = *signer, .signature = signature };
    int participant = channel_participant(fixed, signer);

    if (participant < 0)
        return not_a_participant(error);
    memset(authority, 0, sizeof(*authority));
    authority->participant = (size_t)participant;
    authority->at_hand = UINT32_C(1) << participant;
    if (signature.data != NULL) {
        TRY(signature_check(&given, message, "signer", error));
        memcpy(authority->signatures[participant].bytes, signature.data, sizeof(struct signature));
    } else {
        TRY(sign_own(check, signer, message, &authority->signatures[participant], error));
    }
    if (countersign)
        countersign_all(check, fixed, message, authority);
    return OK;
}
