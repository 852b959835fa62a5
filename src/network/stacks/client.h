/* The client of a Stacks node (RPC of stacks-core) or of the API that stands before one (Hiro's): what the
 * files of this room share. */
#ifndef NETWORK_STACKS_CLIENT_H
#define NETWORK_STACKS_CLIENT_H

#include <stdatomic.h>

#include "network/network.h"
#include "network/stacks/block.h"
#include "network/transport/endpoint.h"

struct stacks_options {
    const char *url;           /* of a node, or of an API */
    const char *chain;         /* "mainnet" or "testnet" */
    bool api;                  /* it has /extended/v1 too */
    const char *api_key_file;  /* NULL: none */
    const char *checkpoint;    /* index block hash that is taken for true, 64 hex digits; NULL: none */
    uint64_t confirmations;    /* Bitcoin blocks after which a block is final */
    uint64_t rate;             /* requests a minute; 0: no limit */
    uint64_t connections;      /* 0: as usual */
};

struct stacks_client {
    const struct stacks_options *options;
    struct network_signer *signer; /* NULL: reads alone */
    struct endpoint *endpoint;
    bool mainnet;
    uint32_t chain;
    struct stacks_address account; /* with a signer */
    char account_text[STACKS_ADDRESS_TEXT];
    atomic_bool indexed;       /* the node has shown that it keeps an index of transactions */
};

/* --- asking (ask.c) ----------------------------------------------------------------------------- */
/* One read of JSON. *status is 200, 400, 404, 501 …; *json is NULL where the body is no JSON and the
 * status is not 200. ERROR_NETWORK_PROTOCOL: 200 without JSON. */
MUST_CHECK enum status stacks_get(struct stacks_client *client, struct network_call *call, const char *path,
                                  long *status, json_t **json);
/* Posts a body. As stacks_get. `write`: see struct http_request. */
MUST_CHECK enum status stacks_post(struct stacks_client *client, struct network_call *call, const char *path,
                                   const char *type, struct bytes body, bool write, long *status,
                                   json_t **json);
/* One read of bytes; `out` is buffer_init'ed by the caller. */
/* The node's own index of transactions. *known: it has it, and *json is its answer. *indexed is false where
 * there is none: it says so (501), or has no such path (a node before 3.1, an API: 404, in other words). */
MUST_CHECK enum status stacks_get_indexed(struct stacks_client *client, struct network_call *call,
                                          const char *hex, bool *known, bool *indexed, json_t **json);
MUST_CHECK enum status stacks_get_bytes(struct stacks_client *client, struct network_call *call,
                                        const char *path, long *status, struct buffer *out);

/* Members of objects, strictly; false: missing or of another kind. */
MUST_CHECK bool stacks_member_u64(const json_t *object, const char *name, uint64_t *value);
/* 0x or not */
MUST_CHECK bool stacks_member_hash(const json_t *object, const char *name, struct hash *value);
MUST_CHECK bool stacks_member_hex_number(const json_t *object, const char *name, struct clarity_uint *value);

/* What the node says of itself, checked against the link's chain. ERROR_NETWORK_WRONG_CHAIN. */
struct stacks_info {
    uint64_t height, burn_height;
    struct hash tip;         /* the newest block's hash; its id is made with the consensus hash */
    char version[129];
    bool synced;
};
MUST_CHECK enum status stacks_info(struct stacks_client *client, struct network_call *call,
                                   struct stacks_info *info);
/* The confirmed nonce and balance of an account. */
MUST_CHECK enum status stacks_account(struct stacks_client *client, struct network_call *call,
                                      const char *principal, uint64_t *nonce, struct clarity_uint *balance);
/* The canonical block at a height or with an id (the other being NULL), verified to be what its hash says;
 * `bytes` holds it. ERROR_NETWORK_NOT_FOUND. */
MUST_CHECK enum status stacks_fetch_block(struct stacks_client *client, struct network_call *call,
                                          const uint64_t *height, const struct hash *id, struct buffer *bytes,
                                          struct stacks_block *block);

/* --- operations --------------------------------------------------------------------------------- */
/* Amount, addresses (not of which chain they are), memo, symbol, decimals. Pure. */
enum status stacks_judge(const struct network_write *write, struct error *error);
enum status stacks_prepare(void *client, struct network_call *call, const struct network_write *write,
                           struct network_prepared *prepared);
enum status stacks_send(void *client, struct network_call *call, const struct network_prepared *prepared,
                        struct network_sent *sent);
enum status stacks_estimate_fees(void *client, struct network_call *call, const struct network_write *write,
                                 struct network_fees *fees);
enum status stacks_check_status(void *client, struct network_call *call, const struct network_prepared *which,
                                struct network_status *status);
enum status stacks_history(void *client, struct network_call *call, const char *after, size_t limit,
                           struct network_history *history);
enum status stacks_verify_proof(void *client, struct network_call *call, const char *proof,
                                struct network_verdict *verdict);
enum status stacks_generate_proof(void *client, struct network_call *call, const char *claim,
                                  const char **proof);
enum status stacks_validate_state(void *client, struct network_call *call, const char *claim,
                                  struct network_verdict *verdict);

/* --- our token (token.c) ------------------------------------------------------------------------ */
#define STACKS_TOKEN_NAME "token" /* the fungible token's name in our contracts */
#define STACKS_SYMBOL_MAX 32
/* Our SIP-010 contract, and its name. False: a symbol or title that Clarity does not take. */
MUST_CHECK bool stacks_token_contract(const char *symbol, const char *title, unsigned decimals,
                                      struct clarity_uint supply, const char *trait, struct buffer *code);
MUST_CHECK bool stacks_token_contract_name(const char *symbol, char name[STACKS_CONTRACT_NAME_MAX + 1]);
/* "ADDRESS.contract::token". */
MUST_CHECK bool stacks_asset_read(const char *text, struct stacks_principal *contract,
                                  char token[STACKS_NAME_MAX + 1]);

/* Text in the call's arena. */
const char *stacks_text(struct network_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
const char *stacks_details(struct network_call *call, const struct buffer *json);

#endif
