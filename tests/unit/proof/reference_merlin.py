"""STROBE-128 and Merlin transcripts a second time, in plain Python from their specifications
(strobe.sourceforge.io, specs v1.0.2, and merlin.cool), to compare the C code with.

Slow, and for tests alone. Nothing here is shared with the C code.
"""

import reference_keccak

RATE = 166
INBOUND, APPLICATION, CIPHER, TRANSPORT, META, KEYTREE = 1, 2, 4, 8, 16, 32


class Strobe:
    """The operations that Merlin uses: meta-AD, AD, PRF, KEY."""

    def __init__(self, protocol):
        first = bytes([1, RATE + 2, 1, 0, 1, 96]) + b"STROBEv1.0.2"
        self.state = bytearray(reference_keccak.permute(first + bytes(200 - len(first))))
        self.place = self.begin = self.flags = 0
        self.meta_ad(protocol, False)

    def copy(self):
        other = object.__new__(Strobe)
        other.state = bytearray(self.state)
        other.place, other.begin, other.flags = self.place, self.begin, self.flags
        return other

    def run(self):
        self.state[self.place] ^= self.begin
        self.state[self.place + 1] ^= 0x04
        self.state[RATE + 1] ^= 0x80
        self.state = bytearray(reference_keccak.permute(bytes(self.state)))
        self.place = self.begin = 0

    def step(self):
        self.place += 1
        if self.place == RATE:
            self.run()

    def absorb(self, data):
        for byte in data:
            self.state[self.place] ^= byte
            self.step()

    def begin_operation(self, flags, more):
        if more:
            assert flags == self.flags, "an operation continues only as itself"
            return
        previous, self.begin, self.flags = self.begin, self.place + 1, flags
        self.absorb([previous, flags])
        if flags & (CIPHER | KEYTREE) and self.place != 0:
            self.run()

    def meta_ad(self, data, more):
        self.begin_operation(META | APPLICATION, more)
        self.absorb(data)

    def ad(self, data, more):
        self.begin_operation(APPLICATION, more)
        self.absorb(data)

    def prf(self, size, more):
        self.begin_operation(INBOUND | APPLICATION | CIPHER, more)
        out = bytearray()
        for _ in range(size):
            out.append(self.state[self.place])
            self.state[self.place] = 0
            self.step()
        return bytes(out)

    def key(self, data, more):
        self.begin_operation(APPLICATION | CIPHER, more)
        for byte in data:
            self.state[self.place] = byte
            self.step()


def size_bytes(size):
    return size.to_bytes(4, "little")


class Transcript:
    """Merlin v1.0. Labels and data are bytes."""

    def __init__(self, label):
        self.strobe = Strobe(b"Merlin v1.0")
        self.append(b"dom-sep", label)

    def copy(self):
        other = object.__new__(Transcript)
        other.strobe = self.strobe.copy()
        return other

    def append(self, label, data):
        self.strobe.meta_ad(label, False)
        self.strobe.meta_ad(size_bytes(len(data)), True)
        self.strobe.ad(data, False)

    def append_number(self, label, value):
        self.append(label, value.to_bytes(8, "little"))

    def challenge(self, label, size):
        self.strobe.meta_ad(label, False)
        self.strobe.meta_ad(size_bytes(size), True)
        return self.strobe.prf(size, False)


class Source:
    """Merlin's transcript randomness: from the transcript's state, witnesses and random bytes given."""

    def __init__(self, transcript, witnesses, random):
        self.strobe = transcript.strobe.copy()
        for label, witness in witnesses:
            self.strobe.meta_ad(label, False)
            self.strobe.meta_ad(size_bytes(len(witness)), True)
            self.strobe.key(witness, False)
        self.strobe.meta_ad(b"rng", False)
        self.strobe.key(random, False)

    def draw(self, size):
        self.strobe.meta_ad(size_bytes(size), False)
        return self.strobe.prf(size, False)
