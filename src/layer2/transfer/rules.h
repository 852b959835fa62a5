/* The rules of a transfer between two ledgers as pure functions: its states and what moves between them, how
 * its two time locks stand to each other, and what is to be done next. No SQL, no clock, no I/O.
 *
 *   INITIATED ─▶ SOURCE_LOCKED ─▶ DESTINATION_LOCKED ─▶ CLAIMED ─▶ SETTLED
 *       │              └───────────────┴──▶ REFUNDED        └────▶ LOST (somebody was too late, and bears it)
 *       └──▶ CANCELLED, EXPIRED, FAILED: nothing was locked
 *
 * Source: from the account to the provider. Destination: from the provider to the recipient. Both are locked
 * by the hash of one secret; the source's lock is the longer one, by `timelock_gap` at least. */
#ifndef LAYER2_TRANSFER_RULES_H
#define LAYER2_TRANSFER_RULES_H

#include "base/bytes.h"

/* --- states ----------------------------------------------------------------------------------- */
enum transfer_state {
    TRANSFER_INITIATED,
    TRANSFER_SOURCE_LOCKED,
    TRANSFER_DESTINATION_LOCKED,
    TRANSFER_CLAIMED,   /* the recipient has it, the secret is out */
    TRANSFER_SETTLED,   /* the provider has it too; ended from here on */
    TRANSFER_REFUNDED,  /* what was locked went back */
    TRANSFER_EXPIRED,   /* nothing was locked in time */
    TRANSFER_CANCELLED, /* before anything was locked */
    TRANSFER_FAILED,    /* the source's ledger refused the lock */
    TRANSFER_LOST,      /* one side was claimed and the other one went back */
};
#define TRANSFER_STATES 10

enum transfer_event {
    TRANSFER_SOURCE_IS_LOCKED,
    TRANSFER_DESTINATION_IS_LOCKED,
    TRANSFER_DESTINATION_IS_CLAIMED,
    TRANSFER_SOURCE_IS_CLAIMED,
    TRANSFER_WENT_BACK,   /* nothing is locked any more, and neither side was claimed */
    TRANSFER_TOO_LATE,    /* nothing was locked, nor will be */
    TRANSFER_CANCEL,
    TRANSFER_REFUSED,
    TRANSFER_ONE_SIDED,   /* one side was claimed, the other one went back */
};
#define TRANSFER_EVENTS 9

const char *transfer_state_name(enum transfer_state state); /* "source_locked" */
bool transfer_has_ended(enum transfer_state state);

/* The state after `event`. False: that cannot happen in this state. */
MUST_CHECK bool transfer_next(enum transfer_state state, enum transfer_event event,
                              enum transfer_state *next);

/* --- what a ledger shows of a lock ------------------------------------------------------------- */
enum sight {
    SIGHT_NONE,     /* no lock, or none that keeps the terms; one may still come */
    SIGHT_NEVER,    /* none, and none will come */
    SIGHT_SHALLOW,  /* there, but not so deep that it cannot vanish */
    SIGHT_LOCKED,   /* there to stay */
    SIGHT_CLAIMING, /* the secret was shown; not so deep that the claim cannot vanish */
    SIGHT_CLAIMED,
    SIGHT_RETURNED, /* it went back */
};
#define SIGHTS 7
const char *sight_name(enum sight sight);
bool sight_is_claim(enum sight sight); /* the secret was shown there */
/* What is kept of what a look shows. That the destination was claimed for good is on record from CLAIMED on,
 * and a server that shows less is behind. Should the claim really have gone with its block, the network
 * module, which follows its write until it is final, sends it again. */
enum sight sight_to_keep(enum transfer_state state, bool is_destination, enum sight before,
                         enum sight shown);

/* --- time -------------------------------------------------------------------------------------- */
/* What a ledger's clock and its blocks ask of a lock there, µs each. */
struct leg_timing {
    int64_t depth_us;    /* until what was sent is there to stay, blocks that are lost included */
    int64_t skew_us;     /* its clock and ours may differ by so much */
    int64_t reaction_us; /* that whoever must act may take to notice, restarts included */
    int64_t least_us;    /* a lock of the provider's lasts so long at least: 0, any */
    int64_t most_us;     /* a lock of the account's lasts so long at most: 0, any */
};

/* How much longer the source must be locked than the destination: from the last moment in which the secret
 * can be shown there, the provider notices, and his claim of the source becomes deep, all in time. */
int64_t timelock_gap(const struct leg_timing *source, const struct leg_timing *destination);

/* What the destination's lock must have before it when it is asked for: it becomes deep, and so does its
 * claim. */
int64_t timelock_destination_least(const struct leg_timing *destination);

/* The least time from the start until the source's lock ends: it becomes deep, then all that follows. */
int64_t timelock_least(const struct leg_timing *source, const struct leg_timing *destination);

/* The most: the provider's value is bound for as long, whether the account goes on or not. */
#define TIMEOUT_MOST_US ((int64_t)24 * 3600 * 1000000) /* or twice the least, where that is more */
int64_t timelock_most(const struct leg_timing *source, const struct leg_timing *destination);

/* The source is locked so long after the start at the latest; on a ledger that takes its time to show a lock,
 * by its depth later, but by no more than as long again. */
#define LOCK_WINDOW_US ((int64_t)5 * 60 * 1000000)

struct timelocks {
    int64_t source_us;        /* the source goes back */
    int64_t destination_us;   /* the destination does: source_us − timelock_gap */
    int64_t lock_until_us;    /* a source that is not locked by then is too late for the rest */
};
/* False: `timeout_us` from now is less than timelock_least, or more than timelock_most. */
MUST_CHECK bool timelocks_plan(const struct leg_timing *source, const struct leg_timing *destination,
                               int64_t now_us, int64_t timeout_us, struct timelocks *plan);

/* --- what is to be done ------------------------------------------------------------------------- */
enum transfer_action {
    ACT_NOTHING,
    ACT_LOCK_SOURCE,
    ACT_LOCK_DESTINATION,
    ACT_CLAIM_DESTINATION, /* shows the secret */
    ACT_CLAIM_SOURCE,
    ACT_REFUND_DESTINATION,
    ACT_REFUND_SOURCE,
};
#define TRANSFER_ACTIONS 7
const char *transfer_action_name(enum transfer_action action);

struct situation {
    enum transfer_state state;
    enum sight source, destination;
    int64_t now_us;
    /* 0: not known yet. As the ledgers have them once they are locked. */
    int64_t source_expiry_us, destination_expiry_us;
    int64_t lock_until_us;
    struct leg_timing source_timing, destination_timing;
    bool locks_source;       /* this node locks the source: the account's key is here */
    bool has_secret;         /* this node may show the secret, and claims for the recipient */
    bool preimage_known;     /* it was shown */
    bool cancelled;          /* somebody wants no more of it */
    bool source_refused;     /* its ledger said no, for good */
    bool destination_asked;  /* a lock of the destination may be on its way */
    bool returns_early;      /* the provider can give the source back before its time */
};

struct decision {
    bool has_event;             /* then the state changes first, and it is decided anew */
    enum transfer_event event;
    enum transfer_action action;
    int64_t look_us;            /* by time alone nothing changes before; INT64_MAX: ever */
};
struct decision transfer_decide(const struct situation *s);

/* Whether the provider may lock the destination now: the source is locked for good, and what has to follow
 * fits before the destination's lock ends. */
bool transfer_may_lock_destination(const struct situation *s);

/* Whether the secret may be shown now: both locks are there to stay, and a claim becomes deep in time. */
bool transfer_may_reveal(const struct situation *s);

/* Who bears it that one side was claimed and the other one went back: "provider" or "recipient". */
const char *transfer_loser(enum sight source);

/* --- what is started and not locked ---------------------------------------------------------------- */
/* Of transfers whose account locks by himself, and has not yet: it costs him nothing to leave it at that, so
 * there are few at once, and they keep but a part of the provider's day from others. */
#define AWAITED_ACCOUNT_MOST 16
#define AWAITED_PROVIDER_MOST 256
#define AWAITED_SHARE 4 /* a quarter */

/* Whether one more of this amount may wait: `sum` waits for this provider already, who moves `daily`. */
bool transfer_may_wait(uint64_t amount, uint64_t sum, uint64_t daily);

/* --- what does not go on ----------------------------------------------------------------------------- */
#define STUCK_US ((int64_t)5 * 60 * 1000000) /* a window: divided by 1000 on dev */
#define STUCK_AGAIN_LEAST_US ((int64_t)10 * 1000000)

/* When whoever runs the node is to hear that something has not succeeded since `since_us`, which takes
 * `usual_us` when all is well; told_us: when he heard last, 0: not yet. */
int64_t stuck_tell_us(int64_t since_us, int64_t usual_us, int64_t told_us, int64_t window_us);

/* Until when an action must have succeeded, or somebody loses by it; 0: nothing is lost by waiting. */
int64_t transfer_deadline(enum transfer_action action, const struct situation *s);

/* --- money --------------------------------------------------------------------------------------- */
#define TRANSFER_PPM_MAX 1000000

/* fixed + amount × ppm / 10^6, rounded up. False: it is no amount any more, alone or with `amount`. */
MUST_CHECK bool transfer_fee(uint64_t amount, uint64_t fixed, uint64_t ppm, uint64_t *fee);

/* The day of a time, counted from 1970: limits per day are of such days (UTC). */
int64_t transfer_day(int64_t time_us);

#endif
