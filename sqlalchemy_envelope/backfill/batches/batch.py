"""A batch of rows between being read and being written, and how what is wrong is narrowed to a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..postgres.faults import Fault, cause, sort
from ..postgres.keyset import Place
from ..rows.setting import Cells

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Work = Callable[[Sequence[Any]], Cells]


@dataclass(frozen=True, repr=False)
class Bad:
    """A row that can't be moved, by its key and a cause in a word."""

    place: Place
    cause: str


@dataclass(repr=False)
class Batch:
    """Rows in the order of their key. `read` counts those that were looked at, `last` is the last one's key.

    `keys`, `stamps` and `rows` are of the pending ones: `stamps` tell whether a row is still as it was read.
    `cells` are what is to be written, once worked on. `bad` are those given up. `seconds`: what reading and
    working took.
    """

    read: int
    last: Place | None
    keys: list[Place]
    stamps: list[Any]
    rows: list[Any]
    cells: list[list[Any]] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0

    def work(self, work: Work) -> None:
        """Makes the cells, of as many rows as can be; the rows themselves are then dropped."""
        kept, cells = _sift(range(len(self.rows)), self.rows, work, self._give_up)
        if len(kept) < len(self.rows):
            self.keys = [self.keys[n] for n in kept]
            self.stamps = [self.stamps[n] for n in kept]
        self.cells = cells
        self.bytes = sum(map(_size, cells or zip(*self.rows, strict=True)))
        self.rows = []

    def part(self, places: Sequence[int]) -> "Batch":
        """Some of it, for writing."""
        return Batch(
            0,
            self.last,
            [self.keys[n] for n in places],
            [self.stamps[n] for n in places],
            [],
            [[column[n] for n in places] for column in self.cells],
        )

    def _give_up(self, row: int, error: BaseException) -> None:
        self.bad.append(Bad(self.keys[row], cause(error)))


def _size(column: Sequence[Any]) -> int:
    if {str, bytes}.issuperset(map(type, column)):
        return sum(map(len, column))
    return sum(len(cell) if isinstance(cell, str | bytes) else 8 for cell in column)


def _sift(
    places: Sequence[int], rows: Sequence[Any], work: Work, give_up: Callable[[int, BaseException], None]
) -> tuple[list[int], list[list[Any]]]:
    """Works on all at once; where that fails for a row's sake, on each half."""
    if not places:
        return [], []
    try:
        return list(places), [list(column) for column in work([rows[n] for n in places])]
    except Exception as error:  # a source raises what it likes
        if sort(error) is not Fault.QUARANTINE:
            raise
        if len(places) == 1:
            give_up(places[0], error)
            return [], []
    middle = len(places) // 2
    (kept, cells), (more, others) = (
        _sift(half, rows, work, give_up) for half in (places[:middle], places[middle:])
    )
    if not (kept and more):
        return kept or more, cells or others
    return kept + more, [first + second for first, second in zip(cells, others, strict=True)]
