/* The two generators, made once, and sums of their multiples in constant time. */
#include "proof/pedersen.h"

#include <pthread.h>

#include "proof/keccak.h"

static pthread_once_t made = PTHREAD_ONCE_INIT;
static struct point blinding_base;
static struct point_table *blinding_table; /* kept until the process ends */

static void make(void)
{
    uint8_t encoded[POINT_SIZE], uniform[POINT_UNIFORM_SIZE];

    point_encode(encoded, point_base());
    sha3_512(uniform, encoded, sizeof encoded);
    point_from_uniform(&blinding_base, uniform);
    blinding_table = point_table_new(&blinding_base);
}

const struct point *pedersen_blinding_base(void)
{
    pthread_once(&made, make);
    return &blinding_base;
}

void pedersen_commit_scalar(struct point *out, const struct scalar *value, const struct scalar *blinding)
{
    struct point valued, blinded;

    pthread_once(&made, make);
    point_multiply_base(&valued, value);
    point_table_multiply(&blinded, blinding, blinding_table);
    point_add(out, &valued, &blinded);
    point_wipe(&valued);
    point_wipe(&blinded);
}

void pedersen_commit(struct point *out, uint64_t value, const struct scalar *blinding)
{
    struct scalar scalar;

    scalar_from_u64(&scalar, value);
    pedersen_commit_scalar(out, &scalar, blinding);
    scalar_wipe(&scalar);
}
