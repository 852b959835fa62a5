/* What a node publishes: see published.h. */
#include "watch/published.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bech32.h"
#include "base/json.h"

#define PAGE 1000 /* items a page, the most that a node gives */

static json_t *hex_json(const void *bytes, size_t size)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };

    buffer_append_hex(&text, bytes, size);
    return json_stringn((const char *)text.data, text.size);
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

/* One page's items; *next is the key of the next page, a reference of `reply`'s, or NULL. */
static enum status page_of(const json_t *reply, const char *method, const json_t **items, json_t **next,
                           struct error *error)
{
    struct fields f = { .object = reply };

    *items = field_list(&f, "items");
    TRY(fields_end(&f, method, error));
    *next = json_object_get(reply, "next");
    if (*next == NULL || json_is_null(*next) || json_array_size(*items) == 0)
        *next = NULL;
    return OK;
}

/* --- the node --------------------------------------------------------------------------------- */
enum status published_node(struct node *node, struct published_node *out, struct error *error)
{
    AUTO_JSON json_t *reply = NULL;

    TRY(node_call(node, "node.info", NULL, &reply, error));
    struct fields f = { .object = reply };
    struct published_node read = { .height = field_number(&f, "height") };
    copy_text(read.chain, sizeof(read.chain), field_text(&f, "chain"));
    read.main_network = strcmp(field_text(&f, "network"), "main") == 0;
    read.now_us = (int64_t)field_number(&f, "now_us");
    read.chain_time_us = (int64_t)field_number(&f, "chain_time_us");
    TRY(fields_end(&f, "node.info", error));
    *out = read;
    return OK;
}

/* --- rollups ---------------------------------------------------------------------------------- */
static void read_terms(struct fields *f, struct published_rollup *out)
{
    out->game = (struct game_params){
        .bond_base = field_number(f, "bond"),
        .bond_numerator = (uint32_t)field_number(f, "bond_numerator"),
        .bond_denominator = (uint32_t)field_number(f, "bond_denominator"),
        .burn_ppm = (uint32_t)field_number(f, "burn_ppm"),
        .max_clock_us = (int64_t)field_number(f, "clock_us"),
        .extension_us = (int64_t)field_number(f, "extension_us"),
        .step_extension_us = (int64_t)field_number(f, "step_extension_us"),
        .air_gap_us = (int64_t)field_number(f, "air_gap_us"),
        .payout_delay_us = (int64_t)field_number(f, "payout_delay_us") };
    out->challenge_us = (int64_t)field_number(f, "challenge_us");
}

enum status published_rollup(struct node *node, uint64_t domain, struct published_rollup *out,
                             struct error *error)
{
    AUTO_JSON json_t *reply = NULL;
    struct published_rollup read = { .domain = domain };
    struct error why;

    TRY(node_call(node, "rollup.get", json_pack("{s:I}", "domain", (json_int_t)domain), &reply, error));
    struct fields f = { .object = reply };
    field_hash(&f, "rollup", &read.id);
    field_account(&f, "operator", &read.operator_);
    read.assets = (unsigned)json_array_size(field_list(&f, "assets"));
    copy_text(read.bond_symbol, sizeof(read.bond_symbol), field_text(&f, "bond_asset"));
    read_terms(&f, &read);
    read.head = field_number(&f, "head");
    read.final = field_number(&f, "final");
    if (read.head > 0)
        field_hash(&f, "head_batch", &read.head_batch);
    field_hash(&f, "genesis_root", &read.genesis_root);
    if (field_number(&f, "domain") != domain || read.assets == 0 || read.assets > ROLLUP_ASSETS_MAX)
        return error_set(error, ERROR_PROTOCOL, "rollup.get answers about another rollup");
    TRY(fields_end(&f, "rollup.get", error));
    struct game_params params = read.game;
    params.max_depth = batch_game_depth(BATCH_ITEMS_MAX);
    params.split_depth = BATCH_SPLIT_DEPTH(params.max_depth);
    if (game_params_check(&params, &why) != OK)
        return error_set(error, ERROR_PROTOCOL, "rollup.get: no rollup has such terms: %s", why.message);
    *out = read;
    return OK;
}

enum status published_rollups(struct node *node, uint64_t **domains, size_t *count, struct error *error)
{
    uint64_t *list AUTO_FREE = NULL;
    json_int_t after = 0;
    size_t found = 0;

    for (json_t *next = NULL;;) {
        AUTO_JSON json_t *reply = NULL;
        const json_t *items, *item;
        size_t i;

        TRY(node_call(node, "message.domains", json_pack("{s:I, s:i}", "after", after, "limit", PAGE), &reply,
                      error));
        TRY(page_of(reply, "message.domains", &items, &next, error));
        list = memory_resize(list, (found + json_array_size(items) + 1) * sizeof(*list));
        json_array_foreach(items, i, item) {
            struct fields f = { .object = item };
            const uint64_t domain = field_number(&f, "domain");

            if (strcmp(field_text(&f, "kind"), "rollup") == 0)
                list[found++] = domain;
            TRY(fields_end(&f, "message.domains", error));
        }
        if (next == NULL)
            break;
        if (json_integer_value(next) <= after)
            return error_set(error, ERROR_PROTOCOL, "message.domains goes back in its pages");
        after = json_integer_value(next);
    }
    *domains = list;
    list = NULL;
    *count = found;
    return OK;
}

/* --- batches ---------------------------------------------------------------------------------- */
void published_batch_close(struct published_batch *batch)
{
    buffer_close(&batch->data);
}

bool published_batch_is_open(const struct published_batch *batch)
{
    return strcmp(batch->state, "proposed") == 0 || strcmp(batch->state, "challenged") == 0;
}

static void read_batch(struct fields *f, struct published_batch *out)
{
    out->domain = field_number(f, "domain");
    out->number = field_number(f, "number");
    field_hash(f, "batch", &out->id);
    field_hash(f, "parent", &out->parent);
    field_hash(f, "previous_root", &out->previous_root);
    field_hash(f, "items_root", &out->items_root);
    field_hash(f, "context", &out->context);
    field_account(f, "proposer", &out->proposer);
    field_hash(f, "root", &out->result.root);
    field_hash(f, "withdrawal_root", &out->result.withdrawal_root);
    out->result.withdrawals = field_number(f, "withdrawals");
    out->inbox_from = field_number(f, "inbox_from");
    out->inbox_to = field_number(f, "inbox_to");
    out->items = field_number(f, "items");
    copy_text(out->state, sizeof(out->state), field_text(f, "state"));
    out->window_end_us = (int64_t)field_number(f, "window_end_us");
    out->on_ledger = !field_is_there(f, "data_state") || /* of nodes that know no other */
                     strcmp(field_text(f, "data_state"), "published") == 0;
}

static bool read_hex(const char *text, struct buffer *out)
{
    const size_t size = strlen(text) / 2;

    if (!hex_decode(buffer_reserve(out, size + 1), size, text, strlen(text)))
        return false;
    out->size += size;
    return true;
}

enum status published_batch(struct node *node, uint64_t domain, uint64_t number, const struct hash *id,
                            struct published_batch *out, struct error *error)
{
    AUTO_JSON json_t *reply = NULL;
    struct published_batch read CLEANUP(published_batch_close) = { .domain = domain };
    json_t *params = id == NULL
                         ? json_pack("{s:I, s:I}", "domain", (json_int_t)domain, "number", (json_int_t)number)
                         : json_pack("{s:o}", "batch", hex_json(id->bytes, sizeof(id->bytes)));

    TRY(node_call(node, "rollup.batch", params, &reply, error));
    struct fields f = { .object = reply };
    read_batch(&f, &read);
    if (!read_hex(field_is_there(&f, "data") ? field_text(&f, "data") : "", &read.data))
        f.bad = "data";
    TRY(fields_end(&f, "rollup.batch", error));
    if (read.domain != domain || (id == NULL ? read.number != number : !hash_equal(&read.id, id)))
        return error_set(error, ERROR_PROTOCOL, "rollup.batch answers about another batch");
    *out = read;
    read.data = (struct buffer){ 0 };
    return OK;
}

/* An item's bytes as a batch executes them: one that ended before a batch took it in is an empty forced
 * one. */
static enum status read_inbox_item(const json_t *item, uint64_t number, struct arena *arena,
                                   struct bytes *bytes, struct error *error)
{
    struct buffer payload CLEANUP(buffer_close) = { 0 };
    struct fields f = { .object = item };
    const char *state = field_text(&f, "state");

    if (!read_hex(field_text(&f, "payload"), &payload) || field_number(&f, "number") != number)
        f.bad = "payload";
    TRY(fields_end(&f, "message.inbox", error));
    if (strcmp(state, "refunded") == 0 || strcmp(state, "dropped") == 0) {
        buffer_clear(&payload);
        inbox_forced_encode(number, bytes_of(NULL, 0), &payload);
    }
    *bytes = bytes_of(arena_text(arena, (const char *)payload.data, payload.size), payload.size);
    return OK;
}

enum status published_inbox(struct node *node, uint64_t domain, uint64_t from, uint64_t to,
                            struct arena *arena, struct bytes *items, struct error *error)
{
    for (uint64_t number = from; number < to;) {
        AUTO_JSON json_t *reply = NULL;
        json_t *params = json_pack("{s:I, s:i}", "domain", (json_int_t)domain, "limit",
                                   to - number < PAGE ? (int)(to - number) : PAGE);
        const json_t *list, *item;
        json_t *next;
        size_t i;

        if (number > 0)
            json_object_set_new(params, "after", json_integer((json_int_t)number - 1));
        TRY(node_call(node, "message.inbox", params, &reply, error));
        TRY(page_of(reply, "message.inbox", &list, &next, error));
        json_array_foreach(list, i, item) {
            if (number == to)
                break;
            TRY(read_inbox_item(item, number, arena, &items[number - from], error));
            number++;
        }
        if (number < to && next == NULL)
            return error_set(error, ERROR_CORRUPT,
                             "the inbox ends before item %" PRIu64 ", which is in a batch", number);
    }
    return OK;
}

/* --- games ------------------------------------------------------------------------------------ */
void published_game_close(struct published_game *game)
{
    free(game->claims);
    game->claims = NULL;
}

static bool read_claim(struct fields *f, const struct published_game *game, uint32_t number,
                       struct claim *claim)
{
    const uint64_t depth = field_number(f, "depth"), index = field_number(f, "index");

    *claim = (struct claim){ .parent = GAME_NO_CLAIM };
    if (field_number(f, "number") != number || depth > game->max_depth || index >> depth != 0)
        return false;
    claim->position = position_at((unsigned)depth, index);
    if (number > 0) {
        const uint64_t parent = field_number(f, "parent");

        if (parent >= number)
            return false;
        claim->parent = (uint32_t)parent;
    }
    field_hash(f, "value", &claim->value);
    field_account(f, "claimant", &claim->claimant);
    claim->bond = field_number(f, "bond");
    claim->clock_us = (int64_t)field_number(f, "clock_us");
    claim->made_at_us = (int64_t)field_number(f, "made_us");
    claim->countered = field_boolean(f, "countered");
    claim->resolved = field_boolean(f, "resolved");
    if (claim->countered)
        field_account(f, "countered_by", &claim->countered_by);
    return true;
}

static enum status read_game(struct fields *f, struct published_game *out, struct error *error)
{
    field_hash(f, "batch", &out->batch);
    field_hash(f, "prestate", &out->prestate);
    out->domain = field_number(f, "domain");
    const uint64_t depth = field_number(f, "max_depth"), split = field_number(f, "split_depth");
    const uint64_t claims = field_number(f, "claims"), paid = field_number(f, "paid");
    out->running = strcmp(field_text(f, "status"), "running") == 0;
    if (depth <= ITEM_STEPS_LOG2 || depth > batch_game_depth(BATCH_ITEMS_MAX) || split >= depth ||
        claims < 1 || claims > GAME_CLAIMS_MAX || paid > claims)
        return error_set(error, ERROR_PROTOCOL, "game.get: no game about a batch is like that");
    out->max_depth = (unsigned)depth;
    out->split_depth = (unsigned)split;
    out->count = (uint32_t)claims;
    out->paid = (uint32_t)paid;
    return fields_end(f, "game.get", error);
}

static enum status read_claims(const json_t *reply, struct published_game *game, uint32_t *have,
                               struct error *error)
{
    const json_t *list, *item;
    json_t *next;
    size_t i;

    TRY(page_of(json_object_get(reply, "list"), "game.get", &list, &next, error));
    json_array_foreach(list, i, item) {
        struct fields f = { .object = item };

        if (*have == game->count)
            break; /* made since */
        if (!read_claim(&f, game, *have, &game->claims[*have]))
            f.bad = "list";
        TRY(fields_end(&f, "game.get", error));
        (*have)++;
    }
    return *have < game->count && next == NULL
               ? error_set(error, ERROR_PROTOCOL, "game.get: %" PRIu32 " claims of %" PRIu32, *have,
                           game->count)
               : OK;
}

enum status published_game(struct node *node, const struct hash *id, bool whole, struct published_game *out,
                           struct error *error)
{
    struct published_game game CLEANUP(published_game_close) = { .id = *id };
    uint32_t have = 0;

    do {
        AUTO_JSON json_t *reply = NULL;
        json_t *params = json_pack("{s:o, s:i}", "game", hex_json(id->bytes, sizeof(id->bytes)), "limit",
                                   whole ? PAGE : 1);

        if (have > 0)
            json_object_set_new(params, "after", json_integer((json_int_t)have - 1));
        TRY(node_call(node, "game.get", params, &reply, error));
        if (have == 0) {
            struct fields f = { .object = reply };

            TRY(read_game(&f, &game, error));
            game.claims = memory_array(game.count + 1, sizeof(*game.claims));
        }
        if (whole)
            TRY(read_claims(reply, &game, &have, error));
    } while (whole && have < game.count);
    *out = game;
    game.claims = NULL;
    return OK;
}

enum status published_games(struct node *node, const struct account_id *account, uint64_t after,
                            struct published_game_line **list, size_t *count, struct error *error)
{
    struct published_game_line *lines AUTO_FREE = NULL;
    size_t found = 0;

    for (json_t *next = NULL;;) {
        AUTO_JSON json_t *reply = NULL;
        json_t *params = json_pack("{s:I, s:i}", "after", (json_int_t)after, "limit", PAGE);
        const json_t *items, *item;
        size_t i;

        if (account != NULL)
            json_object_set_new(params, "account", hex_json(account->bytes, sizeof(account->bytes)));
        else
            json_object_set_new(params, "running", json_true());
        TRY(node_call(node, "game.list", params, &reply, error));
        TRY(page_of(reply, "game.list", &items, &next, error));
        lines = memory_resize(lines, (found + json_array_size(items) + 1) * sizeof(*lines));
        json_array_foreach(items, i, item) {
            struct fields f = { .object = item };
            struct published_game_line *line = &lines[found++];

            field_hash(&f, "id", &line->id);
            field_hash(&f, "batch", &line->batch);
            line->domain = field_number(&f, "domain");
            line->begun_seq = field_number(&f, "begun_seq");
            line->claims = field_number(&f, "claims");
            TRY(fields_end(&f, "game.list", error));
        }
        if (next == NULL)
            break;
        if ((uint64_t)json_integer_value(next) <= after)
            return error_set(error, ERROR_PROTOCOL, "game.list goes back in its pages");
        after = (uint64_t)json_integer_value(next);
    }
    *list = lines;
    lines = NULL;
    *count = found;
    return OK;
}

/* --- accounts --------------------------------------------------------------------------------- */
enum status published_balance(struct node *node, const struct account_id *account, const char *symbol,
                              uint64_t *amount, struct error *error)
{
    AUTO_JSON json_t *reply = NULL;
    const json_t *items;
    json_t *next;

    TRY(node_call(node, "ledger.balance",
                  json_pack("{s:o, s:s}", "account", hex_json(account->bytes, sizeof(account->bytes)),
                            "asset", symbol), &reply, error));
    TRY(page_of(reply, "ledger.balance", &items, &next, error));
    struct fields f = { .object = json_array_get(items, 0) };
    const uint64_t held = field_number(&f, "amount");
    TRY(fields_end(&f, "ledger.balance", error));
    *amount = held;
    return OK;
}

enum status published_commitment(struct node *node, const struct account_id *account,
                                 const struct hash *commitment, bool *found, uint64_t *block,
                                 struct error *error)
{
    AUTO_JSON json_t *reply = NULL;
    const json_t *items;
    json_t *next;

    TRY(node_call(node, "fraud.commitments",
                  json_pack("{s:o, s:o}", "account", hex_json(account->bytes, sizeof(account->bytes)),
                            "commitment", hex_json(commitment->bytes, sizeof(commitment->bytes))),
                  &reply, error));
    TRY(page_of(reply, "fraud.commitments", &items, &next, error));
    if (json_array_size(items) == 0) {
        *found = false;
        return OK;
    }
    struct fields f = { .object = json_array_get(items, 0) };
    const uint64_t made = field_number(&f, "block");
    TRY(fields_end(&f, "fraud.commitments", error));
    *found = true;
    *block = made;
    return OK;
}
