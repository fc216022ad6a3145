"""One execution of a statement: its rows of parameters, the table it writes, and all that is to be sealed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.sql import elements

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .batch import Batch, Cells
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
        self.named_beside: set[str] = set()

    def assign(self, pair: Pair, value: Any, columns: Sequence[Any], items: Items) -> None:
        """Adds to `items` what assigns a value to an encrypted column: to all its `columns`, once sealed."""
        if self.is_named(value):
            self._assign_named(pair, value, columns, items)
            return
        at = len(items)
        items += [(column, None) for column in columns]

        def put(cells: Cells) -> None:
            items[at : at + len(columns)] = zip(columns, as_parameters(pair, cells), strict=True)

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

    def _assign_named(self, pair: Pair, value: Any, columns: Sequence[Any], items: Items) -> None:
        """Each execution's own value, under names of our own: one parameter may serve several columns."""
        parts = ["sealed", "dek", *(["plaintext"] if pair.plaintext is not None else [])]
        parts += [str(each.key) for each in pair.indexes]
        names = [f"{value.key}__{pair.content.key}__{part}" for part in parts]
        if any(name in row for name in names for row in self.rows):
            raise UnsupportedStatementError(
                f'bindparam("{value.key}") is sealed into parameters of the names {" and ".join(names)}: '
                "rename those that you give"
            )
        bound = [bindparam(name, type_=each.type) for name, each in zip(names, pair.columns, strict=True)]
        items += zip(columns, bound, strict=True)
        add_rows(self.batch, pair, self.rows, self.take(pair, value), names)
        self.named[names[0]] = value.key
        self.named_beside.update(names[1:])


def as_parameters(pair: Pair, cells: Cells) -> list[Any]:
    """The cells of a single value as parameters of the statement."""
    both = zip(pair.columns, cells, strict=True)
    return [bindparam(None, cell, type_=column.type, unique=True) for column, (cell,) in both]
