"""Signed notes (C2SP signed-note) and checkpoints (C2SP tlog-checkpoint), read and verified."""

import base64
import hashlib

from reference import ed25519


class Verifier:
    """A key as "name+id+base64(01 || public key)"."""

    def __init__(self, text):
        self.name, key_id, encoded = text.split("+", 2)
        data = base64.b64decode(encoded, validate=True)
        assert data[0] == 1 and len(data) == 33, "not an Ed25519 verifier: %s" % text
        self.public_key = data[1:]
        self.key_id = bytes.fromhex(key_id)
        expected = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        assert self.key_id == expected, "the verifier's key id is wrong"


def open_note(note, verifier):
    """The signed text; AssertionError unless one line is a right signature by the verifier."""
    text, separator, signatures = note.rpartition("\n\n")
    assert separator and signatures.endswith("\n"), "not a signed note: %r" % note
    text += "\n"
    for line in signatures.splitlines():
        mark, name, encoded = line.split(" ")
        assert mark == "\u2014", "not a signature line: %r" % line
        data = base64.b64decode(encoded, validate=True)
        if name == verifier.name and data[:4] == verifier.key_id:
            assert ed25519.verify(
                verifier.public_key, text.encode(), data[4:]
            ), "the note's signature is wrong"
            return text
    raise AssertionError("the note bears no signature by %s" % verifier.name)


def checkpoint(note, verifier):
    """(origin, size, root) of a signed checkpoint."""
    lines = open_note(note, verifier).splitlines()
    assert len(lines) >= 3, "not a checkpoint: %r" % note
    assert lines[1] == str(int(lines[1])), "the size is not a plain number"
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
