/* What people may ask about proofs of fraud: see fraud_queries.h. A watcher elsewhere learns here whether the
 * ledger has its commitment, and since which block. */
#include "layer2/optimistic/fraud_queries.h"

#include "kernel/page.h"
#include "kernel/query.h"

#define EXAMPLE_ACCOUNT "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"

struct commitments {
    struct account_id account;
    struct hash commitment, after;
    uint64_t limit;
};

static const struct param commitments_params[] = {
    PARAM(struct commitments, account, ACCOUNT, REQUIRED, "whose commitments"),
    PARAM(struct commitments, commitment, HASH, OPTIONAL, "only this one"),
    PARAM(struct commitments, after, HASH, OPTIONAL, "only those behind this one, in order of their bytes"),
    PARAM(struct commitments, limit, INTEGER, OPTIONAL, PAGE_LIMIT_HELP),
};

static enum status commitments(struct query *q, const void *params, struct writer *w)
{
    static const struct hash none;
    const struct commitments *p = params;
    char last[2 * sizeof(p->after.bytes) + 1] = "";
    struct statement *s = statement(
        q->database, "SELECT hash AS commitment, block, expires_us FROM fraud_commitment"
                     " WHERE account = ?1 AND hash > ?2 AND (?3 OR hash = ?4) ORDER BY hash LIMIT ?5");
    struct page page;

    bind_blob(s, p->account.bytes, sizeof(p->account.bytes));
    bind_blob(s, p->after.bytes, sizeof(p->after.bytes));
    bind_integer(s, hash_equal(&p->commitment, &none));
    bind_blob(s, p->commitment.bytes, sizeof(p->commitment.bytes));
    page_bind(s, p->limit);
    page = page_begin(w, p->limit);
    while (page_row(&page, s)) {
        writer_object_begin(w);
        write_column_hex(w, s, "commitment");
        write_column_integer(w, s, "block");
        write_column_integer(w, s, "expires_us");
        writer_object_end(w);
        hex_text(last, column_blob(s, "commitment").data, sizeof(p->after.bytes));
    }
    page_end_text(&page, last);
    return OK;
}

const struct query_method fraud_queries[FRAUD_QUERIES] = {
    { "fraud.commitments", ACCESS_PUBLIC, commitments, PARAMS(struct commitments, commitments_params),
      .help = "List an account's commitments to proofs of fraud that are not opened yet.",
      .result = "a page of {commitment, block, expires_us}", .example = "account=" EXAMPLE_ACCOUNT },
};
