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

_NO_CODE = re.compile(
    r"""("(?:[^"]|"")*")|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'"""
    r"""|(?<![\w$])\$((?:[^\W\d]\w*)?)\$.*?\$\2\$|--[^\n]*|/\*.*?\*/""",
    re.DOTALL,
)
"""Quoted names, which are kept and may hold what looks like the rest: strings and comments."""
_WORDS = re.compile(r'"((?:[^"]|"")+)"|([^\W\d][\w$]*)')
_STAR = re.compile(r"(?:^|[,(]|\bselect\b)\s*(?:[\w$\"]+\s*\.\s*)*\*\s*(?:$|[,)]|\bfrom\b)", re.IGNORECASE)
_COUNT_STAR = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)
_POSITION = re.compile(r"(?:^|,)\s*(\d+)\b")
_ANONYMOUS = re.compile(r"%\(\S+ (.+)\)s")
_LAST_WORD = re.compile(r"(\w+)\s*$")
_BEFORE_A_NAME = frozenset({"from", "join", "into", "only", "update", "using", "of", "as"})
_REMEDY = "name it as a column object, so that it can be judged"


def check_fragment(text: str, froms: Iterable[Any]) -> None:
    """Refuses text that names an encrypted column of `froms`, all columns, or a whole row as one value."""
    froms = list(froms)
    code = _COUNT_STAR.sub("", _code(text))
    words = _words(code)
    for source in froms:
        columns = encrypted_columns(source)
        whole = bool(columns) and (_STAR.search(code) or _is_row(code, source, froms))
        for column in columns:
            if whole or _is_among(column.name, words):
                raise refusal(column.type, "textual SQL", _REMEDY)


def check_order(text: str, columns: list[Any]) -> None:
    """Refuses ORDER BY or GROUP BY by the number or label that an encrypted column is selected under."""
    code = _code(text)
    words, numbers = _words(code), set(map(int, _POSITION.findall(code)))
    for number, column in enumerate(columns, 1):
        label = getattr(column, "name", None)
        if carried(column.type) is None:
            continue
        if number in numbers or (isinstance(label, str) and _is_among(label, words)):
            raise refusal(column.type, "ORDER BY or GROUP BY by its position or label")


def check_textual_select(statement: Any) -> None:
    """Refuses `text(...).columns(...)` with an encrypted column whose sibling the text never names."""
    for column in statement.column_args:
        if carried(column.type) is not None:
            _check_sibling(column, statement.element.text)


def check_named_result(column: Any, text: str) -> None:
    """The same for a column that text may or may not hand out, by its name or by `*`."""
    code = _code(text)
    named = {quoted or word for quoted, word in _WORDS.findall(code)}
    if carried(column.type) is not None and (column.name in named or _STAR.search(code)):
        _check_sibling(column, text)


def _check_sibling(column: Any, text: str) -> None:
    encrypted: Any = carried(column.type)
    words, name, dek, moving = _words(_code(text)), column.name, encrypted.dek, encrypted.moving
    wanted = (dek,) if moving is None else moving.cells_named(dek)
    if dek is not None and all(_is_among(each, words) for each in wanted):
        return
    dek = dek or f"{name}_dek"
    cells = (f"{dek} || {name}", dek, name)
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


def _code(text: str) -> str:
    """The text without what its strings and comments say."""
    return _NO_CODE.sub(lambda found: found[1] or "''", text)


def _words(code: str) -> set[str]:
    return {quoted.replace('""', '"') or word.lower() for quoted, word in _WORDS.findall(code)}


def _is_among(name: str, words: set[str]) -> bool:
    return name in words or name.lower() in words


def _is_row(code: str, source: Any, froms: Iterable[Any]) -> bool:
    """Whether a FROM's name stands as a value, all its columns in one: `patient::text`, `q.*`."""
    name = getattr(source, "name", None)
    if not isinstance(name, str) or any(name == each.name for other in froms for each in _columns(other)):
        return False  # a column of that name goes before the row
    anonymous = _ANONYMOUS.fullmatch(name)
    known = re.escape(name) if anonymous is None else rf"{re.escape(anonymous[1])}_\d+"
    value = rf"""(?<![\w$.:"])(?:"{known}"|{known})(?![\w$"])(?!\s*(?:[('"]|\.\s*[^\s*]))"""
    return any(
        before is None or before[1].lower() not in _BEFORE_A_NAME
        for found in re.finditer(value, code, re.IGNORECASE)
        for before in [_LAST_WORD.search(code, 0, found.start())]
    )


def _columns(source: Any) -> Iterable[Any]:
    return () if stored_table(source) is None and not is_query(source) else source.c
