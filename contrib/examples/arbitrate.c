/* arbitrate: an arbiter with a key of his own reads a case, signs an award and brings it to the ledger; with
 * liblayerd alone.
 *
 *     cc arbitrate.c $(pkg-config --cflags --libs liblayerd) -o arbitrate
 *     layer-cli key new judge.key          the address that it tells is named among the channel's arbiters
 *     ./arbitrate KEY CHANNEL FIRST SECOND [DIRECTORY] <PASSPHRASE-FILE
 *
 * KEY is his key file, whose passphrase is the first line of standard input; FIRST and SECOND are what the
 * two participants are to get. What is held beyond that he takes as his fee, within what the channel allows.
 * The node encodes the award, but what is signed is looked at here first. He judges when both have been
 * heard: as long as evidence is taken, he says so and ends with status 2. DIRECTORY is a node's data
 * directory; ~/.layerd/dev when absent. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layerd/layerd.h>

#define TIMEOUT_MS 20000
#define VALID_FOR_US INT64_C(600000000)
#define STATE_MAX 4096
#define PARAMS_MAX (2 * STATE_MAX)
#define TOO_EARLY 2

struct arbiter {
    struct layerd_client *calls;
    struct layerd_key *key;
    const char *channel;
    char chain[80], network[16], address[LAYERD_ADDRESS_MAX];
    char people[2][LAYERD_ADDRESS_MAX]; /* the participants, in their order */
    uint64_t amounts[2], fee;
    int64_t turn;                       /* on record */
};

static void must(enum layerd_error code, const struct layerd_failure *failure, const char *what)
{
    if (code == LAYERD_OK)
        return;
    fprintf(stderr, "arbitrate: %s: %s (%s %d)\n  %s\n", what, failure->message, failure->name,
            (int)failure->code, failure->meaning);
    exit(EXIT_FAILURE);
}

static void wrong(const char *what)
{
    fprintf(stderr, "arbitrate: %s\n", what);
    exit(EXIT_FAILURE);
}

/* --- reading answers -------------------------------------------------------------------------- */
/* Copies the text from `begin` to the next quotation mark; enough for ids and hex, which have no escapes. */
static const char *text(const char *begin, char *out, size_t size)
{
    const char *end = begin == NULL ? NULL : strchr(begin, '"');

    if (end == NULL || (size_t)(end - begin) >= size)
        wrong("the node's answer is not as expected");
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
    return end + 1;
}

/* What stands behind a name; NULL: it is not there. */
static const char *find(const char *json, const char *name)
{
    char quoted[64];
    const char *found;

    snprintf(quoted, sizeof quoted, "\"%s\":", name);
    found = strstr(json, quoted);
    return found == NULL ? NULL : found + strlen(quoted);
}

static void member(const char *json, const char *name, char *out, size_t size)
{
    const char *begin = find(json, name);

    text(begin == NULL || *begin != '"' ? NULL : begin + 1, out, size);
}

static int64_t number(const char *json, const char *name)
{
    const char *begin = find(json, name);

    if (begin == NULL)
        wrong("the node's answer lacks a number");
    return strtoll(begin, NULL, 10);
}

/* Parameters in the manner of printf, with ' for ". The result is layerd_free'd by the caller. */
static char *call(struct arbiter *a, const char *method, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static char *call(struct arbiter *a, const char *method, const char *format, ...)
{
    char params[PARAMS_MAX];
    struct layerd_failure failure;
    va_list arguments;
    char *result;

    va_start(arguments, format);
    vsnprintf(params, sizeof params, format, arguments);
    va_end(arguments);
    for (char *c = params; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    must(layerd_call(a->calls, method, params, TIMEOUT_MS, &result, &failure), &failure, method);
    return result;
}

/* --- the case --------------------------------------------------------------------------------- */
static void read_chain(struct arbiter *a)
{
    char *info = call(a, "node.info", "{}");

    member(info, "chain", a->chain, sizeof a->chain);
    member(info, "network", a->network, sizeof a->network);
    layerd_free(info);
}

/* Chain time now: that of the newest block, and what has passed since. */
static int64_t chain_time(struct arbiter *a)
{
    char *info = call(a, "node.info", "{}");
    int64_t now_us = number(info, "chain_time_us") + number(info, "now_us") - number(info, "block_time_us");

    layerd_free(info);
    return now_us;
}

/* Who the two are, what is held and on which turn is judged. */
static void read_channel(struct arbiter *a)
{
    char *json = call(a, "channel.get", "{'channel':'%s'}", a->channel);
    const char *people = find(json, "participants"), *arbiters = find(json, "arbiters");
    const char *holdings = find(json, "holdings"), *second;
    uint64_t held;

    if (people == NULL || arbiters == NULL || holdings == NULL)
        wrong("the channel names no arbiters");
    if (holdings[1] == ']')
        wrong("the channel holds nothing");
    second = strstr(holdings, "},{");
    if (strstr(arbiters, a->address) == NULL)
        wrong("the channel names other arbiters");
    people = text(people + strlen("[\""), a->people[0], sizeof a->people[0]);
    people = text(people + strlen(",\""), a->people[1], sizeof a->people[1]);
    if (*people != ']' || (second != NULL && second < strchr(holdings, ']')))
        wrong("this arbiter judges between two, about one asset");
    a->turn = number(json, "turn_record");
    held = (uint64_t)number(holdings, "amount");
    if (a->amounts[0] > held || a->amounts[1] > held - a->amounts[0])
        wrong("the award is more than the channel holds");
    a->fee = held - a->amounts[0] - a->amounts[1];
    printf("the channel holds %" PRIu64 ", and is judged on turn %" PRId64 "\n", held, a->turn);
    layerd_free(json);
}

/* A text of JSON as it came, escapes and all, so that nothing in it moves the cursor of a terminal. */
static void show_text(const char *begin)
{
    for (const char *c = begin; *c != '\0' && *c != '"'; c++) {
        putchar(*c);
        if (*c == '\\' && c[1] != '\0')
            putchar(*++c);
    }
    putchar('\n');
}

/* Bytes given as hex, shown as the text that they mostly are. */
static void show_hex(const char *hex)
{
    for (; isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]); hex += 2) {
        char digits[3] = { hex[0], hex[1], '\0' };
        int c = (int)strtol(digits, NULL, 16);

        putchar(c >= ' ' && c < 127 ? c : '.');
    }
    putchar('\n');
}

/* What was said. Ends the program when more may be said. */
static void read_case(struct arbiter *a)
{
    char *json = call(a, "channel.case", "{'channel':'%s'}", a->channel);
    int64_t left_us = number(json, "evidence_until_us") - chain_time(a);
    const char *claim = find(json, "claim");

    if (claim == NULL)
        wrong("the node shows no claim");
    printf("the claim: ");
    show_text(claim + 1);
    for (const char *body = find(json, "body"); body != NULL; body = find(body, "body")) {
        printf("evidence: ");
        show_hex(body + 1);
    }
    layerd_free(json);
    if (left_us <= 0)
        return;
    printf("evidence is taken for %" PRId64 " s more; come back then\n", left_us / 1000000 + 1);
    exit(TOO_EARLY);
}

/* --- the award -------------------------------------------------------------------------------- */
/* The award's encoding, and that it says what was decided. */
static void encode(struct arbiter *a, char *state, size_t size)
{
    struct layerd_channel_state says;
    struct layerd_failure failure;
    char *json = call(a, "channel.encode_state",
                      "{'channel':'%s','turn':%" PRId64 ",'outcome':[{'account':'%s','amount':%" PRIu64 "},"
                      "{'account':'%s','amount':%" PRIu64 "}]}", a->channel, a->turn, a->people[0],
                      a->amounts[0], a->people[1], a->amounts[1]);

    member(json, "state", state, size);
    layerd_free(json);
    must(layerd_channel_state_read(state, a->key, 0, &says, &failure), &failure, "read the state");
    if (says.turn != (uint64_t)a->turn || says.total != a->amounts[0] + a->amounts[1] || says.share != 0)
        wrong("the node encoded another award than it was asked for");
}

static void submit(struct arbiter *a, const char *state, const char *signature)
{
    char params[PARAMS_MAX], *transaction;
    struct layerd_failure failure;
    int64_t now_us;

    snprintf(params, sizeof params,
             "{\"channel\":\"%s\",\"state\":\"%s\",\"fees\":[%" PRIu64 "],"
             "\"signatures\":[{\"key\":\"%s\",\"signature\":\"%s\"}]}",
             a->channel, state, a->fee, a->address, signature);
    must(layerd_time(a->calls, TIMEOUT_MS, &now_us, &failure), &failure, "the node's time");
    must(layerd_sign(a->key, a->chain, "channel.award", params, now_us + VALID_FOR_US, &transaction, NULL,
                     &failure), &failure, "sign the transaction");
    must(layerd_submit_signed(a->calls, transaction, TIMEOUT_MS, NULL, &failure), &failure, "channel.award");
    layerd_free(transaction);
}

static void award(struct arbiter *a)
{
    char state[STATE_MAX], signature[LAYERD_SIGNATURE_MAX];
    struct layerd_failure failure;

    encode(a, state, sizeof state);
    must(layerd_channel_sign_award(a->key, a->channel, state, &a->fee, 1, signature, &failure), &failure,
         "sign the award");
    submit(a, state, signature);
    printf("awarded: %" PRIu64 " to the first, %" PRIu64 " to the second, a fee of %" PRIu64 "\n",
           a->amounts[0], a->amounts[1], a->fee);
}

static void open_key(struct arbiter *a, const char *path)
{
    char passphrase[256];
    struct layerd_failure failure;

    if (fgets(passphrase, sizeof passphrase, stdin) == NULL)
        wrong("the key file's passphrase is expected on standard input");
    passphrase[strcspn(passphrase, "\n")] = '\0';
    must(layerd_key_open(path, passphrase, &a->key, &failure), &failure, "open the key");
    must(layerd_key_address(a->key, a->network, a->address, &failure), &failure, "address");
}

int main(int argc, char **argv)
{
    struct arbiter a = { 0 };
    struct layerd_failure failure;

    if (argc < 5 || argc > 6)
        wrong("KEY CHANNEL FIRST SECOND [DIRECTORY] are expected");
    a.channel = argv[2];
    a.amounts[0] = strtoull(argv[3], NULL, 10);
    a.amounts[1] = strtoull(argv[4], NULL, 10);
    must(layerd_connect(argc > 5 ? argv[5] : NULL, LAYERD_SOCKET_CALLS, TIMEOUT_MS, &a.calls, &failure),
         &failure, "connect");
    read_chain(&a);
    open_key(&a, argv[1]);
    read_channel(&a);
    read_case(&a);
    award(&a);
    layerd_key_close(a.key);
    layerd_close(a.calls);
    return EXIT_SUCCESS;
}
