/* Payments that this node sends for keys of its own, and their parts, as rows. */
#ifndef LAYER2_PAYMENT_PAYMENT_ROW_H
#define LAYER2_PAYMENT_PAYMENT_ROW_H

#include "base/memory.h"
#include "layer2/payment/failure.h"
#include "layer2/payment/route.h"
#include "store/database.h"

enum payment_state {
    PAYMENT_IN_FLIGHT, /* parts are under way, or a route is looked for */
    PAYMENT_SETTLED,   /* the preimage is here */
    PAYMENT_FAILED,    /* no part can succeed any more */
};
const char *payment_state_name(enum payment_state state);

#define PAYMENT_AVOID_MAX 64

struct payment {
    struct hash hash;
    struct account_id payer, payee;
    struct asset_id asset;
    uint64_t amount, fee_limit, parts_most;
    enum payment_state state;
    bool unrouted;
    uint64_t attempts;
    int64_t until_us;
    size_t avoid_count;
    struct hash avoid[PAYMENT_AVOID_MAX];
    uint64_t fee;
    bool is_loop;                  /* then through these two channels */
    struct hash first_hop, last_hop;
    enum failure failure;
    bool has_preimage;
    struct hash preimage;
    uint64_t created_seq;
};

MUST_CHECK bool payment_read(struct database *database, const struct hash *hash, struct payment *payment);
/* Takes the place of a payment with this hash that failed. */
void payment_insert(struct database *database, const struct payment *payment, int64_t now_us);
void payment_write(struct database *database, const struct payment *payment, int64_t now_us);
/* At most `most` that wait for a route, the oldest first; returns how many. */
size_t payment_list_unrouted(struct database *database, size_t most, struct hash *hashes);

struct payment_part {
    struct hash hash;
    uint64_t part;
    enum payment_state state;
    uint64_t amount, fee;
    struct route route;
    uint64_t hop;          /* where it failed */
    enum failure failure;
};

MUST_CHECK bool part_read(struct database *database, const struct hash *hash, uint64_t part,
                          struct payment_part *out);
void part_insert(struct database *database, const struct payment_part *part);
void part_write(struct database *database, const struct payment_part *part);
/* Sums over the parts of a payment in a state: amount, fee, and how many they are. */
struct part_sums { uint64_t amount, fee, count; };
struct part_sums part_sums(struct database *database, const struct hash *hash, enum payment_state state);

#endif
