"""`values([...])` of many rows in one INSERT."""

from collections.abc import Sequence
from typing import Any

from ..pairs import Pair
from .defaults import default_value
from .execution import Execution
from .slots import Cells, Slot
from .target import Target, plain_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Row = dict[Any, Any]


def collect_rows(execution: Execution) -> tuple[list[Row], ...]:
    """The statement's groups of rows, keyed by column; encrypted values are filled in once sealed."""
    groups = execution.statement._multi_values
    return tuple([_collect_row(row, execution) for row in group] for group in groups)


def _collect_row(given: Any, execution: Execution) -> Row:
    row: Row = {}
    target = execution.target
    for key, value in _keyed(given, target).items():
        pair = target.pair(key)
        if pair is None:
            row[key] = value
        else:
            _add(row, pair, _value(value, pair, execution), execution)
    for pair in target.pairs.values():
        if pair.content.default is not None and target.keys(pair)[0] not in row:
            _add(row, pair, default_value(pair), execution)
    return row


def _value(value: Any, pair: Pair, execution: Execution) -> Any:
    """The value itself, or what the one execution of such a statement gives for its name."""
    if not execution.is_named(value):
        return plain_value(value, pair)
    return execution.take(pair, value)[0]


def _keyed(given: Any, target: Target) -> dict[Any, Any]:
    if isinstance(given, dict):
        return given
    columns = [column for column in target.written.c if column.key not in target.declared.hidden]
    return dict(zip(columns, given, strict=False))


def _add(row: Row, pair: Pair, value: Any, execution: Execution) -> None:
    keys = execution.target.keys(pair)
    row.update(dict.fromkeys(keys))

    def put(cells: Cells) -> None:
        row.update(zip(keys, (cell for (cell,) in cells), strict=True))

    def put_keys(cells: Sequence[Any]) -> None:
        row[execution.target.key(pair.dek)] = cells[0]

    execution.batch.add(Slot(pair, [value], put, put_keys, row))
