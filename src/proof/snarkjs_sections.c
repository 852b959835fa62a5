/* Magic, version and sections; see snarkjs_sections.h. */
#include "proof/snarkjs_sections.h"

#include <inttypes.h>
#include <string.h>

#define FILE_HEADER 12    /* magic, version, number of sections */
#define SECTION_HEADER 12 /* number, size of 8 bytes */

uint32_t little_u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

enum groth16_verdict sections_read(struct bytes file, const char *magic, uint32_t version, size_t count,
                                   struct sections *out, struct error *error)
{
    struct sections found = { 0 };
    size_t at = FILE_HEADER;

    if (file.size < FILE_HEADER || memcmp(file.data, magic, 4) != 0)
        return groth16_refuse(error, GROTH16_MALFORMED, "the file is no .%s: it must begin so", magic);
    if (little_u32(file.data + 4) != version)
        return groth16_refuse(error, GROTH16_MALFORMED,
                              "version %" PRIu32 " of a .%s; this is version %" PRIu32,
                              little_u32(file.data + 4), magic, version);
    if (little_u32(file.data + 8) != count)
        return groth16_refuse(error, GROTH16_MALFORMED, "a .%s with %" PRIu32 " sections; it has %zu", magic,
                              little_u32(file.data + 8), count);
    for (size_t i = 0; i < count; i++) {
        if (file.size - at < SECTION_HEADER)
            return groth16_refuse(error, GROTH16_MALFORMED, "a .%s that ends before its section %zu", magic,
                                  i + 1);
        uint32_t number = little_u32(file.data + at);
        uint64_t size = (uint64_t)little_u32(file.data + at + 8) << 32 | little_u32(file.data + at + 4);
        at += SECTION_HEADER;
        if (number == 0 || number > count || found.section[number].data != NULL)
            return groth16_refuse(error, GROTH16_MALFORMED,
                                  "section %" PRIu32 " of a .%s is unknown or there twice", number, magic);
        if (size > file.size - at)
            return groth16_refuse(error, GROTH16_MALFORMED,
                                  "section %" PRIu32 " of a .%s ends behind the file", number, magic);
        found.section[number] = bytes_of(file.data + at, (size_t)size);
        at += (size_t)size;
    }
    if (at != file.size)
        return groth16_refuse(error, GROTH16_MALFORMED, "%zu bytes behind the last section of a .%s",
                              file.size - at, magic);
    *out = found;
    return GROTH16_VALID;
}

enum groth16_verdict section_size_check(const struct sections *sections, size_t number, size_t size,
                                        struct error *error)
{
    if (sections->section[number].size != size)
        return groth16_refuse(error, GROTH16_MALFORMED, "section %zu has %zu bytes; by the header it has %zu",
                              number, sections->section[number].size, size);
    return GROTH16_VALID;
}

enum groth16_verdict prime_check(const uint8_t *in, const uint64_t modulus[LIMBS], const char *name,
                                 struct error *error)
{
    uint64_t prime[LIMBS];

    if (little_u32(in) != FIELD_BYTES)
        return groth16_refuse(error, GROTH16_OTHER_SYSTEM, "numbers of %" PRIu32 " bytes; BN254's have %d",
                              little_u32(in), FIELD_BYTES);
    limbs_from_little_endian(prime, in + 4);
    if (!limbs_equal(prime, modulus))
        return groth16_refuse(error, GROTH16_OTHER_SYSTEM, "the prime %s is not BN254's", name);
    return GROTH16_VALID;
}
