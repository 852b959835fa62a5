/* The system's allocator, with a count for threads that have a budget. Blocks that are older than the budget
 * may be given back under it: the count is of differences. */
#include "store/memory_budget.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/status.h"

#define ROUND 8 /* to which SQLite rounds its sizes */

static _Thread_local bool counting;
static _Thread_local int64_t left; /* while counting: bytes still to be had */

static void *take(int size)
{
    void *memory;

    if (counting && size > left)
        return NULL;
    memory = malloc((size_t)size);
    if (counting && memory != NULL)
        left -= (int64_t)malloc_usable_size(memory);
    return memory;
}

static void give_back(void *memory)
{
    if (counting)
        left += (int64_t)malloc_usable_size(memory);
    free(memory);
}

static void *resize(void *memory, int size)
{
    int64_t before;
    void *resized;

    if (!counting)
        return realloc(memory, (size_t)size);
    before = (int64_t)malloc_usable_size(memory);
    if (size - before > left)
        return NULL;
    resized = realloc(memory, (size_t)size);
    if (resized != NULL)
        left -= (int64_t)malloc_usable_size(resized) - before;
    return resized;
}

static int size_of(void *memory)
{
    return (int)malloc_usable_size(memory);
}

static int round_up(int size)
{
    return (size + (ROUND - 1)) & ~(ROUND - 1);
}

static int start(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void stop(void *context)
{
    (void)context;
}

bool memory_budget_install(void)
{
    static const sqlite3_mem_methods methods = {
        .xMalloc = take,
        .xFree = give_back,
        .xRealloc = resize,
        .xSize = size_of,
        .xRoundup = round_up,
        .xInit = start,
        .xShutdown = stop,
    };

    return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK;
}

void memory_budget_begin(size_t bytes)
{
    INVARIANT(!counting && bytes <= INT64_MAX, "a budget within a budget");
    left = (int64_t)bytes;
    counting = true;
}

void memory_budget_end(void)
{
    INVARIANT(counting, "no budget to end");
    counting = false;
}
