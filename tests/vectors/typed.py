"""Vectors of typed plaintexts: the tag and payload of each value, and what no reader may take for one."""

import struct
from collections.abc import Iterator
from typing import Any

Vector = dict[str, Any]

_DAY = 86_400_000_000


def _opens(kind: str, name: str, payload: bytes, value: str) -> Vector:
    told = {"name": f"plaintext/{kind}-{name}", "kind": "plaintext", "type": kind}
    return {**told, "tagged": (_TAGS[kind] + payload).hex(), "value": value}


def _fails(kind: str, name: str, tagged: bytes) -> Vector:
    told = {"name": f"plaintext/{kind}-{name}", "kind": "plaintext", "type": kind}
    return {**told, "tagged": tagged.hex(), "failure": "type"}


_TAGS = {
    "boolean": b"\x03",
    "integer": b"\x04",
    "decimal": b"\x05",
    "float": b"\x06",
    "date": b"\x07",
    "datetime": b"\x08",
    "time": b"\x09",
    "interval": b"\x0a",
    "uuid": b"\x0b",
    "json": b"\x0c",
}

_VALUES: dict[str, dict[str, tuple[bytes, str]]] = {
    "boolean": {"false": (b"\0", "false"), "true": (b"\1", "true")},
    "integer": {
        "zero": (b"\0", "0"),
        "127": (b"\x7f", "127"),
        "128": (b"\0\x80", "128"),
        "minus-1": (b"\xff", "-1"),
        "minus-128": (b"\x80", "-128"),
        "minus-129": (b"\xff\x7f", "-129"),
        "2-to-64": (b"\1" + bytes(8), "18446744073709551616"),
    },
    "decimal": {
        "zero": (b"0", "0"),
        "zero-scale-2": (b"0.00", "0.00"),
        "scale-kept": (b"-1.50", "-1.50"),
        "nan": (b"NaN", "NaN"),
        "infinity": (b"Infinity", "Infinity"),
        "minus-infinity": (b"-Infinity", "-Infinity"),
    },
    "float": {
        "one-tenth": (struct.pack(">d", 0.1), "0.1"),
        "minus-zero": (struct.pack(">d", -0.0), "-0"),
        "least": (struct.pack(">d", 5e-324), "5e-324"),
        "minus-infinity": (struct.pack(">d", float("-inf")), "-Infinity"),
        "nan": (bytes.fromhex("7ff8000000000000"), "NaN"),
    },
    "date": {
        "epoch": (bytes(4), "1970-01-01"),
        "day-before": (b"\xff" * 4, "1969-12-31"),
        "leap": (struct.pack(">i", 19_782), "2024-02-29"),
        "first": (struct.pack(">i", -719_162), "0001-01-01"),
        "last": (struct.pack(">i", 2_932_896), "9999-12-31"),
    },
    "datetime": {
        "naive": (struct.pack(">q", 1), "1970-01-01T00:00:00.000001"),
        "first": (struct.pack(">q", -719_162 * _DAY), "0001-01-01T00:00:00.000000"),
        "utc": (struct.pack(">qi", 0, 0), "1970-01-01T00:00:00.000000+00:00"),
        "east": (struct.pack(">qi", -7_200_000_000, 7200), "1970-01-01T00:00:00.000000+02:00"),
        "seconds": (struct.pack(">qi", 30_000_000, -30), "1970-01-01T00:00:00.000000-00:00:30"),
        "last-west": (
            struct.pack(">qi", 2_932_897 * _DAY - 1 + 43_200_000_000, -43_200),
            "9999-12-31T23:59:59.999999-12:00",
        ),
    },
    "time": {
        "midnight": (bytes(8), "00:00:00.000000"),
        "last": (struct.pack(">q", _DAY - 1), "23:59:59.999999"),
        "west": (struct.pack(">qi", 3_600_000_000, -19_800), "01:00:00.000000-05:30"),
    },
    "interval": {
        "zero": (bytes(12), "0 0"),
        "minus-1-us": (struct.pack(">iq", -1, _DAY - 1), "-1 86399999999"),
        "longest": (struct.pack(">iq", 999_999_999, _DAY - 1), "999999999 86399999999"),
    },
    "uuid": {"any": (bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f")},
    "json": {
        "null": (b"null", "null"),
        "object": ('{"名": [1, null]}'.encode(), '{"名": [1, null]}'),
        "spaces": (b" 1 ", " 1 "),
    },
}

_WRONG: dict[str, dict[str, bytes]] = {
    "boolean": {"empty": b"", "two": b"\2", "twice": b"\1\1", "digit": b"1"},
    "integer": {"empty": b"", "padded": b"\0\1", "padded-minus": b"\xff\xff", "two-zeros": b"\0\0"},
    "decimal": {
        "empty": b"",
        "plus": b"+1",
        "minus-zero": b"-0.0",
        "leading-zero": b"01",
        "no-digit-before": b".5",
        "no-digit-after": b"5.",
        "exponent": b"1E3",
        "space": b" 1",
        "newline": b"1\n",
        "snan": b"sNaN",
        "minus-nan": b"-NaN",
        "inf": b"inf",
        "arabic": "١".encode(),
        "too-precise": b"0." + b"0" * 16_383 + b"1",
    },
    "float": {"short": bytes(7), "long": bytes(9), "other-nan": bytes.fromhex("7ff8000000000001")},
    "date": {
        "short": bytes(3),
        "long": bytes(5),
        "year-0": struct.pack(">i", -719_163),
        "year-10000": struct.pack(">i", 2_932_897),
    },
    "datetime": {
        "short": bytes(7),
        "between": bytes(10),
        "long": bytes(13),
        "year-0": struct.pack(">q", -719_162 * _DAY - 1),
        "year-10000": struct.pack(">q", 2_932_897 * _DAY),
        "wall-year-10000": struct.pack(">qi", 2_932_897 * _DAY - 1, 1),
        "offset-of-a-day": struct.pack(">qi", 0, 86_400),
        "offset-of-minus-a-day": struct.pack(">qi", 0, -86_400),
    },
    "time": {
        "short": bytes(7),
        "negative": b"\xff" * 8,
        "of-a-day": struct.pack(">q", _DAY),
        "offset-of-a-day": struct.pack(">qi", 0, 86_400),
    },
    "interval": {
        "short": bytes(11),
        "long": bytes(13),
        "negative-rest": struct.pack(">iq", 0, -1),
        "rest-of-a-day": struct.pack(">iq", 0, _DAY),
        "beyond": struct.pack(">iq", 1_000_000_000, 0),
        "beyond-minus": struct.pack(">iq", -1_000_000_000, 0),
    },
    "uuid": {"short": bytes(15), "long": bytes(17), "text": b"00010203-0405-0607-0809-0a0b0c0d0e0f"},
    "json": {
        "empty": b"",
        "cut": b"[1",
        "two": b"1 2",
        "nan": b"NaN",
        "infinity": b"[-Infinity]",
        "single-quotes": b"{'a': 1}",
        "not-utf8": b'"\xff"',
        "bom": "\ufeff1".encode(),
    },
}


def values() -> Iterator[Vector]:
    """What each type holds, at its edges."""
    for kind, named in _VALUES.items():
        for name, (payload, value) in named.items():
            yield _opens(kind, name, payload, value)


def wrong() -> Iterator[Vector]:
    """Another form of a value, a value out of range, and none at all."""
    for kind, named in _WRONG.items():
        for name, payload in named.items():
            yield _fails(kind, name, _TAGS[kind] + payload)


def other_tags() -> Iterator[Vector]:
    """A value of one type where another is expected."""
    for kind, tag in _TAGS.items():
        payload = next(iter(_VALUES[kind].values()))[0]
        for other in (0x00, *range(0x01, 0x0D), 0x40 | tag[0], 0x80 | tag[0]):
            if other != tag[0]:
                yield _fails(kind, f"tagged-{other:02x}", bytes([other]) + payload)
        yield _fails(kind, "no-tag", b"")


def padded() -> Iterator[Vector]:
    """Bit 0x40 of the tag: the length of the payload, the payload, zeros."""
    text, integer = b"\x41", b"\x44"
    for name, kind, tag, payload, zeros, value in (
        ("text", "text", text, b"abc", 8, "abc"),
        ("text-empty", "text", text, b"", 11, ""),
        ("text-no-zeros", "text", text, b"hello world", 0, "hello world"),
        ("text-ends-in-nul", "text", text, b"a\0", 9, "a\0"),
        ("integer", "integer", integer, b"\x7f", 10, "127"),
    ):
        tagged = tag + struct.pack(">I", len(payload)) + payload + bytes(zeros)
        told = {"name": f"plaintext/padded-{name}", "kind": "plaintext", "type": kind}
        yield {**told, "tagged": tagged.hex(), "value": value}
    whole = text + struct.pack(">I", 3) + b"abc" + bytes(8)
    for name, kind, tagged in (
        ("cut-head", "text", whole[:4]),
        ("no-length", "text", text),
        ("length-beyond", "text", text + struct.pack(">I", 12) + whole[5:]),
        ("length-huge", "text", text + b"\xff" * 4 + whole[5:]),
        ("filled-otherwise", "text", whole[:-1] + b"\1"),
        ("filled-otherwise-first", "text", whole[:8] + b"\1" + whole[9:]),
        ("length-short", "text", text + struct.pack(">I", 2) + whole[5:]),
        ("integer-as-text", "text", integer + struct.pack(">I", 1) + b"\x7f" + bytes(10)),
        ("integer-long", "integer", integer + struct.pack(">I", 2) + b"\0\x7f" + bytes(9)),
        ("not-utf8", "text", text + struct.pack(">I", 1) + b"\xff" + bytes(10)),
        ("other-bit", "text", b"\x81" + struct.pack(">I", 3) + b"abc" + bytes(8)),
        ("both-bits", "text", b"\xc1" + struct.pack(">I", 3) + b"abc" + bytes(8)),
    ):
        yield _fails(kind, f"padded-{name}", tagged) | {"name": f"plaintext/padded-{name}"}
