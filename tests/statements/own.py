"""Constructs such as applications write with SQLAlchemy's compiler extension, for shapes to use."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles


class Explain(sa.Executable, sa.ClauseElement):
    """EXPLAIN, as SQLAlchemy's own recipe has it."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


class CreateTable(Explain):
    """CREATE TABLE AS."""

    inherit_cache = False


class Raw(sa.ColumnElement[Any]):
    """SQL of one's own, of one's own type."""

    inherit_cache = False

    def __init__(self, sql: str, type_: Any = None) -> None:
        self.sql = sql
        self.type = type_ or sa.Text()


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **kw: Any) -> str:
    return f"EXPLAIN (COSTS OFF) {compiler.process(element.statement, **kw)}"


@compiles(CreateTable)
def _create_table(element: CreateTable, compiler: Any, **kw: Any) -> str:
    return f"CREATE TEMP TABLE own AS {compiler.process(element.statement, **kw)}"


@compiles(Raw)
def _raw(element: Raw, _compiler: Any, **_kw: Any) -> str:
    return element.sql
