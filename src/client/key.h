/* What other files of this library may do with a key: sign a hash whose meaning they made sure of. */
#ifndef CLIENT_KEY_H
#define CLIENT_KEY_H

#include "client/client.h"
#include "crypto/schnorr.h"

void key_sign_hash(const struct layerd_key *key, const struct hash *hash, struct signature *signature);
const struct account_id *key_account(const struct layerd_key *key);

#endif
