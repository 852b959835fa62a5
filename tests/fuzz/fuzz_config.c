/* Any bytes as a configuration file: refused with a message of one line, or taken, and then what
 * --print-config prints of it reads back as the same values. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "node/config.h"
#include "node/config_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_printed(const struct config *config)
{
    CLEANUP(buffer_close) struct buffer once = { 0 };
    CLEANUP(buffer_close) struct buffer twice = { 0 };
    struct config again;
    struct error error;

    buffer_init(&once);
    buffer_init(&twice);
    config_print(config, &once);
    INVARIANT(config_apply_defaults(&again, &error) == OK, "%s", error.message);
    INVARIANT(config_apply_text(&again, buffer_text(&once), once.size, "printed", &error) == OK, "%s",
              error.message);
    for (size_t i = 0; i < SETTINGS_MAX; i++)
        if (again.origins[i] != NULL)
            INVARIANT(strncmp(again.origins[i], "printed:", 8) == 0, "a setting was not printed");
    config_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct error error = { .code = OK };

    INVARIANT(config_apply_defaults(&config, &error) == OK, "%s", error.message);
    if (config_apply_text(&config, (const char *)data, size, "fuzz", &error) != OK)
        INVARIANT(error.code == ERROR_INVALID_PARAMS && strchr(error.message, '\n') == NULL,
                  "an unclean refusal");
    else if (memchr(data, '#', size) == NULL) /* a comment's start cannot be written into a value */
        check_printed(&config);
    config_close(&config);
    return 0;
}
