/* What a rollup executes, pure: items. Transactions are signed off the base ledger and come in a batch's data
 * one after the other; inbox items are rows of the base ledger. The same bytes are sent, published, hashed
 * and executed.
 *
 * Transactions, integers as LEB128 in their shortest form (at most 2^53 − 1; indices at most 2^32 − 1):
 *     kind (1), from, nonce, asset (1), fee, then
 *       1 transfer        to, amount
 *       2 batch transfer  number of outputs (1: 2 … 8), each: to, amount
 *       3 withdrawal      account of the base ledger (32), amount
 *       4 registration    x-only key (32): it has an account from then on
 *     signature (64): BIP-340, by the key of `from`, over the tagged hash `layerd/rollup/transaction` of the
 *     rollup's id (32) and all bytes before the signature
 * Amounts are at least 1, a fee may be 0; fee and amounts together are at most 2^53 − 1. The fee is in the
 * same asset, and goes to account 0. The key of a registration and the account that a withdrawal goes to
 * are not zero.
 *
 * Inbox items, integers big-endian:
 *     16 deposit       number (8), asset (1), amount (8), x-only key (32): the key gets an account if need be
 *     17 forced exit   number (8), asset (1), amount (8; 0: all), x-only key (32) whose account it is,
 *                      account of the base ledger (32). Who asked for it was verified on the base ledger
 *     18 forced        number (8), then the bytes of a transaction; without any when the item ended, as all
 *                      do that wait when a rollup is frozen
 *     19 exited        number (8), asset (1), amount (8), index of an account (4): it took that out on the
 *                      base ledger while the rollup was frozen, and has it no more
 * An inbox item that cannot be executed does nothing and is taken in all the same (it is null); a transaction
 * that cannot be executed makes the batch invalid. Deposits and exited items are never null. */
#ifndef LAYER2_ROLLUP_ITEM_H
#define LAYER2_ROLLUP_ITEM_H

#include "crypto/schnorr.h"
#include "layer2/rollup/leaf.h"
#include "message/withdrawal.h"

#define ITEM_SIZE_MAX 256
#define OUTPUTS_MAX 8

enum item_kind {
    ITEM_TRANSFER = 1,
    ITEM_BATCH_TRANSFER = 2,
    ITEM_WITHDRAWAL = 3,
    ITEM_REGISTRATION = 4,
    ITEM_DEPOSIT = 16,
    ITEM_FORCED_EXIT = 17,
    ITEM_FORCED = 18, /* decoded: kind is the transaction's own and `inbox` is set, unless it is malformed */
    ITEM_EXITED = 19,
};

struct output {
    uint32_t to;
    uint64_t amount;
};

struct item {
    enum item_kind kind;
    bool inbox;                 /* came from the inbox, with this number */
    uint64_t number;
    bool malformed;             /* only of ITEM_FORCED: its bytes are no transaction; it will be null */
    uint32_t from;              /* whose account: transactions, exited */
    uint64_t nonce;             /* transactions, from here on */
    unsigned asset;             /* < assets of the rollup; all kinds */
    uint64_t fee;
    unsigned output_count;      /* transfers */
    struct output outputs[OUTPUTS_MAX];
    uint64_t amount;            /* withdrawal, deposit, forced exit, exited */
    struct account_id key;      /* registration, deposit, forced exit */
    struct account_id recipient; /* on the base ledger: withdrawal, forced exit */
    struct hash digest;         /* what the signature signs; where it was asked for */
    struct signature signature;
};

/* Decodes the transaction at the beginning of `bytes`; *size tells how long it is. ERROR_MALFORMED_ITEM, also
 * for integers not in their shortest form, amounts out of range, sums beyond 2^53 − 1, an asset that the
 * rollup does not have, or accounts given twice among outputs of a batch transfer. `rollup` may be NULL: the
 * digest, half of the work, is then not computed. All that the kind does not have is zero. */
MUST_CHECK enum status rollup_transaction_decode(struct bytes bytes, const struct hash *rollup,
                                                 unsigned assets,
                                          struct item *item, size_t *size, struct error *error);
/* With its signature; what rollup_transaction_decode takes. */
void rollup_transaction_encode(const struct item *item, struct buffer *out);
/* All before the signature; returns how many bytes. And read back: they are all of `bytes`. */
#define TRANSACTION_BODY_MAX 128
size_t transaction_body(const struct item *item, uint8_t out[TRANSACTION_BODY_MAX]);
MUST_CHECK bool transaction_body_decode(struct bytes bytes, unsigned assets, struct item *item);
/* Fills item->digest from the other fields. */
void transaction_digest(struct item *item, const struct hash *rollup);

/* Amounts and fee: what leaves the sender's account. For transactions as decoded. */
uint64_t transaction_total(const struct item *item);

/* All of `bytes` is one inbox item. ERROR_MALFORMED_ITEM, also when an amount or the number is beyond
 * 2^53 − 1, or the amount is 0 and not of a forced exit; bytes of a forced transaction that are none are
 * no error but `malformed`. `rollup` may be NULL as above. */
MUST_CHECK enum status inbox_item_decode(struct bytes bytes, const struct hash *rollup, unsigned assets,
                                         struct item *item, struct error *error);
/* deposit, forced exit and exited from their fields. */
void inbox_item_encode(const struct item *item, struct buffer *out);
/* A forced transaction: `transaction` is what its sender gave, at most ITEM_SIZE_MAX − 9 bytes. */
void inbox_forced_encode(uint64_t number, struct bytes transaction, struct buffer *out);

#endif
