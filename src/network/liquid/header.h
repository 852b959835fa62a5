/* Liquid's block headers and the federation's signatures under them: with the challenge in the header, as
 * before, or with dynamic federations (Elements, "dynafed"). Pure. */
#ifndef NETWORK_LIQUID_HEADER_H
#define NETWORK_LIQUID_HEADER_H

#include "base/buffer.h"
#include "network/liquid/bytes.h"

#define LIQUID_SIGNERS_MAX 20 /* keys of one multi-signature: what the script language allows */
#define LIQUID_WITNESS_MAX 32

enum liquid_parameters { PARAMETERS_NONE, PARAMETERS_COMPACT, PARAMETERS_FULL };

struct liquid_header {
    uint32_t version;            /* without the bit that says dynamic */
    struct hash parent, transactions_root; /* wire order */
    uint32_t time_s, height;
    bool dynamic;
    enum liquid_parameters current; /* dynamic: which parameters are told */
    struct bytes challenge;      /* script that the signatures satisfy; empty: not told */
    struct bytes solution;       /* before dynamic federations: a script */
    size_t witness_count;        /* dynamic */
    struct bytes witness[LIQUID_WITNESS_MAX];
    struct hash hash;            /* wire order; what is signed */
};

/* Reads one header and moves past it. `with_witness`: dynamic headers have their signatures behind them
 * (blocks and getblockheader have; the header of a transaction's proof has none). */
MUST_CHECK bool liquid_header_read(struct cursor *in, bool with_witness, struct liquid_header *out);

/* The whole of the bytes, as getblockheader gives them: with the signatures, or (rpcserialversion=0)
 * without. */
MUST_CHECK bool liquid_header_of(struct bytes bytes, struct liquid_header *out);

enum liquid_signatures {
    SIGNATURES_GOOD,
    SIGNATURES_WRONG,
    SIGNATURES_OPEN,             /* the challenge is OP_TRUE, as on test chains: anybody makes blocks */
    /* a challenge of another form than a multi-signature, or no signatures here */
    SIGNATURES_UNKNOWN,
};
/* Whether so many of the challenge's keys signed as it asks. *signers: how many it asks for, *keys: of how
 * many. */
enum liquid_signatures liquid_header_signatures(const struct liquid_header *header, size_t *signers,
                                                size_t *keys);

#endif
