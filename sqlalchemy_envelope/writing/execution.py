"""One execution of a statement: its rows of parameters, the table it writes, and all that is to be sealed."""

from collections import Counter
from typing import Any

from sqlalchemy import LargeBinary, bindparam
from sqlalchemy.sql import elements, visitors

from ..columns import Pair
from ..envelope import SealedColumn
from ..errors import UnsupportedStatementError
from ..types import Sealed
from .batch import Batch
from .parameters import Rows, add_rows
from .target import Target, plain_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Items = list[tuple[Any, Any]]
"""What a VALUES or SET clause assigns: columns, or their keys, and values."""


class Execution:
    """Takes values of encrypted columns out of a statement's clauses, and puts their cells there."""

    def __init__(self, statement: Any, rows: Rows) -> None:
        self.statement = statement
        self.rows = rows
        self.target = Target(statement)
        self.batch = Batch()
        self._taken: Counter[str] = Counter()

    def assign(self, pair: Pair, value: Any, columns: tuple[Any, Any], items: Items) -> None:
        """Adds to `items` what assigns a value to an encrypted column: to its two `columns`, once sealed."""
        if self.is_named(value):
            self._assign_named(pair, value, columns, items)
            return
        at = len(items)
        items += [(column, None) for column in columns]

        def put(column: SealedColumn) -> None:
            items[at : at + 2] = zip(columns, as_parameters(pair, column), strict=True)

        self.batch.add(pair, [plain_value(value, pair)], put)

    def is_named(self, value: Any) -> bool:
        """Whether each execution gives the value, under a name: `bindparam("new")`."""
        if not isinstance(value, elements.BindParameter) or value.unique:
            return False
        return value.required or any(value.key in row for row in self.rows)

    def take(self, value: Any) -> tuple[Rows, list[Any]]:
        """The rows that give a named value, and what they give."""
        if value.key in self.target.written.c:
            raise UnsupportedStatementError(
                f'bindparam("{value.key}") has the name of a column of {self.target.written.name}: rename it'
            )
        self._taken[value.key] += 1
        giving = [row for row in self.rows if value.key in row or not value.required]
        return giving, [row.get(value.key, value.effective_value) for row in giving]

    def drop_taken(self) -> None:
        """Leaves out the parameters that were taken, but for those that stand elsewhere too."""
        if not self._taken:
            return
        found = visitors.iterate(self.statement)
        standing = Counter(each.key for each in found if isinstance(each, elements.BindParameter))
        for name, taken in self._taken.items():
            for row in self.rows if standing[name] <= taken else ():
                row.pop(name, None)

    def _assign_named(self, pair: Pair, value: Any, columns: tuple[Any, Any], items: Items) -> None:
        """Each execution's own value, under names of our own: one parameter may serve several columns."""
        names = (f"{value.key}__{pair.content.key}__sealed", f"{value.key}__{pair.content.key}__dek")
        if any(name in row for name in names for row in self.rows):
            raise UnsupportedStatementError(
                f'bindparam("{value.key}") is sealed into parameters of the names {" and ".join(names)}: '
                "rename those that you give"
            )
        types = (pair.type, LargeBinary())
        bound = [bindparam(name, type_=type_) for name, type_ in zip(names, types, strict=True)]
        items += zip(columns, bound, strict=True)
        add_rows(self.batch, pair, *self.take(value), names)


def as_parameters(pair: Pair, column: SealedColumn) -> tuple[Any, Any]:
    """The two cells of a single value as parameters of the statement."""
    sealed, wrapped = column.contents[0], column.deks[0]
    content = None if sealed is None else Sealed(sealed)
    return (
        bindparam(None, content, type_=pair.type, unique=True),
        bindparam(None, wrapped, type_=LargeBinary(), unique=True),
    )
