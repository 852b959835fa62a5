"""RFC 8785 (JSON Canonicalization Scheme) for values without fractions: what a signature covers.

Members are sorted by UTF-16 code units, there is no white space, strings use the shortest escapes, and
numbers are integers of at most 2^53 - 1 in magnitude.
"""

LARGEST = 2**53 - 1

SHORT_ESCAPES = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}


def _text(value):
    parts = ['"']
    for character in value:
        code = ord(character)
        if code in SHORT_ESCAPES:
            parts.append(SHORT_ESCAPES[code])
        elif code < 0x20:
            parts.append("\\u%04x" % code)
        else:
            parts.append(character)
    parts.append('"')
    return "".join(parts)


def _render(value):
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError("not exact in every reader: %d" % value)
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_render(item) for item in value) + "]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(_text(name) + ":" + _render(value[name]) for name in names) + "}"
    raise TypeError("no canonical form for %r" % (value,))


def encode(value):
    """The canonical bytes of a value made of dicts, lists, strings, integers, booleans and None."""
    return _render(value).encode("utf-8")
