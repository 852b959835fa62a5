"""BIP-340 Schnorr signatures over secp256k1, from the text of the BIP.

Points are Jacobian while they are summed; multiples of the generator come from a table, so that one
signature takes about a millisecond. Not constant-time: for tests alone.
"""

import hashlib

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
INFINITY = (0, 1, 0)
WINDOW = 4


def tagged_hash(tag, data):
    """SHA-256(SHA-256(tag) || SHA-256(tag) || data)."""
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def _double(point):
    x, y, z = point
    if z == 0:
        return point
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x % P
    nx = (m * m - 2 * s) % P
    ny = (m * (s - nx) - 8 * yy * yy) % P
    return nx, ny, 2 * y * z % P


def _add(one, other):
    if one[2] == 0:
        return other
    if other[2] == 0:
        return one
    x1, y1, z1 = one
    x2, y2, z2 = other
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    if u1 == u2:
        return _double(one) if s1 == s2 else INFINITY
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    hhh = h * hh % P
    v = u1 * hh % P
    nx = (r * r - hhh - 2 * v) % P
    ny = (r * (v - nx) - s1 * hhh) % P
    return nx, ny, h * z1 * z2 % P


def _affine(point):
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _generator_table():
    table, base = [], (G[0], G[1], 1)
    for _ in range(256 // WINDOW):
        row, point = [INFINITY], INFINITY
        for _ in range(2**WINDOW - 1):
            point = _add(point, base)
            affine = _affine(point)
            row.append((affine[0], affine[1], 1))
        table.append(row)
        for _ in range(WINDOW):
            base = _double(base)
    return table


_TABLE = _generator_table()


def _multiply_generator(scalar):
    point, mask = INFINITY, 2**WINDOW - 1
    for row in _TABLE:
        point = _add(point, row[scalar & mask])
        scalar >>= WINDOW
    return point


def _multiply(scalar, affine):
    point, base = INFINITY, (affine[0], affine[1], 1)
    for bit in bin(scalar)[2:]:
        point = _double(point)
        if bit == "1":
            point = _add(point, base)
    return point


def lift_x(x):
    """The point with this x and an even y; None when there is none."""
    if x >= P:
        return None
    square = (pow(x, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return x, y if y % 2 == 0 else P - y


def public_key(secret):
    """The x-only public key (32 bytes) of a secret key (32 bytes)."""
    scalar = int.from_bytes(secret, "big")
    if not 0 < scalar < N:
        raise ValueError("secret key out of range")
    return _affine(_multiply_generator(scalar))[0].to_bytes(32, "big")


def sign(secret, message, auxiliary=bytes(32)):
    """BIP-340 "Default Signing": 64 bytes."""
    scalar = int.from_bytes(secret, "big")
    if not 0 < scalar < N:
        raise ValueError("secret key out of range")
    x, y = _affine(_multiply_generator(scalar))
    public = x.to_bytes(32, "big")
    if y % 2:
        scalar = N - scalar
    mask = int.from_bytes(tagged_hash("BIP0340/aux", auxiliary), "big")
    masked = (scalar ^ mask).to_bytes(32, "big")
    nonce = int.from_bytes(tagged_hash("BIP0340/nonce", masked + public + message), "big") % N
    if nonce == 0:
        raise ValueError("nonce is zero")
    rx, ry = _affine(_multiply_generator(nonce))
    if ry % 2:
        nonce = N - nonce
    r = rx.to_bytes(32, "big")
    challenge = int.from_bytes(tagged_hash("BIP0340/challenge", r + public + message), "big") % N
    return r + ((nonce + challenge * scalar) % N).to_bytes(32, "big")


def verify(public, message, signature):
    """BIP-340 "Verification"."""
    if len(public) != 32 or len(signature) != 64:
        return False
    point = lift_x(int.from_bytes(public, "big"))
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if point is None or r >= P or s >= N:
        return False
    challenge = int.from_bytes(tagged_hash("BIP0340/challenge", signature[:32] + public + message), "big") % N
    result = _affine(_add(_multiply_generator(s), _multiply(N - challenge, point)))
    return result is not None and result[1] % 2 == 0 and result[0] == r
