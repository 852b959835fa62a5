/* Many BIP-340 signatures at once, shared between the calling thread and the workers of a pool. */
#ifndef PROOF_SIGNATURE_BATCH_H
#define PROOF_SIGNATURE_BATCH_H

#include "base/workers.h"
#include "crypto/schnorr.h"

struct signature_check {
    struct account_id account;
    struct signature signature;
    struct bytes message;
    bool holds; /* out */
};

/* Verifies all, writes each one's verdict, and answers whether all hold (of none: yes). The caller's
 * thread takes part, so this ends also when the pool is busy or full, and may be called from one of its
 * workers. `workers` may be NULL. */
MUST_CHECK bool signatures_verify(struct workers *workers, struct signature_check *checks, size_t count);

#endif
