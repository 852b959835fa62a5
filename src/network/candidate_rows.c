/* The table of candidates: see candidate_rows.h. */
#include "network/candidate_rows.h"

static const char *copy_text(struct statement *s, const char *column, struct arena *arena)
{
    struct bytes text = column_text_sized(s, column);

    return text.data == NULL ? NULL : arena_text(arena, (const char *)text.data, text.size);
}

static void read_candidate(struct statement *s, struct arena *arena, struct candidate *candidate)
{
    struct bytes raw = column_blob(s, "raw");

    *candidate = (struct candidate){
        .transaction = copy_text(s, "transaction_id", arena),
        .raw = bytes_of(arena_text(arena, (const char *)raw.data, raw.size), raw.size),
        .details = copy_text(s, "details", arena),
        .refusal = copy_text(s, "refusal", arena),
        .is_taken = !column_is_null(s, "sent_us"),
        .too_cheap = column_integer(s, "too_cheap") != 0,
    };
}

void row_candidates_read(struct database *database, uint64_t number, struct arena *arena,
                         struct candidates *candidates)
{
    struct statement *s = statement(database,
        "SELECT transaction_id, raw, details, sent_us, refusal, too_cheap FROM network_candidate"
        " WHERE number = ? ORDER BY place LIMIT ?");

    bind_integer(s, (int64_t)number);
    bind_integer(s, CANDIDATES_MOST);
    candidates->count = 0;
    while (statement_row(s))
        read_candidate(s, arena, &candidates->items[candidates->count++]);
}

void row_candidate_insert(struct database *database, uint64_t number, uint64_t place,
                          const struct candidate *candidate, int64_t made_us, int64_t sent_us)
{
    struct statement *s = statement(database,
        "INSERT INTO network_candidate (number, place, transaction_id, raw, details, made_us, sent_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");

    INVARIANT(place <= CANDIDATES_MOST, "more candidates of one write than there may be");
    bind_integer(s, (int64_t)number);
    bind_integer(s, (int64_t)place);
    bind_text(s, candidate->transaction);
    bind_blob(s, candidate->raw.data, candidate->raw.size);
    bind_text(s, candidate->details);
    bind_integer(s, made_us);
    if (sent_us == 0)
        bind_null(s);
    else
        bind_integer(s, sent_us);
    statement_run(s);
}

static bool is_untaken(struct database *database, uint64_t number, const char *transaction)
{
    struct statement *s = statement(database, "SELECT 1 AS found FROM network_candidate WHERE number = ?"
                                              " AND transaction_id = ? AND sent_us IS NULL");

    bind_integer(s, (int64_t)number);
    bind_text(s, transaction);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

bool row_candidate_taken(struct database *database, uint64_t number, const char *transaction, int64_t now_us)
{
    struct statement *s;

    if (!is_untaken(database, number, transaction))
        return false;
    s = statement(database, "UPDATE network_candidate SET sent_us = ?, refusal = NULL, too_cheap = 0"
                            " WHERE number = ? AND transaction_id = ?");
    bind_integer(s, now_us);
    bind_integer(s, (int64_t)number);
    bind_text(s, transaction);
    statement_run(s);
    return true;
}

void row_candidate_refused(struct database *database, uint64_t number, const char *transaction,
                           const char *reason, bool too_cheap)
{
    struct statement *s = statement(database,
        "UPDATE network_candidate SET refusal = ?, too_cheap = ? WHERE number = ? AND transaction_id = ?"
        " AND sent_us IS NULL");

    bind_text(s, reason);
    bind_integer(s, too_cheap);
    bind_integer(s, (int64_t)number);
    bind_text(s, transaction);
    statement_run(s);
}
