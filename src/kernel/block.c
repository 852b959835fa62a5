/* Blocks: see block.h. */
#include "kernel/block.h"

#include <string.h>

#include "crypto/hash.h"

void block_follow(const struct block *parent, int64_t parent_advance_us, int64_t clock_us,
                  struct block *block)
{
    int64_t now_us = clock_us + parent->advanced_us;
    int64_t elapsed_us;

    memset(block, 0, sizeof(*block));
    block->height = parent->height + 1;
    block->time_us = now_us > parent->time_us ? now_us : parent->time_us;
    elapsed_us = block->time_us - parent->time_us - parent_advance_us;
    if (elapsed_us < 0)
        elapsed_us = 0;
    if (elapsed_us > CHAIN_TIME_STEP_MAX_US)
        elapsed_us = CHAIN_TIME_STEP_MAX_US;
    block->chain_time_us = parent->chain_time_us + parent_advance_us + elapsed_us;
    block->advanced_us = parent->advanced_us;
    block->previous = parent->hash;
}

void block_seal(struct block *block)
{
    uint8_t numbers[6 * 8];
    struct tagged_hash h;

    put_le64(numbers, block->height);
    put_le64(numbers + 8, (uint64_t)block->time_us);
    put_le64(numbers + 16, (uint64_t)block->chain_time_us);
    put_le64(numbers + 24, (uint64_t)block->advanced_us);
    put_le64(numbers + 32, block->transactions);
    put_le64(numbers + 40, block->events);
    tagged_hash_begin(&h, "layerd/block");
    tagged_hash_add(&h, numbers, sizeof(numbers));
    tagged_hash_add(&h, block->content.bytes, sizeof(block->content.bytes));
    tagged_hash_add(&h, block->previous.bytes, sizeof(block->previous.bytes));
    tagged_hash_end(&h, &block->hash);
}

static void add(struct block_content *content, const void *data, size_t size)
{
    crypto_generichash_update(&content->state, data, size);
}

static void add_sized(struct block_content *content, struct bytes bytes)
{
    uint8_t size[8];

    put_le64(size, bytes.size);
    add(content, size, sizeof(size));
    if (bytes.size > 0)
        add(content, bytes.data, bytes.size);
}

void block_content_begin(struct block_content *content)
{
    crypto_generichash_init(&content->state, NULL, 0, sizeof(struct hash));
}

void block_content_deadline(struct block_content *content, const char *kind, struct bytes subject)
{
    add(content, "D", 1);
    add_sized(content, bytes_of_text(kind));
    add_sized(content, subject);
}

void block_content_transaction(struct block_content *content, const struct hash *id)
{
    add(content, "T", 1);
    add(content, id->bytes, sizeof(id->bytes));
}

void block_content_event(struct block_content *content, const char *type, struct bytes subject,
                         struct bytes body)
{
    add(content, "E", 1);
    add_sized(content, bytes_of_text(type));
    add_sized(content, subject);
    add_sized(content, body);
}

void block_content_end(struct block_content *content, struct hash *out)
{
    crypto_generichash_final(&content->state, out->bytes, sizeof(out->bytes));
}

void block_insert(struct database *database, const struct block *block)
{
    struct statement *s = statement(
        database,
        "INSERT INTO block (height, time_us, chain_time_us, advanced_us, transactions, events, first_seq,"
        " content, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    bind_integer(s, (int64_t)block->height);
    bind_integer(s, block->time_us);
    bind_integer(s, block->chain_time_us);
    bind_integer(s, block->advanced_us);
    bind_integer(s, (int64_t)block->transactions);
    bind_integer(s, (int64_t)block->events);
    bind_integer(s, (int64_t)block->first_seq);
    bind_blob(s, block->content.bytes, sizeof(block->content.bytes));
    bind_blob(s, block->previous.bytes, sizeof(block->previous.bytes));
    bind_blob(s, block->hash.bytes, sizeof(block->hash.bytes));
    statement_run(s);
}

bool block_from_row(struct statement *s, struct block *block)
{
    if (!statement_row(s))
        return false;
    block->height = (uint64_t)column_integer(s, "height");
    block->time_us = column_integer(s, "time_us");
    block->chain_time_us = column_integer(s, "chain_time_us");
    block->advanced_us = column_integer(s, "advanced_us");
    block->transactions = (uint64_t)column_integer(s, "transactions");
    block->events = (uint64_t)column_integer(s, "events");
    block->first_seq = (uint64_t)column_integer(s, "first_seq");
    column_fixed(s, "content", &block->content, sizeof(block->content));
    column_fixed(s, "previous", &block->previous, sizeof(block->previous));
    column_fixed(s, "hash", &block->hash, sizeof(block->hash));
    statement_finish(s);
    return true;
}

bool block_read(struct database *database, uint64_t height, struct block *block)
{
    struct statement *s = statement(database, "SELECT * FROM block WHERE height = ?");

    bind_integer(s, (int64_t)height);
    return block_from_row(s, block);
}

bool block_newest(struct database *database, struct block *block)
{
    return block_from_row(statement(database, "SELECT * FROM block ORDER BY height DESC LIMIT 1"), block);
}
