/* SQL for people: one read-only statement, under an authorizer, with limits on time, rows and bytes. */
#ifndef KERNEL_SQL_H
#define KERNEL_SQL_H

#include "kernel/query.h"

#define SQL_LENGTH_MAX 65536
#define SQL_ROWS_DEFAULT 1000
#define SQL_ROWS_MAX 100000
#define SQL_BYTES_MAX ((size_t)8 * 1024 * 1024)   /* of an answer */
#define SQL_VALUE_MAX (1024 * 1024)               /* of one text, blob or row that SQLite makes */
#define SQL_MEMORY_MAX ((size_t)32 * 1024 * 1024) /* of SQLite for one statement, sorts included */

/* Writes {"columns":[…],"types":[…],"rows":[[…]],"truncated":bool}; a type is the declared one of the table's
 * column, null for an expression. Blobs are hex, integers beyond 2^53−1 strings.
 * ERROR_SQL with SQLite's own message, ERROR_TIMEOUT, ERROR_LIMIT (memory, or one row alone is too large),
 * ERROR_BUSY (query_long_begin), ERROR_DENIED (a table that the operator alone may read), ERROR_STOPPING. */
enum status sql_run(struct query *q, const char *text, uint64_t rows_most, struct writer *w);

#endif
