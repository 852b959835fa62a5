"""The state tree, its proofs, ICS-23 verification and the outbox tree, written again from their definitions.

Slow and plain; nothing here is shared with the C code. ICS-23 follows its text and protobuf file (cosmos/ics23,
proofs.proto) for the specifications used here; Keccak-256 follows FIPS 202 with padding 01.
"""

import hashlib

EMPTY = bytes(32)


def sha256(data):
    return hashlib.sha256(data).digest()


# --- the state tree -----------------------------------------------------------------------------------

def bit(key, depth):
    return int.from_bytes(key, "big") >> (255 - depth) & 1


def state_root(leaves, depth=0):
    """`leaves`: pairs of key and value whose keys agree in their first `depth` bits."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0][0] + leaves[0][1])
    left, right = ([leaf for leaf in leaves if bit(leaf[0], depth) == side] for side in (0, 1))
    return sha256(b"\x01" + state_root(left, depth + 1) + state_root(right, depth + 1))


def siblings(leaves, key):
    """The hashes beside the key's path from the root on, and the leaves where it ends (none or one)."""
    found, depth = [], 0
    while len(leaves) > 1:
        found.append(state_root([leaf for leaf in leaves if bit(leaf[0], depth) != bit(key, depth)], depth + 1))
        leaves = [leaf for leaf in leaves if bit(leaf[0], depth) == bit(key, depth)]
        depth += 1
    return found, leaves


def prove(leaves, key):
    """The bytes of the proof that the key has its value, or none."""
    path, end = siblings(leaves, key)
    depth, tail, form = len(path), b"", 4
    if end and end[0][0] != key:
        form, tail = 5, end[0][0] + end[0][1]
    elif end and depth == 0:
        form = 1
    elif end:
        last = [leaf for leaf in leaves if all(bit(leaf[0], d) == bit(key, d) for d in range(depth - 1))
                and bit(leaf[0], depth - 1) != bit(key, depth - 1)]
        if len(last) == 1:
            form, tail = 2, last[0][0] + last[0][1]
        else:
            halves = [[leaf for leaf in last if bit(leaf[0], depth) == side] for side in (0, 1)]
            form, tail = 3, b"".join(state_root(half, depth + 1) for half in halves)
    listed = [hash for hash in path if hash != EMPTY]
    if form in (2, 3):
        listed.pop()
    marks = "".join("0" if hash == EMPTY else "1" for hash in path)
    marks += "0" * (-len(marks) % 8)
    packed = bytes(int(marks[at:at + 8], 2) for at in range(0, len(marks), 8))
    return bytes([form]) + depth.to_bytes(2, "big") + packed + b"".join(listed) + tail


def unpack(proof):
    """Form, siblings from the root on, and the 64 bytes at the end (of forms 2, 3 and 5). None: malformed."""
    if len(proof) < 3 or not 1 <= proof[0] <= 5:
        return None
    form, depth = proof[0], int.from_bytes(proof[1:3], "big")
    size = (depth + 7) // 8
    if depth > (256 if form <= 3 else 255) or (form in (2, 3) and depth == 0) or len(proof) < 3 + size:
        return None
    marks = "".join(f"{byte:08b}" for byte in proof[3:3 + size])
    if "1" in marks[depth:] or (depth > 0 and marks[depth - 1] != "1"):
        return None
    listed, tail = marks.count("1") - (1 if form in (2, 3) else 0), b""
    if len(proof) != 3 + size + 32 * listed + (64 if form in (2, 3, 5) else 0):
        return None
    hashes = [proof[at:at + 32] for at in range(3 + size, 3 + size + 32 * listed, 32)]
    if EMPTY in hashes:
        return None
    if form in (2, 3, 5):
        tail = proof[-64:]
    if form == 3 and tail == bytes(64):
        return None
    if form in (2, 3):
        hashes.append(sha256(bytes([form - 2]) + tail))
    hashes.reverse()
    return form, [hashes.pop() if mark == "1" else EMPTY for mark in marks[:depth]], tail


def fold(node, path, key):
    for depth in reversed(range(len(path))):
        pair = path[depth] + node if bit(key, depth) else node + path[depth]
        node = sha256(b"\x01" + pair)
    return node


def agree(a, b, depth):
    return depth == 0 or int.from_bytes(a, "big") >> (256 - depth) == int.from_bytes(b, "big") >> (256 - depth)


def verify(proof, key, value, root):
    """Whether the proof's bytes show this value; None: that there is none."""
    parts = unpack(proof)
    if parts is None:
        return False
    form, path, tail = parts
    depth = len(path)
    if (form <= 3) != (value is not None):
        return False
    if form == 2 and (not agree(tail[:32], key, depth - 1) or bit(tail[:32], depth - 1) == bit(key, depth - 1)):
        return False
    if form == 5 and (tail[:32] == key or not agree(tail[:32], key, depth)):
        return False
    leaf = key + value if form <= 3 else tail
    node = EMPTY if form == 4 else sha256(b"\x00" + leaf)
    return fold(node, path, key) == root


# --- ICS-23 -------------------------------------------------------------------------------------------

NO_HASH, SHA256 = 0, 1
NO_PREFIX, REQUIRE_32_BYTES = 0, 7


class Spec:
    """A ProofSpec whose hashes are SHA-256 and whose trees are binary."""

    def __init__(self, prehash_key, length, compare_hashed, prehash_value):
        self.leaf = {"hash": SHA256, "prehash_key": prehash_key, "prehash_value": prehash_value,
                     "length": length, "prefix": b"\x00"}
        self.child_size, self.min_prefix, self.max_prefix, self.empty_child = 32, 1, 1, EMPTY
        self.max_depth, self.compare_hashed = 256, compare_hashed


SMT = Spec(SHA256, NO_PREFIX, True, SHA256)
SMT_OF_HASHES = Spec(NO_HASH, REQUIRE_32_BYTES, False, NO_HASH)  # whoever has no preimages
SMT_BEFORE_0_10 = Spec(NO_HASH, NO_PREFIX, False, SHA256)  # the older published vectors: their keys are hashes


def fields(data):
    """The fields of a protobuf message: (number, integer or bytes)."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        value = varint()
        if tag & 7 == 2:
            at += value
            assert at <= len(data)
            value = data[at - value:at]
        else:
            assert tag & 7 == 0
        yield tag >> 3, value


def existence(data):
    """ExistenceProof: key, value, leaf op, and the path from the leaf to the root as prefixes and suffixes."""
    proof = {"key": b"", "value": b"", "path": []}
    for number, value in fields(data):
        if number in (1, 2):
            proof[{1: "key", 2: "value"}[number]] = value
        elif number == 3:
            op = dict(fields(value))
            proof["leaf"] = {"hash": op.get(1, 0), "prehash_key": op.get(2, 0), "prehash_value": op.get(3, 0),
                             "length": op.get(4, 0), "prefix": op.get(5, b"")}
        else:
            op = dict(fields(value))
            proof["path"].append((op.get(1, 0), op.get(2, b""), op.get(3, b"")))
    return proof


def commitment(data):
    """CommitmentProof: ("exist", proof) or ("nonexist", key, left or None, right or None)."""
    [(number, value)] = fields(data)
    if number == 1:
        return "exist", existence(value)
    assert number == 2
    parts = dict(fields(value))
    left, right = (existence(parts[side]) if side in parts else None for side in (2, 3))
    return "nonexist", parts[1], left, right


def prehashed(kind, data):
    return sha256(data) if kind == SHA256 else data


def exists(spec, proof, root, key, value):
    if proof["leaf"] != spec.leaf or proof["key"] != key or proof["value"] != value or not key or not value:
        return False
    if len(proof["path"]) > spec.max_depth:
        return False
    parts = [prehashed(spec.leaf["prehash_key"], key), prehashed(spec.leaf["prehash_value"], value)]
    if spec.leaf["length"] == REQUIRE_32_BYTES and any(len(part) != 32 for part in parts):
        return False
    node = sha256(spec.leaf["prefix"] + b"".join(parts))
    for hash_op, prefix, suffix in proof["path"]:
        if hash_op != SHA256 or prefix.startswith(spec.leaf["prefix"]):
            return False
        if not spec.min_prefix <= len(prefix) <= spec.max_prefix + spec.child_size:
            return False
        if len(suffix) % spec.child_size:
            return False
        node = sha256(prefix + node + suffix)
    return node == root


def side_of(spec, step):
    """0: the path comes from the left child, 1: from the right one; None: from neither."""
    _, prefix, suffix = step
    if len(prefix) == spec.min_prefix and len(suffix) == spec.child_size:
        return 0
    if len(prefix) == spec.min_prefix + spec.child_size and not suffix:
        return 1
    return None


def is_most(spec, path, side):
    """Whether nothing stands further to this side; beside an empty child counts as no turn."""
    for step in path:
        found = side_of(spec, step)
        if found is None:
            return False
        other = step[1][spec.min_prefix:] if found == 1 else step[2]
        if found != side and other != spec.empty_child:
            return False
    return True


def are_neighbours(spec, left, right):
    left, right = list(left), list(right)
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    if not left or not right:
        return False
    if (side_of(spec, left[-1]), side_of(spec, right[-1])) != (0, 1):
        return False
    return is_most(spec, left[:-1], 1) and is_most(spec, right[:-1], 0)


def not_exists(spec, left, right, root, key):
    def compared(data):
        return prehashed(spec.leaf["prehash_key"], data) if spec.compare_hashed else data

    if left is None and right is None:
        return False
    for proof in (left, right):
        if proof is not None and not exists(spec, proof, root, proof["key"], proof["value"]):
            return False
    if left is not None and compared(key) <= compared(left["key"]):
        return False
    if right is not None and compared(key) >= compared(right["key"]):
        return False
    if left is None:
        return is_most(spec, right["path"], 0)
    if right is None:
        return is_most(spec, left["path"], 1)
    return are_neighbours(spec, left["path"], right["path"])


def to_ics23(spec, proof, path_key, key, value):
    """A proof of presence in layerd's bytes as an ExistenceProof. `path_key`: the 32 bytes that lead there."""
    _, path, _ = unpack(proof)
    steps = []
    for depth in reversed(range(len(path))):
        if bit(path_key, depth):
            steps.append((SHA256, b"\x01" + path[depth], b""))
        else:
            steps.append((SHA256, b"\x01", path[depth]))
    return {"key": key, "value": value, "leaf": dict(spec.leaf), "path": steps}


# --- the outbox tree ------------------------------------------------------------------------------------

def outbox_leaf(message):
    tag = sha256(b"layerd/outbox")
    return sha256(tag + tag + message)


def outbox_levels(leaves, hash_function):
    """All levels of the tree of depth 32 as far as they are filled, and the hash of what is not, per level."""
    levels, empty = [list(leaves)], [EMPTY]
    for _ in range(32):
        row = levels[-1]
        pairs = [row[at:at + 2] + [empty[-1]] * (2 - len(row[at:at + 2])) for at in range(0, len(row), 2)]
        levels.append([hash_function(left + right) for left, right in pairs])
        empty.append(hash_function(empty[-1] * 2))
    return levels, empty


def outbox_root(leaves, hash_function=sha256):
    levels, empty = outbox_levels(leaves, hash_function)
    return levels[32][0] if leaves else empty[32]


def outbox_proof(index, leaves, hash_function=sha256):
    levels, empty = outbox_levels(leaves, hash_function)
    proof = []
    for level in range(32):
        beside = index >> level ^ 1
        proof.append(levels[level][beside] if beside < len(levels[level]) else empty[level])
    return proof


def outbox_verify(index, leaf, proof, root, hash_function=sha256):
    node = leaf
    for level, sibling in enumerate(proof):
        node = hash_function(sibling + node if index >> level & 1 else node + sibling)
    return index < 2**32 - 1 and leaf != EMPTY and node == root


# --- Keccak-256 ---------------------------------------------------------------------------------------------

def rotated(lane, count):
    return (lane << count | lane >> (64 - count)) & (2**64 - 1)


def keccak_f(lanes):
    """FIPS 202, 3.3: lanes[x][y]."""
    register = 1
    for _ in range(24):
        parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        mixed = [parity[(x + 4) % 5] ^ rotated(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ mixed[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], rotated(current, (step + 1) * (step + 2) // 2 % 64)
        lanes = [[lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) for y in range(5)]
                 for x in range(5)]
        for step in range(7):
            register = (register << 1 ^ (register >> 7) * 0x171) % 256
            if register & 2:
                lanes[0][0] ^= 1 << ((1 << step) - 1)
    return lanes


def keccak256(data):
    padded = bytearray(data) + bytes(136 - len(data) % 136)
    padded[len(data)] ^= 1
    padded[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), 136):
        for lane in range(17):
            lanes[lane % 5][lane // 5] ^= int.from_bytes(padded[start + 8 * lane:start + 8 * lane + 8], "little")
        lanes = keccak_f(lanes)
    return b"".join(lanes[x][0].to_bytes(8, "little") for x in range(4))
