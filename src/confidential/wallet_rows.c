/* The local tables of confidential wallets: see wallet_rows.h. */
#include "confidential/wallet_rows.h"

#include <inttypes.h>
#include <string.h>

static void bind_count(struct statement *s, uint64_t count)
{
    bind_integer(s, (int64_t)count);
}

static void bind_account(struct statement *s, const struct account_id *account)
{
    bind_blob(s, account->bytes, sizeof(account->bytes));
}

bool row_note_read(struct database *database, uint64_t pool, uint64_t number, struct stored_note *note)
{
    struct statement *s = statement(
        database, "SELECT key, commitment, amount, sealed FROM note WHERE pool = ? AND number = ?");

    bind_count(s, pool);
    bind_count(s, number);
    if (!statement_row(s))
        return false;
    memset(note, 0, sizeof(*note));
    note->number = number;
    column_fixed(s, "key", note->output.key, POINT_SIZE);
    column_fixed(s, "commitment", note->output.commitment, POINT_SIZE);
    note->is_public = !column_is_null(s, "amount");
    note->has_sealed = !column_is_null(s, "sealed");
    if (note->has_sealed)
        column_fixed(s, "sealed", note->output.sealed, NOTE_SEALED_SIZE);
    statement_finish(s);
    return true;
}

/* --- scans -------------------------------------------------------------------------------------------- */
uint64_t row_scan_read(struct database *database, const struct account_id *owner, uint64_t pool)
{
    struct statement *s = statement(database, "SELECT scanned FROM own_scan WHERE owner = ? AND pool = ?");
    uint64_t scanned;

    bind_account(s, owner);
    bind_count(s, pool);
    if (!statement_row(s))
        return 0;
    scanned = (uint64_t)column_integer(s, "scanned");
    statement_finish(s);
    return scanned;
}

static void insert_found(struct database *database, const struct account_id *owner, uint64_t pool,
                         const struct found_note *found)
{
    struct statement *s = statement(database,
        "INSERT INTO own_note (owner, pool, number, amount, image) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING");

    bind_account(s, owner);
    bind_count(s, pool);
    bind_count(s, found->number);
    bind_count(s, found->amount);
    bind_blob(s, found->image, sizeof(found->image));
    statement_run(s);
}

void row_scan_store(struct database *database, const struct account_id *owner, const struct scan *scan)
{
    struct statement *s;

    for (size_t i = 0; i < scan->count; i++)
        insert_found(database, owner, scan->pool.id, &scan->found[i]);
    s = statement(database, "INSERT INTO own_scan (owner, pool, scanned) VALUES (?, ?, ?)"
                            " ON CONFLICT DO UPDATE SET scanned = max(scanned, excluded.scanned)");
    bind_account(s, owner);
    bind_count(s, scan->pool.id);
    bind_count(s, scan->scanned);
    statement_run(s);
}

/* --- notes -------------------------------------------------------------------------------------------- */
void row_own_sums(struct database *database, const struct account_id *owner, uint64_t pool,
                  struct own_sums *sums)
{
    struct statement *s = statement(database,
        "SELECT count(*) AS notes, coalesce(sum(amount) FILTER (WHERE payment IS NULL), 0) AS free,"
        " coalesce(sum(amount) FILTER (WHERE payment IS NOT NULL), 0) AS reserved"
        " FROM own_note WHERE owner = ? AND pool = ?"
        " AND NOT EXISTS (SELECT 1 FROM key_image WHERE key_image.image = own_note.image)");

    bind_account(s, owner);
    bind_count(s, pool);
    INVARIANT(statement_row(s), "sums have a row");
    sums->notes = (uint64_t)column_integer(s, "notes");
    sums->free = (uint64_t)column_integer(s, "free");
    sums->reserved = (uint64_t)column_integer(s, "reserved");
    statement_finish(s);
}

bool row_own_note_read(struct database *database, const struct account_id *owner, uint64_t pool,
                       uint64_t number, struct own_note *note)
{
    struct statement *s = statement(database,
        "SELECT amount, payment IS NOT NULL AS reserved,"
        " EXISTS (SELECT 1 FROM key_image WHERE key_image.image = own_note.image) AS spent"
        " FROM own_note WHERE owner = ? AND pool = ? AND number = ?");

    bind_account(s, owner);
    bind_count(s, pool);
    bind_count(s, number);
    if (!statement_row(s))
        return false;
    note->number = number;
    note->amount = (uint64_t)column_integer(s, "amount");
    note->reserved = column_integer(s, "reserved") != 0;
    note->spent = column_integer(s, "spent") != 0;
    statement_finish(s);
    return true;
}

size_t row_own_notes_largest(struct database *database, const struct account_id *owner, uint64_t pool,
                             struct own_note *notes, size_t most)
{
    struct statement *s = statement(database,
        "SELECT number, amount FROM own_note WHERE owner = ? AND pool = ? AND payment IS NULL AND amount > 0"
        " AND NOT EXISTS (SELECT 1 FROM key_image WHERE key_image.image = own_note.image)"
        " ORDER BY amount DESC, number LIMIT ?");
    size_t count = 0;

    bind_account(s, owner);
    bind_count(s, pool);
    bind_count(s, most);
    while (statement_row(s)) {
        notes[count].number = (uint64_t)column_integer(s, "number");
        notes[count].amount = (uint64_t)column_integer(s, "amount");
        notes[count].spent = notes[count].reserved = false;
        count++;
    }
    return count;
}

void row_own_note_reserve(struct database *database, const struct account_id *owner, uint64_t pool,
                          uint64_t number, uint64_t payment)
{
    struct statement *s = statement(
        database, "UPDATE own_note SET payment = ? WHERE owner = ? AND pool = ? AND number = ?");

    bind_count(s, payment);
    bind_account(s, owner);
    bind_count(s, pool);
    bind_count(s, number);
    INVARIANT(statement_run(s) == 1, "the wallet has no note %" PRIu64, number);
}

/* --- payments ----------------------------------------------------------------------------------------- */
uint64_t row_payment_insert(struct database *database, const struct own_payment *payment)
{
    struct statement *s = statement(database,
        "INSERT INTO own_payment (owner, pool, kind, amount, recipient, state, \"transaction\", made_us)"
        " VALUES (?, ?, ?, ?, ?, 'submitted', ?, ?) RETURNING id");
    uint64_t id;

    bind_account(s, &payment->owner);
    bind_count(s, payment->pool);
    bind_text(s, payment->kind);
    bind_count(s, payment->amount);
    bind_text(s, payment->recipient);
    bind_blob(s, payment->transaction.bytes, sizeof(payment->transaction.bytes));
    bind_integer(s, payment->made_us);
    INVARIANT(statement_row(s), "a new payment has no id");
    id = (uint64_t)column_integer(s, "id");
    statement_finish(s);
    return id;
}

bool row_spend_recorded(struct database *database, const uint8_t image[RING_IMAGE_SIZE],
                        const uint8_t key[POINT_SIZE])
{
    struct statement *s = statement(database,
        "SELECT 1 FROM key_image JOIN note ON note.pool = key_image.pool AND created_seq = spent_seq"
        " WHERE image = ? AND key = ?");

    bind_blob(s, image, RING_IMAGE_SIZE);
    bind_blob(s, key, POINT_SIZE);
    if (!statement_row(s))
        return false;
    statement_finish(s);
    return true;
}

void row_payment_end(struct database *database, const struct hash *transaction, const char *failure)
{
    struct statement *s;

    if (failure != NULL) {
        s = statement(database, "UPDATE own_note SET payment = NULL WHERE payment ="
                                " (SELECT id FROM own_payment WHERE \"transaction\" = ?)");
        bind_blob(s, transaction->bytes, sizeof(transaction->bytes));
        statement_run(s);
    }
    s = statement(database, "UPDATE own_payment SET state = ?, failure = ? WHERE \"transaction\" = ?");
    bind_text(s, failure == NULL ? "done" : "failed");
    bind_text(s, failure);
    bind_blob(s, transaction->bytes, sizeof(transaction->bytes));
    statement_run(s);
}
