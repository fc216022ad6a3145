"""The tenants of a batch's rows: read beside their values, and each row sealed and opened for its own."""

from collections.abc import Sequence
from typing import Any

from ..cipher import DataKey
from ..context import Context, for_tenant
from ..envelope import Envelope, ToSeal
from ..keyring.keyring import wait_here
from ..keyring.rewrap import data_keys
from ..row_keys import RowKeys
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


def selected_key(move: Move) -> list[Selected]:
    """What to select for the data key that a row has already, where columns share it."""
    return [Selected(quoted(move.dek))] if move.shared else []


def sealed(envelope: Envelope, move: Move, values: Contents, rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Contents and key cells of values; in `rows` their tenants come first, and the keys that they have.

    Raises `RowError` for a row without a tenant.
    """
    if move.tenant is None:
        keys = _keys(envelope, move.context, rows, 0) if move.shared else None
        column = envelope.seal_columns([ToSeal(move.context, values, keys)])[0]
        return [column.contents, column.deks]
    parted = Parted([_known(row[0]) for row in rows])
    parts = []
    for (of, part), (_, theirs) in zip(parted.parts(values), parted.parts(rows), strict=True):
        context = for_tenant(move.context, of)
        parts.append(ToSeal(context, part, _keys(envelope, context, theirs, 1) if move.shared else None))
    columns = envelope.seal_columns(parts)
    contents, deks = zip(*((each.contents, each.deks) for each in columns), strict=True)
    return [parted.joined(contents), parted.joined(deks)]


def _keys(envelope: Envelope, context: Context, rows: Sequence[Any], at: int) -> RowKeys:
    """The keys of rows, where they have one; new ones for the others."""
    cells = [row[at] for row in rows]
    keys = data_keys(envelope.keyring, [(context, cell) for cell in cells if cell is not None], wait_here)
    return RowKeys([None if cell is None else DataKey(keys[context, cell], cell) for cell in cells])


def joined(dek: bytes, content: bytes, tenant: Sequence[str | None]) -> bytes:
    """A pair as the reading SQL hands it out; `tenant` holds one where it is a column's."""
    return (packed(_known(tenant[0])) if tenant else b"") + dek + content


def _known(tenant: str | None) -> str:
    if tenant is None:
        raise RowError("no tenant")
    return tenant
