/* Event lines have one fixed form, so reading them back is a matter of literals in order; no JSON parser
 * is needed. */
#include "api/cloudevents.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

#define HASH_DIGITS 64
#define TYPE_PREFIX "layerd."

struct scanner {
    const char *at, *end;
};

static bool literal(struct scanner *s, const char *text)
{
    size_t size = strlen(text);
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, text, size) != 0)
        return false;
    s->at += size;
    return true;
}

static bool number(struct scanner *s, uint64_t *value)
{
    const char *start = s->at;
    uint64_t sum = 0;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        if (sum > INTEGER_MAX)
            return false;
        sum = sum * 10 + (uint64_t)(*s->at++ - '0');
    }
    *value = sum;
    return s->at > start && sum <= INTEGER_MAX;
}

/* A JSON string from its first character on, to behind its closing quote. */
static bool string(struct scanner *s, struct bytes *text)
{
    const char *start = s->at;
    for (; s->at < s->end && *s->at != '"'; s->at++)
        if (*s->at == '\\')
            s->at++;
    if (s->at >= s->end)
        return false;
    *text = bytes_of(start, (size_t)(s->at++ - start));
    return true;
}

/* From the end: ,"last":true,"hash":"…"} behind the data, whose own text may hold anything. */
static bool parse_tail(struct scanner *s, struct line_parts *parts)
{
    static const char on[] = ",\"last\":true,\"hash\":\"", off[] = ",\"last\":false,\"hash\":\"";
    size_t ending = HASH_DIGITS + 2; /* "} */
    size_t left = (size_t)(s->end - s->at);
    parts->last = left > ending + strlen(on) && memcmp(s->end - ending - strlen(on), on, strlen(on)) == 0;
    size_t tail = ending + (parts->last ? strlen(on) : strlen(off));
    if (left <= tail)
        return false;
    struct scanner after = { s->end - tail, s->end };
    parts->data = bytes_of(s->at, left - tail);
    return literal(&after, parts->last ? on : off) && string(&after, &parts->hash)
           && parts->hash.size == HASH_DIGITS && literal(&after, "}") && after.at == after.end;
}

bool line_parse(const char *line, size_t size, struct line_parts *parts)
{
    if (size > 0 && line[size - 1] == '\n')
        size--;
    struct scanner s = { line, line + size };
    uint64_t time_us, version;
    *parts = (struct line_parts){ 0 };
    bool head = literal(&s, "{\"seq\":") && number(&s, &parts->seq) && literal(&s, ",\"block\":")
                && number(&s, &parts->block) && literal(&s, ",\"ts\":") && number(&s, &time_us)
                && literal(&s, ",\"type\":\"") && string(&s, &parts->type) && literal(&s, ",\"v\":")
                && number(&s, &version);
    if (!head)
        return false;
    parts->time_us = (int64_t)time_us;
    parts->version = (unsigned)version;
    if (literal(&s, ",\"subject\":\"") && !string(&s, &parts->subject))
        return false;
    return literal(&s, ",\"data\":") && parse_tail(&s, parts);
}

static void append_bytes(struct buffer *out, struct bytes text)
{
    buffer_append(out, text.data, text.size);
}

void cloudevent_write(struct buffer *out, const struct line_parts *parts, const char *node_id)
{
    char time[TIME_TEXT_MAX];
    time_text(time, parts->time_us);
    buffer_append_format(out,
                         "{\"specversion\":\"1.0\",\"id\":\"%" PRIu64
                         "\",\"source\":\"/node/%s\",\"type\":\"" TYPE_PREFIX,
                         parts->seq, node_id);
    append_bytes(out, parts->type);
    buffer_append_format(out, ".v%u\"", parts->version);
    if (parts->subject.size > 0) {
        buffer_append_text(out, ",\"subject\":\"");
        append_bytes(out, parts->subject);
        buffer_append_text(out, "\"");
    }
    /* The sequence extension sorts as text, so it has the digits of the largest seq. */
    buffer_append_format(
        out,
        ",\"time\":\"%s\",\"datacontenttype\":\"application/json\",\"sequence\":\"%016" PRIu64
        "\",\"block\":\"%" PRIu64 "\",\"last\":%s,\"hash\":\"",
        time, parts->seq, parts->block, parts->last ? "true" : "false");
    append_bytes(out, parts->hash);
    buffer_append_text(out, "\",\"data\":");
    append_bytes(out, parts->data);
    buffer_append_text(out, "}");
}

void notice_write(struct buffer *out, const struct line_parts *parts)
{
    buffer_append_format(out, "{\"seq\":%" PRIu64 ",\"type\":\"", parts->seq);
    append_bytes(out, parts->type);
    buffer_append_text(out, "\"}");
}
