"""Arrays as PostgreSQL's binary format has them, made whole: psycopg's own take a call for each element.

PostgreSQL, `array_recv` in src/backend/utils/adt/arrayfuncs.c: dimensions, whether there are NULLs, the
element's type, then length and lower bound of each dimension, then each element after its length.
"""

import struct
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

__tracebackhide__ = True  # pytest prints no locals of these frames: decrypted values pass through

OIDS = {"text": 25, "bytea": 17}
"""Types of elements: their numbers in pg_type.dat, the same on every server."""

_HEAD = struct.Struct("!iiIii")
_LENGTH = struct.Struct("!i")


class Packed(bytes):
    """An array's bytes; its statement says the type: `%b::text[]`."""

    def __repr__(self) -> str:
        return "Packed()"


def packed(type_: str, items: Sequence[Any]) -> Packed:
    """One dimension of `text`, from `str`, or of `bytea`, from `bytes`; None for a NULL."""
    if not items:
        return Packed(struct.pack("!iiI", 0, 0, OIDS[type_]))
    if None in items:
        return _packed_with_nulls(type_, items)
    each = [item.encode() for item in items] if type_ == "text" else items
    parts = [_HEAD.pack(1, 0, OIDS[type_], len(each), 1)] * (2 * len(each) + 1)
    parts[1::2] = map(_LENGTH.pack, map(len, each))
    parts[2::2] = each
    return Packed(b"".join(parts))


def _packed_with_nulls(type_: str, items: Sequence[Any]) -> Packed:
    parts = [_HEAD.pack(1, 1, OIDS[type_], len(items), 1)]
    for item in items:
        cell = item.encode() if isinstance(item, str) else item
        parts += [_LENGTH.pack(-1)] if cell is None else [_LENGTH.pack(len(cell)), cell]
    return Packed(b"".join(parts))


def register(connection: "psycopg.Connection[Any]") -> None:
    """Has a connection send what is packed as it is."""
    connection.adapters.register_dumper(Packed, _PackedDumper)


class _PackedDumper(Dumper):
    format = Format.BINARY
    oid = 0  # not said: the statement's cast says it

    def dump(self, obj: Packed) -> Packed:
        return obj
