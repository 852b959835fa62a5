/* Invoices from outside: whatever the text, it is refused or decoded within its bounds. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "crypto/bolt11.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena CLEANUP(arena_close);
    struct bolt11 invoice;
    struct error error;

    arena_init(&arena);
    crypto_start();
    if (bolt11_decode((const char *)data, size, &arena, &invoice, &error) == OK &&
        (invoice.feature_count > 64 || invoice.route_count > BOLT11_ROUTES_MAX ||
         invoice.fallback_count > BOLT11_FALLBACKS_MAX || invoice.amount_msat > INTEGER_MAX))
        abort();
    return 0;
}
