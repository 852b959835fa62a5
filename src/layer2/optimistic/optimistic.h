/* Dispute games about rollups' batches on the base ledger, fraud that is proved at once, and the watcher that
 * plays for this node, with what it may put at stake. */
#ifndef LAYER2_OPTIMISTIC_OPTIMISTIC_H
#define LAYER2_OPTIMISTIC_OPTIMISTIC_H

extern const struct module game_module, fraud_module, watch_module;

#endif
