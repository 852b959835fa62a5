"""Keccak-f[1600] and its hashes a second time, in plain Python from FIPS 202, to compare the C code with.

Slow, and for tests alone. Nothing here is shared with the C code.
"""

MASK = 2**64 - 1


def round_constants():
    """FIPS 202, section 3.2.5: bit 2^j - 1 of round i is rc(j + 7i), of x^8 + x^6 + x^5 + x^4 + 1."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << (2**j - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return constants


def moves():
    """FIPS 202, sections 3.2.2 and 3.2.3 in one: for each lane its place after pi and its rotation by rho."""
    rotations, x, y = {(0, 0): 0}, 1, 0
    for t in range(24):
        rotations[x, y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return [(x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), rotations[x, y]) for y in range(5) for x in range(5)]


CONSTANTS, MOVES = round_constants(), moves()


def permute(state):
    """Keccak-f[1600] over 200 bytes: lane x + 5y little-endian at offset 8(x + 5y)."""
    lanes = [int.from_bytes(state[i:i + 8], "little") for i in range(0, 200, 8)]
    turned = [0] * 25
    for constant in CONSTANTS:
        c = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        d = [c[x - 1] ^ (c[(x + 1) % 5] << 1 & MASK | c[(x + 1) % 5] >> 63) for x in range(5)]
        for source, place, rotation in MOVES:
            lane = lanes[source] ^ d[source % 5]
            turned[place] = lane << rotation & MASK | lane >> 64 - rotation
        for y in range(0, 25, 5):
            a, b, e, f, g = turned[y:y + 5]
            lanes[y:y + 5] = [a ^ ~b & e, b ^ ~e & f, e ^ ~f & g, f ^ ~g & a, g ^ ~a & b]
        lanes[0] ^= constant
    return b"".join((lane & MASK).to_bytes(8, "little") for lane in lanes)


def xor_into(state, data):
    size = len(data)
    mixed = int.from_bytes(state[:size], "little") ^ int.from_bytes(data, "little")
    return mixed.to_bytes(size, "little") + state[size:]


def sponge(rate, suffix, data, size):
    """FIPS 202, section 4: absorb with the suffix's bits and pad10*1, squeeze `size` bytes."""
    block = data + bytes([suffix])
    block += bytes(-len(block) % rate)
    block = block[:-1] + bytes([block[-1] | 0x80])
    state = bytes(200)
    for start in range(0, len(block), rate):
        state = permute(xor_into(state, block[start:start + rate]))
    out = state[:rate]
    while len(out) < size:
        state = permute(state)
        out += state[:rate]
    return out[:size]


def sha3_256(data):
    return sponge(136, 0x06, data, 32)


def sha3_512(data):
    return sponge(72, 0x06, data, 64)


def shake256(data, size):
    return sponge(136, 0x1F, data, size)


def keccak256(data):
    """The hash of Ethereum: SHA3-256 with the padding of the Keccak submission."""
    return sponge(136, 0x01, data, 32)
