/* Reading events, and the line in which they are handed out. */
#include "store/event_log.h"

#include <string.h>

#define LINE_FRAME_BYTES 512  /* keys, numbers, hash and punctuation: about 230 */
#define ESCAPED_BYTES_MAX 6   /* one character as \u00XX */

/* --- the line --------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

#define PUT_LITERAL(at, literal) put(at, literal, sizeof(literal) - 1)

static uint8_t *put_number(uint8_t *at, uint64_t value)
{
    return at + decimal_encode((char *)at, value);
}

/* Subjects are plain in practice; what JSON forbids in a string is escaped all the same. */
static uint8_t *put_escaped(uint8_t *at, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t character = (uint8_t)*text;

        if (character < 0x20) {
            at = PUT_LITERAL(at, "\\u00");
            hex_encode((char *)at, &character, 1);
            at += 2;
            continue;
        }
        if (character == '"' || character == '\\')
            *at++ = '\\';
        *at++ = character;
    }
    return at;
}

size_t event_line(const struct event *event, unsigned version, struct buffer *out)
{
    size_t subject = 0;
    size_t type_size = strlen(event->type);
    size_t subject_most = event->subject == NULL ? 0 : strlen(event->subject) * ESCAPED_BYTES_MAX;
    uint8_t *start = buffer_reserve(out, LINE_FRAME_BYTES + type_size + subject_most + event->body.size);
    uint8_t *at = start;

    at = PUT_LITERAL(at, "{\"seq\":");
    at = put_number(at, event->seq);
    at = PUT_LITERAL(at, ",\"block\":");
    at = put_number(at, event->block);
    at = PUT_LITERAL(at, ",\"ts\":");
    at = put_number(at, (uint64_t)event->time_us);
    at = PUT_LITERAL(at, ",\"type\":\"");
    at = put(at, event->type, type_size);
    at = PUT_LITERAL(at, "\",\"v\":");
    at = put_number(at, version);
    if (event->subject != NULL) {
        at = PUT_LITERAL(at, ",\"subject\":\"");
        subject = (size_t)(at - start);
        at = put_escaped(at, event->subject);
        *at++ = '"';
    }
    at = PUT_LITERAL(at, ",\"data\":");
    at = put(at, event->body.data, event->body.size);
    at = event->last ? PUT_LITERAL(at, ",\"last\":true") : PUT_LITERAL(at, ",\"last\":false");
    at = PUT_LITERAL(at, ",\"hash\":\"");
    hex_encode((char *)at, event->hash.bytes, sizeof(event->hash.bytes));
    at += 2 * sizeof(event->hash.bytes);
    at = PUT_LITERAL(at, "\"}\n");
    out->size += (size_t)(at - start);
    return subject;
}

/* --- rows ------------------------------------------------------------------------------------- */

void event_reader_begin(struct event_reader *reader, struct database *database, uint64_t after,
                        uint64_t limit)
{
    struct statement *s = statement(database, "SELECT seq, block, time_us, type, subject, body, last, hash"
                                              " FROM event WHERE seq > ? ORDER BY seq LIMIT ?");

    bind_integer(s, (int64_t)(after > INT64_MAX ? INT64_MAX : after));
    bind_integer(s, (int64_t)(limit > INT64_MAX ? INT64_MAX : limit));
    reader->statement = s;
}

/* A text column whose whole value is the C string that we see: what hides behind a zero byte would escape
 * the hash. */
static bool whole_text(struct bytes column)
{
    return column.data == NULL || strlen((const char *)column.data) == column.size;
}

bool event_reader_next(struct event_reader *reader, struct event *event)
{
    struct statement *s = reader->statement;
    struct bytes type, subject, hash;

    if (s == NULL || !statement_row(s)) {
        reader->statement = NULL;
        return false;
    }
    event->seq = (uint64_t)column_integer(s, "seq");
    event->block = (uint64_t)column_integer(s, "block");
    event->time_us = column_integer(s, "time_us");
    type = column_text_sized(s, "type");
    subject = column_text_sized(s, "subject");
    event->type = type.data == NULL ? "" : (const char *)type.data;
    event->subject = (const char *)subject.data;
    event->body = column_blob(s, "body");
    event->last = column_integer(s, "last") != 0;
    hash = column_blob(s, "hash");
    if (hash.size == sizeof(event->hash.bytes) && whole_text(type) && whole_text(subject))
        memcpy(event->hash.bytes, hash.data, hash.size);
    else
        memset(event->hash.bytes, 0, sizeof(event->hash.bytes)); /* matches no event: verify will name it */
    return true;
}

void event_reader_end(struct event_reader *reader)
{
    if (reader->statement != NULL)
        statement_finish(reader->statement);
    reader->statement = NULL;
}

bool event_read(struct database *database, uint64_t seq, struct hash *hash, int64_t *time_us)
{
    struct statement *s = statement(database, "SELECT hash, time_us FROM event WHERE seq = ?");
    struct bytes stored;

    if (seq > INT64_MAX)
        return false;
    bind_integer(s, (int64_t)seq);
    if (!statement_row(s))
        return false;
    stored = column_blob(s, "hash");
    if (hash != NULL)
        memset(hash->bytes, 0, sizeof(hash->bytes));
    if (hash != NULL && stored.size == sizeof(hash->bytes))
        memcpy(hash->bytes, stored.data, stored.size);
    if (time_us != NULL)
        *time_us = column_integer(s, "time_us");
    statement_finish(s);
    return true;
}

uint64_t event_head(struct database *database)
{
    struct statement *s = statement(database, "SELECT seq FROM event ORDER BY seq DESC LIMIT 1");
    uint64_t head = 0;

    if (statement_row(s)) {
        head = (uint64_t)column_integer(s, "seq");
        statement_finish(s);
    }
    return head;
}

uint64_t event_before_time(struct database *database, int64_t time_us)
{
    uint64_t low = 0, high = event_head(database); /* the answer lies in low … high */

    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        int64_t at = INT64_MAX;

        if (event_read(database, middle, NULL, &at) && at < time_us)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
