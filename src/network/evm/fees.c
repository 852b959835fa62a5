/* What a transaction costs: fees.h. */
#include "network/evm/fees.h"

#include "network/evm/abi.h"

#define HISTORY_BLOCKS 10
/* op-geth suggests at least this: gasprice.DefaultMinSuggestedPriorityFee, 0.001 gwei. */
#define TIP_LEAST 1000000

/* Sums here stay far below 2^256 unless the server lies: then the largest number stands for the sum, and no
 * limit takes it. */
static struct u256 plus(const struct u256 *a, const struct u256 *b)
{
    struct u256 sum;
    if (!u256_add(&sum, a, b))
        memset(sum.bytes, 0xff, sizeof sum.bytes);
    return sum;
}

static struct u256 times(const struct u256 *a, uint64_t factor)
{
    struct u256 product;
    if (!u256_multiply_small(&product, a, factor))
        memset(product.bytes, 0xff, sizeof product.bytes);
    return product;
}

static const struct u256 *larger(const struct u256 *a, const struct u256 *b)
{
    return u256_compare(a, b) > 0 ? a : b;
}

/* --- EIP-1559 ---------------------------------------------------------------------------------------- */
static int by_size(const void *a, const void *b)
{
    return u256_compare(a, b);
}

/* The middle of what blocks paid at one percentile: a single odd block moves nothing. */
static bool median_tip(const json_t *rewards, size_t speed, struct u256 *tip)
{
    struct u256 tips[HISTORY_BLOCKS];
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(rewards) && count < HISTORY_BLOCKS; i++)
        if (reply_u256(json_array_get(json_array_get(rewards, i), speed), &tips[count]))
            count++;
    if (count == 0)
        return false;
    qsort(tips, count, sizeof tips[0], by_size);
    *tip = tips[count / 2];
    return true;
}

static enum status read_dynamic(struct evm_client *client, struct network_call *call,
                                struct fee_prices *prices)
{
    AUTO_JSON json_t *history = NULL;
    json_t *params = json_pack("[os[iii]]", json_quantity(HISTORY_BLOCKS), "latest", 10, 50, 90);
    TRY(server_ask(client, call, "eth_feeHistory", params, &history));
    const json_t *bases = json_object_get(history, "baseFeePerGas");
    /* the last is that of the block to come */
    if (!json_is_array(bases) || json_array_size(bases) == 0 ||
        !reply_u256(json_array_get(bases, json_array_size(bases) - 1), &prices->base))
        return server_lied(client, call, "eth_feeHistory tells no base fee");
    struct u256 least = u256_of(TIP_LEAST);
    for (size_t speed = 0; speed < FEE_SPEEDS; speed++) {
        struct u256 tip = least;
        if (!median_tip(json_object_get(history, "reward"), speed, &tip)) /* no blocks with transactions */
            tip = least;
        prices->tip[speed] = *larger(&tip, &least);
        if (speed > 0)
            prices->tip[speed] = *larger(&prices->tip[speed], &prices->tip[speed - 1]);
        struct u256 twice = times(&prices->base, 2);
        prices->price[speed] = plus(&twice, &prices->tip[speed]);
    }
    return OK;
}

/* --- one price --------------------------------------------------------------------------------------- */
static enum status read_legacy(struct evm_client *client, struct network_call *call,
                               struct fee_prices *prices)
{
    struct server_block latest;
    struct u256 price;
    TRY(server_quantity(client, call, "eth_gasPrice", NULL, &price));
    TRY(server_block(client, call, "latest", &latest));
    if (!latest.known)
        return server_lied(client, call, "it has no newest block");
    prices->base = latest.has_minimum_gas_price ? latest.minimum_gas_price
                   : latest.has_base_fee        ? latest.base_fee
                                                : u256_of(0);
    price = *larger(&price, &prices->base);
    prices->price[FEE_SLOW] = price;
    /* The least may rise by 1 % a block (RSKIP09); a tenth more holds for ten. */
    struct u256 tenth, quarter;
    if (!u256_divide_small(&tenth, &price, 10, NULL) || !u256_divide_small(&quarter, &price, 4, NULL))
        tenth = quarter = u256_of(0); /* not reached: the divisors are not zero */
    prices->price[FEE_NORMAL] = plus(&price, &tenth);
    prices->price[FEE_FAST] = plus(&price, &quarter);
    return OK;
}

enum status fees_read(struct evm_client *client, struct network_call *call, struct fee_prices *prices)
{
    struct fee_prices read = {.dynamic = client->chain->family == EVM_OPTIMISM};
    TRY(read.dynamic ? read_dynamic(client, call, &read) : read_legacy(client, call, &read));
    *prices = read;
    return OK;
}

/* --- layer 1 ----------------------------------------------------------------------------------------- */
/* ethereum-optimism specs, protocol/predeploys.md: GasPriceOracle. */
static const struct evm_address gas_price_oracle = {
    {0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f}};

enum status fees_layer1(struct evm_client *client, struct network_call *call, struct bytes raw, bool *known,
                        struct u256 *fee)
{
    *known = false;
    *fee = u256_of(0);
    if (client->chain->family != EVM_OPTIMISM)
        return OK;
    struct buffer data CLEANUP(buffer_close);
    buffer_init(&data);
    struct abi_value value = abi_bytes(ABI_BYTES, raw.data, raw.size);
    abi_encode_call("getL1Fee(bytes)", &value, 1, &data);
    struct server_message message = {.to = &gas_price_oracle, .data = buffer_bytes(&data)};
    struct server_outcome outcome;
    TRY(server_call(client, call, &message, "latest", &outcome));
    struct abi_value answer = {.type = ABI_UINT256};
    if (!outcome.reverted && abi_decode(outcome.answer, &answer, 1)) {
        *known = true;
        *fee = answer.number;
    }
    return OK;
}

/* --- the limits -------------------------------------------------------------------------------------- */
static const struct u256 *smaller(const struct u256 *a, const struct u256 *b)
{
    return u256_compare(a, b) < 0 ? a : b;
}

/* What a unit of gas may cost by the limit of the whole; 0: layer 1 alone takes more. */
static struct u256 affordable_of(const struct fee_limits *limits, const struct evm_transaction *transaction)
{
    struct u256 rest, affordable = u256_of(0);
    if (!u256_subtract(&rest, &limits->total, &limits->layer1) ||
        !u256_divide_small(&affordable, &rest, transaction->gas_limit, NULL))
        return u256_of(0);
    return affordable;
}

static struct u256 cost_of(const struct u256 *price, const struct fee_limits *limits,
                           const struct evm_transaction *transaction)
{
    struct u256 gas = times(price, transaction->gas_limit);
    return plus(&gas, &limits->layer1);
}

/* OK when a unit of gas may cost `least`. */
static enum status check_limits(const struct u256 *least, const struct fee_limits *limits,
                                const struct evm_transaction *transaction, struct error *error)
{
    char wanted[U256_DECIMAL_MAX], limit[U256_DECIMAL_MAX];
    struct u256 affordable = affordable_of(limits, transaction), cost = cost_of(least, limits, transaction);
    if (u256_compare(least, &limits->price) > 0)
        return error_set(error, ERROR_NETWORK_FEE_LIMIT,
                         "a unit of gas would cost at least %s wei now, max_fee_per_gas is %s",
                         u256_decimal(wanted, least), u256_decimal(limit, &limits->price));
    if (u256_compare(least, &affordable) > 0)
        return error_set(error, ERROR_NETWORK_FEE_LIMIT, "it would cost at least %s wei now, the limit is %s",
                         u256_decimal(wanted, &cost), u256_decimal(limit, &limits->total));
    return OK;
}

/* What the next block takes at that speed. */
static struct u256 asked_by(const struct fee_prices *prices, enum fee_speed speed)
{
    return prices->dynamic ? plus(&prices->base, &prices->tip[speed]) : prices->price[speed];
}

/* No more than is wanted, nor than the limits allow. */
static void set_prices(const struct u256 *price, const struct u256 *tip, const struct fee_limits *limits,
                       struct evm_transaction *transaction, struct u256 *most)
{
    struct u256 affordable = affordable_of(limits, transaction);
    transaction->gas_price = *smaller(price, smaller(&affordable, &limits->price));
    transaction->priority_fee = *tip;
    *most = cost_of(&transaction->gas_price, limits, transaction);
}

enum status fees_put(const struct fee_prices *prices, const struct fee_limits *limits,
                     struct evm_transaction *transaction, struct u256 *most, struct error *error)
{
    struct u256 least = asked_by(prices, prices->dynamic ? FEE_NORMAL : FEE_SLOW);
    TRY(check_limits(&least, limits, transaction, error));
    set_prices(&prices->price[FEE_NORMAL], &prices->tip[FEE_NORMAL], limits, transaction, most);
    return OK;
}

/* --- raising ----------------------------------------------------------------------------------------- */
bool fees_suffice(const struct fee_prices *prices, enum fee_speed speed,
                  const struct evm_transaction *transaction)
{
    struct u256 asked = asked_by(prices, prices->dynamic || speed != FEE_NORMAL ? speed : FEE_SLOW);
    return u256_compare(&transaction->gas_price, &asked) >= 0 &&
           (!prices->dynamic || u256_compare(&transaction->priority_fee, &prices->tip[speed]) >= 0);
}

/* Rounded up, and always more: servers compare with what they round down. */
static struct u256 bumped(const struct u256 *price, uint64_t bump)
{
    struct u256 raised = times(price, 1000 + bump), one = u256_of(1);
    if (!u256_divide_small(&raised, &raised, 1000, NULL))
        return *price; /* not reached: the divisor is not zero */
    return plus(&raised, &one);
}

enum status fees_raise(const struct fee_prices *prices, enum fee_speed speed, uint64_t bump,
                       const struct fee_limits *limits, struct evm_transaction *transaction,
                       struct u256 *most, struct error *error)
{
    struct u256 tip = bumped(&transaction->priority_fee, bump);
    struct u256 least = bumped(&transaction->gas_price, bump);
    tip = prices->dynamic ? *larger(&tip, &prices->tip[speed]) : u256_of(0);
    struct u256 twice = times(&prices->base, 2);
    struct u256 wanted = prices->dynamic ? plus(&twice, &tip) : prices->price[speed];
    /* Less than a block takes, or than servers take in the other's place, is of no use. */
    struct u256 useful = prices->dynamic ? plus(&prices->base, &tip) : prices->price[FEE_SLOW];
    least = *larger(&least, &useful);
    TRY(check_limits(&least, limits, transaction, error));
    set_prices(larger(&wanted, &least), &tip, limits, transaction, most);
    return OK;
}
