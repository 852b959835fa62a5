/* Fees of transactions that wait are raised: the same transaction with the same nonce is signed again, at
 * more. A pool has one of the two at most, and a chain too. evm_client.h. */
#include "network/evm/evm_write.h"

/* How much it matters, by what is left until it has to be in a block, in parts of the link's bump_after. */
enum urgency {
    CALM,     /* raised when it waits at less than the network asks */
    PRESSING, /* looked at twice as often, by the prices of the fastest */
    CRITICAL, /* four times as often; and raised whatever the network asks, when it is the account's next */
};
#define PRESSING_WAITS 20
#define CRITICAL_WAITS 5

static enum urgency urgency_of(const struct evm_client *client, const struct network_raise *what)
{
    if (!what->is_hurried || what->left_us <= 0)
        return CALM;
    if (what->left_us <= CRITICAL_WAITS * client->bump_after)
        return CRITICAL;
    return what->left_us <= PRESSING_WAITS * client->bump_after ? PRESSING : CALM;
}

static int64_t patience_of(const struct evm_client *client, enum urgency urgency)
{
    switch (urgency) {
    case CALM: return client->bump_after;
    case PRESSING: return client->bump_after / 2;
    case CRITICAL: return client->bump_after / 4;
    }
    return client->bump_after;
}

/* False: it is not ours to sign again. */
static bool read_ours(const struct evm_client *client, struct network_call *call,
                      const struct network_raise *what, struct evm_transaction *transaction)
{
    struct evm_address sender;
    struct error unreadable = {0};
    return client->signer != NULL && !evm_is_signed(what->write) &&
           evm_transaction_decode(what->newest->raw, call->arena, transaction, &sender, &unreadable) == OK &&
           evm_address_equal(&sender, &client->account) && transaction->chain_id == client->chain_id;
}

enum status evm_raise(void *client, struct network_call *call, const struct network_raise *what,
                      struct network_raised *raised)
{
    struct evm_client *c = client;
    enum urgency urgency = urgency_of(c, what);
    enum fee_speed speed = urgency == CALM ? FEE_NORMAL : FEE_FAST;
    struct evm_transaction transaction;
    struct fee_prices prices;
    struct fee_limits limits;
    struct u256 most;
    uint64_t next;
    *raised = (struct network_raised){.made = false};
    if (c->bump_after == 0 || what->waited_us < patience_of(c, urgency) ||
        !read_ours(c, call, what, &transaction))
        return OK;
    TRY(server_nonce(c, call, &c->account, json_string("latest"), &next));
    if (next > transaction.nonce) /* it, or another with its number, is in a block */
        return OK;
    TRY(fees_read(c, call, &prices));
    bool forced = what->too_cheap || (urgency == CRITICAL && next == transaction.nonce);
    if (!forced && fees_suffice(&prices, speed, &transaction))
        return OK;
    TRY(evm_fee_limits(c, call, what->write, &transaction, &limits));
    TRY(fees_raise(&prices, speed, c->chain->bump, &limits, &transaction, &most, &call->error));
    TRY(evm_sign(c, call, what->write, &transaction, &most, &raised->prepared));
    char fee[U256_DECIMAL_MAX];
    u256_decimal(fee, &transaction.gas_price);
    raised->fee = arena_text(call->arena, fee, strlen(fee));
    raised->unit = "wei per gas";
    raised->made = true;
    return OK;
}
