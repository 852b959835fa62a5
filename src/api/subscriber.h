/* One reader of the event log and its position. The same position serves replay and live: what comes next
 * is taken from the ring when it is there, else from the database, so there is no hand-over that could
 * lose or repeat. Knows no sockets: a turn gathers bytes, the caller sends as much of them as goes, and
 * tells how much that was.
 *
 * Always: every event before `next` was examined, and sent if it matched; memory is the same however far
 * behind it is. */
#ifndef API_SUBSCRIBER_H
#define API_SUBSCRIBER_H

#include <sys/uio.h>

#include "api/filter.h"
#include "api/ring.h"
#include "store/event_log.h"

#define TURN_BYTES ((size_t)512 * 1024) /* sent to one subscriber before others have their turn */
#define TURN_ROWS 2000                  /* the same in events read from the database */
#define TURN_LINES 4096                 /* the same in lines from the ring */
#define TURN_SCAN 65536                 /* events of the ring looked at in one turn of a filter */
#define TURN_PIECES 64                  /* runs of adjacent lines written with one call */
#define PROGRESS_EVENTS 1000            /* events left out before the subscriber is told how far it is */
#define NO_WINDOW UINT64_MAX

enum subscriber_format { FORMAT_NATIVE, FORMAT_CLOUDEVENTS, FORMAT_NOTIFY };

/* What happens to a subscriber that falls more than max_lag events behind the head because it does not
 * read. */
enum slow_policy {
    SLOW_REPLAY, /* nothing: it gets what it missed from the database */
    SLOW_CLOSE,  /* its subscription ends */
    SLOW_SKIP,   /* it is told what it lost, and goes on at the head */
};

struct subscriber {
    uint32_t id;
    bool prefixed;         /* lines carry "sub": the connection has more than one */
    enum subscriber_format format;
    enum slow_policy slow;
    struct filter *filter; /* owned; NULL: everything */
    const char *node_id;   /* for CloudEvents; borrowed */
    uint64_t next;         /* the first event not examined */
    uint64_t reported;     /* the client knows that everything up to here was examined */
    uint64_t until;        /* last event wanted; 0: no end */
    uint64_t credit;       /* event lines it may still be sent; NO_WINDOW: no limit */
    uint64_t max_lag;
    uint64_t lost_from;    /* skipped from here to next − 1, and not told yet; 0: nothing */
    bool replaying;        /* reads the database, or has not been told that it caught up */
    bool was_live;         /* caught up once: from then on falling behind counts as slow */
};

/* Where events older than the ring come from: gives after + 1, after + 2, … to `each`, at most `limit`,
 * until it answers false. ERROR_STORAGE when they cannot be read. */
struct event_source {
    enum status (*read)(void *context, uint64_t after, uint64_t limit,
                        bool (*each)(void *each_context, const struct event *event), void *each_context,
                        struct error *error);
    void *context;
};

/* What one turn sends. Used over and over by one thread. */
struct turn {
    struct iovec pieces[TURN_PIECES];
    size_t piece_count;
    size_t bytes;                 /* of all pieces */
    struct turn_line {
        size_t end;               /* where the line ends, counted over all pieces */
        uint64_t seq;
    } lines[TURN_LINES];
    size_t line_count;
    uint64_t next;                /* the subscriber's position once all of it is sent */
    struct buffer text;           /* lines that were rendered for this turn */
    struct buffer line, scratch;  /* for rendering */
};
void turn_open(struct turn *turn);
void turn_close(struct turn *turn);

/* Whether there is something to examine or to tell. */
bool subscriber_has_work(const struct subscriber *subscriber, uint64_t head);

/* Fills `turn` with what comes next, within the bounds of a turn; the subscriber does not move. The
 * pieces point into the ring or into turn->text and are valid until the ring changes. */
MUST_CHECK enum status subscriber_gather(struct subscriber *subscriber, const struct ring *ring,
                                         const struct event_source *source, struct turn *turn,
                                         struct error *error);

/* Fills `turn` with what `page` has for a subscriber that wants every event as it is: the page's events from
 * subscriber->next on. They point into the page. */
void subscriber_take_page(struct subscriber *subscriber, const struct ring *ring, const struct turn *page,
                          struct turn *turn);
/* Whether a page would do: a subscriber of every event, without a number, that is behind the ring. */
bool subscriber_may_take_page(const struct subscriber *subscriber, const struct ring *ring);

/* The first `sent` bytes of the turn went out: moves the subscriber behind them. The rest of a line that
 * was cut is appended to `rest`, which must go out before anything else. Returns the number of events
 * sent. */
size_t subscriber_advance(struct subscriber *subscriber, const struct turn *turn, size_t sent,
                          struct buffer *rest);

/* --- lines about the stream itself ------------------------------------------------------------ */
/* What the subscriber is to be told now that it stands where it stands: lost, progress (also when `tick`
 * and anything was left out since), caught_up. */
void subscriber_tell(struct subscriber *subscriber, uint64_t head, bool tick, struct buffer *out);
void subscriber_tell_lost(struct subscriber *subscriber, struct buffer *out);
void subscriber_heartbeat(const struct subscriber *subscriber, uint64_t head, int64_t now_us,
                          struct buffer *out);
void subscriber_end(const struct subscriber *subscriber, const char *why, struct buffer *out);
bool subscriber_is_over(const struct subscriber *subscriber); /* everything until `until` was examined */

/* How many events it is behind. */
uint64_t subscriber_lag(const struct subscriber *subscriber, uint64_t head);
/* The policy SLOW_SKIP: moves to the head; the loss is told with the next lines. */
void subscriber_skip(struct subscriber *subscriber, uint64_t head);

#endif
