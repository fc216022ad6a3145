"""Execution parameters: the rows of an INSERT or of an UPDATE by key, a flush's or an executemany's."""

from collections.abc import Sequence
from typing import Any

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .batch import Batch
from .slots import Cells, PutKeys, Slot
from .target import Target

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Rows = list[dict[str, Any]]
Names = Sequence[str]


def collect_parameters(rows: Rows, target: Target, batch: Batch) -> None:
    """Adds every encrypted column that the rows give a value for."""
    hidden = target.declared.hidden.keys()
    if not all(map(hidden.isdisjoint, rows)):
        for key in hidden & {key for row in rows for key in row}:
            _drop_hidden(rows, key, target)
    for key, pair in target.pairs.items():
        values = [row[key] for row in rows if key in row]
        if values and len(values) < len(rows):
            raise UnsupportedStatementError(
                f"{pair.type.reading.context.place} is set by some rows of parameters only: "
                "set it in every row, or execute them apart"
            )
        if values:
            add_rows(batch, pair, rows, values, target.declared.own_keys[key])


def add_rows(
    batch: Batch,
    pair: Pair,
    rows: Rows,
    values: list[Any],
    names: Names,
    put_keys: PutKeys | None = None,
    conflicting: bool = False,
) -> None:
    """Adds one value a row, whose cells go back into the row: under `names`."""

    def put(cells: Cells) -> None:
        for name, column in zip(names, cells, strict=True):
            for row, cell in zip(rows, column, strict=True):
                row[name] = cell

    def put_shared(cells: Sequence[Any]) -> None:
        for row, cell in zip(rows, cells, strict=True):
            row[pair.dek.key] = cell

    batch.add(Slot(pair, values, put, put_keys or put_shared, None, conflicting))


def _drop_hidden(rows: Rows, key: str, target: Target) -> None:
    """A column that a model declares by hand comes along as None; anything else in it is refused."""
    for row in rows:
        if row.pop(key, None) is not None:
            raise target.by_hand(key)
