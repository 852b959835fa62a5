/* Reading the log's tree, and the proofs that it gives. */
#include "store/log_tree.h"

#include <inttypes.h>
#include <string.h>

bool log_tree_tile(struct database *database, unsigned level, uint64_t index, struct hash *hash)
{
    struct statement *s = statement(database, "SELECT hash FROM tree_tile WHERE level = ? AND idx = ?");
    struct bytes stored;
    bool found = false;

    bind_integer(s, level);
    bind_integer(s, (int64_t)index);
    if (statement_row(s)) {
        stored = column_blob(s, "hash");
        found = stored.size == sizeof(hash->bytes);
        if (found)
            memcpy(hash->bytes, stored.data, stored.size);
        statement_finish(s);
    }
    return found;
}

/* `count` neighbours of one stored level from `first` on: leaf hashes of events at level 0, tile roots
 * above. */
static bool read_stored(struct database *database, unsigned level, uint64_t first, uint64_t count,
                        struct hash *hashes)
{
    struct statement *s;
    uint64_t found = 0;

    if (level == 0) {
        s = statement(database, "SELECT hash FROM event WHERE seq > ? AND seq <= ? ORDER BY seq");
        bind_integer(s, (int64_t)first);
    } else {
        s = statement(database,
                      "SELECT hash FROM tree_tile WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx");
        bind_integer(s, level);
        bind_integer(s, (int64_t)first);
    }
    bind_integer(s, (int64_t)(first + count));
    while (statement_row(s)) {
        struct bytes hash = column_blob(s, "hash");

        if (hash.size != sizeof(hashes->bytes)) {
            statement_finish(s);
            return false;
        }
        if (level == 0)
            merkle_leaf(&hashes[found], hash.data, hash.size);
        else
            memcpy(hashes[found].bytes, hash.data, hash.size);
        found++;
    }
    return found == count;
}

bool log_tree_read(void *database, unsigned level, uint64_t index, struct hash *hash)
{
    struct hash hashes[TILE_LEAVES];
    unsigned stored = level - level % TILE_LEVELS;
    uint64_t count = (uint64_t)1 << (level - stored);

    if (!read_stored(database, stored, index * count, count, hashes))
        return false;
    for (; count > 1; count /= 2)
        for (uint64_t i = 0; i < count / 2; i++)
            merkle_node(&hashes[i], &hashes[2 * i], &hashes[2 * i + 1]);
    *hash = hashes[0];
    return true;
}

bool log_tree_range(struct database *database, uint64_t size, struct merkle_range *range)
{
    struct merkle_range loaded;

    merkle_range_init(&loaded);
    for (unsigned level = 0; level < MERKLE_LEVELS_MAX; level++)
        if ((size >> level & 1) == 1 &&
            !log_tree_read(database, level, (size >> level) - 1, &loaded.peaks[level]))
            return false;
    loaded.size = size;
    *range = loaded;
    return true;
}

/* --- proofs ----------------------------------------------------------------------------------- */

static enum status unreadable(struct database *database, uint64_t size, struct error *error)
{
    TRY(database_failure(database, error));
    return error_set(error, ERROR_CORRUPT, "the tree of %" PRIu64 " events has a hole; run verify", size);
}

enum status log_inclusion(struct database *reader, uint64_t seq, uint64_t size, struct hash *leaf,
                          struct merkle_proof *proof, struct hash *root, struct error *error)
{
    uint64_t head = event_head(reader);
    struct merkle_proof found;
    struct hash found_leaf, found_root;

    TRY(database_failure(reader, error));
    if (size < 1 || size > head)
        return error_set(error, ERROR_PROOF_RANGE, "no tree of %" PRIu64 " events: the log has %" PRIu64,
                         size, head);
    if (seq < 1 || seq > size)
        return error_set(error, ERROR_PROOF_RANGE, "event %" PRIu64 " is not among the first %" PRIu64, seq,
                         size);
    if (!merkle_inclusion(seq - 1, size, log_tree_read, reader, &found) ||
        !log_tree_read(reader, 0, seq - 1, &found_leaf) ||
        !merkle_root(size, log_tree_read, reader, &found_root))
        return unreadable(reader, size, error);
    *proof = found;
    *leaf = found_leaf;
    *root = found_root;
    return OK;
}

enum status log_consistency(struct database *reader, uint64_t first, uint64_t second,
                            struct merkle_proof *proof, struct hash *first_root, struct hash *second_root,
                            struct error *error)
{
    uint64_t head = event_head(reader);
    struct merkle_proof found;
    struct hash found_first, found_second;

    TRY(database_failure(reader, error));
    if (first < 1 || first > second || second > head)
        return error_set(error, ERROR_PROOF_RANGE,
                         "sizes %" PRIu64 " and %" PRIu64 ": expected 1 ≤ first ≤ second ≤ %" PRIu64, first,
                         second, head);
    if (!merkle_consistency(first, second, log_tree_read, reader, &found) ||
        !merkle_root(first, log_tree_read, reader, &found_first) ||
        !merkle_root(second, log_tree_read, reader, &found_second))
        return unreadable(reader, second, error);
    *proof = found;
    *first_root = found_first;
    *second_root = found_second;
    return OK;
}

enum status log_checkpoint(struct database *reader, uint64_t size, uint64_t *covered, struct buffer *note,
                           struct error *error)
{
    struct statement *s = statement(reader, "SELECT size, note FROM checkpoint WHERE size >= ?"
                                            " ORDER BY size DESC LIMIT 1");

    bind_integer(s, (int64_t)(size > INT64_MAX ? INT64_MAX : size));
    if (!statement_row(s)) {
        TRY(database_failure(reader, error));
        return error_set(error, ERROR_PROOF_RANGE, "no checkpoint of %" PRIu64 " or more events", size);
    }
    *covered = (uint64_t)column_integer(s, "size");
    buffer_append_text(note, column_text(s, "note"));
    statement_finish(s);
    return OK;
}
