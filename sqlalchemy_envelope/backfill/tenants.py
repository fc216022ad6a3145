"""The tenants of a batch's rows: read beside their values, and each row sealed and opened for its own."""

from collections.abc import Sequence
from typing import Any

from ..context import for_tenant
from ..envelope import Envelope, ToSeal
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


def sealed(envelope: Envelope, move: Move, values: Contents, rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Contents and key cells of values, in one wave; their tenants come first in `rows`.

    Raises `RowError` for a row without one.
    """
    if move.tenant is None:
        column = envelope.seal_columns([ToSeal(move.context, values)])[0]
        return [column.contents, column.deks]
    by_tenant = parted(move, rows)
    parts = [ToSeal(for_tenant(move.context, of), part) for of, part in by_tenant.parts(values)]
    columns = envelope.seal_columns(parts)
    contents, deks = zip(*((each.contents, each.deks) for each in columns), strict=True)
    return [by_tenant.joined(contents), by_tenant.joined(deks)]


def parted(move: Move, rows: Sequence[Any]) -> Parted:
    """A batch by the tenants that come first in its rows, or by the one that the context says."""
    if move.tenant is None:
        return Parted([move.context.tenant] * len(rows))
    return Parted([_known(row[0]) for row in rows])


def joined(dek: bytes, content: bytes, tenant: Sequence[str | None]) -> bytes:
    """A pair as the reading SQL hands it out; `tenant` holds one where it is a column's."""
    return (packed(_known(tenant[0])) if tenant else b"") + dek + content


def _known(tenant: str | None) -> str:
    if tenant is None:
        raise RowError("no tenant")
    return tenant
