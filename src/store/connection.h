/* Inside one connection; for the store's own files database.c and statement.c alone. Others see struct
 * database and struct statement by their functions. */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include "store/database.h"

struct column {
    char *name;        /* as SQLite names it; ours */
    const char *asked; /* the caller's pointer that was last found to mean this column */
};

struct statement {
    struct database *database;
    sqlite3_stmt *handle;
    const char *sql;       /* the caller's literal: the key in the table */
    int parameters, bound; /* how many there are, how many are bound since it was handed out */
    int columns, next;     /* `next` is the column that is probably asked for next */
    struct column *column;
    bool running; /* between its first step and its reset */
};

struct statement_table {
    struct statement **slots; /* open addressing by address of the SQL; NULL is free */
    size_t capacity, count;   /* capacity is a power of two, at most half full */
};

struct database {
    sqlite3 *handle;
    char *path;
    enum database_mode mode;
    struct statement_table statements;
    size_t running; /* statements between first step and reset */

    int failure;    /* reader: SQLite's code of the first failure not yet asked for */
    char *failure_text;
    int64_t deadline_us; /* reader: when the running statement must end; 0: never */
    bool (*stopping)(const void *context); /* reader: asked whether it must end; NULL: it need not */
    const void *stopping_context;
    bool stopped; /* the answer was yes, and nobody heard of it yet */

    struct wal_mover *mover; /* writer: NULL when it moves pages itself */
    int64_t wal_frames;      /* writer: frames in the WAL after the newest commit */
    int64_t wal_moved;       /* frames of this WAL that are in the database file already */
    int64_t wal_tried;       /* frames in the WAL at the last attempt */
    int64_t wal_tried_us;    /* when that was */
    int64_t wal_stuck_us;    /* since when nothing moved; 0: it moves */
};

/* What a failed call of SQLite means here: on the writer it ends the process, on a reader it is
 * remembered. */
void database_failed(struct database *database, int code, const char *what);

/* Resets every statement still running; each one is a bug of its caller, and is logged. */
void statements_reset(struct database *database);
void statements_free(struct database *database);

#endif
