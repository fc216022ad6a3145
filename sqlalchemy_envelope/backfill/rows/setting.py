"""What a step is: what it reads of a row and writes of it, and what must be as it was read for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .sources import Raw, Selected

Cells = Sequence[Sequence[Any]]
"""What is to be written: for each column that is set, a cell for each row."""


@dataclass(frozen=True)
class Stamp:
    """What of a row must be as it was read: SQL, the type that it is sent as, and that it is compared as."""

    sql: str
    array: str
    type: str


XMIN = Stamp("xmin", "text", "xid")
"""The whole row: it is another once anybody changed anything."""


@dataclass(frozen=True)
class Setting:
    """What a step writes, as SQL: `columns` set, each with the type of its array and a cast of its cell.

    `pending`: what must still hold of a row, and `stamp`: what must be as it was. `promise`: what must hold
    afterwards, in which `v.envelope_w0` and on are the cells; a trigger that works against the job breaks it,
    and the batch is taken back.
    """

    columns: Sequence[tuple[str, str, str]]
    pending: str
    promise: str
    stamp: Stamp = XMIN


class Step(Protocol):
    """One kind of work."""

    @property
    def pending(self) -> str:
        """SQL for the rows to work on."""

    @property
    def setting(self) -> Setting | None:
        """What is written; None where nothing is."""

    @property
    def selected(self) -> Sequence[Selected]:
        """What to read of a pending row."""

    def work(self, rows: Sequence[Raw]) -> Cells:
        """The cells to write. Raises what makes the whole batch fail; the caller finds the row."""
