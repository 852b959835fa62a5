/* The adjudicator's rules, pure: which signed states a channel on the ledger accepts, and what it is then.
 * ForceMove's three modes (the vectors in nitro-adjudicator.json), with these differences on purpose:
 *   - a challenge with the turn on record has the state on record, and then needs no proof;
 *   - all challenges of one dispute end at the latest `dispute_limit_us` after the first of them;
 *   - a turn on record never goes down, also when an older final state concludes;
 *   - a challenger who had signed to know of a newer state is remembered as a cheater;
 *   - an arbitration case extends the challenge once, and its award ends the channel. */
#ifndef LAYER2_CHANNEL_RULES_H
#define LAYER2_CHANNEL_RULES_H

#include "layer2/channel/application.h"

enum channel_mode {
    CHANNEL_OPEN,      /* no challenge is running */
    CHANNEL_CHALLENGE, /* one is: the channel ends with its state unless a newer one comes */
    CHANNEL_FINALIZED, /* the outcome stands and is paid out */
};
const char *channel_mode_name(enum channel_mode mode);

enum case_state {
    CASE_NONE,    /* nobody asked the arbiters */
    CASE_OPEN,    /* evidence is taken for one window, then an award until the channel is finalized */
    CASE_AWARDED,
    CASE_LAPSED,  /* no award any more: the channel ended without one, or all signed a final state */
};
const char *case_state_name(enum case_state state);

/* A channel as the ledger has it. Times are chain time, µs, which may be 0; NEVER_US where there is none. */
#define NEVER_US INT64_C(-1)
struct adjudication {
    uint64_t turn_record;       /* highest turn that a supported state showed; never goes down */
    bool has_outcome;           /* a state is stored: by challenge, checkpoint, withdrawal, conclude, award */
    struct hash state;          /* hash of the stored state, as long as the channel is not finalized */
    int64_t finalizes_at_us;    /* from then on the channel is finalized; without a challenge never */
    int64_t first_challenge_us; /* of the dispute at hand */
    int challenger;             /* participant who challenged last; −1: nobody */
    uint64_t challenge_turn;
    uint32_t cheaters;          /* participants who challenged with a state they knew to be old */
    enum case_state case_state;
    int64_t evidence_until_us;  /* evidence is taken before */
};

struct adjudication adjudication_new(void); /* a channel that the ledger has heard nothing of */
enum channel_mode adjudication_mode(const struct adjudication *a, int64_t now_us);

/* Each checks, changes *a and returns OK; or names why not and changes nothing. `states` are oldest first,
 * their signatures verified; the last one is the one that counts. A challenge of the state on record needs no
 * signatures on it: the ledger knows that it is supported. */
MUST_CHECK enum status rules_challenge(const struct application *application,
                                       const struct channel_fixed *fixed, const struct signed_state *states,
                                       size_t count, int challenger, int64_t now_us, struct adjudication *a,
                                       struct error *error);
/* *cleared (may be NULL): a challenge was running and is over. */
MUST_CHECK enum status rules_checkpoint(const struct application *application,
                                        const struct channel_fixed *fixed, const struct signed_state *states,
                                        size_t count, int64_t now_us, struct adjudication *a, bool *cleared,
                                        struct error *error);
MUST_CHECK enum status rules_conclude(const struct channel_fixed *fixed, const struct signed_state *state,
                                      int64_t now_us, struct adjudication *a, struct error *error);
/* A state that all signed, and with it payments out of the holdings of a channel that runs on: what the state
 * allocates and the payments take must be held, asset by asset. What is held beyond that stays: strangers may
 * pay in, and must not undo what was signed. */
MUST_CHECK enum status rules_withdraw(const struct channel_fixed *fixed, const struct signed_state *state,
                                      const struct allocation *payments, size_t payment_count,
                                      const uint64_t *holdings, int64_t now_us, struct adjudication *a,
                                      struct error *error);

/* The same from a channel that has ended, out of what it holds beyond what it still `owes`: all sign a final
 * state that gives nothing, whose turn is used up so that nobody can do it twice. */
MUST_CHECK enum status rules_withdraw_rest(const struct channel_fixed *fixed,
                                           const struct signed_state *state,
                                           const struct allocation *payments, size_t payment_count,
                                           const struct channel_state *owes, const uint64_t *holdings,
                                           struct adjudication *a, struct error *error);

/* The end of a challenge has come: a case that nobody decided lapses. */
void rules_timeout(struct adjudication *a);

/* --- arbitration */
/* Only a participant opens a case, once in a channel's life, about a state on record; where no challenge
 * runs, he challenges with it. Evidence is taken for one window. The channel ends one more window after that,
 * or after a challenge period from now, or after the end of a running challenge, whichever is the latest.
 * From then on newer states change the record, but no longer that end; save that a final state that all
 * signed ends the case: there is nothing left to judge. ERROR_NO_ARBITERS, ERROR_WRONG_PHASE (such a state is
 * on record), ERROR_CASE_EXISTS, ERROR_NO_STATE. */
MUST_CHECK enum status rules_open_case(const struct channel_fixed *fixed, int opener, int64_t now_us,
                                       struct adjudication *a, struct error *error);
MUST_CHECK enum status rules_evidence(const struct adjudication *a, int64_t now_us, struct error *error);
/* Which arbiters take an award's fees, as a mask: those that its data names (two bytes, bit i: arbiter i),
 * all of them without data. So the arbiters sign who is paid, and whoever brings the award has no say in it.
 * ERROR_AWARD_OUT_OF_BOUNDS for other data. */
MUST_CHECK enum status rules_fee_takers(const struct channel_fixed *fixed, const struct channel_state *award,
                                        uint32_t *takers, struct error *error);
/* The award names the turn on record, and enough distinct arbiters signed it (`signers`: a mask). Outcome and
 * fees give out no less than the state on record, nor more than that or what is held, whichever is more: so
 * what strangers pay in undoes no award. Fees stay within their part of it. Not before the time for evidence
 * is over: ERROR_WRONG_PHASE. */
MUST_CHECK enum status rules_award(const struct channel_fixed *fixed, const struct channel_state *on_record,
                                   const struct channel_state *award, const uint64_t *fees,
                                   const uint64_t *holdings, uint32_t signers, int64_t now_us,
                                   struct adjudication *a, struct error *error);

#endif
