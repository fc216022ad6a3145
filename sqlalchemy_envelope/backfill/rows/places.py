"""Whose the rows of a batch are, and which: read beside their values, and each sealed and opened for that."""

from collections.abc import Sequence
from typing import Any

from ...cipher import DataKey
from ...context import for_tenant
from ...envelope import Envelope
from ...keyring.rewrap import data_keys
from ...keyring.waiting import wait_here
from ...row_keys import RowKeys
from ...rows import encode_keys, packed_row
from ...sealing import ToSeal, to_seal
from ...tenancy import Parted, packed
from ..postgres.faults import RowError
from ..postgres.names import quoted
from ..subject.move import Move
from .sources import Selected

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Contents = Sequence[bytes | None]


def selected_place(move: Move) -> list[Selected]:
    """What to select for the tenant of a row and for its key; nothing where the context says all."""
    tenant = [] if move.tenant is None else [Selected(f"{quoted(move.tenant)}::text")]
    return [*tenant, *(Selected(quoted(name)) for name in move.row)]


def selected_key(move: Move) -> list[Selected]:
    """What to select for the data key that a row has already, where columns share it."""
    return [Selected(quoted(move.dek))] if move.shared else []


def sealed(envelope: Envelope, move: Move, values: Contents, rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Contents and key cells of values, in one wave.

    In `rows` comes first what `selected_place` asks for, and then `selected_key`. Raises `RowError` for a
    row without its tenant.
    """
    bound = [_row(move, row) for row in rows] if move.row else None
    if move.tenant is None:
        column = envelope.seal_columns([ToSeal(move.context, values, bound, _keys(envelope, move, rows))])[0]
        return [column.contents, column.deks]
    by_tenant = parted(move, rows)
    parts = [
        part._replace(keys=_keys(envelope, move, theirs, of))
        for part, (of, theirs) in zip(
            to_seal(move.context, by_tenant, values, bound), by_tenant.parts(rows), strict=True
        )
    ]
    columns = envelope.seal_columns(parts)
    contents, deks = zip(*((each.contents, each.deks) for each in columns), strict=True)
    return [by_tenant.joined(contents), by_tenant.joined(deks)]


def parted(move: Move, rows: Sequence[Any]) -> Parted:
    """A batch by the tenants that come first in its rows, or by the one that the context says."""
    if move.tenant is None:
        return Parted([move.context.tenant] * len(rows))
    return Parted([_known(row[0]) for row in rows])


def _keys(envelope: Envelope, move: Move, rows: Sequence[Any], of: str | None = None) -> RowKeys | None:
    """The keys of rows, where they have one; new ones for the others; None where each value has its own."""
    if not move.shared:
        return None
    context = move.context if of is None else for_tenant(move.context, of)
    cells = [row[len(selected_place(move))] for row in rows]
    keys = data_keys(envelope.keyring, [(context, cell) for cell in cells if cell is not None], wait_here)
    return RowKeys([None if cell is None else DataKey(keys[context, cell], cell) for cell in cells])


def joined(move: Move, dek: bytes, content: bytes, place: Sequence[Any]) -> bytes:
    """A pair as the reading SQL hands it out; `place` is what `selected_place` asked for."""
    tenant = b"" if move.tenant is None else packed(_known(place[0]))
    return tenant + (packed_row(_row(move, place)) if move.row else b"") + dek + content


def _row(move: Move, place: Sequence[Any]) -> bytes:
    at = 0 if move.tenant is None else 1
    return encode_keys(place[at : at + len(move.row)])


def _known(tenant: str | None) -> str:
    if tenant is None:
        raise RowError("no tenant")
    return tenant
