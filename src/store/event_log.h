/* The append-only event log: dense sequence, BLAKE2b-256 hash chain over all columns, RFC 6962 tree over
 * the hashes, signed checkpoints. Only the executor appends, inside its transaction; order of seq is order
 * of commit.
 *
 *   hash = BLAKE2b-256("layerd/event/1" ‖ previous hash ‖ seq ‖ block ‖ time_us ‖ last ‖ len type ‖ type ‖
 *          len subject ‖ subject ‖ len body ‖ body)
 *
 * Integers and lengths are 8 bytes little-endian, `last` is 1 byte, a NULL subject has length 2^64−1. The
 * hash before event 1 is BLAKE2b-256("layerd/genesis/1" ‖ node id in ASCII).
 *
 * Events by subject: table event_subject has every event up to a number on record (event_subject_progress);
 * those after it, fewer than SUBJECTS_FILED_EVERY, are found by a scan. View v_subject_event reads both.
 *
 * Tree: leaf data = the event's 32-byte hash. Stored are only the roots of complete tiles of 256 (table
 * tree_tile: level 8, 16, 24 …); what lies below is computed from the events when a proof asks. */
#ifndef STORE_EVENT_LOG_H
#define STORE_EVENT_LOG_H

#include "base/buffer.h"
#include "base/clock.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "store/database.h"

#define EVENT_BODY_MAX (256 * 1024)
#define EVENT_TYPE_MAX 64
#define EVENT_SUBJECT_MAX 200
#define CHECKPOINT_EVERY_EVENTS 1024
#define SUBJECTS_FILED_EVERY 4096 /* events that table event_subject lacks at most */
#define TREE_BESIDE_LEAST 16 /* events of a batch from which on the tree has a thread of its own */
#define CHECKPOINT_EVERY_US (10 * MICROSECONDS_PER_SECOND)

struct event {
    uint64_t seq;        /* 1, 2, … dense */
    uint64_t block;      /* height of the block it belongs to, or of the newest block for a local event */
    int64_t time_us;     /* time of the batch that wrote it */
    const char *type;    /* "ledger.transferred" */
    const char *subject; /* "escrow/<hex>", NULL for none */
    struct bytes body;   /* one JSON object: the very bytes that are stored, hashed and sent */
    /* the final event of its command or deadline: what came since the one before belongs together */
    bool last;
    struct hash hash;
};

/* The JSON line that subscribers get, with its newline; live and replayed lines are the same bytes:
 * {"seq":N,"block":H,"ts":us,"type":"…","v":1,"subject":"…","data":{…},"last":true,"hash":"…"} ("subject"
 * absent for NULL, "v" from the catalogue). Returns where in the line the subject's text begins; 0 without
 * one. */
size_t event_line(const struct event *event, unsigned version, struct buffer *out);

/* --- writing (executor) ----------------------------------------------------------------------- */
struct event_log;

/* Loads head, chain and tree from the database. `signer` signs checkpoints and stays the caller's; with
 * NULL the log makes none. Records node id and verifier key in table meta, so that a copy can be verified
 * by itself. ERROR_CORRUPT when the events since the last checkpoint do not chain, when the tree does not
 * give its root, or when the log is another node's; ERROR_BAD_SIGNATURE when another key signed the last
 * checkpoint. */
MUST_CHECK enum status event_log_open(struct database *writer, const char *node_id,
                                      const struct note_signer *signer, struct event_log **log,
                                      struct error *error);
void event_log_close(struct event_log *log);

uint64_t event_log_head(const struct event_log *log);            /* seq of the newest event; 0: none */
void event_log_head_hash(const struct event_log *log, struct hash *hash);

/* Inserts the event as head + 1; event->seq must be that, and event->time_us not before its predecessor's.
 * Fills event->hash. Inside the writer's transaction; if that transaction does not commit, the process
 * must end (it does: see database.h). So append only once the command that caused the event has succeeded:
 * a savepoint rolled back behind an append would part the log from its rows. */
void event_log_append(struct event_log *log, struct event *event);

/* The same for many events at once, in order. `hashed` (may be NULL) is called for each of them, in order,
 * with its hash; from TREE_BESIDE_LEAST events on perhaps on the tree's thread while the caller's inserts
 * the rows, so it writes only to what nobody else looks at. All calls have returned when this one does. */
typedef void event_hashed(void *context, size_t index, const struct event *event);
void event_log_append_batch(struct event_log *log, struct event *events, size_t count, event_hashed *hashed,
                            void *context);

/* Signs and stores a checkpoint of the present head when one is due (1,024 events, or 10 s since the first
 * event not covered) or `force`; inside the transaction. Returns true when it did. */
bool event_log_checkpoint(struct event_log *log, int64_t now_us, bool force);
/* When the next one is due by time; INT64_MAX when all events are covered. */
int64_t event_log_checkpoint_due(const struct event_log *log);

/* --- reading (any reader connection) ---------------------------------------------------------- */
/* Events after `after`, in order: event_reader_begin, then event_reader_next until false, then
 * event_reader_end. Pointers in `event` live until the next call. End before any wait. */
struct event_reader { struct statement *statement; };
void event_reader_begin(struct event_reader *reader, struct database *database, uint64_t after,
                        uint64_t limit);
bool event_reader_next(struct event_reader *reader, struct event *event);
void event_reader_end(struct event_reader *reader);

/* false: absent */
MUST_CHECK bool event_read(struct database *database, uint64_t seq, struct hash *hash, int64_t *time_us);
uint64_t event_head(struct database *database);
/* The last seq with time_us < the given one (0: none): where a subscriber "from a time" starts. Times grow
 * with seq. */
uint64_t event_before_time(struct database *database, int64_t time_us);

/* --- tree ------------------------------------------------------------------------------------- */
/* ERROR_PROOF_RANGE outside the log. seq counts from 1; size is a number of events. */
MUST_CHECK enum status log_inclusion(struct database *reader, uint64_t seq, uint64_t size, struct hash *leaf,
                                     struct merkle_proof *proof, struct hash *root, struct error *error);
MUST_CHECK enum status log_consistency(struct database *reader, uint64_t first, uint64_t second,
                                       struct merkle_proof *proof, struct hash *first_root,
                                       struct hash *second_root, struct error *error);
/* The newest stored checkpoint of at least `size` events (0: the newest at all): its signed note. */
MUST_CHECK enum status log_checkpoint(struct database *reader, uint64_t size, uint64_t *covered,
                                      struct buffer *note, struct error *error);

/* --- verify ----------------------------------------------------------------------------------- */
struct log_report {
    uint64_t first, last;   /* events checked */
    uint64_t checkpoints;   /* signatures checked */
    bool tree_checked;      /* the whole tree was rebuilt (only when first = 1) */
    struct hash root, head_hash;
};
/* Recomputes chain, tree, tiles and checkpoint signatures of (after, until]; until 0: the head. `node_id`
 * NULL takes the one recorded in the database; `key` NULL checks what checkpoints say but not who signed
 * them. ERROR_CORRUPT names the first event that is wrong; ERROR_BAD_SIGNATURE the first checkpoint.
 * ERROR_PROOF_RANGE outside the log. `progress` (may be NULL) is called about every 100,000 events; false
 * stops with ERROR_STOPPING. */
MUST_CHECK enum status log_verify(struct database *reader, const char *node_id, const struct note_key *key,
                                  uint64_t after, uint64_t until,
                                  bool (*progress)(void *context, uint64_t done, uint64_t total),
                                  void *context, struct log_report *report, struct error *error);

#endif
