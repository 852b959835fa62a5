"""How a server misbehaves: one fault at a time, for the calls whose name it matches, as often as told."""

import json
import threading

HELD_S = 60  # at most: a test that failed is not to wait for ever


class Faults:
    KINDS = ("delay", "drop", "half", "drop_after", "401", "429", "503", "malformed", "oversize", "redirect")

    def __init__(self):
        self.kind, self.call, self.times = None, None, 0
        self.calls = []  # all that were made
        self.lock, self.cleared = threading.Lock(), threading.Event()

    def set(self, kind, call, times=1):
        """delay: until `clear`; drop: before it is done; drop_after: it is done and not answered; half: the answer
        is cut.
        """
        assert kind in self.KINDS
        with self.lock:
            self.kind, self.call, self.times, self.cleared = kind, call, times, threading.Event()

    def clear(self):
        with self.lock:
            self.kind = None
            self.cleared.set()

    def take(self, call):
        with self.lock:
            self.calls.append(call)
            if self.kind is None or self.times == 0 or not call.startswith(self.call):
                return None
            self.times -= 1
            kind, cleared = self.kind, self.cleared
        if kind == "delay":
            cleared.wait(HELD_S)
        return kind

    def count(self, call):
        with self.lock:
            return sum(1 for made in self.calls if made.startswith(call))


OVERSIZE = 100 << 20  # more than any link takes


def garbage(kind, good):
    """A body that is none."""
    text = json.dumps(good).encode()
    return text[: len(text) // 2] + b"}]" if kind == "malformed" else text[: len(text) // 2]
