"""A row of `envelope.key` as SQL gives it, and as the keyring knows it."""

from typing import Any
from uuid import UUID

from ..keyring.store import KekRow, KekState

COLUMNS = (
    "id, tenant, wrapped, wrapped_by, state, wraps,"
    " CAST(extract(epoch FROM clock_timestamp() - created_at) AS float8) AS age"
)


def kek_row(row: Any) -> KekRow:
    """Of the columns above, in their order."""
    id_, tenant, wrapped, wrapped_by, state, wraps, age = row
    return KekRow(
        id=uuid_of(id_),
        tenant=tenant,
        cells=tuple(bytes(each) for each in wrapped),
        names=tuple(wrapped_by),
        state=KekState(state),
        wraps=int(wraps),
        age=float(age),
    )


def uuid_of(value: Any) -> UUID:
    """A UUID of the standard library, whatever the driver's class for it is."""
    return value if type(value) is UUID else UUID(str(value))
