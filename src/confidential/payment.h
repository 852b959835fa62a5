/* What a wallet sends. On a worker (the check) notes are chosen, rings drawn, proofs made and the transaction
 * signed by a throw-away key; in one commit (the handler) notes are reserved and the transaction is handed to
 * an effect; the effect brings it in, once, however often it tries. */
#ifndef CONFIDENTIAL_PAYMENT_H
#define CONFIDENTIAL_PAYMENT_H

#include "confidential/wallet_rows.h"

#define RING_USUAL 16
#define CONFIDENTIAL_SUBMIT "confidential.submit" /* the effect */

/* Of confidential.send and confidential.withdraw; the first has `to`, the second `account`. */
struct payment_params {
    struct account_id signer, account;
    struct asset_id asset;
    uint64_t amount, ring;
    const char *to;
    /* filled by the check */
    struct scan scan;
    uint64_t chosen[SPEND_INPUTS_MAX];
    size_t chosen_count;
    struct hash transaction;
    const char *request, *recipient, *kind;
};
#define SEND_PARAMS 5
#define WITHDRAW_PARAMS 5
extern const struct param confidential_send_params[SEND_PARAMS],
    confidential_withdraw_params[WITHDRAW_PARAMS];

/* Errors: as wallet_open and wallet_scan; INSUFFICIENT_BALANCE, with at most SPEND_INPUTS_MAX notes;
 * RING_TOO_LARGE; WRONG_CONFIDENTIAL_ADDRESS. */
enum status check_confidential_send(const struct check *check, void *params, struct arena *arena,
                                    struct error *error);
enum status check_confidential_withdraw(const struct check *check, void *params, struct arena *arena,
                                        struct error *error);
/* ERROR_NOTES_CHANGED. */
enum status confidential_pay(struct execution *x, const void *params, struct writer *result);

enum status payment_submit_run(struct effect_run *run);
void payment_submit_ended(struct execution *x, uint64_t id, const char *key, const char *request,
                          enum status outcome, const char *result);
bool payment_submit_retry(enum status outcome);

#endif
