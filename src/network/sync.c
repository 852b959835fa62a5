/* Blocks of a network: see sync.h. */
#include "network/sync.h"

#include <inttypes.h>
#include <string.h>

#include "network/results.h"

#define BLOCK_HASH_MAX 128 /* characters */

/* --- fetching ----------------------------------------------------------------------------------- */
static enum status read_position(struct link_call *c, struct network_position *position)
{
    struct database *database = links_reader(c->links, &c->call.error);

    if (database == NULL)
        return ERROR_STORAGE;
    row_block_newest(database, c->link->id, &c->arena, position);
    return links_reader_done(c->links, &c->call.error);
}

static bool is_hash(const char *text)
{
    return text != NULL && text[0] != '\0' && strnlen(text, BLOCK_HASH_MAX + 1) <= BLOCK_HASH_MAX &&
           strspn(text, "0123456789abcdefABCDEFx") == strlen(text);
}

/* What the network says to have verified is looked at again as far as it can be here: heights and parents. */
static enum status check_chain(struct link_call *c, const struct network_position *position,
                               const struct network_sync *sync)
{
    uint64_t height = position->height;
    const char *hash = position->known ? position->hash : NULL;

    if (sync->rewound && (!position->known || sync->rewound_to > position->height))
        return error_set(&c->call.error, ERROR_NETWORK_PROTOCOL, "a rewind to where we never stood");
    if (sync->rewound) { /* what we have at that height is compared when it is stored */
        height = sync->rewound_to;
        hash = NULL;
    }
    for (size_t i = 0; i < sync->count && i < RESULT_BLOCKS_MAX; i++) {
        const struct network_block *b = &sync->blocks[i];

        if (!is_hash(b->hash) || !is_hash(b->parent) || b->height > INTEGER_MAX || b->time_s > INTEGER_MAX)
            return error_set(&c->call.error, ERROR_NETWORK_PROTOCOL,
                             "a block without a proper hash or height");
        if (((i > 0 || position->known) && b->height != height + 1) ||
            (hash != NULL && strcmp(hash, b->parent) != 0))
            return error_set(&c->call.error, ERROR_NETWORK_PROTOCOL,
                             "block %" PRIu64 " does not follow the one before", b->height);
        height = b->height;
        hash = b->hash;
    }
    return OK;
}

static void write_blocks(struct writer *w, const struct network_sync *sync)
{
    writer_key(w, "blocks");
    writer_array_begin(w);
    for (size_t i = 0; i < sync->count && i < RESULT_BLOCKS_MAX; i++) {
        const struct network_block *b = &sync->blocks[i];

        writer_object_begin(w);
        writer_member_unsigned(w, "height", b->height);
        writer_member_text(w, "hash", b->hash);
        writer_member_text(w, "parent", b->parent);
        writer_member_unsigned(w, "time_s", b->time_s);
        writer_object_end(w);
    }
    writer_array_end(w);
}

enum status sync_run(struct link_call *c, struct writer *w)
{
    struct network_sync sync = { .count = 0 };
    struct network_position position;

    TRY(read_position(c, &position));
    TRY(c->link->network->sync_state(c->link->client, &c->call, &position, &sync));
    TRY(check_chain(c, &position, &sync));
    if (position.known) {
        writer_member_unsigned(w, "from_height", position.height);
        writer_member_text(w, "from_hash", position.hash);
    }
    if (sync.rewound)
        writer_member_unsigned(w, "rewound_to", sync.rewound_to);
    write_blocks(w, &sync);
    writer_member_boolean(w, "more", sync.more || sync.count > RESULT_BLOCKS_MAX);
    result_details(w, sync.details);
    return OK;
}

/* --- storing ------------------------------------------------------------------------------------ */
static bool is_still_there(const struct network_position *newest, const json_t *result)
{
    const char *hash = json_string_value(json_object_get(result, "from_hash"));

    if (!newest->known || hash == NULL)
        return !newest->known && hash == NULL;
    return strcmp(newest->hash, hash) == 0 &&
           newest->height == (uint64_t)json_integer_value(json_object_get(result, "from_height"));
}

static void store_block(struct execution *x, uint64_t link, const json_t *json)
{
    row_block_insert(execution_database(x), link, &(struct network_block){
        .height = (uint64_t)json_integer_value(json_object_get(json, "height")),
        .hash = json_string_value(json_object_get(json, "hash")),
        .parent = json_string_value(json_object_get(json, "parent")),
        .time_s = (uint64_t)json_integer_value(json_object_get(json, "time_s")) });
}

/* JSON of a number that an event may leave out. */
static struct bytes number_json(char *text, size_t size, bool has, uint64_t number)
{
    if (!has)
        return bytes_of(NULL, 0);
    snprintf(text, size, "%" PRIu64, number);
    return bytes_of_text(text);
}

static void record_synced(struct execution *x, const char *name, const json_t *result, size_t stored,
                          const struct network_position *newest)
{
    const json_t *rewound = json_object_get(result, "rewound_to");
    char height[24], rewound_to[24];

    event_network_state_synced(x, &(struct event_network_state_synced){
        .link = name,
        .blocks = stored,
        .height = number_json(height, sizeof(height), newest->known, newest->height),
        .hash = newest->known ? newest->hash : NULL,
        .rewound_to = number_json(rewound_to, sizeof(rewound_to), rewound != NULL,
                                  (uint64_t)json_integer_value(rewound)),
        .more = json_is_true(json_object_get(result, "more")) });
}

/* After a rewind the first new block follows the one that is left. */
static bool fits_what_is_left(const struct network_position *left, const json_t *first)
{
    return first == NULL || !left->known || left->height == 0 ||
           strcmp(left->hash, json_string_value(json_object_get(first, "parent"))) == 0;
}

bool sync_store(struct execution *x, uint64_t link, const char *name, const json_t *result)
{
    const json_t *rewound = json_object_get(result, "rewound_to"), *blocks = json_object_get(result,
                                                                                             "blocks");
    struct arena arena CLEANUP(arena_close);
    struct network_position newest;
    const json_t *block;
    size_t index, stored = 0;

    arena_init(&arena);
    row_block_newest(execution_database(x), link, &arena, &newest);
    if (!is_still_there(&newest, result))
        return false;
    if (rewound != NULL) {
        row_block_rewind(execution_database(x), link, (uint64_t)json_integer_value(rewound));
        row_block_newest(execution_database(x), link, &arena, &newest);
    }
    if (fits_what_is_left(&newest, json_array_get(blocks, 0))) {
        json_array_foreach(blocks, index, block)
            store_block(x, link, block);
        stored = json_array_size(blocks);
    } else { /* the rewind did not go far enough; the next sync stands one block lower */
        row_block_rewind(execution_database(x), link, newest.height - 1);
    }
    row_block_newest(execution_database(x), link, &arena, &newest);
    if (newest.known)
        row_block_prune(execution_database(x), link, newest.height);
    record_synced(x, name, result, stored, &newest);
    return true;
}
