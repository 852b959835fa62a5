/* An EVM server on loopback for a leg's looks: a chain of blocks whose hashes are right, our hash lock at
 * every address, and what a test says of the account's number; nothing is locked. */
#ifndef TESTS_TRANSFER_EVM_SERVER_H
#define TESTS_TRANSFER_EVM_SERVER_H

#include "network/evm/evm_swap_terms.h"

struct evm_server_chain {
    uint64_t newest;             /* the block's number */
    uint64_t used_in, number;    /* from block `used_in` on the account's next number is one more */
    bool tells_no_transactions;  /* nor numbers: each such question is an error */
};

unsigned evm_server_start(void); /* its port */
void evm_server_set(const struct evm_server_chain *chain);
void evm_server_stop(void);

#endif
