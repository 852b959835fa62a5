/* From key=value on the command line to the JSON object of a call. A declaration gives each key its type;
 * without one (signing away from any node) the value decides. No I/O but the files that '@' names. */
#ifndef CLI_ARGUMENT_H
#define CLI_ARGUMENT_H

#include "cli/declaration.h"

#define ARGUMENT_FILE_MAX ((size_t)1024 * 1024) /* bytes of a file that '@' names */

/* `arguments`: either one JSON object (or '@path' of a file with one), or key=value each. In a value, '@path'
 * stands for the file's content (one final newline is dropped from texts) and '@@' for a plain '@'. Types:
 * texts, accounts, hashes and choices stay strings; amounts and integers are whole numbers; booleans are true
 * or false; times and durations are numbers when they are digits alone; json and list are JSON. Without a
 * declaration digits, true, false, null, objects and arrays are JSON and the rest is text.
 * ERROR_INVALID_PARAMS says what is wrong, also for keys that are not declared, keys given twice, and
 * secrets. */
MUST_CHECK enum status arguments_parse(const char *const *arguments, size_t count,
                                       const struct declaration *declaration, json_t **object,
                                       struct error *error);

/* Reads a whole file ("-": standard input) of at most ARGUMENT_FILE_MAX bytes. ERROR_INVALID_PARAMS. */
MUST_CHECK enum status argument_file(const char *path, struct buffer *out, struct error *error);

/* The parameter whose name is nearest to a mistyped one, or NULL. */
const char *argument_suggest(const struct declaration *declaration, const char *name);

#endif
