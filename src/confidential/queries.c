/* The queries about confidential pools: see queries.h. */
#include "confidential/queries.h"

#include "kernel/page.h"
#include "kernel/query.h"

/* --- confidential.pools ------------------------------------------------------------------------------- */
struct pools {
    uint64_t after, limit;
};

static const struct param pools_params[] = {
    PARAM(struct pools, after, INTEGER, OPTIONAL, "only pools with a higher id"),
    PARAM(struct pools, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status pools(struct query *q, const void *params, struct writer *w)
{
    const struct pools *p = params;
    struct statement *s = statement(q->database,
        "SELECT confidential_pool.id AS id, symbol, account, held, notes, images FROM confidential_pool"
        " JOIN asset ON asset.id = asset WHERE confidential_pool.id > ?"
        " ORDER BY confidential_pool.id LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_integer(s, (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "id");
        writer_object_begin(w);
        write_column_integer(w, s, "id");
        write_column_text(w, s, "symbol");
        write_column_account(w, s, "account");
        write_column_integer(w, s, "held");
        write_column_integer(w, s, "notes");
        write_column_integer(w, s, "images");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- confidential.pool_notes -------------------------------------------------------------------------- */
struct pool_notes {
    struct asset_id asset;
    uint64_t after, limit;
};

static const struct param pool_notes_params[] = {
    PARAM(struct pool_notes, asset, ASSET, REQUIRED, "asset id or symbol"),
    PARAM(struct pool_notes, after, INTEGER, OPTIONAL, "only notes with a higher number",
          .fallback = NOT_GIVEN),
    PARAM(struct pool_notes, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status pool_notes(struct query *q, const void *params, struct writer *w)
{
    const struct pool_notes *p = params;
    struct statement *s = statement(q->database,
        "SELECT number, key, commitment, amount, sealed, created_seq FROM note"
        " WHERE pool = (SELECT id FROM confidential_pool WHERE asset = ?) AND number > ?"
        " ORDER BY number LIMIT ?");
    struct page page;
    int64_t last = 0;

    bind_blob(s, p->asset.bytes, sizeof(p->asset.bytes));
    bind_integer(s, p->after == NOT_GIVEN ? -1 : (int64_t)p->after);
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        last = column_integer(s, "number");
        writer_object_begin(w);
        write_column_integer(w, s, "number");
        write_column_hex(w, s, "key");
        write_column_hex(w, s, "commitment");
        if (!column_is_null(s, "amount"))
            write_column_integer(w, s, "amount");
        if (!column_is_null(s, "sealed"))
            write_column_hex(w, s, "sealed");
        write_column_integer(w, s, "created_seq");
        writer_object_end(w);
    }
    page_end_integer(&page, last);
    return OK;
}

/* --- confidential.image ------------------------------------------------------------------------------- */
struct image {
    struct hash image;
};

static const struct param image_params[] = {
    PARAM(struct image, image, HASH, REQUIRED, "key image of a note"),
};

static enum status image(struct query *q, const void *params, struct writer *w)
{
    const struct image *p = params;
    struct statement *s = statement(q->database,
        "SELECT symbol, spent_seq FROM key_image JOIN confidential_pool AS p ON p.id = pool"
        " JOIN asset ON asset.id = p.asset WHERE image = ?");

    bind_blob(s, p->image.bytes, sizeof(p->image.bytes));
    writer_object_begin(w);
    if (statement_row(s)) {
        writer_member_boolean(w, "spent", true);
        write_column_text(w, s, "symbol");
        write_column_integer(w, s, "spent_seq");
        statement_finish(s);
    } else {
        writer_member_boolean(w, "spent", false);
    }
    writer_object_end(w);
    return OK;
}

const struct query_method confidential_queries[CONFIDENTIAL_QUERIES] = {
    { "confidential.pools", ACCESS_PUBLIC, pools, PARAMS(struct pools, pools_params),
      .help = "List the confidential pools, with what each of them holds.", .result = "a page of pools" },
    { "confidential.pool_notes", ACCESS_PUBLIC, pool_notes, PARAMS(struct pool_notes, pool_notes_params),
      .help = "List the notes of a confidential pool, spent or not, which nobody can tell.",
      .result = "a page of notes", .example = "asset=GOLD" },
    { "confidential.image", ACCESS_PUBLIC, image, PARAMS(struct image, image_params),
      .help = "Tell whether a note with this key image was spent.",
      .result = "whether it was, and the event that did", .example = "image=HEX" },
};
