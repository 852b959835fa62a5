/* A withdrawal as bytes: what outbox_leaf hashes and the outbox tree holds. Integers big-endian: number (8:
 * its index in the tree), asset (1: its number in the domain), amount (8), account of the base ledger (32).
 */
#ifndef MESSAGE_WITHDRAWAL_H
#define MESSAGE_WITHDRAWAL_H

#include "base/bytes.h"

#define WITHDRAWAL_SIZE 49

struct withdrawal {
    uint64_t number;
    unsigned asset; /* ≤ 255 */
    uint64_t amount;
    struct account_id recipient;
};

void withdrawal_encode(const struct withdrawal *withdrawal, uint8_t out[WITHDRAWAL_SIZE]);
/* False for all bytes that withdrawal_encode would not write of a withdrawal of 1 to 2^53 − 1. */
MUST_CHECK bool withdrawal_decode(struct bytes bytes, struct withdrawal *withdrawal);

#endif
