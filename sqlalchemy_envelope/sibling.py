"""The sibling column: where a wrapped data key lies, out of the way of everything that lists columns."""

from typing import Any, Self, TypeVar

from sqlalchemy import Column, LargeBinary
from sqlalchemy.sql.elements import quoted_name

T = TypeVar("T")


class Hidden(Column[T]):
    """A column that is never mapped, and never in `select(table)` nor in `select(table.alias())`.

    SQLAlchemy leaves out what has `_omit_from_statements`, but its aliases and subqueries forget the mark.
    """

    inherit_cache = True

    @classmethod
    def adopted(cls, column: Column[Any]) -> None:
        """Hides a column that was declared by hand, in its place."""
        column._omit_from_statements = True
        if type(column) is Column:
            column.__class__ = cls

    def _make_proxy(self, *args: Any, **kw: Any) -> Any:
        key, proxy = super()._make_proxy(*args, **kw)
        proxy._omit_from_statements = True
        return key, proxy


class Sibling(Hidden[bytes]):
    """The column of wrapped data keys."""

    inherit_cache = True

    @classmethod
    def named(cls, name: str | quoted_name, *, nullable: bool) -> Self:
        """A new sibling."""
        return cls(name, LargeBinary(), nullable=nullable, _omit_from_statements=True)
