/* Merlin transcripts (merlin.cool, version 1.0): what a proof's challenges are drawn from. Everything that
 * the prover says goes in, each piece with a label and its length; challenges come out. Prover and verifier
 * who went the same way get the same challenges.
 *
 * The caller starts the transcript, binds it to its chain and purpose, and hands it to prove or verify,
 * which go on from there: a proof made for one chain or purpose then verifies for no other. A transcript
 * that has been through a proof may be used on for the next one. Copying the struct forks it.
 *
 * Nonces: the secret randomness of a prover, drawn from a fork of the transcript that was keyed with the
 * prover's secrets and with randomness from the operating system (Merlin's "TranscriptRng"). Where the
 * system's randomness is bad, they are still as unguessable as the secrets, and never the same for two
 * statements. */
#ifndef PROOF_TRANSCRIPT_H
#define PROOF_TRANSCRIPT_H

#include "proof/ristretto.h"
#include "proof/strobe.h"

struct transcript { struct strobe strobe; };

void transcript_start(struct transcript *transcript, const char *label);

/* Binds what follows to one chain and one purpose: appends "chain" and "purpose". */
void transcript_bind(struct transcript *transcript, const char *chain, const char *purpose);

/* Messages: at most 2^32 − 1 bytes each (Merlin's length is LE32). */
void transcript_append(struct transcript *transcript, const char *label, const void *data, size_t size);
void transcript_append_text(struct transcript *transcript, const char *label, const char *text);
void transcript_append_u64(struct transcript *transcript, const char *label, uint64_t value); /* LE64 */
void transcript_append_scalar(struct transcript *transcript, const char *label, const struct scalar *scalar);
void transcript_append_point(struct transcript *transcript, const char *label, const struct point *point);

void transcript_challenge(struct transcript *transcript, const char *label, void *out, size_t size);
/* 64 bytes, reduced modulo the group order. */
void transcript_challenge_scalar(struct transcript *transcript, const char *label, struct scalar *scalar);

struct nonces { struct strobe strobe; };

/* In this order: fork, each secret, ready, then any number of draws; wipe at the end. The transcript is not
 * changed. `randomness` is 32 bytes, or NULL for the operating system's (anything else is for tests). */
void nonces_fork(struct nonces *nonces, const struct transcript *transcript);
void nonces_secret(struct nonces *nonces, const char *label, const void *secret, size_t size);
void nonces_ready(struct nonces *nonces, const uint8_t randomness[32]);
void nonces_draw(struct nonces *nonces, void *out, size_t size);
void nonces_draw_scalar(struct nonces *nonces, struct scalar *scalar); /* from 64 bytes: even to 2^-256 */
void nonces_wipe(struct nonces *nonces);

#endif
