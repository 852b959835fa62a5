/* The log's tree as it lies in the database: complete tiles of 256 are stored (level 8, 16, 24 …), what
 * lies between is combined from them or from the events. For the store's own files. */
#ifndef STORE_LOG_TREE_H
#define STORE_LOG_TREE_H

#include "store/event_log.h"

#define TILE_LEVELS 8 /* a tile's root stands this many levels above its leaves: 256 of them */
#define TILE_LEAVES ((uint64_t)1 << TILE_LEVELS)

/* A merkle_read whose context is the connection (struct database *). False also when the file cannot be
 * read: then database_failure() tells. */
bool log_tree_read(void *database, unsigned level, uint64_t index, struct hash *hash);

/* The compact range of the first `size` events; false as above. */
MUST_CHECK bool log_tree_range(struct database *database, uint64_t size, struct merkle_range *range);

/* The stored root of a complete tile; false when the row is absent. */
MUST_CHECK bool log_tree_tile(struct database *database, unsigned level, uint64_t index, struct hash *hash);

#endif
