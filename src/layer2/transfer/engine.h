/* What drives transfers on: rows say what is, ledgers are looked at, the rules decide, effects act.
 *
 * Everything that has to be done follows from the rows and from what the ledgers show, so that a restart at
 * any point goes on from there. */
#ifndef LAYER2_TRANSFER_ENGINE_H
#define LAYER2_TRANSFER_ENGINE_H

#include "kernel/execution.h"
#include "layer2/transfer/leg.h"

#define TRANSFER_HASH "transfer.hash"   /* reaction; subject: hash of a secret whose lock changed */
#define TRANSFER_CLOCK "transfer.clock" /* sweep */
#define TRANSFER_ACT "transfer.act"     /* effect; key: transfer/action */
#define TRANSFER_LOOK "transfer.look"   /* effect; key: transfer/side */
#define SECRET_TAG "layerd/transfer-secret"

/* Takes the transfer on as far as it goes now. */
void engine_advance(struct execution *x, const struct hash *id);

/* The node's own secret of a transfer. */
void engine_secret(const struct kernel *kernel, const struct hash *id, struct hash *secret);

/* Whether a secret that is given to the node now would be shown: both locks are deep, and time is left. */
bool engine_may_reveal(struct execution *x, const struct transfer *transfer);

/* A row that was read: on as far as it goes now, and written. `ask_outside`: outside ledgers are to be looked
 * at. */
void engine_take_on(struct execution *x, struct transfer *transfer, bool ask_outside);

/* The same at once, whatever is waited for before the next try. */
void engine_retry(struct execution *x, struct transfer *transfer);

/* What the rules judge. */
struct situation engine_situation(struct execution *x, const struct transfer *transfer);

/* Takes over what a ledger shows; what is known of it before a look. */
void engine_take_view(struct transfer *transfer, struct leg *leg, const struct leg_view *view);
struct leg_view engine_view_of(const struct leg *leg);

/* For the module's table. */
void engine_hash_changed(struct execution *x, struct bytes subject);
int64_t engine_clock(struct execution *x);
extern const struct effect_kind engine_effects[3];
void *engine_memory_open(struct kernel *kernel, struct database *database);
void engine_memory_close(void *memory);

/* Inside an effect: what to do with the rows of the transfer that the request names, read anew. `ended_too`:
 * also when it is over. work->leg is for `part` to set. */
typedef enum status engine_part(struct effect_run *run, struct leg_work *work, struct transfer *transfer,
                                const char *what);
MUST_CHECK enum status engine_run_with_rows(struct effect_run *run, engine_part *part, bool ended_too);

/* The transfer takes the event, which its state allows: what follows from that, and the event in the log. The
 * caller writes the row. */
void engine_change(struct execution *x, struct transfer *transfer, enum transfer_event event);

#endif
