"""`values([...])` of many rows in one INSERT."""

from typing import Any

from ..columns import Pair
from ..envelope import SealedColumn
from .batch import Batch
from .defaults import default_value
from .target import Target, check_source, plain_value
from .values import as_parameters

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Row = dict[Any, Any]


def collect_rows(statement: Any, target: Target, batch: Batch) -> tuple[list[Row], ...]:
    """The statement's groups of rows, keyed by column; encrypted values are filled in once sealed."""
    return tuple([_collect_row(row, target, batch) for row in group] for group in statement._multi_values)


def _collect_row(given: Any, target: Target, batch: Batch) -> Row:
    row: Row = {}
    for key, value in _keyed(given, target).items():
        pair = target.pair(key)
        if pair is None:
            check_source(value, key)
            row[key] = value
        else:
            _add(row, pair, plain_value(value, pair), target, batch)
    for pair in target.pairs.values():
        if pair.content.default is not None and target.columns(pair)[0] not in row:
            _add(row, pair, default_value(pair), target, batch)
    return row


def _keyed(given: Any, target: Target) -> dict[Any, Any]:
    if isinstance(given, dict):
        return given
    columns = [column for column in target.written.c if column.key not in target.siblings]
    return dict(zip(columns, given, strict=False))


def _add(row: Row, pair: Pair, value: Any, target: Target, batch: Batch) -> None:
    content, dek = target.columns(pair)
    row[content] = row[dek] = None

    def put(column: SealedColumn) -> None:
        row[content], row[dek] = as_parameters(pair, column)

    batch.add(pair, [value], put)
