/* The parts of bench_cross_layer. */
#ifndef BENCHMARK_CROSS_LAYER_H
#define BENCHMARK_CROSS_LAYER_H

#define CROSS_LAYER_BENCH "transfer"

/* Swaps with an EVM chain, by step. Says so, and measures nothing, when anvil is not installed in
 * `interop`. */
void measure_evm(const char *directory, const char *interop);

#endif
