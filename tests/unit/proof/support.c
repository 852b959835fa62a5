/* See support.h. */
#include "support.h"

#include <string.h>

void assert_bytes_are(const void *bytes, size_t size, const char *hex)
{
    char text[2 * 512 + 1];

    assert_true(size <= 512);
    hex_text(text, bytes, size);
    assert_string_equal(text, hex);
}

void random_bytes(void *out, size_t size)
{
    uint8_t *byte = out;

    for (size_t i = 0; i < size; i++)
        byte[i] = (uint8_t)(random_u64() >> 24);
}

void random_scalar(struct scalar *out)
{
    uint8_t wide[SCALAR_WIDE_SIZE];

    random_bytes(wide, sizeof wide);
    scalar_from_wide(out, wide);
}

void random_point(struct point *out)
{
    uint8_t uniform[POINT_UNIFORM_SIZE];

    random_bytes(uniform, sizeof uniform);
    point_from_uniform(out, uniform);
}

struct transcript transcript_of(const char *label, const char *chain, const char *purpose)
{
    struct transcript transcript;

    transcript_start(&transcript, label);
    transcript_bind(&transcript, chain, purpose);
    return transcript;
}
