/* The log, checked: `verify` (on the node, in slices, and against a head kept elsewhere), `checkpoint` and
 * `proof`. Signatures, proofs and hashes are computed here; the node only delivers them. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/argument.h"
#include "cli/terminal.h"
#include "cli/word.h"

#define VERIFY_SLICE 250000 /* events of one call: less than a second */
#define PROOF_HASHES_MAX 64
#define CHECKPOINT_RETRY_MS 500 /* a head is signed at the latest 10 s after the event */
#define VERIFIER_MAX 512

/* --- asking ----------------------------------------------------------------------------------- */

/* Calls and parses the reply. */
static enum layerd_error ask(struct cli *cli, const char *method, const char *params, json_t **reply,
                             struct layerd_failure *failure)
{
    AUTO_FREE char *text = NULL;
    struct error error;
    enum layerd_error code = cli_call(cli, method, params, &text, failure);
    if (code == LAYERD_OK && (json_parse(text, strlen(text), reply, &error) != OK || !json_is_object(*reply)))
        return cli_fail(failure, LAYERD_ERROR_PROTOCOL, "%s: the reply is no object", method);
    return code;
}

/* Who the log belongs to. */
struct identity {
    char node_id[64];
    char verifier[VERIFIER_MAX];
    uint64_t head;
    bool pinned; /* the verifier was given to us, not taken from the node */
};

static enum status read_verifier(const char *given, char verifier[VERIFIER_MAX], struct error *error)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    buffer_init(&text);
    if (given[0] == '@')
        TRY(argument_file(given + 1, &text, error));
    else
        buffer_append_text(&text, given);
    while (text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == ' '))
        text.size--;
    if (text.size >= VERIFIER_MAX)
        return error_set(error, ERROR_INVALID_PARAMS, "the verifier key has more than %d bytes",
                         VERIFIER_MAX - 1);
    strcpy(verifier, buffer_text(&text));
    return OK;
}

static enum layerd_error identify(struct cli *cli, struct identity *identity, struct layerd_failure *failure)
{
    AUTO_JSON json_t *info = NULL;
    struct error error;

    enum layerd_error code = ask(cli, "node.info", NULL, &info, failure);
    if (code != LAYERD_OK)
        return code;
    const char *node_id = json_string_value(json_object_get(info, "node_id"));
    const char *verifier = json_string_value(json_object_get(info, "verifier"));
    if (node_id == NULL || verifier == NULL || strlen(node_id) >= sizeof identity->node_id
        || strlen(verifier) >= sizeof identity->verifier)
        return cli_fail(failure, LAYERD_ERROR_PROTOCOL, "node.info tells no node_id or no verifier");
    strcpy(identity->node_id, node_id);
    identity->head = (uint64_t)json_integer_value(json_object_get(info, "head"));
    identity->pinned = cli->verifier != NULL;
    if (!identity->pinned) {
        strcpy(identity->verifier, verifier);
        return LAYERD_OK;
    }
    if (read_verifier(cli->verifier, identity->verifier, &error) != OK)
        return cli_fail(failure, LAYERD_ERROR_INVALID_PARAMS, "--verifier: %s", error.message);
    return LAYERD_OK;
}

/* A signed head of at least `size` events (0: the newest), with its signature checked. */
static enum layerd_error fetch_head(struct cli *cli, const char *verifier, uint64_t size, char **note,
                                    struct layerd_checkpoint *checkpoint, struct layerd_failure *failure)
{
    AUTO_JSON json_t *reply = NULL;
    char params[64] = "{}";

    if (size > 0)
        snprintf(params, sizeof params, "{\"size\":%" PRIu64 "}", size);
    enum layerd_error code = ask(cli, "checkpoint.get", params, &reply, failure);
    if (code != LAYERD_OK)
        return code;
    const char *text = json_string_value(json_object_get(reply, "note"));
    if (text == NULL)
        return cli_fail(failure, LAYERD_ERROR_PROTOCOL, "checkpoint.get: the reply has no note");
    code = layerd_checkpoint_verify(text, verifier, checkpoint, failure);
    if (code == LAYERD_OK && note != NULL)
        *note = text_copy(text);
    return code;
}

/* Hashes of a proof, borrowed from the reply. */
static enum layerd_error fetch_proof(struct cli *cli, const char *method, const char *params, json_t **reply,
                                     const char *hashes[PROOF_HASHES_MAX], size_t *count,
                                     struct layerd_failure *failure)
{
    enum layerd_error code = ask(cli, method, params, reply, failure);
    if (code != LAYERD_OK)
        return code;
    const json_t *proof = json_object_get(*reply, "proof");
    if (!json_is_array(proof) || json_array_size(proof) > PROOF_HASHES_MAX)
        return cli_fail(failure, LAYERD_ERROR_PROTOCOL, "%s: the reply has no proof of at most %d hashes",
                        method, PROOF_HASHES_MAX);
    for (*count = 0; *count < json_array_size(proof); (*count)++) {
        hashes[*count] = json_string_value(json_array_get(proof, *count));
        if (hashes[*count] == NULL)
            return cli_fail(failure, LAYERD_ERROR_PROTOCOL, "%s: a hash of the proof is no text", method);
    }
    return LAYERD_OK;
}

/* A signed head that covers the event (0: any). For a young event, or a young log, there is none yet: it
 * comes within seconds. */
static enum layerd_error wait_for_head(struct cli *cli, const struct identity *identity, uint64_t seq,
                                       char **note, struct layerd_checkpoint *checkpoint,
                                       struct layerd_failure *failure)
{
    int64_t end = clock_monotonic_us() + (int64_t)cli_timeout(cli, CLI_TIMEOUT_DEFAULT_MS) * 1000;
    struct progress progress;
    enum layerd_error code;

    progress_begin(&progress);
    for (;;) {
        code = fetch_head(cli, identity->verifier, seq, note, checkpoint, failure);
        if (code != LAYERD_ERROR_PROOF_RANGE || seq > identity->head || clock_monotonic_us() >= end)
            break;
        progress_show(&progress, "waiting for the node to sign a head that covers event %" PRIu64,
                      seq == 0 ? identity->head : seq);
        poll(NULL, 0, CHECKPOINT_RETRY_MS);
    }
    progress_end(&progress);
    return code;
}

static int print_json(const struct cli *cli, const json_t *value)
{
    AUTO_FREE char *text = json_dumps(value, JSON_COMPACT);
    return cli_print(cli, text == NULL ? "{}" : text);
}

/* --- verify ----------------------------------------------------------------------------------- */

/* The node recomputes chain, tree and signatures, slice by slice: each goes on from the hashes that the one
 * before checked. */
static enum layerd_error verify_slices(struct cli *cli, uint64_t head, json_t *report,
                                       struct layerd_failure *failure)
{
    struct progress progress;
    json_int_t checkpoints = 0;
    enum layerd_error code = LAYERD_OK;

    progress_begin(&progress);
    for (uint64_t after = 0; code == LAYERD_OK && after < head;) {
        uint64_t until = head - after > VERIFY_SLICE ? after + VERIFY_SLICE : head;
        AUTO_JSON json_t *slice = NULL;
        char params[96];
        snprintf(params, sizeof params, "{\"after\":%" PRIu64 ",\"until\":%" PRIu64 "}", after, until);
        code = ask(cli, "verify", params, &slice, failure);
        if (code != LAYERD_OK)
            break;
        if (!json_is_true(json_object_get(slice, "ok")))
            code = cli_fail(failure, LAYERD_ERROR_CORRUPT,
                            "the node says that events %" PRIu64 " … %" PRIu64 " are not right", after + 1,
                            until);
        checkpoints += json_integer_value(json_object_get(slice, "checkpoints"));
        json_object_set(report, "head_hash", json_object_get(slice, "head_hash"));
        json_object_set(report, "root", json_object_get(slice, "root"));
        after = until;
        progress_show(&progress, "verified %" PRIu64 " of %" PRIu64 " events (%d %%)", after, head,
                      (int)(100.0 * (double)after / (double)head));
    }
    progress_end(&progress);
    json_object_set_new(report, "events", json_integer((json_int_t)head));
    json_object_set_new(report, "checkpoints", json_integer(checkpoints));
    return code;
}

/* The head that was kept elsewhere, by the key that was kept with it. */
static enum status read_kept(const struct cli *cli, char verifier[VERIFIER_MAX], struct buffer *note,
                             struct error *error)
{
    AUTO_FREE char *key_file = text_format("@%s.key", cli->against);
    TRY(argument_file(cli->against, note, error));
    if (cli->verifier != NULL)
        return read_verifier(cli->verifier, verifier, error);
    if (read_verifier(key_file, verifier, error) != OK)
        return error_set(error, ERROR_INVALID_PARAMS,
                         "%s.key, the log's key as it was kept, cannot be read; give --verifier",
                         cli->against);
    return OK;
}

static enum layerd_error compare_heads(struct cli *cli, const struct layerd_checkpoint *kept,
                                       const char *verifier, json_t *report, struct layerd_failure *failure)
{
    AUTO_JSON json_t *reply = NULL;
    const char *hashes[PROOF_HASHES_MAX];
    struct layerd_checkpoint now;
    size_t count = 0;
    char params[96];

    enum layerd_error code = fetch_head(cli, verifier, 0, NULL, &now, failure);
    if (code != LAYERD_OK)
        return code;
    if (kept->size > 0 && kept->size < now.size) {
        snprintf(params, sizeof params, "{\"first\":%" PRIu64 ",\"second\":%" PRIu64 "}", kept->size,
                 now.size);
        code = fetch_proof(cli, "proof.consistency", params, &reply, hashes, &count, failure);
    }
    if (code == LAYERD_OK)
        code = layerd_consistency_verify(kept, &now, hashes, count, failure);
    json_object_set_new(report, "continues", json_integer((json_int_t)kept->size));
    return code;
}

static int print_report(const struct cli *cli, json_t *report, const struct layerd_checkpoint *newest,
                        const char *note)
{
    if (note != NULL)
        json_object_set_new(report, "signed", json_integer((json_int_t)newest->size));
    if (cli->json && note != NULL)
        json_object_set_new(report, "checkpoint", json_string(note));
    print_json(cli, report);
    if (!cli->json && note != NULL)
        printf("\n%s", note);
    return EXIT_DONE;
}

int word_verify(struct cli *cli)
{
    struct buffer note CLEANUP(buffer_close) = { 0 };
    AUTO_JSON json_t *report = json_object();
    AUTO_FREE char *head_note = NULL;
    char pinned[VERIFIER_MAX];
    struct layerd_checkpoint kept = { .size = 0 }, newest;
    struct identity identity;
    struct layerd_failure failure;
    struct error error;

    buffer_init(&note);
    if (cli->against != NULL) {
        if (read_kept(cli, pinned, &note, &error) != OK)
            return cli_usage("%s", error.message);
        if (layerd_checkpoint_verify(buffer_text(&note), pinned, &kept, &failure) != LAYERD_OK)
            return cli_check_failed(&failure);
    }
    if (identify(cli, &identity, &failure) != LAYERD_OK)
        return cli_failed(&failure);
    json_object_set_new(report, "ok", json_true());
    const char *verifier = cli->against != NULL ? pinned : identity.verifier;
    if ((cli->against != NULL && compare_heads(cli, &kept, verifier, report, &failure) != LAYERD_OK)
        || verify_slices(cli, identity.head, report, &failure) != LAYERD_OK)
        return cli_check_failed(&failure);
    /* A young log may have no signed head yet. */
    if (fetch_head(cli, verifier, 0, &head_note, &newest, &failure) != LAYERD_OK
        && failure.code != LAYERD_ERROR_PROOF_RANGE)
        return cli_check_failed(&failure);
    return print_report(cli, report, &newest, head_note);
}

/* --- checkpoint ------------------------------------------------------------------------------- */

static enum status write_file(const char *path, const char *text, struct error *error)
{
    FILE *file = fopen(path, "we");
    bool good = file != NULL && fputs(text, file) >= 0;
    if (file != NULL && fclose(file) != 0)
        good = false;
    return good ? OK : error_set(error, ERROR_INVALID_PARAMS, "cannot write %s: %s", path, strerror(errno));
}

int word_checkpoint(struct cli *cli)
{
    AUTO_FREE char *note = NULL;
    struct layerd_checkpoint checkpoint;
    struct identity identity;
    struct layerd_failure failure;
    struct error error;

    if (identify(cli, &identity, &failure) != LAYERD_OK
        || wait_for_head(cli, &identity, 0, &note, &checkpoint, &failure) != LAYERD_OK)
        return cli_check_failed(&failure);
    if (cli->save != NULL) {
        AUTO_FREE char *key_file = text_format("%s.key", cli->save);
        AUTO_FREE char *key_line = text_format("%s\n", identity.verifier);
        if (write_file(cli->save, note, &error) != OK || write_file(key_file, key_line, &error) != OK)
            return cli_usage("%s", error.message);
        fprintf(stderr, "layer-cli: kept the head of %" PRIu64 " events in %s and the log's key in %s\n",
                checkpoint.size, cli->save, key_file);
        return EXIT_DONE;
    }
    if (!cli->json) {
        fputs(note, stdout);
        return EXIT_DONE;
    }
    AUTO_JSON json_t *shown =
        json_pack("{s:s,s:I,s:s,s:s,s:s}", "origin", checkpoint.origin, "size", (json_int_t)checkpoint.size,
                  "root", checkpoint.root, "verifier", identity.verifier, "note", note);
    return print_json(cli, shown);
}

/* --- proof ------------------------------------------------------------------------------------ */

/* Reads the event and binds its text to its hash: the one before it gives the hash that it continues. */
static enum layerd_error check_event(struct cli *cli, const struct identity *identity, uint64_t seq,
                                     char hash[LAYERD_HASH_MAX], char **line, struct layerd_failure *failure)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *from = text_format("after:%" PRIu64, seq > 1 ? seq - 2 : 0);
    struct layerd_subscribe_options options = { .from = from, .until = seq };
    struct layerd_subscription *subscription;
    struct layerd_event event;
    char previous[LAYERD_HASH_MAX] = "";
    int timeout_ms = cli_timeout(cli, CLI_TIMEOUT_DEFAULT_MS);

    enum layerd_error code = cli_path(cli, &path, failure);
    if (code == LAYERD_OK)
        code = layerd_subscribe(path, &options, timeout_ms, &subscription, failure);
    if (code != LAYERD_OK)
        return code;
    if (seq == 1)
        snprintf(previous, sizeof previous, "%s", identity->node_id);
    while ((code = layerd_event_next(subscription, timeout_ms, &event, failure)) == LAYERD_OK) {
        if (event.kind != LAYERD_EVENT || event.seq >= seq)
            break;
        snprintf(previous, sizeof previous, "%s", event.hash);
    }
    if (code == LAYERD_OK && (event.kind != LAYERD_EVENT || event.seq != seq))
        code = cli_fail(failure, LAYERD_ERROR_PROTOCOL, "the node did not give event %" PRIu64, seq);
    if (code == LAYERD_OK)
        code = layerd_event_hash(&event, previous, hash, failure);
    if (code == LAYERD_OK && strcmp(hash, event.hash) != 0)
        code = cli_fail(failure, LAYERD_ERROR_CORRUPT,
                        "event %" PRIu64 ": its hash does not follow from its content", seq);
    if (code == LAYERD_OK)
        *line = text_copy(event.line);
    layerd_unsubscribe(subscription);
    return code;
}

static int print_proof(const struct cli *cli, uint64_t seq, const char *line, const char *hash,
                       const struct layerd_checkpoint *checkpoint, const char *note, const json_t *proof,
                       bool pinned)
{
    if (cli->json) {
        AUTO_JSON json_t *shown =
            json_pack("{s:b,s:I,s:s,s:s,s:I,s:s,s:O,s:s}", "verified", 1, "seq", (json_int_t)seq, "hash",
                      hash, "origin", checkpoint->origin, "size", (json_int_t)checkpoint->size, "root",
                      checkpoint->root, "proof", proof, "note", note);
        return print_json(cli, shown);
    }
    printf("%s\n\nVerified here, by %s's key%s:\n"
           "  its text gives the hash %s\n"
           "  which is leaf %" PRIu64 " of %" PRIu64 " under the root %s (%zu hashes)\n"
           "  which is signed:\n\n%s",
           line, checkpoint->origin, pinned ? "" : " (as the node tells it; --verifier pins one)", hash, seq,
           checkpoint->size, checkpoint->root, json_array_size(proof), note);
    return EXIT_DONE;
}

int word_inclusion(struct cli *cli)
{
    AUTO_FREE char *note = NULL;
    AUTO_FREE char *line = NULL;
    AUTO_JSON json_t *reply = NULL;
    const char *hashes[PROOF_HASHES_MAX];
    char hash[LAYERD_HASH_MAX], params[96];
    const char *text = cli->arguments[0];
    struct layerd_checkpoint checkpoint;
    struct identity identity;
    struct layerd_failure failure;
    size_t count;

    uint64_t seq =
        strspn(text, "0123456789") == strlen(text) && strlen(text) <= 15 ? strtoull(text, NULL, 10) : 0;
    if (seq == 0)
        return cli_usage("proof: the seq of an event is expected, not '%.40s'", text);
    if (identify(cli, &identity, &failure) != LAYERD_OK)
        return cli_check_failed(&failure);
    if (seq > identity.head) {
        cli_fail(&failure, LAYERD_ERROR_PROOF_RANGE, "the log has %" PRIu64 " events, and no event %" PRIu64,
                 identity.head, seq);
        return cli_failed(&failure);
    }
    if (wait_for_head(cli, &identity, seq, &note, &checkpoint, &failure) != LAYERD_OK
        || check_event(cli, &identity, seq, hash, &line, &failure) != LAYERD_OK)
        return cli_check_failed(&failure);
    snprintf(params, sizeof params, "{\"seq\":%" PRIu64 ",\"size\":%" PRIu64 "}", seq, checkpoint.size);
    if (fetch_proof(cli, "proof.inclusion", params, &reply, hashes, &count, &failure) != LAYERD_OK
        || layerd_inclusion_verify(&checkpoint, seq, hash, hashes, count, &failure) != LAYERD_OK)
        return cli_check_failed(&failure);
    return print_proof(cli, seq, line, hash, &checkpoint, note, json_object_get(reply, "proof"),
                       identity.pinned);
}
