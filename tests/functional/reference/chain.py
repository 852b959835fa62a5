"""The event log's hash chain (src/store/event_log.h), recomputed from rows of the table `event`."""

import hashlib
import json

ABSENT = 2**64 - 1


def _number(value):
    return value.to_bytes(8, "little")


def _text(value):
    if value is None:
        return _number(ABSENT)
    data = value if isinstance(value, bytes) else value.encode()
    return _number(len(data)) + data


def genesis(node_id):
    return hashlib.blake2b(b"layerd/genesis/1" + node_id.encode("ascii"), digest_size=32).digest()


def event_hash(previous, seq, block, time_us, event_type, subject, body, last):
    return hashlib.blake2b(
        b"layerd/event/1"
        + previous
        + _number(seq)
        + _number(block)
        + _number(time_us)
        + (b"\x01" if last else b"\x00")
        + _text(event_type)
        + _text(subject)
        + _text(body),
        digest_size=32,
    ).digest()


def rows(database, after=0):
    return database.execute(
        "SELECT seq, block, time_us, type, subject, body, last, hash FROM event WHERE seq > ? ORDER BY seq",
        (after,),
    )


def verify(database, node_id):
    """Recomputes the whole chain; AssertionError names the first event that is wrong. Returns all hashes in
    order.
    """
    previous, hashes = genesis(node_id), []
    for seq, block, time_us, event_type, subject, body, last, stored in rows(database):
        assert seq == len(hashes) + 1, "event %d is missing" % (len(hashes) + 1)
        previous = event_hash(previous, seq, block, time_us, event_type, subject, body, last)
        assert previous == stored, "event %d does not hash to what is stored" % seq
        hashes.append(previous)
    return hashes


def line(row, version):
    """The line that subscribers get for a row of the table `event`."""
    seq, block, time_us, event_type, subject, body, last, stored = row
    parts = ['{"seq":%d,"block":%d,"ts":%d,"type":"%s","v":%d' % (seq, block, time_us, event_type, version)]
    if subject is not None:
        parts.append(',"subject":%s' % json.dumps(subject, ensure_ascii=False))
    parts.append(',"data":%s,"last":%s,"hash":"%s"}' % (body, "true" if last else "false", stored.hex()))
    return "".join(parts).encode()
