/* Makes the generators. None has a table of ready multiples: those would take a megabyte for the 130 of
 * a common proof, and reading them when they are not in the caches, which is the rule in a node, costs
 * more than it saves (measured: 1.5 against 1.2 ms a proof; 0.9 against 1.05 where proofs come one upon
 * the other). */
#include "proof/generators.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "proof/keccak.h"
#include "proof/pedersen.h"

static pthread_once_t made = PTHREAD_ONCE_INIT;
static struct fixed_points *all; /* kept until the process ends */

static void make_chain(struct point *out, uint8_t letter, uint32_t party)
{
    uint8_t head[20] = "GeneratorsChain", block[POINT_UNIFORM_SIZE];
    struct sponge sponge;

    head[15] = letter;
    for (size_t i = 0; i < 4; i++)
        head[16 + i] = (uint8_t)(party >> (8 * i));
    shake256_begin(&sponge);
    sponge_absorb(&sponge, head, sizeof head);
    for (size_t i = 0; i < GENERATORS_BITS; i++) {
        sponge_squeeze(&sponge, block, sizeof block);
        point_from_uniform(&out[i], block);
    }
}

static void make(void)
{
    AUTO_FREE struct point *points =
        memory_array_aligned(GENERATORS_COUNT, sizeof *points, _Alignof(struct point));

    points[GENERATOR_BASE] = *point_base();
    points[GENERATOR_BLINDING] = *pedersen_blinding_base();
    for (uint32_t party = 0; party < GENERATORS_PARTIES; party++) {
        make_chain(&points[GENERATOR_G(party, 0)], 'G', party);
        make_chain(&points[GENERATOR_H(party, 0)], 'H', party);
    }
    all = fixed_points_new(points, GENERATORS_COUNT, 0);
}

const struct fixed_points *generators(void)
{
    pthread_once(&made, make);
    return all;
}

const struct point *generator(size_t index)
{
    return fixed_points_at(generators(), index);
}
