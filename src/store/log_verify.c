/* Verifying the log from the database alone: every hash is computed anew from the columns, the tree from
 * the hashes, and compared with what is stored and signed. Events are read in pages, so that the WAL is
 * never pinned for long; while one page is read and chained, the tree grows by the page before it. */
#include "store/event_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "store/event_hash.h"
#include "store/log_tree.h"
#include "store/migration.h"
#include "store/tree_page.h"

#define VERIFY_PROGRESS_EVENTS 100000

struct verification {
    struct database *database;
    const struct note_key *key; /* NULL: signatures are not checked */
    uint64_t head, until;
    uint64_t seq;               /* the event chained last */
    struct hash previous;       /* its hash */
    int64_t time_us;            /* and its time */
    struct tree_page *reading;  /* its hashes are being filled in */
    struct tree_page *growing;  /* the page before: its tree grows, or is done */
    uint64_t checkpoints;
};

/* --- the chain -------------------------------------------------------------------------------- */

static enum status chain_event(struct verification *v, const struct event *event, struct error *error)
{
    struct hash computed;

    if (event->seq != v->seq + 1)
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing; after it comes event %" PRIu64,
                         v->seq + 1, event->seq);
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
    v->seq = event->seq;
    v->previous = event->hash;
    v->time_us = event->time_us;
    return OK;
}

/* The sizes within the page whose roots are signed. */
static void want_checkpoints(struct verification *v, uint64_t before, struct tree_page *page)
{
    struct statement *s =
        statement(v->database, "SELECT size FROM checkpoint WHERE size > ? AND size <= ? ORDER BY size");

    bind_integer(s, (int64_t)before);
    bind_integer(s, (int64_t)(before + page->count));
    page->wanted_count = 0;
    while (statement_row(s))
        page->wanted[page->wanted_count++] = (uint64_t)column_integer(s, "size");
}

static enum status read_page(struct verification *v, struct error *error)
{
    uint64_t before = v->seq, rest = v->until - v->seq;
    struct tree_page *page = v->reading;
    struct event_reader reader;
    struct event event;
    enum status status = OK;

    page->count = 0;
    event_reader_begin(&reader, v->database, before, rest < TREE_PAGE_EVENTS ? rest : TREE_PAGE_EVENTS);
    while (status == OK && event_reader_next(&reader, &event)) {
        status = chain_event(v, &event, error);
        if (status == OK)
            page->hashes[page->count++] = event.hash;
    }
    event_reader_end(&reader);
    if (status != OK)
        return status;
    TRY(database_failure(v->database, error));
    if (page->count == 0)
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing", before + 1);
    want_checkpoints(v, before, page);
    return database_failure(v->database, error);
}

/* --- the tree --------------------------------------------------------------------------------- */

/* The signed text of a note without asking who signed it. */
static size_t unverified_text(struct buffer *note)
{
    const char *text = buffer_text(note);
    const char *blank = strstr(text, "\n\n");

    return blank == NULL ? 0 : (size_t)(blank - text) + 1;
}

/* The checkpoint of `size` events: signature, text and columns must all say the root that we computed. */
static enum status verify_checkpoint(struct verification *v, uint64_t size, const struct hash *root,
                                     struct error *error)
{
    struct buffer note CLEANUP(buffer_close) = { 0 };
    struct checkpoint checkpoint;
    size_t text_size;
    bool column_agrees;
    struct statement *s = statement(v->database, "SELECT root, note FROM checkpoint WHERE size = ?");

    bind_integer(s, (int64_t)size);
    if (!statement_row(s)) {
        TRY(database_failure(v->database, error));
        return error_set(error, ERROR_CORRUPT, "the checkpoint of %" PRIu64 " events vanished", size);
    }
    column_agrees = bytes_equal(column_blob(s, "root"), bytes_of(root->bytes, sizeof(root->bytes)));
    buffer_append_text(&note, column_text(s, "note"));
    statement_finish(s);

    if (v->key == NULL)
        text_size = unverified_text(&note);
    else if (note_open(buffer_text(&note), note.size, v->key, &text_size, error) != OK)
        return error_set(error, ERROR_BAD_SIGNATURE,
                         "the checkpoint of %" PRIu64 " events is not signed by %s", size, v->key->name);
    if (checkpoint_parse(buffer_text(&note), text_size, &checkpoint, error) != OK || !column_agrees ||
        checkpoint.size != size || !hash_equal(&checkpoint.root, root) ||
        (v->key != NULL && strcmp(checkpoint.origin, v->key->name) != 0))
        return error_set(error, ERROR_CORRUPT,
                         "the checkpoint of %" PRIu64 " events is for another log than these events", size);
    v->checkpoints++;
    return OK;
}

/* Waits for the page's tree and compares what came out with what is stored. */
static enum status compare_page(struct verification *v, struct tree_page *page, struct error *error)
{
    struct hash stored;

    tree_page_end(page);
    for (size_t i = 0; i < page->tiles_count; i++) {
        const struct tree_tile *tile = &page->tiles[i];

        if (!log_tree_tile(v->database, tile->level, tile->index, &stored) ||
            !hash_equal(&stored, &tile->hash)) {
            TRY(database_failure(v->database, error));
            return error_set(error, ERROR_CORRUPT,
                             "the tree's tile that ends with event %" PRIu64 " is missing or wrong",
                             (tile->index + 1) << tile->level);
        }
    }
    for (size_t i = 0; i < page->wanted_count; i++)
        TRY(verify_checkpoint(v, page->wanted[i], &page->roots[i], error));
    page->tiles_count = page->wanted_count = 0;
    return OK;
}

/* Reads a page while the tree grows by the one before; what is wrong in the earlier page is told first. */
static enum status verify_page(struct verification *v, struct error *error)
{
    struct error tree_error;
    enum status chain = read_page(v, error);
    enum status tree = compare_page(v, v->growing, &tree_error);
    struct tree_page *next = v->reading;

    if (tree != OK)
        return error_set(error, tree, "%s", tree_error.message);
    if (chain != OK)
        return chain;
    next->range = v->growing->range;
    v->reading = v->growing;
    v->growing = next;
    tree_page_begin(next);
    return OK;
}

/* Nothing may be stored that speaks of more events than there are: so a log cut short at its end shows. */
static enum status verify_nothing_beyond(struct verification *v, struct error *error)
{
    struct statement *s = statement(v->database, "SELECT size FROM checkpoint"
                                                 " WHERE size > (SELECT coalesce(max(seq), 0) FROM event)");
    uint64_t beyond = 0;
    bool found = statement_row(s);

    if (found)
        beyond = (uint64_t)column_integer(s, "size");
    statement_finish(s);
    TRY(database_failure(v->database, error));
    if (found)
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

/* --- the whole -------------------------------------------------------------------------------- */

static enum status start_after(struct verification *v, const char *node_id, uint64_t after,
                               struct error *error)
{
    AUTO_FREE char *known = node_id == NULL ? meta_get(v->database, META_LOG_NODE) : text_copy(node_id);

    TRY(database_failure(v->database, error));
    if (v->until > v->head || after > v->until)
        return error_set(error, ERROR_PROOF_RANGE,
                         "events %" PRIu64 " to %" PRIu64 ": the log ends with event %" PRIu64, after + 1,
                         v->until, v->head);
    if (after == 0 && known == NULL && v->head > 0)
        return error_set(error, ERROR_CORRUPT, "the database does not say whose log it holds");
    v->seq = after;
    if (after == 0)
        event_genesis(&v->previous, known == NULL ? "" : known);
    else if (!event_read(v->database, after, &v->previous, &v->time_us))
        return error_set(error, ERROR_CORRUPT, "event %" PRIu64 " is missing", after);
    if (!log_tree_range(v->database, after, &v->growing->range)) {
        TRY(database_failure(v->database, error));
        return error_set(error, ERROR_CORRUPT, "the tree of the first %" PRIu64 " events has a hole", after);
    }
    return database_failure(v->database, error);
}

static enum status verify_pages(struct verification *v, uint64_t after,
                                bool (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                                struct error *error)
{
    uint64_t told = after;

    while (v->seq < v->until) {
        TRY(verify_page(v, error));
        if (progress == NULL || v->seq - told < VERIFY_PROGRESS_EVENTS)
            continue;
        told = v->seq;
        if (!progress(context, told - after, v->until - after))
            return error_set(error, ERROR_STOPPING, "verifying stopped after event %" PRIu64, told);
    }
    TRY(compare_page(v, v->growing, error));
    return v->until == v->head ? verify_nothing_beyond(v, error) : OK;
}

enum status log_verify(struct database *reader, const char *node_id, const struct note_key *key,
                       uint64_t after,
                       uint64_t until, bool (*progress)(void *context, uint64_t done, uint64_t total),
                       void *context, struct log_report *report, struct error *error)
{
    AUTO_FREE struct tree_page *pages = memory_array(2, sizeof(*pages));
    struct verification v = { .database = reader, .key = key, .reading = &pages[0], .growing = &pages[1] };
    enum status status;

    crypto_start();
    v.head = event_head(reader);
    v.until = until == 0 ? v.head : until;
    TRY(start_after(&v, node_id, after, error));
    status = verify_pages(&v, after, progress, context, error);
    tree_page_end(v.growing); /* it may still run when something else was wrong */
    if (status != OK)
        return status;
    *report = (struct log_report){ .first = after + 1, .last = v.until, .checkpoints = v.checkpoints,
                                   .tree_checked = after == 0, .head_hash = v.previous };
    merkle_range_root(&v.growing->range, &report->root);
    return OK;
}
