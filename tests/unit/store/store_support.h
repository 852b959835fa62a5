/* What the store's tests share: a database in a directory of its own, events to fill it, and seeded
 * chance. */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/event_log.h"

#define NODE_ID "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define LOG_NAME "layerd/" NODE_ID
#define FIRST_TIME_US INT64_C(1795212000000000) /* 2026-11-20T22:00:00Z */

/* Fails the test with the message in the variable `error` of the place where it stands. */
#define assert_ok(call)                                                        \
    do {                                                                       \
        enum status assert_status = (call);                                    \
        if (assert_status != OK)                                               \
            fail_msg("%s: %s", status_name(assert_status), error.message);     \
    } while (0)
#define assert_refused(call, expected) assert_string_equal(status_name(call), status_name(expected))

struct place {
    char directory[64];
    char path[128];          /* of the database */
    struct note_signer *signer;
    struct database *writer; /* NULL while closed */
    struct event_log *log;
    int64_t now_us;          /* time of the next event */
};

void place_begin(struct place *place);  /* an empty directory, a signer; nothing opened */
void place_open(struct place *place);   /* writer, migrated; log */
void place_close(struct place *place);  /* without a checkpoint, as a crash would leave it */
void place_end(struct place *place);    /* closes, removes the directory */
struct database *place_reader(const struct place *place);
void place_path(const struct place *place, const char *name, char path[192]);

/* Appends `count` events in one transaction, of varying type, subject and body. */
void place_append(struct place *place, uint64_t count);
void place_checkpoint(struct place *place);

/* SQL on the file by a plain connection without layerd's settings, as anybody with write access could. */
void tamper(const struct place *place, const char *sql);

enum status verify_all(const struct place *place, struct log_report *report, struct error *error);

bool file_exists(const char *path);

/* The exit status of a child that runs `run`; fails the test when a signal ended it, unless `signal` names
 * that one. */
int child_status(void (*run)(void *context), void *context, int signal);

/* Seeded chance: the seed is LAYERD_SEED or the time, and printed. */
uint64_t chance_begin(const char *test);
uint64_t chance(uint64_t *state);

#endif
