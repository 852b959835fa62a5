/* A pool as its users see it: all notes, and those of them whose secrets the tests know; and spends made of
 * them. */
#ifndef TESTS_PURSE_H
#define TESTS_PURSE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "confidential/sealed.h"

#include <cmocka.h>

#define PURSE_MAX 512
#define PURSE_CHAIN "dev-0123456789abcdef"

/* Whoever has a name here has a wallet that follows from the name. */
struct wallet {
    struct wallet_keys keys;
    struct confidential_address address;
};
void wallet_of(const char *name, const char *chain, struct wallet *wallet);

struct owned {
    struct ring_member member;
    bool ours, spent;
    size_t owner; /* which of the wallets */
    uint8_t secret[SCALAR_SIZE];
    uint64_t amount;
    struct scalar blinding;
};

struct purse {
    struct owned notes[PURSE_MAX]; /* by number */
    size_t count;
    uint64_t random;
};
uint64_t purse_random(struct purse *purse, uint64_t bound);
/* The pool's next note, sealed for somebody. True: it is one of the wallets', and spendable from now on. */
bool purse_receive(struct purse *purse, const struct wallet *wallets, size_t count,
                   const struct spend_output *note, bool shielded);
/* A note for the wallet as the pool would have it next, with a hidden amount. Returns its number. */
size_t purse_add(struct purse *purse, const struct wallet *wallet, uint64_t amount);

/* What is to be spent for what, and what comes of it. */
struct order {
    struct spend terms; /* chain, purpose, asset, amount, recipient */
    size_t spent[SPEND_INPUTS_MAX], spent_count, ring;
    struct spend_target targets[SPEND_OUTPUTS_MAX];
    size_t target_count;
    struct ring_member members[SPEND_INPUTS_MAX][RING_MEMBERS_MAX];
    uint64_t numbers[SPEND_INPUTS_MAX][RING_MEMBERS_MAX];
    struct spend_source sources[SPEND_INPUTS_MAX];
    struct spend_made made;
};
struct order *order_new(const char *chain, const char *purpose); /* free */
void order_pay(struct order *order, const struct wallet *to, uint64_t amount);
/* Rings of `ring` notes of the purse around what is spent, in growing order. */
void order_surround(struct order *order, struct purse *purse);
enum status order_make(struct order *order, struct purse *purse, struct error *error);

#endif
