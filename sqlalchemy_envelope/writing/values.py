"""`values()` of one row, and the SET clause of an UPDATE."""

from typing import Any

from sqlalchemy import LargeBinary, bindparam, util
from sqlalchemy.sql import elements, visitors

from ..columns import Pair
from ..envelope import SealedColumn
from ..types import Sealed
from .batch import Batch
from .parameters import Rows, add_rows
from .target import Target, check_source, plain_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Items = list[tuple[Any, Any]]


class SingleValues:
    """The `(column, value)` items of a statement, rewritten in place as values are sealed."""

    def __init__(self, statement: Any, rows: Rows, target: Target, batch: Batch) -> None:
        self._statement = statement
        self._rows = rows
        self._target = target
        self._batch = batch
        self.items: Items = []
        self.changed = False

    def collect(self) -> None:
        """Adds every encrypted column that `values()` sets."""
        for key, value in _items_of(self._statement):
            pair = self._target.pair(key)
            if pair is None:
                check_source(value, key)
                self.items.append((key, value))
            else:
                self.changed = True
                self._collect_one(pair, value)

    def apply(self, statement: Any) -> None:
        """Sets the rewritten items on a copy of the statement."""
        if getattr(statement, "_ordered_values", None):  # SQLAlchemy 2.0 keeps the order apart
            statement._ordered_values = self.items
        else:
            statement._values = util.immutabledict(self.items) if self.items else None

    def _collect_one(self, pair: Pair, value: Any) -> None:
        name = value.key if isinstance(value, elements.BindParameter) and not value.unique else None
        if any(pair.content.key in row for row in self._rows):
            return  # an execution parameter for the column wins over values(), as in SQLAlchemy
        if name is not None and (value.required or any(name in row for row in self._rows)):
            self._collect_named(pair, value, name)
        elif self._statement.is_insert and len(self._rows) > 1:
            plain = plain_value(value, pair)
            add_rows(self._batch, pair, self._rows, [plain] * len(self._rows))
        else:
            add_literal(self._batch, pair, self._target, plain_value(value, pair), self.items)

    def _collect_named(self, pair: Pair, value: Any, name: str) -> None:
        """`values(ssn=bindparam("new"))`: each execution's own value, under names of our own."""
        content, dek = f"{name}__sealed", f"{name}__dek"
        mine, sibling = self._target.columns(pair)
        self.items += [
            (mine, bindparam(content, type_=mine.type)),
            (sibling, bindparam(dek, type_=LargeBinary())),
        ]
        giving = [row for row in self._rows if name in row or not value.required]
        values = [row.get(name, value.effective_value) for row in giving]
        if not self._used_elsewhere(name):
            for row in giving:
                row.pop(name, None)
        add_rows(self._batch, pair, giving, values, (content, dek))

    def _used_elsewhere(self, name: str) -> bool:
        found = visitors.iterate(self._statement)
        return sum(isinstance(each, elements.BindParameter) and each.key == name for each in found) > 1


def add_literal(batch: Batch, pair: Pair, target: Target, value: Any, items: Items) -> None:
    """Adds one value, whose cells become two parameters at this place of `items`."""
    content, dek = target.columns(pair)
    at = len(items)
    items += [(content, None), (dek, None)]

    def put(column: SealedColumn) -> None:
        sealed, wrapped = as_parameters(pair, column)
        items[at : at + 2] = [(content, sealed), (dek, wrapped)]

    batch.add(pair, [value], put)


def as_parameters(pair: Pair, column: SealedColumn) -> tuple[Any, Any]:
    """The two cells of a single value as parameters of the statement."""
    sealed, wrapped = column.contents[0], column.deks[0]
    content = None if sealed is None else Sealed(sealed)
    return (
        bindparam(None, content, type_=pair.type, unique=True),
        bindparam(None, wrapped, type_=LargeBinary(), unique=True),
    )


def _items_of(statement: Any) -> Items:
    ordered = getattr(statement, "_ordered_values", None)
    return list(ordered) if ordered else list((statement._values or {}).items())
