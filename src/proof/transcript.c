/* Merlin over STROBE-128. The framing is Merlin's, byte for byte: label as meta-AD, length as LE32 going on
 * with it, then the message as AD or the challenge as PRF. */
#include "proof/transcript.h"

#include <sodium.h>
#include <string.h>

#include "crypto/hash.h"

#define WIDE_SIZE 64 /* twice a scalar: reducing it leaves no bias that counts */

static void frame(struct strobe *strobe, const char *label, size_t size)
{
    uint8_t length[4];

    INVARIANT(size <= UINT32_MAX, "a message of %zu bytes", size);
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (uint8_t)(size >> (8 * i));
    strobe_meta_ad(strobe, label, strlen(label), false);
    strobe_meta_ad(strobe, length, sizeof length, true);
}

void transcript_start(struct transcript *transcript, const char *label)
{
    strobe_start(&transcript->strobe, "Merlin v1.0");
    transcript_append_text(transcript, "dom-sep", label);
}

void transcript_bind(struct transcript *transcript, const char *chain, const char *purpose)
{
    transcript_append_text(transcript, "chain", chain);
    transcript_append_text(transcript, "purpose", purpose);
}

void transcript_append(struct transcript *transcript, const char *label, const void *data, size_t size)
{
    frame(&transcript->strobe, label, size);
    strobe_ad(&transcript->strobe, data, size, false);
}

void transcript_append_text(struct transcript *transcript, const char *label, const char *text)
{
    transcript_append(transcript, label, text, strlen(text));
}

void transcript_append_u64(struct transcript *transcript, const char *label, uint64_t value)
{
    uint8_t bytes[8];

    put_le64(bytes, value);
    transcript_append(transcript, label, bytes, sizeof bytes);
}

void transcript_append_scalar(struct transcript *transcript, const char *label, const struct scalar *scalar)
{
    uint8_t bytes[SCALAR_SIZE];

    scalar_encode(bytes, scalar);
    transcript_append(transcript, label, bytes, sizeof bytes);
}

void transcript_append_point(struct transcript *transcript, const char *label, const struct point *point)
{
    uint8_t bytes[POINT_SIZE];

    point_encode(bytes, point);
    transcript_append(transcript, label, bytes, sizeof bytes);
}

void transcript_challenge(struct transcript *transcript, const char *label, void *out, size_t size)
{
    frame(&transcript->strobe, label, size);
    strobe_prf(&transcript->strobe, out, size, false);
}

void transcript_challenge_scalar(struct transcript *transcript, const char *label, struct scalar *scalar)
{
    uint8_t wide[WIDE_SIZE];

    transcript_challenge(transcript, label, wide, sizeof wide);
    scalar_from_wide(scalar, wide);
}

void nonces_fork(struct nonces *nonces, const struct transcript *transcript)
{
    nonces->strobe = transcript->strobe;
}

void nonces_secret(struct nonces *nonces, const char *label, const void *secret, size_t size)
{
    frame(&nonces->strobe, label, size);
    strobe_key(&nonces->strobe, secret, size, false);
}

void nonces_ready(struct nonces *nonces, const uint8_t randomness[32])
{
    uint8_t fresh[32];

    if (randomness == NULL) {
        crypto_start();
        randombytes_buf(fresh, sizeof fresh);
    } else {
        memcpy(fresh, randomness, sizeof fresh);
    }
    strobe_meta_ad(&nonces->strobe, "rng", 3, false);
    strobe_key(&nonces->strobe, fresh, sizeof fresh, false);
    sodium_memzero(fresh, sizeof fresh);
}

void nonces_draw(struct nonces *nonces, void *out, size_t size)
{
    uint8_t length[4];

    INVARIANT(size <= UINT32_MAX, "a draw of %zu bytes", size);
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (uint8_t)(size >> (8 * i));
    strobe_meta_ad(&nonces->strobe, length, sizeof length, false);
    strobe_prf(&nonces->strobe, out, size, false);
}

void nonces_draw_scalar(struct nonces *nonces, struct scalar *scalar)
{
    uint8_t wide[WIDE_SIZE];

    nonces_draw(nonces, wide, sizeof wide);
    scalar_from_wide(scalar, wide);
    sodium_memzero(wide, sizeof wide);
}

void nonces_wipe(struct nonces *nonces)
{
    sodium_memzero(nonces, sizeof *nonces);
}
