"""Formats of EVM chains a second time, in plain Python from the specifications, to compare the C code with.

Sources: the Yellow Paper (appendices B, D, F), EIP-155, EIP-2718, EIP-2930, EIP-1559; Rootstock's RSKIP92, RSKIP107,
RSKIP351, RSKIP535. Nothing here is shared with the C code, and nothing is fast.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "proof"))

from reference_keccak import keccak256  # noqa: E402

EMPTY_ROOT = keccak256(b"\x80")


# --- RLP -------------------------------------------------------------------------------------------------------------
def minimal(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def rlp(item):
    """Bytes, integers and lists of these."""
    if isinstance(item, int):
        item = minimal(item)
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else size_prefix(0x80, len(item)) + item
    body = b"".join(rlp(part) for part in item)
    return size_prefix(0xc0, len(body)) + body


def size_prefix(base, size):
    if size < 56:
        return bytes([base + size])
    return bytes([base + 55 + len(minimal(size))]) + minimal(size)


def unrlp(data, depth=0):
    """The item that the bytes encode, if they are exactly what rlp() writes of it; ValueError."""
    if depth > 16:
        raise ValueError("too deep")
    item, rest = first(data, depth)
    if rest or rlp(item) != data:
        raise ValueError("not the one encoding")
    return item


def first(data, depth):
    if not data:
        raise ValueError("nothing")
    head = data[0]
    if head < 0x80:
        return data[:1], data[1:]
    base = 0x80 if head < 0xc0 else 0xc0
    size, start = head - base, 1
    if size > 55:
        start = 1 + size - 55
        size = int.from_bytes(data[1:start], "big")
    body = data[start:start + size]
    if len(body) < size:
        raise ValueError("cut off")
    if base == 0x80:
        return body, data[start + size:]
    if depth == 16:
        raise ValueError("too deep")
    items = []
    while body:
        item, body = first(body, depth + 1)
        items.append(item)
    return items, data[start + size:]


# --- Merkle-Patricia: put in key after key, in any order ------------------------------------------------------------
def nibbles(key):
    return [part for byte in key for part in (byte >> 4, byte & 15)]


def hex_prefix(path, leaf):
    flag = (2 if leaf else 0) + len(path) % 2
    whole = [flag] + ([] if len(path) % 2 else [0]) + path
    return bytes(16 * whole[i] + whole[i + 1] for i in range(0, len(whole), 2))


def insert(node, path, value):
    """Nodes: None; ("path", nibbles, child or value, is leaf); ("branch", 16 children, value or None)."""
    if node is None:
        return ("path", path, value, True)
    if node[0] == "branch":
        children, own = list(node[1]), node[2]
        if not path:
            return ("branch", children, value)
        children[path[0]] = insert(children[path[0]], path[1:], value)
        return ("branch", children, own)
    _, old, inside, leaf = node
    if leaf and old == path:
        return ("path", path, value, True)
    if not leaf and path[:len(old)] == old:
        return ("path", old, insert(inside, path[len(old):], value), False)
    same = 0
    while same < min(len(old), len(path)) and old[same] == path[same]:
        same += 1
    children, own = [None] * 16, None
    rest = old[same:]
    if not rest:
        own = inside  # only a leaf can end here
    elif leaf:
        children[rest[0]] = ("path", rest[1:], inside, True)
    else:
        children[rest[0]] = ("path", rest[1:], inside, False) if rest[1:] else inside
    branch = insert(("branch", children, own), path[same:], value)
    return ("path", path[:same], branch, False) if same else branch


def structure(node):
    """As RLP takes it."""
    if node is None:
        return b""
    if node[0] == "branch":
        return [reference(child) for child in node[1]] + [node[2] or b""]
    _, path, inside, leaf = node
    return [hex_prefix(path, leaf), inside if leaf else reference(inside)]


def reference(node):
    if node is None:
        return b""
    encoded = rlp(structure(node))
    return structure(node) if len(encoded) < 32 else keccak256(encoded)


def trie(pairs):
    node = None
    for key, value in pairs:
        node = insert(node, nibbles(key), value)
    return node


def trie_root(node):
    return EMPTY_ROOT if node is None else keccak256(rlp(structure(node)))


def trie_prove(node, key):
    """The nodes on the way of the key that are not inside of others, the root first."""
    path, nodes, top = nibbles(key), [], True
    while node is not None:
        encoded = rlp(structure(node))
        if top or len(encoded) >= 32:
            nodes.append(encoded)
        top = False
        if node[0] == "branch":
            node, path = (node[1][path[0]], path[1:]) if path else (None, path)
        elif node[3] or path[:len(node[1])] != node[1]:
            node = None
        else:
            node, path = node[2], path[len(node[1]):]
    return nodes


def trie_value(root, key, nodes):
    """What the nodes prove the key to have; None: that it has nothing. Raises for anything else."""
    nodes, path = list(nodes), nibbles(key)
    node = root
    while True:
        if isinstance(node, bytes):
            if node == b"":
                break
            encoded = nodes.pop(0)
            assert keccak256(encoded) == node, "a node is not the one referred to"
            node = unrlp(encoded)
        if len(node) == 17:
            if not path:
                node = node[16]
                break
            node, path = node[path[0]], path[1:]
            continue
        flags, tail = node[0][0] >> 4, nibbles(node[0])[1 if node[0][0] & 0x10 else 2:]
        if path[:len(tail)] != tail or (flags & 2 and len(path) != len(tail)):
            node = b""
            break
        node, path = node[1], path[len(tail):]
        if flags & 2:
            break
    assert not nodes, "nodes are left over"
    return node or None


# --- Rootstock's Unitrie --------------------------------------------------------------------------------------------
def bits(key):
    return [byte >> (7 - i) & 1 for byte in key for i in range(8)]


def packed(path):
    path = path + [0] * (-len(path) % 8)
    return bytes(sum(path[i + k] << (7 - k) for k in range(8)) for i in range(0, len(path), 8))


def variable(number):
    """Bitcoin's variable-length integer."""
    for limit, mark, size in ((253, None, 1), (1 << 16, 253, 2), (1 << 32, 254, 4), (1 << 64, 255, 8)):
        if number < limit:
            return (b"" if mark is None else bytes([mark])) + number.to_bytes(size, "little")
    raise ValueError("too large")


class Unitrie:
    """A node: path, value, children. put() gives a new tree."""

    def __init__(self, path, value=None, left=None, right=None):
        self.path, self.value, self.children = path, value, (left, right)
        self.written = None  # the message, once it was asked for

    def put(self, path, value):
        same = 0
        while same < min(len(self.path), len(path)) and self.path[same] == path[same]:
            same += 1
        if same == len(self.path):
            if same == len(path):
                return Unitrie(self.path, value, *self.children)
            children, side = list(self.children), path[same]
            below = children[side]
            rest = path[same + 1:]
            children[side] = Unitrie(rest, value) if below is None else below.put(rest, value)
            return Unitrie(self.path, self.value, *children)
        children = [None, None]
        children[self.path[same]] = Unitrie(self.path[same + 1:], self.value, *self.children)
        return Unitrie(path[:same], None, *children).put(path, value)

    def embedded(self):
        return self.children == (None, None) and len(self.message()) <= 44

    def size_below(self):
        return sum(child.size() for child in self.children if child is not None)

    def size(self):
        """Of all below, of a value outside of its node, and of the node itself."""
        outside = len(self.value) if self.value is not None and len(self.value) > 32 else 0
        return self.size_below() + outside + len(self.message())

    def message(self):
        if self.written is None:
            self.written = self.write()
        return self.written

    def write(self):
        long_value = self.value is not None and len(self.value) > 32
        left, right = self.children
        flags = 0x40 | (0x20 if long_value else 0) | (0x10 if self.path else 0)
        flags |= (0x08 if left else 0) | (0x04 if right else 0)
        flags |= (0x02 if left and left.embedded() else 0) | (0x01 if right and right.embedded() else 0)
        out = bytes([flags])
        if self.path:
            count = len(self.path)
            if count <= 32:
                out += bytes([count - 1])
            elif 160 <= count <= 382:
                out += bytes([count - 128])
            else:
                out += b"\xff" + variable(count)
            out += packed(self.path)
        for child in (left, right):
            if child is not None:
                message = child.message()
                out += bytes([len(message)]) + message if child.embedded() else keccak256(message)
        if left or right:
            out += variable(self.size_below())
        if long_value:
            return out + keccak256(self.value) + len(self.value).to_bytes(3, "big")
        return out + (self.value or b"")

    def way(self, path):
        """The nodes down to the one with this path, the deepest first; None: there is none."""
        if path[:len(self.path)] != self.path:
            return None
        rest = path[len(self.path):]
        if not rest:
            return [self]
        child = self.children[rest[0]]
        below = None if child is None else child.way(rest[1:])
        return None if below is None else below + [self]


def unitrie(pairs):
    tree = None
    for key, value in pairs:
        tree = Unitrie(bits(key), value) if tree is None else tree.put(bits(key), value)
    return tree


# --- Rootstock's headers ----------------------------------------------------------------------------------------------
def rootstock_raw(plain, umm, version, edges, event, bitcoin, proof):
    """`plain` are the 16 first fields; None for what is not there."""
    fields = list(plain) + ([] if umm is None else [umm])
    if version:
        fields += [version] + ([] if edges is None else [edges]) + ([event] if version == 2 else [])
    return rlp(fields + ([] if bitcoin is None else [bitcoin]) + list(proof))


def rootstock_hash(plain, umm, version, edges, event, bitcoin):
    fields = list(plain)
    if version:
        inner = [keccak256(fields[6])] + ([event] if version == 2 else []) + ([] if edges is None else [edges])
        fields[6] = rlp([version, keccak256(rlp(inner))])
    fields += [] if umm is None else [umm]
    return keccak256(rlp(fields + ([] if bitcoin is None else [bitcoin])))


def rootstock_mining_hash(plain, umm, version, edges, event):
    plain_hash = rootstock_hash(plain, umm, version, edges, event, None)
    return keccak256(plain_hash[:20] + umm) if umm else plain_hash


# --- logs -------------------------------------------------------------------------------------------------------------
def bloom(logs):
    """Logs are [address, topics, data]."""
    field = 0
    for address, topics, _ in logs:
        for what in [address] + topics:
            digest = keccak256(what)
            for i in (0, 2, 4):
                field |= 1 << (int.from_bytes(digest[i:i + 2], "big") % 2048)
    return field.to_bytes(256, "big")


# --- secp256k1, for signing (SEC 2, section 2.4.1) --------------------------------------------------------------------
FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def point_add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % FIELD == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, FIELD) % FIELD
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD) % FIELD
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def multiply(scalar, point):
    total = None
    while scalar:
        if scalar & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        scalar >>= 1
    return total


def address(secret):
    x, y = multiply(secret, BASE)
    return keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:]


def sign(secret, digest, nonce):
    """r, s, parity, with a low s."""
    x, y = multiply(nonce, BASE)
    r = x % ORDER
    s = pow(nonce, -1, ORDER) * (int.from_bytes(digest, "big") + r * secret) % ORDER
    parity = y & 1
    return (r, s, parity) if s <= ORDER // 2 else (r, ORDER - s, parity ^ 1)


# --- transactions -----------------------------------------------------------------------------------------------------
def transaction(kind, chain, fields, secret, nonce):
    """Kind 0 (chain 0: before EIP-155), 1, 2; the fields between chain id and signature. Raw bytes and signing hash."""
    if kind:
        digest = keccak256(bytes([kind]) + rlp([chain] + fields))
        r, s, parity = sign(secret, digest, nonce)
        return bytes([kind]) + rlp([chain] + fields + [parity, r, s]), digest
    digest = keccak256(rlp(fields + ([chain, 0, 0] if chain else [])))
    r, s, parity = sign(secret, digest, nonce)
    return rlp(fields + [(35 + 2 * chain if chain else 27) + parity, r, s]), digest
