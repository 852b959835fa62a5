/* The proof of a settled transfer, put together from the log: see bundle.h for what it is. */
#ifndef LAYER2_TRANSFER_PROOF_H
#define LAYER2_TRANSFER_PROOF_H

#include "kernel/query.h"

struct proof_params {
    struct hash transfer;
};
extern const struct param transfer_proof_params[1];
query_handler transfer_proof;

struct verify_params {
    const char *proof, *verifier;
    struct param_list blocks; /* struct hash */
};
extern const struct param transfer_verify_params[3];
query_handler transfer_verify_proof;

#endif
