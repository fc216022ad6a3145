"""What a job does with rows, kind by kind, behind one protocol: select, work, write."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ... import codec
from ...envelope import Envelope
from ...errors import DecryptionError, Failure
from ..postgres.faults import RowError
from ..postgres.names import quoted
from ..postgres.relation import Column
from ..subject.fill import Fill
from ..subject.kind import Kind
from ..subject.move import Authority, Move
from ..subject.valuetype import ValueType
from .filling import digests
from .pending import pending_sql
from .places import parted, sealed, selected_key, selected_place
from .setting import Cells, Setting, Step
from .sources import Raw, Selected, Source
from .values import ROUNDED, compared, opened, pair_of, read, usual_source, written

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


@dataclass(frozen=True)
class Encrypt:
    """The pair of each plaintext, and its digests where it is indexed."""

    move: Move
    envelope: Envelope = field(repr=False)
    source: Source
    fills: Sequence[Fill] = ()

    @property
    def pending(self) -> str:
        return pending_sql(Kind.ENCRYPT, self.move)

    @property
    def setting(self) -> Setting:
        there = f"{quoted(self.move.plaintext)} IS NOT NULL"
        content, dek = quoted(self.move.content), quoted(self.move.dek)
        pair = [(content, "bytea", "bytea"), (dek, "bytea", "bytea")]
        pair += [(quoted(each.column), "bytea", "bytea") for each in self.fills]
        return Setting(pair, self.pending, f"{there} AND {content} IS NOT NULL")

    @property
    def selected(self) -> Sequence[Selected]:
        plaintext = self.source.select(quoted(self.move.plaintext))
        return [*selected_place(self.move), *selected_key(self.move), *plaintext]

    def work(self, rows: Sequence[Raw]) -> Cells:
        first = len(selected_place(self.move)) + len(selected_key(self.move))
        old = [row[first:] for row in rows] if first else rows
        values = read(self.source, old, self.move, self.envelope)
        encode, pad = self.move.type.stored.form.encode, self.move.pad
        padded = encode if pad is None else lambda value: pad.pad(encode(value))
        tagged = codec.encode_all(padded, values, self.move.place)
        cells = sealed(self.envelope, self.move, tagged, rows)
        if not self.fills:
            return cells
        return [*cells, *digests(self.fills, self.envelope, tagged, parted(self.move, rows))]


@dataclass(frozen=True)
class Decrypt:
    """The plaintext of each pair. `type`: the plaintext column's, as SQL; `base`: its bare name."""

    move: Move
    envelope: Envelope = field(repr=False)
    type: str
    base: str

    @property
    def pending(self) -> str:
        return pending_sql(Kind.DECRYPT, self.move)

    @property
    def setting(self) -> Setting:
        plaintext, content = quoted(self.move.plaintext), quoted(self.move.content)
        array = "bytea" if self.move.type is ValueType.BYTES else "text"
        promise = f"{plaintext} IS NOT NULL AND {content} IS NOT NULL"
        if self.base in ROUNDED:
            promise += f" AND {plaintext} = v.envelope_w0::{self.type}"
        return Setting([(plaintext, array, self.type)], self.pending, promise)

    @property
    def selected(self) -> Sequence[Selected]:
        return pair_of(self.move)

    def work(self, rows: Sequence[Raw]) -> Cells:
        values = opened(self.move, self.envelope)(rows)
        return [written(self.move, values, self.base)]


@dataclass(frozen=True)
class Verify:
    """Opens every pair and compares it with the plaintext, where that is kept, in constant time.

    `base`: the plaintext column's type by its bare name, None where it is gone.
    """

    move: Move
    envelope: Envelope = field(repr=False)
    source: Source
    base: str | None = None
    setting: None = None

    @property
    def pending(self) -> str:
        return pending_sql(Kind.VERIFY, self.move, kept=self.base is not None)

    @property
    def selected(self) -> Sequence[Selected]:
        if self.base is None:
            return [Selected("false"), *pair_of(self.move)]
        plaintext = quoted(self.move.plaintext)
        kept = Selected(f"{plaintext} IS NOT NULL")
        return [kept, *pair_of(self.move), *self.source.select(plaintext)]

    def work(self, rows: Sequence[Raw]) -> Cells:
        for kept, dek, content, *_ in rows:
            self._check_form(kept, dek, content)
        end = 1 + len(pair_of(self.move))
        pairs = opened(self.move, self.envelope)([row[1:end] for row in rows])
        places = [place for place, row in enumerate(rows) if row[0]]
        if not places:
            return []
        values = read(self.source, [rows[place][end:] for place in places], self.move, self.envelope)
        same, of = hmac.compare_digest, compared(self.move, self.base)
        for place, value in zip(places, values, strict=True):
            if not same(of(value), of(pairs[place])):
                raise RowError("mismatch")
        return []

    def _check_form(self, kept: bool, dek: bytes | None, content: bytes | None) -> None:
        if dek is None if content is not None else (dek is not None and not self.move.shared):
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
    kind: Kind,
    move: Move,
    envelope: Callable[[], Envelope],
    source: Source | None,
    column: Column | None,
    fills: Sequence[Fill] = (),
) -> Step:
    """The step of a kind; `envelope` is asked only where one is needed.

    `column`: the plaintext's; None where there is no such column any more, which only `verify` does without.
    `fills`: the indexes that are filled with the pair.
    """
    old = source or usual_source(move)
    if kind is Kind.NULL:
        return NullOut(move)
    if kind is Kind.DECRYPT:
        assert column is not None  # noqa: S101 - refused before
        return Decrypt(move, envelope(), column.type, column.base)
    if kind is Kind.ENCRYPT:
        return Encrypt(move, envelope(), old, fills)
    return Verify(move, envelope(), old, None if column is None else column.base)
