"""How a server misbehaves: one fault at a time, for the calls whose name it matches, as often as told."""

import json


class Faults:
    KINDS = ("delay", "drop", "half", "drop_after", "401", "429", "503", "malformed", "oversize", "redirect")

    def __init__(self):
        self.kind, self.call, self.times = None, None, 0
        self.calls = []  # all that were made

    def set(self, kind, call, times=1):
        """drop: before it is done; drop_after: it is done and not answered; half: the answer is cut."""
        assert kind in self.KINDS
        self.kind, self.call, self.times = kind, call, times

    def clear(self):
        self.kind = None

    def take(self, call):
        self.calls.append(call)
        if self.kind is None or self.times == 0 or not call.startswith(self.call):
            return None
        self.times -= 1
        return self.kind

    def count(self, call):
        return sum(1 for made in self.calls if made.startswith(call))


OVERSIZE = 100 << 20  # more than any link takes


def garbage(kind, good):
    """A body that is none."""
    text = json.dumps(good).encode()
    return text[: len(text) // 2] + b"}]" if kind == "malformed" else text[: len(text) // 2]
