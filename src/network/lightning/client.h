/* For lightning/ itself: what both implementations share, a client and the table of what they do differently.
 * operations.c fills struct network from that table. */
#ifndef NETWORK_LIGHTNING_CLIENT_H
#define NETWORK_LIGHTNING_CLIENT_H

#include <stdatomic.h>

#include "network/lightning/lightning_pay.h"
#include "network/transport/endpoint.h"

#define LIGHTNING_PATIENCE_DEFAULT 60 /* seconds: Core Lightning's own default for a payment */
#define LIGHTNING_PATIENCE_MAX 3600
#define LIGHTNING_PAGE_MAX 100        /* entries of one page of history */

struct lightning_chain {
    const char *name;     /* Core Lightning's name of it, which ours is */
    const char *lnd_name; /* LND's */
    const char *currency; /* of BOLT 11 */
};
/* NULL: none has this name. */
const struct lightning_chain *lightning_chain_named(const char *name);
extern const char *const lightning_chain_names[]; /* ends with NULL */
/* The chain that belongs to this node's network, when the link names none: regtest, testnet, bitcoin. */
const char *lightning_chain_default(enum node_network network);

struct lightning_keysend {
    struct public_key node;
    uint64_t amount_msat, max_fee_msat, max_delay, seconds;
    const char *label;
};

enum lightning_list { LIGHTNING_PAYMENTS, LIGHTNING_INVOICES };
struct lightning_item {
    uint64_t index; /* the server's, rising with the time of creation */
    struct network_entry entry;
};

/* --- being paid ------------------------------------------------------------------------------- */
struct lightning_invoice_order {
    struct hash preimage;      /* random and secret */
    struct hash payment_hash;  /* SHA-256 of it */
    uint64_t amount_msat;      /* at least 1 */
    const char *label;         /* unique; the same again, with the same preimage, gives the same invoice */
    const char *description;
    uint64_t expiry_s;
};

enum lightning_invoice_state {
    LIGHTNING_INVOICE_UNKNOWN, LIGHTNING_INVOICE_OPEN,
    LIGHTNING_INVOICE_ACCEPTED, /* locked for us, not settled */
    LIGHTNING_INVOICE_SETTLED, LIGHTNING_INVOICE_CANCELLED /* or expired */
};

struct lightning_invoice {
    enum lightning_invoice_state state;
    uint64_t amount_msat;      /* SETTLED: paid */
    bool has_preimage;
    struct hash preimage;      /* SETTLED */
};

struct begun;
struct lightning_client;
struct lightning_backend {
    enum status (*greet)(struct lightning_client *client, struct network_call *call,
                         struct network_greeting *greeting);
    /* brief: for health_check, without the channels */
    enum status (*state)(struct lightning_client *client, struct network_call *call, bool brief,
                         struct network_state *state);
    /* Whether the server's own lists agree. */
    enum status (*agreement)(struct lightning_client *client, struct network_call *call,
                             struct network_verdict *verdict);
    enum status (*node)(struct lightning_client *client, struct network_call *call, struct public_key *node);

    /* Paying: what will be sent, as JSON text; sending it; finding it by hash or, without, by label. `send`
     * and `find` have checked the preimage of what is COMPLETE. */
    enum status (*prepare)(struct lightning_client *client, struct network_call *call,
                           const struct lightning_order *order, const struct bolt11 *invoice,
                           struct network_prepared *prepared);
    enum status (*prepare_keysend)(struct lightning_client *client, struct network_call *call,
                                   const struct lightning_keysend *keysend,
                                   struct network_prepared *prepared);
    enum status (*send)(struct lightning_client *client, struct network_call *call,
                        const struct network_prepared *prepared, struct lightning_payment *payment);
    enum status (*find)(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                        const char *label, struct lightning_payment *payment);

    /* Up to `limit` entries with an index below `before` (0: the newest), newest first. */
    enum status (*list)(struct lightning_client *client, struct network_call *call, enum lightning_list list,
                        uint64_t before, size_t limit, struct lightning_item *items, size_t *count);

    enum status (*chain_fees)(struct lightning_client *client, struct network_call *call,
                              struct network_fees *fees);
    enum status (*route_fee)(struct lightning_client *client, struct network_call *call,
                             const struct public_key *payee, uint64_t amount_msat, uint64_t final_delta,
                             uint64_t *fee_msat);
    enum status (*sign_message)(struct lightning_client *client, struct network_call *call,
                                const char *message, const char **zbase);

    /* Makes it, or finds it when it was made before. */
    enum status (*create_invoice)(struct lightning_client *client, struct network_call *call,
                                  const struct lightning_invoice_order *order, const char **text);
    enum status (*find_invoice)(struct lightning_client *client, struct network_call *call,
                                const struct hash *hash, struct lightning_invoice *invoice);
};

struct lightning_client {
    const struct lightning_backend *backend;
    struct endpoint *endpoint;
    const struct lightning_chain *chain;
    uint64_t patience_s;
    /* of a server whose lists do not show what it has only begun to seek a way for; NULL: they show it */
    struct begun *begun;
    /* it deletes what was paid so many seconds ago, as it told at the last greeting; 0: never */
    atomic_uint_least64_t forgets_s;
    /* Core Lightning, of each command: enum cln_ability */
    atomic_int can_xpay, can_pay, can_xkeysend, can_keysend, can_listpays;
};

extern const struct lightning_backend cln_backend, lnd_backend;

/* The functions of struct network that both tables share. */
void lightning_release(void *client);
void lightning_describe(const void *client, struct writer *w);
bool lightning_measure(const void *client, struct endpoint_metrics *metrics);
bool lightning_capable(const void *client, enum network_operation operation, const char **reason);
enum status lightning_connect(void *client, struct network_call *call, struct network_greeting *greeting);
enum status lightning_disconnect(void *client, struct network_call *call);
enum status lightning_health_check(void *client, struct network_call *call, struct network_state *state);
enum status lightning_get_state(void *client, struct network_call *call, struct network_state *state);
enum status lightning_validate_state(void *client, struct network_call *call, const char *claim,
                                     struct network_verdict *verdict);
enum status lightning_check_status(void *client, struct network_call *call,
                                   const struct network_prepared *which, struct network_status *status);
enum status lightning_history(void *client, struct network_call *call, const char *after, size_t limit,
                              struct network_history *history);
enum status lightning_estimate_fees(void *client, struct network_call *call,
                                    const struct network_write *write, struct network_fees *fees);
enum status lightning_prepare(void *client, struct network_call *call, const struct network_write *write,
                              struct network_prepared *prepared);
enum status lightning_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                           struct network_sent *sent);
enum status lightning_verify_proof(void *client, struct network_call *call, const char *proof,
                                   struct network_verdict *verdict);
enum status lightning_generate_proof(void *client, struct network_call *call, const char *claim,
                                     const char **proof);
enum status lightning_request_payment(void *client, struct network_call *call,
                                      const struct network_payment_request *request,
                                      struct network_payable *payable);
/* What has become of an invoice of ours, by the label that request_payment gave. */
#define LIGHTNING_INVOICE_LABEL "invoice-" /* and its payment hash */
MUST_CHECK enum status lightning_invoice_status(struct lightning_client *client, struct network_call *call,
                                                const char *label, struct network_status *status);

/* ERROR_NETWORK_PROTOCOL: the answer to `question` has no good `member`; counted against the server. */
enum status lightning_protocol_error(struct lightning_client *client, struct network_call *call,
                                     const char *question, const char *member);
/* Compares hash and preimage of what the server calls paid. ERROR_NETWORK_PROTOCOL when it lies. */
enum status lightning_check_preimage(struct lightning_client *client, struct network_call *call,
                                     const struct lightning_payment *payment);
/* The waiting of a call that the server may answer `seconds` later. */
struct waiting lightning_waiting(const struct network_call *call, uint64_t seconds);
const char *lightning_digits(struct network_call *call, uint64_t number);

#define LIGHTNING_TABLE                                                                                      \
    .release = lightning_release, .describe = lightning_describe, .measure = lightning_measure,              \
    .capable = lightning_capable,                                                                            \
    .connect = lightning_connect, .disconnect = lightning_disconnect,                                        \
    .health_check = lightning_health_check, .get_state = lightning_get_state,                                \
    .validate_state = lightning_validate_state, .check_transaction_status = lightning_check_status,          \
    .get_transaction_history = lightning_history, .estimate_fees = lightning_estimate_fees,                  \
    .writes = 1u << WRITE_SUBMIT | 1u << WRITE_TRANSFER, .prepare = lightning_prepare,                       \
    .send = lightning_send, .verify_proof = lightning_verify_proof,                                          \
    .generate_proof = lightning_generate_proof, .request_payment = lightning_request_payment

#endif
