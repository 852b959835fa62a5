"""Half-aggregation of BIP-340 signatures a second time, in plain Python, to compare the C code with.

From BlockstreamResearch/cross-input-aggregation, half-aggregation.mediawiki @83f5e333 (the first randomizer
is 1), on the BIP-340 of tests/unit/crypto. Nothing here is shared with the C code.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crypto"))

import reference_crypto as schnorr  # noqa: E402  (in the folder of the room below)

COUNT_MAX = 2**16 - 1
EMPTY = bytes(32)


def randomizers(triples):
    """z_i over the triples (r, public key, message) up to the i-th."""
    said, found = b"", []
    for r, public, message in triples:
        said += r + public + message
        value = schnorr.number(schnorr.tagged_hash("HalfAgg/randomizer", said)) % schnorr.ORDER
        found.append(value if found else 1)
    return found


def sizes_are_right(aggregate, count):
    return count <= COUNT_MAX and len(aggregate) == 32 * (count + 1)


def extend(aggregate, old, new):
    """Adds triples (public key, message, signature), each valid, to an aggregate over the pairs of `old`."""
    if len(old) + len(new) > COUNT_MAX or not sizes_are_right(aggregate, len(old)):
        return None
    total = schnorr.number(aggregate[-32:])
    if total >= schnorr.ORDER or not all(schnorr.verify(*triple) for triple in new):
        return None
    triples = [(aggregate[32 * i:32 * i + 32], *pair) for i, pair in enumerate(old)]
    triples += [(signature[:32], public, message) for public, message, signature in new]
    factors = randomizers(triples)[len(old):]
    for factor, (_, _, signature) in zip(factors, new):
        total += factor * schnorr.number(signature[32:])
    return b"".join(r for r, _, _ in triples) + schnorr.bytes32(total % schnorr.ORDER)


def aggregate(triples):
    return extend(EMPTY, [], triples)


def verify(aggregated, pairs):
    if not sizes_are_right(aggregated, len(pairs)):
        return False
    triples = [(aggregated[32 * i:32 * i + 32], *pair) for i, pair in enumerate(pairs)]
    total = schnorr.number(aggregated[-32:])
    if total >= schnorr.ORDER:
        return False
    found = None
    for factor, (r, public, message) in zip(randomizers(triples), triples):
        point, nonce = schnorr.lift_x(schnorr.number(public)), schnorr.lift_x(schnorr.number(r))
        if point is None or nonce is None:
            return False
        challenge = schnorr.number(schnorr.tagged_hash("BIP0340/challenge", r + public + message))
        challenge %= schnorr.ORDER
        part = schnorr.point_add(nonce, schnorr.point_multiply(point, challenge))
        found = schnorr.point_add(found, schnorr.point_multiply(part, factor))
    return found == schnorr.point_multiply(schnorr.GENERATOR, total)
