/* What clients of events.sock ask, from JSON to plain structures, with every bound checked. Pure: no
 * positions are looked up here. */
#ifndef API_EVENT_REQUEST_H
#define API_EVENT_REQUEST_H

#include "api/filter.h"
#include "api/subscriber.h"
#include "store/cursor.h"

#define HEARTBEAT_DEFAULT_MS 15000
#define HEARTBEAT_MIN_MS 100
#define HEARTBEAT_MAX_MS (24 * 3600 * 1000)
#define MAX_LAG_DEFAULT 65536
#define WAIT_DEFAULT_MS 30000
#define WAIT_MAX_MS (10 * 60 * 1000)
#define EVENTS_GET_DEFAULT 100
#define EVENTS_GET_MAX 1000

enum position_kind { POSITION_FIRST, POSITION_NOW, POSITION_AFTER, POSITION_CURSOR, POSITION_TIME };

/* Where to begin. */
struct position {
    enum position_kind kind;
    uint64_t after;    /* POSITION_AFTER: exclusive; 0 is before the first */
    int64_t time_us;   /* POSITION_TIME: the first event at or after it */
    const char *cursor;
};

struct subscribe_request {
    struct position from;
    uint64_t until;             /* 0: no end */
    struct filter *filter;      /* owned; NULL: everything, or the cursor's */
    bool filter_given;
    enum subscriber_format format;
    uint64_t window;            /* NO_WINDOW when not given */
    bool manual_ack, ack_given;
    enum slow_policy slow;
    uint64_t max_lag;           /* 0: not given */
    int64_t heartbeat_us;
    bool hash_given;
    struct hash expect_hash;    /* of the event before the start */
};
void subscribe_request_close(struct subscribe_request *request);
MUST_CHECK enum status subscribe_request_read(const json_t *params, struct subscribe_request *request,
                                              struct error *error);

struct cursor_create_request {
    const char *name;
    struct position from;
    struct buffer filter; /* canonical JSON {"types":[…],"subjects":[…]}; empty: none */
    uint64_t max_lag;
};
void cursor_create_request_close(struct cursor_create_request *request);
MUST_CHECK enum status cursor_create_request_read(const json_t *params, struct cursor_create_request *request,
                                                  struct error *error);

/* The filter that a cursor keeps, compiled. `text` NULL gives NULL. */
MUST_CHECK enum status cursor_filter_compile(const char *text, struct filter **filter, struct error *error);

struct events_get_request {
    uint64_t after, limit;
    struct filter *filter; /* owned */
    enum subscriber_format format;
};
MUST_CHECK enum status events_get_request_read(const json_t *params, struct events_get_request *request,
                                               struct error *error);

#endif
