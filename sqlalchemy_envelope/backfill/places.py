"""Whose the rows of a batch are, and which: read beside their values, and each sealed and opened for that."""

from collections.abc import Sequence
from typing import Any

from ..envelope import Envelope, ToSeal, to_seal
from ..rows import encode_keys, packed_row
from ..tenancy import Parted, packed
from .faults import RowError
from .move import Move
from .names import quoted
from .sources import Selected

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Contents = Sequence[bytes | None]


def selected_place(move: Move) -> list[Selected]:
    """What to select for the tenant of a row and for its key; nothing where the context says all."""
    tenant = [] if move.tenant is None else [Selected(f"{quoted(move.tenant)}::text")]
    return [*tenant, *(Selected(quoted(name)) for name in move.row)]


def sealed(envelope: Envelope, move: Move, values: Contents, rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Contents and key cells of values, in one wave; what `selected_place` asks for comes first in `rows`.

    Raises `RowError` for a row without its tenant.
    """
    bound = [_row(move, row) for row in rows] if move.row else None
    if move.tenant is None:
        column = envelope.seal_columns([ToSeal(move.context, values, bound)])[0]
        return [column.contents, column.deks]
    parted = Parted([_known(row[0]) for row in rows])
    columns = envelope.seal_columns(to_seal(move.context, parted, values, bound))
    contents, deks = zip(*((each.contents, each.deks) for each in columns), strict=True)
    return [parted.joined(contents), parted.joined(deks)]


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
