"""Vectors of blind indexes: what is digested of a value, under which key, and how much of it is kept."""

import hmac
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from . import reference as ref
from .reference import LABEL, fixed

Vector = dict[str, Any]

KEY, ID = fixed("index/key", 32), fixed("index/uuid", 16)
NAME = "patient.ssn_bidx"
SSN = b"\x01078-05-1120"
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"

_TEXTS: dict[str, tuple[list[str], str, str]] = {
    "casefold": (["casefold"], "STRAẞE Straße ΣΑΣ ÅÉ", "strasse strasse σασ åé"),
    "trim": (["trim"], f"{SPACES}\u200b\x1c a b \ufeff{SPACES}", "\u200b\x1c a b \ufeff"),
    "nfkc": (["nfkc"], "ﬁ Å e\u0301 ①", "fi Å é 1"),
    "email-domain": (["email-domain"], "a@b@Mail.Bücher.EXAMPLE", "mail.bücher.example"),
    "last": (["last(4)"], "a🙂bcd", "🙂bcd"),
    "first": (["first(2)"], "🙂e\u0301", "🙂e"),
    "in-order": (["trim", "casefold", "last(2)"], " NAß ", "ss"),
    "empty": ([], "", ""),
}
"""Expressions, a text, and what it comes to: written out, not computed."""

_DATE = -2_208_988_800_000_000
_OTHERS: dict[str, tuple[bytes, bytes]] = {
    "decimal-zeros": (b"\x05-1.500", b"\x05-1.5"),
    "decimal-whole": (b"\x05100.00", b"\x05100"),
    "float-minus-zero": (b"\x06\x80" + bytes(7), b"\x06" + bytes(8)),
    "datetime-offset": (b"\x08" + struct.pack(">qi", _DATE, 3600), b"\x08" + struct.pack(">qi", _DATE, 0)),
    "padded": (b"\x41" + (11).to_bytes(4, "big") + SSN[1:] + bytes(16), SSN),
}
"""A tagged plaintext, and the one that all equal to it have."""


def cells() -> Iterator[Vector]:
    """Known answers."""
    yield _cell("text", [SSN], [SSN])
    yield _cell("tenant", [SSN], [SSN], tenant="acme")
    yield _cell("two-columns", [SSN, b"\x04\x00"], [SSN, b"\x04\x00"])
    yield {**_told("null", [SSN.hex(), None], {}), "cell": None}
    for bits in (8, 12, 256):
        yield _cell(f"bits-{bits}", [SSN], [SSN], bits=bits)
    for name, (expressions, text, comes_to) in _TEXTS.items():
        values = [[b"\x01" + each.encode()] for each in (text, comes_to)]
        yield _cell(name, *values, expressions=expressions)
    for name, (value, same) in _OTHERS.items():
        yield _cell(name, [value], [same])


def refused() -> Iterator[Vector]:
    """What has no digest."""
    bad: dict[str, Vector] = {
        "empty-name": {"index": ""},
        "empty-tenant": {"tenant": ""},
        "long-name": {"index": "x" * 65_536},
        "long-tenant": {"tenant": "é" * 32_768},
    }
    for name, options in bad.items():
        yield {**_told(name, [SSN.hex()], options), "failure": "context"}
    values = {
        "json": b'\x0c{"a":1}',
        "json-padded": b"\x4c" + (2).to_bytes(4, "big") + b"[]" + bytes(20),
        "json-null": b"\x0cnull",
        "padding-cut": b"\x41\0\0",
        "padding-filled": b"\x41" + (1).to_bytes(4, "big") + b"ab" + bytes(16),
        "padding-beyond": b"\x41" + (20).to_bytes(4, "big") + b"ab",
    }
    for name, value in values.items():
        yield {**_told(name, [value.hex()], {}), "failure": "type"}
    for name in ("casefold()", "last", "last(0)", "last(256)", "last(04)", "upper", "CASEFOLD"):
        yield {**_told(f"expression-{name}", [SSN.hex()], {"expressions": [name]}), "failure": "context"}


def context(options: Vector) -> bytes:
    """The canonical bytes of an index's context."""
    names = {"index": options.get("index", NAME)}
    if options.get("expressions"):
        names["expressions"] = ",".join(options["expressions"])
    if "tenant" in options:
        names["tenant"] = options["tenant"]
    return ref.encode(names)


def _cell(name: str, values: Sequence[bytes], same: Sequence[bytes], **options: Any) -> Vector:
    message = bytes([len(same)]) + b"".join(len(each).to_bytes(4, "big") + each for each in same)
    subkey = ref.kdf(KEY, LABEL + "index", context(options))[:32]
    digest = int.from_bytes(hmac.digest(subkey, message, "sha256"), "big")
    bits = options.get("bits", 128)
    kept = digest >> (256 - bits) << (-bits % 8)
    cell = ID[:4] + kept.to_bytes(-(-bits // 8), "big")
    return {**_told(name, [each.hex() for each in values], options), "cell": cell.hex()}


def _told(name: str, values: Sequence[str | None], options: Vector) -> Vector:
    of = {"index": NAME, "expressions": [], "bits": 128, **options}
    under = {"key": KEY.hex(), "id": ID.hex()}
    return {"name": f"index/{name}", "kind": "index", **under, **of, "values": values}
