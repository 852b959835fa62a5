/* What the payments' tests share: a node with payment channels, and the groups of tests. */
#ifndef TESTS_TEST_PAYMENT_H
#define TESTS_TEST_PAYMENT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_fixture.h"
#include "crypto/channel.h"

#include <cmocka.h>

/* BOLT 11, "Examples": the first one. */
#define DONATION                                                                                             \
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzq" \
    "fqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5" \
    "r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lf" \
    "yql"

#define MINUTE ((int64_t)60 * 1000000)

extern const struct module *const payment_test_modules[];

/* A channel under test, of participants 0 and 1. */
struct way {
    struct fixture *f;
    const char *people[2];
    struct channel_fixed fixed;
    uint8_t terms[34];
    struct hash id;
    char hex[65];
};

/* A node that keeps the keys of `kept` (names between blanks) and has gold for alice, bob, carol, dave,
 * erin. */
void town_start(struct fixture *f, const char *kept);

/* Opens a channel and brings it to turn 1: no reserve, hash-locks of any size. Who keeps his key elsewhere
 * signs over RPC. */
void way_open(struct way *way, struct fixture *f, const char *first, const char *second, uint64_t nonce,
              uint64_t first_amount, uint64_t second_amount);
/* The same between two whose keys are both elsewhere; the first pays it in. */
void way_open_elsewhere(struct way *way, struct fixture *f, const char *first, const char *second,
                        uint64_t nonce, uint64_t amount);
/* Says what the channel is, and opens nothing. */
void way_describe(struct way *way, struct fixture *f, const char *first, const char *second, uint64_t nonce);
/* The first of two whose keys are elsewhere proposes turn 0, and the second signs it. */
void way_propose_elsewhere(struct way *way, uint64_t amount);
uint64_t way_share(struct way *way, size_t side); /* of the newest supported state */
uint64_t way_locks(struct way *way);              /* hash-locks in it */

/* Calls as the operator; `format` as fixture_json's. */
json_t *ask(struct fixture *f, const char *method, const char *format, ...) PRINTF_LIKE(3, 4);
void refused(struct fixture *f, enum status code, const char *method, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* The text of a new invoice, owned by the caller; `hash` gets its hash as hex. `more` is appended to the
 * parameters: ",'hold':true" or "". */
char *invoice_of(struct fixture *f, const char *payee, uint64_t amount, const char *more, char hash[65]);
/* Sends, and waits until the payment ended; its state: 1 settled, 2 failed. */
int64_t pay(struct fixture *f, const char *payer, const char *invoice, const char *hash, const char *more);
/* Waits for the row: integer of one row, `$` in the SQL is `hex`. */
void await_sql(struct fixture *f, const char *sql, const char *hex, int64_t expected);
int64_t sql_of(struct fixture *f, const char *sql, const char *hex);

#define PAYMENT_STATE "SELECT state FROM payment WHERE hash = x'$'"
#define INVOICE_STATE "SELECT state FROM invoice WHERE hash = x'$'"
/* How many channels wait for a signature that is to be given elsewhere. */
#define SIGNATURES_ELSEWHERE                                                                                 \
    "SELECT count(*) FROM channel_local WHERE staged IS NOT NULL AND wants_signature = 0"
enum { SETTLED = 1, FAILED = 2 };

/* With a key kept elsewhere: proposes a state of the channel, countersigns what waits. */
enum status propose_as(struct way *way, const char *who, const struct channel_state *state);
void countersign_as(struct way *way, const char *who);
enum status try_countersign_as(struct way *way, const char *who);
/* The state after the newest one with one more hash-lock, which side `offerer` offers. */
struct channel_state with_lock(struct way *way, size_t offerer, uint64_t amount, const char *hash,
                               int64_t expiry_us, struct arena *arena);
/* The state after the newest one, with its last hash-lock gone to `winner` (with the preimage, or NULL). */
struct channel_state without_lock(struct way *way, size_t winner, const struct hash *preimage,
                                  struct arena *arena);
/* Refuses what is staged. */
void reject_as(struct way *way, const char *who);
/* Signs `state`, which the participant `other` has signed here, and brings it to the ledger alone. */
void checkpoint_as(struct way *way, const char *who, size_t other, const struct channel_state *state);
/* The text of an invoice that the node does not know, for the preimage's hash. */
char *invoice_with_key(struct fixture *f, const char *payee, uint64_t amount, const struct hash *preimage,
                       char hex[65]);
/* 32 times that byte. */
struct hash preimage_of(uint8_t byte);
/* Alice's payment to carol, whose key is elsewhere, up to where carol must sign for bob's offer. */
void send_to_carol(struct fixture *f, uint64_t amount, const struct hash *preimage, char hash[65]);
/* The same for 1000, in a new town of channels alice–bob and bob–carol. */
void offer_to_carol(struct fixture *f, struct way *ab, struct way *bc, const struct hash *preimage,
                    char hash[65]);
/* The newest supported state, in the arena; the staged one. */
struct channel_state supported_of(struct way *way, struct arena *arena);
bool staged_of(struct way *way, struct arena *arena, struct channel_state *state);

int attack_tests(void);
int balance_limit_tests(void);
int graph_tests(void);
int invoice_tests(void);
int machine_tests(void);
int malice_tests(void);
int stranger_tests(void);
int take_out_tests(void);

#endif
