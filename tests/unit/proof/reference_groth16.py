"""Groth16 over BN254 a second time, in plain Python, to compare the C code with: verify snarkjs's JSON
files, prove from `.zkey` and `.wtns`.

From Groth, "On the Size of Pairing-based Non-interactive Arguments" (ePrint 2016/260), section 3.2, and the
file formats of iden3/snarkjs. Strict where snarkjs is not: coordinates below q, pi_b in the subgroup of
order r, public signals below r, no infinity. Nothing here is shared with the C code.
"""

import json

import reference_bn254 as curve

ORDER = curve.ORDER


class Malformed(Exception):
    """A file that is not what its format asks for."""


def need(condition, what):
    if not condition:
        raise Malformed(what)


def number(text, bound):
    """A decimal string as snarkjs writes it: digits alone, no leading zero, below the bound."""
    need(isinstance(text, str) and text.isascii() and text.isdigit(), "not decimal digits")
    need(text == "0" or text[0] != "0", "leading zero")
    need(len(text) <= 78 and int(text) < bound, "not below its modulus")
    return int(text)


def first_point(value):
    need(isinstance(value, list) and len(value) == 3 and value[2] == "1", "not an affine point of G1")
    p = curve.first(*(number(text, curve.FIELD) for text in value[:2]))
    need(p, "infinity or not on the curve")
    return p


def second_point(value):
    need(isinstance(value, list) and len(value) == 3 and value[2] == ["1", "0"], "not an affine point of G2")
    need(all(isinstance(pair, list) and len(pair) == 2 for pair in value[:2]), "not pairs")
    p = curve.second(*(tuple(number(text, curve.FIELD) for text in pair) for pair in value[:2]))
    need(p, "infinity, not on the twist or outside the subgroup")
    return p


def kind(value):
    need(isinstance(value, dict) and value.get("protocol") == "groth16" and value.get("curve") == "bn128",
         "not Groth16 over bn128")
    return value


def need_sound(beta, gamma, delta, inputs):
    """No key for which anybody makes proofs: none of these points is another one, or its opposite."""
    same_x = lambda points: len({point[0] for point in points}) < len(points)  # noqa: E731
    need(not same_x((beta, gamma, delta)), "beta, gamma and delta are not different")
    need(not same_x(inputs), "two inputs have one point")


def verify_strictly(key, proof, public):
    key, proof = kind(key), kind(proof)
    need(isinstance(public, list) and len(public) == key.get("nPublic"), "another count of public signals")
    need(isinstance(key.get("IC"), list) and len(key["IC"]) == len(public) + 1, "IC does not fit nPublic")
    signals = [number(text, ORDER) for text in public]
    total, *inputs = (first_point(point) for point in key["IC"])
    for signal, point in zip(signals, inputs):
        total = curve.add(total, curve.multiply(signal, point))
    alpha = first_point(key.get("vk_alpha_1"))
    beta, gamma, delta = (second_point(key.get(name)) for name in ("vk_beta_2", "vk_gamma_2", "vk_delta_2"))
    need_sound(beta, gamma, delta, inputs)
    a, b, c = first_point(proof.get("pi_a")), second_point(proof.get("pi_b")), first_point(proof.get("pi_c"))
    return curve.product_is_one([(curve.negate(a), b), (alpha, beta), (total, gamma), (c, delta)])


def verify(key_text, proof_text, public_text):
    """From the three files' text; whatever is malformed is not valid."""
    try:
        return verify_strictly(*(json.loads(text) for text in (key_text, proof_text, public_text)))
    except (Malformed, ValueError, RecursionError):
        return False


# --- proving ------------------------------------------------------------------------------------

FIELD_SHIFT, ORDER_SHIFT = pow(2**256, -1, curve.FIELD), pow(2**256, -1, ORDER)
GENERATOR = 5  # of the multiplicative group of F_r; snarkjs takes its roots of unity from the same


def little(data, start=0, size=32):
    return int.from_bytes(data[start:start + size], "little")


def sections(data, magic):
    """iden3's binary container: each section by its number."""
    need(data[:4] == magic, "another kind of file")
    found, place = {}, 12
    for _ in range(little(data, 8, 4)):
        section, size = little(data, place, 4), little(data, place + 4, 8)
        found[section] = data[place + 12:place + 12 + size]
        place += 12 + size
    need(place == len(data), "cut or longer than its sections")
    return found


def coordinate(data, start):
    return little(data, start) * FIELD_SHIFT % curve.FIELD


def first_points(data):
    return [curve.first(coordinate(data, i), coordinate(data, i + 32)) for i in range(0, len(data), 64)]


def second_points(data):
    found = []
    for i in range(0, len(data), 128):
        x0, x1, y0, y1 = (coordinate(data, i + 32 * k) for k in range(4))
        found.append(None if (x0, x1, y0, y1) == (0, 0, 0, 0) else ((x0, x1), (y0, y1)))
    return found


def combine(scalars, points):
    total = None
    for scalar, point in zip(scalars, points):
        if scalar and point is not None:
            total = curve.add(total, curve.multiply(scalar, point))
    return total


def evaluate(values, at):
    """From the values at the n-th roots of unity (root^i, in order) to those at at[k], barycentrically."""
    n = len(values)
    root = pow(GENERATOR, (ORDER - 1) // n, ORDER)
    found = []
    for x in at:
        total, w = 0, 1
        for value in values:
            total += value * w * pow(x - w, -1, ORDER)
            w = w * root % ORDER
        found.append((pow(x, n, ORDER) - 1) * pow(n, -1, ORDER) * total % ORDER)
    return found


def odd_powers(n):
    """The odd coset: the 2n-th roots of unity that are no n-th roots."""
    root = pow(GENERATOR, (ORDER - 1) // (2 * n), ORDER)
    return [pow(root, 2 * i + 1, ORDER) for i in range(n)]


def texts(p):
    return [str(p[0][0]), str(p[1][0]), "1"]


def prove(zkey, wtns, r, s):
    """The texts of proof.json and public.json, with the two blinding scalars given."""
    key, witness_file = sections(zkey, b"zkey"), sections(wtns, b"wtns")
    values = witness_file[2]
    witness = [little(values, i) for i in range(0, len(values), 32)]
    head = key[2]
    need(little(head, 4) == curve.FIELD and little(head, 40) == ORDER, "another curve")
    variables, public_count, domain = (little(head, 72 + 4 * k, 4) for k in range(3))
    need(len(witness) == variables and witness[0] == 1, "not this circuit's witness")
    alpha, beta_1 = first_points(head[84:212])
    beta_2, = second_points(head[212:340])
    delta_1, = first_points(head[468:532])
    delta_2, = second_points(head[532:660])

    sides = [0] * domain, [0] * domain
    for i in range(4, len(key[4]), 44):
        matrix, constraint, signal = (little(key[4], i + 4 * k, 4) for k in range(3))
        factor = little(key[4], i + 12) * ORDER_SHIFT * ORDER_SHIFT
        sides[matrix][constraint] = (sides[matrix][constraint] + factor * witness[signal]) % ORDER
    product = [a * b % ORDER for a, b in zip(*sides)]
    coset = odd_powers(domain)
    on_coset = [evaluate(side, coset) for side in (*sides, product)]
    quotient = [(a * b - c) % ORDER for a, b, c in zip(*on_coset)]

    a = curve.add(combine(witness, first_points(key[5])), curve.add(alpha, curve.multiply(r, delta_1)))
    b_1 = curve.add(combine(witness, first_points(key[6])), curve.add(beta_1, curve.multiply(s, delta_1)))
    b_2 = curve.add(combine(witness, second_points(key[7])), curve.add(beta_2, curve.multiply(s, delta_2)))
    private, high = first_points(key[8]), first_points(key[9])
    c = curve.add(combine(witness[public_count + 1:], private), combine(quotient, high))
    c = curve.add(c, curve.add(curve.multiply(s, a), curve.multiply(r, b_1)))
    c = curve.add(c, curve.multiply(-r * s % ORDER, delta_1))
    proof = {"pi_a": texts(a), "pi_b": [list(map(str, b_2[0])), list(map(str, b_2[1])), ["1", "0"]],
             "pi_c": texts(c), "protocol": "groth16", "curve": "bn128"}
    return json.dumps(proof), json.dumps([str(value) for value in witness[1:public_count + 1]])
