/* A link to Stacks over a scripted endpoint, and blocks for it: what the programs that test the client
 * share. */
#ifndef TEST_NETWORK_STACKS_SUPPORT_H
#define TEST_NETWORK_STACKS_SUPPORT_H

#include "scripted_endpoint.h"

#include "base/memory.h"
#include "crypto/hash.h"
#include "network/stacks/client.h"
#include "network/stacks/stacks.h"

#define ACCOUNT "STAW66WC3G8WA5F28JVNG1NTRJ6H76E7EMHDBMBN"
#define OTHER "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM"
#define TIP "b1807a2d3f7f8c7922f7c1d60d7c34145ade05d789640dc7dc9ec1021e07bb54"
#define INFO_AT(height)                                                                                      \
    "{\"network_id\":2147483648,\"server_version\":\"stacks-node 3.1.0\",\"stacks_tip_height\":" height      \
    ",\"stacks_tip\":\"" TIP "\",\"burn_block_height\":100,\"is_fully_synced\":true}"
#define ACCOUNT_AT(nonce)                                                                                    \
    "{\"balance\":\"0x0000000000000000000000000000007b\",\"locked\":\"0x00000000000000000000000000000000\"," \
    "\"unlock_height\":0,\"nonce\":" nonce "}"
#define FEES "{\"estimations\":[{\"fee\":100},{\"fee\":2000},{\"fee\":9000}]}"


struct stacks_test_signer {
    struct network_signer signer;
    struct secret_key *key;
};

struct stacks_test_link {
    void *client;
    struct network_call call;
    struct arena arena;
    struct stacks_options options;
    struct stacks_test_signer signer;
};
extern struct stacks_test_link here;

int stacks_setup(void **state);     /* to a node */
int stacks_setup_api(void **state); /* to an API */
int stacks_teardown(void **state);

/* The write, made; its fee is the middle one of FEES. */
void stacks_prepare_write(const struct network_write *write, struct network_prepared *prepared);
/* A transfer of nonce 3. */
void stacks_prepare_one(struct network_prepared *prepared);
/* A block of one transaction. */
void stacks_make_block(struct buffer *out, struct bytes transaction, uint64_t height, uint8_t salt,
                       struct hash *id);
/* A node's answers about a transaction in this block, when `canonical` stands at height 5. */
void stacks_script_mined(const struct buffer *block, const struct hash *id, const struct buffer *canonical,
                         const char *result);
void stacks_assert_status(const struct network_prepared *prepared, enum transaction_state state);

#endif
