/* Named cursors: a subscriber's durable position, never ahead of what it acknowledged. Written by the
 * executor. */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "store/database.h"

#define CURSOR_NAME_MAX 64     /* with the final zero; [A-Za-z0-9._-] */
#define CURSORS_MAX 4096
#define CURSORS_OF_OWNER_MAX 256 /* of one user, unless it is an operator */
#define CURSOR_FILTER_MAX 4096

struct cursor {
    char name[CURSOR_NAME_MAX];
    int64_t owner_uid;
    uint64_t acknowledged; /* every event up to and with this one is done */
    int64_t updated_us;
    uint64_t max_lag;      /* events it may fall behind before it is reported; 0: no bound */
    char *filter;          /* JSON as given, or NULL; owned by the struct */
};
void cursor_close(struct cursor *cursor);

bool cursor_name_valid(const char *name);
MUST_CHECK enum status cursor_create(struct database *writer, const struct cursor *cursor,
                                     struct error *error);
MUST_CHECK enum status cursor_get(struct database *database, const char *name, struct cursor *cursor,
                                  struct error *error);
/* How many cursors this user has. */
uint64_t cursor_count_of(struct database *database, int64_t owner_uid);
/* Moves forward only; an older position is ignored (acks may arrive twice). ERROR_CURSOR_NOT_FOUND. */
MUST_CHECK enum status cursor_acknowledge(struct database *writer, const char *name, uint64_t seq,
                                          int64_t now_us, struct error *error);
/* Moves either way, by its owner's wish. */
MUST_CHECK enum status cursor_set(struct database *writer, const char *name, uint64_t seq, int64_t now_us,
                                  struct error *error);
MUST_CHECK enum status cursor_delete(struct database *writer, const char *name, struct error *error);
/* Names after `after` ("" for the first), in order; returns how many were filled (each to be closed). */
size_t cursor_list(struct database *database, const char *after, struct cursor *cursors, size_t most);

#endif
