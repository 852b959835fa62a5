/* A whole node without sockets, in a temporary directory, for the tests of modules: start it with the modules
 * to test, sign and submit as somebody, ask queries, move the clock, run all invariants. Calls wait for their
 * answer. Whatever a test does not expect fails it at once. */
#ifndef TESTS_KERNEL_FIXTURE_H
#define TESTS_KERNEL_FIXTURE_H

#include <stdatomic.h>

#include "base/json.h"
#include "crypto/schnorr.h"
#include "kernel/kernel.h"

#define FIXTURE_KEYS_MAX 64
#define FIXTURE_NAME_MAX 32

/* Whoever has a name here has a key that follows from the name. */
struct fixture_key {
    char name[FIXTURE_NAME_MAX];
    struct secret_key *secret;
    struct account_id account;
    char address[72];
};

struct fixture {
    char directory[256];
    enum node_network network;
    const struct module *const *modules;
    struct kernel *kernel;
    atomic_int_fast64_t now_us; /* what the node's clock shows; moves only by fixture_advance */
    struct fixture_key keys[FIXTURE_KEYS_MAX];
    size_t key_count;
    uint64_t salt;              /* makes every transaction another one */
    struct keystore *keystore;  /* NULL until fixture_keep_keys */
    int64_t advanced_us;        /* by what the test moved time by command; transactions live so much longer */
    int64_t query_timeout_us;   /* of the next start; more than a busy machine needs, or what a test says */
    /* of this node's database, or NULL; to open one for each question takes long */
    struct sqlite3 *reader;
};

/* `modules` ends with NULL and outlives the fixture. */
void fixture_start(struct fixture *f, enum node_network network, const struct module *const *modules);
/* The same, for a disk that may fail; f->directory is set in any case. */
MUST_CHECK enum status fixture_try_start(struct fixture *f, enum node_network network,
                                         const struct module *const *modules, struct error *error);
/* Opens a directory that an earlier node left, on a clock far ahead of that one's. fixture_stop removes it.
 */
void fixture_open(struct fixture *f, enum node_network network, const struct module *const *modules,
                  const char *directory);
/* The same a second after that node's clock, with the keys that it kept, unlocked. */
void fixture_open_kept(struct fixture *f, enum node_network network, const struct module *const *modules,
                       const char *directory);
/* The same when that node's clock has moved. */
void fixture_open_kept_at(struct fixture *f, enum node_network network, const struct module *const *modules,
                          const char *directory, int64_t now_us);
void fixture_reopen(struct fixture *f); /* stops the node and starts it on the same directory */
/* The node keeps the keys of these people from now on (names between blanks), in a keystore that is unlocked.
 * Restarts it. */
void fixture_keep_keys(struct fixture *f, const char *names);
void fixture_stop(struct fixture *f);   /* and removes the directory */

/* Moves the clock and runs an empty batch, so that what became due has been done when it returns. */
void fixture_advance(struct fixture *f, int64_t by_us);
int64_t fixture_now(struct fixture *f);

const struct fixture_key *fixture_key(struct fixture *f, const char *name);
const char *fixture_address(struct fixture *f, const char *name);

/* --- calls ------------------------------------------------------------------------------------ */
struct reply {
    enum status status;
    struct error error;
    json_t *result; /* NULL unless OK */
};
void reply_close(struct reply *reply);

/* Parameters are JSON text in the manner of printf, with ' for ", so that they can be read: "{'amount':%d}".
 */
json_t *fixture_json(const char *format, ...) PRINTF_LIKE(1, 2);

/* Any method as the operator. Takes over the reference to `params`, which may be NULL. */
struct reply fixture_call(struct fixture *f, const char *method, json_t *params);
/* The same as somebody who is not the operator. */
struct reply fixture_call_public(struct fixture *f, const char *method, json_t *params);

/* What transaction.submit takes: the command, signed by `who`. Takes over the reference to `params`. */
json_t *fixture_sign(struct fixture *f, const char *who, const char *method, json_t *params);

/* Signs, submits, and fails the test unless it was accepted; the result is that of the command alone. */
json_t *fixture_do(struct fixture *f, const char *who, const char *method, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The same when nothing of the result matters. */
void fixture_run(struct fixture *f, const char *who, const char *method, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Signs, submits, and fails the test unless it was refused with this code. */
void fixture_refused(struct fixture *f, enum status code, const char *who, const char *method,
                     const char *format, ...) PRINTF_LIKE(5, 6);
/* Signs and submits; *result (may be NULL) is that of the command when OK. */
enum status fixture_try(struct fixture *f, const char *who, const char *method, json_t *params,
                        json_t **result);

/* A query that must succeed. */
json_t *fixture_query(struct fixture *f, const char *method, const char *format, ...) PRINTF_LIKE(3, 4);

/* --- the database ----------------------------------------------------------------------------- */
/* One integer of one row, through a read-only connection of the test's own. NULL gives −1. */
int64_t fixture_sql(struct fixture *f, const char *sql);
/* One text of one row; owned by the caller; NULL when there is no row. */
char *fixture_sql_text(struct fixture *f, const char *sql);
/* Changes the database behind the node's back, while it does not run. */
void fixture_tamper(struct fixture *f, const char *sql);

/* Runs every invariant, and fails the test with the first violation. */
void fixture_audit(struct fixture *f);
/* Rebuilds the base tables and block hashes from the stored transactions, and fails the test unless all of it
 * is equal. */
void fixture_replay(struct fixture *f);
/* The violation of one invariant; owned by the caller; NULL when it holds. */
char *fixture_violation(struct fixture *f, const char *invariant);

#endif
