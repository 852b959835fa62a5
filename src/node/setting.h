/* The settings of layerd, each declared once: name, environment variable, type, default, range, help. From
 * this table come the parsing and checking of all sources, --help, --print-config,
 * contrib/layerd.conf.example and layerd.conf(5). */
#ifndef NODE_SETTING_H
#define NODE_SETTING_H

#include "node/config.h"

enum setting_type {
    SETTING_BOOLEAN,  /* bool */
    SETTING_INTEGER,  /* uint64_t */
    SETTING_BYTES,    /* uint64_t; "4096", "64KiB", "256MiB", "2GiB" */
    SETTING_DURATION, /* int64_t µs; "250us", "500ms", "30s", "10m", "2h", "7d" */
    SETTING_CHOICE,   /* const char *, one of the choices' own strings */
    SETTING_TEXT,     /* char *, owned; NULL when empty */
    SETTING_PATH,     /* char *, owned and absolute; NULL when empty */
};

struct setting {
    const char *name;        /* "queue-size": in the file, and --queue-size */
    const char *environment; /* "LAYER2_QUEUE_SIZE"; NULL: none */
    enum setting_type type;
    size_t offset;           /* in struct config */
    const char *fallback;    /* the default, as one would write it; "" for none */
    const char *fallback_help; /* what an empty or 0 default means; NULL: it speaks for itself */
    uint64_t least, most;    /* of integers, bytes and durations (µs) */
    const char *const *choices; /* ends with NULL */
    const char *help;
};

extern const struct setting settings[];
extern const size_t settings_count;

/* NULL: there is none. */
const struct setting *setting_find(const char *name, size_t length);

/* The name nearest to `name` by edit distance, if one is near enough to be what was meant; NULL otherwise. */
const char *suggestion(const char *name, size_t length, const char *(*candidate)(size_t index), size_t count);
const char *setting_suggestion(const char *name, size_t length);
const char *environment_suggestion(const char *name, size_t length);

/* Reads one value into its field. ERROR_INVALID_PARAMS: the message starts with the setting's name. */
MUST_CHECK enum status setting_parse(const struct setting *setting, const char *text, struct config *config,
                                     struct error *error);
/* Writes the field's value as one would write it. */
void setting_format(const struct setting *setting, const struct config *config, struct buffer *out);
/* "1 to 4096", "64MiB to 1TiB", "dev, test or main"; nothing for free text. */
void setting_range(const struct setting *setting, struct buffer *out);

#endif
