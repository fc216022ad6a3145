"""What a job does with rows, kind by kind, behind one protocol: select, work, write."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import codec
from ..envelope import Envelope
from ..errors import DecryptionError, Failure
from ..opening import Reading
from ..tenancy import Tenancy
from .faults import RowError
from .kind import Kind
from .move import Authority, Move, ValueType
from .names import quoted
from .pending import pending_sql
from .setting import Cells, Setting, Step
from .sources import PlainSource, Raw, Scene, Selected, Source
from .tenants import joined, sealed, selected_row, selected_tenant

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


@dataclass(frozen=True)
class Encrypt:
    """The pair of each plaintext."""

    move: Move
    envelope: Envelope = field(repr=False)
    source: Source

    @property
    def pending(self) -> str:
        return pending_sql(Kind.ENCRYPT, self.move)

    @property
    def setting(self) -> Setting:
        there = f"{quoted(self.move.plaintext)} IS NOT NULL"
        content, dek = quoted(self.move.content), quoted(self.move.dek)
        pair = [(content, "bytea", "bytea"), (dek, "bytea", "bytea")]
        return Setting(pair, self.pending, f"{there} AND {content} IS NOT NULL")

    @property
    def selected(self) -> Sequence[Selected]:
        plaintext = self.source.select(quoted(self.move.plaintext))
        return [*selected_tenant(self.move), *selected_row(self.move), *plaintext]

    def work(self, rows: Sequence[Raw]) -> Cells:
        first = len(selected_tenant(self.move)) + len(selected_row(self.move))
        old = [row[first:] for row in rows] if first else rows
        values = _values(self.source, old, self.move, self.envelope)
        encode = codec.encode_text if self.move.type is ValueType.TEXT else codec.encode_bytes
        tagged = codec.encode_all(encode, values, self.move.place)
        return sealed(self.envelope, self.move, tagged, rows)


@dataclass(frozen=True)
class Decrypt:
    """The plaintext of each pair. `type`: the plaintext column's, as SQL."""

    move: Move
    envelope: Envelope = field(repr=False)
    type: str

    @property
    def pending(self) -> str:
        return pending_sql(Kind.DECRYPT, self.move)

    @property
    def setting(self) -> Setting:
        plaintext, content = quoted(self.move.plaintext), quoted(self.move.content)
        array = "text" if self.move.type is ValueType.TEXT else "bytea"
        promise = f"{plaintext} IS NOT NULL AND {content} IS NOT NULL"
        return Setting([(plaintext, array, self.type)], self.pending, promise)

    @property
    def selected(self) -> Sequence[Selected]:
        return _pair(self.move)

    def work(self, rows: Sequence[Raw]) -> Cells:
        return [_opened(self.move, self.envelope)(rows)]


@dataclass(frozen=True)
class Verify:
    """Opens every pair and compares it with the plaintext, where that is kept, in constant time.

    `padded`: the plaintext is `char(n)`, whose blanks at the end are no part of its value. `kept`: whether
    its column still is there.
    """

    move: Move
    envelope: Envelope = field(repr=False)
    source: Source
    padded: bool = False
    kept: bool = True
    setting: None = None

    @property
    def pending(self) -> str:
        return pending_sql(Kind.VERIFY, self.move, kept=self.kept)

    @property
    def selected(self) -> Sequence[Selected]:
        if not self.kept:
            return [Selected("false"), *_pair(self.move)]
        plaintext = quoted(self.move.plaintext)
        kept = Selected(f"{plaintext} IS NOT NULL")
        return [kept, *_pair(self.move), *self.source.select(plaintext)]

    def work(self, rows: Sequence[Raw]) -> Cells:
        for kept, dek, content, *_ in rows:
            self._check_form(kept, dek, content)
        end = 1 + len(_pair(self.move))
        opened = _opened(self.move, self.envelope)([row[1:end] for row in rows])
        places = [place for place, row in enumerate(rows) if row[0]]
        if not places:
            return []
        values = _values(self.source, [rows[place][end:] for place in places], self.move, self.envelope)
        same = hmac.compare_digest
        stored = _unpadded if self.padded else _bytes
        for place, value in zip(places, values, strict=True):
            if not same(stored(value), stored(opened[place])):
                raise RowError("mismatch")
        return []

    def _check_form(self, kept: bool, dek: bytes | None, content: bytes | None) -> None:
        if (dek is None) != (content is None):
            raise DecryptionError(Failure.LONE_CELL, self.move.place)
        if content is None:
            raise RowError("pending" if self.move.authority is Authority.PLAINTEXT else "stale plaintext")
        if not kept and self.move.authority is Authority.PLAINTEXT:
            raise RowError("stale pair")


@dataclass(frozen=True)
class NullOut:
    """Sets the plaintext to NULL where the pair is there."""

    move: Move

    @property
    def pending(self) -> str:
        return pending_sql(Kind.NULL, self.move)

    @property
    def setting(self) -> Setting:
        gone = f"{quoted(self.move.plaintext)} IS NULL AND {quoted(self.move.content)} IS NOT NULL"
        return Setting([(quoted(self.move.plaintext), "", "NULL")], self.pending, gone)

    @property
    def selected(self) -> Sequence[Selected]:
        return []

    def work(self, rows: Sequence[Raw]) -> Cells:
        return []


def make_step(
    kind: Kind, move: Move, envelope: Callable[[], Envelope], source: Source | None, type_: str | None
) -> Step:
    """The step of a kind; `envelope` is asked only where one is needed.

    `type_`: the plaintext column's as SQL; None where there is no such column any more, which only `verify`
    does without.
    """
    old = source or PlainSource()
    if kind is Kind.NULL:
        return NullOut(move)
    if kind is Kind.DECRYPT:
        assert type_ is not None  # noqa: S101 - refused before
        return Decrypt(move, envelope(), type_)
    if kind is Kind.ENCRYPT:
        return Encrypt(move, envelope(), old)
    padded = type_ == "pg_catalog.bpchar"
    return Verify(move, envelope(), old, padded=padded, kept=type_ is not None)


def _pair(move: Move) -> list[Selected]:
    cells = [Selected(quoted(move.dek)), Selected(quoted(move.content))]
    return [*cells, *selected_tenant(move), *selected_row(move)]


def _values(source: Source, rows: Sequence[Raw], move: Move, envelope: Envelope) -> list[Any]:
    """As a source reads them; text may come as UTF-8."""
    values = source.values(rows, Scene(move.context, move.type, envelope))
    types = set(map(type, values))
    if type(None) in types:
        raise RowError("read as NULL")
    if move.type is ValueType.TEXT and bytes in types:
        return [value.decode() if type(value) is bytes else value for value in values]
    return list(values)


def _opened(move: Move, envelope: Envelope) -> Callable[[Sequence[Raw]], list[Any]]:
    """A function from rows of a pair, as `_pair` selects it, to values; all keys fetched in one wave."""
    reading = Reading(move.context, tenancy=None if move.tenant is None else Tenancy.ROW)
    opener = envelope.opener(reading)
    read = opener.reader(codec.decode_text if move.type is ValueType.TEXT else codec.decode_bytes)

    def open_rows(rows: Sequence[Raw]) -> list[Any]:
        cells = [joined(move, dek, content, place) for dek, content, *place in rows]
        unlocked = envelope.unlock_columns([(reading, cells)])[0]
        return [read(pair) for pair in unlocked if pair is not None]

    return open_rows


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _unpadded(value: Any) -> bytes:
    return _bytes(value).rstrip(b" ")
