"""What a rotation does with rows: data keys wrapped under another key, or values sealed anew.

Neither reads more than it replaces, and each compares that, not the whole row: who writes another column
of the row is not in the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ... import codec
from ...context import Context, for_tenant
from ...envelope import Envelope
from ...errors import ConfigurationError, DecryptionError, Failure
from ...keyring.waiting import wait_here
from ...keyring.writing import Writing
from ...legacy import NO_SIBLING
from ...opening import Reading
from ...row_keys import RowKeys
from ...rows import encode_keys, packed_row
from ...sealing import ToSeal
from ...tenancy import Parted
from ...wire import SEALED_AT
from ..postgres.faults import RowError
from ..postgres.names import quoted
from ..postgres.quoting import literal
from ..subject.kind import Kind
from ..subject.rotation import Rotation
from ..subject.valuetype import ValueType
from .marks import is_current, is_stale, is_under, tenant_of_key
from .setting import Cells, Setting, Stamp, Step
from .sources import Raw, Selected

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def make_rotation_step(kind: Kind, rotation: Rotation, envelope: Callable[[], Envelope]) -> Step:
    """The step of a kind. Raises `ConfigurationError` where the keyring still writes what is to go."""
    made = envelope()
    writing = made.keyring.writing
    if rotation.only_key in {mark[1:].hex() for mark in writing.marks}:
        raise ConfigurationError(
            f"{rotation.place}: new values are still written under key {rotation.only_key}; give the keyring"
            " another key to write with first"
        )
    return (Rewrap if kind is Kind.REWRAP else Reencrypt)(rotation, made, writing)


@dataclass(frozen=True)
class Rewrap:
    """The same data key under the key that the keyring writes with now: only the sibling changes."""

    rotation: Rotation
    envelope: Envelope = field(repr=False)
    writing: Writing

    @cached_property
    def pending(self) -> str:
        dek = quoted(self.rotation.dek)
        return " AND ".join([is_stale(dek, self.writing), *_chosen(self.rotation)])

    @property
    def setting(self) -> Setting:
        dek = quoted(self.rotation.dek)
        kept = f"{dek} = v.envelope_w0"
        return Setting([(dek, "bytea", "bytea")], self.pending, kept, Stamp(dek, "bytea", "bytea"))

    @property
    def selected(self) -> Sequence[Selected]:
        return [Selected(quoted(self.rotation.dek)), *_tenant(self.rotation)]

    def work(self, rows: Sequence[Raw]) -> Cells:
        tenants = _tenants(self.rotation, [row[1:] for row in rows])
        context = self.rotation.context
        stored = [(for_tenant(context, of), row[0]) for of, row in zip(tenants, rows, strict=True)]
        return [self.envelope.keyring.rewrap(stored, wait_here)]


@dataclass(frozen=True)
class Reencrypt:
    """The same values under a fresh data key, in the newest format: all cells that a key serves change."""

    rotation: Rotation
    envelope: Envelope = field(repr=False)
    writing: Writing

    @cached_property
    def pending(self) -> str:
        dek = quoted(self.rotation.dek)
        there = " OR ".join(f"{content} IS NOT NULL" for content in self._contents)
        stale = is_stale(dek, self.writing)
        if self.rotation.accept is not None and self.rotation.only_key is None:
            stale = f"({stale} OR {dek} IS NULL OR NOT {is_current(dek)})"
        return " AND ".join([f"({there})", stale, *_chosen(self.rotation)])

    @property
    def setting(self) -> Setting:
        cells = [*self._contents, quoted(self.rotation.dek)]
        kept = " AND ".join(f"{cell} IS NOT DISTINCT FROM v.envelope_w{n}" for n, cell in enumerate(cells))
        columns = [(cell, "bytea", "bytea") for cell in cells]
        return Setting(columns, self.pending, kept, Stamp(self._stamp(), "bytea", "bytea"))

    @property
    def _contents(self) -> list[str]:
        return [quoted(name) for name in self.rotation.contexts]

    def _stamp(self) -> str:
        """Up to the commitment, salt included, no two contents are alike. Older ones have none."""
        dek, (content, *_) = quoted(self.rotation.dek), self._contents
        if self.rotation.accept is not None:
            return f"(coalesce({dek}, ''::bytea) || {content})"
        heads = [f"coalesce(substr({each}, 1, {SEALED_AT}), '\\x00'::bytea)" for each in self._contents]
        return f"({' || '.join([dek, *heads])})"

    @property
    def selected(self) -> Sequence[Selected]:
        cells = [Selected(quoted(self.rotation.dek)), *map(Selected, self._contents)]
        key = [Selected(quoted(name)) for name in self.rotation.row]
        return [*cells, *key, *_tenant(self.rotation)]

    def work(self, rows: Sequence[Raw]) -> Cells:
        """All keys unwrapped in one wave, and all new ones made in another."""
        contexts = list(self.rotation.contexts.values())
        key = slice(1 + len(contexts), 1 + len(contexts) + len(self.rotation.row))
        bound = [encode_keys(row[key]) if self.rotation.row else b"" for row in rows]
        parted = Parted(_tenants(self.rotation, [row[key.stop :] for row in rows]))
        parts = parted.parts(list(zip(rows, bound, strict=True)))
        columns = [
            (for_tenant(context, of), [(row[0], row[n], place) for row, place in part])
            for of, part in parts
            for n, context in enumerate(contexts, 1)
        ]
        keys = [shared for _ in parts for shared in [self._keys()] * len(contexts)]
        opened = zip(columns, self._opened(columns), keys, strict=True)
        sealed = self.envelope.seal_columns(
            [
                ToSeal(context, values, [place for *_, place in cells], shared)
                for (context, cells), values, shared in opened
            ]
        )
        each = [sealed[n :: len(contexts)] for n in range(len(contexts))]
        contents = [parted.joined([column.contents for column in of]) for of in each]
        return [*contents, parted.joined([column.deks for column in each[0]])]

    def _keys(self) -> RowKeys | None:
        return RowKeys() if self.rotation.mates else None

    def _opened(self, columns: Sequence[tuple[Context, Sequence[Raw]]]) -> list[list[bytes | None]]:
        """Tagged plaintexts, column by column; None for a NULL."""
        text = self.rotation.type is ValueType.TEXT
        tag = codec.TEXT_TAG if text else codec.BYTES_TAG
        readings = [Reading(context, self.rotation.accept, tag) for context, _ in columns]
        pairs = [[self._pair(*each) for each in rows] for _, rows in columns]
        unlocked = self.envelope.unlock_columns(list(zip(readings, pairs, strict=True)))
        opened = []
        for reading, column in zip(readings, unlocked, strict=True):
            open_ = self.envelope.opener(reading).open
            opened.append([None if pair is None else open_(pair) for pair in column])
        if self.rotation.accept is not None:
            self._check(opened)
        return opened

    def _pair(self, dek: bytes | None, content: bytes | None, row: bytes) -> bytes | None:
        if content is None:
            return None
        if dek is None and self.rotation.accept is None:
            raise DecryptionError(Failure.LONE_CELL, self.rotation.place)
        return (packed_row(row) if row else b"") + (NO_SIBLING if dek is None else dek) + content

    def _check(self, opened: Sequence[Sequence[bytes | None]]) -> None:
        """Older formats say nothing of a value's type: what would not be read back is not written."""
        decode = codec.decode_text if self.rotation.type is ValueType.TEXT else codec.decode_bytes
        for column in opened:
            for value in column:
                if value is not None:
                    decode(value)


def _chosen(rotation: Rotation) -> list[str]:
    """SQL for the values that are meant."""
    conditions = []
    if rotation.only_key is not None:
        conditions.append(is_under(quoted(rotation.dek), rotation.only_key))
    if rotation.only_tenant is not None:
        wanted = literal(rotation.only_tenant).replace("%", "%%")
        conditions.append(f"{_tenant_sql(rotation)} = {wanted}")
    return conditions


def _tenant(rotation: Rotation) -> list[Selected]:
    tenant = _tenant_sql(rotation)
    return [] if tenant is None else [Selected(tenant)]


def _tenant_sql(rotation: Rotation) -> str | None:
    """What tells a row's tenant; None where the column's context says it."""
    if rotation.tenant is not None:
        return f"{quoted(rotation.tenant)}::text"
    return tenant_of_key(quoted(rotation.dek)) if rotation.tenant_of_key else None


def _tenants(rotation: Rotation, selected: Sequence[Sequence[str | None]]) -> list[str | None]:
    """Of each row: what was selected of it, or what the column's context says of all."""
    if not _tenant(rotation):
        return [rotation.context.tenant] * len(selected)
    tenants = [tenant for (tenant,) in selected]
    if None in tenants:
        raise RowError("no tenant")
    return tenants
