/* Proving from snarkjs's .zkey and .wtns files: proofs that hold, witnesses that do not satisfy, and files
 * that are damaged, truncated, huge by their own account, or made for something else. */
#include <stdlib.h>
#include <string.h>

#include "groth16_fixture.h"
#include "proof/groth16_quotient.h"
#include "proof/snarkjs_binary.h"

#define PROVABLE 2 /* fixtures that come with a .zkey and a .wtns */
#define THREADS 2

/* Offsets in a .zkey whose sections stand in their order, as snarkjs writes them. */
#define ZKEY_PROTOCOL_AT 24
#define ZKEY_HEADER_AT (ZKEY_PROTOCOL_AT + 4 + 12)
#define ZKEY_COUNTS_AT (ZKEY_HEADER_AT + 72)

struct prover {
    struct bytes zkey, wtns;
    struct groth16_proving_key key;
    struct groth16_witness witness;
};

static void prover_open(struct prover *prover, const char *name)
{
    struct error error;

    prover->zkey = fixture_file(name, "circuit.zkey");
    prover->wtns = fixture_file(name, "witness.wtns");
    groth16_proving_key_init(&prover->key);
    groth16_witness_init(&prover->witness);
    assert_int_equal(snarkjs_zkey_read(prover->zkey, &prover->key, &error), GROTH16_VALID);
    assert_int_equal(snarkjs_wtns_read(prover->wtns, &prover->witness, &error), GROTH16_VALID);
}

static void prover_close(struct prover *prover)
{
    groth16_proving_key_close(&prover->key);
    groth16_witness_close(&prover->witness);
    fixture_release(&prover->zkey);
    fixture_release(&prover->wtns);
}

static void proofs_made_here_hold_for_the_published_key_and_inputs(void **state)
{
    (void)state;

    for (size_t i = 0; i < PROVABLE; i++) {
        CLEANUP(fixture_close) struct fixture fixture;
        CLEANUP(prover_close) struct prover prover;
        uint8_t bytes[3][GROTH16_PROOF_BYTES];
        struct error error;

        fixture_open(&fixture, fixture_names[i]);
        prover_open(&prover, fixture_names[i]);
        for (size_t k = 0; k < 3; k++) {
            CLEANUP(buffer_close) struct buffer inputs = { 0 };
            struct groth16_proof proof;
            buffer_init(&inputs);
            assert_int_equal(groth16_prove(&prover.key, &prover.witness, k + 1, &proof, &inputs, &error),
                             GROTH16_VALID);
            assert_true(bytes_equal(buffer_bytes(&inputs), buffer_bytes(&fixture.inputs)));
            assert_int_equal(groth16_verify(fixture.prepared, &proof, buffer_bytes(&inputs), &error),
                             GROTH16_VALID);
            inputs.data[FIELD_BYTES - 1] ^= 1;
            assert_int_equal(groth16_verify(fixture.prepared, &proof, buffer_bytes(&inputs), &error),
                             GROTH16_EQUATION);
            groth16_proof_encode(&proof, bytes[k]);
            for (size_t before = 0; before < k; before++) /* each is blinded anew */
                assert_memory_not_equal(bytes[before], bytes[k], GROTH16_PROOF_BYTES);
        }
    }
}

static void a_proving_key_holds_its_verification_key(void **state)
{
    (void)state;

    for (size_t i = 0; i < PROVABLE; i++) {
        AUTO_FILE struct bytes published = fixture_file(fixture_names[i], "verification_key.json");
        CLEANUP(prover_close) struct prover prover;
        CLEANUP(buffer_close) struct buffer written = { 0 };

        buffer_init(&written);
        prover_open(&prover, fixture_names[i]);
        snarkjs_key_write(&prover.key.key, &written);
        assert_true(bytes_equal(buffer_bytes(&written), published));
    }
}

static enum groth16_verdict prove_quietly(const struct groth16_proving_key *key,
                                          const struct groth16_witness *witness)
{
    CLEANUP(buffer_close) struct buffer inputs = { 0 };
    struct groth16_proof proof, before;
    struct error error;

    buffer_init(&inputs);
    memset(&proof, 0x5a, sizeof proof);
    before = proof;
    enum groth16_verdict verdict = groth16_prove(key, witness, THREADS, &proof, &inputs, &error);
    if (verdict != GROTH16_VALID) {
        assert_memory_equal(&proof, &before, sizeof proof);
        assert_int_equal(inputs.size, 0);
    }
    return verdict;
}

static void a_witness_that_does_not_satisfy_gives_no_proof(void **state)
{
    (void)state;

    for (size_t i = 0; i < PROVABLE; i++) {
        CLEANUP(prover_close) struct prover prover;

        prover_open(&prover, fixture_names[i]);
        for (size_t k = 1; k < prover.witness.count; k++) {
            prover.witness.value[k].limb[0] ^= 1;
            assert_int_equal(prove_quietly(&prover.key, &prover.witness), GROTH16_UNSATISFIED);
            prover.witness.value[k].limb[0] ^= 1;
        }
        assert_int_equal(prove_quietly(&prover.key, &prover.witness), GROTH16_VALID);
        prover.witness.count--;
        assert_int_equal(prove_quietly(&prover.key, &prover.witness), GROTH16_PUBLIC_COUNT);
        prover.witness.count++;
    }
}

/* --- transforms --- */

static void transforms_are_what_their_definition_says(void **state)
{
    (void)state;

    for (unsigned bits = 0; bits <= 6; bits++) {
        size_t size = (size_t)1 << bits;
        AUTO_FREE struct fr *in = memory_array(size, sizeof *in), *out = memory_array(size, sizeof *out);
        struct fr root, power, term, sum;
        fr_root_of_unity(&root, bits);
        for (size_t i = 0; i < size; i++) {
            random_fr(&in[i]);
            out[i] = in[i];
        }
        fr_transform(out, bits, false);
        for (size_t i = 0; i < size; i++) {
            sum = fr_zero;
            for (size_t k = 0; k < size; k++) {
                fr_power(&power, &root, i * k);
                fr_multiply(&term, &in[k], &power);
                fr_add(&sum, &sum, &term);
            }
            assert_true(fr_equal(&sum, &out[i]));
        }
        fr_transform(out, bits, true);
        for (size_t i = 0; i < size; i++)
            assert_true(fr_equal(&in[i], &out[i]));
        memory_free_pointer(&out);
    }
}

/* --- files --- */

static enum groth16_verdict zkey_verdict(struct bytes file)
{
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key key = { 0 };
    struct error error;

    return snarkjs_zkey_read(file, &key, &error);
}

static enum groth16_verdict wtns_verdict(struct bytes file)
{
    CLEANUP(groth16_witness_close) struct groth16_witness witness = { 0 };
    struct error error;

    return snarkjs_wtns_read(file, &witness, &error);
}

static void truncated_and_padded_files_are_refused(void **state)
{
    CLEANUP(prover_close) struct prover prover;
    (void)state;

    prover_open(&prover, "mul");
    for (size_t size = 0; size < prover.zkey.size; size++) {
        AUTO_FREE uint8_t *copy = memory_copy(prover.zkey.data,
                                              size + 1); /* its own block: reads behind it are seen */
        assert_int_equal(zkey_verdict(bytes_of(copy, size)), GROTH16_MALFORMED);
    }
    for (size_t size = 0; size < prover.wtns.size; size++) {
        AUTO_FREE uint8_t *copy = memory_copy(prover.wtns.data, size + 1);
        assert_int_equal(wtns_verdict(bytes_of(copy, size)), GROTH16_MALFORMED);
    }
    AUTO_FREE uint8_t *longer = memory_new(prover.zkey.size + 1);
    memcpy(longer, prover.zkey.data, prover.zkey.size);
    assert_int_equal(zkey_verdict(bytes_of(longer, prover.zkey.size)), GROTH16_VALID);
    assert_int_equal(zkey_verdict(bytes_of(longer, prover.zkey.size + 1)), GROTH16_MALFORMED);
    memcpy(longer, prover.wtns.data, prover.wtns.size);
    longer[prover.wtns.size] = 0;
    assert_int_equal(wtns_verdict(bytes_of(longer, prover.wtns.size + 1)), GROTH16_MALFORMED);
}

static void put_little(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

/* Sections follow each other; where one begins (its header). */
static size_t section_at(struct bytes file, uint32_t number)
{
    size_t at = 12;

    while (file.data[at] != number) {
        uint64_t size = 0;
        for (size_t i = 8; i-- > 0;)
            size = size << 8 | file.data[at + 4 + i];
        at += 12 + (size_t)size;
        assert_true(at < file.size);
    }
    return at;
}

static void a_zkey_that_lies_about_itself_is_refused(void **state)
{
    CLEANUP(prover_close) struct prover prover;
    (void)state;

    prover_open(&prover, "mul");
    const struct { size_t at; uint64_t value; size_t size; enum groth16_verdict verdict; } rows[] = {
        { 0, 'x', 1, GROTH16_MALFORMED },
        { 4, 2, 4, GROTH16_MALFORMED },                        /* version */
        { 8, 9, 4, GROTH16_MALFORMED },                        /* sections */
        { 8, 0xffffffff, 4, GROTH16_MALFORMED },
        { 12, 2, 4, GROTH16_MALFORMED },                       /* a section twice */
        { 12, 11, 4, GROTH16_MALFORMED },                      /* an unknown one */
        { 12, 0, 4, GROTH16_MALFORMED },
        { 16, UINT64_MAX, 8, GROTH16_MALFORMED },              /* sizes that wrap around */
        { 16, UINT64_MAX - 11, 8, GROTH16_MALFORMED },
        { 16, (uint64_t)1 << 63, 8, GROTH16_MALFORMED },
        { ZKEY_PROTOCOL_AT, 2, 4, GROTH16_OTHER_SYSTEM },      /* PLONK */
        { ZKEY_HEADER_AT, 48, 4, GROTH16_OTHER_SYSTEM },       /* bytes of a number */
        { ZKEY_HEADER_AT + 4, 1, 1, GROTH16_OTHER_SYSTEM },    /* q */
        { ZKEY_HEADER_AT + 40, 2, 1, GROTH16_OTHER_SYSTEM },   /* r */
        { ZKEY_COUNTS_AT, 0, 4, GROTH16_MALFORMED },           /* variables */
        { ZKEY_COUNTS_AT, 2, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT, 3, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT, 5, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT, 0xffffffff, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT + 4, 3, 4, GROTH16_MALFORMED },       /* public inputs */
        { ZKEY_COUNTS_AT + 4, 4, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT + 4, 0xffffffff, 4, GROTH16_LIMIT },
        { ZKEY_COUNTS_AT + 8, 0, 4, GROTH16_MALFORMED },       /* rows */
        { ZKEY_COUNTS_AT + 8, 3, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT + 8, 8, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT + 8, 1 << 24, 4, GROTH16_MALFORMED },
        { ZKEY_COUNTS_AT + 8, 1 << 25, 4, GROTH16_LIMIT },
        { ZKEY_COUNTS_AT + 8, 0x80000000, 4, GROTH16_LIMIT },
        { section_at(prover.zkey, 4) + 12, 0, 4, GROTH16_MALFORMED },           /* coefficients */
        { section_at(prover.zkey, 4) + 12, 0xffffffff, 4, GROTH16_MALFORMED },
        { section_at(prover.zkey, 4) + 16, 2, 4, GROTH16_MALFORMED },           /* matrix */
        { section_at(prover.zkey, 4) + 16, 0xffffffff, 4, GROTH16_MALFORMED },
        { section_at(prover.zkey, 4) + 20, 4, 4, GROTH16_MALFORMED },           /* row */
        { section_at(prover.zkey, 4) + 20, 0xffffffff, 4, GROTH16_MALFORMED },
        { section_at(prover.zkey, 4) + 24, 4, 4, GROTH16_MALFORMED },           /* variable */
        { section_at(prover.zkey, 4) + 24, 0xffffffff, 4, GROTH16_MALFORMED },
        { section_at(prover.zkey, 4) + 28 + 24, UINT64_MAX, 8, GROTH16_NOT_CANONICAL }, /* value */
        { section_at(prover.zkey, 3) + 12 + 24, UINT64_MAX, 8, GROTH16_NOT_CANONICAL }, /* IC */
        { section_at(prover.zkey, 5) + 12 + 24, UINT64_MAX, 8, GROTH16_NOT_CANONICAL }, /* A */
        { section_at(prover.zkey, 7) + 12 + 24, UINT64_MAX, 8, GROTH16_NOT_CANONICAL }, /* B2 */
    };
    AUTO_FREE uint8_t *copy = memory_new(prover.zkey.size);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(copy, prover.zkey.data, prover.zkey.size);
        put_little(copy + rows[i].at, rows[i].value, rows[i].size);
        assert_int_equal(zkey_verdict(bytes_of(copy, prover.zkey.size)), rows[i].verdict);
    }
}

/* As 'zkey new' leaves it, before anybody contributed: delta is gamma. */
static void a_zkey_without_a_contribution_is_refused(void **state)
{
    CLEANUP(prover_close) struct prover prover;
    (void)state;

    prover_open(&prover, "mul");
    AUTO_FREE uint8_t *copy = memory_copy(prover.zkey.data, prover.zkey.size);
    uint8_t *gamma = copy + ZKEY_COUNTS_AT + 12 + 2 * G1_BYTES + G2_BYTES;
    memcpy(gamma + G2_BYTES + G1_BYTES, gamma, G2_BYTES);
    assert_int_equal(zkey_verdict(bytes_of(copy, prover.zkey.size)), GROTH16_KEY_FORGEABLE);
}

static void a_wtns_that_lies_about_itself_is_refused(void **state)
{
    CLEANUP(prover_close) struct prover prover;
    (void)state;

    prover_open(&prover, "mul");
    size_t header = section_at(prover.wtns, 1) + 12, values = section_at(prover.wtns, 2) + 12;
    const struct { size_t at; uint64_t value; size_t size; enum groth16_verdict verdict; } rows[] = {
        { 0, 'z', 1, GROTH16_MALFORMED },
        { 4, 1, 4, GROTH16_MALFORMED },
        { 8, 3, 4, GROTH16_MALFORMED },
        { 16, UINT64_MAX - 3, 8, GROTH16_MALFORMED },
        { header, 31, 4, GROTH16_OTHER_SYSTEM },
        { header + 4, 0, 1, GROTH16_OTHER_SYSTEM },
        { header + 36, 3, 4, GROTH16_MALFORMED },
        { header + 36, 0, 4, GROTH16_MALFORMED },
        { header + 36, 0xffffffff, 4, GROTH16_MALFORMED },
        { values, 0, 1, GROTH16_MALFORMED },                    /* the constant one */
        { values, 2, 1, GROTH16_MALFORMED },
        { values + 32 + 24, UINT64_MAX, 8, GROTH16_NOT_CANONICAL },
    };
    AUTO_FREE uint8_t *copy = memory_new(prover.wtns.size);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(copy, prover.wtns.data, prover.wtns.size);
        put_little(copy + rows[i].at, rows[i].value, rows[i].size);
        assert_int_equal(wtns_verdict(bytes_of(copy, prover.wtns.size)), rows[i].verdict);
    }
    limbs_to_big_endian(copy + values + 32, fr_modulus.limb);
    for (size_t i = 0; i < 16; i++) { /* exactly r, lowest byte first */
        uint8_t kept = copy[values + 32 + i];
        copy[values + 32 + i] = copy[values + 63 - i];
        copy[values + 63 - i] = kept;
    }
    memcpy(copy, prover.wtns.data, values + 32);
    assert_int_equal(wtns_verdict(bytes_of(copy, prover.wtns.size)), GROTH16_NOT_CANONICAL);
    copy[values + 32]--; /* r − 1 */
    assert_int_equal(wtns_verdict(bytes_of(copy, prover.wtns.size)), GROTH16_VALID);
}

/* A flipped bit is seen when the file is read, or no proof comes of it, or it did not matter (the ceremony's
 * history, a coefficient of a variable that is zero): the proof then holds for the published key. */
static void a_damaged_zkey_gives_no_proof_that_does_not_hold(void **state)
{
    size_t rounds = getenv("LAYERD_THOROUGH") == NULL ? 400 : 20000, refused = 0;
    CLEANUP(prover_close) struct prover prover;
    CLEANUP(fixture_close) struct fixture fixture;
    struct hash published, found;
    (void)state;

    prover_open(&prover, "range16");
    fixture_open(&fixture, "range16");
    groth16_key_hash(&fixture.key, &published);
    for (size_t i = 0; i < rounds; i++) {
        CLEANUP(groth16_proving_key_close) struct groth16_proving_key key = { 0 };
        AUTO_FREE uint8_t *copy = memory_copy(prover.zkey.data, prover.zkey.size);
        struct error error;
        copy[random_below(prover.zkey.size)] ^= (uint8_t)(1u << random_below(8));
        if (snarkjs_zkey_read(bytes_of(copy, prover.zkey.size), &key, &error) != GROTH16_VALID ||
            prove_quietly(&key, &prover.witness) != GROTH16_VALID) {
            refused++;
            continue;
        }
        groth16_key_hash(&key.key, &found);
        assert_true(hash_equal(&found, &published));
    }
    assert_true(refused > rounds / 2);
}

int groth16_prove_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_made_here_hold_for_the_published_key_and_inputs),
        cmocka_unit_test(a_proving_key_holds_its_verification_key),
        cmocka_unit_test(a_witness_that_does_not_satisfy_gives_no_proof),
        cmocka_unit_test(transforms_are_what_their_definition_says),
        cmocka_unit_test(truncated_and_padded_files_are_refused),
        cmocka_unit_test(a_zkey_that_lies_about_itself_is_refused),
        cmocka_unit_test(a_zkey_without_a_contribution_is_refused),
        cmocka_unit_test(a_wtns_that_lies_about_itself_is_refused),
        cmocka_unit_test(a_damaged_zkey_gives_no_proof_that_does_not_hold),
    };
    return cmocka_run_group_tests_name("groth16_prove", tests, NULL, NULL);
}
