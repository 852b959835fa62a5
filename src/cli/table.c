/* Values laid out for people: see table.h. */
#include "cli/table.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

#define GAP "  " /* between columns */
#define TIME_LEAST                                                                                           \
    ((json_int_t)1000000000000000) /* µs: *_us members from September 2001 on are times, not durations */
#define KEY_MAX 256                /* bytes of a nested key "a.b.c"; deeper ones show as JSON */

static bool is_container(const json_t *value)
{
    return json_is_object(value) || json_is_array(value);
}

static bool is_time(const char *key, const json_t *value)
{
    size_t size = key == NULL ? 0 : strlen(key);
    return size > 3 && strcmp(key + size - 3, "_us") == 0 && json_is_integer(value)
           && json_integer_value(value) >= TIME_LEAST;
}

/* A character that must not reach a terminal: \x1b, \x9b, \u202e. */
static void append_escape(struct buffer *out, const char *character, size_t size)
{
    const unsigned char *in = (const unsigned char *)character;
    if (size == 3)
        buffer_append_format(out, "\\u%04x", (in[0] & 0x0fu) << 12 | (in[1] & 0x3fu) << 6 | (in[2] & 0x3fu));
    else
        buffer_append_format(out, "\\x%02x", in[size - 1]);
}

void table_text(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0, length; i < size; i += length) {
        length = utf8_character_size(text + i, size - i);
        if (length == 0)
            length = 1;
        if (text[i] == '\n')
            buffer_append_text(out, "\\n");
        else if (text[i] == '\t')
            buffer_append_text(out, "\\t");
        else if (utf8_steers(text + i, length))
            append_escape(out, text + i, length);
        else
            buffer_append(out, &text[i], length);
    }
}

void table_cell(struct buffer *out, const char *key, const json_t *value)
{
    char time[TIME_TEXT_MAX];
    switch (json_typeof(value)) {
    case JSON_STRING:
        table_text(out, json_string_value(value), json_string_length(value));
        return;
    case JSON_NULL:
        buffer_append_text(out, "-");
        return;
    case JSON_INTEGER:
        if (!is_time(key, value))
            break;
        time_text(time, json_integer_value(value));
        buffer_append_text(out, time);
        return;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
        break;
    }
    AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
    table_text(out, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
}

size_t table_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_padding(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* --- a grid of texts -------------------------------------------------------------------------- */

struct grid {
    size_t columns, rows, capacity;
    char **cells;  /* row by row; the first row is the heading */
    bool *numeric; /* by column: numbers alone, which stand at the right */
};

static struct grid grid_new(size_t columns)
{
    struct grid grid = { .columns = columns, .numeric = memory_array(columns + 1, sizeof(bool)) };
    for (size_t i = 0; i < columns; i++)
        grid.numeric[i] = true;
    return grid;
}

static void grid_close(struct grid *grid)
{
    for (size_t i = 0; i < grid->columns * grid->rows; i++)
        free(grid->cells[i]);
    free(grid->cells);
    free(grid->numeric);
}

static char **grid_row(struct grid *grid)
{
    if (grid->rows == grid->capacity) {
        grid->capacity = grid->capacity == 0 ? 16 : 2 * grid->capacity;
        grid->cells = memory_resize(grid->cells, grid->capacity * grid->columns * sizeof *grid->cells);
    }
    return &grid->cells[grid->rows++ * grid->columns];
}

static char *cell_copy(const char *key, const json_t *value)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    if (value != NULL)
        table_cell(&text, key, value);
    return text_copy(buffer_text(&text));
}

static void grid_set(struct grid *grid, char **row, size_t column, const char *key, const json_t *value)
{
    row[column] = cell_copy(key, value);
    if (value != NULL && !json_is_null(value) && (!json_is_number(value) || is_time(key, value)))
        grid->numeric[column] = false;
}

static size_t column_width(const struct grid *grid, size_t column)
{
    size_t widest = 0;
    for (size_t row = 0; row < grid->rows; row++) {
        size_t width = table_width(grid->cells[row * grid->columns + column]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last)
{
    size_t padding = width - table_width(text);
    if (right)
        print_padding(out, padding);
    fputs(text, out);
    if (!right && !last)
        print_padding(out, padding);
}

static void grid_print(FILE *out, const struct grid *grid, const char *indent)
{
    AUTO_FREE size_t *widths = memory_array(grid->columns + 1, sizeof *widths);
    for (size_t column = 0; column < grid->columns; column++)
        widths[column] = column_width(grid, column);
    for (size_t row = 0; row < grid->rows; row++) {
        fputs(indent, out);
        for (size_t column = 0; column < grid->columns; column++) {
            if (column > 0)
                fputs(GAP, out);
            print_cell(out, grid->cells[row * grid->columns + column], widths[column], grid->numeric[column],
                       column + 1 == grid->columns);
        }
        fputc('\n', out);
    }
}

void table_print_rows(FILE *out, const json_t *columns, const json_t *rows)
{
    size_t count = json_array_size(columns);
    struct grid grid CLEANUP(grid_close) = grid_new(count);
    char **heading = grid_row(&grid);
    for (size_t i = 0; i < count; i++)
        heading[i] = cell_copy(NULL, json_array_get(columns, i));
    for (size_t r = 0; r < json_array_size(rows); r++) {
        char **row = grid_row(&grid);
        for (size_t i = 0; i < count; i++)
            grid_set(&grid, row, i, json_string_value(json_array_get(columns, i)),
                     json_array_get(json_array_get(rows, r), i));
    }
    grid_print(out, &grid, "");
}

/* --- CSV -------------------------------------------------------------------------------------- */

static void print_csv_text(FILE *out, const char *text, size_t size)
{
    if (memchr(text, '"', size) == NULL && memchr(text, ',', size) == NULL && memchr(text, '\n', size) == NULL
        && memchr(text, '\r', size) == NULL) {
        fwrite(text, 1, size, out);
        return;
    }
    fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            fputc('"', out);
        fputc(text[i], out);
    }
    fputc('"', out);
}

static void print_csv_row(FILE *out, const json_t *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(row, i);
        if (i > 0)
            fputc(',', out);
        if (value == NULL || json_is_null(value))
            continue;
        if (json_is_string(value)) {
            print_csv_text(out, json_string_value(value), json_string_length(value));
            continue;
        }
        AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (text != NULL)
            print_csv_text(out, text, strlen(text));
    }
    fputs("\r\n", out);
}

void table_print_csv(FILE *out, const json_t *columns, const json_t *rows)
{
    size_t count = json_array_size(columns);
    print_csv_row(out, columns, count);
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_csv_row(out, json_array_get(rows, i), count);
}

/* --- any value -------------------------------------------------------------------------------- */

static bool all_objects(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_object(json_array_get(array, i)))
            return false;
    return json_array_size(array) > 0;
}

/* The keys of all objects, in the order in which they first appear. */
static json_t *union_of_keys(const json_t *objects)
{
    json_t *keys = json_array();
    AUTO_JSON json_t *seen = json_object();
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const char *key;
        json_t *value;
        json_object_foreach(json_array_get(objects, i), key, value) {
            if (json_object_get(seen, key) != NULL)
                continue;
            json_object_set_new(seen, key, json_true());
            json_array_append_new(keys, json_string(key));
        }
    }
    return keys;
}

static void print_objects(FILE *out, const json_t *objects, const char *indent)
{
    AUTO_JSON json_t *keys = union_of_keys(objects);
    size_t count = json_array_size(keys);
    struct grid grid CLEANUP(grid_close) = grid_new(count);
    char **heading = grid_row(&grid);
    for (size_t i = 0; i < count; i++)
        heading[i] = cell_copy(NULL, json_array_get(keys, i));
    for (size_t r = 0; r < json_array_size(objects); r++) {
        char **row = grid_row(&grid);
        for (size_t i = 0; i < count; i++) {
            const char *key = json_string_value(json_array_get(keys, i));
            grid_set(&grid, row, i, key, json_object_get(json_array_get(objects, r), key));
        }
    }
    grid_print(out, &grid, indent);
}

/* One line of an object: a time shows as it is and as people read it; an array of plain values on one line.
 */
static char *line_text(const char *key, const json_t *value)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    if (is_time(key, value))
        buffer_append_format(&text, "%" JSON_INTEGER_FORMAT "  ", json_integer_value(value));
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0)
                buffer_append_text(&text, ", ");
            table_cell(&text, NULL, json_array_get(value, i));
        }
        if (json_array_size(value) == 0)
            buffer_append_text(&text, "(none)");
    } else {
        table_cell(&text, key, value);
    }
    return text_copy(buffer_text(&text));
}

/* A signed note is lines by its nature. Other texts stay on one line: strangers wrote them. */
static bool is_note(const char *key, const json_t *value)
{
    return strcmp(key, "note") == 0 && json_is_string(value)
           && strlen(json_string_value(value)) == json_string_length(value);
}

/* The lines of a text, each behind a gap, so that none can pass for a row. */
static void print_lines(FILE *out, const char *text)
{
    while (*text != '\0') {
        struct buffer line CLEANUP(buffer_close) = { 0 };
        size_t size = strcspn(text, "\n");
        buffer_init(&line);
        table_text(&line, text, size);
        fprintf(out, "%s%s\n", line.size == 0 ? "" : GAP, buffer_text(&line));
        text += size;
        text += *text == '\n';
    }
}

/* Adds the members as rows "key  value"; objects inside give "outer.inner". Arrays of objects and
 * notes are left for later. */
static void collect_lines(struct grid *grid, json_t *tables, const char *prefix, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        char full[KEY_MAX];
        bool fits = snprintf(full, sizeof full, "%s%s", prefix, key) < (int)sizeof full - 1;
        if (json_is_object(value) && json_object_size(value) > 0 && fits) {
            strcat(full, ".");
            collect_lines(grid, tables, full, value);
        } else if (all_objects(value) || is_note(key, value)) {
            json_object_set(tables, full, value);
        } else {
            char **row = grid_row(grid);
            struct buffer name CLEANUP(buffer_close) = { 0 };
            buffer_init(&name);
            table_text(&name, full, strlen(full));
            row[0] = text_copy(buffer_text(&name));
            row[1] = line_text(key, value);
        }
    }
}

static void print_object(FILE *out, const json_t *object)
{
    struct grid grid CLEANUP(grid_close) = grid_new(2);
    AUTO_JSON json_t *tables = json_object();
    const char *key;
    json_t *value;

    grid.numeric[0] = grid.numeric[1] = false;
    collect_lines(&grid, tables, "", object);
    /* A page: the items, and where the next begins. */
    bool alone = json_object_size(tables) == 1 && grid.rows <= 1
                 && json_is_array(json_object_iter_value(json_object_iter(tables)));
    if (!alone)
        grid_print(out, &grid, "");
    json_object_foreach(tables, key, value) {
        if (!alone) {
            struct buffer name CLEANUP(buffer_close) = { 0 };
            buffer_init(&name);
            table_text(&name, key, strlen(key));
            fprintf(out, "%s:\n", buffer_text(&name));
        }
        if (json_is_string(value))
            print_lines(out, json_string_value(value));
        else
            print_objects(out, value, alone ? "" : GAP);
    }
    if (alone && grid.rows == 1 && strcmp(grid.cells[1], "-") != 0)
        grid_print(out, &grid, "");
}

static void print_line(FILE *out, const json_t *value)
{
    AUTO_FREE char *text = cell_copy(NULL, value);
    fprintf(out, "%s\n", text);
}

/* What a list answers when it has nothing: {"items":[],"next":null}. */
static bool is_empty_page(const json_t *value)
{
    const json_t *items = json_object_get(value, "items");
    return json_object_size(value) == 2 && json_is_array(items) && json_array_size(items) == 0
           && json_is_null(json_object_get(value, "next"));
}

void table_print(FILE *out, const json_t *value)
{
    if (json_is_object(value) && json_object_size(value) == 0) {
        fputs("done\n", out);
    } else if (is_empty_page(value)) {
        fputs("(none)\n", out);
    } else if (json_is_object(value)) {
        print_object(out, value);
    } else if (all_objects(value)) {
        print_objects(out, value, "");
    } else if (json_is_array(value) && json_array_size(value) > 0) {
        for (size_t i = 0; i < json_array_size(value); i++)
            print_line(out, json_array_get(value, i));
    } else if (is_container(value)) {
        fputs("(none)\n", out);
    } else {
        print_line(out, value);
    }
}
