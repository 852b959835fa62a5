/* Why a payment failed: see failure.h. */
#include "layer2/payment/failure.h"

const char *failure_name(enum failure failure)
{
    static const char *const names[FAILURE_COUNT] = {
        "none", "incorrect_or_unknown_payment_details", "invoice_ended", "mpp_timeout",
        "temporary_channel_failure", "channel_disabled", "fee_insufficient", "expiry_too_soon", "expired",
        "no_route", "timeout", "canceled", "expiry_too_far",
        "balance_limit",
    };

    return names[failure];
}

bool failure_may_retry(enum failure failure)
{
    return failure == FAILURE_CHANNEL || failure == FAILURE_CHANNEL_DISABLED ||
           failure == FAILURE_FEE_INSUFFICIENT || failure == FAILURE_EXPIRY_TOO_SOON ||
           failure == FAILURE_EXPIRED || failure == FAILURE_BALANCE_LIMIT;
}
