/* Reads the published vectors; see vectors.h. */
#include "vectors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

char *vectors_text(const char *name, size_t *size)
{
    const char *folder = getenv("LAYERD_VECTORS");
    AUTO_FREE char *path =
        text_format("%s/%s", folder == NULL ? SOURCE_ROOT "/../shared/vectors" : folder, name);
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        print_message("SKIPPED: vectors not found: %s\n", path);
        memory_free_pointer(&path); /* skip() leaves by longjmp */
        skip();
    }
    char *text = memory_new((size_t)1 << 20);
    *size = fread(text, 1, ((size_t)1 << 20) - 1, file);
    fclose(file);
    return text;
}

json_t *vectors_json(const char *name)
{
    size_t size;
    AUTO_FREE char *text = vectors_text(name, &size);
    json_t *value;
    struct error error;

    assert_int_equal(json_parse(text, size, &value, &error), OK);
    return value;
}

const char *member_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    assert_non_null(text);
    return text;
}

void member_bytes(const json_t *object, const char *member, struct buffer *out)
{
    const char *hex = member_text(object, member);
    size_t size = strlen(hex) / 2;

    assert_true(hex_decode(buffer_reserve(out, size + 1), size, hex, strlen(hex)));
    out->size += size;
}

void assert_hash_is(const struct hash *hash, const char *hex)
{
    char text[65];

    hex_text(text, hash->bytes, sizeof hash->bytes);
    assert_string_equal(text, hex);
}

uint64_t random_u64(void)
{
    static uint64_t state;

    if (state == 0) {
        const char *seed = getenv("LAYERD_SEED");
        state = seed == NULL ? (uint64_t)clock_wall_us() : strtoull(seed, NULL, 10);
        state = state == 0 ? 1 : state;
        print_message("seed: LAYERD_SEED=%" PRIu64 "\n", state);
    }
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

uint64_t random_below(uint64_t bound)
{
    return random_u64() % bound;
}
