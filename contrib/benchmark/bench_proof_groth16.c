/* proof: Groth16 against snarkjs on the same circuit, files and machine, by turns. Wall-clock times: both may
 * use all cores. Both start from what is in memory. Verifying: ours from the JSON of proof and public inputs,
 * with a key made ready before; snarkjs has no such key, and gets all three parsed. Proving: from the bytes
 * of .zkey and .wtns; ours verifies its proof before it gives it out, snarkjs does not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "proof_bench.h"
#include "snarkjs_process.h"

#include "base/memory.h"
#include "proof/bn254_parallel.h"
#include "proof/snarkjs_binary.h"
#include "proof/snarkjs_json.h"

#define CIRCUIT "range16"
#define VERIFICATIONS 20 /* in one turn */
#define PROOFS 10
#define FILE_MAX ((size_t)1 << 24)

struct groth16_bench {
    const char *circuit; /* a folder */
    struct buffer zkey, wtns, proof_text, inputs_text;
    struct groth16_key key;
    struct groth16_prepared *prepared;
    size_t threads;
    struct samples verify, prove, their_verify, their_prove;
};

static struct buffer file_read(const char *folder, const char *name)
{
    AUTO_FREE char *path = text_format("%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    struct buffer out;
    size_t got;

    if (file == NULL)
        fatal("%s cannot be read", path);
    buffer_init(&out);
    while (out.size < FILE_MAX && (got = fread(buffer_reserve(&out, 65536), 1, 65536, file)) > 0)
        out.size += got;
    fclose(file);
    return out;
}

static void bench_open(struct groth16_bench *bench)
{
    CLEANUP(buffer_close) struct buffer key_text = file_read(bench->circuit, "verification_key.json");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct error error;

    bench->zkey = file_read(bench->circuit, "circuit.zkey");
    bench->wtns = file_read(bench->circuit, "witness.wtns");
    bench->proof_text = file_read(bench->circuit, "proof.json");
    bench->inputs_text = file_read(bench->circuit, "public.json");
    bench->threads = cores < 1 ? 1 : cores > PARALLEL_THREADS_MAX ? PARALLEL_THREADS_MAX : (size_t)cores;
    groth16_key_init(&bench->key);
    if (snarkjs_key_read(buffer_bytes(&key_text), &bench->key, &error) != GROTH16_VALID)
        fatal("no verification key: %s", error.message);
    bench->prepared = groth16_prepare(&bench->key);
}

static void bench_close(struct groth16_bench *bench)
{
    groth16_prepared_free(bench->prepared);
    groth16_key_close(&bench->key);
    buffer_close(&bench->zkey);
    buffer_close(&bench->wtns);
    buffer_close(&bench->proof_text);
    buffer_close(&bench->inputs_text);
}

static void verify_once(struct groth16_bench *bench)
{
    CLEANUP(buffer_close) struct buffer inputs = { 0 };
    struct groth16_proof proof;
    struct error error;
    int64_t begin = now_ns();

    buffer_init(&inputs);
    if (snarkjs_proof_read(buffer_bytes(&bench->proof_text), &proof, &error) != GROTH16_VALID ||
        snarkjs_inputs_read(buffer_bytes(&bench->inputs_text), &inputs, &error) != GROTH16_VALID ||
        groth16_verify(bench->prepared, &proof, buffer_bytes(&inputs), &error) != GROTH16_VALID)
        fatal("the proof does not hold: %s", error.message);
    samples_add(&bench->verify, seconds_since(begin));
}

static void prove_once(struct groth16_bench *bench)
{
    CLEANUP(groth16_proving_key_close) struct groth16_proving_key key;
    CLEANUP(groth16_witness_close) struct groth16_witness witness;
    CLEANUP(buffer_close) struct buffer inputs;
    struct groth16_proof proof;
    struct error error;
    int64_t begin = now_ns();

    groth16_proving_key_init(&key);
    groth16_witness_init(&witness);
    buffer_init(&inputs);
    if (snarkjs_zkey_read(buffer_bytes(&bench->zkey), &key, &error) != GROTH16_VALID ||
        snarkjs_wtns_read(buffer_bytes(&bench->wtns), &witness, &error) != GROTH16_VALID ||
        groth16_prove(&key, &witness, bench->threads, &proof, &inputs, &error) != GROTH16_VALID)
        fatal("no proof: %s", error.message);
    samples_add(&bench->prove, seconds_since(begin));
    if (groth16_verify(bench->prepared, &proof, buffer_bytes(&inputs), &error) != GROTH16_VALID)
        fatal("our own proof does not hold: %s", error.message);
}

/* Verifying first, so that the memory after it is the memory of verifying. `snarkjs` may be NULL. */
static void measure(struct groth16_bench *bench, struct snarkjs *snarkjs)
{
    for (int i = 0; i < REPETITIONS; i++) {
        if (snarkjs != NULL)
            samples_add(&bench->their_verify, snarkjs_seconds(snarkjs, "verify", VERIFICATIONS));
        for (int k = 0; k < VERIFICATIONS; k++)
            verify_once(bench);
    }
    metric(PROOF_BENCH, "groth16_verify_mib", peak_mib(), "MiB", "lower");
    for (int i = 0; i < REPETITIONS; i++) {
        if (snarkjs != NULL)
            samples_add(&bench->their_prove, snarkjs_seconds(snarkjs, "prove", PROOFS));
        for (int k = 0; k < PROOFS; k++)
            prove_once(bench);
    }
    metric(PROOF_BENCH, "groth16_prove_mib", peak_mib(), "MiB", "lower");
}

void measure_groth16(const char *folder)
{
    const char *vectors = getenv("LAYERD_VECTORS");
    AUTO_FREE char *circuit =
        text_format("%s/groth16/" CIRCUIT, vectors == NULL ? SOURCE_ROOT "/../shared/vectors" : vectors);
    struct groth16_bench bench = { .circuit = circuit };
    struct snarkjs snarkjs;

    if (access(circuit, R_OK) != 0) {
        say("  SKIPPED: no vectors in %s: NOTHING WAS MEASURED OF GROTH16", circuit);
        return;
    }
    bool compared = snarkjs_start(&snarkjs, folder, circuit);
    if (!compared)
        say("  SKIPPED: no node, or no snarkjs in %s: GROTH16 WAS NOT COMPARED WITH SNARKJS", folder);
    bench_open(&bench);
    measure(&bench, compared ? &snarkjs : NULL);
    double verify = samples_median(&bench.verify), prove = samples_median(&bench.prove);
    metric(PROOF_BENCH, "groth16_verify_ms", 1000 * verify, "ms", "lower");
    metric(PROOF_BENCH, "groth16_prove_ms", 1000 * prove, "ms", "lower");
    if (compared) {
        double their_verify = samples_median(&bench.their_verify);
        double their_prove = samples_median(&bench.their_prove);
        metric(PROOF_BENCH, "snarkjs_verify_ms", 1000 * their_verify, "ms", "lower");
        metric(PROOF_BENCH, "snarkjs_prove_ms", 1000 * their_prove, "ms", "lower");
        metric(PROOF_BENCH, "snarkjs_mib", snarkjs.peak_mib, "MiB", "lower");
        metric(PROOF_BENCH, "groth16_verify_vs_snarkjs", their_verify / verify, "ratio", "higher");
        metric(PROOF_BENCH, "groth16_prove_vs_snarkjs", their_prove / prove, "ratio", "higher");
        snarkjs_stop(&snarkjs);
    }
    say_made("Groth16 proofs of " CIRCUIT, prove);
    bench_close(&bench);
}
