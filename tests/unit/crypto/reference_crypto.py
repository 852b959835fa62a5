"""BIP-340 and RFC 6962 a second time, in plain Python from their texts, to compare the C code with.

Slow, not constant-time, and for tests alone. Nothing here is shared with the C code.
"""

import hashlib

# --- BIP-340 over secp256k1 (SEC 2, section 2.4.1) ------------------------------------------------------

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GENERATOR = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
             0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def tagged_hash(tag, data):
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def point_add(p, q):
    """The sum of two points; None is the point at infinity."""
    if p is None:
        return q
    if q is None:
        return p
    if p[0] == q[0] and p[1] != q[1]:
        return None
    if p == q:
        slope = 3 * p[0] * p[0] * pow(2 * p[1], -1, FIELD) % FIELD
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, FIELD) % FIELD
    x = (slope * slope - p[0] - q[0]) % FIELD
    return x, (slope * (p[0] - x) - p[1]) % FIELD


def point_multiply(p, scalar):
    total = None
    while scalar:
        if scalar & 1:
            total = point_add(total, p)
        p = point_add(p, p)
        scalar >>= 1
    return total


def lift_x(x):
    """The point with this x and an even y; None when there is none."""
    if x >= FIELD:
        return None
    square = (pow(x, 3, FIELD) + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        return None
    return x, y if y % 2 == 0 else FIELD - y


def number(data):
    return int.from_bytes(data, "big")


def bytes32(value):
    return value.to_bytes(32, "big")


def account(secret):
    """The x-only public key, or None for a secret that is no key."""
    scalar = number(secret)
    if not 0 < scalar < ORDER:
        return None
    return bytes32(point_multiply(GENERATOR, scalar)[0])


def sign(secret, message, aux):
    scalar = number(secret)
    if not 0 < scalar < ORDER:
        return None
    public = point_multiply(GENERATOR, scalar)
    if public[1] % 2:
        scalar = ORDER - scalar
    masked = bytes(a ^ b for a, b in zip(bytes32(scalar), tagged_hash("BIP0340/aux", aux)))
    nonce = number(tagged_hash("BIP0340/nonce", masked + bytes32(public[0]) + message)) % ORDER
    commitment = point_multiply(GENERATOR, nonce)
    if commitment[1] % 2:
        nonce = ORDER - nonce
    challenge = number(tagged_hash("BIP0340/challenge",
                                   bytes32(commitment[0]) + bytes32(public[0]) + message)) % ORDER
    return bytes32(commitment[0]) + bytes32((nonce + challenge * scalar) % ORDER)


def verify(public, message, signature):
    point = lift_x(number(public))
    r, s = number(signature[:32]), number(signature[32:])
    if point is None or r >= FIELD or s >= ORDER:
        return False
    challenge = number(tagged_hash("BIP0340/challenge", signature[:32] + public + message)) % ORDER
    found = point_add(point_multiply(GENERATOR, s), point_multiply(point, ORDER - challenge))
    return found is not None and found[1] % 2 == 0 and found[0] == r


# --- RFC 6962, section 2.1 ----------------------------------------------------------------------------

def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count):
    """The largest power of two smaller than count."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def root(leaves):
    """MTH, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(root(leaves[:k]), root(leaves[k:]))


def inclusion(index, leaves):
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return inclusion(index, leaves[:k]) + [root(leaves[k:])]
    return inclusion(index - k, leaves[k:]) + [root(leaves[:k])]


def consistency(first, leaves):
    """PROOF(m, D[n])."""
    return subproof(first, leaves, True)


def subproof(first, leaves, whole):
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if first <= k:
        return subproof(first, leaves[:k], whole) + [root(leaves[k:])]
    return subproof(first - k, leaves[k:], False) + [root(leaves[:k])]


class WrongShape(Exception):
    """The proof has too many or too few hashes."""


def verify_inclusion(index, size, leaf, expected_root, proof):
    """By the recursion of PATH read backwards: what the root must then be."""
    def climb(m, n, hashes):
        if n == 1:
            if hashes:
                raise WrongShape
            return leaf
        if not hashes:
            raise WrongShape
        k = split(n)
        if m < k:
            return node_hash(climb(m, k, hashes[:-1]), hashes[-1])
        return node_hash(hashes[-1], climb(m - k, n - k, hashes[:-1]))

    try:
        return index < size and climb(index, size, proof) == expected_root
    except WrongShape:
        return False


def verify_consistency(first, second, first_root, second_root, proof):
    """By the recursion of SUBPROOF read backwards: what both roots must then be."""
    def climb(m, n, whole, hashes):
        if m == n:
            if len(hashes) != (0 if whole else 1):
                raise WrongShape
            return (first_root, first_root) if whole else (hashes[0], hashes[0])
        if not hashes:
            raise WrongShape
        k = split(n)
        if m <= k:
            old, new = climb(m, k, whole, hashes[:-1])
            return old, node_hash(new, hashes[-1])
        old, new = climb(m - k, n - k, False, hashes[:-1])
        return node_hash(hashes[-1], old), node_hash(hashes[-1], new)

    try:
        return 0 < first <= second and climb(first, second, True, proof) == (first_root, second_root)
    except WrongShape:
        return False


# --- state channels (the layout in crypto/channel.h) ----------------------------------------------------

def behind_length(data, size):
    return len(data).to_bytes(size, "big") + data


def channel_fixed(f):
    """Bytes of a channel's fixed part; times in µs, keys and assets as lists of 32 bytes."""
    return b"".join([
        b"\x01",
        behind_length(f["chain"].encode(), 1),
        behind_length(f["application"].encode(), 1),
        f["nonce"].to_bytes(8, "big"),
        f["challenge_period"].to_bytes(8, "big"),
        f["dispute_limit"].to_bytes(8, "big"),
        f["penalty_ppm"].to_bytes(4, "big"),
        bytes([len(f["participants"])]), *f["participants"],
        bytes([len(f["arbiters"])]), *f["arbiters"],
        bytes([f["arbiter_threshold"]]),
        f["arbitration_window"].to_bytes(8, "big"),
        f["arbitration_fee_ppm"].to_bytes(4, "big"),
        bytes([len(f["assets"])]), *f["assets"],
        behind_length(f["terms"], 2),
    ])


def channel_outcome(allocations):
    """Bytes of an outcome: (kind, asset, amount, fields of the kind in their order)."""
    parts = [len(allocations).to_bytes(2, "big")]
    for kind, asset, amount, *fields in allocations:
        parts += [bytes([kind, asset]), amount.to_bytes(8, "big")]
        parts += [field if isinstance(field, bytes) else field.to_bytes(8, "big") for field in fields]
    return b"".join(parts)


def channel_state(turn, final, allocations, data):
    return (turn.to_bytes(8, "big") + bytes([final]) + channel_outcome(allocations)
            + behind_length(data, 2))


def channel_holding(channel):
    """The first of the channel's hashes that is no x coordinate on the curve."""
    for counter in range(255):
        found = tagged_hash("layerd/channel/holding", channel + bytes([counter]))
        if lift_x(number(found)) is None:
            return found
    raise AssertionError("255 coordinates in a row")
