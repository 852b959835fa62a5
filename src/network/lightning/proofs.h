/* Proofs that are checked here alone: a paid invoice, and a message signed by a node. Pure. */
#ifndef NETWORK_LIGHTNING_PROOFS_H
#define NETWORK_LIGHTNING_PROOFS_H

#include "crypto/bolt11.h"
#include "network/network.h"

#define PROOF_MESSAGE_MAX 65536

/* The text of a proof: {"type": "payment", "invoice", "preimage"} or {"type": "message", "message",
 * "signature", "public_key"}. Its verdict is VALID or INVALID, its anchor the signature.
 * ERROR_INVALID_PARAMS: it is neither of them. `currency`: of the link's chain. */
MUST_CHECK enum status proofs_verify(const char *proof, const char *currency, struct arena *arena,
                                     struct network_verdict *verdict, struct error *error);

/* Whose signature of the message this is: zbase32 of 31 + recovery id (4 more: the compressed form), r, s
 * over SHA-256(SHA-256("Lightning Signed Message:" ‖ message)), as Core Lightning and LND write it. */
MUST_CHECK bool proofs_signer(const char *message, const char *zbase, struct public_key *signer);

const char *proofs_write_payment(struct arena *arena, const char *invoice, const struct hash *preimage);
const char *proofs_write_message(struct arena *arena, const char *message, const char *zbase,
                                 const struct public_key *signer);

#endif
