/* For taproot/ itself: a link to tapd, calling it, and what its files do for the table in tapd.c. Calls and
 * members are those of taprpc's definitions, releases 0.5 to 0.8. */
#ifndef NETWORK_TAPROOT_TAPD_H
#define NETWORK_TAPROOT_TAPD_H

#include <jansson.h>
#include <stdatomic.h>

#include "network/lightning/rest.h"
#include "network/network.h"
#include "network/transport/endpoint.h"

#define TAPD_ENTRIES_MAX 100000 /* of one list that is believed */
#define TAPD_META_MAX 65536     /* bytes of metadata that are looked into */
#define TAPD_PATH "/v1/taproot-assets"
#define TAPD_BATCHES TAPD_PATH "/assets/mint/batches/" /* a batch's key may stand behind it: none, all */

struct tapd_chain {
    const char *name;    /* as Core Lightning calls it, and the link's option */
    const char *network; /* as tapd calls it */
    const char *address; /* prefix of addresses */
    uint32_t easiest;    /* the chain's limit of work, compact */
};

struct tapd {
    struct endpoint *endpoint;
    const struct tapd_chain *chain;
    char *universe; /* host that sync_state asks; NULL: none */
    atomic_int form; /* of bytes in requests: see tapd_bytes.c */
};

MUST_CHECK enum status tapd_get(struct tapd *tapd, struct network_call *call, const char *path,
                                json_t **reply, struct rest_refusal *refusal);
MUST_CHECK enum status tapd_post(struct tapd *tapd, struct network_call *call, const char *path, json_t *body,
                                 bool write, json_t **reply, struct rest_refusal *refusal);
/* ERROR_NETWORK_PROTOCOL: the answer has no good member of that name; counted against the server. */
enum status tapd_protocol_error(struct tapd *tapd, struct network_call *call, const char *question,
                                const char *member);

/* An id of 32 bytes in hex, as this network's assets are named. ERROR_INVALID_PARAMS. */
MUST_CHECK enum status tapd_asset(struct network_call *call, const char *text, struct hash *asset);

/* tapd_bytes.c: in answers, hex or base64: of this very size, which is more than 2; or of at most `most`
 * bytes, which live in the arena. */
MUST_CHECK bool tapd_fixed(const json_t *object, const char *name, void *out, size_t size);
MUST_CHECK bool tapd_bytes(const json_t *object, const char *name, size_t most, struct arena *arena,
                           struct bytes *bytes);
/* In the form that this server takes, which it is asked for at first. */
MUST_CHECK enum status tapd_write_bytes(struct tapd *tapd, struct network_call *call, const void *data,
                                        size_t size, const char **text);
void tapd_forget_form(struct tapd *tapd);

enum status tapd_health_check(void *client, struct network_call *call, struct network_state *state);

/* tapd_write.c */
enum status tapd_prepare(void *client, struct network_call *call, const struct network_write *write,
                         struct network_prepared *prepared);
enum status tapd_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                      struct network_sent *sent);

enum status tapd_request_payment(void *client, struct network_call *call,
                                 const struct network_payment_request *request,
                                 struct network_payable *payable);

/* tapd_find.c: minted batches and transfers, which both carry our label. */
struct tapd_found {
    bool found;
    const char *label;        /* NULL: none, or not one of ours */
    const char *transaction;  /* NULL: not made yet */
    const char *asset;        /* NULL: not known yet */
    const char *name, *amount;
    enum transaction_state state;
    bool staged;              /* a mint that waits to be finalized */
    bool has_height;
    uint64_t height, time_s;
    const char *reason;
    size_t companions;        /* other assets in a staged batch */
};
/* By label, or, when that is NULL, by transaction id. */
MUST_CHECK enum status tapd_find_mint(struct tapd *tapd, struct network_call *call, const char *label,
                                      const char *transaction, struct tapd_found *found);
MUST_CHECK enum status tapd_find_transfer(struct tapd *tapd, struct network_call *call, const char *label,
                                          const char *transaction, struct tapd_found *found);
/* A transfer as it stands in an answer. */
MUST_CHECK enum status tapd_read_transfer(struct tapd *tapd, struct network_call *call, const json_t *entry,
                                          struct tapd_found *found);
enum status tapd_check_status(void *client, struct network_call *call, const struct network_prepared *which,
                              struct network_status *status);
enum status tapd_history(void *client, struct network_call *call, const char *after, size_t limit,
                         struct network_history *history);

/* tapd_proof.c */
enum status tapd_verify_proof(void *client, struct network_call *call, const char *proof,
                              struct network_verdict *verdict);
enum status tapd_generate_proof(void *client, struct network_call *call, const char *claim,
                                const char **proof);

#endif
