/* What SQLite may allocate for one statement. Its own limits do not bound sorts, ephemeral tables and wide
 * rows, and its heap limit is one for the whole process, where a reader's greed would starve the writer and
 * end the process. So the allocator given to SQLite counts by thread, while somebody asked it to. */
#ifndef STORE_MEMORY_BUDGET_H
#define STORE_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* From here on SQLite may hold `bytes` more on this thread than it does now; an allocation over it fails, and
 * with it the statement at hand (SQLITE_NOMEM), nothing else. One budget a thread at a time. */
void memory_budget_begin(size_t bytes);
void memory_budget_end(void);

/* Gives SQLite the allocator; database_open calls it before anything else. False: SQLite runs already, with
 * another one, and budgets bind nothing. */
bool memory_budget_install(void);

#endif
