/* Paying through Lightning, for layer2/transfer: what the uniform interface (network.h) has no words for. All
 * functions take the network and the client of a link, wait on the caller's thread, and are safe from several
 * at once. Amounts are millisatoshis, delays blocks of the chain below.
 *
 * A hash-lock elsewhere against an invoice here:
 *   lightning_check_order      the invoice is genuine, unexpired, for this chain; its hash is the lock's
 *   lightning_pay              with `max_delay` below what the other lock leaves, and a deadline
 *   lightning_look_up_payment  after anything unclear, until it is COMPLETE (preimage: claim) or FAILED */
#ifndef NETWORK_LIGHTNING_LIGHTNING_PAY_H
#define NETWORK_LIGHTNING_LIGHTNING_PAY_H

#include "crypto/bolt11.h"
#include "network/network.h"

#define LIGHTNING_AMOUNT_MAX UINT64_C(2100000000000000000) /* msat: all bitcoin there will be */
#define LIGHTNING_DELAY_MAX 2016      /* blocks: what both implementations allow at most */
#define LIGHTNING_PATIENCE_MARGIN 10  /* seconds that the answer may come later than the server's limit */

/* --- paying ----------------------------------------------------------------------------------- */
struct lightning_order {
    const char *invoice;
    uint64_t amount_msat;  /* of an invoice that leaves it open; otherwise 0, or what the invoice says */
    bool has_max_fee;
    uint64_t max_fee_msat; /* without has_max_fee: a hundredth of the amount, at least 5,000 */
    uint64_t max_delay;    /* blocks that the whole way may lock the money at most; 0: the server's limit */
    uint64_t seconds; /* how long the server looks for ways; 0: the link's `patience`, which is the most */
    uint64_t send_until; /* Unix: from then on it is not sent, nor sent again; 0: whenever */
};

enum lightning_payment_state {
    LIGHTNING_PAYMENT_UNKNOWN,  /* the server has never tried it */
    LIGHTNING_PAYMENT_PENDING,  /* money may be on its way */
    LIGHTNING_PAYMENT_COMPLETE,
    LIGHTNING_PAYMENT_FAILED    /* for good: nothing of it is on its way */
};

struct lightning_payment {
    enum lightning_payment_state state;
    bool has_hash;
    struct hash payment_hash;
    bool has_preimage; /* always, when COMPLETE; SHA-256 of it is the payment hash, which was checked */
    struct hash preimage;
    bool has_amounts;
    uint64_t amount_msat, sent_msat; /* what arrives, and that with the fees */
    uint64_t attempts;          /* parts or ways tried, as the server counts */
    uint64_t time_s;            /* begun; 0: not told */
    const char *invoice;        /* NULL: paid without one, or not told */
    const char *reason;         /* why it failed; NULL */
};

/* What follows from a link's row alone. False: the network is neither of these two, or the chain is none. */
struct lightning_facts {
    const char *currency;      /* of invoices there */
    uint64_t patience_s;       /* the server may look for ways for so long */
};
MUST_CHECK bool lightning_facts_of(const char *network, const char *chain, const char *options,
                                   struct lightning_facts *facts);

/* Decodes the invoice and checks signature, chain, expiry, amount, and the limits of the order; talks to
 * nobody. *amount_msat is what will arrive. ERROR_INVALID_PARAMS, ERROR_NETWORK_WRONG_CHAIN. */
MUST_CHECK enum status lightning_check_order(const struct network *network, const void *client,
                                             const struct lightning_order *order, struct arena *arena,
                                             struct bolt11 *invoice, uint64_t *amount_msat,
                                             struct error *error);

/* Pays, unless the server has the payment already, which is told then. OK: see payment->state.
 * ERROR_NETWORK_AMBIGUOUS: it may have been sent; look it up before anything else. Other errors: nothing was
 * sent by this call. Errors are in call->error, here and below. */
MUST_CHECK enum status lightning_pay(const struct network *network, void *client, struct network_call *call,
                                     const struct lightning_order *order, struct lightning_payment *payment);

/* ERROR_NETWORK_PROTOCOL: the server calls it paid with a preimage that is not the hash's. */
MUST_CHECK enum status lightning_look_up_payment(const struct network *network, void *client,
                                                 struct network_call *call, const struct hash *payment_hash,
                                                 struct lightning_payment *payment);

#endif
