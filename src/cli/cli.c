/* What all words of layer-cli share: see cli.h. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/table.h"

#define MEANING_WORD_LEAST 4 /* letters of a word that says something */
#define MEANING_WORD_MAX 64

int cli_usage(const char *format, ...)
{
    char message[LAYERD_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    text_make_printable(message, strlen(message));
    fprintf(stderr, "layer-cli: %s\n  'layer-cli --help' and 'layer-cli help METHOD' tell more.\n", message);
    return EXIT_USAGE;
}

/* Short words say nothing; of the others one in three must be new. */
bool cli_meaning_adds(const char *message, const char *meaning)
{
    size_t words = 0, known = 0;
    for (const char *at = meaning; *at != '\0';) {
        size_t size = strcspn(at, " "), letters = size;
        char word[MEANING_WORD_MAX];
        while (letters > 0 && strchr(".,;:", at[letters - 1]) != NULL)
            letters--;
        if (letters >= MEANING_WORD_LEAST && letters < sizeof word) {
            memcpy(word, at, letters);
            word[letters] = '\0';
            words++;
            known += strcasestr(message, word) != NULL;
        }
        at += size;
        at += strspn(at, " ");
    }
    return 3 * (words - known) > words;
}

static void print_failure(const char *what, const struct layerd_failure *failure)
{
    fprintf(stderr, "layer-cli: %s%s (%s %d)\n", what, failure->message, failure->name, (int)failure->code);
    if (cli_meaning_adds(failure->message, failure->meaning))
        fprintf(stderr, "  %s\n", failure->meaning);
}

int cli_failed(const struct layerd_failure *failure)
{
    print_failure("", failure);
    if (failure->code == LAYERD_ERROR_CONNECT || failure->code == LAYERD_ERROR_DISCONNECTED)
        return EXIT_CONNECT;
    return failure->code == LAYERD_ERROR_TIMEOUT ? EXIT_TIMED_OUT : EXIT_REFUSED;
}

int cli_check_failed(const struct layerd_failure *failure)
{
    if (failure->code != LAYERD_ERROR_CORRUPT && failure->code != LAYERD_ERROR_FORK
        && failure->code != LAYERD_ERROR_BAD_SIGNATURE)
        return cli_failed(failure);
    print_failure("NOT VERIFIED: ", failure);
    return EXIT_UNVERIFIED;
}

enum layerd_error cli_fail(struct layerd_failure *failure, enum layerd_error code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->message, sizeof failure->message, format, arguments);
    va_end(arguments);
    text_make_printable(failure->message, strlen(failure->message));
    failure->code = code;
    snprintf(failure->name, sizeof failure->name, "%s", layerd_error_name(code));
    snprintf(failure->meaning, sizeof failure->meaning, "%s", layerd_error_meaning(code));
    return code;
}

enum layerd_error cli_path(const struct cli *cli, char **path, struct layerd_failure *failure)
{
    if (cli->directory == NULL)
        return layerd_directory(cli->network, path, failure);
    *path = text_copy(cli->directory);
    return LAYERD_OK;
}

/* The methods of the event stream are asked on its own socket; all others on layerd.sock. */
enum layerd_socket cli_socket_of(const char *method)
{
    static const char *const names[] = { "head", "hello", "ping", "wait", "events.get", "checkpoint.get",
                                         "proof.inclusion", "proof.consistency" };
    static const char *const prefixes[] = { "cursor." };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(method, names[i]) == 0)
            return LAYERD_SOCKET_EVENTS;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(method, prefixes[i], strlen(prefixes[i])) == 0)
            return LAYERD_SOCKET_EVENTS;
    return LAYERD_SOCKET_CALLS;
}

int cli_timeout(const struct cli *cli, int otherwise)
{
    int64_t us = 0;
    if (cli->timeout == NULL)
        return otherwise;
    if (!duration_parse(cli->timeout, &us))
        us = (int64_t)(strtod(cli->timeout, NULL) * 1e6);
    return us > (int64_t)INT32_MAX * 1000 ? INT32_MAX : (int)((us + 999) / 1000);
}

enum layerd_error cli_client(struct cli *cli, enum layerd_socket socket, struct layerd_client **client,
                             struct layerd_failure *failure)
{
    AUTO_FREE char *path = NULL;
    if (cli->clients[socket] == NULL) {
        enum layerd_error code = cli_path(cli, &path, failure);
        if (code != LAYERD_OK)
            return code;
        code = layerd_connect(path, socket, cli_timeout(cli, CLI_TIMEOUT_DEFAULT_MS), &cli->clients[socket],
                              failure);
        if (code != LAYERD_OK)
            return code;
    }
    *client = cli->clients[socket];
    return LAYERD_OK;
}

enum layerd_error cli_call(struct cli *cli, const char *method, const char *params, char **result,
                           struct layerd_failure *failure)
{
    struct layerd_client *client;
    enum layerd_error code = cli_client(cli, cli_socket_of(method), &client, failure);
    if (code != LAYERD_OK)
        return code;
    return layerd_call(client, method, params, cli_timeout(cli, CLI_TIMEOUT_DEFAULT_MS), result, failure);
}

void cli_close(struct cli *cli)
{
    for (size_t i = 0; i < sizeof cli->clients / sizeof cli->clients[0]; i++) {
        layerd_close(cli->clients[i]);
        cli->clients[i] = NULL;
    }
}

int cli_print(const struct cli *cli, const char *result)
{
    AUTO_JSON json_t *value = NULL;
    struct error error;
    if (cli->json || json_parse(result, strlen(result), &value, &error) != OK)
        printf("%s\n", result);
    else
        table_print(stdout, value);
    return EXIT_DONE;
}
