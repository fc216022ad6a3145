"""Textual fragments inside a statement: refused where they name an encrypted column of one of its tables.

SQL text can't be followed, so this is by name, and errs on the side of refusing. A statement that is text
altogether is the user's own: nobody but the database reads it.
"""

import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from sqlalchemy import Table

from ..pairs import pairs_of
from ..primary_key import row_before
from ..tenancy import Tenancy
from ..types import carried
from .joined import alternatives, row_tenant
from .lineage import is_query, origin, pair_of, stored_table
from .policy import refusal
from .tokens import code, names, outside, tokens

_STAR = re.compile(r"(?:^|[,(]|\bselect\b)\s*(?:[\w$\"]+\s*\.\s*)*\*\s*(?:$|[,)]|\bfrom\b)", re.IGNORECASE)
_COUNT_STAR = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
_ANONYMOUS = re.compile(r"%\(\S+ (.+)\)s")
_LAST_WORD = re.compile(r"(\w+)\s*$")
_BEFORE_A_NAME = frozenset({"from", "join", "into", "only", "update", "using", "of", "as"})
_READS_A_TABLE = frozenset({"select", "table", "from"})
_CLAUSES = frozenset(
    {"distinct", "group", "having", "window", "union", "intersect", "except", "order", "into"}
)
_IN_EXPRESSIONS = frozenset({("is", "distinct"), ("not", "distinct"), ("within", "group")})
_REMEDY = "name it as a column object, so that it can be judged"


def check_fragment(text: str, froms: Iterable[Any]) -> None:
    """Refuses text that names an encrypted column of `froms`, all columns, or a whole row as one value."""
    froms = list(froms)
    shown = _COUNT_STAR.sub("", code(text))
    words = names(shown)
    for source in froms:
        columns = encrypted_columns(source)
        whole = bool(columns) and (_STAR.search(shown) or _is_row(shown, source, froms))
        for column in columns:
            if whole or _is_among(column.name, words):
                raise refusal(column.type, "textual SQL", _REMEDY)


def tables_named(text: str, froms: Iterable[Any]) -> set[Table]:
    """The tables that text reads in a query of its own, among those declared beside the tables of `froms`."""
    words = names(text)
    if not words & _READS_A_TABLE:
        return set()
    beside = {table.metadata for source in froms for table in _tables_under(source)}
    tables = [table for metadata in beside for table in metadata.tables.values()]
    return {table for table in tables if _is_among(table.name, words)}


def changes_statement(text: str) -> bool:
    """Whether text is more than an expression: a clause of its own, or parentheses that it does not close."""
    written = list(tokens(text))
    depths = list(accumulate((each.syntax == "(") - (each.syntax == ")") for each in written)) or [0]
    if depths[-1] or min(depths) < 0:
        return True
    words = [each.syntax for each in outside(written)]
    follows = zip(["", *words], words, strict=False)
    return any(word in _CLAUSES and (before, word) not in _IN_EXPRESSIONS for before, word in follows)


def check_textual_select(statement: Any) -> None:
    """Refuses `text(...).columns(...)` with an encrypted column whose sibling the text never names."""
    for column in statement.column_args:
        if carried(column.type) is not None:
            _check_sibling(column, statement.element.text)


def check_named_result(column: Any, text: str) -> None:
    """The same for a column that text may or may not hand out, by its name or by `*`."""
    if carried(column.type) is not None and (column.name in names(text) or _STAR.search(code(text))):
        _check_sibling(column, text)


def _check_sibling(column: Any, text: str) -> None:
    encrypted: Any = carried(column.type)
    words, name, dek, moving = names(text), column.name, encrypted.dek, encrypted.moving
    wanted = (dek,) if moving is None else moving.cells_named(dek)
    tenant = encrypted.tenant if encrypted.tenancy is Tenancy.ROW and encrypted.opens else None
    pair = pair_of(column)
    key = pair.row if pair is not None and encrypted.opens else []
    if encrypted.tenancy is Tenancy.CONTEXT and encrypted.opens:
        raise refusal(column.type, "textual SQL, which can't say whose it is", "select the column itself")
    beside = [*wanted, *([tenant] if tenant else []), *(each.name for each in key)]
    if dek is not None and all(_is_among(each, words) for each in beside):
        return
    dek = dek or f"{name}_dek"
    before = [row_tenant(tenant)] if tenant else []
    before += [row_before(key, lambda each: str(each.name))] if key else []
    shared = pair is not None and bool(pair.mates)
    cells = alternatives(dek, name, shared=shared, before=" || ".join(before))
    read = f"coalesce({', '.join(cells)})" if moving is None else moving.value_sql(cells, moving.column)
    raise refusal(column.type, "textual SQL alone", f'select what it is read from, {read} AS "{name}"')


def encrypted_columns(source: Any) -> list[Any]:
    """The encrypted columns that a FROM offers."""
    table = stored_table(source)
    if table is not None:
        return [pair.content for pair in pairs_of(table).values()]
    return (
        [each for each in getattr(source, "c", ()) if carried(each.type) is not None]
        if is_query(source)
        else []
    )


def _is_among(name: str, words: set[str]) -> bool:
    return name in words or name.lower() in words


def _is_row(shown: str, source: Any, froms: Iterable[Any]) -> bool:
    """Whether a FROM's name stands as a value, all its columns in one: `patient::text`, `q.*`."""
    name = getattr(source, "name", None)
    if not isinstance(name, str) or any(name == each.name for other in froms for each in _columns(other)):
        return False  # a column of that name goes before the row
    anonymous = _ANONYMOUS.fullmatch(name)
    known = re.escape(name) if anonymous is None else rf"{re.escape(anonymous[1])}_\d+"
    value = rf"""(?<![\w$.:"])(?:"{known}"|{known})(?![\w$"])(?!\s*(?:[('"]|\.\s*[^\s*]))"""
    return any(
        before is None or before[1].lower() not in _BEFORE_A_NAME
        for found in re.finditer(value, shown, re.IGNORECASE)
        for before in [_LAST_WORD.search(shown, 0, found.start())]
    )


def _columns(source: Any) -> Iterable[Any]:
    return () if stored_table(source) is None and not is_query(source) else source.c


def _tables_under(source: Any) -> set[Table]:
    table = stored_table(source)
    if table is not None:
        return {table}
    starts = [origin(each) for each in _columns(source)]
    return {table for each in starts if each and (table := stored_table(each.column.table)) is not None}
