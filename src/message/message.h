/* Messages between the base ledger and the domains above it: an ordered inbox into each, and the withdrawals
 * that come out. For handlers and deadlines of base scope. Each message has exactly one terminal state. */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include "crypto/outbox_tree.h"
#include "kernel/module.h"
#include "ledger/ledger.h"
#include "message/withdrawal.h"

extern const struct module message_module;

/* --- domains ----------------------------------------------------------------------------------- */
#define DOMAIN_ASSETS_MAX 256 /* their numbers are a byte of a withdrawal */

/* A new domain with a held account of this kind for its value. `assets` tells which asset of the base ledger
 * number 0, 1, … is in the domain. Returns its number, 1 or more. `escrow` is the id of the held account.
 * ERROR_ACCOUNT_EXISTS. */
MUST_CHECK enum status domain_open(struct execution *x, const struct account_id *escrow, const char *kind,
                                   const struct asset_id *assets, unsigned asset_count, uint64_t *domain);
MUST_CHECK bool domain_find(struct database *database, uint64_t domain, struct account_id *escrow,
                            unsigned *asset_count);
MUST_CHECK bool domain_asset(struct database *database, uint64_t domain, unsigned number,
                             struct asset_id *asset);

/* --- inbox ------------------------------------------------------------------------------------- */
enum inbox_state {
    INBOX_QUEUED,   /* waits to be taken into a batch */
    INBOX_INCLUDED, /* in a batch that is not final yet */
    INBOX_DONE,     /* in a final batch; whether it did something the domain tells */
    INBOX_REFUNDED, /* a deposit that went back when the domain was frozen */
    INBOX_DROPPED,  /* something else that was queued then */
};
const char *inbox_state_name(enum inbox_state state);

#define INBOX_PAYLOAD_MAX 512 /* bytes */

struct inbox_item {
    uint64_t domain, number; /* 0, 1, … without gaps */
    struct account_id sender; /* who asked for it, on the base ledger */
    unsigned asset;          /* of a deposit */
    uint64_t amount;         /* of a deposit: what was taken from the sender; else 0 */
    struct bytes payload;    /* what the domain executes; lives until the thread reads another */
    int64_t deadline_us;     /* chain time: from then on every batch must take it in */
    int64_t queued_us;       /* chain time: since when it waits */
    bool lasting;            /* does not end when the domain is frozen */
    enum inbox_state state;
};
/* How many there ever were; the next one's number. */
uint64_t inbox_count(struct database *database, uint64_t domain);
/* When it is due, chain time. */
int64_t inbox_deadline(struct database *database, uint64_t domain, uint64_t number);
MUST_CHECK bool inbox_read(struct database *database, uint64_t domain, uint64_t number,
                           struct inbox_item *item);
/* Takes amount (may be 0) of the domain's asset from the sender into its escrow, and queues the payload; the
 * item's number is inbox_count before. It is not due before the item before it, whatever `deadline_us` says.
 * Records message.queued. ERROR_INSUFFICIENT_BALANCE. */
MUST_CHECK enum status inbox_queue(struct execution *x, uint64_t domain, const struct account_id *sender,
                                   unsigned asset, uint64_t amount, struct bytes payload,
                                   int64_t deadline_us);
/* The same for what the domain itself has to take in, whatever becomes of it: such an item waits until a
 * final batch took it in, for inbox_end leaves it alone. It moves nothing. */
MUST_CHECK enum status inbox_queue_lasting(struct execution *x, uint64_t domain,
                                           const struct account_id *sender, unsigned asset,
                                           struct bytes payload, int64_t deadline_us);
/* Whether the item ended before a batch could take it in. It keeps its number: a batch passes over it. */
MUST_CHECK bool inbox_has_ended(const struct inbox_item *item);
/* Items `from` … `to` − 1 are in a batch now; are final with it; or wait again, with `deadline_us`, or
 * the latest that any of them had. Those that have ended stay so. No events: those of the batch tell. */
void inbox_include(struct execution *x, uint64_t domain, uint64_t from, uint64_t to);
void inbox_done(struct execution *x, uint64_t domain, uint64_t from, uint64_t to);
void inbox_return(struct execution *x, uint64_t domain, uint64_t from, uint64_t to, int64_t deadline_us);
/* The oldest queued item. */
MUST_CHECK bool inbox_oldest(struct database *database, uint64_t domain, struct inbox_item *item);
/* The first number from `from` on whose deadline has not passed at `now_us`: a batch must reach to it. */
uint64_t inbox_overdue_end(struct database *database, uint64_t domain, uint64_t from, int64_t now_us);
/* The oldest queued items end, `most` of them, save lasting ones: deposits are refunded, or become credits.
 * Records message.refunded for each. True: more are left. */
MUST_CHECK bool inbox_end(struct execution *x, uint64_t domain, unsigned most);
/* Whether inbox_end would find one. */
MUST_CHECK bool inbox_is_ending(struct database *database, uint64_t domain);

/* --- outbox ------------------------------------------------------------------------------------ */
/* The domain's withdrawals up to `count` are final, under this root. Never fewer: a smaller count, which only
 * a domain gone wrong can bring about, leaves all as it is. The newest FINAL_ROOTS_KEPT roots prove. */
#define FINAL_ROOTS_KEPT 1024
void outbox_final(struct execution *x, uint64_t domain, const struct hash *root, uint64_t count);
/* Pays from the domain's escrow, or notes a credit when the recipient cannot be paid (*credited). Records
 * message.credited then; what else happened the caller records. ERROR_INSUFFICIENT_BALANCE: the escrow has
 * not got it beside the deposits that are not done and the credits, which only a domain gone wrong can bring
 * about. */
MUST_CHECK enum status domain_pay(struct execution *x, uint64_t domain, unsigned asset,
                                  const struct account_id *recipient, uint64_t amount, bool *credited);

#endif
