/* The parts of bench_proof; each runs in a process of its own, so that its memory is its own. */
#ifndef BENCHMARK_PROOF_BENCH_H
#define BENCHMARK_PROOF_BENCH_H

#define PROOF_BENCH "proof"

/* Prints how many of `what` are made in a second, beside the figure of the reference design. */
void say_made(const char *what, double seconds_each);

/* Of this thread: for parts that are one thread that computes, on a machine that may be busy. */
double cpu_seconds(void);
double peak_mib(void); /* resident memory of this process at its most */

/* On vectors/groth16 against snarkjs, which lies in `folder`; without either it says so, loudly, and leaves
 * out what it cannot measure. */
void measure_groth16(const char *folder);

#endif
