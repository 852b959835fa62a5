/* What the makers of proofs share. For the files of this room. */
#ifndef NETWORK_EVM_PROVE_H
#define NETWORK_EVM_PROVE_H

#include "network/evm/evm_proof.h"
#include "network/evm/server.h"

enum status prove_malformed(struct network_call *call, const char *what); /* ERROR_INVALID_PARAMS */
/* The block that a claim names, by number or hash, or the newest with the link's confirmations. */
MUST_CHECK enum status prove_block(struct evm_client *client, struct network_call *call, const json_t *claim,
                                   struct server_block *block);
/* A claim may ask for as short a proof as can be: {"brief": true}. */
bool prove_briefly(const json_t *claim);
/* Begins a proof: type, chain, header, and, unless it is to be brief, the headers up to the checkpoint where
 * that is near. */
MUST_CHECK enum status prove_head(struct evm_client *client, struct network_call *call, const char *type,
                                  const struct server_block *block, bool brief, struct writer *w);
void prove_nodes(const char *key, const struct bytes *nodes, size_t count, struct writer *w);
/* No proof leaves that would not be taken: what the server gave is checked as anybody's. */
MUST_CHECK enum status prove_hand_out(struct evm_client *client, struct network_call *call,
                                      const struct buffer *out, const char **text, struct evm_proof *proof);

MUST_CHECK enum status prove_account(struct evm_client *client, struct network_call *call,
                                     const json_t *claim, const char **text, struct evm_proof *proof);
MUST_CHECK enum status prove_receipt(struct evm_client *client, struct network_call *call,
                                     const json_t *claim, const char **text, struct evm_proof *proof);

#endif
