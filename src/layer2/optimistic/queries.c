/* What people may ask about games: see queries.h. */
#include "layer2/optimistic/queries.h"

#include "base/bech32.h"
#include "kernel/page.h"
#include "kernel/query.h"
#include "layer2/optimistic/dispute.h"

#define EXAMPLE_ID "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

static enum status refuse_game(struct query *q, const struct hash *id)
{
    char hex[2 * sizeof(id->bytes) + 1];

    hex_text(hex, id->bytes, sizeof(id->bytes));
    return query_fail(q, ERROR_GAME_NOT_FOUND, "there is no game %s", hex);
}

static void write_account(struct writer *w, const char *key, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    writer_member_text(w, key, address);
}

/* --- game.get --------------------------------------------------------------------------------- */
struct one_game {
    struct hash game;
    uint64_t after, limit;
};

static const struct param one_game_params[] = {
    PARAM(struct one_game, game, HASH, REQUIRED, "its id"),
    PARAM(struct one_game, after, INTEGER, OPTIONAL, "only claims after the one with this number",
          .fallback = NOT_GIVEN),
    PARAM(struct one_game, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static void write_game(struct writer *w, const struct dispute *d)
{
    const struct game_row *row = &d->row;

    writer_member_hex(w, "game", row->id.bytes, sizeof(row->id.bytes));
    writer_member_hex(w, "batch", row->batch.bytes, sizeof(row->batch.bytes));
    writer_member_unsigned(w, "domain", row->domain);
    writer_member_text(w, "status", game_status_name(row->status));
    writer_member_text(w, "closing", game_closing_name(row->closing));
    write_account(w, "holding", &row->holding);
    writer_member_unsigned(w, "max_depth", row->max_depth);
    writer_member_unsigned(w, "split_depth", row->split_depth);
    writer_member_hex(w, "prestate", row->prestate.bytes, sizeof(row->prestate.bytes));
    writer_member_unsigned(w, "claims", row->claims);
    writer_member_unsigned(w, "pot", row->pot);
    writer_member_unsigned(w, "paid", row->paid);
    writer_member_integer(w, "begun_us", row->begun_us);
    if (row->status != GAME_RUNNING)
        writer_member_integer(w, "ended_us", row->ended_us);
    if (row->closing != GAME_OPEN)
        writer_member_integer(w, "closed_us", row->closed_us);
}

static void write_claim(struct writer *w, struct statement *s)
{
    struct position position = { (unsigned __int128)column_integer(s, "position") };

    writer_object_begin(w);
    write_column_integer(w, s, "number");
    if (!column_is_null(s, "parent"))
        write_column_integer(w, s, "parent");
    writer_member_unsigned(w, "depth", position_depth(position));
    writer_member_unsigned(w, "index", (uint64_t)position_index(position));
    write_column_hex(w, s, "value");
    write_column_account(w, s, "claimant");
    write_column_integer(w, s, "bond");
    write_column_integer(w, s, "clock_us");
    write_column_integer(w, s, "made_us");
    write_column_integer(w, s, "deadline_us");
    writer_member_boolean(w, "countered", column_integer(s, "countered") != 0);
    if (column_integer(s, "countered") != 0)
        write_column_account(w, s, "countered_by");
    writer_member_boolean(w, "resolved", column_integer(s, "resolved") != 0);
    writer_object_end(w);
}

static enum status one_game(struct query *q, const void *params, struct writer *w)
{
    const struct one_game *p = params;
    struct dispute d CLEANUP(dispute_close) = { .game.claims = NULL };
    struct statement *s;
    struct page page;
    int64_t last = 0;

    if (!dispute_open(q->database, &p->game, &d))
        return refuse_game(q, &p->game);
    writer_object_begin(w);
    write_game(w, &d);
    writer_key(w, "list");
    s = statement(q->database, "SELECT * FROM claim WHERE game = ? AND number > ? ORDER BY number LIMIT ?");
    bind_blob(s, p->game.bytes, sizeof(p->game.bytes));
    bind_integer(s, p->after == NOT_GIVEN ? -1 : (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        write_claim(w, s);
        last = column_integer(s, "number");
    }
    page_end_integer(&page, last);
    writer_object_end(w);
    return OK;
}

/* --- game.list -------------------------------------------------------------------------------- */
struct games {
    struct hash batch;
    struct account_id account;
    bool running;
    uint64_t after, limit;
};

static const struct param games_params[] = {
    PARAM(struct games, batch, HASH, OPTIONAL, "only games about this batch"),
    PARAM(struct games, account, ACCOUNT, OPTIONAL, "only games in which this account made a claim"),
    PARAM(struct games, running, BOOLEAN, OPTIONAL, "only games that run"),
    PARAM(struct games, after, INTEGER, OPTIONAL, "only games begun after the event with this seq"),
    PARAM(struct games, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

#define GAMES                                                                                               \
    "SELECT id, batch, domain, claims, pot, status, closing, begun_us, begun_seq FROM game"                 \
    " WHERE (status = 0 OR NOT ?1) AND begun_seq > ?2"
#define GAMES_ORDER " ORDER BY begun_seq LIMIT ?3"

static struct statement *games_statement(struct query *q, const struct games *p)
{
    static const struct hash none;
    struct statement *s;

    if (!account_is_zero(&p->account))
        s = statement(q->database, GAMES " AND (?5 OR batch = ?4) AND id IN"
                                         " (SELECT game FROM claim WHERE claimant = ?6)" GAMES_ORDER);
    else if (!hash_equal(&p->batch, &none))
        s = statement(q->database, GAMES " AND batch = ?4" GAMES_ORDER);
    else
        s = statement(q->database, GAMES GAMES_ORDER);
    bind_integer(s, p->running);
    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    if (!account_is_zero(&p->account) || !hash_equal(&p->batch, &none))
        bind_blob(s, p->batch.bytes, sizeof(p->batch.bytes));
    if (!account_is_zero(&p->account)) {
        bind_integer(s, hash_equal(&p->batch, &none));
        bind_blob(s, p->account.bytes, sizeof(p->account.bytes));
    }
    return s;
}

static enum status games(struct query *q, const void *params, struct writer *w)
{
    const struct games *p = params;
    struct statement *s = games_statement(q, p);
    struct page page = page_begin(w, p->limit);
    int64_t last = 0;

    while (page_row(&page, s)) {
        writer_object_begin(w);
        write_column_hex(w, s, "id");
        write_column_hex(w, s, "batch");
        write_column_integer(w, s, "domain");
        writer_member_text(w, "status", game_status_name((enum game_status)column_integer(s, "status")));
        writer_member_text(w, "closing", game_closing_name((enum game_closing)column_integer(s, "closing")));
        write_column_integer(w, s, "claims");
        write_column_integer(w, s, "pot");
        write_column_integer(w, s, "begun_us");
        write_column_integer(w, s, "begun_seq");
        writer_object_end(w);
        last = column_integer(s, "begun_seq");
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- game.shortages --------------------------------------------------------------------------- */
static enum status shortages(struct query *q, const void *params, struct writer *w)
{
    struct statement *s = statement(q->database,
        "SELECT batch, symbol, needed, since_us, reason FROM watcher_shortage JOIN asset ON asset.id = asset"
        " ORDER BY since_us, batch LIMIT ?");

    (void)params;
    bind_integer(s, PAGE_LIMIT_MAX);
    writer_array_begin(w);
    while (statement_row(s)) {
        writer_object_begin(w);
        write_column_hex(w, s, "batch");
        write_column_text(w, s, "symbol");
        write_column_integer(w, s, "needed");
        write_column_integer(w, s, "since_us");
        write_column_text(w, s, "reason");
        writer_object_end(w);
    }
    writer_array_end(w);
    return OK;
}

const struct query_method game_queries[GAME_QUERIES] = {
    { "game.get", ACCESS_PUBLIC, one_game, PARAMS(struct one_game, one_game_params),
      .help = "One game with its claims, in pages.", .result = "status, bonds, times, list {items, next}",
      .example = "game=" EXAMPLE_ID },
    { "game.list", ACCESS_PUBLIC, games, PARAMS(struct games, games_params),
      .help = "Games in the order of their beginning.", .result = "{items, next}",
      .example = "running=true" },
    { "game.shortages", ACCESS_PUBLIC, shortages, NO_PARAMS,
      .help = "Batches about which this node would make a move, had its account got the bond or were it let.",
      .result = "list of {batch, symbol, needed, since_us, reason}", .example = "" },
};
