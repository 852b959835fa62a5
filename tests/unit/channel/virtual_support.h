/* Channels funded by channels under test: who takes part, the steps of their life, and what everybody has in
 * the end. Above party_support.h, with several channels at once. */
#ifndef TESTS_VIRTUAL_SUPPORT_H
#define TESTS_VIRTUAL_SUPPORT_H

#include "party_support.h"

struct side {
    struct channel_fixed fixed;
    struct hash id;
    char hex[65];
};

struct scene {
    struct place p;
    const char *outside;              /* whose key is elsewhere; NULL: nobody's */
    bool is_gone;                     /* he signs nothing any more */
    bool restarts;                    /* between any two steps */
    struct side parent, child;        /* alice and bob, and in it the same two */
    struct side left, right, through; /* alice and ingrid, ingrid and bob; through them all three */
    int64_t before[3];                /* what each of `people` had */
};

extern const char *const people[3]; /* alice, ingrid, bob */

/* A node that keeps the keys of all three but `outside` (NULL: of all), and gold for each of them. */
void begin(struct scene *s, const char *outside);

/* What everybody has more than at first; no channel holds anything. */
void gains(struct scene *s, int64_t alice, int64_t ingrid, int64_t bob);

/* --- channels */
/* The place's channel at hand is this one. */
void at(struct scene *s, const struct side *side);
/* `third` may be NULL. */
void describe_side(struct scene *s, struct side *side, const char *first, const char *second,
                   const char *third, uint64_t nonce);
void is_in(struct scene *s, const struct side *side, enum channel_phase expected);
void comes_to(struct scene *s, const struct side *side, enum channel_phase expected); /* soon */

#define STAGED "SELECT staged IS NOT NULL FROM channel_local WHERE id = x'$'"

/* --- outcomes; each takes over what it is given */
json_t *shares(struct scene *s, const char *first, int amount, const char *second, int rest);
json_t *with(json_t *entries, json_t *one_more);
json_t *funding(const struct side *child, int amount);
json_t *guarantee_for(struct scene *s, const struct side *target, int amount, const char *left,
                      const char *right);
json_t *guarantee(struct scene *s, int amount, const char *left, const char *right); /* for `through` */

/* --- steps; all sign, over the command who keeps his key elsewhere */
/* Turn 0; the parents may be NULL. */
void open_side(struct scene *s, const struct side *side, const char *by, json_t *entries,
               const struct side *first, const struct side *second);
/* The next state. */
void bring(struct scene *s, const struct side *side, const char *by, json_t *entries, bool final);
/* A channel that the ledger funds, from nothing to running. */
void run_on_ledger(struct scene *s, struct side *side, uint64_t nonce, const char *first, int amount,
                   const char *second, int rest);

/* --- on the ledger */
/* Nothing is on its way any more; what is to be tried again is tried at once. */
void come_to_rest(struct scene *s);
void dispute(struct scene *s, const struct side *side, const char *by);
/* Alice the left one, and bob later the right one. */
void dispute_both(struct scene *s);
/* Until nothing is on its way any more, and nobody's time to answer runs. */
void let_time_run(struct scene *s);
int64_t events(struct scene *s, const char *type);
void register_by_stranger(struct scene *s, const struct side *side);
/* With the newest state that all signed, which is final. */
void conclude_by_stranger(struct scene *s, const struct side *side);

#endif
