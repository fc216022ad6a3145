"""The sibling column: where a wrapped data key lies, out of the way of everything that lists columns."""

from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlalchemy.sql.elements import quoted_name


class Sibling(Column[bytes]):
    """A column that is never mapped, and never in `select(table)` nor in `select(table.alias())`.

    SQLAlchemy leaves out what has `_omit_from_statements`, but its aliases and subqueries forget the mark.
    """

    inherit_cache = True

    @classmethod
    def named(cls, name: str | quoted_name, *, nullable: bool) -> "Sibling":
        """A new sibling."""
        return cls(name, LargeBinary(), nullable=nullable, _omit_from_statements=True)

    @classmethod
    def adopted(cls, column: Column[Any]) -> None:
        """Makes a sibling of a column that was declared by hand, in its place."""
        column._omit_from_statements = True
        if type(column) is Column:
            column.__class__ = cls

    def _make_proxy(self, *args: Any, **kw: Any) -> Any:
        key, proxy = super()._make_proxy(*args, **kw)
        proxy._omit_from_statements = True
        return key, proxy
