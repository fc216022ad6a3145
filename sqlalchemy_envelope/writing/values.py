"""`values()` of one row, and the SET clause of an UPDATE."""

from typing import Any

from sqlalchemy import Update, bindparam, util

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .defaults import default_value
from .execution import Execution, Items
from .parameters import add_rows
from .target import plain_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class SingleValues:
    """The `(column, value)` items of a statement, rewritten in place as values are sealed."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self.items: Items = []
        self.changed = False

    def collect(self) -> None:
        """Adds every encrypted column that `values()` sets."""
        for key, value in _items_of(self._execution.statement):
            pair = self._execution.target.pair(key)
            if pair is None:
                self.items.append((key, value))
            else:
                self.changed = True
                self._collect_one(pair, value)

    def collect_defaults(self) -> None:
        """Adds the defaults of an INSERT without parameters: any would be looked for in its CTEs as well."""
        execution = self._execution
        for key, pair in execution.target.pairs.items():
            if pair.content.default is not None and key not in execution.batch.keys:
                self.changed = True
                execution.assign(pair, default_value(pair), execution.target.columns(pair), self.items)

    def assigned(self, column: Any) -> Any:
        """What `values()` gives another column of the table; None where it gives nothing."""
        means = self._execution.target.means
        return next((value for key, value in self.items if means(key, column)), None)

    def assigns(self, column: Any) -> bool:
        """Whether it gives that column anything."""
        return any(self._execution.target.means(key, column) for key, _ in self.items)

    def assign(self, column: Any, key: Any, value: Any) -> None:
        """Gives that column a value, under `key`, in place of what it gave."""
        means = self._execution.target.means
        self.items[:] = [each for each in self.items if not means(each[0], column)]
        self.items.append((key, bindparam(None, value, type_=column.type, unique=True)))
        self.changed = True

    def apply(self, statement: Any) -> None:
        """Sets the rewritten items on a copy of the statement."""
        if _ORDERED_APART and statement._ordered_values:
            statement._ordered_values = self.items
        else:
            statement._values = util.immutabledict(self.items) if self.items else None

    def _collect_one(self, pair: Pair, value: Any) -> None:
        execution = self._execution
        giving = [pair.content.key in row for row in execution.rows]
        if any(giving) and (execution.is_named(value) or not all(giving)):
            raise UnsupportedStatementError(
                f"{pair.type.reading.context.place} is set by values() and by some parameters too: "
                "set it by one of them, in every row"
            )
        if any(giving):
            return  # an execution parameter for the column wins over values(), as in SQLAlchemy
        if execution.statement.is_insert and len(execution.rows) > 1 and not execution.is_named(value):
            rows = execution.rows
            names = execution.target.declared.own_keys[pair.content.key]
            add_rows(execution.batch, pair, rows, [plain_value(value, pair)] * len(rows), names)
        else:
            execution.assign(pair, value, execution.target.columns(pair), self.items)


_ORDERED_APART = hasattr(Update, "_ordered_values")
"""Whether SQLAlchemy keeps `ordered_values()` apart, as 2.0 does."""


def _items_of(statement: Any) -> Items:
    ordered = statement._ordered_values if _ORDERED_APART else None
    return list(ordered) if ordered else list((statement._values or {}).items())
