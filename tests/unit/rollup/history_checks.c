/* What always holds in random histories, whatever anybody does: see history.h. P1 … P11 are the properties of
 * research/rollups.md, 6.10. */
#include "history.h"

#include "crypto/hash.h"

/* --- P1: nothing is made, nothing lost -------------------------------------------------------- */
/* All balances (people's, rollups', batches' and games' bonds) and what burned are what there was. */
static void check_value(struct history *h)
{
    for (size_t i = 0; i < ASSETS; i++) {
        int64_t held = held_of(h, symbols[i]);

        assert_int_equal(held + (i == 0 ? burned_so_far(h) : 0), h->supply[i]); /* bonds are GOLD */
    }
}

/* The model's accounts have what the inbox brought, less what was withdrawn. */
static void check_inside(struct history *h, const struct side *side)
{
    struct batch_row row;
    uint64_t taken = 0;

    if (side->count > 0) {
        assert_true(batch_find(h->reader, &side->batches[side->count - 1], &row));
        taken = row.inbox_to;
    }
    for (unsigned asset = 0; asset < ASSETS; asset++) {
        int64_t in = ask(h, "SELECT coalesce(sum(amount), 0) FROM inbox WHERE domain = %" PRIu64
                            " AND asset = %u AND number < %" PRIu64, side->domain, asset, taken);
        uint64_t out = 0;

        for (uint64_t i = 0; i < side->withdrawal_count; i++)
            out += side->withdrawals[i].asset == asset ? side->withdrawals[i].amount : 0;
        assert_int_equal(rollup_state_total(side->state, asset) + out, in);
    }
}

/* --- P2: each message ends once ---------------------------------------------------------------- */
static bool inbox_may_become(enum inbox_state from, enum inbox_state to)
{
    if (from == INBOX_QUEUED || from == INBOX_INCLUDED)
        return true; /* several things may have happened since */
    return from == to;
}

static void check_messages(struct history *h, struct side *side)
{
    int64_t claimed = ask(h, "SELECT count(*) FROM withdrawal_claim WHERE domain = %" PRIu64, side->domain);
    int64_t exited = ask(h, "SELECT count(*) FROM rollup_exit WHERE domain = %" PRIu64, side->domain);
    struct inbox_item item;
    size_t number = 0;

    for (; inbox_read(h->reader, side->domain, number, &item); number++) {
        assert_true(number < INBOX_MAX);
        if (number < side->inbox_count)
            assert_true(inbox_may_become(side->inbox[number], item.state));
        side->inbox[number] = item.state;
    }
    assert_true(number >= side->inbox_count && claimed >= side->claimed && exited >= side->exited);
    side->inbox_count = number;
    side->claimed = claimed;
    side->exited = exited;
}

/* --- P7, P8: what is final, and what is left of the rest -------------------------------------- */
static void check_final(struct history *h, struct side *side)
{
    struct batch_row row;

    assert_true(side->rollup.final >= side->final);
    assert_true(side->rollup.final <= side->count);
    for (size_t i = 0; i < side->rollup.final; i++) {
        if (i >= side->final) {
            side->finals[i] = side->batches[i];
            h->counts->final++;
        }
        assert_true(hash_equal(&side->finals[i], &side->batches[i]));
        assert_true(truth_of(h, &side->finals[i]) != NULL && truth_of(h, &side->finals[i])->right);
        assert_true(batch_find(h->reader, &side->finals[i], &row));
        assert_int_equal(row.state, BATCH_FINAL);
    }
    side->final = (size_t)side->rollup.final;
}

static void load_rows(struct history *h, const struct side *side, struct rollup_state *state)
{
    struct statement *s = statement(h->reader, "SELECT kind, place, leaf FROM rollup_leaf WHERE domain = ?");
    struct error error;

    bind_integer(s, (int64_t)side->domain);
    while (statement_row(s)) {
        struct leaf_place place = { .kind = (enum leaf_kind)column_integer(s, "kind") };
        struct bytes bytes = column_blob(s, "place");
        struct leaf leaf;

        if (place.kind == LEAF_ACCOUNT)
            place.index = get_be32(bytes.data);
        if (place.kind == LEAF_INDEX)
            memcpy(place.key.bytes, bytes.data, sizeof(place.key.bytes));
        assert_int_equal(leaf_decode(column_blob(s, "leaf"), &leaf, &error), OK);
        rollup_state_load(state, &place, &leaf);
    }
}

/* The node's rows, wherever its lane is, are the model's state there: what was taken back left nothing. */
static void check_rows(struct history *h, const struct side *side)
{
    int64_t at = ask(h, "SELECT number FROM rollup_lane WHERE domain = %" PRIu64, side->domain);
    bool stands = at == 0 || ask(h, "SELECT state < 4 FROM rollup_lane JOIN batch ON id = batch WHERE"
                                    " rollup_lane.domain = %" PRIu64, side->domain) == 1;
    struct rollup_state *rows, *model;
    struct hash roots[2];

    if (!stands)
        return; /* it has not taken back yet what fell */
    assert_true(at >= 0 && (size_t)at <= side->count); /* and never executes beyond what is right */
    rows = rollup_state_empty(side->rollup.assets);
    load_rows(h, side, rows);
    rollup_state_root(rows, &roots[0]);
    model = (size_t)at == side->count ? side->state : model_at(h, side, (size_t)at);
    rollup_state_root(model, &roots[1]);
    assert_true(hash_equal(&roots[0], &roots[1]));
    assert_int_equal(ask(h, "SELECT count(*) FROM rollup_withdrawal WHERE domain = %" PRIu64, side->domain),
                     rollup_state_outbox(model)->count);
    rollup_state_free(rows);
    if (model != side->state)
        rollup_state_free(model);
}

/* --- P4, P5, P6: games -------------------------------------------------------------------------- */
/* The rules of who counters whom, written down once more, from the leaves up: the left-most answer that
 * nobody counters, the oldest of those in one place; a step before all answers. */
static uint32_t counter_of(const struct game *game, uint32_t claim, const bool *countered)
{
    uint32_t best = GAME_NO_CLAIM;

    for (uint32_t i = claim + 1; i < game->count; i++) {
        if (game->claims[i].parent == claim && !countered[i] &&
            (best == GAME_NO_CLAIM || game->claims[i].position.gindex < game->claims[best].position.gindex))
            best = i;
    }
    return best;
}

static void check_resolution(struct history *h, const struct dispute *d)
{
    bool *countered AUTO_FREE = memory_array(d->game.count, sizeof(*countered));
    char game[65];

    hex_of(game, &d->row.id);
    for (uint32_t i = d->game.count; i-- > 0;) {
        const struct claim *claim = &d->game.claims[i];
        bool stepped = ask(h, "SELECT count(*) FROM step WHERE game = x'%s' AND claim = %" PRIu32, game,
                           i) > 0;
        uint32_t best = counter_of(&d->game, i, countered);

        countered[i] = stepped || best != GAME_NO_CLAIM;
        if (!claim->resolved)
            fail_msg("game %s is %s, and claim %" PRIu32 " not resolved: see %s", game,
                     game_status_name(d->row.status), i, h->f.directory);
        assert_int_equal(claim->countered, countered[i]);
        if (countered[i] && !stepped)
            assert_true(account_equal(&claim->countered_by, &d->game.claims[best].claimant));
    }
    assert_int_equal(d->row.status, countered[0] ? GAME_DEFEATED : GAME_DEFENDED);
}

static void check_ended(struct history *h, const struct dispute *d)
{
    const struct truth *truth = truth_of(h, &d->row.batch);

    /* No block saw it run any longer than a game can. */
    assert_int_equal(ask(h, "SELECT count(*) FROM block WHERE chain_time_us >= %" PRId64
                            " AND chain_time_us < %" PRId64,
                         d->row.begun_us + game_longest_us(&d->game.params), d->row.ended_us), 0);
    h->counts->voided += d->row.status == GAME_VOID;
    if (d->row.status == GAME_VOID)
        return;
    check_resolution(h, d);
    for (uint32_t i = 0; i < d->game.count; i++)
        if (account_equal(&d->game.claims[i].claimant, &h->party) && d->game.claims[i].countered)
            fail_msg("the honest party's claim %" PRIu32 " is countered: see %s", i, h->f.directory);
    if (truth != NULL && d->row.status != (truth->root_right ? GAME_DEFENDED : GAME_DEFEATED)) {
        char game[65];

        hex_of(game, &d->row.id);
        fail_msg("game %s is %s, and its batch %s: see %s", game, game_status_name(d->row.status),
                 truth->root_right ? "right" : "wrong", h->f.directory);
    }
    h->counts->defended += d->row.status == GAME_DEFENDED;
    h->counts->defeated += d->row.status == GAME_DEFEATED;
}

/* Every bond has left, to whom it belongs, to the unit. */
static void check_paid(struct history *h, const struct dispute *d)
{
    uint64_t burned_share = d->game.params.burn_ppm;
    char game[65], to[65];

    hex_of(game, &d->row.id);
    for (uint32_t i = 0; i < d->game.count; i++) {
        const struct claim *claim = &d->game.claims[i];
        bool lost = d->row.status != GAME_VOID && claim->countered;
        uint64_t burned = lost && i > 0 ? claim->bond * burned_share / GAME_PPM : 0;
        const struct account_id *heir = lost ? &claim->countered_by : &claim->claimant;

        hex_text(to, heir->bytes, sizeof(heir->bytes));
        assert_int_equal(ask(h, "SELECT amount + burned FROM payout WHERE game = x'%s'"
                                " AND claim = %" PRIu32, game, i), claim->bond);
        if (i == 0 && !lost)
            continue; /* back to the batch, or to whoever proved it wrong */
        assert_int_equal(ask(h, "SELECT burned FROM payout WHERE game = x'%s' AND claim = %" PRIu32, game, i),
                         i == 0 ? claim->bond * burned_share / GAME_PPM : burned);
        assert_int_equal(ask(h, "SELECT count(*) FROM payout WHERE game = x'%s' AND claim = %" PRIu32
                                " AND recipient = x'%s'", game, i, to), 1);
    }
    assert_int_equal(ask(h,
                         "SELECT coalesce(sum(amount), 0) FROM balance JOIN game ON account = holding WHERE"
                            " game.id = x'%s'", game), 0);
}

static void check_game(struct history *h, size_t index)
{
    struct dispute d;

    assert_true(dispute_open(h->reader, &h->games[index].id, &d));
    dispute_read_all(h->reader, &d);
    if (d.row.status == GAME_RUNNING)
        assert_true(h->now_us - d.row.begun_us < game_longest_us(&d.game.params));
    if (d.row.status != GAME_RUNNING && !h->games[index].ended) {
        h->games[index].ended = true;
        check_ended(h, &d);
    }
    if (d.row.status != GAME_RUNNING && d.row.paid == d.row.claims) {
        h->games[index].paid = true;
        check_paid(h, &d);
    }
    dispute_close(&d);
}

static void check_games(struct history *h)
{
    for (;;) {
        char *hex AUTO_FREE = ask_text(h, "SELECT lower(hex(id)) FROM game ORDER BY begun_seq LIMIT 1"
                                          " OFFSET %zu", h->game_count);

        if (hex == NULL)
            break;
        assert_true(h->game_count < GAMES_MAX);
        assert_true(hex_decode(h->games[h->game_count++].id.bytes, sizeof(struct hash), hex, 64));
    }
    for (size_t i = 0; i < h->game_count; i++) {
        if (!h->games[i].paid)
            check_game(h, i);
    }
}

/* --- P11: whoever waits is served, or everybody may leave -------------------------------------- */
static void check_served(struct history *h, const struct side *side)
{
    struct batch_row row;
    struct inbox_item item;

    if (side->rollup.head == 0 || side->rollup.frozen)
        return;
    assert_true(batch_find_number(h->reader, side->domain, side->rollup.head, &row));
    for (uint64_t i = row.inbox_to; inbox_read(h->reader, side->domain, i, &item); i++)
        assert_true(item.deadline_us > row.proposed_us); /* no batch left out what was overdue */
}

/* --- all of it ---------------------------------------------------------------------------------- */
void history_check(struct history *h)
{
    history_look(h);
    check_value(h);
    for (size_t i = 0; i < SIDES; i++) {
        check_inside(h, &h->sides[i]);
        check_messages(h, &h->sides[i]);
        check_final(h, &h->sides[i]);
        if (h->honest == HONEST_NODE)
            check_rows(h, &h->sides[i]);
        check_served(h, &h->sides[i]);
    }
    check_games(h);
    assert_int_equal(ask(h, "SELECT count(*) FROM event WHERE type = 'watcher.refused'"), 0);
    fixture_audit(&h->f);
}

/* --- P7: a run that never saw what fell --------------------------------------------------------- */
static void queue_again(struct history *h, struct history *fresh, uint64_t number)
{
    const struct side *side = &h->sides[0];
    struct buffer text CLEANUP(buffer_close) = { 0 };
    char sender[65], key[65], recipient[65];
    struct inbox_item row;
    struct item item;
    struct error error;
    const char *who = "fred";

    assert_true(inbox_read(h->reader, side->domain, number, &row));
    hex_text(sender, row.sender.bytes, sizeof(row.sender.bytes));
    for (size_t i = 0; i < USERS; i++) {
        if (account_equal(&row.sender, &fixture_key(&h->f, users[i])->account))
            who = users[i];
    }
    assert_true(account_equal(&row.sender, &fixture_key(&h->f, who)->account));
    if (row.payload.data[0] == ITEM_FORCED) {
        buffer_append_hex(&text, row.payload.data + 9, row.payload.size - 9);
        fixture_run(&fresh->f, who, "rollup.force", "{'domain':1,'transaction':'%s'}", buffer_text(&text));
        return;
    }
    assert_int_equal(inbox_item_decode(row.payload, &side->rollup.id, ASSETS, &item, &error), OK);
    hex_text(key, item.key.bytes, sizeof(item.key.bytes));
    hex_text(recipient, item.recipient.bytes, sizeof(item.recipient.bytes));
    if (item.kind == ITEM_DEPOSIT)
        fixture_run(&fresh->f, who, "rollup.deposit",
                    "{'domain':1,'asset':'%s','amount':%" PRIu64 ",'key':'%s'}", symbols[item.asset],
                    item.amount, key);
    else
        fixture_run(&fresh->f, who, "rollup.exit",
                    "{'domain':1,'asset':'%s','amount':%" PRIu64 ",'recipient':'%s'}", symbols[item.asset],
                    item.amount, recipient);
}

static void propose_again(struct history *h, struct history *fresh, uint64_t number, char parent[65])
{
    char *data AUTO_FREE = NULL;
    char root[65], withdrawal_root[65], id[65], last[120] = "";
    json_t *made AUTO_JSON = NULL, *params;
    struct batch_row row;

    assert_true(batch_find_number(h->reader, 1, number, &row));
    hex_of(id, &row.id);
    hex_of(root, &row.result.root);
    hex_of(withdrawal_root, &row.result.withdrawal_root);
    data = ask_text(h, "SELECT lower(hex(data)) FROM batch_data WHERE batch = x'%s'", id);
    if (number > 1)
        snprintf(last, sizeof(last), ",'parent':'%s'", parent);
    params = fixture_json("{'domain':1,'number':%" PRIu64
                          ",'root':'%s','withdrawal_root':'%s','withdrawals':%"
                          PRIu64 ",'inbox_to':%" PRIu64 "%s}", number, root, withdrawal_root,
                          row.result.withdrawals, row.inbox_to, last);
    if (data != NULL && data[0] != '\0')
        json_object_set_new(params, "data", json_string(data));
    assert_int_equal(fixture_try(&fresh->f, "paul", "rollup.propose", params, &made), OK);
    snprintf(parent, 65, "%s", json_string_value(json_object_get(made, "batch")));
}

static char *rows_of(struct history *h)
{
    return ask_text(h,
        "SELECT group_concat(line, char(10)) FROM"
        " (SELECT printf('leaf %%d %%s %%s', kind, hex(place), hex(leaf))"
        " AS line FROM rollup_leaf WHERE domain = 1 UNION ALL SELECT printf('node %%d %%d %%s', level, node,"
        " hex(hash)) FROM rollup_outbox WHERE domain = 1 UNION ALL SELECT"
        " printf('withdrawal %%d %%d %%d %%d %%s',"
        " number, batch, asset, amount, hex(recipient)) FROM rollup_withdrawal WHERE domain = 1 ORDER BY 1)");
}

void compare_with_fresh_run(struct history *h)
{
    struct history *fresh = memory_new(sizeof(*fresh));
    struct counts unused = { .steps = 0 };
    char parent[65] = "";
    char *rows[2];

    history_look(h);
    history_begin(fresh, 1, h->honest, &unused);
    assert_true(hash_equal(&fresh->sides[0].rollup.id, &h->sides[0].rollup.id));
    for (uint64_t i = 0; i < h->sides[0].inbox_count; i++)
        queue_again(h, fresh, i);
    for (uint64_t i = 1; i <= h->sides[0].rollup.head; i++)
        propose_again(h, fresh, i, parent);
    honest_acts(fresh);
    assert_int_equal(fresh->sides[0].count, h->sides[0].rollup.head);
    rows[0] = rows_of(h);
    rows[1] = rows_of(fresh);
    assert_string_equal(rows[0], rows[1]);
    free(rows[0]);
    free(rows[1]);
    history_end(fresh);
    memory_free_pointer(&fresh);
}
