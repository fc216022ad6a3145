"""The table that a statement writes, and which of its columns a key means."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import ColumnProperty, CompositeProperty, SynonymProperty
from sqlalchemy.sql import elements

from ..errors import UnsupportedStatementError
from ..pairs import Pair, Pairs, pairs_of
from ..reading.lineage import stored_table
from ..types import carried

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class Target:
    """A table with pairs, as one INSERT or UPDATE names it."""

    def __init__(self, statement: Any, written: Any, table: Table, pairs: Pairs) -> None:
        self.written, self.table = written, table
        self.pairs, self.declared = pairs, pairs.declared
        self._statement = statement

    @property
    def _mapper(self) -> Any:
        """Of an ORM statement's class."""
        subject = self._statement._propagate_attrs.get("plugin_subject")
        return getattr(subject, "mapper", None)

    @classmethod
    def of(cls, statement: Any) -> "Target | None":
        """What a statement writes; None where no column of it is encrypted."""
        written = written_by(statement)
        table = stored_table(written)
        pairs = None if table is None else pairs_of(table)
        return cls(statement, written, table, pairs) if pairs else None  # type: ignore[arg-type]

    def pair(self, key: Any) -> Pair | None:
        """The pair whose content column `key` means: a column, a column's key or a mapped attribute's name.

        Raises `UnsupportedStatementError` for a column beside its content, which only sealing writes.
        """
        key = self._column_key(key)
        if key in self.declared.hidden:
            raise self.by_hand(key)
        return self.pairs.get(key)

    def columns(self, pair: Pair) -> list[Any]:
        """What a value is written to by itself, as the statement's own table or alias has it."""
        return pair.own if self.written is pair.content.table else pair.of(self.written).own

    def keys(self, pair: Pair) -> list[Any]:
        """What a row of many calls these: the ORM takes a string for an attribute's name."""
        return [each.key for each in pair.own] if self._mapper is None else self.columns(pair)

    def key(self, column: Any) -> Any:
        """The same for another column of the table."""
        return column.key if self._mapper is None else self.written.c[column.key]

    def means(self, key: Any, column: Any) -> bool:
        """Whether `key` means the column: the column itself, its key or a mapped attribute's name."""
        return self._column_key(key) == str(column.key)

    def by_hand(self, key: str) -> UnsupportedStatementError:
        """The refusal to write a column beside its content by hand."""
        pair, column = self.declared.hidden[key]
        return UnsupportedStatementError(
            f"{column.table.name}.{column.name} is written with {pair.content.name}, never by hand: "
            f"set {pair.content.name}"
        )

    def _column_key(self, key: Any) -> str:
        if isinstance(key, str):
            return self._mapped_key(key)
        column = key.__clause_element__() if hasattr(key, "__clause_element__") else key
        name = getattr(column, "name", None)
        known = (each.key for each in self.written.c if each.name == name)
        return next(known, str(getattr(column, "key", key)))

    def _mapped_key(self, key: str) -> str:
        """A column's key from an ORM attribute's name, where the statement is an ORM statement."""
        attribute = None if self._mapper is None else self._mapper.attrs.get(key)
        if isinstance(attribute, SynonymProperty):
            return self._mapped_key(attribute.name)
        if isinstance(attribute, CompositeProperty):
            self._refuse_composite(attribute)
        if isinstance(attribute, ColumnProperty):
            here = (column.key for column in attribute.columns if column.table is self.table)
            return next(here, key)
        return key

    def _refuse_composite(self, composite: Any) -> None:
        for column in composite.columns:
            if carried(column.type) is not None:
                raise UnsupportedStatementError(
                    f"{composite.key} has an encrypted column: set its columns one by one"
                )


def written_by(statement: Any) -> Any:
    """The table that a statement writes; the ORM's bulk statements name one of a joined hierarchy apart."""
    annotations = statement._annotations
    return annotations.get("_emit_insert_table", annotations.get("_emit_update_table", statement.table))


def plain_value(expression: Any, pair: Pair) -> Any:
    """The Python value that is to be stored, `null()` itself for a type that holds None as another.

    Raises `UnsupportedStatementError` for an SQL expression.
    """
    if isinstance(expression, elements.Null):
        return expression if pair.type.codec.holds_none else None
    if isinstance(expression, elements.BindParameter) and not expression.required:
        return expression.effective_value
    if isinstance(expression, elements.ClauseElement) or hasattr(expression, "__clause_element__"):
        raise UnsupportedStatementError(
            f"{pair.type.reading.context.place} is encrypted and can't be set by an SQL expression: "
            "set a Python value"
        )
    return expression
