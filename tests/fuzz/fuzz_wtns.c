/* .wtns files from anybody: refused, or a witness whose values are below r and that fills the file exactly.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "proof/snarkjs_binary.h"

#define FUZZ_SIZE_MAX 8192
#define FRAME_SIZE 76 /* everything but the values: headers, prime, count */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void file_check(struct bytes file)
{
    CLEANUP(groth16_witness_close) struct groth16_witness witness = { 0 };
    struct error error;

    if (snarkjs_wtns_read(file, &witness, &error) != GROTH16_VALID)
        return;
    INVARIANT(FRAME_SIZE + witness.count * FIELD_BYTES == file.size, "%zu values from %zu bytes",
              witness.count, file.size);
    for (size_t i = 0; i < witness.count; i++)
        INVARIANT(fr_plain_below_r(&witness.value[i]), "value %zu is not below r", i);
}

/* The same bytes as the values of a file whose frame is right. */
static void framed_check(const uint8_t *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer file = { 0 };
    size_t count = size / FIELD_BYTES;
    uint8_t frame[FRAME_SIZE] = "wtns\2\0\0\0\2\0\0\0\1\0\0\0\x28\0\0\0\0\0\0\0\x20";

    buffer_init(&file);
    for (size_t i = 0; i < FIELD_BYTES; i++)
        frame[28 + i] = (uint8_t)(fr_modulus.limb[i / 8] >> (8 * (i % 8)));
    frame[60] = (uint8_t)count;
    frame[61] = (uint8_t)(count >> 8);
    frame[64] = 2;
    frame[68] = (uint8_t)(count * FIELD_BYTES);
    frame[69] = (uint8_t)(count * FIELD_BYTES >> 8);
    buffer_append(&file, frame, sizeof frame);
    buffer_append(&file, data, count * FIELD_BYTES);
    file_check(buffer_bytes(&file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_SIZE_MAX)
        return 0;
    crypto_start();
    file_check(bytes_of(data, size));
    framed_check(data, size);
    return 0;
}
