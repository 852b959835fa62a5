/* Channels' bytes from outside: whatever they are, decoding refuses, or gives a value whose encoding they
 * are. */
#include <stdlib.h>

#include "crypto/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer again CLEANUP(buffer_close) = { 0 };
    struct arena arena CLEANUP(arena_close);
    struct channel_fixed fixed;
    struct channel_state state;
    struct error error;

    arena_init(&arena);
    if (channel_fixed_decode(bytes_of(data, size), &arena, &fixed, &error) == OK) {
        channel_fixed_encode(&fixed, &again);
        if (!bytes_equal(buffer_bytes(&again), bytes_of(data, size)))
            abort();
    }
    buffer_clear(&again);
    if (channel_state_decode(bytes_of(data, size), &arena, &state, &error) == OK) {
        channel_state_encode(&state, &again);
        if (!bytes_equal(buffer_bytes(&again), bytes_of(data, size)))
            abort();
    }
    return 0;
}
