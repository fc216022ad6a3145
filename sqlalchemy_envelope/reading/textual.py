"""Textual fragments inside a statement: refused where they name an encrypted column of one of its tables.

SQL text can't be followed, so this is by name, and errs on the side of refusing. A statement that is text
altogether is the user's own: nobody but the database reads it.
"""

import re
from collections.abc import Iterable
from typing import Any

from ..columns import pairs_of
from ..types import carried
from .lineage import is_query, stored_table
from .policy import refusal

_STRINGS = re.compile(r"'(?:[^']|'')*'")
_WORDS = re.compile(r'"([^"]+)"|([A-Za-z_][A-Za-z0-9_$]*)')
_STAR = re.compile(r"(?:^|[,(]|\bselect\b)\s*(?:[\w\"]+\.)?\*\s*(?:$|[,)]|\bfrom\b)", re.IGNORECASE)
_COUNT_STAR = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
_POSITION = re.compile(r"(?:^|,)\s*(\d+)\b")
_REMEDY = "name it as a column object, so that it can be judged"


def check_fragment(text: str, froms: Iterable[Any]) -> None:
    """Refuses text that names an encrypted column of `froms`, all columns, or a whole row as one value."""
    code = _COUNT_STAR.sub("", _STRINGS.sub("''", text))
    words = {quoted or word.lower() for quoted, word in _WORDS.findall(code)}
    for source in froms:
        for column in encrypted_columns(source):
            named = column.name in words or column.name.lower() in words
            if named or _STAR.search(code) or _is_row(code, getattr(source, "name", None)):
                raise refusal(column.type, "textual SQL", _REMEDY)


def check_position(text: str, columns: list[Any]) -> None:
    """Refuses ORDER BY or GROUP BY by the number of an encrypted column."""
    for number in map(int, _POSITION.findall(text)):
        if 0 < number <= len(columns) and carried(columns[number - 1].type) is not None:
            raise refusal(columns[number - 1].type, "ORDER BY or GROUP BY by its position")


def check_textual_select(statement: Any) -> None:
    """Refuses `text(...).columns(...)` with an encrypted column whose sibling the text never names."""
    for column in statement.column_args:
        if carried(column.type) is not None:
            _check_sibling(column, statement.element.text)


def check_named_result(column: Any, text: str) -> None:
    """The same for a column that text may or may not hand out, by its name or by `*`."""
    code = _STRINGS.sub("''", text)
    named = {quoted or word for quoted, word in _WORDS.findall(code)}
    if carried(column.type) is not None and (column.name in named or _STAR.search(code)):
        _check_sibling(column, text)


def _check_sibling(column: Any, text: str) -> None:
    encrypted: Any = carried(column.type)
    if encrypted.dek is not None and encrypted.dek in text:
        return
    name, dek = column.name, encrypted.dek or f"{column.name}_dek"
    remedy = f'select both cells, coalesce({dek} || {name}, {dek}, {name}) AS "{name}"'
    raise refusal(column.type, "textual SQL alone", remedy)


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


def _is_row(code: str, name: object) -> bool:
    if not isinstance(name, str):
        return False
    return re.search(rf'(?:^|[,(])\s*"?{re.escape(name)}"?\s*(?:$|[,)])', code, re.IGNORECASE) is not None
