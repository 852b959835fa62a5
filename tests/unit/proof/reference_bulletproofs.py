"""Aggregated Bulletproofs range proofs a second time, in plain Python, to compare the C code with.

From Buenz, Bootle, Boneh, Poelstra, Wuille, Maxwell, "Bulletproofs" (ePrint 2017/1066), sections 3, 4.1 and
4.2, with the generators, transcript and serialisation of dalek-cryptography/bulletproofs. The verifier
checks the paper's two equations one after the other, not the folded single sum. Nothing here is shared with
the C code.
"""

import functools

import reference_keccak
import reference_ristretto as group

ORDER = group.ORDER
BITS = (8, 16, 32, 64)
PARTIES_MAX = 16


@functools.lru_cache(maxsize=None)
def generators(kind, party, count):
    """The first `count` of a party's chain; kind is b"G" or b"H"."""
    stream = reference_keccak.shake256(b"GeneratorsChain" + kind + party.to_bytes(4, "little"), 64 * count)
    return [group.from_uniform(stream[i:i + 64]) for i in range(0, len(stream), 64)]


def bases(kind, bits, parties):
    return [point for party in range(parties) for point in generators(kind, party, 64)[:bits]]


def commit(value, blinding):
    return group.encode(group.multiply_sum([(value, group.BASE), (blinding, group.BLINDING_BASE)]))


def inner(a, b):
    return sum(x * y for x, y in zip(a, b)) % ORDER


def powers(base, count):
    found = [1]
    while len(found) < count:
        found.append(found[-1] * base % ORDER)
    return found


def challenge(transcript, label):
    return group.scalar_wide(transcript.challenge(label, 64))


def append_statement(transcript, bits, commitments):
    transcript.append(b"dom-sep", b"rangeproof v1")
    transcript.append_number(b"n", bits)
    transcript.append_number(b"m", len(commitments))
    for commitment in commitments:
        transcript.append(b"V", commitment)


def prove(transcript, bits, openings, draw):
    """`openings` are pairs of value and blinding; draw() gives a scalar. None for what cannot be proved."""
    parties, size = len(openings), bits * len(openings)
    if bits not in BITS or parties not in (1, 2, 4, 8, 16) or any(value >> bits for value, _ in openings):
        return None
    g, h = bases(b"G", bits, parties), bases(b"H", bits, parties)
    append_statement(transcript, bits, [commit(*opening) for opening in openings])

    a_left = [value >> k & 1 for value, _ in openings for k in range(bits)]
    a_right = [bit - 1 for bit in a_left]
    s_left, s_right = [draw() for _ in range(size)], [draw() for _ in range(size)]
    a_blinding, s_blinding = draw(), draw()
    proof = []

    def send(label, point):
        data = group.encode(point)
        proof.append(data)
        transcript.append(label, data)

    def send_scalar(label, value):
        proof.append(group.scalar_encode(value))
        transcript.append(label, proof[-1])

    blinding = group.BLINDING_BASE
    send(b"A", group.multiply_sum([(a_blinding, blinding), *zip(a_left, g), *zip(a_right, h)]))
    send(b"S", group.multiply_sum([(s_blinding, blinding), *zip(s_left, g), *zip(s_right, h)]))
    y, z = challenge(transcript, b"y"), challenge(transcript, b"z")

    y_powers, z_powers = powers(y, size), powers(z, parties + 2)
    l0 = [bit - z for bit in a_left]
    r0 = [y_powers[i] * (a_right[i] + z) + z_powers[2 + i // bits] * 2**(i % bits) for i in range(size)]
    r1 = [y_powers[i] * s_right[i] for i in range(size)]
    t1, t2 = (inner(l0, r1) + inner(s_left, r0)) % ORDER, inner(s_left, r1)
    t1_blinding, t2_blinding = draw(), draw()
    send(b"T_1", group.multiply_sum([(t1, group.BASE), (t1_blinding, blinding)]))
    send(b"T_2", group.multiply_sum([(t2, group.BASE), (t2_blinding, blinding)]))
    x = challenge(transcript, b"x")

    a = [(l0[i] + s_left[i] * x) % ORDER for i in range(size)]
    b = [(r0[i] + r1[i] * x) % ORDER for i in range(size)]
    t_blinding = sum(z_powers[2 + j] * opening[1] for j, opening in enumerate(openings))
    send_scalar(b"t_x", inner(a, b))
    send_scalar(b"t_x_blinding", t_blinding + t1_blinding * x + t2_blinding * x * x)
    send_scalar(b"e_blinding", a_blinding + s_blinding * x)
    q = group.multiply(challenge(transcript, b"w"), group.BASE)

    # The inner product: the bases stay as they are, their factors are folded in their place.
    y_inverse = powers(pow(y, -1, ORDER), size)
    g_factors, h_factors = [1] * size, list(y_inverse)
    transcript.append(b"dom-sep", b"ipp v1")
    transcript.append_number(b"n", size)
    while len(a) > 1:
        half = len(a) // 2
        left, right = [(inner(a[:half], b[half:]), q)], [(inner(a[half:], b[:half]), q)]
        for i in range(size):
            place, upper = i % half, i // half % 2
            if upper:
                left.append((a[place] * g_factors[i], g[i]))
                right.append((b[place] * h_factors[i], h[i]))
            else:
                left.append((b[half + place] * h_factors[i], h[i]))
                right.append((a[half + place] * g_factors[i], g[i]))
        send(b"L", group.multiply_sum(left))
        send(b"R", group.multiply_sum(right))
        u = challenge(transcript, b"u")
        inverse = pow(u, -1, ORDER)
        a = [(a[i] * u + a[half + i] * inverse) % ORDER for i in range(half)]
        b = [(b[i] * inverse + b[half + i] * u) % ORDER for i in range(half)]
        for i in range(size):
            upper = i // half % 2
            g_factors[i] = g_factors[i] * (u if upper else inverse) % ORDER
            h_factors[i] = h_factors[i] * (inverse if upper else u) % ORDER
    return b"".join(proof) + group.scalar_encode(a[0]) + group.scalar_encode(b[0])


def verify(transcript, bits, commitments, proof):
    parties, size = len(commitments), bits * len(commitments)
    if bits not in BITS or parties not in (1, 2, 4, 8, 16):
        return False
    rounds = size.bit_length() - 1
    if len(proof) != 32 * (9 + 2 * rounds):
        return False
    items = [proof[i:i + 32] for i in range(0, len(proof), 32)]
    point_items, scalar_items = items[:4] + items[7:-2], items[4:7] + items[-2:]
    points = [group.decode(item) for item in point_items]
    scalars = [group.scalar_decode(item) for item in scalar_items]
    committed = [group.decode(item) for item in commitments]
    if None in points or None in scalars or None in committed or bytes(32) in point_items:
        return False
    big_a, big_s, t_1, t_2 = points[:4]
    t_x, t_x_blinding, e_blinding, a, b = scalars

    append_statement(transcript, bits, commitments)
    transcript.append(b"A", items[0])
    transcript.append(b"S", items[1])
    y, z = challenge(transcript, b"y"), challenge(transcript, b"z")
    transcript.append(b"T_1", items[2])
    transcript.append(b"T_2", items[3])
    x = challenge(transcript, b"x")
    for label, item in zip((b"t_x", b"t_x_blinding", b"e_blinding"), items[4:7]):
        transcript.append(label, item)
    w = challenge(transcript, b"w")
    transcript.append(b"dom-sep", b"ipp v1")
    transcript.append_number(b"n", size)
    u = []
    for i in range(rounds):
        transcript.append(b"L", items[7 + 2 * i])
        transcript.append(b"R", items[8 + 2 * i])
        u.append(challenge(transcript, b"u"))

    # Section 4.2, the first check with delta(y, z) for several values: t(x) is what the commitments say.
    z_powers, y_powers = powers(z, parties + 3), powers(y, size)
    delta = (z - z * z) * sum(y_powers) - sum(z_powers[3 + j] for j in range(parties)) * (2**bits - 1)
    found = group.multiply_sum([(delta, group.BASE), (x, t_1), (x * x, t_2), *zip(z_powers[2:], committed)])
    if not group.equal(found, group.multiply_sum([(t_x, group.BASE), (t_x_blinding, group.BLINDING_BASE)])):
        return False

    # The check of l(x) and r(x) by the argument of section 3: P folded by L and R is the product at a and b.
    inverses = [pow(value, -1, ORDER) for value in u]
    y_inverse = powers(pow(y, -1, ORDER), size)
    terms = [(1, big_a), (x, big_s), (-e_blinding, group.BLINDING_BASE), (w * (t_x - a * b), group.BASE)]
    for i in range(rounds):
        terms += [(u[i] ** 2, points[4 + 2 * i]), (inverses[i] ** 2, points[5 + 2 * i])]
    for i, (g, h) in enumerate(zip(bases(b"G", bits, parties), bases(b"H", bits, parties))):
        factor = 1
        for j in range(rounds):
            factor = factor * (u[j] if i >> rounds - 1 - j & 1 else inverses[j]) % ORDER
        shift = z_powers[2 + i // bits] * 2**(i % bits)
        terms.append((-z - a * factor, g))
        terms.append((z + y_inverse[i] * (shift - b * pow(factor, -1, ORDER)), h))
    return group.equal(group.multiply_sum(terms), group.IDENTITY)
