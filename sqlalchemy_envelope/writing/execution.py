"""One execution of a statement: its rows of parameters, the table it writes, and all that is to be sealed."""

from typing import Any

from sqlalchemy import LargeBinary, bindparam
from sqlalchemy.sql import elements

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
        self.named: dict[str, str] = {}
        """Our name for a sealed parameter: the name that its value is given under."""
        self.named_deks: set[str] = set()

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
        """Whether each execution may give the value, under a name: `bindparam("new")`."""
        return isinstance(value, elements.BindParameter) and not value.unique

    def take(self, pair: Pair, value: Any) -> list[Any]:
        """What each execution gives for a named value of an encrypted column."""
        if value.key in self.target.written.c:
            raise UnsupportedStatementError(
                f'bindparam("{value.key}") has the name of a column of {self.target.written.name}: rename it'
            )
        if value.required and not all(value.key in row for row in self.rows):
            raise UnsupportedStatementError(
                f'{pair.type.reading.context.place} is set by bindparam("{value.key}"): give it in every row'
            )
        return [row.get(value.key, value.effective_value) for row in self.rows]

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
        add_rows(self.batch, pair, self.rows, self.take(pair, value), names)
        self.named[names[0]] = value.key
        self.named_deks.add(names[1])


def cells_of(column: SealedColumn) -> tuple[Sealed | None, bytes | None]:
    """The two cells of a single value."""
    sealed, wrapped = column.contents[0], column.deks[0]
    return (None if sealed is None else Sealed(sealed)), wrapped


def as_parameters(pair: Pair, column: SealedColumn) -> tuple[Any, Any]:
    """The same as parameters of the statement."""
    content, wrapped = cells_of(column)
    return (
        bindparam(None, content, type_=pair.type, unique=True),
        bindparam(None, wrapped, type_=LargeBinary(), unique=True),
    )
