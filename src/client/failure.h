/* From the errors of the house (enum status, struct error) and of the wire to what the public header
 * promises. */
#ifndef CLIENT_FAILURE_H
#define CLIENT_FAILURE_H

#include "base/status.h"
#include "client/scan.h"
#include "layerd/layerd.h"

/* Ends a public function: fills *failure (may be NULL) unless status is OK, and returns the status as a
 * public code. */
enum layerd_error failure_report(struct layerd_failure *failure, enum status status,
                                 const struct error *error);

/* Reads a JSON-RPC error object. False when it is none: *failure is untouched. */
MUST_CHECK bool failure_read(struct slice object, struct layerd_failure *failure);

#endif
