"""One execution of a statement: its rows of parameters, the table it writes, and all that is to be sealed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.sql import elements

from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .batch import Batch
from .parameters import Rows, add_rows
from .slots import Cells, Slot
from .target import Target, plain_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Items = list[tuple[Any, Any]]
"""What a VALUES or SET clause assigns: columns, or their keys, and values."""

class Execution:
    """Takes values of encrypted columns out of a statement's clauses, and puts their cells there."""

    def __init__(self, statement: Any, target: Target, rows: Rows) -> None:
        self.statement = statement
        self.target = target
        self.rows = rows
        self.batch = Batch(target.declared)
        self.named: dict[str, str] = {}
        """Our name for a sealed parameter: the name that its value is given under."""
        self.named_beside: set[str] = set()

    def assign(
        self, pair: Pair, value: Any, columns: Sequence[Any], items: Items, *, conflicting: bool = False
    ) -> None:
        """Adds to `items` what assigns a value to an encrypted column: to all its `columns`, once sealed.

        `conflicting`: the items are those of an upsert, for the row in conflict.
        """
        if self.is_named(value):
            self._assign_named(pair, value, columns, items, conflicting)
            return
        at = len(items)
        items += [(column, None) for column in columns]

        def put(cells: Cells) -> None:
            items[at : at + len(columns)] = zip(columns, as_parameters(pair, cells), strict=True)

        def put_keys(cells: Sequence[Any]) -> None:
            cell = bindparam(None, cells[0], type_=pair.dek.type, unique=True)
            items.append((self._sibling(pair, conflicting), cell))

        self.batch.add(Slot(pair, [plain_value(value, pair)], put, put_keys, None, conflicting))

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

    def _assign_named(
        self, pair: Pair, value: Any, columns: Sequence[Any], items: Items, conflicting: bool
    ) -> None:
        """Each execution's own value, under names of our own: one parameter may serve several columns."""
        names = [f"{value.key}__{pair.content.key}__{_part(pair, each)}" for each in pair.own]
        if any(name in row for name in names for row in self.rows):
            raise UnsupportedStatementError(
                f'bindparam("{value.key}") is sealed into parameters of the names {" and ".join(names)}: '
                "rename those that you give"
            )
        bound = [bindparam(name, type_=each.type) for name, each in zip(names, pair.own, strict=True)]
        items += zip(columns, bound, strict=True)

        def put_keys(cells: Sequence[Any]) -> None:
            name = f"{pair.dek.key}__envelope_{'set' if conflicting else 'key'}"
            items.append((self._sibling(pair, conflicting), bindparam(name, type_=pair.dek.type)))
            self.named_beside.add(name)
            for row, cell in zip(self.rows, cells, strict=True):
                row[name] = cell

        add_rows(self.batch, pair, self.rows, self.take(pair, value), names, put_keys, conflicting)
        self.named[names[0]] = value.key
        self.named_beside.update(names[1:])

    def _sibling(self, pair: Pair, conflicting: bool) -> Any:
        """What a clause calls the sibling."""
        return pair.dek.key if conflicting else self.target.written.c[pair.dek.key]


def _part(pair: Pair, column: Any) -> str:
    if column is pair.content:
        return "sealed"
    if column is pair.dek:
        return "dek"
    return "plaintext" if column is pair.plaintext else f"index_{column.key}"


def as_parameters(pair: Pair, cells: Cells) -> list[Any]:
    """The cells of a single value as parameters of the statement."""
    both = zip(pair.own, cells, strict=True)
    return [bindparam(None, cell, type_=column.type, unique=True) for column, (cell,) in both]
