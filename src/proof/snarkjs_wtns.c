/* Witnesses from .wtns files; see snarkjs_binary.h. */
#include "base/memory.h"
#include "proof/snarkjs_binary.h"
#include "proof/snarkjs_sections.h"

#define WTNS_VERSION 2
#define WTNS_SECTIONS 2 /* 1: prime and count, 2: values */

enum groth16_verdict snarkjs_wtns_read(struct bytes file, struct groth16_witness *witness,
                                       struct error *error)
{
    CLEANUP(groth16_witness_close) struct groth16_witness read = { 0 };
    static const struct fr_plain one = { { 1 } };
    struct sections s;

    TRY_VERDICT(sections_read(file, "wtns", WTNS_VERSION, WTNS_SECTIONS, &s, error));
    TRY_VERDICT(section_size_check(&s, 1, PRIME_BYTES + 4, error));
    TRY_VERDICT(prime_check(s.section[1].data, fr_modulus.limb, "r", error));
    size_t count = little_u32(s.section[1].data + PRIME_BYTES);
    TRY_VERDICT(section_size_check(&s, 2, count * FIELD_BYTES, error));
    if (count == 0)
        return groth16_refuse(error, GROTH16_MALFORMED, "a witness without values; the first is always 1");
    read.value = memory_array(count, sizeof *read.value);
    read.count = count;
    for (size_t i = 0; i < count; i++) {
        limbs_from_little_endian(read.value[i].limb, s.section[2].data + i * FIELD_BYTES);
        if (!fr_plain_below_r(&read.value[i]))
            return groth16_refuse(error, GROTH16_NOT_CANONICAL, "value %zu of the witness is not below r", i);
    }
    if (!limbs_equal(read.value[0].limb, one.limb))
        return groth16_refuse(error, GROTH16_MALFORMED, "the first value of the witness is not 1");
    *witness = read;
    groth16_witness_init(&read);
    return GROTH16_VALID;
}
