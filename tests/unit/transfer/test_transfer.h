/* What the tests of transfers share: a node with ledger, channels, payments and transfers, and people on it.
 * alice transfers, bob provides, carol receives; dave's key is nowhere but in the test. */
#ifndef TESTS_TEST_TRANSFER_H
#define TESTS_TEST_TRANSFER_H

#include "../payment/test_payment.h"
#include "layer2/transfer/rules.h"

#define TRANSFER_STATE "SELECT state FROM transfer WHERE id = x'$'"
#define EVENTS_OF(type) "SELECT count(*) FROM event WHERE type = '" type "' AND subject = 'transfer/$'"

extern const struct module *const transfer_test_modules[];

/* GOLD for alice, bob, carol and dave; the node keeps the keys of alice, bob and carol; bob is a provider
 * between base and base, base and channel, channel and base, for 1 + 1 % (10,000 ppm). */
void market_start(struct fixture *f);
void market_start_with(struct fixture *f, const struct module *const *modules);
/* The same for a test, as its state; and in the end all that must hold, and the replay of the ledger. */
int market_setup(void **state);
int market_teardown(void **state);
/* And channels alice–bob and bob–carol of 1,000,000 a side. */
void market_open_channels(struct fixture *f, struct way *ab, struct way *bc);

/* transfer.start by `who`; `more` is appended to the parameters (",'timeout':'1h'"). The id goes to `id`. */
void start(struct fixture *f, const char *who, const char *source, const char *destination,
           const char *recipient, uint64_t amount, const char *more, char id[65]);
/* The same, refused with this code. */
void start_refused(struct fixture *f, enum status code, const char *who, const char *source,
                   const char *destination, const char *recipient, uint64_t amount, const char *more);
void await_state(struct fixture *f, const char *id, enum transfer_state state);
uint64_t gold(struct fixture *f, const char *who);

int bundle_tests(void);
int bundle_evm_tests(void);
int bundle_lightning_tests(void);
int history_tests(void);
int limit_tests(void);
int outside_tests(void);
int stuck_tests(void);
int peer_tests(void);
int way_tests(void);
int rule_tests(void);

#endif
