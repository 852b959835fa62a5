"""The Merkle tree of RFC 6962 section 2 (SHA-256) and the verification of its proofs (RFC 9162 section
2.1.3.2, 2.1.4.2).
"""

import hashlib


def leaf(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves):
    """The root over leaf hashes, by the recursive definition turned bottom-up with a stack of complete
    subtrees.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    stack = []
    for count, value in enumerate(leaves, 1):
        while count % 2 == 0:
            value = node(stack.pop(), value)
            count //= 2
        stack.append(value)
    value = stack.pop()
    while stack:
        value = node(stack.pop(), value)
    return value


def verify_inclusion(index, size, leaf_hash, proof, expected):
    """Whether `proof` shows that leaf number `index` (from 0) belongs to the tree of `size` leaves with this
    root.
    """
    if index >= size:
        return False
    place, last, value = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node(step, value)
            if not place & 1:
                while place and not place & 1:
                    place >>= 1
                    last >>= 1
        else:
            value = node(value, step)
        place >>= 1
        last >>= 1
    return last == 0 and value == expected


def verify_consistency(first, second, first_root, second_root, proof):
    """Whether `proof` shows that the tree of `first` leaves is a prefix of the tree of `second` leaves."""
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second or not proof:
        return False
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    place, last = first - 1, second - 1
    while place & 1:
        place >>= 1
        last >>= 1
    one = other = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            one, other = node(step, one), node(step, other)
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            other = node(other, step)
        place >>= 1
        last >>= 1
    return last == 0 and one == first_root and other == second_root
