/* Four views of one table. */
#include "node/config_print.h"

#include <string.h>

#include "base/memory.h"
#include "node/setting.h"

#define TEXT_WIDTH 100 /* columns of the example file and of --help */
#define VALUE_COLUMN 40

/* Appends `text` in lines of at most TEXT_WIDTH columns, each behind `margin`. */
static void append_wrapped(struct buffer *out, const char *margin, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column == 0) {
            buffer_append_text(out, margin);
            column = strlen(margin);
        } else if (column + 1 + word > TEXT_WIDTH) {
            buffer_append_format(out, "\n%s", margin);
            column = strlen(margin);
        } else {
            buffer_append_text(out, " ");
            column++;
        }
        buffer_append(out, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    buffer_append_text(out, "\n");
}

/* "default 256MiB; 32MiB to 1TiB; environment LAYER2_MEMORY_LIMIT" */
static void append_facts(struct buffer *out, const struct setting *setting)
{
    size_t before;

    if (setting->fallback_help != NULL)
        buffer_append_format(out, "default %s%s%s", setting->fallback,
                             setting->fallback[0] == '\0' ? "" : ": ", setting->fallback_help);
    else
        buffer_append_format(out, "default %s", setting->fallback);
    before = out->size;
    buffer_append_text(out, "; ");
    setting_range(setting, out);
    if (out->size == before + 2)
        out->size = before;
    if (setting->environment != NULL)
        buffer_append_format(out, "; environment %s", setting->environment);
}

static char *facts(const struct setting *setting)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_init(&text);
    append_facts(&text, setting);
    return text_copy(buffer_text(&text));
}

void config_print_help(struct buffer *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        char *tail AUTO_FREE = facts(&settings[i]);

        buffer_append_format(out, "  --%s\n", settings[i].name);
        append_wrapped(out, "      ", settings[i].help);
        append_wrapped(out, "      ", tail);
    }
}

void config_print(const struct config *config, struct buffer *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        size_t start = out->size;

        buffer_append_format(out, "%s = ", settings[i].name);
        setting_format(&settings[i], config, out);
        do
            buffer_append_text(out, " ");
        while (out->size - start < VALUE_COLUMN);
        buffer_append_format(out, "# %s\n", config->origins[i]);
    }
}

void config_print_example(struct buffer *out)
{
    append_wrapped(
        out, "# ",
        "layerd.conf: the settings of layerd with their defaults. Copy to ~/.layerd/layerd.conf, "
        "or name it with --config, and take the '#' from the lines to change. The environment wins "
        "over this file, the command line over both; 'layerd --print-config' shows what is in "
        "force and where it came from.");
    for (size_t i = 0; i < settings_count; i++) {
        char *tail AUTO_FREE = facts(&settings[i]);

        buffer_append_text(out, "\n");
        append_wrapped(out, "# ", settings[i].help);
        append_wrapped(out, "# ", tail);
        buffer_append_format(out, "#%s =%s%s\n", settings[i].name, settings[i].fallback[0] == '\0' ? "" : " ",
                             settings[i].fallback);
    }
}

/* roff reads '-' as a hyphen and a line that starts with '.' or "'" as a request. */
static void append_roff(struct buffer *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        buffer_append_text(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '-')
            buffer_append_text(out, "\\-");
        else if (*text == '\\')
            buffer_append_text(out, "\\e");
        else if (*text == '~')
            buffer_append_text(out, "\\(ti");
        else
            buffer_append(out, text, 1);
    }
    buffer_append_text(out, "\n");
}

void config_print_manual(struct buffer *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        struct buffer text CLEANUP(buffer_close) = { 0 };

        buffer_init(&text);
        append_facts(&text, &settings[i]);
        buffer_append_text(out, ".TP\n.B ");
        append_roff(out, settings[i].name);
        append_roff(out, settings[i].help);
        buffer_append_text(out, ".br\n");
        append_roff(out, buffer_text(&text));
    }
}
