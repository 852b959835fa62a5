/* A withdrawal as bytes: see withdrawal.h. */
#include "message/withdrawal.h"

#include <string.h>

#include "crypto/outbox_tree.h"

void withdrawal_encode(const struct withdrawal *withdrawal, uint8_t out[WITHDRAWAL_SIZE])
{
    put_be64(out, withdrawal->number);
    out[8] = (uint8_t)withdrawal->asset;
    put_be64(out + 9, withdrawal->amount);
    memcpy(out + 17, withdrawal->recipient.bytes, sizeof(withdrawal->recipient.bytes));
}

bool withdrawal_decode(struct bytes bytes, struct withdrawal *withdrawal)
{
    struct withdrawal decoded;

    if (bytes.size != WITHDRAWAL_SIZE)
        return false;
    decoded.number = get_be64(bytes.data);
    decoded.asset = bytes.data[8];
    decoded.amount = get_be64(bytes.data + 9);
    memcpy(decoded.recipient.bytes, bytes.data + 17, sizeof(decoded.recipient.bytes));
    if (decoded.number >= OUTBOX_COUNT_MAX || decoded.amount == 0 || decoded.amount > INTEGER_MAX)
        return false;
    *withdrawal = decoded;
    return true;
}
