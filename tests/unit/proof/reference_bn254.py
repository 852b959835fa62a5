"""The pairing curve BN254 (alt_bn128) a second time, in plain Python, to compare the C code with.

From Barreto, Naehrig, "Pairing-Friendly Elliptic Curves of Prime Order" (2005), Vercauteren, "Optimal
Pairings" (ePrint 2008/096), EIP-196 and EIP-197. Affine points, None is infinity. F_q12 is F_q2[w]/(w^6 -
XI) written flat, six coefficients, without the usual tower of three. Slow, and for tests alone. Nothing
here is shared with the C code.
"""

U = 4965661367192848881
FIELD = 36 * U**4 + 36 * U**3 + 24 * U**2 + 6 * U + 1
ORDER = 36 * U**4 + 36 * U**3 + 18 * U**2 + 6 * U + 1
XI = (9, 1)
WIDTH = 32

# --- F_q2 = F_q[i]/(i^2 + 1), pairs (real, imaginary) -------------------------------------------


def add2(a, b):
    return (a[0] + b[0]) % FIELD, (a[1] + b[1]) % FIELD


def subtract2(a, b):
    return (a[0] - b[0]) % FIELD, (a[1] - b[1]) % FIELD


def multiply2(a, b):
    return (a[0] * b[0] - a[1] * b[1]) % FIELD, (a[0] * b[1] + a[1] * b[0]) % FIELD


def scale2(a, factor):
    return a[0] * factor % FIELD, a[1] * factor % FIELD


def conjugate2(a):
    return a[0], -a[1] % FIELD


def invert2(a):
    norm = pow(a[0] * a[0] + a[1] * a[1], -1, FIELD)
    return a[0] * norm % FIELD, -a[1] * norm % FIELD


def power2(a, exponent):
    found = (1, 0)
    for bit in bin(exponent)[2:]:
        found = multiply2(found, found)
        if bit == "1":
            found = multiply2(found, a)
    return found


ONE2, ZERO2 = (1, 0), (0, 0)
TWIST_B = scale2(invert2(XI), 3)  # y^2 = x^3 + 3/XI
FROBENIUS = [power2(XI, k * (FIELD - 1) // 6) for k in range(6)]  # w^(q-1) to the k-th

# --- F_q12 --------------------------------------------------------------------------------------

ONE12 = (ONE2,) + (ZERO2,) * 5


def multiply12(a, b):
    real, imaginary = [0] * 11, [0] * 11
    for i, (a0, a1) in enumerate(a):
        if a0 or a1:
            for j, (b0, b1) in enumerate(b, i):
                real[j] += a0 * b0 - a1 * b1
                imaginary[j] += a0 * b1 + a1 * b0
    for k in range(5):
        real[k] += 9 * real[k + 6] - imaginary[k + 6]
        imaginary[k] += real[k + 6] + 9 * imaginary[k + 6]
    return tuple((real[k] % FIELD, imaginary[k] % FIELD) for k in range(6))


def power12(a, exponent):
    found = ONE12
    for bit in bin(exponent)[2:]:
        found = multiply12(found, found)
        if bit == "1":
            found = multiply12(found, a)
    return found


def conjugate12(a):
    """a to the q^6: the odd powers of w change sign."""
    return tuple(subtract2(ZERO2, c) if k & 1 else c for k, c in enumerate(a))


def frobenius12(a, times=1):
    for _ in range(times):
        a = tuple(multiply2(conjugate2(c), factor) for c, factor in zip(a, FROBENIUS))
    return a


def invert12(a):
    """Down to F_q6 and F_q2 by norms: a times its conjugates over F_q2 lies in F_q2."""
    rest = ONE12
    for k in range(1, 6):
        rest = multiply12(rest, frobenius12(a, 2 * k))
    norm = multiply12(a, rest)
    assert norm[1:] == ONE12[1:]
    inverse = invert2(norm[0])
    return tuple(multiply2(c, inverse) for c in rest)


# --- points -------------------------------------------------------------------------------------
# One affine group law for both curves, over F_q (as pairs with imaginary part 0) and F_q2.

def on_curve(p, b):
    return p is None or multiply2(p[1], p[1]) == add2(multiply2(multiply2(p[0], p[0]), p[0]), b)


def slope(p, q):
    if p[0] == q[0]:
        return multiply2(scale2(multiply2(p[0], p[0]), 3), invert2(scale2(p[1], 2)))
    return multiply2(subtract2(q[1], p[1]), invert2(subtract2(q[0], p[0])))


def negate(p):
    return p and (p[0], subtract2(ZERO2, p[1]))


def add(p, q):
    if p is None or q is None:
        return p or q
    if p == negate(q):
        return None
    s = slope(p, q)
    x = subtract2(subtract2(multiply2(s, s), p[0]), q[0])
    return x, subtract2(multiply2(s, subtract2(p[0], x)), p[1])


def multiply(scalar, p):
    total = None
    for bit in bin(scalar)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, p)
    return total


def first(x, y):
    """A point of G1 from two integers below the field; False when it is none. (0, 0) is infinity."""
    if x >= FIELD or y >= FIELD:
        return False
    p = ((x, 0), (y, 0))
    return None if p == (ZERO2, ZERO2) else p if on_curve(p, (3, 0)) else False


def second(x, y):
    """A point of G2 from two pairs; False when off the twist or outside the subgroup of order r."""
    if max(x + y) >= FIELD:
        return False
    p = (x, y)
    if p == (ZERO2, ZERO2):
        return None
    return p if on_curve(p, TWIST_B) and multiply(ORDER, p) is None else False


# --- the optimal ate pairing --------------------------------------------------------------------

def line(t, q, p):
    """The line through t and q (their tangent when they are one), brought up from the twist by w, at p."""
    if t[0] == q[0] and t[1] != q[1]:
        return (scale2(ONE2, p[0][0]), ZERO2, scale2(t[0], -1), ZERO2, ZERO2, ZERO2)
    s = slope(t, q)
    return (p[1], scale2(s, -p[0][0]), ZERO2, subtract2(multiply2(s, t[0]), t[1]), ZERO2, ZERO2)


def up(q):
    """The q-power Frobenius of the curve, seen on the twist."""
    return multiply2(conjugate2(q[0]), FROBENIUS[2]), multiply2(conjugate2(q[1]), FROBENIUS[3])


def miller(pairs):
    """The product of the Miller functions of pairs (point of G1, point of G2), squarings shared."""
    pairs = [(p, q) for p, q in pairs if p is not None and q is not None]
    f, running = ONE12, [q for _, q in pairs]
    for bit in bin(6 * U + 2)[3:]:
        f = multiply12(f, f)
        for i, (p, q) in enumerate(pairs):
            f = multiply12(f, line(running[i], running[i], p))
            running[i] = add(running[i], running[i])
            if bit == "1":
                f = multiply12(f, line(running[i], q, p))
                running[i] = add(running[i], q)
    for i, (p, q) in enumerate(pairs):
        for last in (up(q), negate(up(up(q)))):
            f = multiply12(f, line(running[i], last, p))
            running[i] = add(running[i], last)
    return f


# (q^4 - q^2 + 1)/r to the base q, as in Devegili, Scott, Dahab, "Implementing Cryptographic Pairings over
# Barreto-Naehrig Curves" (2007); the assertion below is what vouches for it.
HARD = (-36 * U**3 - 30 * U**2 - 18 * U - 2, -36 * U**3 - 18 * U**2 - 12 * U + 1, 6 * U**2 + 1, 1)
assert sum(digit * FIELD**k for k, digit in enumerate(HARD)) * ORDER == FIELD**4 - FIELD**2 + 1


def final_power(f):
    f = multiply12(conjugate12(f), invert12(f))
    f = multiply12(frobenius12(f, 2), f)
    found, u_powers = ONE12, [f]
    for _ in range(3):
        u_powers.append(power12(u_powers[-1], U))
    for k, digit in enumerate(HARD):
        part = f if k == 3 else ONE12
        if k < 3:
            for value, base in zip(split(digit), u_powers):
                part = multiply12(part, power12(base if value > 0 else conjugate12(base), abs(value)))
        found = multiply12(found, frobenius12(part, k))
    return found


def split(value):
    """The coefficients of a value of HARD as a polynomial in U, constant first, each small."""
    found = []
    for _ in range(4):
        digit = (value + U // 2) % U - U // 2
        found.append(digit)
        value = (value - digit) // U
    return found


def pairing(pairs):
    return final_power(miller(pairs))


def product_is_one(pairs):
    return pairing(pairs) == ONE12


# --- the precompiles ----------------------------------------------------------------------------

def numbers(data):
    return [int.from_bytes(data[i:i + WIDTH], "big") for i in range(0, len(data), WIDTH)]


def first_bytes(p):
    x, y = p or (ZERO2, ZERO2)
    return x[0].to_bytes(WIDTH, "big") + y[0].to_bytes(WIDTH, "big")


def cut(data, size):
    return data[:size] + bytes(max(0, size - len(data)))


def precompile_add(data):
    """EIP-196; None is failure."""
    values = numbers(cut(data, 128))
    p, q = first(*values[:2]), first(*values[2:])
    return None if p is False or q is False else first_bytes(add(p, q))


def precompile_multiply(data):
    """EIP-196; the scalar is any 256 bits."""
    x, y, scalar = numbers(cut(data, 96))
    p = first(x, y)
    return None if p is False else first_bytes(multiply(scalar, p))


def precompile_pairing(data):
    """EIP-197; the imaginary part of a coordinate comes first."""
    if len(data) % 192:
        return None
    pairs = []
    for start in range(0, len(data), 192):
        x, y, x1, x0, y1, y0 = numbers(data[start:start + 192])
        p, q = first(x, y), second((x0, x1), (y0, y1))
        if p is False or q is False:
            return None
        pairs.append((p, q))
    return int(product_is_one(pairs)).to_bytes(WIDTH, "big")


GENERATOR_1 = ((1, 0), (2, 0))  # EIP-196
GENERATOR_2 = (  # EIP-197, real part first here
    (10857046999023057135944570762232829481370756359578518086990519993285655852781,
     11559732032986387107991004021392285783925812861821192530917403151452391805634),
    (8495653923123431417604973247489272438418190587263600148770280649306958101930,
     4082367875863433681332203403145435568316851327593401208105741076214120093531))
