"""What a job does for a blind index: digests of values that are stored already, made or compared."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...blind import IndexContext
from ...context import for_tenant
from ...envelope import Envelope
from ...errors import ConfigurationError, DecryptionError, Failure
from ...keyring.waiting import wait_here
from ...opening import Reading
from ...rows import encode_keys, packed_row
from ...tenancy import Parted
from ...wire import SEALED_AT
from ..postgres.faults import RowError
from ..postgres.names import quoted
from ..postgres.quoting import literal
from ..subject.fill import Fill
from ..subject.kind import Kind
from .marks import tenant_of_key
from .setting import Cells, Setting, Stamp, Step
from .sources import Raw, Selected

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Orders = list[tuple[IndexContext, Sequence[bytes | None]]]


def fill_pending(kind: Kind, fill: Fill) -> str:
    """SQL for the rows that a kind of job works on. Needs no keys, but the table of keys."""
    every = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in fill.contents)
    digest = quoted(fill.column)
    if kind is Kind.VERIFY:
        return f"({digest} IS NOT NULL OR {every})"
    return f"({every} AND ({digest} IS NULL OR substr({digest}, 1, 4) NOT IN ({_current(fill)})))"


def make_fill_step(kind: Kind, fill: Fill, envelope: Envelope) -> Step:
    """The step of a kind."""
    if kind is Kind.INDEX:
        return FillIndex(fill, envelope)
    if kind is Kind.VERIFY:
        return VerifyIndex(fill, envelope)
    raise ConfigurationError(f"{fill.place}: a blind index is filled or verified, and no more")


@dataclass(frozen=True)
class FillIndex:
    """The digest of each value under the active key: of a row that has none, or one under another key."""

    fill: Fill
    envelope: Envelope = field(repr=False)

    @property
    def pending(self) -> str:
        return fill_pending(Kind.INDEX, self.fill)

    @property
    def setting(self) -> Setting:
        """What a value was sealed with says whether it is still that value: no two contents begin alike.

        So neither a rewrap of its data key nor a write to other columns is in the way.
        """
        digest = quoted(self.fill.column)
        contents = " || ".join(f"substr({quoted(name)}, 1, {SEALED_AT})" for name in self.fill.contents)
        stamp = Stamp(f"({contents} || coalesce({digest}, ''::bytea))", "bytea", "bytea")
        return Setting([(digest, "bytea", "bytea")], self.pending, f"{digest} = v.envelope_w0", stamp)

    @property
    def selected(self) -> Sequence[Selected]:
        return _selected(self.fill)

    def work(self, rows: Sequence[Raw]) -> Cells:
        """All data keys unwrapped in one wave, and all digests made in another."""
        parted, orders = _orders(self.fill, self.envelope, rows)
        cells = self.envelope.keyring.index_keys.cells(orders, wait_here)
        return [parted.joined(cells)]


@dataclass(frozen=True)
class VerifyIndex:
    """Opens every value and compares its digest with what is stored, in constant time."""

    fill: Fill
    envelope: Envelope = field(repr=False)
    setting: None = None

    @property
    def pending(self) -> str:
        return fill_pending(Kind.VERIFY, self.fill)

    @property
    def selected(self) -> Sequence[Selected]:
        return [Selected(quoted(self.fill.column)), *_selected(self.fill)]

    def work(self, rows: Sequence[Raw]) -> Cells:
        digests = [row[0] for row in rows]
        parted, orders = _orders(self.fill, self.envelope, [row[1:] for row in rows])
        probes = parted.joined(self.envelope.keyring.index_keys.probes(orders, wait_here))
        same = hmac.compare_digest
        for digest, known in zip(digests, probes, strict=True):
            if digest is None and known:
                raise RowError("no digest")
            if digest is not None and not any(same(digest, each) for each in known):
                raise RowError("mismatch")
        return []


def _selected(fill: Fill) -> list[Selected]:
    pairs = [Selected(quoted(name)) for part in fill.parts for name in (part.dek, part.content)]
    pairs += [Selected(quoted(name)) for name in fill.row]
    tenant = _tenant_sql(fill)
    return pairs if tenant is None else [*pairs, Selected(tenant)]


def _tenant_sql(fill: Fill) -> str | None:
    if fill.tenant is not None:
        return f"{quoted(fill.tenant)}::text"
    return tenant_of_key(quoted(fill.parts[0].dek)) if fill.tenant_of_key else None


def _orders(fill: Fill, envelope: Envelope, rows: Sequence[Raw]) -> tuple[Parted, Orders]:
    """Messages of each tenant's rows, and how they lie in the batch."""
    parted = Parted(_tenants(fill, rows))
    bound = [(row, _before(fill, row)) for row in rows]
    parts = list(parted.parts(bound))
    columns = []
    for place, part in enumerate(fill.parts):
        for tenant, of in parts:
            reading = Reading(for_tenant(part.context, tenant))
            cells = [(before, *row[2 * place : 2 * place + 2]) for row, before in of]
            columns.append((reading, [_pair(fill, *each) for each in cells]))
    opened = iter(_opened(envelope, columns))
    values = [[next(opened) for _ in parts] for _ in fill.parts]
    context = fill.parts[0].context
    orders: Orders = [
        (fill.index.context(context, tenant), fill.index.messages(*(each[at] for each in values)))
        for at, (tenant, _) in enumerate(parts)
    ]
    return parted, orders


def _opened(
    envelope: Envelope, columns: Sequence[tuple[Reading, Sequence[bytes | None]]]
) -> list[list[bytes | None]]:
    opened: list[list[bytes | None]] = []
    for (reading, _), unlocked in zip(columns, envelope.unlock_columns(columns), strict=True):
        open_ = envelope.opener(reading).open
        opened.append([None if pair is None else open_(pair) for pair in unlocked])
    return opened


def _before(fill: Fill, row: Raw) -> bytes:
    """What stands before the pairs of a row whose values are bound to it."""
    first = 2 * len(fill.parts)
    return packed_row(encode_keys(row[first : first + len(fill.row)])) if fill.row else b""


def _pair(fill: Fill, before: bytes, dek: bytes | None, content: bytes | None) -> bytes | None:
    if content is None:
        return None
    if dek is None:
        raise DecryptionError(Failure.LONE_CELL, fill.place)
    return before + dek + content


def _tenants(fill: Fill, rows: Sequence[Raw]) -> list[str | None]:
    if _tenant_sql(fill) is None:
        return [fill.parts[0].context.tenant] * len(rows)
    tenants = [row[-1] for row in rows]
    if None in tenants:
        raise RowError("no tenant")
    return tenants


def _current(fill: Fill) -> str:
    """The tags that digests may have; a revoked key's come back with it."""
    purpose = literal(fill.index.context(fill.parts[0].context).name.purpose).replace("%", "%%")
    return (
        "SELECT substr(uuid_send(k.id), 1, 4) FROM envelope.key AS k"
        f" WHERE k.purpose = {purpose} AND k.state IN ('active', 'revoked')"
    )


def digests(fills: Sequence[Fill], envelope: Envelope, tagged: Sequence[Any], parted: Parted) -> list[Any]:
    """The digests of one batch of values that are just being sealed, for each index of their column."""
    made = []
    for fill in fills:
        context = fill.parts[0].context
        orders: Orders = [
            (fill.index.context(context, tenant), fill.index.messages(of))
            for tenant, of in parted.parts(tagged)
        ]
        made.append(parted.joined(envelope.keyring.index_keys.cells(orders, wait_here)))
    return made
