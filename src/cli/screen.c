/* Escapes on their way to a terminal: see screen.h. */
#include "cli/screen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"

static struct screen screens[2]; /* standard output and standard error, where these are terminals */
static size_t screen_count;

/* The bytes of the character that this lead byte begins; 1 for what begins none. */
static size_t announced(char lead)
{
    unsigned char byte = (unsigned char)lead;
    return byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
}

static uint32_t code_point(const char *text, size_t size)
{
    const unsigned char *in = (const unsigned char *)text;
    if (size == 1)
        return in[0];
    if (size == 2)
        return (uint32_t)(in[0] & 0x1f) << 6 | (in[1] & 0x3f);
    return (uint32_t)(in[0] & 0x0f) << 12 | (uint32_t)(in[1] & 0x3f) << 6 | (in[2] & 0x3f);
}

static bool is_layout(const char *text, size_t left)
{
    return text[0] == '\n' || text[0] == '\t' || (text[0] == '\r' && left > 1 && text[1] == '\n');
}

/* One character; how many bytes it took. */
static size_t escape_one(const char *text, size_t left, struct buffer *out)
{
    size_t size = utf8_character_size(text, left);
    if (size == 0) {
        buffer_append_format(out, "\\x%02x", (unsigned char)text[0]);
        return 1;
    }
    if (utf8_steers(text, size) && !is_layout(text, left))
        buffer_append_format(out, "\\u%04x", code_point(text, size));
    else
        buffer_append(out, text, size);
    return size;
}

/* Whether what is left may be the beginning of something longer: of a character, or of a line's end. */
static bool may_grow(const char *text, size_t left)
{
    if (left == 1 && text[0] == '\r')
        return true;
    if (left >= announced(text[0]))
        return false;
    for (size_t i = 1; i < left; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return false;
    return true;
}

void screen_escape(struct screen *screen, const char *bytes, size_t size, struct buffer *out)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    size_t at = 0;

    buffer_init(&text);
    buffer_append(&text, screen->held, screen->held_size);
    buffer_append(&text, bytes, size);
    screen->held_size = 0;
    const char *all = buffer_text(&text);
    while (at < text.size && !may_grow(all + at, text.size - at))
        at += escape_one(all + at, text.size - at, out);
    screen->held_size = text.size - at;
    INVARIANT(screen->held_size < sizeof screen->held, "less than one character waits");
    memcpy(screen->held, all + at, screen->held_size);
}

void screen_rest(struct screen *screen, struct buffer *out)
{
    for (size_t at = 0; at < screen->held_size;)
        at += escape_one(screen->held + at, screen->held_size - at, out);
    screen->held_size = 0;
}

/* --- in place of the streams ---------------------------------------------------------------------- */

static bool write_all(int descriptor, const struct buffer *text)
{
    for (size_t at = 0; at < text->size;) {
        ssize_t written = write(descriptor, text->data + at, text->size - at);
        if (written < 0 && errno != EINTR)
            return false;
        at += written < 0 ? 0 : (size_t)written;
    }
    return true;
}

static ssize_t write_escaped(void *cookie, const char *bytes, size_t size)
{
    struct screen *screen = cookie;
    struct buffer out CLEANUP(buffer_close) = { 0 };

    buffer_init(&out);
    screen_escape(screen, bytes, size, &out);
    return write_all(screen->descriptor, &out) ? (ssize_t)size : 0;
}

static void put_before(FILE **stream, int descriptor, int buffering)
{
    cookie_io_functions_t functions = { .write = write_escaped };

    if (!isatty(descriptor))
        return;
    screens[screen_count].descriptor = descriptor;
    FILE *guarded = fopencookie(&screens[screen_count], "w", functions);
    if (guarded == NULL)
        resource_exhausted("memory");
    setvbuf(guarded, NULL, buffering, BUFSIZ);
    screen_count++;
    *stream = guarded;
}

void screen_begin(void)
{
    put_before(&stdout, STDOUT_FILENO, _IOLBF);
    put_before(&stderr, STDERR_FILENO, _IONBF);
}

bool screen_end(void)
{
    bool good = true;
    for (size_t i = 0; i < screen_count; i++) {
        struct buffer out CLEANUP(buffer_close) = { 0 };
        buffer_init(&out);
        screen_rest(&screens[i], &out);
        good &= write_all(screens[i].descriptor, &out);
    }
    return good;
}
