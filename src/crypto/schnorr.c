/* BIP-340 over libsecp256k1, and the locked memory that secrets live in. One context serves all threads: it
 * is made and blinded once, and only read afterwards. The one copy of a secret made here, the library's key
 * pair, is wiped before the function returns. */
#include "crypto/schnorr.h"

#include <pthread.h>
#include <string.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>

#include "crypto/hash.h"

static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static secp256k1_context *shared_context;

static void context_make(void)
{
    uint8_t blinding[32];

    crypto_start();
    shared_context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    INVARIANT(shared_context != NULL, "no memory for the curve's context");
    randombytes_buf(blinding, sizeof blinding);
    INVARIANT(secp256k1_context_randomize(shared_context, blinding) == 1,
              "the curve's context takes no blinding");
    sodium_memzero(blinding, sizeof blinding);
}

static const secp256k1_context *context(void)
{
    pthread_once(&context_once, context_make);
    return shared_context;
}

void *secret_new(size_t size)
{
    crypto_start();
    void *secret = sodium_malloc(size);
    INVARIANT(secret != NULL, "no guarded memory for a secret of %zu bytes", size);
    sodium_memzero(secret, size);
    return secret;
}

void secret_free(void *secret)
{
    sodium_free(secret);
}

void secret_free_pointer(void *pointer_to_pointer)
{
    void **pointer = pointer_to_pointer;

    secret_free(*pointer);
    *pointer = NULL;
}

void secret_key_generate(struct secret_key *key)
{
    do
        randombytes_buf(key->bytes, sizeof key->bytes);
    while (secp256k1_ec_seckey_verify(context(), key->bytes) != 1); /* again: once in 2^128 */
}

static void keypair_wipe(secp256k1_keypair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

bool secret_key_account(const struct secret_key *key, struct account_id *account)
{
    __attribute__((cleanup(keypair_wipe))) secp256k1_keypair pair;
    secp256k1_xonly_pubkey point;

    if (secp256k1_keypair_create(context(), &pair, key->bytes) != 1)
        return false;
    INVARIANT(secp256k1_keypair_xonly_pub(context(), &point, NULL, &pair) == 1,
              "a key pair has a public key");
    INVARIANT(secp256k1_xonly_pubkey_serialize(context(), account->bytes, &point) == 1,
              "a point can be written");
    return true;
}

static void sign_with(const secp256k1_keypair *pair, const void *message, size_t size, const uint8_t aux[32],
                      struct signature *signature)
{
    secp256k1_schnorrsig_extraparams parameters = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
    secp256k1_xonly_pubkey point;
    struct signature made;
    uint8_t fresh[32];

    if (aux == NULL) {
        randombytes_buf(fresh, sizeof fresh);
        aux = fresh;
    }
    parameters.ndata = (void *)(uintptr_t)aux; /* the library reads it; its type only lacks the const */
    INVARIANT(secp256k1_schnorrsig_sign_custom(context(), made.bytes, message, size, pair, &parameters) == 1,
              "a valid key signs");
    INVARIANT(secp256k1_keypair_xonly_pub(context(), &point, NULL, pair) == 1,
              "a key pair has a public key");
    /* A fault while signing could give the secret away (BIP-340 "Default Signing", last step). */
    INVARIANT(secp256k1_schnorrsig_verify(context(), made.bytes, message, size, &point) == 1,
              "a fresh signature does not verify: the machine computes wrongly");
    *signature = made;
}

bool schnorr_sign_message(const struct secret_key *key, const void *message, size_t size,
                          const uint8_t aux[32], struct signature *signature)
{
    __attribute__((cleanup(keypair_wipe))) secp256k1_keypair pair;

    if (secp256k1_keypair_create(context(), &pair, key->bytes) != 1)
        return false;
    sign_with(&pair, message, size, aux, signature);
    return true;
}

_Static_assert(sizeof(secp256k1_keypair) == KEY_PAIR_SIZE, "a key pair of the library has 96 bytes");

bool key_pair_make(const struct secret_key *key, struct key_pair *pair)
{
    __attribute__((cleanup(keypair_wipe))) secp256k1_keypair made;

    if (secp256k1_keypair_create(context(), &made, key->bytes) != 1)
        return false;
    memcpy(pair->bytes, made.data, sizeof pair->bytes);
    return true;
}

void schnorr_sign_pair(const struct key_pair *pair, const struct hash *message, struct signature *signature)
{
    __attribute__((cleanup(keypair_wipe))) secp256k1_keypair copy;

    memcpy(copy.data, pair->bytes, sizeof copy.data);
    sign_with(&copy, message->bytes, sizeof message->bytes, NULL, signature);
}

bool schnorr_sign(const struct secret_key *key, const struct hash *message, const uint8_t aux[32],
                  struct signature *signature)
{
    return schnorr_sign_message(key, message->bytes, sizeof message->bytes, aux, signature);
}

bool schnorr_verify(const struct account_id *account, const void *message, size_t size,
                    const struct signature *signature)
{
    secp256k1_xonly_pubkey point;

    return secp256k1_xonly_pubkey_parse(context(), &point, account->bytes) == 1 &&
           secp256k1_schnorrsig_verify(context(), signature->bytes, message, size, &point) == 1;
}

bool account_is_key(const struct account_id *account)
{
    secp256k1_xonly_pubkey point;

    return secp256k1_xonly_pubkey_parse(context(), &point, account->bytes) == 1;
}

/* --- ECDSA with recovery ---------------------------------------------------------------------- */
static void public_key_write(const secp256k1_pubkey *point, struct public_key *public_key)
{
    size_t size = sizeof public_key->bytes;

    INVARIANT(secp256k1_ec_pubkey_serialize(context(), public_key->bytes, &size, point,
                                            SECP256K1_EC_COMPRESSED) == 1,
              "a point is written");
}

bool secret_key_public(const struct secret_key *key, struct public_key *public_key)
{
    secp256k1_pubkey point;

    if (secp256k1_ec_pubkey_create(context(), &point, key->bytes) != 1)
        return false;
    public_key_write(&point, public_key);
    return true;
}

bool ecdsa_sign_recoverable(const struct secret_key *key, const struct hash *message,
                            struct signature *signature, int *recovery_id)
{
    secp256k1_ecdsa_recoverable_signature made;

    if (secp256k1_ecdsa_sign_recoverable(context(), &made, message->bytes, key->bytes, NULL, NULL) != 1)
        return false;
    return secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), signature->bytes, recovery_id,
                                                                   &made) == 1;
}

bool ecdsa_recover(const struct hash *message, const struct signature *signature, int recovery_id,
                   struct public_key *public_key)
{
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey point;

    if (recovery_id < 0 || recovery_id > 3 ||
        secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, signature->bytes,
                                                            recovery_id) != 1 ||
        secp256k1_ecdsa_recover(context(), &point, &parsed, message->bytes) != 1)
        return false;
    public_key_write(&point, public_key);
    return true;
}

bool ecdsa_read_der(struct bytes der, struct signature *signature)
{
    secp256k1_ecdsa_signature parsed;

    if (secp256k1_ecdsa_signature_parse_der(context(), &parsed, der.data, der.size) != 1 ||
        secp256k1_ecdsa_signature_normalize(context(), NULL, &parsed) == 1)
        return false;
    secp256k1_ecdsa_signature_serialize_compact(context(), signature->bytes, &parsed);
    return true;
}

bool ecdsa_verify(const struct public_key *public_key, const struct hash *message,
                  const struct signature *signature)
{
    secp256k1_ecdsa_signature parsed;
    secp256k1_pubkey point;

    if (secp256k1_ec_pubkey_parse(context(), &point, public_key->bytes, sizeof public_key->bytes) != 1 ||
        secp256k1_ecdsa_signature_parse_compact(context(), &parsed, signature->bytes) != 1)
        return false;
    (void)secp256k1_ecdsa_signature_normalize(context(), &parsed, &parsed);
    return secp256k1_ecdsa_verify(context(), &parsed, message->bytes, &point) == 1;
}
