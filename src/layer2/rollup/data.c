/* A batch's published data: see data.h. */
#include "layer2/rollup/data.h"

#include <zlib.h>

#include "crypto/hash.h"

void data_hash(struct hash *out, struct bytes published)
{
    tagged_hash(out, "layerd/rollup/data", published.data, published.size);
}

void data_deflate(struct bytes data, struct buffer *out)
{
    uLongf size = compressBound(data.size);
    int answer;

    if (data.size == 0)
        return;
    answer = compress2(buffer_reserve(out, size), &size, data.data, data.size, Z_BEST_SPEED);
    INVARIANT(answer == Z_OK, "zlib: %d", answer);
    out->size += size;
}

enum status data_inflate(struct bytes published, struct buffer *out, struct error *error)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)published.data, .avail_in = (uInt)published.size };
    int answer;

    if (published.size == 0)
        return OK;
    if (published.size > BATCH_PUBLISHED_MAX)
        return error_set(error, ERROR_MALFORMED_DATA, "the data has %zu bytes; at most are %zu",
                         published.size, BATCH_PUBLISHED_MAX);
    answer = inflateInit(&stream);
    INVARIANT(answer == Z_OK, "zlib: %d", answer);
    stream.next_out = buffer_reserve(out, BATCH_DATA_MAX + 1);
    stream.avail_out = BATCH_DATA_MAX + 1;
    answer = inflate(&stream, Z_FINISH);
    (void)inflateEnd(&stream);
    if (answer != Z_STREAM_END || stream.avail_in != 0)
        return error_set(error, ERROR_MALFORMED_DATA, "the data is not one zlib stream of at most %zu bytes",
                         BATCH_DATA_MAX);
    if (stream.total_out == 0 || stream.total_out > BATCH_DATA_MAX)
        return error_set(error, ERROR_MALFORMED_DATA, "the data unpacks to %lu bytes; 1 … %zu are taken",
                         (unsigned long)stream.total_out, BATCH_DATA_MAX);
    out->size += stream.total_out;
    return OK;
}
