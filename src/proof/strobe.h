/* STROBE-128 (strobe.sourceforge.io, version 1.0.2) over Keccak-f[1600], with the four operations that Merlin
 * needs: meta-AD, AD, PRF, KEY. Pure. Time depends on sizes alone. */
#ifndef PROOF_STROBE_H
#define PROOF_STROBE_H

#include "proof/keccak.h"

struct strobe {
    struct keccak state;
    uint8_t position;  /* in the block */
    uint8_t begin;     /* where the present operation began, plus 1 */
    uint8_t operation; /* its flags */
};

void strobe_start(struct strobe *strobe, const char *protocol);

/* `more`: goes on with the operation of the call before, which must have been of the same kind. */
void strobe_meta_ad(struct strobe *strobe, const void *data, size_t size, bool more);
void strobe_ad(struct strobe *strobe, const void *data, size_t size, bool more);
void strobe_key(struct strobe *strobe, const void *key, size_t size, bool more);
void strobe_prf(struct strobe *strobe, void *out, size_t size, bool more);

#endif
