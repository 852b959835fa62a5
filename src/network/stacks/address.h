/* Stacks addresses and principals: c32check text (SIP-005, "Stacks Address Encoding") and what it stands
 * for. Pure. */
#ifndef NETWORK_STACKS_ADDRESS_H
#define NETWORK_STACKS_ADDRESS_H

#include "crypto/schnorr.h"
#include "network/stacks/hashes.h"

/* Versions of an address: of one key (P2PKH) or of several (P2SH). */
enum stacks_version {
    STACKS_MAINNET_KEY = 22, STACKS_MAINNET_SCRIPT = 20,
    STACKS_TESTNET_KEY = 26, STACKS_TESTNET_SCRIPT = 21,
};

#define STACKS_ADDRESS_TEXT 48 /* characters at most, with the final zero */
/* Characters of a contract's, function's or token's name; of a new contract's STACKS_CONTRACT_NAME_MAX. */
#define STACKS_NAME_MAX 128
#define STACKS_CONTRACT_NAME_MAX 40
#define STACKS_PRINCIPAL_TEXT (STACKS_ADDRESS_TEXT + 1 + STACKS_NAME_MAX)

struct stacks_address {
    uint8_t version; /* enum stacks_version in what we make; 0 … 31 in what we read */
    uint8_t hash[HASH160_SIZE];
};

/* An account or, with a name, a contract. */
struct stacks_principal {
    struct stacks_address address;
    char contract[STACKS_NAME_MAX + 1]; /* "": an account */
};

void stacks_address_of_key(const struct public_key *key, bool mainnet, struct stacks_address *address);
void stacks_address_text(const struct stacks_address *address, char text[STACKS_ADDRESS_TEXT]);
/* False: a wrong character, length or checksum. Takes lower case, and O, I, L for 0 and 1, as c32 has it. */
MUST_CHECK bool stacks_address_read(const char *text, size_t size, struct stacks_address *address);
bool stacks_address_is_mainnet(const struct stacks_address *address);
bool stacks_address_is_testnet(const struct stacks_address *address);

/* "ADDRESS" or "ADDRESS.contract". */
void stacks_principal_text(const struct stacks_principal *principal, char text[STACKS_PRINCIPAL_TEXT]);
MUST_CHECK bool stacks_principal_read(const char *text, struct stacks_principal *principal);

/* What Clarity takes as a name: a letter, then letters, digits, and any of - _ ! ? + < > = / *; in the
 * names of contracts - and _ alone. */
MUST_CHECK bool stacks_contract_name_valid(const char *name, size_t size);
MUST_CHECK bool stacks_clarity_name_valid(const char *name, size_t size);

#endif
