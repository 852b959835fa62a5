"""Invoices (BOLT 11) and signed messages, as Lightning nodes make them. Node keys are small numbers."""

import hashlib
import secrets
import time

from reference import bech32m
from reference.schnorr import G, N, P

ZBASE32 = "ybndrfg8ejkmcpqxot1uwisza345h769"
NODE_SECRET = 7
NODE = "025cbdf0646e5db4eaa398f365f2ea7a0e3d419b7e0330e39ce92bddedcac4f9bc"


def _sum(one, other):
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = 3 * one[0] * one[0] * pow(2 * one[1], -1, P) % P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(number, point=G):
    result = None
    while number:
        if number & 1:
            result = _sum(result, point)
        point, number = _sum(point, point), number >> 1
    return result


def sign_recoverable(digest, secret=NODE_SECRET):
    """r, s of 32 bytes each, and the recovery id: s low, as all Lightning nodes sign."""
    while True:
        nonce = secrets.randbelow(N - 1) + 1
        point = _times(nonce)
        r = point[0] % N
        s = pow(nonce, -1, N) * (int.from_bytes(digest, "big") + r * secret) % N
        recovery = point[1] & 1
        if s > N // 2:
            s, recovery = N - s, recovery ^ 1
        if r and s and point[0] < N:
            return r.to_bytes(32, "big") + s.to_bytes(32, "big"), recovery


def _field(letter, values):
    return [bech32m.ALPHABET.index(letter), len(values) >> 5, len(values) & 31] + values


def _number(value, symbols):
    return [value >> 5 * i & 31 for i in reversed(range(symbols))]


def invoice(payment_hash, msat=None, currency="bcrt", expiry=3600, age=0, delta=None, secret=NODE_SECRET,
            description="a test"):
    prefix = "ln" + currency + ("" if msat is None else "%dp" % (msat * 10))
    data = _number(int(time.time()) - age, 7)
    data += _field("p", bech32m._regroup(payment_hash, 8, 5, True))
    data += _field("s", bech32m._regroup(b"\x22" * 32, 8, 5, True))
    data += _field("d", bech32m._regroup(description.encode(), 8, 5, True))
    data += _field("x", _number(expiry, 4))
    if delta is not None:
        data += _field("c", _number(delta, 2))
    data += _field("9", [16, 8, 0])  # var_onion_optin, payment_secret
    padded = bytes(bech32m._regroup(data + [0] * (-len(data) % 8), 5, 8, False))[: (len(data) * 5 + 7) // 8]
    signature, recovery = sign_recoverable(hashlib.sha256(prefix.encode() + padded).digest(), secret)
    data += bech32m._regroup(signature + bytes([recovery]), 8, 5, True)
    checksum = bech32m._polymod(bech32m._expand(prefix) + data + [0] * 6) ^ 1
    data += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(bech32m.ALPHABET[value] for value in data)


def hash_of(text):
    """The payment hash of an invoice whose first field it is, as these are."""
    data = [bech32m.ALPHABET.index(letter) for letter in text[text.rindex("1") + 1 :]]
    assert data[7:10] == [1, 1, 20]
    return bytes(bech32m._regroup(data[10:62] + [0] * 4, 5, 8, False))[:32]


def sign_message(text, secret=NODE_SECRET):
    digest = hashlib.sha256(hashlib.sha256(b"Lightning Signed Message:" + text.encode()).digest()).digest()
    signature, recovery = sign_recoverable(digest, secret)
    return "".join(ZBASE32[v] for v in bech32m._regroup(bytes([31 + recovery]) + signature, 8, 5, True))


class Payments:
    """What a node knows: preimages of invoices that can be paid, and what it has paid."""

    def __init__(self, chain="regtest"):
        self.chain = chain
        self.preimages = {}
        self.paid = {}  # hash -> entry, as the node lists it
        self.sends = 0  # times that money moved
        self.wrong_preimage = False

    def payable(self, msat=10000, **how):
        preimage = secrets.token_bytes(32)
        digest = hashlib.sha256(preimage).digest()
        self.preimages[digest.hex()] = preimage.hex()
        return invoice(digest, msat, **how)

    def preimage_of(self, digest):
        """None: nobody would settle it."""
        if digest not in self.preimages:
            return None
        return "ab" * 32 if self.wrong_preimage else self.preimages[digest]
