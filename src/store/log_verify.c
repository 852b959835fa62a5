/* Verifying the log from the database alone: every hash is computed anew from the columns, the tree from
 * the hashes, and compared with what is stored and signed. Events are read in pages, so that the WAL is
 * never pinned for long. */
#include "store/event_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "store/event_hash.h"
#include "store/log_tree.h"
#include "store/migration.h"

#define VERIFY_PAGE_EVENTS 20000
#define VERIFY_PROGRESS_EVENTS 100000

struct verification {
    struct database *database;
    const struct note_key *key;    /* NULL: signatures are not checked */
    uint64_t head, until;
    struct hash previous;          /* hash of the event checked last */
    int64_t time_us;               /* and its time */
    struct merkle_range range;     /* tree of all events up to it */
    uint64_t next_checkpoint;      /* size of the next one stored; UINT64_MAX: none follows */
    uint64_t wrong_tile;           /* the last event of a tile that is missing or wrong; 0: none */
    uint64_t checkpoints;
};

/* --- checkpoints ---------------------------------------------------------------------------------------- */

static uint64_t checkpoint_after(struct database *database, uint64_t size)
{
    struct statement *s = statement(database,
                                    "SELECT size FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1");
    uint64_t next = UINT64_MAX;

    bind_integer(s, (int64_t)size);
    if (statement_row(s)) {
        next = (uint64_t)column_integer(s, "size");
        statement_finish(s);
    }
    return next;
}

/* The checkpoint whose size the tree has just reached: signature, text and columns must all say what we
 * computed. */
static enum status verify_checkpoint(struct verification *v, struct error *error)
{
    struct buffer note CLEANUP(buffer_close) = { 0 };
    uint64_t size = v->range.size;
    struct checkpoint checkpoint;
    struct bytes stored;
    struct hash root;
    size_t text_size;
    bool column_agrees;
    struct statement *s = statement(v->database, "SELECT root, note FROM checkpoint WHERE size = ?");

    bind_integer(s, (int64_t)size);
    if (!statement_row(s)) {
        TRY(database_failure(v->database, error));
        return error_set(error, ERROR_CORRUPT, "the checkpoint of %" PRIu64 " events vanished", size);
    }
    merkle_range_root(&v->range, &root);
    stored = column_blob(s, "root");
    column_agrees = bytes_equal(stored, bytes_of(root.bytes, sizeof(root.bytes)));
    buffer_append_text(&note, column_text(s, "note"));
    statement_finish(s);

    if (v->key == NULL) {
        const char *blank = strstr(buffer_text(&note), "\n\n");

        text_size = blank == NULL ? 0 : (size_t)(blank - buffer_text(&note)) + 1;
    } else if (note_open(buffer_text(&note), note.size, v->key, &text_size, error) != OK) {
        return error_set(error, ERROR_BAD_SIGNATURE,
                         "the checkpoint of %" PRIu64 " events is not signed by %s", size, v->key->name);
    }
    if (checkpoint_parse(buffer_text(&note), text_size, &checkpoint, error) != OK || !column_agrees ||
        checkpoint.size != size || !hash_equal(&checkpoint.root, &root) ||
        (v->key != NULL && strcmp(checkpoint.origin, v->key->name) != 0))
        return error_set(error, ERROR_CORRUPT,
                         "the checkpoint of %" PRIu64 " events is for another log than these events", size);
    v->checkpoints++;
    v->next_checkpoint = checkpoint_after(v->database, size);
    return OK;
}

/* --- events --------------------------------------------------------------------------------------------- */

static void verify_tile(void *context, unsigned level, uint64_t index, const struct hash *hash)
{
    struct verification *v = context;
    struct hash stored;

    if (level % TILE_LEVELS != 0 || v->wrong_tile != 0)
        return;
    if (!log_tree_tile(v->database, level, index, &stored) || !hash_equal(&stored, hash))
        v->wrong_tile = (index + 1) << level;
}

static enum status verify_event(struct verification *v, const struct event *event, struct error *error)
{
    uint64_t expected = v->range.size + 1;
    struct hash computed, leaf;

    if (event->seq != expected)
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing; after it comes event %" PRIu64,
                         expected, event->seq);
    if (strlen(event->type) > EVENT_TYPE_MAX || event->body.size > EVENT_BODY_MAX ||
        (event->subject != NULL && strlen(event->subject) > EVENT_SUBJECT_MAX))
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is larger than any event can be",
                         event->seq);
    event_chain(&computed, &v->previous, event);
    if (!hash_equal(&computed, &event->hash))
        return error_set(error, ERROR_CORRUPT,
                         "event %" PRIu64 " was changed: its hash does not follow from its content",
                         event->seq);
    if (event->time_us < v->time_us)
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " lies before the one it follows",
                         event->seq);
    v->previous = event->hash;
    v->time_us = event->time_us;
    merkle_leaf(&leaf, event->hash.bytes, sizeof(event->hash.bytes));
    merkle_range_append(&v->range, &leaf, verify_tile, v);
    if (v->wrong_tile != 0)
        return error_set(error, ERROR_CORRUPT,
                         "the tree's tile that ends with event %" PRIu64 " is missing or wrong",
                         v->wrong_tile);
    if (v->range.size == v->next_checkpoint)
        return verify_checkpoint(v, error);
    return OK;
}

static enum status verify_page(struct verification *v, struct error *error)
{
    uint64_t rest = v->until - v->range.size;
    struct event_reader reader;
    struct event event;
    enum status status = OK;
    uint64_t before = v->range.size;

    event_reader_begin(&reader, v->database, before, rest < VERIFY_PAGE_EVENTS ? rest : VERIFY_PAGE_EVENTS);
    while (status == OK && event_reader_next(&reader, &event))
        status = verify_event(v, &event, error);
    event_reader_end(&reader);
    if (status != OK)
        return status;
    TRY(database_failure(v->database, error));
    if (v->range.size == before)
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing", before + 1);
    return OK;
}

/* Nothing may be stored that speaks of more events than there are: that is how a log cut short at its end
 * shows. */
static enum status verify_nothing_beyond(struct verification *v, struct error *error)
{
    uint64_t beyond = checkpoint_after(v->database, v->head);
    struct statement *s;
    bool found;

    TRY(database_failure(v->database, error));
    if (beyond != UINT64_MAX && beyond > event_head(v->database))
        return error_set(error, ERROR_CORRUPT,
                         "a checkpoint covers %" PRIu64 " events, but event %" PRIu64 " is missing", beyond,
                         v->head + 1);
    s = statement(v->database, "SELECT 1 FROM tree_tile WHERE level % 8 <> 0 OR level = 0 OR"
                               " ((idx + 1) << level) > (SELECT coalesce(max(seq), 0) FROM event) LIMIT 1");
    found = statement_row(s);
    statement_finish(s);
    TRY(database_failure(v->database, error));
    if (found)
        return error_set(error, ERROR_CORRUPT, "the tree holds a tile beyond event %" PRIu64, v->head);
    return OK;
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static enum status begin(struct verification *v, const char *node_id, uint64_t after, struct error *error)
{
    AUTO_FREE char *known = node_id == NULL ? meta_get(v->database, META_LOG_NODE) : text_copy(node_id);

    TRY(database_failure(v->database, error));
    if (v->until > v->head || after > v->until)
        return error_set(error, ERROR_PROOF_RANGE,
                         "events %" PRIu64 " to %" PRIu64 ": the log ends with event %" PRIu64, after + 1,
                         v->until, v->head);
    if (after == 0 && known == NULL && v->head > 0)
        return error_set(error, ERROR_CORRUPT, "the database does not say whose log it holds");
    if (after == 0)
        event_genesis(&v->previous, known == NULL ? "" : known);
    else if (!event_read(v->database, after, &v->previous, &v->time_us))
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing", after);
    if (!log_tree_range(v->database, after, &v->range)) {
        TRY(database_failure(v->database, error));
        return error_set(error, ERROR_CORRUPT, "the tree of the first %" PRIu64 " events has a hole", after);
    }
    v->next_checkpoint = checkpoint_after(v->database, after);
    return database_failure(v->database, error);
}

enum status log_verify(struct database *reader, const char *node_id, const struct note_key *key,
                       uint64_t after, uint64_t until,
                       bool (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                       struct log_report *report, struct error *error)
{
    struct verification v = { .database = reader, .key = key, .head = event_head(reader) };
    uint64_t told;

    crypto_start();
    v.until = until == 0 ? v.head : until;
    TRY(begin(&v, node_id, after, error));
    told = after;
    while (v.range.size < v.until) {
        TRY(verify_page(&v, error));
        if (progress == NULL || v.range.size - told < VERIFY_PROGRESS_EVENTS)
            continue;
        told = v.range.size;
        if (!progress(context, told - after, v.until - after))
            return error_set(error, ERROR_STOPPING, "verifying stopped after event %" PRIu64, told);
    }
    if (v.until == v.head)
        TRY(verify_nothing_beyond(&v, error));
    *report = (struct log_report){ .first = after + 1, .last = v.until, .checkpoints = v.checkpoints,
                                   .tree_checked = after == 0, .head_hash = v.previous };
    merkle_range_root(&v.range, &report->root);
    return OK;
}
