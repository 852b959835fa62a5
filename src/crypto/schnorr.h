/* Keys and BIP-340 signatures over secp256k1 (libsecp256k1). Secret keys live in locked memory that the
 * caller got from secret_new(); every function here leaves no copy behind. Safe from any thread. */
#ifndef CRYPTO_SCHNORR_H
#define CRYPTO_SCHNORR_H

#include "base/bytes.h"

struct signature { uint8_t bytes[64]; };
struct secret_key { uint8_t bytes[32]; }; /* allocate with secret_new(sizeof …) only */

/* Locked, guarded memory for secrets (sodium_malloc); secret_free wipes. Ends the process when there is
 * none. */
void *secret_new(size_t size);
void secret_free(void *secret);
void secret_free_pointer(void *pointer_to_pointer); /* for CLEANUP */

/* A fresh key from the operating system's randomness. */
void secret_key_generate(struct secret_key *key);

/* The x-only public key; false when the secret is 0 or not below the group order. */
MUST_CHECK bool secret_key_account(const struct secret_key *key, struct account_id *account);

/* Signs a 32-byte message. `aux` is 32 bytes of auxiliary randomness (BIP-340 "Default Signing") or NULL for
 * fresh. The signature is verified before it is handed out. False only for a bad secret key. */
MUST_CHECK bool schnorr_sign(const struct secret_key *key, const struct hash *message, const uint8_t aux[32],
                             struct signature *signature);

/* A secret with its public key computed, as the library signs with it: for whoever signs often. The same care
 * as for the secret itself. The bytes mean something to this process alone. */
#define KEY_PAIR_SIZE 96
struct key_pair { uint8_t bytes[KEY_PAIR_SIZE]; }; /* allocate with secret_new(sizeof …) only */
MUST_CHECK bool key_pair_make(const struct secret_key *key, struct key_pair *pair);
void schnorr_sign_pair(const struct key_pair *pair, const struct hash *message, struct signature *signature);

/* The same for a message of any length (BIP-340 "Messages of Arbitrary Size"). */
MUST_CHECK bool schnorr_sign_message(const struct secret_key *key, const void *message, size_t size,
                                     const uint8_t aux[32], struct signature *signature);

/* BIP-340 "Verification" for messages of any length. False also for an account that is not on the curve. */
MUST_CHECK bool schnorr_verify(const struct account_id *account, const void *message, size_t size,
                               const struct signature *signature);

/* ECDSA with recovery, as BOLT 11 signs invoices: RFC 6979 nonces, low S. The public key is 33 bytes (SEC 1,
 * compressed). */
struct public_key { uint8_t bytes[33]; };
MUST_CHECK bool secret_key_public(const struct secret_key *key, struct public_key *public_key);
MUST_CHECK bool ecdsa_sign_recoverable(const struct secret_key *key, const struct hash *message,
                                       struct signature *signature, int *recovery_id);
/* The key whose signature this is; false when there is none. Takes a high S as well. */
MUST_CHECK bool ecdsa_recover(const struct hash *message, const struct signature *signature, int recovery_id,
                              struct public_key *public_key);
/* A signature in DER as Bitcoin's consensus takes it: strict (BIP 66), with a low S (BIP 146). */
MUST_CHECK bool ecdsa_read_der(struct bytes der, struct signature *signature);
/* Whether the key signed; takes a high S as well. */
MUST_CHECK bool ecdsa_verify(const struct public_key *public_key, const struct hash *message,
                             const struct signature *signature);

/* Whether the bytes are the x coordinate of a point. */
MUST_CHECK bool account_is_key(const struct account_id *account);

#endif
