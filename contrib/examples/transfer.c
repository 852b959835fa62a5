/* transfer: value from one account to another on a layerd dev node, with liblayerd alone.
 *
 *     cc transfer.c $(pkg-config --cflags --libs liblayerd) -o transfer
 *     ./transfer [DIRECTORY]          the node's data directory; ~/.layerd/dev when absent
 *
 * It makes a key file, signs its transactions here (the node never sees the key), submits one of them twice
 * to show that it runs once, sends a hundred without waiting for each reply, follows the events of the
 * recipient, and at the end proves from the node's signed log that the first transfer is in it, trusting
 * nothing but the log's public key. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <layerd/layerd.h>

#define TIMEOUT_MS 20000
#define PASSPHRASE "an example's passphrase; a real one is asked for, not written down"
#define MANY 100
#define VALID_FOR_US ((int64_t)600 * 1000000)

/* Most calls here must succeed; what went wrong says itself. */
static void must(enum layerd_error code, const struct layerd_failure *failure, const char *what)
{
    if (code == LAYERD_OK)
        return;
    fprintf(stderr, "transfer: %s: %s (%s %d)\n  %s\n", what, failure->message, failure->name,
            (int)failure->code, failure->meaning);
    exit(EXIT_FAILURE);
}

/* The text of a string member of a flat JSON result. Enough for ids and names, which have no escapes; a
 * program that reads more than that uses a JSON library. */
static void member_text(const char *json, const char *name, char *out, size_t size)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    const char *begin = strstr(json, quoted),
               *end = begin == NULL ? NULL : strchr(begin + strlen(quoted), '"');
    if (end == NULL || (size_t)(end - begin) - strlen(quoted) >= size) {
        fprintf(stderr, "transfer: no member '%s' in %s\n", name, json);
        exit(EXIT_FAILURE);
    }
    begin += strlen(quoted);
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
}

struct node {
    struct layerd_client *calls;  /* layerd.sock */
    struct layerd_client *stream; /* events.sock, for questions about the log */
    char chain[80], node_id[64], verifier[256];
    int64_t signed_from_us; /* the node's time when we began: not this machine's, which may be another */
};

static void connect_node(struct node *node, const char *directory)
{
    struct layerd_failure failure;
    char *info;

    must(layerd_connect(directory, LAYERD_SOCKET_CALLS, TIMEOUT_MS, &node->calls, &failure), &failure,
         "connect");
    must(layerd_connect(directory, LAYERD_SOCKET_EVENTS, TIMEOUT_MS, &node->stream, &failure), &failure,
         "connect");
    must(layerd_call(node->calls, "node.info", NULL, TIMEOUT_MS, &info, &failure), &failure, "node.info");
    member_text(info, "chain", node->chain, sizeof node->chain);
    member_text(info, "node_id", node->node_id, sizeof node->node_id);
    member_text(info, "verifier", node->verifier, sizeof node->verifier);
    layerd_free(info);
    must(layerd_time(node->calls, TIMEOUT_MS, &node->signed_from_us, &failure), &failure, "the node's time");
    printf("connected to %s\n", node->chain);
}

/* Signs a command with our key, valid for ten minutes of the node's time. */
static char *sign(const struct node *node, const struct layerd_key *key, const char *method,
                  const char *params)
{
    struct layerd_failure failure;
    int64_t valid_until_us = node->signed_from_us + VALID_FOR_US;
    char *text;

    must(layerd_sign(key, node->chain, method, params, valid_until_us, &text, NULL, &failure), &failure,
         method);
    return text;
}

static char *sign_and_submit(const struct node *node, const struct layerd_key *key, const char *method,
                             const char *params)
{
    struct layerd_failure failure;
    char *text = sign(node, key, method, params), *result;

    must(layerd_submit_signed(node->calls, text, TIMEOUT_MS, &result, &failure), &failure, method);
    layerd_free(text);
    return result;
}

/* --- keys ------------------------------------------------------------------------------------- */

static struct layerd_key *make_key(const char *folder, const char *name, char address[LAYERD_ADDRESS_MAX])
{
    struct layerd_failure failure;
    struct layerd_key *key;
    char path[256];

    snprintf(path, sizeof path, "%s/%s.key", folder, name);
    must(layerd_key_generate(path, name, PASSPHRASE, &failure), &failure, "make a key");
    must(layerd_key_open(path, PASSPHRASE, &key, &failure), &failure, "open the key");
    must(layerd_key_address(key, "dev", address, &failure), &failure, "address");
    unlink(path); /* an example leaves nothing behind; your keys you keep */
    printf("%s is %s\n", name, address);
    return key;
}

/* --- transfers -------------------------------------------------------------------------------- */

static void transfer_params(char *params, size_t size, const char *to, int amount)
{
    snprintf(params, size, "{\"to\":\"%s\",\"asset\":\"DEV\",\"amount\":%d,\"memo\":\"an example\"}", to,
             amount);
}

/* The same signed transaction twice: it runs once, and both times the same answer comes back. */
static void transfer_once(const struct node *node, const struct layerd_key *key, const char *to)
{
    struct layerd_failure failure;
    char params[256], *text, *first, *second;

    transfer_params(params, sizeof params, to, 7);
    text = sign(node, key, "ledger.transfer", params);
    must(layerd_submit_signed(node->calls, text, TIMEOUT_MS, &first, &failure), &failure, "transfer");
    must(layerd_submit_signed(node->calls, text, TIMEOUT_MS, &second, &failure), &failure, "transfer again");
    printf("transferred: %s\nand again:   %s\n", first, second);
    if (strstr(first, "\"repeated\":false") == NULL || strstr(second, "\"repeated\":true") == NULL) {
        fprintf(stderr, "transfer: a transaction submitted twice did not run once\n");
        exit(EXIT_FAILURE);
    }
    layerd_free(text);
    layerd_free(first);
    layerd_free(second);
}

/* Many at once: all are sent, then their replies are taken as they come. */
static void transfer_many(const struct node *node, const struct layerd_key *key, const char *to)
{
    struct layerd_failure failure;
    struct layerd_reply reply;
    char params[256];
    uint64_t ticket;

    transfer_params(params, sizeof params, to, 1);
    for (int i = 0; i < MANY; i++) {
        char *text = sign(node, key, "ledger.transfer", params);
        must(layerd_submit(node->calls, "transaction.submit", text, TIMEOUT_MS, &ticket, &failure), &failure,
             "submit");
        layerd_free(text);
    }
    while (layerd_pending(node->calls) > 0) {
        must(layerd_collect(node->calls, 0, TIMEOUT_MS, &reply, &failure), &failure, "collect");
        must(reply.code, &reply.failure, "a transfer");
        layerd_reply_clear(&reply);
    }
    printf("%d more transfers, pipelined\n", MANY);
}

/* What a node refuses, it refuses with a stable code. */
static void transfer_too_much(const struct node *node, const struct layerd_key *key, const char *to)
{
    struct layerd_failure failure;
    char params[256], *text, *result;

    transfer_params(params, sizeof params, to, 2000000000);
    text = sign(node, key, "ledger.transfer", params);
    enum layerd_error code = layerd_submit_signed(node->calls, text, TIMEOUT_MS, &result, &failure);
    if (code != LAYERD_ERROR_INSUFFICIENT_BALANCE) {
        fprintf(stderr, "transfer: more than the account holds was not refused as such\n");
        exit(EXIT_FAILURE);
    }
    printf("refused:     %s (%s)\n", failure.message, failure.name);
    layerd_free(text);
}

/* --- events ----------------------------------------------------------------------------------- */

/* Reads the recipient's events until all transfers are seen; gives the seq of the first one. */
static uint64_t follow(struct layerd_subscription *subscription)
{
    struct layerd_failure failure;
    struct layerd_event event;
    uint64_t first = 0;

    for (int seen = 0; seen < MANY + 1;) {
        must(layerd_event_next(subscription, TIMEOUT_MS, &event, &failure), &failure, "next event");
        if (event.kind != LAYERD_EVENT)
            continue;
        if (seen++ == 0) {
            first = event.seq;
            printf("event %" PRIu64 ": %s %s\n", event.seq, event.type, event.data);
        }
    }
    printf("and %d more events, in order\n", MANY);
    return first;
}

/* --- proof ------------------------------------------------------------------------------------ */

/* A head of the log that covers the event. One is signed within ten seconds of it. */
static struct layerd_checkpoint signed_head(const struct node *node, uint64_t seq)
{
    struct layerd_failure failure;
    struct layerd_checkpoint head;
    char params[64], note[1024], *result;

    snprintf(params, sizeof params, "{\"size\":%" PRIu64 "}", seq);
    enum layerd_error code;
    while ((code = layerd_call(node->stream, "checkpoint.get", params, TIMEOUT_MS, &result, &failure))
           == LAYERD_ERROR_PROOF_RANGE)
        usleep(200000);
    must(code, &failure, "checkpoint.get");
    member_text(result, "note", note, sizeof note);
    layerd_free(result);
    /* The note has newlines, which JSON writes as \n: the only escape in it. */
    char *to = note;
    for (const char *from = note; *from != '\0'; from++)
        *to++ = from[0] == '\\' && from[1] == 'n' ? (from++, '\n') : *from;
    *to = '\0';
    must(layerd_checkpoint_verify(note, node->verifier, &head, &failure), &failure,
         "the signature of the head");
    return head;
}

/* The event and the one before it, whose hash it continues: so its text is bound to its hash, and its hash to
 * the log. */
static void event_hash(const char *directory, const struct node *node, uint64_t seq,
                       char hash[LAYERD_HASH_MAX])
{
    struct layerd_failure failure;
    struct layerd_subscription *subscription;
    struct layerd_event event;
    char from[40], previous[LAYERD_HASH_MAX] = "";

    snprintf(from, sizeof from, "after:%" PRIu64, seq > 1 ? seq - 2 : 0);
    struct layerd_subscribe_options options = { .from = from, .until = seq };
    must(layerd_subscribe(directory, &options, TIMEOUT_MS, &subscription, &failure), &failure, "subscribe");
    snprintf(previous, sizeof previous, "%s", node->node_id);
    for (;;) {
        must(layerd_event_next(subscription, TIMEOUT_MS, &event, &failure), &failure, "next event");
        if (event.kind != LAYERD_EVENT || event.seq == seq)
            break;
        snprintf(previous, sizeof previous, "%s", event.hash);
    }
    must(layerd_event_hash(&event, previous, hash, &failure), &failure, "the event's hash");
    if (strcmp(hash, event.hash) != 0) {
        fprintf(stderr, "transfer: the event's hash does not follow from its text\n");
        exit(EXIT_FAILURE);
    }
    layerd_unsubscribe(subscription);
}

static void prove(const char *directory, const struct node *node, uint64_t seq)
{
    struct layerd_failure failure;
    struct layerd_checkpoint head = signed_head(node, seq);
    char params[80], hash[LAYERD_HASH_MAX], *result;
    const char *hashes[64];
    size_t count = 0;

    event_hash(directory, node, seq, hash);
    snprintf(params, sizeof params, "{\"seq\":%" PRIu64 ",\"size\":%" PRIu64 "}", seq, head.size);
    must(layerd_call(node->stream, "proof.inclusion", params, TIMEOUT_MS, &result, &failure), &failure,
         "proof");
    char *at = strstr(result, "\"proof\":["); /* an array of hex texts: taken apart in place */
    for (at = at == NULL ? NULL : strchr(at, '['); at != NULL && *++at == '"' && count < 64;) {
        hashes[count++] = ++at;
        at = strchr(at, '"');
        *at++ = '\0';
    }
    must(layerd_inclusion_verify(&head, seq, hash, hashes, count, &failure), &failure, "the proof");
    printf("event %" PRIu64 " is in the signed log of %" PRIu64 " events (%zu hashes)\n", seq, head.size,
           count);
    layerd_free(result);
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : NULL;
    char folder[] = "/tmp/layerd-example-XXXXXX", alice_address[LAYERD_ADDRESS_MAX],
         bob_address[LAYERD_ADDRESS_MAX];
    char subject[LAYERD_ADDRESS_MAX + 16];
    struct layerd_subscription *subscription;
    struct layerd_failure failure;
    struct node node;

    if (mkdtemp(folder) == NULL) {
        perror("transfer: mkdtemp");
        return EXIT_FAILURE;
    }
    connect_node(&node, directory);
    struct layerd_key *alice = make_key(folder, "alice", alice_address);
    struct layerd_key *bob = make_key(folder, "bob", bob_address);
    rmdir(folder);

    /* The subscription stands before anything happens, so nothing is missed. */
    snprintf(subject, sizeof subject, "account/%s", bob_address);
    const char *const types[] = { "ledger.transferred" }, *const subjects[] = { subject };
    struct layerd_subscribe_options options = {
        .from = "now", .types = types, .type_count = 1, .subjects = subjects, .subject_count = 1
    };
    must(layerd_subscribe(directory, &options, TIMEOUT_MS, &subscription, &failure), &failure, "subscribe");

    layerd_free(sign_and_submit(&node, alice, "dev.faucet", "{\"amount\":1000}"));
    transfer_once(&node, alice, bob_address);
    transfer_many(&node, alice, bob_address);
    transfer_too_much(&node, alice, bob_address);
    uint64_t seq = follow(subscription);
    prove(directory, &node, seq);

    layerd_unsubscribe(subscription);
    layerd_key_close(alice);
    layerd_key_close(bob);
    layerd_close(node.calls);
    layerd_close(node.stream);
    printf("done\n");
    return EXIT_SUCCESS;
}
