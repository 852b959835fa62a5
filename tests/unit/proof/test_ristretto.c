/* The façade over ristretto255: RFC 9496's vectors, libsodium as a second opinion, and the laws of groups. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support.h"

/* RFC 9496 A.1: the identity, B, 2B, … 15B. */
static const char *const small_multiples[16] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
    "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
    "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
    "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
    "903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c",
    "02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031",
    "20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f",
    "bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42",
    "e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460",
    "aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f",
    "46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e",
    "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e",
};

static void small_multiples_of_the_base_point_have_their_published_encodings(void **state)
{
    struct point sum = *point_identity(), decoded, product;
    uint8_t bytes[POINT_SIZE];
    (void)state;

    for (uint64_t i = 0; i < 16; i++) {
        struct scalar scalar;
        point_encode(bytes, &sum);
        assert_bytes_are(bytes, sizeof bytes, small_multiples[i]);
        assert_true(point_decode(&decoded, bytes));
        assert_true(point_equal(&decoded, &sum));
        assert_int_equal(point_is_identity(&decoded), i == 0);
        scalar_from_u64(&scalar, i);
        point_multiply_base(&product, &scalar);
        assert_true(point_equal(&product, &sum));
        point_add(&sum, &sum, point_base());
    }
}

/* RFC 9496 A.2: non-canonical, negative, not square, negative xy, s = -1. */
static const char *const bad_encodings[] = {
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2df6",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
    "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
    "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
    "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
    "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
    "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
    "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
    "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
    "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
    "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
    "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
    "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
    "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
    "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
    "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
    "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
    "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void encodings_that_are_not_canonical_or_no_point_are_refused(void **state)
{
    struct point untouched, point;
    uint8_t bytes[POINT_SIZE];
    (void)state;

    random_point(&untouched);
    point = untouched;
    for (size_t i = 0; i < sizeof bad_encodings / sizeof bad_encodings[0]; i++) {
        assert_true(hex_decode(bytes, sizeof bytes, bad_encodings[i], 64));
        if (point_decode(&point, bytes))
            fail_msg("taken: %s", bad_encodings[i]);
        assert_memory_equal(&point, &untouched, sizeof point);
    }
}

/* libsodium 1.0.18 does not look at the uppermost bit; RFC 9496 section 4.3.1 refuses it, as we do. */
static void whatever_bytes_decode_as_libsodium_decodes_them(void **state)
{
    size_t taken = 0;
    (void)state;

    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[POINT_SIZE], again[POINT_SIZE];
        struct point point;
        random_bytes(bytes, sizeof bytes);
        bytes[31] &= i % 8 == 0 ? 255 : 127;
        bytes[0] &= i % 8 == 1 ? 255 : 254;
        bool ours = point_decode(&point, bytes);
        bool theirs = bytes[31] < 128 && crypto_core_ristretto255_is_valid_point(bytes) == 1;
        assert_int_equal(ours, theirs);
        if (ours) {
            point_encode(again, &point);
            assert_memory_equal(again, bytes, sizeof bytes);
            taken++;
        }
    }
    assert_true(taken > 100);
}

/* RFC 9496 A.3: the last vector, and libsodium's answers for others. */
static void hashing_to_the_group_is_the_published_map(void **state)
{
    uint8_t uniform[POINT_UNIFORM_SIZE], ours[POINT_SIZE], theirs[POINT_SIZE];
    static const char *const hex = "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
                                   "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6";
    struct point point;
    (void)state;

    assert_true(hex_decode(uniform, sizeof uniform, hex, strlen(hex)));
    point_from_uniform(&point, uniform);
    point_encode(ours, &point);
    assert_bytes_are(ours, sizeof ours, "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46");
    for (int i = 0; i < 200; i++) {
        random_bytes(uniform, sizeof uniform);
        point_from_uniform(&point, uniform);
        point_encode(ours, &point);
        assert_int_equal(crypto_core_ristretto255_from_hash(theirs, uniform), 0);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

/* l, little-endian (RFC 9496 section 4.4). */
static const char *const order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

static void only_scalars_below_the_order_are_taken(void **state)
{
    struct scalar untouched, scalar, sum;
    uint8_t bytes[SCALAR_SIZE];
    (void)state;

    random_scalar(&untouched);
    scalar = untouched;
    assert_true(hex_decode(bytes, sizeof bytes, order, 64));
    assert_false(scalar_decode(&scalar, bytes));
    bytes[0]++;
    assert_false(scalar_decode(&scalar, bytes));
    memset(bytes, 0xff, sizeof bytes);
    assert_false(scalar_decode(&scalar, bytes));
    assert_memory_equal(&scalar, &untouched, sizeof scalar);
    assert_true(hex_decode(bytes, sizeof bytes, order, 64));
    bytes[0]--;
    assert_true(scalar_decode(&scalar, bytes));
    scalar_add(&sum, &scalar, &scalar_one);
    assert_true(scalar_is_zero(&sum));
    memset(bytes, 0, sizeof bytes);
    assert_true(scalar_decode(&scalar, bytes));
    assert_true(scalar_is_zero(&scalar));
}

static void scalars_compute_as_libsodium_does(void **state)
{
    (void)state;

    for (int i = 0; i < 500; i++) {
        uint8_t wide_a[SCALAR_WIDE_SIZE], wide_b[SCALAR_WIDE_SIZE], a[SCALAR_SIZE], b[SCALAR_SIZE];
        uint8_t ours[SCALAR_SIZE], theirs[SCALAR_SIZE];
        struct scalar scalar_a, scalar_b, result;
        random_bytes(wide_a, sizeof wide_a);
        random_bytes(wide_b, sizeof wide_b);
        scalar_from_wide(&scalar_a, wide_a);
        scalar_from_wide(&scalar_b, wide_b);
        crypto_core_ristretto255_scalar_reduce(a, wide_a);
        crypto_core_ristretto255_scalar_reduce(b, wide_b);
        scalar_encode(ours, &scalar_a);
        assert_memory_equal(ours, a, sizeof ours);

        scalar_add(&result, &scalar_a, &scalar_b);
        scalar_encode(ours, &result);
        crypto_core_ristretto255_scalar_add(theirs, a, b);
        assert_memory_equal(ours, theirs, sizeof ours);
        scalar_subtract(&result, &scalar_a, &scalar_b);
        scalar_encode(ours, &result);
        crypto_core_ristretto255_scalar_sub(theirs, a, b);
        assert_memory_equal(ours, theirs, sizeof ours);
        scalar_multiply(&result, &scalar_a, &scalar_b);
        scalar_encode(ours, &result);
        crypto_core_ristretto255_scalar_mul(theirs, a, b);
        assert_memory_equal(ours, theirs, sizeof ours);
        scalar_negate(&result, &scalar_a);
        scalar_encode(ours, &result);
        crypto_core_ristretto255_scalar_negate(theirs, a);
        assert_memory_equal(ours, theirs, sizeof ours);
        scalar_invert(&result, &scalar_a);
        scalar_encode(ours, &result);
        assert_int_equal(crypto_core_ristretto255_scalar_invert(theirs, a), 0);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

static void inverses_at_once_are_inverses_one_by_one_and_zero_stays_zero(void **state)
{
    struct scalar many[9], product, zero;
    (void)state;

    for (size_t count = 0; count <= 9; count++) {
        struct scalar before[9];
        for (size_t i = 0; i < count; i++)
            random_scalar(&many[i]);
        memcpy(before, many, count * sizeof many[0]);
        scalars_invert_public(many, count);
        for (size_t i = 0; i < count; i++) {
            scalar_multiply(&product, &many[i], &before[i]);
            assert_true(scalar_equal(&product, &scalar_one));
        }
    }
    scalar_invert(&zero, &scalar_zero);
    assert_true(scalar_is_zero(&zero));
}

static void multiples_are_those_of_libsodium_with_and_without_a_table(void **state)
{
    (void)state;

    for (int i = 0; i < 50; i++) {
        uint8_t scalar_bytes[SCALAR_SIZE], point_bytes[POINT_SIZE], ours[POINT_SIZE], theirs[POINT_SIZE];
        struct scalar scalar;
        struct point point, product;
        random_scalar(&scalar);
        random_point(&point);
        scalar_encode(scalar_bytes, &scalar);
        point_encode(point_bytes, &point);
        assert_int_equal(crypto_scalarmult_ristretto255(theirs, scalar_bytes, point_bytes), 0);
        point_multiply(&product, &scalar, &point);
        point_encode(ours, &product);
        assert_memory_equal(ours, theirs, sizeof ours);

        struct point_table *table = point_table_new(&point);
        point_table_multiply(&product, &scalar, table);
        point_table_free(table);
        point_encode(ours, &product);
        assert_memory_equal(ours, theirs, sizeof ours);

        assert_int_equal(crypto_scalarmult_ristretto255_base(theirs, scalar_bytes), 0);
        point_multiply_base(&product, &scalar);
        point_encode(ours, &product);
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

static void choosing_takes_the_one_or_the_other(void **state)
{
    struct scalar a, b, chosen;
    struct point p, q, taken;
    (void)state;

    random_scalar(&a);
    random_scalar(&b);
    random_point(&p);
    random_point(&q);
    scalar_select(&chosen, &a, &b, 0);
    assert_true(scalar_equal(&chosen, &a));
    scalar_select(&chosen, &a, &b, 1);
    assert_true(scalar_equal(&chosen, &b));
    point_select(&taken, &p, &q, 0);
    assert_true(point_equal(&taken, &p));
    point_select(&taken, &p, &q, 1);
    assert_true(point_equal(&taken, &q));
    point_negate(&q, &p);
    point_add(&taken, &p, &q);
    assert_true(point_is_identity(&taken));
    assert_false(point_is_identity(&p));
    assert_false(point_equal(&p, &q));
}

/* --- sums ----------------------------------------------------------------------------------------------- */

#define SUM_MOST 1500

struct sum_case {
    struct point points[SUM_MOST];
    struct scalar scalars[SUM_MOST];
};

static void naive(struct point *out, const struct sum_case *sum, size_t count)
{
    *out = *point_identity();
    for (size_t i = 0; i < count; i++) {
        struct point term;
        point_multiply(&term, &sum->scalars[i], &sum->points[i]);
        point_add(out, out, &term);
    }
}

static struct sum_case *sum_case_new(size_t count)
{
    struct sum_case *sum = memory_array_aligned(1, sizeof *sum, _Alignof(struct sum_case));

    random_point(&sum->points[0]);
    for (size_t i = 0; i < count; i++) {
        random_scalar(&sum->scalars[i]);
        if (i != 0) { /* neighbours differ by doubling and a step: cheap, and all different */
            point_double(&sum->points[i], &sum->points[i - 1]);
            point_add(&sum->points[i], &sum->points[i], point_base());
        }
    }
    /* What recoding could get wrong: 0, 1, -1, small ones, the longest runs of ones. */
    if (count >= 6) {
        sum->scalars[0] = scalar_zero;
        sum->scalars[1] = scalar_one;
        scalar_negate(&sum->scalars[2], &scalar_one);
        scalar_from_u64(&sum->scalars[3], UINT64_MAX);
        scalar_negate(&sum->scalars[4], &sum->scalars[3]);
        sum->points[5] = *point_identity();
    }
    return sum;
}

static void sums_are_the_sums_of_the_multiples_for_every_method_and_size(void **state)
{
    static const size_t counts[] = { 0, 1, 2, 3, 6, 17, 127, 128, 129, 147, 320, 321, 700 };
    (void)state;

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct sum_case *sum = sum_case_new(counts[c]);
        struct point expected, got;
        naive(&expected, sum, counts[c]);
        points_multiply_public(&got, sum->scalars, sum->points, counts[c]);
        assert_true(point_equal(&got, &expected));
        points_multiply(&got, sum->scalars, sum->points, counts[c]);
        assert_true(point_equal(&got, &expected));
        free(sum);
    }
}

static void sums_with_fixed_points_are_the_same_with_tables_without_and_in_runs(void **state)
{
    static const size_t counts[][2] = { { 0, 8 }, { 17, 130 }, { 5, 200 }, { 400, 300 } }; /* own, fixed */
    (void)state;

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        size_t own = counts[c][0], fixed_count = counts[c][1], part = fixed_count / 3;
        struct sum_case *sum = sum_case_new(own + fixed_count);
        struct fixed_points *fixed = fixed_points_new(sum->points + own, fixed_count, fixed_count / 2);
        const struct scalar *scalars = sum->scalars + own;
        struct fixed_run runs[2] = { { part, fixed_count - part, scalars + part }, { 0, part, scalars } };
        struct point expected, got;
        naive(&expected, sum, own + fixed_count);
        points_multiply_public_fixed(&got, sum->scalars, sum->points, own, fixed, runs, 2);
        assert_true(point_equal(&got, &expected));
        assert_true(point_equal(fixed_points_at(fixed, part), &sum->points[own + part]));
        fixed_points_free(fixed);
        free(sum);
    }
}

static void a_sum_that_cancels_is_the_identity_and_one_bit_more_is_not(void **state)
{
    (void)state;

    for (size_t count = 2; count <= 400; count += 398) {
        struct sum_case *sum = sum_case_new(count);
        struct point total;
        naive(&total, sum, count - 1);
        point_negate(&sum->points[count - 1], &total);
        sum->scalars[count - 1] = scalar_one;
        points_multiply_public(&total, sum->scalars, sum->points, count);
        assert_true(point_is_identity(&total));
        scalar_add(&sum->scalars[1], &sum->scalars[1], &scalar_one);
        points_multiply_public(&total, sum->scalars, sum->points, count);
        assert_false(point_is_identity(&total));
        free(sum);
    }
}

int ristretto_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_multiples_of_the_base_point_have_their_published_encodings),
        cmocka_unit_test(encodings_that_are_not_canonical_or_no_point_are_refused),
        cmocka_unit_test(whatever_bytes_decode_as_libsodium_decodes_them),
        cmocka_unit_test(hashing_to_the_group_is_the_published_map),
        cmocka_unit_test(only_scalars_below_the_order_are_taken),
        cmocka_unit_test(scalars_compute_as_libsodium_does),
        cmocka_unit_test(inverses_at_once_are_inverses_one_by_one_and_zero_stays_zero),
        cmocka_unit_test(multiples_are_those_of_libsodium_with_and_without_a_table),
        cmocka_unit_test(choosing_takes_the_one_or_the_other),
        cmocka_unit_test(sums_are_the_sums_of_the_multiples_for_every_method_and_size),
        cmocka_unit_test(sums_with_fixed_points_are_the_same_with_tables_without_and_in_runs),
        cmocka_unit_test(a_sum_that_cancels_is_the_identity_and_one_bit_more_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
