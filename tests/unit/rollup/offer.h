/* Batches whose data a committee holds, put together by hand: as an operator who withholds, or lies, does. */
#ifndef TESTS_ROLLUP_OFFER_H
#define TESTS_ROLLUP_OFFER_H

#include "layer2/rollup/committee.h"
#include "node_support.h"

#define AVAILABILITY_BOND 300

struct offer {
    uint64_t domain, number, inbox_to, transactions, data_size;
    struct hash parent, data_hash, items_root, message;
    struct buffer packed;
    char members[64]; /* who vouch, names between blanks */
    struct hash batch;
    char hex[65];     /* of its id */
};

/* Makes alice operate a committee rollup, which s->domain is from now on: members bob, carol and dave, two of
 * whom must vouch. */
void committee_open(struct scene *s);

/* The next batch of the rollup, with all of the inbox and a transaction that nobody signed. Close it. */
void offer_make(struct scene *s, struct offer *o);
void offer_close(struct offer *o);
void offer_sign_in(struct scene *s, struct offer *o, uint64_t epoch); /* as if it were that one */
void offer_sign(struct scene *s, struct offer *o); /* makes the message anew after something was changed */
/* By alice, to a root out of nowhere; fills batch and hex when OK. */
enum status offer_propose(struct scene *s, struct offer *o);
/* The three above at once, which must come to OK. */
void offer_all(struct scene *s, struct offer *o);
char *offer_data(const struct offer *o); /* hex; the caller's */

enum status demand(struct scene *s, const char *who, const struct offer *o);
enum status answer(struct scene *s, const char *who, const struct offer *o, const char *data);
void give_up(struct scene *s, const struct offer *o); /* the batch is rejected by command */

int64_t chain_now(struct scene *s);
void until(struct scene *s, int64_t chain_us); /* exactly */
int64_t of_batch(struct scene *s, const struct offer *o, const char *column);

#define assert_status(expected, call) assert_string_equal(status_name(call), status_name(expected))

#endif
