/* A network whose server is a piece of shared memory: it outlives the node that talks to it, also one that a
 * child process was, and does what a test tells it. Transfers carry a nonce unless the link's options say
 * otherwise; every preparation of the same write makes other bytes, so that it shows when they are mixed up.
 * */
#ifndef TESTS_NETWORK_FAKE_H
#define TESTS_NETWORK_FAKE_H

#include <pthread.h>

#include "network/network.h"

#define FAKE_TRANSACTIONS_MAX 4096
#define FAKE_SCRIPT_MAX 32
#define FAKE_BLOCKS_MAX 64

/* What the server does with a send. */
enum fake_send {
    FAKE_TAKES,       /* and says so */
    FAKE_REJECTS,     /* and says so */
    FAKE_TAKES_MUTE,  /* and its answer is lost: ambiguous */
    FAKE_LOSES,       /* the request is lost: ambiguous */
    FAKE_UNREACHABLE, /* certainly not received */
    FAKE_TOO_CHEAP,   /* rejects it for its fee */
    FAKE_HANGS,       /* takes it and answers never; until the deadline or a cancellation */
};

struct fake_transaction {
    char id[65], operation[33];
    bool has_sequence;
    uint64_t sequence;
    unsigned sends;         /* how often these bytes arrived */
    unsigned attempt;       /* of the call that brought them first */
    enum transaction_state state;
    enum finality finality;
    uint64_t height;
    char block[65];
    bool superseded;        /* another one with its sequence counts */
};

struct fake_server {
    pthread_mutex_t lock;
    /* what tests set */
    int64_t latency_us;     /* of every call, as it is when the call comes in */
    bool holds_connects, holds_reads, holds_sends; /* those that come in are not answered until it does not */
    enum status connect_fails, health_fails, read_fails, prepare_fails; /* OK: they do not */
    unsigned prepare_fails_times;
    enum fake_send script[FAKE_SCRIPT_MAX]; /* the next sends; then all are taken */
    size_t script_size;
    bool forgets;           /* knows of no transaction when asked */
    size_t history_entries; /* 0: two small ones; otherwise so many, each with details of 200,000 bytes */
    bool mute;              /* reads and looks of links whose account is "mute" are not answered */
    enum proof_verdict verdict;
    const char *payable;    /* what a request for payment is answered with; NULL: the amount */
    bool raises;            /* fees are raised as often as it is asked, */
    int64_t bump_after_us;  /* when so much time has passed; */
    enum status raise_fails; /* or not */
    uint64_t fixed_sequence; /* 0: counted */
    size_t block_count;
    struct network_block blocks[FAKE_BLOCKS_MAX];
    char hashes[FAKE_BLOCKS_MAX][16];
    bool rewind;
    uint64_t rewind_to;
    char database[300];     /* of the node: what arrives has to be in it; empty: is not looked for */
    /* what it saw */
    unsigned connects, disconnects, looks, prepares, sends, statuses, reads, running, running_most,
        cancelled, muted, held, held_most;
    unsigned raised;        /* that it signed */
    bool hurried;           /* as it was told last */
    int64_t left_us;
    uint64_t hole_from, hole_to;
    unsigned out_of_order, other_bytes, not_durable; /* each is a defect */
    char operations[64][33]; /* of the first reads */
    struct hash asked_secrets[4]; /* of requests for payment */
    size_t asked;
    uint64_t next_sequence;
    size_t transaction_count;
    struct fake_transaction transactions[FAKE_TRANSACTIONS_MAX];
};

extern struct fake_server *fake;
extern const struct network fake_network, bare_network; /* bare: connects, and can do nothing else */

void fake_open(void);  /* once a process */
void fake_reset(void); /* an empty server that takes everything, anew */
void fake_script(size_t count, const enum fake_send *sends);
/* All transactions become this; block NULL: none. */
void fake_mine(enum transaction_state state, enum finality finality, uint64_t height, const char *block);
/* The nth that arrived becomes this, and those with its sequence never can; block NULL: all wait again, the
 * newest first. */
void fake_mine_one(size_t nth, enum finality finality, uint64_t height, const char *block);
/* Somebody else used the sequences of all. */
void fake_supersede(void);
void fake_check(void);  /* fails the test when the server saw a defect */
/* Waits until one of the server's counters has come so far; fails the test when it does not. */
void fake_await(const unsigned *counter, unsigned least);

#endif
