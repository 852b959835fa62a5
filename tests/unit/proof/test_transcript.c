/* Keccak, STROBE, Merlin transcripts and nonces against published values and their definitions. */
#include <string.h>

#include "base/memory.h"
#include "support.h"

/* FIPS 202, NIST's "SHA3-256_Msg0" and "SHAKE256_Msg0" and the like for "abc"; Keccak-256 of nothing is
 * Ethereum's hash of an account without code. */
static void the_hashes_give_their_published_values(void **state)
{
    uint8_t out[64];
    (void)state;

    sha3_256(out, NULL, 0);
    assert_bytes_are(out, 32, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
    sha3_512(out, "abc", 3);
    assert_bytes_are(out, 64, "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
                              "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0");
    keccak_256(out, NULL, 0);
    assert_bytes_are(out, 32, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    shake256(out, 32, NULL, 0);
    assert_bytes_are(out, 32, "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f");
}

static void state_from_bytes(struct keccak *out, const uint8_t *bytes)
{
    for (size_t lane = 0; lane < 25; lane++) {
        out->lanes[lane] = 0;
        for (size_t i = 8; i-- > 0;)
            out->lanes[lane] = out->lanes[lane] << 8 | bytes[8 * lane + i];
    }
}

static void all_vectors_of_keccak_hold(void **state)
{
    json_t *vectors = vectors_json("keccak.json"), *each;
    size_t i;
    (void)state;

    json_array_foreach(json_object_get(vectors, "permutation"), i, each) {
        CLEANUP(buffer_close) struct buffer in = { 0 }, out = { 0 };
        struct keccak from, to;
        buffer_init(&in);
        buffer_init(&out);
        member_bytes(each, "input", &in);
        member_bytes(each, "output", &out);
        assert_int_equal(in.size, KECCAK_STATE_SIZE);
        state_from_bytes(&from, in.data);
        state_from_bytes(&to, out.data);
        keccak_permute(&from);
        assert_memory_equal(&from, &to, sizeof from);
    }
    assert_int_equal(i, 2);
    json_array_foreach(json_object_get(vectors, "hashes"), i, each) {
        CLEANUP(buffer_close) struct buffer message = { 0 };
        const char *algorithm = member_text(each, "algorithm");
        uint8_t hash[64];
        size_t size = 32;
        buffer_init(&message);
        member_bytes(each, "message", &message);
        if (strcmp(algorithm, "sha3-256") == 0) {
            sha3_256(hash, message.data, message.size);
        } else if (strcmp(algorithm, "sha3-512") == 0) {
            sha3_512(hash, message.data, message.size);
            size = 64;
        } else if (strcmp(algorithm, "keccak-256") == 0) {
            keccak_256(hash, message.data, message.size);
        } else {
            assert_string_equal(algorithm, "shake256-64");
            size = 64;
            shake256(hash, size, message.data, message.size);
        }
        assert_bytes_are(hash, size, member_text(each, "output"));
    }
    assert_int_equal(i, 24);
    json_decref(vectors);
}

static void a_sponge_in_pieces_is_the_sponge_at_once(void **state)
{
    uint8_t data[1000], whole[700], pieces[700];
    (void)state;

    random_bytes(data, sizeof data);
    for (int round = 0; round < 50; round++) {
        size_t size = random_below(sizeof data + 1);
        struct sponge sponge;
        shake256(whole, sizeof whole, data, size);
        shake256_begin(&sponge);
        for (size_t done = 0, step; done < size; done += step) {
            step = 1 + random_below(size - done);
            sponge_absorb(&sponge, data + done, step);
        }
        for (size_t done = 0, step; done < sizeof pieces; done += step) {
            step = 1 + random_below(sizeof pieces - done);
            sponge_squeeze(&sponge, pieces + done, step);
        }
        assert_memory_equal(whole, pieces, sizeof whole);
    }
}

/* gtank/merlin, merlin_test.go: both transcripts, their last challenges. */
static void merlin_gives_its_published_challenges(void **state)
{
    uint8_t challenge[32], big[1024];
    struct transcript transcript;
    (void)state;

    transcript_start(&transcript, "test protocol");
    transcript_append_text(&transcript, "some label", "some data");
    transcript_challenge(&transcript, "challenge", challenge, sizeof challenge);
    assert_bytes_are(challenge, 32, "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615");

    memset(big, 0x63, sizeof big);
    transcript_start(&transcript, "test protocol");
    transcript_append_text(&transcript, "step1", "some data");
    for (int i = 0; i < 32; i++) {
        transcript_challenge(&transcript, "challenge", challenge, sizeof challenge);
        transcript_append(&transcript, "bigdata", big, sizeof big);
        transcript_append(&transcript, "challengedata", challenge, sizeof challenge);
    }
    assert_bytes_are(challenge, 32, "a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c");
}

static void run_strobe(struct strobe *strobe, const json_t *ops)
{
    uint8_t big[1024], last[32] = { 0 };
    const json_t *each;
    size_t i;

    memset(big, 0x63, sizeof big);
    json_array_foreach(ops, i, each) {
        const char *op = member_text(each, "op"), *data = json_string_value(json_object_get(each, "data"));
        bool more = json_is_true(json_object_get(each, "more"));
        if (strcmp(op, "meta-AD") == 0) {
            assert_non_null(data);
            strobe_meta_ad(strobe, data, strlen(data), more);
        } else if (strcmp(op, "AD") == 0) {
            assert_string_equal(member_text(each, "data_rule"), "1024 bytes of 63 hex");
            strobe_ad(strobe, big, sizeof big, more);
        } else if (strcmp(op, "KEY") == 0) {
            assert_string_equal(member_text(each, "data_rule"), "the previous PRF output");
            strobe_key(strobe, last, sizeof last, more);
        } else {
            assert_string_equal(op, "PRF");
            strobe_prf(strobe, last, sizeof last, more);
            assert_bytes_are(last, sizeof last, member_text(each, "expect"));
        }
    }
    assert_int_equal(i, 9);
}

static void all_vectors_of_merlin_and_strobe_hold(void **state)
{
    json_t *vectors = vectors_json("merlin.json");
    const json_t *complex = json_array_get(json_object_get(vectors, "transcripts"), 1), *expected;
    const json_t *strobe_vector = json_object_get(vectors, "strobe");
    CLEANUP(buffer_close) struct buffer bytes = { 0 };
    uint8_t challenge[32], big[1024];
    struct transcript transcript;
    struct strobe strobe;
    struct keccak started;
    size_t i;
    (void)state;

    memset(big, 0x63, sizeof big);
    transcript_start(&transcript, "test protocol");
    transcript_append_text(&transcript, "step1", "some data");
    json_array_foreach(json_object_get(complex, "challenges"), i, expected) {
        transcript_challenge(&transcript, "challenge", challenge, sizeof challenge);
        assert_bytes_are(challenge, sizeof challenge, json_string_value(expected));
        transcript_append(&transcript, "bigdata", big, sizeof big);
        transcript_append(&transcript, "challengedata", challenge, sizeof challenge);
    }
    assert_int_equal(i, 32);

    buffer_init(&bytes);
    strobe_start(&strobe, member_text(strobe_vector, "protocol"));
    member_bytes(strobe_vector, "state_after_new", &bytes);
    assert_int_equal(bytes.size, KECCAK_STATE_SIZE);
    state_from_bytes(&started, bytes.data);
    assert_memory_equal(&strobe.state, &started, sizeof started);
    run_strobe(&strobe, json_object_get(strobe_vector, "ops"));
    json_decref(vectors);
}

static void challenge_after(const char *label, const char *chain, const char *purpose, const char *name,
                            const char *message, uint8_t out[32])
{
    struct transcript transcript = transcript_of(label, chain, purpose);

    transcript_append_text(&transcript, name, message);
    transcript_challenge(&transcript, "challenge", out, 32);
}

static void challenges_depend_on_every_part_of_the_transcript_and_on_where_parts_end(void **state)
{
    uint8_t challenges[9][32];
    (void)state;

    challenge_after("label", "dev-1", "transfer", "name", "message", challenges[0]);
    challenge_after("labem", "dev-1", "transfer", "name", "message", challenges[1]);
    challenge_after("label", "dev-2", "transfer", "name", "message", challenges[2]);
    challenge_after("label", "dev-1", "transfes", "name", "message", challenges[3]);
    challenge_after("label", "dev-1", "transfer", "namf", "message", challenges[4]);
    challenge_after("label", "dev-1", "transfer", "name", "messagf", challenges[5]);
    challenge_after("label", "dev-1t", "ransfer", "name", "message", challenges[6]);
    challenge_after("label", "dev-1", "transfer", "namem", "essage", challenges[7]);
    challenge_after("label", "dev-1", "transfer", "name", "", challenges[8]);
    for (size_t i = 0; i < 9; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(challenges[i], challenges[k], 32);
    challenge_after("label", "dev-1", "transfer", "name", "message", challenges[1]);
    assert_memory_equal(challenges[0], challenges[1], 32);
}

static void nonces_of(const struct transcript *transcript, const char *label, const char *secret,
                      const uint8_t *randomness, struct scalar out[2])
{
    struct nonces nonces;

    nonces_fork(&nonces, transcript);
    nonces_secret(&nonces, label, secret, strlen(secret));
    nonces_ready(&nonces, randomness);
    nonces_draw_scalar(&nonces, &out[0]);
    nonces_draw_scalar(&nonces, &out[1]);
    nonces_wipe(&nonces);
}

static void nonces_depend_on_transcript_secrets_and_randomness(void **state)
{
    struct transcript transcript = transcript_of("label", "dev-1", "transfer"), other = transcript, copy;
    uint8_t randomness[32] = { 1 }, more[32] = { 2 };
    struct scalar drawn[7][2];
    (void)state;

    transcript_append_u64(&other, "n", 1);
    copy = transcript;
    nonces_of(&transcript, "key", "secret", randomness, drawn[0]);
    nonces_of(&other, "key", "secret", randomness, drawn[1]);
    nonces_of(&transcript, "key", "secres", randomness, drawn[2]);
    nonces_of(&transcript, "kez", "secret", randomness, drawn[3]);
    nonces_of(&transcript, "key", "secret", more, drawn[4]);
    nonces_of(&transcript, "key", "secret", NULL, drawn[5]);
    nonces_of(&transcript, "key", "secret", NULL, drawn[6]);
    for (size_t i = 0; i < 7; i++) {
        assert_false(scalar_equal(&drawn[i][0], &drawn[i][1]));
        for (size_t k = 0; k < i; k++)
            assert_false(scalar_equal(&drawn[i][0], &drawn[k][0]));
    }
    nonces_of(&transcript, "key", "secret", randomness, drawn[1]);
    assert_true(scalar_equal(&drawn[0][0], &drawn[1][0]) && scalar_equal(&drawn[0][1], &drawn[1][1]));
    assert_memory_equal(&copy, &transcript, sizeof copy); /* drawing leaves the transcript alone */
}

int transcript_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hashes_give_their_published_values),
        cmocka_unit_test(all_vectors_of_keccak_hold),
        cmocka_unit_test(a_sponge_in_pieces_is_the_sponge_at_once),
        cmocka_unit_test(merlin_gives_its_published_challenges),
        cmocka_unit_test(all_vectors_of_merlin_and_strobe_hold),
        cmocka_unit_test(challenges_depend_on_every_part_of_the_transcript_and_on_where_parts_end),
        cmocka_unit_test(nonces_depend_on_transcript_secrets_and_randomness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
