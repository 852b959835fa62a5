/* For LND's files alone: calling it, and what it is asked for in both. */
#ifndef NETWORK_LIGHTNING_LND_H
#define NETWORK_LIGHTNING_LND_H

#include <jansson.h>

#include "network/lightning/client.h"
#include "network/lightning/rest.h"

/* One call; *reply is owned by the caller, *refusal (may be NULL) tells why it refused. */
MUST_CHECK enum status lnd_get(struct lightning_client *client, struct network_call *call, const char *path,
                               json_t **reply, struct rest_refusal *refusal);
MUST_CHECK enum status lnd_post(struct lightning_client *client, struct network_call *call, const char *path,
                                json_t *body, bool write, json_t **reply, struct rest_refusal *refusal);

/* lnd_pay.c */
enum status lnd_prepare(struct lightning_client *client, struct network_call *call,
                        const struct lightning_order *order, const struct bolt11 *invoice,
                        struct network_prepared *prepared);
enum status lnd_prepare_keysend(struct lightning_client *client, struct network_call *call,
                                const struct lightning_keysend *keysend, struct network_prepared *prepared);
enum status lnd_send(struct lightning_client *client, struct network_call *call,
                     const struct network_prepared *prepared, struct lightning_payment *payment);
enum status lnd_find(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                     const char *label, struct lightning_payment *payment);
enum status lnd_list(struct lightning_client *client, struct network_call *call, enum lightning_list list,
                     uint64_t before, size_t limit, struct lightning_item *items, size_t *count);
/* lnd_invoice.c */
enum status lnd_create_invoice(struct lightning_client *client, struct network_call *call,
                               const struct lightning_invoice_order *order, const char **text);
enum status lnd_find_invoice(struct lightning_client *client, struct network_call *call,
                             const struct hash *hash, struct lightning_invoice *invoice);

#endif
