/* What is to be paid, checked before anybody is asked to: pure but for the time that it is given. */
#ifndef NETWORK_LIGHTNING_ORDER_H
#define NETWORK_LIGHTNING_ORDER_H

#include "network/lightning/lightning_pay.h"

/* "lnbc…" and the like, in either case: an invoice rather than a node's key. */
bool order_is_invoice(const char *text);

/* Decodes the order's invoice: signature, currency of the chain, expiry at `now_s`, an amount that both agree
 * on. ERROR_INVALID_PARAMS, ERROR_NETWORK_WRONG_CHAIN; ERROR_NETWORK_NOT_SUPPORTED: an offer of BOLT 12. */
MUST_CHECK enum status order_check(const char *currency, uint64_t patience_s, uint64_t now_s,
                                   const struct lightning_order *order, struct arena *arena,
                                   struct bolt11 *invoice, uint64_t *amount_msat, struct error *error);

/* The fee that may be paid when nobody says one: a hundredth, at least 5,000 (what Core Lightning's xpay
 * takes for its default). */
uint64_t order_default_fee(uint64_t amount_msat);

/* The limits of an order from a write of the uniform interface: `fee`, and `options` {"max_delay",
 * "seconds"}. ERROR_INVALID_PARAMS. */
MUST_CHECK enum status order_limits(const struct network_write *write, struct lightning_order *order,
                                    struct error *error);

/* Limits that no server needs to be asked about. */
MUST_CHECK enum status order_check_limits(const struct lightning_order *order, uint64_t patience_s,
                                          struct error *error);

/* Millisatoshis, 1 … LIGHTNING_AMOUNT_MAX. */
MUST_CHECK enum status order_amount(const char *text, uint64_t *amount_msat, struct error *error);

#endif
