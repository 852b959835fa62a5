/* Two ways to gather: lines that are sent as they lie in the ring, by reference; and lines that are
 * rendered for this subscriber (read from the database, in another format, or with the number of the
 * subscription). */
#include "api/subscriber.h"

#include <inttypes.h>
#include <string.h>

#include "api/cloudevents.h"
#include "kernel/event.h"

void turn_open(struct turn *turn)
{
    turn->piece_count = turn->line_count = turn->bytes = 0;
    buffer_init(&turn->text);
    buffer_init(&turn->line);
    buffer_init(&turn->scratch);
}

void turn_close(struct turn *turn)
{
    buffer_close(&turn->text);
    buffer_close(&turn->line);
    buffer_close(&turn->scratch);
}

static uint64_t last_wanted(const struct subscriber *s, uint64_t head)
{
    return s->until != 0 && s->until < head ? s->until : head;
}

bool subscriber_is_over(const struct subscriber *s)
{
    return s->until != 0 && s->next > s->until;
}

bool subscriber_has_work(const struct subscriber *s, uint64_t head)
{
    return s->lost_from != 0 || subscriber_is_over(s) || (s->credit > 0 && s->next <= last_wanted(s, head));
}

/* --- gathering -------------------------------------------------------------------------------- */
static void turn_begin(struct turn *turn, uint64_t next)
{
    turn->piece_count = turn->line_count = turn->bytes = 0;
    turn->next = next;
    buffer_clear(&turn->text);
}

static void note_line(struct turn *turn, uint64_t seq, size_t size)
{
    turn->bytes += size;
    turn->lines[turn->line_count++] = (struct turn_line){ .end = turn->bytes, .seq = seq };
}

static bool turn_is_full(const struct subscriber *s, const struct turn *turn)
{
    return turn->bytes >= TURN_BYTES || turn->line_count == TURN_LINES || turn->line_count >= s->credit;
}

static bool entry_wanted(const struct subscriber *s, const struct ring_entry *entry, const uint8_t *line)
{
    if (s->filter == NULL)
        return true;
    struct bytes subject = bytes_of(line + entry->subject_offset, entry->subject_size);
    if (entry->type != RING_NO_TYPE)
        return filter_matches(s->filter, entry->type, subject);
    struct line_parts parts;
    bool parsed = line_parse((const char *)line, entry->size, &parts);
    INVARIANT(parsed && parts.type.size <= EVENT_TYPE_MAX, "the ring holds a line that is no event line");
    char type[EVENT_TYPE_MAX + 1] = { 0 };
    memcpy(type, parts.type.data, parts.type.size);
    return filter_matches_name(s->filter, type, subject);
}

/* By reference: adjacent lines become one piece. */
static void gather_pieces(const struct subscriber *s, const struct ring *ring, struct turn *turn)
{
    uint64_t last = last_wanted(s, ring->head);
    uint64_t scan_end = s->next + TURN_SCAN;
    const uint8_t *end = NULL; /* of the newest piece */
    while (turn->next <= last && turn->next < scan_end && !turn_is_full(s, turn)) {
        const struct ring_entry *entry = ring_entry(ring, turn->next);
        const uint8_t *line = ring_line(ring, entry);
        if (entry_wanted(s, entry, line)) {
            if (line != end) {
                if (turn->piece_count == TURN_PIECES)
                    return;
                turn->pieces[turn->piece_count++].iov_base = (void *)line;
                turn->pieces[turn->piece_count - 1].iov_len = 0;
            }
            turn->pieces[turn->piece_count - 1].iov_len += entry->size;
            end = line + entry->size;
            note_line(turn, turn->next, entry->size);
        }
        turn->next++;
    }
}

/* The line in the subscriber's own form, appended to turn->text. */
static void render(const struct subscriber *s, struct turn *turn, const char *line, size_t size, uint64_t seq)
{
    size_t before = turn->text.size;
    if (s->prefixed)
        buffer_append_format(&turn->text, "{\"sub\":%" PRIu32 ",", s->id);
    size_t object = turn->text.size;
    struct line_parts parts;
    switch (s->format) {
    case FORMAT_NATIVE:
        buffer_append(&turn->text, line + s->prefixed, size - s->prefixed);
        break;
    case FORMAT_CLOUDEVENTS:
    case FORMAT_NOTIFY:
        INVARIANT(line_parse(line, size, &parts), "event %" PRIu64 " is not in the form of an event line",
                  seq);
        if (s->format == FORMAT_NOTIFY)
            notice_write(&turn->text, &parts);
        else
            cloudevent_write(&turn->text, &parts, s->node_id);
        buffer_append(&turn->text, "\n", 1);
        if (s->prefixed) { /* the brace of the object is there already: the comma takes its place */
            memmove(turn->text.data + object, turn->text.data + object + 1, turn->text.size - object - 1);
            turn->text.size--;
        }
        break;
    }
    note_line(turn, seq, turn->text.size - before);
}

static void gather_rendered(const struct subscriber *s, const struct ring *ring, struct turn *turn)
{
    uint64_t last = last_wanted(s, ring->head);
    uint64_t scan_end = s->next + TURN_SCAN;
    while (turn->next <= last && turn->next < scan_end && !turn_is_full(s, turn)) {
        const struct ring_entry *entry = ring_entry(ring, turn->next);
        const uint8_t *line = ring_line(ring, entry);
        if (entry_wanted(s, entry, line))
            render(s, turn, (const char *)line, entry->size, turn->next);
        turn->next++;
    }
}

struct replay {
    const struct subscriber *subscriber;
    struct turn *turn;
};

static bool event_wanted(const struct subscriber *s, const struct event *event, int type, struct turn *turn)
{
    if (s->filter == NULL)
        return true;
    struct bytes subject = filter_subject(event->subject, &turn->scratch);
    return type >= 0 ? filter_matches(s->filter, type, subject)
                     : filter_matches_name(s->filter, event->type, subject);
}

static bool replay_event(void *context, const struct event *event)
{
    const struct replay *replay = context;
    const struct subscriber *s = replay->subscriber;
    struct turn *turn = replay->turn;
    INVARIANT(event->seq == turn->next, "event %" PRIu64 " came where %" PRIu64 " was to come",
              event->seq, turn->next);
    int type = catalogue_index(event->type);
    if (event_wanted(s, event, type, turn)) {
        unsigned version = type >= 0 ? event_type_at((size_t)type)->version : 1;
        if (s->format == FORMAT_NATIVE && !s->prefixed) {
            size_t before = turn->text.size;
            event_line(event, version, &turn->text);
            note_line(turn, event->seq, turn->text.size - before);
        } else {
            buffer_clear(&turn->line);
            event_line(event, version, &turn->line);
            render(s, turn, (const char *)turn->line.data, turn->line.size, event->seq);
        }
    }
    turn->next++;
    return !turn_is_full(s, turn);
}

static enum status gather_replay(struct subscriber *s, const struct ring *ring,
                                 const struct event_source *source, struct turn *turn,
                                 struct error *error)
{
    s->replaying = true;
    uint64_t left = last_wanted(s, ring->head) - s->next + 1;
    struct replay replay = { s, turn };
    TRY(source->read(source->context, s->next - 1, left < TURN_ROWS ? left : TURN_ROWS, replay_event,
                     &replay, error));
    if (turn->next == s->next)
        return error_set(error, ERROR_STORAGE,
                         "event %" PRIu64 " could not be read; the head is %" PRIu64, s->next,
                         ring->head);
    return OK;
}

enum status subscriber_gather(struct subscriber *s, const struct ring *ring,
                              const struct event_source *source, struct turn *turn, struct error *error)
{
    turn_begin(turn, s->next);
    if (s->credit == 0 || s->next > last_wanted(s, ring->head))
        return OK;
    if (s->next < ring->tail)
        TRY(gather_replay(s, ring, source, turn, error));
    else if (s->format == FORMAT_NATIVE && !s->prefixed)
        gather_pieces(s, ring, turn);
    else
        gather_rendered(s, ring, turn);

    if (turn->piece_count == 0 && turn->text.size > 0) {
        turn->pieces[0] = (struct iovec){ turn->text.data, turn->text.size };
        turn->piece_count = 1;
    }
    return OK;
}

bool subscriber_may_take_page(const struct subscriber *s, const struct ring *ring)
{
    return s->format == FORMAT_NATIVE && !s->prefixed && s->filter == NULL && s->credit > 0
           && s->next < ring->tail && s->next <= last_wanted(s, ring->head);
}

void subscriber_take_page(struct subscriber *s, const struct ring *ring, const struct turn *page,
                          struct turn *turn)
{
    uint64_t first = page->lines[0].seq, last = last_wanted(s, ring->head);
    size_t line = (size_t)(s->next - first), start = line == 0 ? 0 : page->lines[line - 1].end;

    INVARIANT(page->next - first == page->line_count, "a page leaves events out");
    turn_begin(turn, s->next);
    s->replaying = true;
    for (; turn->next < page->next && turn->next <= last && !turn_is_full(s, turn); line++) {
        note_line(turn, turn->next, page->lines[line].end - start - turn->bytes);
        turn->next++;
    }
    turn->pieces[turn->piece_count++] = (struct iovec){ page->text.data + start, turn->bytes };
}

/* --- advancing -------------------------------------------------------------------------------- */
/* Bytes from … to of the turn, wherever they lie. */
static void copy_range(const struct turn *turn, size_t from, size_t to, struct buffer *out)
{
    size_t start = 0;
    for (size_t i = 0; i < turn->piece_count && start < to; i++) {
        size_t size = turn->pieces[i].iov_len, end = start + size;
        if (end > from) {
            size_t first = from > start ? from - start : 0;
            size_t behind = end < to ? size : to - start;
            buffer_append(out, (const uint8_t *)turn->pieces[i].iov_base + first, behind - first);
        }
        start = end;
    }
}

/* The number of lines that end at or before `bytes`. */
static size_t whole_lines(const struct turn *turn, size_t bytes)
{
    size_t low = 0, high = turn->line_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (turn->lines[middle].end <= bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t subscriber_advance(struct subscriber *s, const struct turn *turn, size_t sent, struct buffer *rest)
{
    INVARIANT(sent <= turn->bytes, "%zu bytes sent of %zu", sent, turn->bytes);
    size_t lines = whole_lines(turn, sent);
    size_t whole = lines == 0 ? 0 : turn->lines[lines - 1].end;
    if (sent > whole) { /* a line was cut: it counts as sent, and its rest goes first next time */
        copy_range(turn, sent, turn->lines[lines].end, rest);
        lines++;
    }
    s->next = lines == turn->line_count ? turn->next : turn->lines[lines].seq;
    if (lines > 0)
        s->reported = turn->lines[lines - 1].seq;
    if (s->credit != NO_WINDOW)
        s->credit -= lines;
    return lines;
}

/* --- lines about the stream ------------------------------------------------------------------- */
static void line_begin(const struct subscriber *s, struct buffer *out)
{
    if (s->prefixed)
        buffer_append_format(out, "{\"sub\":%" PRIu32 ",", s->id);
    else
        buffer_append(out, "{", 1);
}

void subscriber_tell_lost(struct subscriber *s, struct buffer *out)
{
    if (s->lost_from == 0)
        return;
    line_begin(s, out);
    buffer_append_format(out, "\"lost\":{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"why\":\"skip\"}}\n",
                         s->lost_from, s->next - 1);
    s->lost_from = 0;
    s->reported = s->next - 1;
}

void subscriber_tell(struct subscriber *s, uint64_t head, bool tick, struct buffer *out)
{
    uint64_t examined = s->next - 1;
    if (s->replaying && s->next > head && !subscriber_is_over(s)) {
        line_begin(s, out);
        buffer_append_format(out, "\"caught_up\":%" PRIu64 "}\n", examined);
        s->reported = examined;
        s->replaying = false;
        s->was_live = true;
    } else if (examined - s->reported >= PROGRESS_EVENTS || (tick && examined > s->reported)) {
        line_begin(s, out);
        buffer_append_format(out, "\"progress\":%" PRIu64 "}\n", examined);
        s->reported = examined;
    }
}

void subscriber_heartbeat(const struct subscriber *s, uint64_t head, int64_t now_us, struct buffer *out)
{
    line_begin(s, out);
    buffer_append_format(out, "\"heartbeat\":%" PRIu64 ",\"ts\":%" PRId64 "}\n", head, now_us);
}

void subscriber_end(const struct subscriber *s, const char *why, struct buffer *out)
{
    buffer_append_format(out, "{\"end\":{\"sub\":%" PRIu32 ",\"why\":\"%s\",\"next\":%" PRIu64 "}}\n",
                         s->id, why, s->next);
}

uint64_t subscriber_lag(const struct subscriber *s, uint64_t head)
{
    return s->next > head ? 0 : head - s->next + 1;
}

void subscriber_skip(struct subscriber *s, uint64_t head)
{
    if (s->next > head)
        return;
    if (s->lost_from == 0)
        s->lost_from = s->next;
    s->next = head + 1;
}
