/* Why a hash-lock, a part or a payment failed. Named as BOLT 4 names them where it has a name. */
#ifndef LAYER2_PAYMENT_FAILURE_H
#define LAYER2_PAYMENT_FAILURE_H

#include <stdbool.h>

enum failure {
    FAILURE_NONE,
    FAILURE_UNKNOWN_DETAILS,   /* no such invoice, or not this account, asset or amount */
    FAILURE_INVOICE_ENDED,     /* the invoice expired, was canceled or is paid */
    FAILURE_MPP_TIMEOUT,       /* the other parts did not come in time */
    FAILURE_CHANNEL,           /* the channel could not carry it just then */
    FAILURE_CHANNEL_DISABLED,  /* it is not running, or takes no payments */
    FAILURE_FEE_INSUFFICIENT,  /* the fee policy changed in between */
    FAILURE_EXPIRY_TOO_SOON,   /* too little time was left */
    FAILURE_EXPIRED,           /* nobody claimed it in time */
    FAILURE_NO_ROUTE,          /* nothing, or nothing within the fee limit, leads to the payee */
    FAILURE_TIMEOUT,           /* no route was found in time that carried it */
    FAILURE_CANCELED,          /* the payee did not want it */
    FAILURE_EXPIRY_TOO_FAR,    /* it would have been locked for longer than anybody should wait */
    FAILURE_BALANCE_LIMIT,     /* who would receive it has as much in that channel as he wants */
};
#define FAILURE_COUNT 14

const char *failure_name(enum failure failure);

/* Another route may still do. */
bool failure_may_retry(enum failure failure);

#endif
