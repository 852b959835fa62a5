/* JSON for people: objects as lines of key and value, arrays of objects as columns. Times (members *_us) show
 * as ISO 8601 too; nothing is cut off. Text from outside cannot move the cursor or change colours: control
 * characters show as '?'-like escapes. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/json.h"

/* Any JSON value. */
void table_print(FILE *out, const json_t *value);

/* Rows of cells under column names: json arrays (of strings; of arrays). */
void table_print_rows(FILE *out, const json_t *columns, const json_t *rows);

/* The same as CSV (RFC 4180): CR LF, quotes where needed; null is empty. */
void table_print_csv(FILE *out, const json_t *columns, const json_t *rows);

/* Appends one value as it stands in a cell; `key` tells times apart and may be NULL. */
void table_cell(struct buffer *out, const char *key, const json_t *value);

/* Appends text with control characters made visible. */
void table_text(struct buffer *out, const char *text, size_t size);

/* Columns on a terminal: characters, not bytes. */
size_t table_width(const char *text);

#endif
