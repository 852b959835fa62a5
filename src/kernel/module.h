/* What a module declares: commands, queries, deadline kinds, effect kinds and invariants, each once. From
 * these tables come parsing, checks, uniform errors, help, shell completion, the OpenRPC document and the
 * documentation.
 *
 * Example: ledger/module.c. node/modules.c lists the modules; the kernel knows none by name. */
#ifndef KERNEL_MODULE_H
#define KERNEL_MODULE_H

#include <limits.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/writer.h"
#include "store/database.h"

struct execution; /* a command being executed: execution.h */
struct query;     /* a query being answered: query.h */
struct kernel;
struct keystore;

/* --- parameters ------------------------------------------------------------------------------- */
enum param_type {
    PARAM_ACCOUNT,  /* struct account_id; address or 64 hex digits. Absent: all zero */
    PARAM_ASSET,    /* struct asset_id; symbol or 64 hex digits. Absent: all zero */
    PARAM_AMOUNT,   /* uint64_t, 1 … 2^53−1. Absent: 0 */
    PARAM_INTEGER,  /* uint64_t, 0 … 2^53−1. Absent: `fallback` */
    PARAM_BOOLEAN,  /* bool. Absent: `fallback` */
    PARAM_TIME,     /* int64_t µs; integer µs or ISO 8601. Absent: 0 */
    PARAM_DURATION, /* int64_t µs; integer µs or "90s", "10m", "2h", "7d". Absent: `fallback` */
    PARAM_HASH,     /* struct hash; 64 hex digits. Absent: all zero */
    PARAM_BYTES,    /* struct bytes; hex, at most `most` bytes. Absent: NULL */
    PARAM_TEXT,     /* const char *; UTF-8 without NUL, at most `most` bytes (0: 256). Absent: NULL */
    PARAM_SECRET,   /* const char *; like text, never logged, wiped after the call. Absent: NULL */
    PARAM_CHOICE,   /* const char *; one of `choices`. Absent: NULL */
    PARAM_JSON,     /* struct bytes; any JSON value in canonical form, at most `most` bytes. Absent: NULL */
    PARAM_LIST,     /* struct param_list of `items`, 1 … `most`. Absent: count 0 */
};

struct param_list {
    size_t count;
    void *items; /* count × item_size bytes */
};

#define NOT_GIVEN INTEGER_MAX /* as a fallback: how the handler knows; no default is shown to people */

#define REQUIRED true
#define OPTIONAL false

struct param {
    const char *name;
    enum param_type type;
    bool required;
    size_t offset;              /* in the command's parameter struct */
    const char *help;           /* one phrase, units included */
    uint64_t fallback;          /* integers, booleans, durations when absent */
    size_t most;                /* bytes or items */
    const char *const *choices; /* PARAM_CHOICE: ends with NULL */
    const struct param *items;  /* PARAM_LIST: what each item is made of */
    size_t item_params, item_size;
};
#define PARAM(structure, field, kind, need, text, ...)                                                       \
    {                                                                                                        \
        .name = #field, .type = PARAM_##kind, .required = need, .offset = offsetof(structure, field),        \
        .help = text, ##__VA_ARGS__                                                                          \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PARAMS(structure, table)                                                                             \
    .params = (table), .param_count = COUNT_OF(table), .params_size = sizeof(structure)
#define NO_PARAMS .params = NULL, .param_count = 0, .params_size = 0

/* --- commands and queries --------------------------------------------------------------------- */
enum scope {
    SCOPE_BASE,  /* part of the replicated, deterministic ledger: no clock, randomness, floating point, local
                    tables */
    SCOPE_LOCAL, /* changes this node's own rows */
};

enum access {
    ACCESS_PUBLIC, /* anybody who can open the socket */
    ACCESS_SIGNED, /* a signed transaction, or `from` naming a key in this node's keystore (operator only) */
    ACCESS_OPERATOR, /* the node's uid, root, or a uid of the configuration */
    ACCESS_INTERNAL, /* only from inside: results of effects */
};

/* Runs in the executor, inside the open transaction. Everything it wrote is rolled back unless OK. It may run
 * twice, the first time being rolled back (machine.h): whatever it does is rows and events. The result is one
 * JSON value written to `result`; nothing written means {}. */
typedef enum status command_handler(struct execution *x, const void *params, struct writer *result);

/* What a command's check may know. It runs on a worker beside the executor. */
struct check {
    const char *chain;
    bool operator_;            /* the caller is the operator */
    /* Local commands alone, NULL otherwise and in replay: the node's keys; a connection for reading what
     * never changes once it is written, for the executor may be ahead of it; and the kernel, for its time and
     * the module's memory. */
    struct keystore *keystore;
    struct database *database;
    struct kernel *kernel;
};

/* Runs before the command is queued, and again in replay: what needs no rows and takes time, above all
 * signatures. May fill members of the parameter struct that no parameter fills. For base commands it is a
 * pure function of chain and parameters. */
typedef enum status command_check(const struct check *check, void *params, struct arena *arena,
                                  struct error *error);

struct command {
    const char *name; /* "ledger.transfer" */
    enum scope scope;
    enum access access;
    command_handler *run;
    command_check *check; /* NULL: parameters that parse are good */
    const struct param *params;
    size_t param_count, params_size;
    const char *help;      /* one sentence */
    const char *result;    /* one phrase: what comes back */
    const char *example;   /* parameters as key=value, for help; NULL: none */
    bool dev_only;         /* refused on other networks with ERROR_NOT_ON_THIS_NETWORK */
    /* Local signed commands alone: the body of such a transaction, which may hold what is worth something for
     * a while, is shown to the operator alone; v_transaction leaves it out (schema/views.sql names them). */
    bool sealed;
};

/* Runs on a worker with a read-only connection. Writes one JSON value. */
typedef enum status query_handler(struct query *q, const void *params, struct writer *result);

struct query_method {
    const char *name;
    enum access access; /* PUBLIC or OPERATOR */
    query_handler *run;
    const struct param *params;
    size_t param_count, params_size;
    const char *help, *result, *example;
    bool slow;     /* may read much: one at a time on the node, in the lane, without the usual time limit */
    bool detached; /* touches no database: runs also when no reader is to be had; q->database is NULL */
};

/* --- deadlines -------------------------------------------------------------------------------- */
enum deadline_clock { CLOCK_BLOCK = 0, CLOCK_CHAIN = 1 };

struct deadline_kind {
    const char *name; /* "ledger.escrow" */
    /* Fires at the start of the first block whose time is ≥ the due time. Must not fail: what it needs was
     * checked when it was set. */
    void (*fire)(struct execution *x, struct bytes subject);
    const char *help;
};

/* --- effects ---------------------------------------------------------------------------------- */
#define WAITS_USUAL UINT_MAX
/* Work outside the transaction: run at least once by a worker after COMMIT, retried with backoff, its result
 * brought back into the executor. `run` must be idempotent under `key`. */
struct effect_run {
    struct kernel *kernel;
    uint64_t id;
    const char *key;      /* idempotency key */
    const char *request;  /* JSON text as given to effect_request */
    unsigned attempt;     /* 1, 2, … */
    struct buffer result; /* out: JSON text, on OK */
    struct error error;   /* out: otherwise */
};
struct effect_kind {
    const char *name; /* "node.backup" */
    enum status (*run)(struct effect_run *run);
    /* In the executor, once the effect ended: outcome OK with its result, or the last error. */
    void (*ended)(struct execution *x, uint64_t id, const char *key, const char *request, enum status outcome,
                  const char *result);
    unsigned attempts;      /* at most; 0: 10 */
    /* It mostly waits for somebody else: it runs on a thread of its own and takes none from those that
     * compute. So many of the kind at once; WAITS_USUAL: kernel_options.max_concurrency. 0: it computes. */
    unsigned waits;
    /* The module has rows of its own for it: when it ends, its row goes before `ended` is called, without
     * the event effect.ended. */
    bool transient;
    int64_t backoff_us;     /* before the second attempt; doubles up to 5 min; 0: 1 s */
    bool (*retry)(enum status outcome); /* NULL: every failure but STOPPING is final after `attempts` */
    const char *help;
};

/* --- reactions and sweeps --------------------------------------------------------------------- */
/* What this node does of its own when something changed: asked for with reaction_request, run in local scope
 * right after the command that asked, or after all deadlines of the block, in the same transaction. Replay
 * ignores it. It cannot be refused and nothing of it is taken back: it checks before it writes. */
struct reaction {
    const char *name; /* "channel.watch" */
    void (*run)(struct execution *x, struct bytes subject);
    const char *help;
};

/* Local rows that become due: run in local scope at the start of the first batch at or after the due time
 * (block time), and in the first batch after a start. Does what is due at execution_time(x), at most some
 * hundred rows, and returns when it wants to run next (INT64_MAX: not before sweep_request). */
struct sweep {
    const char *name; /* "channel.timeouts" */
    int64_t (*run)(struct execution *x);
    const char *help;
};

/* --- invariants ------------------------------------------------------------------------------- */
/* A statement about the whole database that always holds. `sql` gives one row per violation, its first column
 * saying what is wrong; or `check` looks for itself and reports the first violation. */
struct invariant {
    const char *name; /* "ledger.conservation" */
    const char *help;
    const char *sql;
    enum status (*check)(struct query *q, char *violation, size_t size); /* fills violation when broken */
};

/* --- the module ------------------------------------------------------------------------------- */
struct module {
    const char *name; /* prefix of its command names */
    const char *help;
    const struct command *commands;
    size_t command_count;
    const struct query_method *queries;
    size_t query_count;
    const struct deadline_kind *deadlines;
    size_t deadline_count;
    const struct effect_kind *effects;
    size_t effect_count;
    const struct reaction *reactions;
    size_t reaction_count;
    const struct sweep *sweeps;
    size_t sweep_count;
    const struct invariant *invariants;
    size_t invariant_count;
    const char *const *base_tables; /* tables that replay rebuilds and compares; ends with NULL */
    /* In the executor, in the first transaction of a new database: rows that the chain starts with. NULL:
     * none. */
    void (*genesis)(struct execution *x);
    /* Memory of the module's own beside its rows, for what must be found faster than by SQL: made from the
     * rows before anything runs, closed last (kernel_memory). It is used from all threads, locks itself, and
     * is no truth: what it says may be older than the rows. NULL: none. */
    void *(*memory_open)(struct kernel *kernel, struct database *database);
    void (*memory_close)(void *memory);
    /* The node begins to stop (kernel_stopping is true from here on): wakes whoever waits in an effect of the
     * module, so that it ends with ERROR_STOPPING. NULL: nobody waits long. */
    void (*memory_stopping)(void *memory);
};
#define COMMANDS(table) .commands = (table), .command_count = COUNT_OF(table)
#define QUERIES(table) .queries = (table), .query_count = COUNT_OF(table)
#define DEADLINES(table) .deadlines = (table), .deadline_count = COUNT_OF(table)
#define EFFECTS(table) .effects = (table), .effect_count = COUNT_OF(table)
#define REACTIONS(table) .reactions = (table), .reaction_count = COUNT_OF(table)
#define SWEEPS(table) .sweeps = (table), .sweep_count = COUNT_OF(table)
#define INVARIANTS(table) .invariants = (table), .invariant_count = COUNT_OF(table)

#endif
