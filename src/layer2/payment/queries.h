/* What people may ask about payments and invoices. */
#ifndef LAYER2_PAYMENT_QUERIES_H
#define LAYER2_PAYMENT_QUERIES_H

#include "kernel/module.h"

#define PAYMENT_QUERIES 4
#define INVOICE_QUERIES 2
extern const struct query_method payment_queries[PAYMENT_QUERIES];
extern const struct query_method invoice_queries[INVOICE_QUERIES];

#endif
