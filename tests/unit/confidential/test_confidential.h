/* What the tests of confidential pools share: a node with the ledger and the pools, and its users' wallets.
 * */
#ifndef TESTS_TEST_CONFIDENTIAL_H
#define TESTS_TEST_CONFIDENTIAL_H

#include "confidential/confidential.h"
#include "kernel_fixture.h"
#include "ledger/ledger.h"
#include "purse.h"

#define GOLD_SUPPLY 1000000

int pool_tests(void);
int pool_invariants_tests(void);
int pool_histories_tests(void);
int wallet_tests(void);

enum { ALICE, BOB, WALLETS };

/* `alice` issued GOLD; the wallets are of users that no account is connected with. */
struct scene {
    struct fixture f;
    struct wallet wallets[WALLETS];
    struct purse purse; /* of GOLD's pool */
    struct asset_id gold;
};
void scene_start(struct scene *s);
int scene_setup(void **state);
int scene_teardown(void **state); /* audits and replays */
int scene_teardown_tampered(void **state);
#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

/* alice puts so much GOLD into the pool for a wallet. Returns the note's number. */
size_t shield(struct scene *s, size_t wallet, uint64_t amount);
/* An order in GOLD; `who` is paid `amount` of it in public (NULL: a transfer). */
struct order *order_gold(struct scene *s, const char *who, uint64_t amount);
void order_spend(struct order *order, size_t note);
/* Proves it, or fails the test. */
void prove(struct scene *s, struct order *order);
/* What the command takes; owned by the caller. */
json_t *order_params(const struct order *order, const char *asset);
const char *order_method(const struct order *order);
/* Submits as somebody without an account, and takes the new notes in. */
enum status submit(struct scene *s, struct order *order);
/* Submits these parameters; fails the test unless they are refused so, or taken when OK. */
void assert_refused(struct scene *s, enum status expected, const struct order *order, json_t *params);
uint64_t gold_of(struct scene *s, const char *who);
int64_t held(struct scene *s);

#endif
