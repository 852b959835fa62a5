/* What the tests of the EVM client share: cmocka's includes, a signer with a known key, a call. */
#ifndef TESTS_NETWORK_EVM_KIT_H
#define TESTS_NETWORK_EVM_KIT_H

/* before cmocka, which makes words of its own of some names here */
#include "base/clock.h"
#include "network/evm/evm_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The first two accounts of the mnemonic "test test … junk", which anvil and hardhat print at their start. */
#define KEY_ALICE "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
#define KEY_BOB "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"

struct test_signer { struct network_signer signer; struct secret_key *key; };
void test_signer_start(struct test_signer *signer, const char *key);
void test_signer_stop(struct test_signer *signer);

/* A fresh operation: its arena is closed by call_end. */
void call_begin(struct network_call *call, struct arena *arena, double seconds);
void call_end(struct network_call *call);

/* The options of a link as the module parses them: all defaults but the URL. */
struct evm_options default_options(const struct network *network, const char *url);

#endif
