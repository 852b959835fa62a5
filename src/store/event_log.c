/* Writing the log: the executor's one struct event_log holds the head of the chain and the compact range
 * of the tree, which grows beside the rows (tree_worker.h). What it holds always equals what the open
 * transaction would commit, and a transaction that fails ends the process. */
#include "store/event_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "crypto/hash.h"
#include "store/event_hash.h"
#include "store/log_tree.h"
#include "store/migration.h"
#include "store/tree_worker.h"

struct event_log {
    struct database *database;
    const struct note_signer *signer; /* the caller's; NULL: this log makes no checkpoints */
    uint64_t head;
    struct hash head_hash;
    int64_t head_time_us;
    struct merkle_range range;
    struct tree_worker *worker;
    uint64_t covered;                 /* size of the newest checkpoint */
    uint64_t filed;                   /* events up to this one are in table event_subject */
    int64_t uncovered_us;             /* time of the first event that it does not cover */
};

struct stored_checkpoint {
    uint64_t size; /* 0: there is none yet */
    struct hash root;
};

/* --- opening ---------------------------------------------------------------------------------- */

/* The newest checkpoint, with its signature checked. */
static enum status newest_checkpoint(const struct event_log *log, struct stored_checkpoint *newest,
                                     struct error *error)
{
    struct buffer note CLEANUP(buffer_close) = { 0 };
    struct checkpoint checkpoint;
    size_t text_size;
    uint64_t size;

    newest->size = 0;
    if (log_checkpoint(log->database, 0, &size, &note, NULL) != OK)
        return OK;
    if (log->signer != NULL)
        TRY(note_open(buffer_text(&note), note.size, note_signer_key(log->signer), &text_size, error));
    else
        text_size = note.size;
    if (checkpoint_parse(buffer_text(&note), text_size, &checkpoint, error) != OK || checkpoint.size != size)
        return error_set(error, ERROR_CORRUPT, "the checkpoint of %" PRIu64 " events holds another text",
                         size);
    newest->size = size;
    newest->root = checkpoint.root;
    return OK;
}

struct tile_check {
    struct database *database;
    uint64_t wrong_before; /* a tile that ends before this event is missing or wrong; 0: none */
};

static void tile_compare(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    struct tile_check *check = context;
    struct hash stored;

    if (level % TILE_LEVELS != 0)
        return;
    if (!log_tree_tile(check->database, level, index, &stored) || !hash_equal(&stored, hash))
        check->wrong_before = (index + 1) << level;
}

static bool follows(const struct event_log *log, const struct event *event)
{
    struct hash computed;

    if (event->seq != log->head + 1 || event->body.size > EVENT_BODY_MAX ||
        strlen(event->type) > EVENT_TYPE_MAX ||
        (event->subject != NULL && strlen(event->subject) > EVENT_SUBJECT_MAX))
        return false;
    event_chain(&computed, &log->head_hash, event);
    return hash_equal(&computed, &event->hash);
}

/* Walks from the beginning of the tile that the newest checkpoint ends in to the head: the chain must
 * hold, tiles must be stored, and the tree must have the checkpoint's root when it has its size. */
static enum status walk(struct event_log *log, const struct stored_checkpoint *newest, struct error *error)
{
    struct tile_check check = { .database = log->database };
    bool root_agrees = newest->size == 0;
    struct event_reader reader;
    struct event event;
    struct hash leaf, root;

    event_reader_begin(&reader, log->database, log->head, UINT64_MAX);
    while (event_reader_next(&reader, &event)) {
        if (!follows(log, &event)) {
            event_reader_end(&reader);
            return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " does not follow from event %" PRIu64,
                             event.seq, log->head);
        }
        log->head = event.seq;
        log->head_hash = event.hash;
        log->head_time_us = event.time_us;
        if (event.seq == newest->size + 1)
            log->uncovered_us = event.time_us;
        merkle_leaf(&leaf, event.hash.bytes, sizeof(event.hash.bytes));
        merkle_range_append(&log->range, &leaf, tile_compare, &check);
        if (log->range.size == newest->size) {
            merkle_range_root(&log->range, &root);
            root_agrees = hash_equal(&root, &newest->root);
        }
    }
    TRY(database_failure(log->database, error));
    if (check.wrong_before != 0)
        return error_set(error, ERROR_CORRUPT,
                         "the tree's tile that ends with event %" PRIu64 " is missing or wrong",
                         check.wrong_before);
    if (newest->size > log->head)
        return error_set(error, ERROR_CORRUPT,
                         "a checkpoint covers %" PRIu64 " events, but the log ends with %" PRIu64,
                         newest->size, log->head);
    if (!root_agrees)
        return error_set(error, ERROR_CORRUPT,
                         "the tree of %" PRIu64 " events does not have its checkpoint's root", newest->size);
    return OK;
}

/* The log's own facts, so that a copy of the database can be verified by itself. */
static enum status remember_identity(struct event_log *log, const char *node_id, struct error *error)
{
    struct buffer verifier CLEANUP(buffer_close) = { 0 };
    AUTO_FREE char *known = meta_get(log->database, META_LOG_NODE);
    AUTO_FREE char *known_key = meta_get(log->database, META_LOG_KEY);

    if (known != NULL && strcmp(known, node_id) != 0)
        return error_set(error, ERROR_CORRUPT, "the log belongs to node %s, not to %s", known, node_id);
    if (known == NULL)
        meta_set(log->database, META_LOG_NODE, node_id);
    if (log->signer == NULL)
        return OK;
    note_key_text(note_signer_key(log->signer), &verifier);
    if (known_key == NULL || strcmp(known_key, buffer_text(&verifier)) != 0)
        meta_set(log->database, META_LOG_KEY, buffer_text(&verifier));
    return OK;
}

static uint64_t read_filed(struct database *database)
{
    struct statement *s = statement(database, "SELECT upto FROM event_subject_progress");
    uint64_t upto = 0;

    if (statement_row(s)) {
        upto = (uint64_t)column_integer(s, "upto");
        statement_finish(s);
    }
    return upto;
}

static enum status load(struct event_log *log, const char *node_id, struct error *error)
{
    struct stored_checkpoint newest;

    TRY(newest_checkpoint(log, &newest, error));
    log->covered = newest.size;
    log->head = newest.size == 0 ? 0 : (newest.size - 1) / TILE_LEAVES * TILE_LEAVES;
    if (log->head == 0)
        event_genesis(&log->head_hash, node_id);
    else if (!event_read(log->database, log->head, &log->head_hash, &log->head_time_us))
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing", log->head);
    if (!log_tree_range(log->database, log->head, &log->range))
        return error_set(error, ERROR_CORRUPT, "the tree of %" PRIu64 " events has a hole", log->head);
    TRY(walk(log, &newest, error));
    log->filed = read_filed(log->database);
    if (log->filed > log->head)
        return error_set(error, ERROR_CORRUPT,
                         "subjects are filed up to event %" PRIu64 ", but the log ends with %" PRIu64,
                         log->filed, log->head);
    return remember_identity(log, node_id, error);
}

enum status event_log_open(struct database *writer, const char *node_id, const struct note_signer *signer,
                           struct event_log **log, struct error *error)
{
    struct event_log *opened = memory_new(sizeof(*opened));
    enum status status;

    crypto_start();
    opened->database = writer;
    opened->signer = signer;
    opened->worker = tree_worker_start();
    status = load(opened, node_id, error);
    if (status != OK) {
        event_log_close(opened);
        return status;
    }
    *log = opened;
    return OK;
}

void event_log_close(struct event_log *log)
{
    if (log == NULL)
        return;
    tree_worker_stop(log->worker);
    memory_free_pointer(&log);
}

uint64_t event_log_head(const struct event_log *log)
{
    return log->head;
}

void event_log_head_hash(const struct event_log *log, struct hash *hash)
{
    *hash = log->head_hash;
}

/* --- appending -------------------------------------------------------------------------------- */

static void store_tile(struct event_log *log, const struct tile *tile)
{
    struct statement *s =
        statement(log->database, "INSERT INTO tree_tile (level, idx, hash) VALUES (?, ?, ?)");

    bind_integer(s, tile->level);
    bind_integer(s, (int64_t)tile->index);
    bind_blob(s, tile->hash.bytes, sizeof(tile->hash.bytes));
    (void)statement_run(s);
}

/* Sorted, so that each leaf of the table is written once for all of its new rows. */
static void file_subjects(struct event_log *log)
{
    struct statement *s =
        statement(log->database, "INSERT INTO event_subject SELECT subject, seq FROM event"
                                 " WHERE seq > ? AND subject IS NOT NULL ORDER BY subject, seq");

    bind_integer(s, (int64_t)log->filed);
    (void)statement_run(s);
    s = statement(log->database, "UPDATE event_subject_progress SET upto = ?");
    bind_integer(s, (int64_t)log->head);
    (void)statement_run(s);
    log->filed = log->head;
}

/* The hash of an event behind the one of sequence number `head`. */
static void hash_next(uint64_t head, const struct hash *head_hash, int64_t head_time_us, struct event *event)
{
    INVARIANT(event->seq == head + 1, "event %" PRIu64 " behind event %" PRIu64, event->seq, head);
    INVARIANT(event->body.size <= EVENT_BODY_MAX, "event %s of %zu bytes", event->type, event->body.size);
    INVARIANT(event->time_us >= head_time_us, "event %" PRIu64 " lies before the one it follows", event->seq);
    event_chain(&event->hash, head_hash, event);
}

static void insert_event(struct event_log *log, const struct event *event)
{
    struct statement *s =
        statement(log->database, "INSERT INTO event (seq, block, time_us, type, subject, body, last, hash)"
                                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    bind_integer(s, (int64_t)event->seq);
    bind_integer(s, (int64_t)event->block);
    bind_integer(s, event->time_us);
    bind_text(s, event->type);
    bind_text(s, event->subject);
    bind_text_sized(s, (const char *)event->body.data, event->body.size);
    bind_integer(s, event->last);
    bind_blob(s, event->hash.bytes, sizeof(event->hash.bytes));
    (void)statement_run(s);

    if (log->head == log->covered)
        log->uncovered_us = event->time_us;
    log->head = event->seq;
    log->head_hash = event->hash;
    log->head_time_us = event->time_us;
    if (log->head - log->filed >= SUBJECTS_FILED_EVERY)
        file_subjects(log);
}

/* The chain goes first, since rows and tree both need it; then the two have nothing to do with each other. */
void event_log_append_batch(struct event_log *log, struct event *events, size_t count, event_hashed *hashed,
                            void *context)
{
    struct tree_work work CLEANUP(tree_work_close) = {
        .events = events, .count = count, .range = &log->range, .hashed = hashed, .context = context
    };
    const bool beside = count >= TREE_BESIDE_LEAST;

    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            hash_next(log->head, &log->head_hash, log->head_time_us, &events[0]);
        else
            hash_next(events[i - 1].seq, &events[i - 1].hash, events[i - 1].time_us, &events[i]);
    }
    if (beside)
        tree_worker_begin(log->worker, &work);
    for (size_t i = 0; i < count; i++)
        insert_event(log, &events[i]);
    if (beside)
        tree_worker_end(log->worker);
    else
        tree_work_run(&work);
    for (size_t i = 0; i < work.tile_count; i++)
        store_tile(log, &work.tiles[i]);
}

void event_log_append(struct event_log *log, struct event *event)
{
    event_log_append_batch(log, event, 1, NULL, NULL);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

int64_t event_log_checkpoint_due(const struct event_log *log)
{
    if (log->signer == NULL || log->head == log->covered)
        return INT64_MAX;
    return log->uncovered_us + CHECKPOINT_EVERY_US;
}

bool event_log_checkpoint(struct event_log *log, int64_t now_us, bool force)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer note CLEANUP(buffer_close) = { 0 };
    struct checkpoint checkpoint = { .size = log->head };
    struct statement *s;

    if (log->signer == NULL || log->head == log->covered)
        return false;
    if (!force && log->head - log->covered < CHECKPOINT_EVERY_EVENTS &&
        now_us < event_log_checkpoint_due(log))
        return false;
    memcpy(checkpoint.origin, note_signer_key(log->signer)->name, sizeof(checkpoint.origin));
    merkle_range_root(&log->range, &checkpoint.root);
    checkpoint_text(&checkpoint, &text);
    note_sign(log->signer, buffer_text(&text), &note);

    s = statement(log->database, "INSERT INTO checkpoint (size, root, time_us, note) VALUES (?, ?, ?, ?)");
    bind_integer(s, (int64_t)checkpoint.size);
    bind_blob(s, checkpoint.root.bytes, sizeof(checkpoint.root.bytes));
    bind_integer(s, now_us);
    bind_text_sized(s, (const char *)note.data, note.size);
    (void)statement_run(s);
    log->covered = log->head;
    return true;
}
