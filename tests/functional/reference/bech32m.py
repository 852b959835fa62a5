"""Bech32m (BIP-350): how accounts are shown."""

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CONSTANT = 0x2BC830A3
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _polymod(values):
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for i in range(5):
            if top >> i & 1:
                checksum ^= GENERATOR[i]
    return checksum


def _expand(prefix):
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _regroup(data, source, target, pad):
    accumulator, bits, out = 0, 0, []
    for value in data:
        accumulator = accumulator << source | value
        bits += source
        while bits >= target:
            bits -= target
            out.append(accumulator >> bits & (1 << target) - 1)
        accumulator &= (1 << bits) - 1
    if pad and bits:
        out.append(accumulator << target - bits & (1 << target) - 1)
    if not pad and (bits >= source or accumulator):
        raise ValueError("padding is not zero")
    return out


def encode(prefix, data):
    values = _regroup(data, 8, 5, True)
    checksum = _polymod(_expand(prefix) + values + [0] * 6) ^ CONSTANT
    values += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def decode(text):
    """(prefix, bytes); ValueError for anything that is not bech32m."""
    if text.lower() != text and text.upper() != text:
        raise ValueError("mixed case")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or len(rest) < 6:
        raise ValueError("no separator")
    values = [ALPHABET.index(character) for character in rest]
    if _polymod(_expand(prefix) + values) != CONSTANT:
        raise ValueError("wrong checksum")
    return prefix, bytes(_regroup(values[:-6], 5, 8, False))
