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


def selected_tenant(move: Move) -> list[Selected]:
    """What to select for the tenant of a row; nothing where the context says it."""
    return [] if move.tenant is None else [Selected(f"{quoted(move.tenant)}::text")]


def selected_row(move: Move) -> list[Selected]:
    """What to select for the key of a row, where values are bound to it."""
    return [Selected(quoted(name)) for name in move.row]


def sealed(envelope: Envelope, move: Move, values: Contents, rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Contents and key cells of values, in one wave; in `rows` their tenants come first, and then their keys.

    Raises `RowError` for a row without its tenant.
    """
    bound = _rows(move, rows) if move.row else None
    if move.tenant is None:
        column = envelope.seal_columns([ToSeal(move.context, values, rows=bound)])[0]
        return [column.contents, column.deks]
    parted = Parted([_known(row[0]) for row in rows])
    parts = to_seal(move.context, parted, values, rows=bound)
    columns = envelope.seal_columns(parts)
    contents, deks = zip(*((each.contents, each.deks) for each in columns), strict=True)
    return [parted.joined(contents), parted.joined(deks)]


def joined(move: Move, dek: bytes, content: bytes, place: Sequence[Any]) -> bytes:
    """A pair as the reading SQL hands it out; `place` has its tenant and its row's key, if any."""
    tenant = b"" if move.tenant is None else packed(_known(place[0]))
    return tenant + (packed_row(_rows(move, [place])[0]) if move.row else b"") + dek + content


def _rows(move: Move, places: Sequence[Any]) -> list[bytes]:
    start = len(selected_tenant(move))
    return [encode_keys(place[start : start + len(move.row)]) for place in places]


def _known(tenant: str | None) -> str:
    if tenant is None:
        raise RowError("no tenant")
    return tenant
