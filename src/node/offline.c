/* Work on a data directory without a daemon. */
#include "node/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "node/daemon.h"
#include "store/backup.h"
#include "store/database.h"
#include "store/event_log.h"
#include "store/migration.h"

#define DATABASE_FILE "layerd.sqlite3"

static char *database_file(const struct config *config)
{
    return text_format("%s/" DATABASE_FILE, config->directory);
}

static void print_hash(const char *label, const struct hash *hash)
{
    char hex[2 * sizeof hash->bytes + 1];

    hex_text(hex, hash->bytes, sizeof hash->bytes);
    printf("%s %s\n", label, hex);
}

/* --- verify --------------------------------------------------------------------------------------------- */
static enum status read_head(const char *path, struct buffer *out, struct error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    if (file >= 0) {
        do {
            got = read(file, buffer_reserve(out, 4096), 4096);
            if (got > 0)
                out->size += (size_t)got;
        } while (got > 0 && out->size <= NOTE_SIZE_MAX);
    }
    if (file < 0 || got < 0) {
        int reason = errno;
        if (file >= 0)
            close(file);
        return error_set(error, ERROR_STORAGE, "%s: %s", path, strerror(reason));
    }
    close(file);
    if (out->size > NOTE_SIZE_MAX)
        return error_set(error, ERROR_LIMIT, "%s: larger than %d bytes, no signed checkpoint is", path,
                         NOTE_SIZE_MAX);
    return OK;
}

enum status offline_check_head(struct database *reader, const struct note_key *key, const char *note,
                               size_t size, uint64_t *covered, struct error *error)
{
    struct checkpoint checkpoint;
    struct merkle_proof proof;
    struct hash first, second;
    size_t text_size;

    TRY(note_open(note, size, key, &text_size, error));
    TRY(checkpoint_parse(note, text_size, &checkpoint, error));
    if (strcmp(checkpoint.origin, key->name) != 0)
        return error_set(error, ERROR_CORRUPT, "the checkpoint is of '%s', this log is '%s'",
                         checkpoint.origin, key->name);
    if (checkpoint.size == 0 || checkpoint.size > event_head(reader))
        return error_set(error, ERROR_CORRUPT,
                         "the checkpoint covers %" PRIu64 " events, the log holds %" PRIu64
                         ": it was cut or replaced",
                         checkpoint.size, event_head(reader));
    TRY(log_consistency(reader, checkpoint.size, event_head(reader), &proof, &first, &second, error));
    if (!hash_equal(&first, &checkpoint.root))
        return error_set(error, ERROR_CORRUPT,
                         "the first %" PRIu64 " events are not those that the checkpoint covers",
                         checkpoint.size);
    *covered = checkpoint.size;
    return OK;
}

static enum status recorded_key(struct database *reader, struct note_key *key, struct error *error)
{
    char *text AUTO_FREE = meta_get(reader, META_LOG_KEY);

    TRY(database_failure(reader, error));
    if (text == NULL)
        return error_set(error, ERROR_CORRUPT, "the database does not say which key signs its log");
    return note_key_parse(text, key, error);
}

static enum status verify(struct database *reader, const char *head_file, struct error *error)
{
    struct buffer head CLEANUP(buffer_close) = { 0 };
    struct log_report report;
    struct note_key key;
    uint64_t covered;

    buffer_init(&head);
    if (head_file != NULL)
        TRY(read_head(head_file, &head, error));
    TRY(recorded_key(reader, &key, error));
    TRY(log_verify(reader, NULL, &key, 0, 0, NULL, NULL, &report, error));
    printf("log %s: events 1 to %" PRIu64 " chain, their tree is right, %" PRIu64
           " checkpoint signatures are right\n",
           key.name, report.last, report.checkpoints);
    print_hash("head hash", &report.head_hash);
    print_hash("tree root", &report.root);
    if (head_file == NULL)
        return OK;
    TRY(offline_check_head(reader, &key, (const char *)head.data, head.size, &covered, error));
    printf("the checkpoint in %s covers the first %" PRIu64 " events, and they are unchanged\n", head_file,
           covered);
    return OK;
}

enum status offline_verify(const struct config *config, const char *head_file, struct error *error)
{
    char *path AUTO_FREE = database_file(config);
    struct database_options options = { .path = path, .mode = DATABASE_READER };
    struct database *reader;
    enum status status;

    if (access(path, F_OK) != 0)
        return error_set(error, ERROR_NOT_FOUND, "%s: %s", path, strerror(errno));
    TRY(database_open(&options, &reader, error));
    status = verify(reader, head_file, error);
    database_close(reader);
    return status;
}

/* --- restore -------------------------------------------------------------------------------------------- */
enum status offline_restore(const struct config *config, const char *file, struct error *error)
{
    char *path AUTO_FREE = database_file(config), *source AUTO_FREE = config_path(file);
    struct backup_report report;
    struct daemon_lock lock;
    enum status status;

    TRY(daemon_directory(config->directory, error));
    TRY(daemon_lock(config->directory, &lock, error));
    status = backup_restore(source, path, &report, error);
    daemon_unlock(&lock);
    TRY(status);
    printf("%s is now the verified copy of %s: %" PRIu64 " events, %" PRId64 " bytes\n", path, source,
           report.head, report.bytes);
    print_hash("head hash", &report.head_hash);
    return OK;
}
