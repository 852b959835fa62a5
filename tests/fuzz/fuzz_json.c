/* Any bytes as JSON: what parses stays under its limits, and its canonical form reads back as the same value
 * and is its own canonical form. What does not parse gives a message of one valid line. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct error *error)
{
    size_t length = strlen(error->message);
    INVARIANT(length > 0 && utf8_valid_prefix(error->message, length) == length, "an unclean error message");
    for (size_t i = 0; i < length; i++)
        INVARIANT((unsigned char)error->message[i] >= 0x20, "a control character in an error message");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = { 0 };
    AUTO_JSON json_t *value = NULL;
    if (json_parse((const char *)data, size, &value, &error) != OK) {
        INVARIANT(value == NULL && error.code == ERROR_PARSE, "a refused text gave a value");
        check_message(&error);
        return 0;
    }

    CLEANUP(buffer_close) struct buffer once = { 0 };
    CLEANUP(buffer_close) struct buffer twice = { 0 };
    buffer_init(&once);
    buffer_init(&twice);
    if (json_canonical(value, &once, &error) != OK) {
        INVARIANT(once.size == 0, "a refused value left bytes behind");
        check_message(&error);
        return 0;
    }
    AUTO_JSON json_t *back = NULL;
    INVARIANT(json_parse((const char *)once.data, once.size, &back, &error) == OK, "%s", error.message);
    INVARIANT(json_equal(value, back), "the canonical form is another value");
    INVARIANT(json_canonical(back, &twice, &error) == OK, "%s", error.message);
    INVARIANT(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)), "two canonical forms of one value");
    return 0;
}
