/* Diffie and Hellman between the payer's r and the recipient's view secret: see sealed.h. */
#include "confidential/sealed.h"

#include <sodium.h>
#include <string.h>

#include "proof/keccak.h"
#include "proof/pedersen.h"
#include "proof/secret.h"

#define SHARED_LABEL "layerd confidential note v1"
#define WALLET_LABEL "layerd confidential wallet v1"
#define KEY_SIZE crypto_aead_chacha20poly1305_IETF_KEYBYTES
#define AMOUNT_SIZE 8

_Static_assert(POINT_SIZE + AMOUNT_SIZE + crypto_aead_chacha20poly1305_IETF_ABYTES == NOTE_SEALED_SIZE,
               "a sealed note's parts");

/* What both sides draw from the shared point. */
struct shared {
    struct scalar tweak, blinding;
    uint8_t key[KEY_SIZE];
};

static void squeeze_scalar(struct sponge *sponge, struct scalar *out)
{
    uint8_t wide[SCALAR_WIDE_SIZE];

    sponge_squeeze(sponge, wide, sizeof wide);
    scalar_from_wide(out, wide);
    sodium_memzero(wide, sizeof wide);
}

static void draw(const uint8_t once[POINT_SIZE], const struct point *point, struct shared *shared)
{
    uint8_t encoded[POINT_SIZE];
    struct sponge sponge;

    point_encode(encoded, point);
    shake256_begin(&sponge);
    sponge_absorb(&sponge, SHARED_LABEL, sizeof(SHARED_LABEL) - 1);
    sponge_absorb(&sponge, once, POINT_SIZE);
    sponge_absorb(&sponge, encoded, sizeof encoded);
    squeeze_scalar(&sponge, &shared->tweak);
    squeeze_scalar(&sponge, &shared->blinding);
    sponge_squeeze(&sponge, shared->key, sizeof shared->key);
    sodium_memzero(encoded, sizeof encoded);
    sodium_memzero(&sponge, sizeof sponge);
}

/* secret·K */
static void base_multiply(struct point *out, const struct scalar *secret)
{
    pedersen_commit_scalar(out, &scalar_zero, secret);
}

/* --- a wallet ----------------------------------------------------------------------------------------- */

static void derive(struct sponge *sponge, uint8_t out[SCALAR_SIZE])
{
    struct scalar scalar;

    squeeze_scalar(sponge, &scalar); /* 0 with probability 2^-252 */
    scalar_encode(out, &scalar);
    scalar_wipe(&scalar);
}

void wallet_keys_derive(const uint8_t seed[WALLET_SEED_SIZE], const char *chain, struct wallet_keys *keys)
{
    struct sponge sponge;

    shake256_begin(&sponge);
    sponge_absorb(&sponge, WALLET_LABEL, sizeof(WALLET_LABEL) - 1);
    sponge_absorb(&sponge, seed, WALLET_SEED_SIZE);
    sponge_absorb(&sponge, chain, strlen(chain));
    derive(&sponge, keys->view);
    derive(&sponge, keys->spend);
    sodium_memzero(&sponge, sizeof sponge);
}

void wallet_address(const struct wallet_keys *keys, struct confidential_address *address)
{
    bool made = ring_key(keys->view, address->view) && ring_key(keys->spend, address->spend);

    INVARIANT(made, "a wallet's secret is 0");
}

static bool decode_key(struct point *out, const uint8_t in[POINT_SIZE])
{
    return point_decode(out, in) && !point_is_identity(out);
}

bool confidential_address_valid(const struct confidential_address *address)
{
    return note_point_valid(address->view) && note_point_valid(address->spend);
}

/* --- notes -------------------------------------------------------------------------------------------- */

/* P = S + h·K */
static void one_time_key(const struct point *spend_key, const struct scalar *tweak, uint8_t out[POINT_SIZE])
{
    struct point point;

    base_multiply(&point, tweak);
    point_add(&point, &point, spend_key);
    point_encode(out, &point);
    secret_published(out, POINT_SIZE);
}

bool hidden_note_seal(const struct confidential_address *address, uint64_t amount, struct spend_target *note)
{
    static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES]; /* each key is used once */
    uint8_t plain[AMOUNT_SIZE];
    struct point view, spend_key, once, point;
    struct shared shared;
    struct scalar r;

    if (!decode_key(&view, address->view) || !decode_key(&spend_key, address->spend))
        return false;
    scalar_random(&r);
    base_multiply(&once, &r);
    point_encode(note->sealed, &once);
    secret_published(note->sealed, POINT_SIZE);
    point_multiply(&point, &r, &view);
    draw(note->sealed, &point, &shared);
    put_be64(plain, amount);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(note->sealed + POINT_SIZE, NULL, plain, sizeof plain,
                                                    note->sealed, POINT_SIZE, NULL, nonce, shared.key);
    one_time_key(&spend_key, &shared.tweak, note->key);
    note->amount = amount;
    note->blinding = shared.blinding;
    sodium_memzero(&shared, sizeof shared);
    sodium_memzero(plain, sizeof plain);
    scalar_wipe(&r);
    point_wipe(&point);
    return true;
}

/* The commitment as the opened amount and blinding make it. */
static bool commits(const struct spend_output *note, const struct note_opened *opened)
{
    uint8_t encoded[POINT_SIZE];
    struct point point;

    pedersen_commit(&point, opened->amount, &opened->blinding);
    point_encode(encoded, &point);
    return sodium_memcmp(encoded, note->commitment, sizeof encoded) == 0;
}

bool hidden_note_open(const uint8_t view[SCALAR_SIZE], const uint8_t spend_key[POINT_SIZE],
               const struct spend_output *note, bool blinding_is_zero, struct note_opened *opened)
{
    static const uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];
    uint8_t plain[AMOUNT_SIZE], key[POINT_SIZE];
    struct point once, point, spend_point;
    struct note_opened found;
    struct shared shared;
    struct scalar a;
    bool ours;

    if (!scalar_decode(&a, view) || !decode_key(&spend_point, spend_key) || !decode_key(&once, note->sealed))
        return false;
    point_multiply(&point, &a, &once);
    draw(note->sealed, &point, &shared);
    ours = crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, note->sealed + POINT_SIZE,
                                                     NOTE_SEALED_SIZE - POINT_SIZE, note->sealed, POINT_SIZE,
                                                     nonce, shared.key) == 0;
    secret_published(&ours, sizeof ours);
    if (ours) {
        found = (struct note_opened){ get_be64(plain), blinding_is_zero ? scalar_zero : shared.blinding,
                                      shared.tweak };
        one_time_key(&spend_point, &shared.tweak, key);
        ours = memcmp(key, note->key, sizeof key) == 0 && commits(note, &found);
        secret_published(&ours, sizeof ours);
    }
    if (ours)
        *opened = found;
    sodium_memzero(&found, sizeof found);
    sodium_memzero(&shared, sizeof shared);
    sodium_memzero(plain, sizeof plain);
    scalar_wipe(&a);
    point_wipe(&point);
    return ours;
}

bool hidden_note_secret(const uint8_t spend[SCALAR_SIZE], const struct scalar *tweak,
                        uint8_t secret[SCALAR_SIZE])
{
    struct scalar s;
    bool made;

    if (!scalar_decode(&s, spend))
        return false;
    scalar_add(&s, &s, tweak);
    made = !scalar_is_zero(&s);
    secret_published(&made, sizeof made);
    scalar_encode(secret, &s);
    scalar_wipe(&s);
    return made;
}
