/* channel: two people, two processes, two keys, one payment channel; with liblayerd alone.
 *
 *     cc channel.c $(pkg-config --cflags --libs liblayerd) -o channel
 *     ./channel [DIRECTORY [unforgiven]]     data directory of a layerd dev node; ~/.layerd/dev when absent
 *
 * Each process makes its own key, which nobody else ever sees. They meet at the node: Alice proposes, Bob
 * hears of it as an event, looks at what the state gives him, and countersigns. They fund the channel, Alice
 * pays five times, and then she cheats: she brings an old state before the ledger. The node, which keeps the
 * newest one with both signatures, answers by itself; the ledger notes that she cheated. In the end both sign
 * a final state, and the channel pays out; or, unforgiven, Bob signs nothing more and brings the newest state
 * before the ledger himself, where Alice will lose a tenth when his challenge has run out. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <layerd/layerd.h>

#define TIMEOUT_MS 20000
#define PASSPHRASE "an example's passphrase; a real one is asked for, not written down"
#define STAKE 1000
#define PAYMENT 30
#define PAYMENTS 5
#define TEXT_MAX_BYTES 16384
/* Reserves of nothing, payments of 1 … 1000, 30 hash-locks a side
 * (src/layer2/channel/applications/payment.c). */
#define TERMS "00000000000000000000000000000000" "0000000000000001" "00000000000003e8" "001e"

struct person {
    const char *name;
    struct layerd_client *calls;
    struct layerd_subscription *events;
    struct layerd_key *key;
    char address[LAYERD_ADDRESS_MAX], other[LAYERD_ADDRESS_MAX];
    char chain[80];
    char channel[LAYERD_HASH_MAX], fixed[2048];
};

static void must(enum layerd_error code, const struct layerd_failure *failure, const char *what)
{
    if (code == LAYERD_OK)
        return;
    fprintf(stderr, "channel: %s: %s (%s %d)\n  %s\n", what, failure->message, failure->name,
            (int)failure->code, failure->meaning);
    exit(EXIT_FAILURE);
}

static void wrong(const char *what)
{
    fprintf(stderr, "channel: %s\n", what);
    exit(EXIT_FAILURE);
}

/* The text of a string member; enough for ids and hex, which have no escapes. False: it is not there. */
static bool member(const char *json, const char *name, char *out, size_t size)
{
    char quoted[64];
    const char *begin, *end;

    snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    begin = strstr(json, quoted);
    end = begin == NULL ? NULL : strchr(begin + strlen(quoted), '"');
    if (end == NULL || (size_t)(end - begin) - strlen(quoted) >= size)
        return false;
    begin += strlen(quoted);
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
    return true;
}

static int64_t number(const char *json, const char *name)
{
    char quoted[64];
    const char *begin;

    snprintf(quoted, sizeof quoted, "\"%s\":", name);
    begin = strstr(json, quoted);
    return begin == NULL ? -1 : strtoll(begin + strlen(quoted), NULL, 10);
}

/* --- calls ------------------------------------------------------------------------------------ */
/* Parameters in the manner of printf, with ' for ". */
static char *call(struct person *p, const char *method, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static char *call(struct person *p, const char *method, const char *format, ...)
{
    static char params[4 * TEXT_MAX_BYTES];
    struct layerd_failure failure;
    va_list arguments;
    char *result;

    va_start(arguments, format);
    vsnprintf(params, sizeof params, format, arguments);
    va_end(arguments);
    for (char *c = params; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    must(layerd_call(p->calls, method, params, TIMEOUT_MS, &result, &failure), &failure, method);
    return result;
}

/* A transaction on the ledger, signed here. */
static void submit(struct person *p, const char *method, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void submit(struct person *p, const char *method, const char *format, ...)
{
    static char params[4 * TEXT_MAX_BYTES];
    struct layerd_failure failure;
    va_list arguments;
    int64_t now_us;
    char *text;

    va_start(arguments, format);
    vsnprintf(params, sizeof params, format, arguments);
    va_end(arguments);
    for (char *c = params; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    must(layerd_time(p->calls, TIMEOUT_MS, &now_us, &failure), &failure, "the node's time");
    must(layerd_sign(p->key, p->chain, method, params, now_us + INT64_C(600000000), &text, NULL, &failure),
         &failure, method);
    must(layerd_submit_signed(p->calls, text, TIMEOUT_MS, NULL, &failure), &failure, method);
    layerd_free(text);
}

/* Waits for an event of this type about our channel; its data, which lives until the next one. `turn` −1:
 * any. */
static const char *await(struct person *p, const char *type, int64_t turn)
{
    struct layerd_failure failure;
    struct layerd_event event;

    for (;;) {
        must(layerd_event_next(p->events, TIMEOUT_MS, &event, &failure), &failure, type);
        if (event.kind != LAYERD_EVENT || strcmp(event.type, type) != 0)
            continue;
        if (p->channel[0] != '\0' && strstr(event.subject, p->channel) == NULL)
            continue;
        if (turn < 0 || number(event.data, "turn") == turn)
            return event.data;
    }
}

static void begin(struct person *p, const char *directory, const char *name)
{
    const char *const types[] = { "channel.*" };
    struct layerd_subscribe_options options = { .types = types, .type_count = 1 };
    struct layerd_failure failure;
    char folder[] = "/tmp/layerd-channel-XXXXXX", path[128], *info;

    memset(p, 0, sizeof *p);
    p->name = name;
    must(layerd_connect(directory, LAYERD_SOCKET_CALLS, TIMEOUT_MS, &p->calls, &failure), &failure,
         "connect");
    must(layerd_subscribe(directory, &options, TIMEOUT_MS, &p->events, &failure), &failure, "subscribe");
    info = call(p, "node.info", "{}");
    if (!member(info, "chain", p->chain, sizeof p->chain) || mkdtemp(folder) == NULL)
        wrong("the node does not say which chain it has");
    layerd_free(info);
    snprintf(path, sizeof path, "%s/%s.key", folder, name);
    must(layerd_key_generate(path, name, PASSPHRASE, &failure), &failure, "make a key");
    must(layerd_key_open(path, PASSPHRASE, &p->key, &failure), &failure, "open the key");
    must(layerd_key_address(p->key, "dev", p->address, &failure), &failure, "address");
    unlink(path); /* an example leaves nothing behind; your keys you keep */
    rmdir(folder);
    submit(p, "dev.faucet", "{}");
}

static void end(struct person *p)
{
    layerd_key_close(p->key);
    layerd_unsubscribe(p->events);
    layerd_close(p->calls);
}

/* The two tell each other their addresses; after that they speak through the node alone. */
static void exchange(struct person *p, int in, int out)
{
    if (write(out, p->address, sizeof p->address) != sizeof p->address ||
        read(in, p->other, sizeof p->other) != sizeof p->other)
        wrong("the other one is not there");
}

/* --- before the ledger ------------------------------------------------------------------------ */
/* What both signed for a turn, as channel.challenge takes it: kept by whoever thinks of cheating. */
static void keep_signatures(struct person *p, char *out, size_t size)
{
    char *status = call(p, "channel.status", "{'channel':'%s'}", p->channel);
    const char *from = strstr(status, "\"signatures\":["), *to = from == NULL ? NULL : strchr(from, ']');

    if (to == NULL || (size_t)(to - from) + 2 >= size)
        wrong("the node shows no signatures");
    memcpy(out, from, (size_t)(to - from) + 1);
    out[to - from + 1] = '\0';
    layerd_free(status);
}

/* Brings a state before the ledger: unless somebody shows a newer one, the channel ends with it. */
static void challenge(struct person *p, const char *state, const char *signatures)
{
    char signature[LAYERD_SIGNATURE_MAX];
    struct layerd_failure failure;

    must(layerd_channel_sign_challenge(p->key, p->channel, state, signature, &failure), &failure,
         "sign the challenge");
    submit(p, "channel.challenge",
           "{'channel':'%s','states':[{'state':'%s',%s}],'challenger':'%s','signature':'%s'}", p->channel,
           state, signatures, p->address, signature);
}

/* --- Bob: looks, and countersigns ------------------------------------------------------------- */
/* Signs what is proposed unless it gives him less than before. */
static void countersign(struct person *bob, const char *data, uint64_t *share)
{
    static char state[TEXT_MAX_BYTES];
    char signature[LAYERD_SIGNATURE_MAX];
    struct layerd_channel_state says;
    struct layerd_failure failure;

    if (!member(data, "state", state, sizeof state))
        wrong("a proposal without its state");
    must(layerd_channel_state_read(state, bob->key, 0, &says, &failure), &failure, "read the state");
    if (says.share < *share)
        wrong("the state takes from Bob: he does not sign it");
    must(layerd_channel_sign(bob->key, bob->channel, state, signature, &failure), &failure, "sign");
    layerd_free(call(bob, "channel.sign",
                     "{'channel':'%s','turn':%" PRIu64 ",'signer':'%s','signature':'%s'}", bob->channel,
                     says.turn, bob->address, signature));
    printf("bob: signed turn %" PRIu64 ", which gives me %" PRIu64 "\n", says.turn, says.share);
    *share = says.share;
}

/* The newest state, with both signatures, before the ledger: there a cheater pays for it. */
static void go_to_court(struct person *bob)
{
    static char state[TEXT_MAX_BYTES], signatures[TEXT_MAX_BYTES];
    char *status = call(bob, "channel.status", "{'channel':'%s'}", bob->channel);

    if (!member(status, "state", state, sizeof state))
        wrong("the node shows no state");
    layerd_free(status);
    keep_signatures(bob, signatures, sizeof signatures);
    challenge(bob, state, signatures);
    printf("bob: I sign nothing more; turn %" PRId64 " lies before the ledger\n",
           number(await(bob, "channel.challenged", 1 + PAYMENTS), "turn"));
}

static int run_bob(const char *directory, bool forgives, int in, int out)
{
    struct person bob;
    uint64_t share = 0;
    const char *data;

    begin(&bob, directory, "bob");
    exchange(&bob, in, out);
    data = await(&bob, "channel.proposed", 0);
    if (!member(data, "channel", bob.channel, sizeof bob.channel))
        wrong("a proposal without its channel");
    countersign(&bob, data, &share);
    (void)await(&bob, "channel.deposited", -1); /* Alice paid in first: now it is safe for Bob */
    submit(&bob, "channel.deposit", "{'channel':'%s','asset':'DEV','amount':%d,'expected_held':%d}",
           bob.channel, STAKE, STAKE);
    for (int turn = 1; turn <= 1 + PAYMENTS; turn++)
        countersign(&bob, await(&bob, "channel.proposed", turn), &share);
    data = await(&bob, "channel.challenge_cleared", -1);
    printf("bob: alice challenged with an old state; the node answered with turn %" PRId64 "\n",
           number(data, "turn"));
    if (forgives) {
        countersign(&bob, await(&bob, "channel.proposed", 2 + PAYMENTS), &share);
        (void)await(&bob, "channel.finalized", -1);
    } else {
        go_to_court(&bob);
    }
    end(&bob);
    return 0;
}

/* --- Alice: proposes, pays, cheats ------------------------------------------------------------ */
static void outcome_text(const struct person *alice, int paid, char *out, size_t size)
{
    snprintf(out, size, "[{'account':'%s','amount':%d},{'account':'%s','amount':%d}]", alice->address,
             STAKE - paid, alice->other, STAKE + paid);
}

/* Encodes a state at the node, computes what it says and its signature here, and proposes it. */
static void propose_state(struct person *alice, int turn, int known, int paid, bool final, char *state,
                          size_t size)
{
    char outcome[512], signature[LAYERD_SIGNATURE_MAX], *coded;
    struct layerd_channel_state says;
    struct layerd_failure failure;

    outcome_text(alice, paid, outcome, sizeof outcome);
    coded = call(alice, "channel.encode_state",
                 "{'channel':'%s','turn':%d,'final':%s,'outcome':%s,'data':'%016x'}", alice->channel, turn,
                 final ? "true" : "false", outcome, (unsigned)known);
    if (!member(coded, "state", state, size))
        wrong("no state came back");
    layerd_free(coded);
    must(layerd_channel_state_read(state, alice->key, 0, &says, &failure), &failure, "read the state");
    if (says.turn != (uint64_t)turn || says.share != (uint64_t)(STAKE - paid) || says.final != final)
        wrong("the node encoded another state than it was asked for");
    must(layerd_channel_sign(alice->key, alice->channel, state, signature, &failure), &failure, "sign");
    if (turn == 0)
        layerd_free(call(alice, "channel.propose",
                         "{'fixed':'%s','outcome':%s,'data':'%016x','signer':'%s','signature':'%s'}",
                         alice->fixed, outcome, (unsigned)known, alice->address, signature));
    else
        layerd_free(call(alice, "channel.update",
                         "{'channel':'%s','turn':%d,'final':%s,'outcome':%s,'data':'%016x','signer':'%s',"
                         "'signature':'%s'}", alice->channel, turn, final ? "true" : "false", outcome,
                         (unsigned)known, alice->address, signature));
    (void)await(alice, "channel.updated", turn);
}

static void make_channel(struct person *alice)
{
    char *coded = call(alice, "channel.encode",
                       "{'participants':[{'key':'%s'},{'key':'%s'}],'assets':[{'asset':'DEV'}],"
                       "'application':'payment','terms':'" TERMS "','challenge_period':'10m',"
                       "'penalty_ppm':100000}", alice->address, alice->other);
    char computed[LAYERD_HASH_MAX];
    struct layerd_failure failure;

    if (!member(coded, "channel", alice->channel, sizeof alice->channel) ||
        !member(coded, "fixed", alice->fixed, sizeof alice->fixed))
        wrong("no channel came back");
    layerd_free(coded);
    must(layerd_channel_id(alice->fixed, computed, &failure), &failure, "the channel's id");
    if (strcmp(computed, alice->channel) != 0)
        wrong("the node gave the channel another id than its fixed part has");
}

static void cheat(struct person *alice, const char *old_state, const char *old_signatures)
{
    const char *data;

    challenge(alice, old_state, old_signatures);
    data = await(alice, "channel.cheat_proved", -1);
    printf("alice: I brought turn %" PRId64 ", and turn %" PRId64 " proves that I knew better\n",
           number(data, "challenged"), number(data, "turn"));
}

static int run_alice(const char *directory, bool is_forgiven, int in, int out)
{
    static char state[TEXT_MAX_BYTES], old_state[TEXT_MAX_BYTES], old_signatures[TEXT_MAX_BYTES];
    struct person alice;
    int turn = 1;

    begin(&alice, directory, "alice");
    exchange(&alice, in, out);
    make_channel(&alice);
    propose_state(&alice, 0, 0, 0, false, state, sizeof state);
    (void)await(&alice, "channel.registered", -1);
    submit(&alice, "channel.deposit", "{'channel':'%s','asset':'DEV','amount':%d,'expected_held':0}",
           alice.channel, STAKE);
    while (strstr(await(&alice, "channel.phase_changed", -1), "\"to\":\"funded\"") == NULL)
        continue;
    propose_state(&alice, 1, 0, 0, false, state, sizeof state);
    for (int i = 1; i <= PAYMENTS; i++) {
        propose_state(&alice, turn + 1, turn, PAYMENT * i, false, state, sizeof state);
        turn++;
        if (i == 1) { /* the state that is best for Alice */
            memcpy(old_state, state, sizeof state);
            keep_signatures(&alice, old_signatures, sizeof old_signatures);
        }
    }
    printf("alice: paid %d times %d\n", PAYMENTS, PAYMENT);
    cheat(&alice, old_state, old_signatures);
    if (is_forgiven) {
        propose_state(&alice, turn + 1, turn, PAYMENT * PAYMENTS, true, state, sizeof state);
        printf("the channel paid out: %s\n", await(&alice, "channel.paid", -1));
    }
    end(&alice);
    return 0;
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : NULL;
    bool forgives = argc < 3 || strcmp(argv[2], "unforgiven") != 0;
    int to_bob[2], to_alice[2], status;
    pid_t bob;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (pipe(to_bob) != 0 || pipe(to_alice) != 0)
        wrong("no pipe");
    bob = fork();
    if (bob == 0)
        return run_bob(directory, forgives, to_bob[0], to_alice[1]);
    if (bob < 0)
        wrong("no second process");
    run_alice(directory, forgives, to_alice[0], to_bob[1]);
    if (waitpid(bob, &status, 0) != bob || status != 0)
        wrong("bob did not come to the end");
    return EXIT_SUCCESS;
}
