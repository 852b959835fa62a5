"""Writes ring_vectors.json, the known answers of both rings, to standard output. Own: no published ones
exist for ristretto255. All inputs stand in the file, so that it can be checked without this program.
"""

import hashlib
import json

import reference_bulletproofs as bulletproofs
import reference_merlin as merlin
import reference_ring as ring
import reference_ristretto as group

ABOUT = (
    "Own known answers, made by the second implementation (tests/unit/proof/reference_ring.py), as rings.md "
    "says. Transcript: Merlin with `label`, nothing appended before. Ring keys P = x B~. `random` is what "
    "Merlin's transcript randomness is finalized with. linkable (bLSAG): signature = I | c0 | s_i. "
    "confidential (CLSAG): signature = I | D | c0 | s_i; members are key and commitment in order; "
    "difference = z with C_index - C' = z B~; value and blindings show how the commitments were made. All "
    "bytes are hex; scalars little-endian.")


def scalar(*words):
    return group.scalar_wide(hashlib.sha512(" ".join(map(str, words)).encode()).digest())


def vectors():
    images, linkable, confidential = [], [], []
    for i in range(4):
        secret = group.scalar_encode(scalar("image", i))
        key, image = ring.key_and_image(secret)
        images.append({"secret": secret.hex(), "key": key.hex(),
                       "image_base": group.encode(ring.image_base(key)).hex(), "image": image.hex()})
    for count, index, message in ((2, 0, b""), (2, 1, b"two"), (3, 1, b"three"), (11, 10, bytes(range(200)))):
        secrets = [group.scalar_encode(scalar("linkable", count, index, i)) for i in range(count)]
        keys = [ring.key_and_image(secret)[0] for secret in secrets]
        random = hashlib.sha256(b"linkable random %d %d" % (count, index)).digest()
        label = b"layerd test linkable"
        signature = ring.sign(merlin.Transcript(label), keys, message, index, secrets[index], random)
        linkable.append({"label": label.decode(), "message": message.hex(), "index": index,
                         "secret": secrets[index].hex(), "random": random.hex(),
                         "keys": [key.hex() for key in keys], "signature": signature.hex()})
    for count, index, message, value in ((2, 0, b"", 0), (2, 1, b"two", 1), (3, 2, b"three", 2**64 - 1),
                                         (11, 5, bytes(range(200)), 1000)):
        secrets = [group.scalar_encode(scalar("confidential", count, index, i)) for i in range(count)]
        blindings = [scalar("blinding", count, index, i) for i in range(count)]
        values = [value if i == index else 10 * i + 1 for i in range(count)]
        members = [(ring.key_and_image(secret)[0], bulletproofs.commit(v, blinding))
                   for secret, v, blinding in zip(secrets, values, blindings)]
        pseudo_blinding = scalar("pseudo", count, index)
        pseudo = bulletproofs.commit(value, pseudo_blinding)
        difference = group.scalar_encode(blindings[index] - pseudo_blinding)
        random = hashlib.sha256(b"confidential random %d %d" % (count, index)).digest()
        label = b"layerd test confidential"
        signature = ring.sign_confidential(merlin.Transcript(label), members, pseudo, message, index,
                                           secrets[index], difference, random)
        confidential.append({"label": label.decode(), "message": message.hex(), "index": index,
                             "value": str(value), "secret": secrets[index].hex(),
                             "blinding": group.scalar_encode(blindings[index]).hex(),
                             "pseudo_blinding": group.scalar_encode(pseudo_blinding).hex(),
                             "difference": difference.hex(), "random": random.hex(), "pseudo": pseudo.hex(),
                             "members": [[key.hex(), commitment.hex()] for key, commitment in members],
                             "signature": signature.hex()})
    return {"source": "own: tests/unit/proof/make_ring_vectors.py", "license": "as this project",
            "about": ABOUT, "images": images, "linkable": linkable, "confidential": confidential}


def text():
    return json.dumps(vectors(), indent=1) + "\n"


if __name__ == "__main__":
    print(text(), end="")
