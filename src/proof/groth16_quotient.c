/* Transforms over the scalar field, and the quotient made with them; see groth16_quotient.h.
 *
 * Going back, the transform takes values in natural order and leaves coefficients in bit-reversed order;
 * going forth, it takes these and leaves values in natural order. So nothing is ever reordered. */
#include "proof/groth16_quotient.h"

#include "base/memory.h"
#include "proof/bn254_parallel.h"

struct domain {
    unsigned bits;
    size_t size;
    struct fr *roots;         /* w^i, i < size/2 */
    struct fr *inverse_roots; /* w^(−i) */
    struct fr *shifts;        /* g^i/size, g the root of twice the size: to the other coset */
};

static void powers(struct fr *out, size_t count, const struct fr *first, const struct fr *base)
{
    struct fr power = *first;

    for (size_t i = 0; i < count; i++) {
        out[i] = power;
        fr_multiply(&power, &power, base);
    }
}

static void domain_open(struct domain *d, unsigned bits)
{
    struct fr root, inverse, size_inverse;

    d->bits = bits;
    d->size = (size_t)1 << bits;
    d->roots = memory_array(d->size / 2 + 1, sizeof *d->roots);
    d->inverse_roots = memory_array(d->size / 2 + 1, sizeof *d->inverse_roots);
    d->shifts = memory_array(d->size, sizeof *d->shifts);
    fr_root_of_unity(&root, bits);
    fr_invert(&inverse, &root);
    powers(d->roots, d->size / 2 + 1, &fr_one, &root);
    powers(d->inverse_roots, d->size / 2 + 1, &fr_one, &inverse);
    fr_set(&size_inverse, d->size);
    fr_invert(&size_inverse, &size_inverse);
    fr_root_of_unity(&root, bits + 1);
    powers(d->shifts, d->size, &size_inverse, &root);
}

static void domain_close(struct domain *d)
{
    memory_free_pointer(&d->roots);
    memory_free_pointer(&d->inverse_roots);
    memory_free_pointer(&d->shifts);
}

/* Values in natural order to coefficients, times the size, in bit-reversed order. */
static void transform_back(const struct domain *d, struct fr *v)
{
    for (size_t half = d->size / 2; half > 0; half /= 2) {
        size_t step = d->size / (2 * half);
        for (size_t start = 0; start < d->size; start += 2 * half)
            for (size_t i = 0; i < half; i++) {
                struct fr *low = &v[start + i], *high = &v[start + half + i], difference;
                fr_subtract(&difference, low, high);
                fr_add(low, low, high);
                fr_multiply(high, &difference, &d->inverse_roots[i * step]);
            }
    }
}

/* Coefficients in bit-reversed order to values in natural order. */
static void transform_forth(const struct domain *d, struct fr *v)
{
    for (size_t half = 1; half < d->size; half *= 2) {
        size_t step = d->size / (2 * half);
        for (size_t start = 0; start < d->size; start += 2 * half)
            for (size_t i = 0; i < half; i++) {
                struct fr *low = &v[start + i], *high = &v[start + half + i], product;
                fr_multiply(&product, high, &d->roots[i * step]);
                fr_subtract(high, low, &product);
                fr_add(low, low, &product);
            }
    }
}

static size_t reversed(size_t index, unsigned bits)
{
    size_t out = 0;

    for (unsigned i = 0; i < bits; i++)
        out |= (index >> i & 1) << (bits - 1 - i);
    return out;
}

static void to_other_coset(const struct domain *d, struct fr *v)
{
    transform_back(d, v);
    for (size_t i = 0; i < d->size; i++)
        fr_multiply(&v[i], &v[i], &d->shifts[reversed(i, d->bits)]);
    transform_forth(d, v);
}

struct rows {
    struct domain domain;
    struct fr *side[3]; /* A, B, C */
};

static void side_to_other_coset(void *context, size_t index)
{
    struct rows *rows = context;

    to_other_coset(&rows->domain, rows->side[index]);
}

void groth16_quotient(const struct groth16_proving_key *key, const struct groth16_witness *witness,
                      size_t threads, struct fr_plain *out)
{
    struct rows rows;

    domain_open(&rows.domain, key->domain_bits);
    size_t size = rows.domain.size;
    for (size_t i = 0; i < 3; i++)
        rows.side[i] = memory_array(size, sizeof *rows.side[i]);
    for (size_t i = 0; i < key->coefficient_count; i++) {
        const struct groth16_coefficient *c = &key->coefficients[i];
        struct fr term, *to = &rows.side[c->matrix][c->row];
        limbs_multiply(term.limb, c->value.limb, witness->value[c->variable].limb, &fr_modulus);
        fr_add(to, to, &term);
    }
    for (size_t i = 0; i < size; i++)
        fr_multiply(&rows.side[2][i], &rows.side[0][i], &rows.side[1][i]);
    parallel_run(threads, 3, side_to_other_coset, &rows);
    for (size_t i = 0; i < size; i++) {
        struct fr value;
        fr_multiply(&value, &rows.side[0][i], &rows.side[1][i]);
        fr_subtract(&value, &value, &rows.side[2][i]);
        fr_to_plain(&out[i], &value);
    }
    for (size_t i = 0; i < 3; i++)
        memory_free_wiped(rows.side[i]);
    domain_close(&rows.domain);
}

void fr_transform(struct fr *values, unsigned bits, bool back)
{
    struct domain d;

    domain_open(&d, bits);
    if (back)
        transform_back(&d, values);
    for (size_t i = 0; i < d.size; i++) { /* to or from the order of reversed bits */
        size_t k = reversed(i, bits);
        if (i < k) {
            struct fr kept = values[i];
            values[i] = values[k];
            values[k] = kept;
        }
    }
    if (back) {
        for (size_t i = 0; i < d.size; i++)
            fr_multiply(&values[i], &values[i], &d.shifts[0]);
    } else {
        transform_forth(&d, values);
    }
    domain_close(&d);
}
