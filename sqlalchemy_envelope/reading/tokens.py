"""SQL text taken apart as PostgreSQL does it: names, numbers and signs, without strings and comments."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_LEXEME = re.compile(
    r"""
    (?P<blank> \s+ | --[^\n]* | /\* )
  | (?P<string> [eE]'(?:[^'\\]|\\.|'')*' | (?:[nNbBxX]|[uU]&)?'(?:[^']|'')*'
              | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ )
  | (?P<quoted> (?:[uU]&)?"(?:[^"]|"")*" )
  | (?P<number> 0[xX][\da-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+ | \d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)? )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_ESCAPED = re.compile(r"\\(?:\+([\da-fA-F]{6})|([\da-fA-F]{4})|(\\))")


class Token(NamedTuple):
    """A `word` or `quoted` name as the database has it, a `number`, a `sign`; `apart` after a blank."""

    kind: str
    text: str
    apart: bool = False

    @property
    def syntax(self) -> str:
        """The word or sign, where it may have a meaning to SQL itself."""
        return self.text if self.kind in ("word", "sign") else "?"


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of SQL text; a string is the sign `'`."""
    at, apart = 0, True
    while at < len(sql):
        found: Any = _LEXEME.match(sql, at)  # never None: its last branch takes anything
        if found["blank"] is not None:
            at, apart = (_after_comment(sql, at) if found[0] == "/*" else found.end()), True
            continue
        yield Token(*_kind_and_text(found), apart)
        at, apart = found.end(), False


def _kind_and_text(found: "re.Match[str]") -> tuple[str, str]:
    if found["string"] is not None:
        return "sign", "'"
    if found["quoted"] is not None:
        return "quoted", _unquoted(found[0])
    if found["word"] is not None:
        return "word", found[0].lower()
    return ("sign" if found["number"] is None else "number"), found[0]


def _after_comment(sql: str, at: int) -> int:
    """Where a comment ends: comments nest, and one without an end takes the rest."""
    depth = 0
    for mark in _COMMENT.finditer(sql, at):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(sql)


def _unquoted(text: str) -> str:
    name = text[text.index('"') + 1 : -1].replace('""', '"')
    if text.startswith('"'):
        return name
    return _ESCAPED.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), name)


def outside(written: Iterable[Token]) -> Iterator[Token]:
    """The tokens that stand in no parentheses or brackets."""
    depth = 0
    for token in written:
        depth += (token.syntax in ("(", "[")) - (token.syntax in (")", "]"))
        if not depth:
            yield token


def code(sql: str) -> str:
    """The text without what its strings and comments say."""
    return "".join(f"{' ' * each.apart}{_written(each)}" for each in tokens(sql)).strip()


def _written(token: Token) -> str:
    if token.kind == "quoted":
        return '"' + token.text.replace('"', '""') + '"'
    return "''" if token.text == "'" else token.text


def names(sql: str) -> set[str]:
    """The names in SQL text."""
    return {each.text for each in tokens(sql) if each.kind in ("word", "quoted")}


def integer(number: str) -> int | None:
    """What a number says, where it is an integer."""
    digits = number.replace("_", "").lower()
    if digits.isdigit():
        return int(digits)
    return int(digits, 0) if digits[:2] in ("0x", "0o", "0b") else None
