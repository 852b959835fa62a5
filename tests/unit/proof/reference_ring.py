"""Linkable ring signatures on ristretto255 a second time, in plain Python, to compare the C code with.

bLSAG (Back's form of the linkable ring signature, image I = x Hp(P)) and CLSAG (Goodell, Noether,
RandomRun, ePrint 2019/654), with the transcripts that tests/unit/proof/rings.md states. Nothing here is
shared with the C code.
"""

import reference_bulletproofs as bulletproofs
import reference_keccak
import reference_merlin as merlin
import reference_ristretto as group

ORDER = group.ORDER
KEY_BASE = group.BLINDING_BASE  # P = x B~: one response serves the key and the difference of commitments
SIZE_MIN, SIZE_MAX = 2, 64
IMAGE_LABEL = b"layerd ring image base v1"


def image_base(key):
    return group.from_uniform(reference_keccak.sha3_512(IMAGE_LABEL + key))


def secret_decode(secret):
    """A secret is a canonical scalar that is not zero."""
    return group.scalar_decode(secret) or None


def key_and_image(secret):
    x = secret_decode(secret)
    if x is None:
        return None
    key = group.encode(group.multiply(x, KEY_BASE))
    return key, group.encode(group.multiply(x, image_base(key)))


def decode(data):
    """A point that may stand in a ring: canonical, not the identity."""
    return None if data == bytes(32) else group.decode(data)


def challenge(transcript, left, right):
    step = transcript.copy()
    step.append(b"L", group.encode(left))
    step.append(b"R", group.encode(right))
    return bulletproofs.challenge(step, b"c")


class Ring:
    """What sign and verify share once the statement is in the transcript: points of keys and of an image."""

    def __init__(self, transcript, keys, points, image):
        self.transcript, self.points, self.image = transcript, points, image
        self.image_bases = [image_base(key) for key in keys]

    def step(self, i, response, c):
        left = group.multiply_sum([(response, KEY_BASE), (c, self.points[i])])
        right = group.multiply_sum([(response, self.image_bases[i]), (c, self.image)])
        return challenge(self.transcript, left, right)

    def sign(self, index, secret, witnesses, random):
        count = len(self.points)
        source = merlin.Source(self.transcript, witnesses, random)
        nonce = group.scalar_wide(source.draw(64))
        others = [(index + 1 + k) % count for k in range(count - 1)]
        responses = {i: group.scalar_wide(source.draw(64)) for i in others}
        challenges = {}
        c = challenge(self.transcript, group.multiply(nonce, KEY_BASE),
                      group.multiply(nonce, self.image_bases[index]))
        for i in others:
            challenges[i] = c
            c = self.step(i, responses[i], c)
        challenges[index] = c
        responses[index] = (nonce - c * secret) % ORDER
        return b"".join(map(group.scalar_encode, [challenges[0]] + [responses[i] for i in range(count)]))

    def verify(self, data):
        scalars = [group.scalar_decode(data[i:i + 32]) for i in range(0, len(data), 32)]
        if None in scalars:
            return False
        c = scalars[0]
        for i, response in enumerate(scalars[1:]):
            c = self.step(i, response, c)
        return c == scalars[0]


def well_formed(keys):
    return SIZE_MIN <= len(keys) <= SIZE_MAX and len(set(keys)) == len(keys)


# --- the linkable ring (bLSAG) ------------------------------------------------------------------

def linkable_ring(transcript, keys, message, image):
    points, image_point = [decode(key) for key in keys], decode(image)
    if not well_formed(keys) or None in points or image_point is None:
        return None
    transcript = transcript.copy()
    transcript.append(b"dom-sep", b"layerd ring linkable v1")
    transcript.append_number(b"n", len(keys))
    for key in keys:
        transcript.append(b"P", key)
    transcript.append(b"I", image)
    transcript.append(b"m", message)
    return Ring(transcript, keys, points, image_point)


def sign(transcript, keys, message, index, secret, random):
    found = key_and_image(secret)
    if found is None or index >= len(keys) or found[0] != keys[index]:
        return None
    ring = linkable_ring(transcript, keys, message, found[1])
    if ring is None:
        return None
    return found[1] + ring.sign(index, secret_decode(secret), [(b"x", secret)], random)


def verify(transcript, keys, message, signature):
    if len(signature) != 32 * (len(keys) + 2):
        return False
    ring = linkable_ring(transcript, keys, message, signature[:32])
    return ring is not None and ring.verify(signature[32:])


# --- the ring with commitments (CLSAG) ----------------------------------------------------------

def confidential_ring(transcript, members, pseudo, message, image, auxiliary):
    """The ring over mu_P P_i + mu_C (C_i - C'), and mu_P and mu_C; None when something is not allowed."""
    keys, commitments = [key for key, _ in members], [commitment for _, commitment in members]
    points, hidden = [decode(key) for key in keys], [decode(commitment) for commitment in commitments]
    pseudo_point, image_point, auxiliary_point = decode(pseudo), decode(image), decode(auxiliary)
    if not well_formed(keys) or pseudo in commitments:
        return None
    if None in points or None in hidden or None in (pseudo_point, image_point, auxiliary_point):
        return None
    transcript = transcript.copy()
    transcript.append(b"dom-sep", b"layerd ring confidential v1")
    transcript.append_number(b"n", len(members))
    for key, commitment in members:
        transcript.append(b"P", key)
        transcript.append(b"C", commitment)
    for label, data in ((b"pseudo", pseudo), (b"I", image), (b"D", auxiliary), (b"m", message)):
        transcript.append(label, data)
    mu_p, mu_c = (bulletproofs.challenge(transcript, label) for label in (b"mu_P", b"mu_C"))
    weighted = [group.multiply_sum([(mu_p, point), (mu_c, commitment), (-mu_c, pseudo_point)])
                for point, commitment in zip(points, hidden)]
    image_sum = group.multiply_sum([(mu_p, image_point), (mu_c, auxiliary_point)])
    return Ring(transcript, keys, weighted, image_sum), mu_p, mu_c


def sign_confidential(transcript, members, pseudo, message, index, secret, difference, random):
    """`difference` opens C_index - C' = z B~."""
    found, z = key_and_image(secret), secret_decode(difference)
    if found is None or z is None or index >= len(members) or found[0] != members[index][0]:
        return None
    commitment, pseudo_point = group.decode(members[index][1]), group.decode(pseudo)
    if commitment is None or pseudo_point is None:
        return None
    if not group.equal(group.subtract(commitment, pseudo_point), group.multiply(z, group.BLINDING_BASE)):
        return None
    auxiliary = group.encode(group.multiply(z, image_base(found[0])))
    built = confidential_ring(transcript, members, pseudo, message, found[1], auxiliary)
    if built is None:
        return None
    ring, mu_p, mu_c = built
    sum_of_secrets = (mu_p * secret_decode(secret) + mu_c * z) % ORDER
    witnesses = [(b"x", secret), (b"z", difference)]
    return found[1] + auxiliary + ring.sign(index, sum_of_secrets, witnesses, random)


def verify_confidential(transcript, members, pseudo, message, signature):
    if len(signature) != 32 * (len(members) + 3):
        return False
    built = confidential_ring(transcript, members, pseudo, message, signature[:32], signature[32:64])
    return built is not None and built[0].verify(signature[64:])
