/* What the store's tests share. */
#include "store_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "store/migration.h"

void place_begin(struct place *place)
{
    static const uint8_t seed[32] = { 7, 7, 7 };
    const char *root = getenv("TMPDIR");

    memset(place, 0, sizeof(*place));
    crypto_start();
    if (root == NULL)
        root = "/tmp";
    snprintf(place->directory, sizeof(place->directory), "%s/layerd-store-XXXXXX", root);
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof(place->path), "%s/layerd.sqlite3", place->directory);
    place->signer = note_signer_new(LOG_NAME, seed);
    place->now_us = FIRST_TIME_US;
}

void place_path(const struct place *place, const char *name, char path[192])
{
    snprintf(path, 192, "%s/%s", place->directory, name);
}

void place_open(struct place *place)
{
    struct database_options options = { .path = place->path, .mode = DATABASE_WRITER };
    char backups[192];
    struct error error;
    int from, to;

    place_path(place, "backups", backups);
    assert_ok(database_open(&options, &place->writer, &error));
    assert_ok(migrate(place->writer, backups, &from, &to, &error));
    assert_ok(event_log_open(place->writer, NODE_ID, place->signer, &place->log, &error));
}

void place_close(struct place *place)
{
    event_log_close(place->log);
    database_close(place->writer);
    place->log = NULL;
    place->writer = NULL;
}

void place_end(struct place *place)
{
    AUTO_FREE char *command = text_format("rm -rf '%s'", place->directory);

    place_close(place);
    note_signer_free(place->signer);
    assert_int_equal(system(command), 0);
}

struct database *place_reader(const struct place *place)
{
    struct database_options options = { .path = place->path, .mode = DATABASE_READER };
    struct database *reader = NULL;
    struct error error;

    assert_ok(database_open(&options, &reader, &error));
    return reader;
}

static void append_one(struct place *place)
{
    uint64_t seq = event_log_head(place->log) + 1;
    char subject[64], body[300];
    struct event event = { .seq = seq, .block = seq / 7, .time_us = place->now_us,
                           .type = seq % 3 == 0 ? "ledger.transferred" : "store.tried",
                           .last = seq % 2 == 0 };

    snprintf(subject, sizeof(subject), "thing/%" PRIu64, seq % 11);
    event.subject = seq % 5 == 0 ? NULL : subject;
    snprintf(body, sizeof(body), "{\"number\":%" PRIu64 ",\"text\":\"%.*s\"}", seq, (int)(seq % 200),
             "tried and tried again, tried and tried again, tried and tried again, tried and tried again, "
             "tried and tried again, tried and tried again, tried and tried again, tried and tried again, "
             "......");
    event.body = bytes_of_text(body);
    event_log_append(place->log, &event);
    place->now_us += 1000;
}

void place_append(struct place *place, uint64_t count)
{
    database_begin(place->writer);
    for (uint64_t i = 0; i < count; i++)
        append_one(place);
    database_commit(place->writer);
}

void place_checkpoint(struct place *place)
{
    database_begin(place->writer);
    (void)event_log_checkpoint(place->log, place->now_us, true);
    database_commit(place->writer);
}

void tamper(const struct place *place, const char *sql)
{
    sqlite3 *handle = NULL;
    char *message = NULL;

    assert_int_equal(sqlite3_open(place->path, &handle), SQLITE_OK);
    sqlite3_exec(handle, "DROP TRIGGER IF EXISTS event_no_update; DROP TRIGGER IF EXISTS event_no_delete;"
                         "DROP TRIGGER IF EXISTS event_only_next", NULL, NULL, NULL);
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(handle);
}

enum status verify_all(const struct place *place, struct log_report *report, struct error *error)
{
    struct database *reader = place_reader(place);
    enum status status = log_verify(reader, NODE_ID, note_signer_key(place->signer), 0, 0, NULL, NULL, report,
                                    error);

    database_close(reader);
    return status;
}

bool file_exists(const char *path)
{
    struct stat about;

    return lstat(path, &about) == 0;
}

int child_status(void (*run)(void *context), void *context, int signal)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(context);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == signal)
        return -signal;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

uint64_t chance_begin(const char *test)
{
    const char *given = getenv("LAYERD_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_wall_us();

    print_message("%s: LAYERD_SEED=%" PRIu64 "\n", test, seed);
    return seed;
}

uint64_t chance(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}
