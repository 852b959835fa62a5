/* Runs every function that claims to take the same time for all secrets, with the secrets marked undefined
 * for memcheck: a branch or an address that depends on one is then reported as depending on uninitialised
 * bytes. Built from the room's sources with CONSTANT_TIME_CHECK, so that the places where secrets end
 * (proof/secret.h) tell memcheck; run by test_constant_time, which also runs it with "leak" and expects to
 * be told.
 *
 * constant_time            everything that claims it; nothing may be reported
 * constant_time leak-…     one thing that does not; it must be reported */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "confidential/sealed.h"
#include "crypto/hash.h"
#include "proof/bn254_fp12.h"
#include "proof/bn254_fr.h"
#include "proof/pedersen.h"
#include "proof/range_proof.h"
#include "proof/ring.h"
#include "proof/secret.h"

static void hide(void *data, size_t size)
{
    VALGRIND_MAKE_MEM_UNDEFINED(data, size);
}

static void secret_scalar(struct scalar *out)
{
    scalar_random(out);
    hide(out, sizeof *out);
}

/* The result is published, and used, so that nothing above is left out as unused. */
static void publish(const char *what, const void *data, size_t size)
{
    uint8_t sum = 0;

    secret_published(data, size);
    for (size_t i = 0; i < size; i++)
        sum ^= ((const uint8_t *)data)[i];
    printf("%s: %02x\n", what, sum);
}

static void publish_point(const char *what, const struct point *point)
{
    uint8_t bytes[POINT_SIZE];

    point_encode(bytes, point);
    publish(what, bytes, sizeof bytes);
}

static void scalars(void)
{
    struct scalar a, b, result;
    uint8_t wide[SCALAR_WIDE_SIZE], bytes[SCALAR_SIZE], bit = 1;

    memset(wide, 3, sizeof wide);
    hide(wide, sizeof wide);
    scalar_from_wide(&a, wide);
    secret_scalar(&b);
    scalar_add(&result, &a, &b);
    scalar_subtract(&result, &result, &a);
    scalar_multiply(&result, &result, &b);
    scalar_multiply_add(&result, &a, &b);
    scalar_negate(&result, &result);
    scalar_invert(&result, &result);
    hide(&bit, sizeof bit);
    scalar_select(&result, &result, &a, bit);
    scalar_encode(bytes, &result);
    publish("scalars", bytes, sizeof bytes);
    bool equal = scalar_equal(&a, &b);
    publish("scalar_equal", &equal, sizeof equal);
    struct scalar decoded;
    hide(bytes, sizeof bytes);
    if (scalar_decode(&decoded, bytes))
        publish("scalar_decode", &decoded, sizeof decoded);
}

static void points(void)
{
    struct scalar scalars[3];
    struct point point, other, sum;
    uint8_t uniform[POINT_UNIFORM_SIZE], bit = 1;

    memset(uniform, 5, sizeof uniform);
    hide(uniform, sizeof uniform);
    point_from_uniform(&point, uniform);
    publish_point("point_from_uniform", &point);
    for (size_t i = 0; i < 3; i++)
        secret_scalar(&scalars[i]);
    point_multiply(&sum, &scalars[0], &point);
    publish_point("point_multiply", &sum);
    point_multiply_base(&other, &scalars[1]);
    hide(&bit, sizeof bit);
    point_select(&sum, &sum, &other, bit);
    point_negate(&sum, &sum);
    point_add(&sum, &sum, &other);
    point_subtract(&sum, &sum, point_base());
    point_double(&sum, &sum);
    publish_point("point_multiply_base, select, negate, add, subtract, double", &sum);
    bool equal = point_equal(&sum, &other), none = point_is_identity(&sum);
    publish("point_equal", &equal, sizeof equal);
    publish("point_is_identity", &none, sizeof none);

    uint8_t bytes[POINT_SIZE];
    point_encode(bytes, &other);
    if (point_decode(&sum, bytes))
        publish_point("point_decode", &sum);

    struct point_table *table = point_table_new(point_base());
    point_table_multiply(&sum, &scalars[2], table);
    point_table_free(table);
    publish_point("point_table_multiply", &sum);

    struct point many[3] = { *point_base(), sum, other };
    points_multiply(&sum, scalars, many, 3);
    publish_point("points_multiply", &sum);
}

static void hashes(void)
{
    uint8_t secret[200] = { 8 }, digest[64];

    hide(secret, sizeof secret);
    sha3_256(digest, secret, sizeof secret);
    publish("sha3_256", digest, 32);
    keccak_256(digest, secret, sizeof secret);
    publish("keccak_256", digest, 32);
    sha3_512(digest, secret, sizeof secret);
    publish("sha3_512", digest, sizeof digest);
    shake256(digest, sizeof digest, secret, sizeof secret);
    publish("shake256", digest, sizeof digest);
}

static void commitments(void)
{
    struct scalar blinding, amount;
    struct point commitment;
    uint64_t value = 1234567;

    secret_scalar(&blinding);
    hide(&value, sizeof value);
    pedersen_commit(&commitment, value, &blinding);
    publish_point("pedersen_commit", &commitment);
    scalar_from_u64(&amount, value);
    pedersen_commit_scalar(&commitment, &amount, &blinding);
    publish_point("pedersen_commit_scalar, scalar_from_u64", &commitment);
}

/* What a prover says goes into its transcript before it is published. */
static void transcripts(void)
{
    struct transcript transcript;
    uint8_t challenge[32], secret[32] = { 7 };
    uint64_t number = 5;
    struct scalar scalar;
    struct point point;

    transcript_start(&transcript, "constant time");
    secret_scalar(&scalar);
    hide(secret, sizeof secret);
    hide(&number, sizeof number);
    point_multiply_base(&point, &scalar);
    transcript_append(&transcript, "bytes", secret, sizeof secret);
    transcript_append_u64(&transcript, "number", number);
    transcript_append_scalar(&transcript, "scalar", &scalar);
    transcript_append_point(&transcript, "point", &point);
    transcript_challenge_scalar(&transcript, "scalar", &scalar);
    transcript_challenge(&transcript, "challenge", challenge, sizeof challenge);
    publish("transcript", challenge, sizeof challenge);
    publish("transcript_challenge_scalar", &scalar, sizeof scalar);
}

/* The fields of BN254: what a prover does with its witness before a group is reached. */
static void fields(void)
{
    uint8_t wide[2 * FIELD_BYTES] = { 3 }, bytes[FIELD_BYTES];
    struct fr_plain plain;
    struct fr a, b;
    struct fp x, y;
    struct fp2 u, v;
    struct fp12 f;

    hide(wide, sizeof wide);
    fr_from_random(&a, wide);
    fr_set(&b, 77);
    hide(&b, sizeof b);
    fr_add(&a, &a, &b);
    fr_subtract(&b, &b, &a);
    fr_multiply(&b, &b, &a);
    fr_negate(&b, &b);
    fr_power(&b, &b, 12345);
    fr_invert(&a, &b);
    fr_to_plain(&plain, &a);
    limbs_to_big_endian(bytes, plain.limb);
    publish("fr", bytes, sizeof bytes);
    fr_to_bytes(bytes, &b);
    publish("fr_to_bytes", bytes, sizeof bytes);
    bool equal = fr_equal(&a, &b), zero = fr_is_zero(&a), below = fr_plain_below_r(&plain);
    publish("fr_equal", &equal, sizeof equal);
    publish("fr_is_zero", &zero, sizeof zero);
    publish("fr_plain_below_r", &below, sizeof below);

    x = y = fp_one;
    hide(&x, sizeof x);
    hide(&y, sizeof y);
    fp_add(&x, &x, &y);
    fp_double(&y, &x);
    fp_square(&y, &y);
    fp_subtract(&x, &y, &x);
    fp_multiply(&y, &x, &y);
    fp_negate(&y, &y);
    fp_invert(&x, &y);
    u = (struct fp2){ x, y };
    fp2_square(&v, &u);
    fp2_multiply(&v, &v, &u);
    fp2_scale(&v, &v, &x);
    fp2_multiply_xi(&v, &v);
    fp2_invert(&u, &v);
    f = (struct fp12){ { u, v, u }, { v, u, v } };
    fp12_square(&f, &f);
    fp12_multiply(&f, &f, &f);
    fp12_invert(&f, &f);
    fp12_frobenius(&f, &f);
    fp_to_bytes(bytes, &f.c0.c0.c0);
    publish("fp, fp2, fp12", bytes, sizeof bytes);
}

static void synthetic_nonces(void)
{
    struct transcript transcript;
    struct nonces nonces;
    struct scalar nonce;
    uint8_t secret[32] = { 9 };

    transcript_start(&transcript, "constant time");
    hide(secret, sizeof secret);
    nonces_fork(&nonces, &transcript);
    nonces_secret(&nonces, "key", secret, sizeof secret);
    nonces_ready(&nonces, NULL);
    nonces_draw_scalar(&nonces, &nonce);
    nonces_wipe(&nonces);
    publish("nonces", &nonce, sizeof nonce);
}

static void range_proofs(size_t bits, size_t count)
{
    struct transcript transcript;
    uint64_t values[2] = { 0, 200 };
    struct scalar blindings[2];
    uint8_t commitments[2][POINT_SIZE], proof[RANGE_PROOF_SIZE_MAX];
    struct error error;

    transcript_start(&transcript, "constant time");
    hide(values, sizeof values);
    secret_scalar(&blindings[0]);
    secret_scalar(&blindings[1]);
    INVARIANT(range_proof_make(&transcript, bits, values, blindings, count, commitments, proof, &error) == OK,
              "a value of 8 bits can be proved");
    publish("range proof", proof, range_proof_size(bits, count));
    publish("its commitments", commitments, count * POINT_SIZE);
}

/* One of four signs; secret are x, z (the difference of blindings), the randomness, and so the nonces. */
#define RING 4
#define SIGNER 2
static void rings(bool confidential)
{
    struct ring_member members[RING];
    uint8_t secret[SCALAR_SIZE] = { 0 }, difference[SCALAR_SIZE] = { 0 }, randomness[32] = { 11 };
    uint8_t pseudo[POINT_SIZE], image[RING_IMAGE_SIZE], signature[RING_SIGNATURE_MAX];
    struct ring ring = { members, RING, confidential ? pseudo : NULL, bytes_of("message", 7) };
    struct ring_signer signer = { SIGNER, secret, confidential ? difference : NULL, randomness };
    struct transcript transcript;
    struct scalar blinding;
    struct point point;
    struct error error;

    for (size_t i = 0; i < RING; i++) {
        scalar_random(&blinding);
        scalar_encode(secret, &blinding);
        INVARIANT(ring_key(secret, members[i].key), "a random scalar is a secret");
        pedersen_commit(&point, i, &blinding);
        point_encode(members[i].commitment, &point);
    }
    scalar_random(&blinding);
    scalar_encode(secret, &blinding);
    scalar_random(&blinding);
    scalar_encode(difference, &blinding);
    pedersen_commit(&point, 0, &blinding); /* z·K */
    point_add(&point, &point, point_base());
    point_encode(members[SIGNER].commitment, &point);
    point_encode(pseudo, point_base()); /* 1·B + 0·K */
    transcript_start(&transcript, "constant time");
    hide(secret, sizeof secret);
    hide(difference, sizeof difference);
    hide(randomness, sizeof randomness);
    INVARIANT(ring_key(secret, members[SIGNER].key), "a random scalar is a secret");
    INVARIANT(ring_image(secret, image), "a secret has an image");
    publish("ring_key", members[SIGNER].key, POINT_SIZE);
    publish("ring_image", image, sizeof image);
    struct transcript signing = transcript;
    INVARIANT(ring_sign(&signing, &ring, &signer, signature, &error) == OK, "a member can sign: %s",
              error.message);
    size_t size = confidential ? RING_CONFIDENTIAL_SIZE(RING) : RING_LINKABLE_SIZE(RING);
    publish("ring_sign", signature, size);
    INVARIANT(ring_verify(&transcript, &ring, bytes_of(signature, size), &error) == OK, "it holds: %s",
              error.message);
}

/* One note of a ring becomes two; secret are its key, amounts and blindings, and the wallet's seed. */
static void spends(void)
{
    struct ring_member members[RING];
    struct spend_source source = { .members = members, .count = RING, .index = SIGNER, .amount = 300 };
    struct spend_target targets[2] = { { .amount = 100 }, { .amount = 193 } };
    const struct spend terms = { .chain = "constant", .purpose = "time", .amount = 7 };
    uint8_t seed[WALLET_SEED_SIZE] = { 5 }, secret[SCALAR_SIZE];
    struct confidential_address address;
    static struct spend_made made;
    struct wallet_keys keys;
    struct scalar blinding;
    struct point point;
    struct error error;
    uint64_t amount = 193;

    hide(seed, sizeof seed);
    wallet_keys_derive(seed, "constant", &keys);
    wallet_address(&keys, &address);
    publish("wallet_address", &address, sizeof address);
    for (size_t i = 0; i < RING; i++) {
        scalar_random(&blinding);
        scalar_encode(secret, &blinding);
        INVARIANT(ring_key(secret, members[i].key), "a random scalar is a secret");
        pedersen_commit(&point, source.amount, &blinding);
        point_encode(members[i].commitment, &point);
        if (i == SIGNER) {
            memcpy(source.secret, secret, sizeof secret);
            source.blinding = blinding;
        }
    }
    hide(&amount, sizeof amount);
    INVARIANT(hidden_note_seal(&address, amount, &targets[1]), "an address is one");
    publish("hidden_note_seal", targets[1].sealed, sizeof targets[1].sealed);
    memcpy(targets[0].key, members[0].key, POINT_SIZE);
    secret_scalar(&targets[0].blinding);
    hide(source.secret, sizeof source.secret);
    hide(&source.amount, sizeof source.amount);
    hide(&source.blinding, sizeof source.blinding);
    hide(&targets[0].amount, sizeof targets[0].amount);
    INVARIANT(spend_make(&terms, &source, 1, targets, 2, &made, &error) == OK, "sums agree: %s",
              error.message);
    publish("spend_make", made.range_proof, made.spend.range_proof.size);
}

/* A wallet reads its own note, and somebody else's; secret are both its keys. That a note is the wallet's
 * becomes public, and nothing else. */
static void openings(void)
{
    uint8_t seed[WALLET_SEED_SIZE] = { 6 }, secret[SCALAR_SIZE];
    struct confidential_address address;
    struct wallet_keys keys, others;
    struct spend_target target;
    struct spend_output note;
    struct note_opened opened;
    struct point point;

    wallet_keys_derive(seed, "constant", &keys);
    seed[0]++;
    wallet_keys_derive(seed, "constant", &others);
    wallet_address(&keys, &address);
    INVARIANT(hidden_note_seal(&address, 40, &target), "an address is one");
    memcpy(note.key, target.key, POINT_SIZE);
    memcpy(note.sealed, target.sealed, NOTE_SEALED_SIZE);
    pedersen_commit(&point, target.amount, &target.blinding);
    point_encode(note.commitment, &point);
    hide(&keys, sizeof keys);
    hide(&others, sizeof others);
    INVARIANT(hidden_note_open(keys.view, address.spend, &note, false, &opened), "it is the wallet's");
    publish("hidden_note_open", &opened.amount, sizeof opened.amount);
    INVARIANT(hidden_note_secret(keys.spend, &opened.tweak, secret), "a key has a secret");
    publish("hidden_note_secret", secret, sizeof secret);
    bool theirs = hidden_note_open(others.view, address.spend, &note, false, &opened);
    publish("hidden_note_open of another's", &theirs, sizeof theirs);
}

/* Variable time on a secret: what the check is there to find. */
static void leak_public_sum(void)
{
    struct scalar scalar;
    struct point sum;

    secret_scalar(&scalar);
    points_multiply_public(&sum, &scalar, point_base(), 1);
    publish_point("points_multiply_public", &sum);
}

static void leak_branch(void)
{
    struct scalar scalar;

    secret_scalar(&scalar);
    if (scalar_is_zero(&scalar))
        puts("zero");
}

int main(int argc, char **argv)
{
    crypto_start();
    if (argc > 1 && strcmp(argv[1], "leak-public-sum") == 0) {
        leak_public_sum();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "leak-branch") == 0) {
        leak_branch();
        return 0;
    }
    scalars();
    points();
    hashes();
    commitments();
    transcripts();
    fields();
    synthetic_nonces();
    range_proofs(8, 1);
    range_proofs(8, 2);
    rings(false);
    rings(true);
    spends();
    openings();
    puts("done");
    return 0;
}
