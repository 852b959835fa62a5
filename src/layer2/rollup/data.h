/* A batch's transactions as they are published: one zlib stream (RFC 1950). Pure. */
#ifndef LAYER2_ROLLUP_DATA_H
#define LAYER2_ROLLUP_DATA_H

#include "layer2/rollup/batch.h"

/* Bytes as published: in hex they must fit into a signed transaction (TRANSACTION_SIZE_MAX) with the rest. */
#define BATCH_PUBLISHED_MAX ((size_t)250 * 1024)

/* What a committee vouches for: tagged hash `layerd/rollup/data` of the data as published. */
void data_hash(struct hash *out, struct bytes published);

void data_deflate(struct bytes data, struct buffer *out);
/* At most BATCH_DATA_MAX bytes, and nothing behind the stream. No bytes are no transactions, in one form:
 * a stream of nothing is refused. ERROR_MALFORMED_DATA. */
MUST_CHECK enum status data_inflate(struct bytes published, struct buffer *out, struct error *error);

#endif
