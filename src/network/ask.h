/* What an operation is asked for: the parameters of all of them in one struct, as JSON in rows and effects
 * and back again. Pure. */
#ifndef NETWORK_ASK_H
#define NETWORK_ASK_H

#include <jansson.h>

#include "network/network.h"
#include "network/rows.h"

#define ASK_RAW_MAX ((size_t)400 * 1024)  /* bytes of a transaction */
#define ASK_JSON_MAX ((size_t)512 * 1024) /* of a proof or a claim */
#define ASK_OPTIONS_MAX ((size_t)64 * 1024)
#define ASK_TEXT_MAX 8192                 /* an invoice, an address of Taproot Assets */
#define ASK_MEMO_MAX 1024
#define ASK_LIMIT_DEFAULT 50
#define ASK_EXPIRES_MAX_S (365 * 86400) /* LND takes no more: invoicesrpc/addinvoice.go */
#define ASK_TIMEOUT_MAX_US (600 * MICROSECONDS_PER_SECOND)

struct ask {
    /* not in the JSON: they have columns of their own */
    const char *link, *request;
    int64_t timeout, give_up_after;
    struct network_id id; /* by the check: random */
    struct hash secret;   /* likewise; of a request for payment alone, and in its effect alone */

    /* Texts are NULL, runs of bytes empty when they were not given. */
    const char *transaction, *label, *after, *kind, *text, *symbol, *title, *amount, *asset, *to, *memo, *fee;
    struct bytes raw;
    struct bytes claim, proof, options; /* JSON, with a zero behind */
    uint64_t decimals, limit, expires_s;
    int64_t urgent_by; /* µs; 0: not given */
};

/* Amounts are decimal digits. ERROR_INVALID_PARAMS. */
MUST_CHECK enum status ask_check(const struct ask *ask, struct error *error);
void ask_write(const struct ask *ask, struct buffer *out); /* one JSON object */
/* What ask_write wrote. Everything lives in the arena. */
void ask_read(const json_t *json, struct arena *arena, struct ask *ask);

/* As the networks take it. */
struct network_write ask_as_write(const struct ask *ask, enum write_kind kind);

#endif
