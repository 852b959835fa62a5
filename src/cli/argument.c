/* key=value to JSON: see argument.h. */
#include "cli/argument.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define KEY_MAX 64          /* bytes of a key on the command line */
#define WHOLE_DIGITS_MAX 16 /* of a whole number within 2^53 − 1 */
#define DISTANCE_MAX 2      /* letters by which a mistyped name may differ from its suggestion */

enum status argument_file(const char *path, struct buffer *out, struct error *error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "cannot read %s: %s", path, strerror(errno));
    size_t start = out->size, got;
    do {
        uint8_t *space = buffer_reserve(out, 65536);
        got = fread(space, 1, 65536, file);
        out->size += got;
    } while (got > 0 && out->size - start <= ARGUMENT_FILE_MAX);
    bool failed = ferror(file) != 0;
    if (file != stdin)
        fclose(file);
    if (failed)
        return error_set(error, ERROR_INVALID_PARAMS, "cannot read %s", path);
    if (out->size - start > ARGUMENT_FILE_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "%s has more than %zu bytes", path, ARGUMENT_FILE_MAX);
    return OK;
}

/* --- mistyped names --------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to change, add or take away between two words (Levenshtein), for words shorter than KEY_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[KEY_MAX + 1], a_size = strlen(a), b_size = strlen(b);
    if (a_size >= KEY_MAX || b_size >= KEY_MAX)
        return KEY_MAX;
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(changed, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_size];
}

const char *argument_suggest(const struct declaration *declaration, const char *name)
{
    const char *nearest = NULL;
    size_t best = DISTANCE_MAX + 1;
    for (size_t i = 0; i < declaration->count; i++) {
        size_t apart = distance(name, declaration->parameters[i].name);
        if (apart < best) {
            best = apart;
            nearest = declaration->parameters[i].name;
        }
    }
    return nearest;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool is_one_of(const char *type, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(type, *names) == 0)
            return true;
    return false;
}

static bool is_whole_number(const char *text)
{
    size_t size = strlen(text);
    return size >= 1 && size <= WHOLE_DIGITS_MAX && strspn(text, "0123456789") == size
           && (text[0] != '0' || size == 1);
}

static enum status text_value(const char *key, const char *text, json_t **value, struct error *error)
{
    *value = json_string(text);
    if (*value == NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: the value is not UTF-8", key);
    return OK;
}

static enum status number_value(const char *key, const char *text, json_t **value, struct error *error)
{
    if (!is_whole_number(text))
        return error_set(error, ERROR_INVALID_PARAMS,
                         "%s: a whole number (0 … 2^53 − 1) is expected, not '%.40s'", key, text);
    *value = json_integer((json_int_t)strtoull(text, NULL, 10));
    return OK;
}

static enum status boolean_value(const char *key, const char *text, json_t **value, struct error *error)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "no") != 0)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: true or false is expected, not '%.40s'", key,
                         text);
    *value = json_boolean(yes);
    return OK;
}

static enum status json_value(const char *key, const char *text, bool list, json_t **value,
                              struct error *error)
{
    struct error reason;
    json_t *parsed;
    if (json_parse(text, strlen(text), &parsed, &reason) != OK)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: JSON is expected: %s", key, reason.message);
    if (list && !json_is_array(parsed)) {
        json_decref(parsed);
        return error_set(error, ERROR_INVALID_PARAMS, "%s: a JSON array is expected", key);
    }
    *value = parsed;
    return OK;
}

/* Without a declaration: what looks like JSON is JSON. */
static enum status guessed_value(const char *key, const char *text, json_t **value, struct error *error)
{
    static const char *const words[] = { "true", "false", "null", NULL };
    if (is_whole_number(text))
        return number_value(key, text, value, error);
    if (text[0] == '{' || text[0] == '[' || text[0] == '"' || is_one_of(text, words))
        return json_value(key, text, false, value, error);
    return text_value(key, text, value, error);
}

static enum status typed_value(const char *key, const char *type, const char *text, json_t **value,
                               struct error *error)
{
    static const char *const numbers[] = { "amount", "integer", NULL };
    static const char *const times[] = { "time", "duration", NULL };
    if (is_one_of(type, numbers))
        return number_value(key, text, value, error);
    if (is_one_of(type, times))
        return is_whole_number(text) ? number_value(key, text, value, error)
                                     : text_value(key, text, value, error);
    if (strcmp(type, "boolean") == 0)
        return boolean_value(key, text, value, error);
    if (strcmp(type, "json") == 0)
        return json_value(key, text, false, value, error);
    if (strncmp(type, "list", 4) == 0)
        return json_value(key, text, true, value, error);
    if (type[0] == '\0')
        return guessed_value(key, text, value, error);
    return text_value(key, text, value, error);
}

/* '@path' is the file's content, '@@…' a text that begins with '@'. */
static enum status expand(const char *key, const char *given, struct buffer *out, struct error *error)
{
    if (given[0] != '@' || given[1] == '@') {
        buffer_append_text(out, given[0] == '@' ? given + 1 : given);
        return OK;
    }
    TRY(argument_file(given + 1, out, error));
    if (out->size > 0 && out->data[out->size - 1] == '\n')
        out->size--;
    if (memchr(out->data == NULL ? (const uint8_t *)"" : out->data, 0, out->size) != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "%s: the file %s has NUL bytes", key, given + 1);
    return OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum status unknown_key(const struct declaration *declaration, const char *key, struct error *error)
{
    struct buffer names CLEANUP(buffer_close) = { 0 };
    const char *near = argument_suggest(declaration, key);

    buffer_init(&names);
    for (size_t i = 0; i < declaration->count; i++)
        buffer_append_format(&names, "%s%s", i == 0 ? "" : ", ", declaration->parameters[i].name);
    if (near != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "%s has no parameter '%s'; did you mean '%s'?",
                         declaration->name, key, near);
    return error_set(error, ERROR_INVALID_PARAMS, "%s has no parameter '%s'; it takes %s", declaration->name,
                     key, names.size == 0 ? "none" : buffer_text(&names));
}

static enum status add_argument(const char *argument, const struct declaration *declaration, json_t *object,
                                struct error *error)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    const char *equals = strchr(argument, '=');
    const struct parameter *parameter = NULL;
    char key[KEY_MAX];
    json_t *value = NULL;

    buffer_init(&text);
    if (equals == NULL || equals == argument || (size_t)(equals - argument) >= sizeof key)
        return error_set(error, ERROR_INVALID_PARAMS, "key=value or one JSON object is expected, not '%.60s'",
                         argument);
    memcpy(key, argument, (size_t)(equals - argument));
    key[equals - argument] = '\0';
    if (json_object_get(object, key) != NULL)
        return error_set(error, ERROR_INVALID_PARAMS, "%s is given twice", key);
    if (declaration != NULL && (parameter = parameter_find(declaration, key)) == NULL)
        return unknown_key(declaration, key, error);
    if (parameter != NULL && strcmp(parameter->type, "secret") == 0)
        return error_set(
            error, ERROR_INVALID_PARAMS,
            "%s is a secret and never stands on the command line: leave it out to be asked, or use "
            "--passphrase-file",
            key);
    TRY(expand(key, equals + 1, &text, error));
    TRY(typed_value(key, parameter == NULL ? "" : parameter->type, buffer_text(&text), &value, error));
    json_object_set_new(object, key, value);
    return OK;
}

static enum status refuse_secrets(const struct declaration *declaration, const json_t *object,
                                  struct error *error)
{
    for (size_t i = 0; declaration != NULL && i < declaration->count; i++) {
        const struct parameter *parameter = &declaration->parameters[i];
        if (strcmp(parameter->type, "secret") == 0 && json_object_get(object, parameter->name) != NULL)
            return error_set(
                error, ERROR_INVALID_PARAMS,
                "%s is a secret and never stands on the command line: leave it out to be asked, or use "
                "--passphrase-file",
                parameter->name);
    }
    return OK;
}

static enum status one_object(const char *text, const struct declaration *declaration, json_t **object,
                              struct error *error)
{
    AUTO_JSON json_t *parsed = NULL;
    struct error reason;
    if (json_parse(text, strlen(text), &parsed, &reason) != OK)
        return error_set(error, ERROR_INVALID_PARAMS, "the parameters: %s", reason.message);
    TRY(refuse_secrets(declaration, parsed, error));
    *object = json_incref(parsed);
    return OK;
}

static enum status object_in_file(const char *argument, const struct declaration *declaration,
                                  json_t **object, struct error *error)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    TRY(expand("the parameters", argument, &text, error));
    return one_object(buffer_text(&text), declaration, object, error);
}

enum status arguments_parse(const char *const *arguments, size_t count, const struct declaration *declaration,
                            json_t **object, struct error *error)
{
    if (count == 1 && arguments[0][0] == '{')
        return one_object(arguments[0], declaration, object, error);
    if (count == 1 && arguments[0][0] == '@')
        return object_in_file(arguments[0], declaration, object, error);
    AUTO_JSON json_t *built = json_object();
    for (size_t i = 0; i < count; i++)
        TRY(add_argument(arguments[i], declaration, built, error));
    *object = json_incref(built);
    return OK;
}
