/* From a line of the stream to struct layerd_event: see event.h. */
#include "client/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/failure.h"

/* The members that may stand in a line; absent ones have text NULL. */
struct members {
    struct slice seq, block, ts, type, v, subject, data, last, hash;
    struct slice caught_up, progress, heartbeat, lost, end;
    struct slice specversion, id, time;
};

static struct slice *member_of(struct members *m, struct slice key)
{
    const struct {
        const char *name;
        struct slice *place;
    } known[] = {
        { "seq", &m->seq },
        { "block", &m->block },
        { "ts", &m->ts },
        { "type", &m->type },
        { "v", &m->v },
        { "subject", &m->subject },
        { "data", &m->data },
        { "last", &m->last },
        { "hash", &m->hash },
        { "caught_up", &m->caught_up },
        { "progress", &m->progress },
        { "heartbeat", &m->heartbeat },
        { "lost", &m->lost },
        { "end", &m->end },
        { "specversion", &m->specversion },
        { "id", &m->id },
        { "time", &m->time },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (key_is(key, known[i].name))
            return known[i].place;
    return NULL;
}

static bool read_members(struct slice line, struct members *members)
{
    struct scan scan;
    struct slice key, value;
    enum scan_step step;

    if (!scan_object(&scan, line))
        return false;
    while ((step = scan_member(&scan, &key, &value)) == SCAN_ITEM) {
        struct slice *place = member_of(members, key);
        if (place != NULL)
            *place = value;
    }
    return step == SCAN_END;
}

/* Copies into storage, which has room already: earlier pieces must not move. */
static const char *keep(struct buffer *storage, struct slice slice)
{
    const char *kept = (const char *)storage->data + storage->size;
    buffer_append(storage, slice.text, slice.size);
    buffer_append(storage, "", 1);
    return kept;
}

/* An absent string gives NULL and is fine; a value that is no string is not. */
static bool keep_string(struct buffer *storage, struct slice slice, const char **text)
{
    if (slice.text == NULL)
        return true;
    const char *kept = (const char *)storage->data + storage->size;
    if (!slice_string(slice, storage))
        return false;
    *text = kept;
    return true;
}

static bool read_lost(struct slice lost, struct buffer *storage, struct layerd_event *event)
{
    event->kind = LAYERD_LOST;
    return slice_unsigned(slice_member(lost, "from"), &event->first)
           && slice_unsigned(slice_member(lost, "to"), &event->seq)
           && keep_string(storage, slice_member(lost, "why"), &event->why);
}

static bool read_end(struct slice end, struct buffer *storage, struct layerd_event *event)
{
    struct slice next = slice_member(end, "next");
    event->kind = LAYERD_END;
    if (next.text != NULL && !slice_unsigned(next, &event->seq))
        return false;
    return keep_string(storage, slice_member(end, "why"), &event->why);
}

static bool read_mark(const struct members *m, struct buffer *storage, struct layerd_event *event)
{
    if (m->lost.text != NULL)
        return read_lost(m->lost, storage, event);
    if (m->end.text != NULL)
        return read_end(m->end, storage, event);
    if (m->ts.text != NULL && !slice_signed(m->ts, &event->time_us))
        return false;
    if (m->caught_up.text != NULL) {
        event->kind = LAYERD_CAUGHT_UP;
        return slice_unsigned(m->caught_up, &event->seq);
    }
    if (m->progress.text != NULL) {
        event->kind = LAYERD_PROGRESS;
        return slice_unsigned(m->progress, &event->seq);
    }
    event->kind = LAYERD_HEARTBEAT;
    return m->heartbeat.text != NULL && slice_unsigned(m->heartbeat, &event->seq);
}

/* The parts that both formats have alike. */
static bool read_common(const struct members *m, struct buffer *storage, struct layerd_event *event)
{
    uint64_t version = 1;
    event->kind = LAYERD_EVENT;
    event->last = m->last.text != NULL && slice_is(m->last, "true");
    if ((m->block.text != NULL && !slice_unsigned(m->block, &event->block))
        || (m->v.text != NULL && (!slice_unsigned(m->v, &version) || version > UINT32_MAX)))
        return false;
    event->version = (unsigned)version;
    if (m->data.text != NULL)
        event->data = keep(storage, m->data);
    return keep_string(storage, m->type, &event->type) && keep_string(storage, m->subject, &event->subject)
           && keep_string(storage, m->hash, &event->hash) && event->type != NULL && event->data != NULL;
}

static bool read_native(const struct members *m, struct buffer *storage, struct layerd_event *event)
{
    return slice_unsigned(m->seq, &event->seq) && slice_signed(m->ts, &event->time_us)
           && m->block.text != NULL && m->hash.text != NULL && read_common(m, storage, event);
}

static struct slice without_quotes(struct slice slice)
{
    return slice_is_string(slice) ? (struct slice){ slice.text + 1, slice.size - 2 } : slice;
}

/* CloudEvents 1.0 §3.1: id, time and numbers of more than 32 bits are strings. */
static bool read_cloudevent(struct members *m, struct buffer *storage, struct layerd_event *event)
{
    const char *time = NULL;
    m->block = without_quotes(m->block);
    return slice_unsigned(without_quotes(m->id), &event->seq) && keep_string(storage, m->time, &time)
           && (time == NULL || time_parse(time, &event->time_us)) && read_common(m, storage, event);
}

bool event_read(struct slice line, struct buffer *storage, struct layerd_event *event)
{
    struct members members = { .seq = { NULL, 0 } };
    struct layerd_event read = { .kind = LAYERD_EVENT };

    if (!read_members(line, &members))
        return false;
    /* The pieces kept are disjoint parts of the line, none longer than in it but for its final zero. */
    buffer_clear(storage);
    buffer_reserve(storage, 2 * line.size + 16);
    read.line = keep(storage, line);
    bool good = members.specversion.text != NULL ? read_cloudevent(&members, storage, &read)
                : members.type.text != NULL      ? read_native(&members, storage, &read)
                                                 : read_mark(&members, storage, &read);
    if (good)
        *event = read;
    return good;
}

enum layerd_error layerd_event_parse(const char *line, struct layerd_event *event, void **storage,
                                     struct layerd_failure *failure)
{
    struct buffer kept;
    struct slice value;
    struct error error;

    buffer_init(&kept);
    if (scan_value(line, strlen(line), &value) && event_read(value, &kept, event)) {
        *storage = kept.data;
        return LAYERD_OK;
    }
    buffer_close(&kept);
    return failure_report(
        failure, error_set(&error, ERROR_PROTOCOL, "not a line of an event stream: %.80s", line), &error);
}
