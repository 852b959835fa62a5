"""ristretto255 a second time, in plain Python from RFC 9496, to compare the C code with.

A point is (X, Y, Z, T) on the curve -x^2 + y^2 = 1 + d x^2 y^2, extended: x = X/Z, y = Y/Z, XY = ZT. Slow,
not constant-time, and for tests alone. Nothing here is shared with the C code.
"""

import reference_keccak

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, FIELD) % FIELD

SQRT_M1 = pow(2, (FIELD - 1) // 4, FIELD)  # RFC 8032, section 5.1.3; both roots give the same group here


def negative(x):
    """RFC 9496, section 3.1: odd values are the negative ones."""
    return x % FIELD & 1


def absolute(x):
    return -x % FIELD if negative(x) else x % FIELD


def sqrt_ratio(u, v):
    """RFC 9496, section 4.2: whether u/v is square, and the non-negative root of u/v or of SQRT_M1 u/v."""
    root = u * pow(v, 3, FIELD) * pow(u * pow(v, 7, FIELD), (FIELD - 5) // 8, FIELD) % FIELD
    check = v * root * root % FIELD
    correct, flipped = check == u % FIELD, check == -u % FIELD
    flipped_i = check == -u * SQRT_M1 % FIELD
    if flipped or flipped_i:
        root = root * SQRT_M1 % FIELD
    return correct or flipped, absolute(root)


# RFC 9496, section 4.1. The RFC's SQRT_AD_MINUS_ONE is the odd root, the other is the even one.
ONE_MINUS_D_SQUARED = (1 - D * D) % FIELD
D_MINUS_ONE_SQUARED = (D - 1) * (D - 1) % FIELD
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = sqrt_ratio(1, -1 - D)[1]

IDENTITY = (0, 1, 1, 0)


def add(p, q):
    """RFC 8032, section 5.1.4, the complete addition for a = -1."""
    a = (p[1] - p[0]) * (q[1] - q[0])
    b = (p[1] + p[0]) * (q[1] + q[0])
    c = p[3] * 2 * D * q[3] % FIELD
    d = p[2] * 2 * q[2]
    e, f, g, h = (b - a) % FIELD, d - c, d + c, (b + a) % FIELD
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def double(p):
    a, b, c = p[0] * p[0], p[1] * p[1], 2 * p[2] * p[2]
    h = a + b
    e = h - (p[0] + p[1]) ** 2
    g = a - b
    f = c + g
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def negate(p):
    return -p[0] % FIELD, p[1], p[2], -p[3] % FIELD


def subtract(p, q):
    return add(p, negate(q))


def multiply(scalar, p):
    return multiply_sum([(scalar, p)])


def digits(scalar):
    """The scalar as 64 signed digits of 4 bits, each from -8 to 8, the lowest first."""
    scalar %= ORDER
    found, carry = [], 0
    for i in range(64):
        digit = (scalar >> 4 * i & 15) + carry
        carry = digit > 8
        found.append(digit - 16 * carry)
    assert carry == 0
    return found


def multiply_sum(terms):
    """The sum of scalar times point: by Straus for few terms, by Pippenger's buckets for many."""
    terms = [(scalar % ORDER, p) for scalar, p in terms if scalar % ORDER]
    if len(terms) > 50:
        return bucket_sum(terms, 8 if len(terms) > 600 else 6)
    tables = []
    for scalar, p in terms:
        table = [IDENTITY, p, double(p)]
        for _ in range(6):
            table.append(add(table[-1], p))
        tables.append((digits(scalar), table))
    total = IDENTITY
    for place in reversed(range(64)):
        total = double(double(double(double(total))))
        for found, table in tables:
            digit = found[place]
            if digit > 0:
                total = add(total, table[digit])
            elif digit < 0:
                total = add(total, negate(table[-digit]))
    return total


def bucket_sum(terms, width):
    total = IDENTITY
    for place in reversed(range(0, 253, width)):
        for _ in range(width):
            total = double(total)
        buckets = [None] * 2**width
        for scalar, p in terms:
            digit = scalar >> place & 2**width - 1
            if digit:
                buckets[digit] = p if buckets[digit] is None else add(buckets[digit], p)
        running = weighted = IDENTITY
        for bucket in reversed(buckets[1:]):
            if bucket is not None:
                running = add(running, bucket)
            weighted = add(weighted, running)
        total = add(total, weighted)
    return total


def equal(p, q):
    """RFC 9496, section 4.5."""
    return (p[0] * q[1] - p[1] * q[0]) % FIELD == 0 or (p[1] * q[1] - p[0] * q[0]) % FIELD == 0


def decode(data):
    """RFC 9496, section 4.3.1; None for what is no canonical encoding."""
    if len(data) != 32:
        return None
    s = int.from_bytes(data, "little")
    if s >= FIELD or negative(s):
        return None
    square = s * s % FIELD
    u1, u2 = 1 - square, 1 + square
    v = (-D * u1 * u1 - u2 * u2) % FIELD
    was_square, root = sqrt_ratio(1, v * u2 * u2 % FIELD)
    x_part = root * u2 % FIELD
    y_part = root * x_part * v % FIELD
    x = absolute(2 * s * x_part)
    y = u1 * y_part % FIELD
    t = x * y % FIELD
    if not was_square or negative(t) or y == 0:
        return None
    return x, y, 1, t


def encode(p):
    """RFC 9496, section 4.3.2."""
    x0, y0, z0, t0 = p
    u1, u2 = (z0 + y0) * (z0 - y0) % FIELD, x0 * y0 % FIELD
    _, root = sqrt_ratio(1, u1 * u2 * u2 % FIELD)
    first, second = root * u1 % FIELD, root * u2 % FIELD
    inverse = first * second * t0 % FIELD
    if negative(t0 * inverse):
        x, y = y0 * SQRT_M1 % FIELD, x0 * SQRT_M1 % FIELD
        denominator = first * INVSQRT_A_MINUS_D % FIELD
    else:
        x, y, denominator = x0, y0, second
    if negative(x * inverse):
        y = -y
    return absolute(denominator * (z0 - y)).to_bytes(32, "little")


def half_map(data):
    """RFC 9496, section 4.3.4, MAP."""
    t = (int.from_bytes(data, "little") & 2**255 - 1) % FIELD
    r = SQRT_M1 * t * t % FIELD
    u = (r + 1) * ONE_MINUS_D_SQUARED % FIELD
    v = (-1 - r * D) * (r + D) % FIELD
    was_square, s = sqrt_ratio(u, v)
    c = -1
    if not was_square:
        s, c = -absolute(s * t) % FIELD, r
    n = (c * (r - 1) * D_MINUS_ONE_SQUARED - v) % FIELD
    w0, w1 = 2 * s * v % FIELD, n * SQRT_AD_MINUS_ONE % FIELD
    w2, w3 = (1 - s * s) % FIELD, (1 + s * s) % FIELD
    return w0 * w3 % FIELD, w2 * w1 % FIELD, w1 * w3 % FIELD, w0 * w2 % FIELD


def from_uniform(data):
    """RFC 9496, section 4.3.4: 64 uniform bytes to an element."""
    assert len(data) == 64
    return add(half_map(data[:32]), half_map(data[32:]))


def scalar_decode(data):
    """A canonical scalar, or None."""
    value = int.from_bytes(data, "little")
    return value if len(data) == 32 and value < ORDER else None


def scalar_encode(value):
    return (value % ORDER).to_bytes(32, "little")


def scalar_wide(data):
    """64 bytes reduced modulo the order."""
    return int.from_bytes(data, "little") % ORDER


# RFC 9496, appendix A.1, and the Pedersen base that dalek's bulletproofs take for blindings.
BASE = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))
BLINDING_BASE = from_uniform(reference_keccak.sha3_512(encode(BASE)))
