/* Looks at all rollups: see watch.h. */
#include "watch/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bech32.h"
#include "crypto/hash.h"
#include "watch/player.h"

struct watch {
    struct watch_options options;
    char chain[sizeof(((struct published_node *)0)->chain)]; /* "": not known yet */
    struct node node;
    struct player player;
    struct follower *followers;
    size_t follower_count;
    struct follower deep; /* up to an older batch that a game is about, where the state before is not kept */
    struct published_game_line *games; /* that run, of this look */
    size_t game_count;
};

struct watch *watch_open(const struct watch_options *options)
{
    struct watch *w = memory_new(sizeof(*w));
    char hex[LAYERD_HASH_MAX];
    bool read;

    crypto_start();
    w->options = *options;
    w->node = (struct node){ .path = text_copy(options->path), .timeout_ms = options->timeout_ms };
    w->player = (struct player){ .key = options->key, .max_stake = options->max_stake,
                                 .listener = &w->options.listener, .node = &w->node };
    layerd_key_public(options->key, hex);
    read = hex_decode(w->player.own.bytes, sizeof(w->player.own.bytes), hex, strlen(hex));
    INVARIANT(read, "a key without a public key");
    return w;
}

void watch_close(struct watch *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->follower_count; i++)
        follower_close(&w->followers[i]);
    free(w->followers);
    follower_close(&w->deep);
    free(w->games);
    node_close(&w->node);
    free(w);
}

/* --- which rollups ---------------------------------------------------------------------------- */
static void follow(struct watch *w, uint64_t domain)
{
    for (size_t i = 0; i < w->follower_count; i++)
        if (w->followers[i].domain == domain)
            return;
    w->followers = memory_resize(w->followers, (w->follower_count + 1) * sizeof(*w->followers));
    follower_open(&w->followers[w->follower_count++], domain, w->options.keep_most, 0);
}

static enum status find_rollups(struct watch *w, struct error *error)
{
    uint64_t *domains AUTO_FREE = NULL;
    size_t count = 0;

    for (size_t i = 0; i < w->options.rollup_count; i++)
        follow(w, w->options.rollups[i]);
    if (w->options.rollup_count > 0)
        return OK;
    TRY(published_rollups(&w->node, &domains, &count, error));
    for (size_t i = 0; i < count; i++)
        follow(w, domains[i]);
    return OK;
}

/* --- telling ---------------------------------------------------------------------------------- */
static void worse(struct watch_summary *summary, enum watch_verdict verdict)
{
    if (verdict > summary->verdict)
        summary->verdict = verdict;
}

static void tell_wrong(struct watch *w, struct follower *f)
{
    const struct stopped_at *wrong = &f->wrong;

    if (f->has_told && hash_equal(&f->told, &wrong->batch.id))
        return;
    f->has_told = true;
    f->told = wrong->batch.id;
    f->told_number = wrong->batch.number;
    follower_tell(f, &w->options.listener, wrong->unpublished ? "batch_unpublished" : "batch_wrong",
                  &wrong->batch, json_pack("{s:s}", "why", wrong->why),
                  wrong->unpublished ? "cannot be checked: %s" : "is WRONG: %s", wrong->why);
}

static void tell_executed(struct watch *w, const struct follower *f)
{
    char hex[2 * sizeof(struct hash) + 1];
    struct hash root;

    if (f->batches == 0)
        return;
    rollup_state_root(f->state, &root);
    hex_text(hex, root.bytes, sizeof(root.bytes));
    follower_tell(f, &w->options.listener, "executed", NULL,
                  json_pack("{s:I, s:I, s:s}", "batches", (json_int_t)f->batches, "to",
                            (json_int_t)f->number, "root", hex),
                  "right up to batch %" PRIu64 " (%" PRIu64 " executed)", f->number, f->batches);
}

/* What became of a batch that was told of. */
static enum status tell_gone(struct watch *w, struct follower *f, struct error *error)
{
    struct published_batch batch CLEANUP(published_batch_close) = { .number = 0 };

    if (!f->has_told || (f->wrong.is_there && hash_equal(&f->wrong.batch.id, &f->told)))
        return OK;
    TRY(published_batch(&w->node, f->domain, f->told_number, &f->told, &batch, error));
    f->has_told = false;
    f->trouble_count = 0;
    follower_tell(f, &w->options.listener, "batch_ended", &batch, json_pack("{s:s}", "state", batch.state),
                  "is %s", batch.state);
    return OK;
}

static void tell_unverified(struct watch *w, struct follower *f, const struct error *error)
{
    if (strcmp(error->message, f->doubt) == 0)
        return;
    snprintf(f->doubt, sizeof(f->doubt), "%s", error->message);
    follower_tell(f, &w->options.listener, "unverified", NULL, json_pack("{s:s}", "why", error->message),
                  "NOT VERIFIED: %.400s", error->message);
}

/* --- a look ----------------------------------------------------------------------------------- */
static const struct published_game_line *game_about(const struct watch *w, const struct hash *batch)
{
    for (size_t i = 0; i < w->game_count; i++)
        if (hash_equal(&w->games[i].batch, batch))
            return &w->games[i];
    return NULL;
}

static void count_played(struct watch_summary *summary, const struct played *played, bool right)
{
    summary->soon |= played->waits || played->could_not || !right;
    if (played->could_not)
        worse(summary, WATCH_COULD_NOT);
    else if (!right || played->done > 0)
        worse(summary, WATCH_ACTED);
}

static enum status look_at_wrong(struct watch *w, struct follower *f, struct watch_summary *summary,
                                 struct error *error)
{
    const struct published_game_line *game = game_about(w, &f->wrong.batch.id);
    struct played played = { .done = 0 };

    tell_wrong(w, f);
    if (f->wrong.unpublished) {
        worse(summary, WATCH_COULD_NOT);
        return OK;
    }
    if (game == NULL || !player_has_settled(&w->player, game))
        TRY(player_look(&w->player, f, &f->wrong.batch, false, game, &played, error));
    count_played(summary, &played, false);
    return OK;
}

/* Who has the state before a right batch: the follower, or one that goes up to it from the beginning. NULL:
 * none of them, for it is not of this chain of batches. */
static enum status find_state(struct watch *w, struct follower *f, const struct published_batch *batch,
                              struct follower **holder, struct error *error)
{
    *holder = f;
    if (follower_has(f, batch->number, &batch->id))
        return OK;
    *holder = NULL;
    if (batch->number > f->number || batch->number <= f->terms.final)
        return OK;
    if (w->deep.domain != f->domain || w->deep.limit != batch->number ||
        (w->deep.number == batch->number && !follower_has(&w->deep, batch->number, &batch->id))) {
        follower_close(&w->deep);
        follower_open(&w->deep, f->domain, 0, batch->number);
    }
    TRY(follower_catch_up(&w->deep, &w->node, &w->options.listener, error));
    if (follower_has(&w->deep, batch->number, &batch->id))
        *holder = &w->deep;
    return OK;
}

/* Games about right batches: these are to be defended. */
static enum status look_at_games(struct watch *w, struct follower *f, struct watch_summary *summary,
                                 struct error *error)
{
    for (size_t i = 0; i < w->game_count; i++) {
        struct published_batch batch CLEANUP(published_batch_close) = { .number = 0 };
        struct follower *holder;
        struct played played;

        summary->soon |= w->games[i].domain == f->domain;
        if (w->games[i].domain != f->domain || player_has_settled(&w->player, &w->games[i]) ||
            (f->wrong.is_there && hash_equal(&w->games[i].batch, &f->wrong.batch.id)))
            continue;
        TRY(published_batch(&w->node, f->domain, 0, &w->games[i].batch, &batch, error));
        TRY(find_state(w, f, &batch, &holder, error));
        if (holder == NULL)
            continue; /* above one that is wrong */
        TRY(player_look(&w->player, holder, &batch, true, &w->games[i], &played, error));
        count_played(summary, &played, true);
    }
    return OK;
}

static enum status look_at(struct watch *w, struct follower *f, struct watch_summary *summary,
                           struct error *error)
{
    enum status status = follower_catch_up(f, &w->node, &w->options.listener, error);

    summary->batches += f->batches;
    tell_executed(w, f);
    TRY(status);
    TRY(tell_gone(w, f, error));
    if (f->wrong.is_there)
        TRY(look_at_wrong(w, f, summary, error));
    return look_at_games(w, f, summary, error);
}

/* Of one rollup: what is not of the way to the node does not keep the others from being looked at. */
static enum status look_at_one(struct watch *w, struct follower *f, struct watch_summary *summary,
                               struct error *error)
{
    enum status status = look_at(w, f, summary, error);

    if (status == OK) {
        f->doubt[0] = '\0';
    } else if (status == ERROR_CORRUPT) {
        tell_unverified(w, f, error);
        worse(summary, WATCH_UNVERIFIED);
        summary->soon = true;
        return OK;
    } else if (status == ERROR_NOT_READY || status == ERROR_GAME_NOT_FOUND ||
               status == ERROR_BATCH_NOT_FOUND) {
        summary->soon = true; /* it changed while it was read */
        summary->unfinished = true;
        return OK;
    }
    return status;
}

/* What is signed is signed for one chain. */
static enum status check_chain(struct watch *w, struct error *error)
{
    if (w->chain[0] == '\0')
        snprintf(w->chain, sizeof(w->chain), "%s",
                 w->options.chain != NULL ? w->options.chain : w->player.now.chain);
    if (strcmp(w->chain, w->player.now.chain) == 0)
        return OK;
    return error_set(error, ERROR_CORRUPT, "the node is one of the chain %s, not of %s", w->player.now.chain,
                     w->chain);
}

static enum status list_games(struct watch *w, struct error *error)
{
    free(w->games);
    w->games = NULL;
    w->game_count = 0;
    return published_games(&w->node, NULL, 0, &w->games, &w->game_count, error);
}

enum status watch_look(struct watch *w, struct watch_summary *summary, struct error *error)
{
    const struct watch_listener *listener = &w->options.listener;
    struct watch_summary made = { .verdict = WATCH_RIGHT };

    TRY(published_node(&w->node, &w->player.now, error));
    TRY(check_chain(w, error));
    address_set_prefix(w->player.now.main_network ? ADDRESS_PREFIX_MAIN : ADDRESS_PREFIX_TEST);
    TRY(find_rollups(w, error));
    TRY(list_games(w, error));
    for (size_t i = 0; i < w->follower_count && !listener->stopped(listener->context); i++) {
        TRY(look_at_one(w, &w->followers[i], &made, error));
        made.rollups++;
    }
    *summary = made;
    return OK;
}
