"""The ancestors of whatever is being compiled, kept by a mixin over SQLAlchemy's statement compiler.

SQLAlchemy tells a `visit_*` method what to render but not where it stands. Every one of them is wrapped to
keep the path; a columns clause (SELECT's or RETURNING's) is marked on it, because a column there is read
and a column anywhere else is compared, sorted or stored.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy.sql.compiler import SQLCompiler


class ColumnsClause(NamedTuple):
    """A mark on the path: below it, one entry of a columns clause is being rendered."""

    entry: Any


Path = list[Any]


class PathKeeping(SQLCompiler):
    """A statement compiler that knows the ancestors, outermost first, of what it renders."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        self.path: Path = []
        """The elements being rendered right now, each inside the one before."""
        super().__init__(*args, **kw)

    def _leave(self, element: Any) -> None:
        """Called when an element has rendered."""

    def _label_select_column(self, select: Any, column: Any, *args: Any, **kw: Any) -> str:
        self.path.append(ColumnsClause(column))
        try:
            text: str = super()._label_select_column(select, column, *args, **kw)
            return text
        finally:
            self.path.pop()


def keep_path(base: type[SQLCompiler]) -> dict[str, Callable[..., Any]]:
    """The wrapped `visit_*` methods of a compiler class, for the namespace of a subclass."""
    names = [name for name in dir(base) if name.startswith("visit_") and callable(getattr(base, name))]
    return {name: _on_path(getattr(base, name)) for name in names}


def _on_path(visit: Callable[..., Any]) -> Callable[..., Any]:
    def visit_on_path(self: PathKeeping, element: Any, *args: Any, **kw: Any) -> Any:
        path = self.path
        path.append(element)
        try:
            sql = visit(self, element, *args, **kw)
        finally:
            path.pop()
        self._leave(element)
        return sql

    return visit_on_path
