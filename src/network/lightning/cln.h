/* For Core Lightning's files alone: calling it, and what it is asked for in both. */
#ifndef NETWORK_LIGHTNING_CLN_H
#define NETWORK_LIGHTNING_CLN_H

#include <jansson.h>

#include "network/lightning/client.h"

/* What a command can do, as its usage in `help` tells: the releases differ in their parameters, and one that
 * is not known there is an error. */
enum cln_ability {
    CLN_NOT_ASKED = 0,
    CLN_ASKED = 1 << 0,
    CLN_HAS = 1 << 1,       /* there is such a command */
    CLN_MAXDELAY = 1 << 2,  /* xpay: from 25.02 on */
    CLN_MAXFEE = 1 << 3,    /* keysend: from 24.11 on */
    CLN_INVSTRING = 1 << 4, /* pay: what was `bolt11` before 26.06 */
    CLN_INDEX = 1 << 5      /* listpays: from 24.11 on */
};

/* Error codes of its commands: common/jsonrpc_errors.h and the commands' pages. */
enum cln_error {
    CLN_PLUGIN_TERMINATED = -4, CLN_SHUTDOWN = -5, /* whoever was to do it is gone */
    CLN_UNKNOWN_COMMAND = -32601,
    CLN_INVALID_PARAMS = -32602,
    CLN_LABEL_EXISTS = 900,
    CLN_PREIMAGE_EXISTS = 901
};

/* One command with named parameters (stolen). *result is owned by the caller. *code (may be NULL) is its
 * error code when it refused. A write that takes long gets `seconds`; otherwise 0. */
MUST_CHECK enum status cln_call(struct lightning_client *client, struct network_call *call,
                                const char *method, json_t *params, bool write, uint64_t seconds,
                                json_t **result, int64_t *code);

/* What the command can do there (enum cln_ability): asked once (`help`) and kept in *known. */
MUST_CHECK enum status cln_can(struct lightning_client *client, struct network_call *call,
                               const char *command, atomic_int *known, int *abilities);

/* cln_pay.c */
enum status cln_prepare(struct lightning_client *client, struct network_call *call,
                        const struct lightning_order *order, const struct bolt11 *invoice,
                        struct network_prepared *prepared);
enum status cln_prepare_keysend(struct lightning_client *client, struct network_call *call,
                                const struct lightning_keysend *keysend, struct network_prepared *prepared);
enum status cln_send(struct lightning_client *client, struct network_call *call,
                     const struct network_prepared *prepared, struct lightning_payment *payment);
enum status cln_find(struct lightning_client *client, struct network_call *call, const struct hash *hash,
                     const char *label, struct lightning_payment *payment);
/* What listpays answers about one hash, as it lists it. *entries is owned by *answer. */
MUST_CHECK enum status cln_pays_of(struct lightning_client *client, struct network_call *call,
                                   const struct hash *hash, json_t **answer, const json_t **entries);
/* cln_list.c */
enum status cln_list(struct lightning_client *client, struct network_call *call, enum lightning_list list,
                     uint64_t before, size_t limit, struct lightning_item *items, size_t *count);
enum status cln_create_invoice(struct lightning_client *client, struct network_call *call,
                               const struct lightning_invoice_order *order, const char **text);
enum status cln_find_invoice(struct lightning_client *client, struct network_call *call,
                             const struct hash *hash, struct lightning_invoice *invoice);
/* The newest created index of a list; 0: it is empty. ERROR_NETWORK_NOT_SUPPORTED: there are no indexes. */
MUST_CHECK enum status cln_newest_index(struct lightning_client *client, struct network_call *call,
                                        enum lightning_list list, uint64_t *newest);

#endif
