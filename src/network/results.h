/* What networks hand back, as JSON. Their texts come from servers: each is cut to a bound, made valid and
 * printable, and `details` that are no JSON value, or too large, are left out. */
#ifndef NETWORK_RESULTS_H
#define NETWORK_RESULTS_H

#include <jansson.h>

#include "base/writer.h"
#include "network/network.h"

#define RESULT_TEXT_MAX 1024
#define RESULT_PAYABLE_MAX 8192 /* of an invoice or an address; half of one is none */
#define RESULT_DETAILS_MAX ((size_t)256 * 1024)
#define RESULT_PROOF_MAX ((size_t)4 * 1024 * 1024)
#define RESULT_ENTRIES_MAX 1000 /* of a history */
#define RESULT_BLOCKS_MAX 2000  /* of a sync */
#define RESULT_MAX (RESULT_PROOF_MAX + (size_t)1024 * 1024) /* bytes of all of it */

/* Whether it is one JSON value, no deeper than RESULT_DEPTH_MAX, so that it can stand inside of a reply. */
#define RESULT_DEPTH_MAX 20
MUST_CHECK bool result_json_fits(const char *text, size_t size);

/* One member; nothing for NULL. */
void result_text(struct writer *w, const char *name, const char *text);
void result_details(struct writer *w, const char *details);

/* Each writes the members of an open object. */
void result_prepared(struct writer *w, const struct network_prepared *prepared);
void result_greeting(struct writer *w, const struct network_greeting *greeting);
void result_state(struct writer *w, const struct network_state *state);
void result_status(struct writer *w, const struct network_status *status);
void result_history(struct writer *w, const struct network_history *history);
void result_fees(struct writer *w, const struct network_fees *fees);
void result_verdict(struct writer *w, const struct network_verdict *verdict);
void result_payable(struct writer *w, const struct network_payable *payable);

/* What result_prepared wrote: its texts are the JSON's, the rest is in the arena. */
struct network_prepared result_prepared_of(const json_t *result, struct arena *arena);
/* Of what result_details wrote; NULL: there are none. */
const char *result_details_of(const json_t *result, struct arena *arena);

#endif
