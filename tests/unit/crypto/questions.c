/* See questions.h. */
#include "questions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define LINE_MAX_BYTES (1 << 20)

struct arena words;

_Noreturn void fail(const char *reason)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, reason);
    exit(1);
}

char *word(char **rest)
{
    char *found = strsep(rest, " \n");

    if (found == NULL || found[0] == '\0')
        fail("a word is missing");
    return found;
}

bool more(char **rest)
{
    return *rest != NULL && (*rest)[0] != '\0' && (*rest)[0] != '\n';
}

struct bytes bytes_word(char **rest)
{
    const char *hex = word(rest);
    size_t size = hex[0] == '-' ? 0 : strlen(hex) / 2;
    uint8_t *data = arena_new(&words, size + 1);

    if (size > 0 && !hex_decode(data, size, hex, strlen(hex)))
        fail("not hex");
    return bytes_of(data, size);
}

void fixed_word(char **rest, void *out, size_t size)
{
    struct bytes bytes = bytes_word(rest);

    if (bytes.size != size)
        fail("bytes of a wrong length");
    memcpy(out, bytes.data, size);
}

uint64_t number_word(char **rest)
{
    return strtoull(word(rest), NULL, 10);
}

void answer_bytes(const void *data, size_t size)
{
    CLEANUP(buffer_close) struct buffer text = { 0 };

    buffer_init(&text);
    buffer_append_hex(&text, data, size);
    puts(buffer_text(&text));
}

void answer_hashes(const struct hash *hashes, size_t count)
{
    char hex[65];

    for (size_t i = 0; i < count; i++) {
        hex_text(hex, hashes[i].bytes, sizeof hashes[i].bytes);
        printf("%s%c", hex, i + 1 < count ? ' ' : '\n');
    }
}

void questions_answer(bool (*question)(const char *what, char **rest))
{
    AUTO_FREE char *line = memory_new(LINE_MAX_BYTES);

    arena_init(&words);
    while (fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
        char *rest = line;
        const char *what = word(&rest);

        if (!question(what, &rest))
            fail("not a question");
        fflush(stdout);
        arena_reset(&words);
    }
    arena_close(&words);
}
