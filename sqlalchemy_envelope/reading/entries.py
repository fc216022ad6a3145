"""Entries of ORDER BY, GROUP BY and DISTINCT ON that mean a column of the same SELECT by its number or label.

PostgreSQL takes a bare number or name for one, whoever wrote it: text, a literal, a construct of the user's
own. So these clauses are read as they are sent.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..types import carried
from .policy import refusal
from .tokens import Token, integer, outside, tokens

_OPENS_ENTRIES = frozenset({"", ",", "(", "distinct", "all", "sets", "cube", "rollup"})
_ENDS_ENTRY = frozenset({"", ",", ")", "asc", "desc", "nulls", "using"})
_LATER = "value_to_come"
_PARAMETER_TO_COME = re.compile(r"__\[POSTCOMPILE_[^\]]*\]", re.IGNORECASE)
_SCHEMA_TO_COME = re.compile(r"__\[SCHEMA_[^\]]*\]\.", re.IGNORECASE)
"""How SQLAlchemy marks what becomes part of the text when it is executed."""


class Outputs(NamedTuple):
    """What a SELECT hands out: by number and by label the encrypted columns, and the labels of the others.

    `counted` is false where text may stand for several columns, so that nobody knows which number is whose.
    """

    numbers: dict[int, Any]
    labels: dict[str, Any]
    others: frozenset[str]
    counted: bool

    def __or__(self, other: "Outputs") -> "Outputs":
        """The branches of a set operation."""
        return Outputs(
            self.numbers | other.numbers,
            self.labels | other.labels,
            self.others | other.others,
            self.counted and other.counted,
        )


def outputs_of(columns: Sequence[Any], rendered: Sequence[str]) -> Outputs:
    """Of a columns clause: its columns, and each as it is sent."""
    numbers: dict[int, Any] = {}
    labels: dict[str, Any] = {}
    others, counted = set(), True
    for number, (column, sql) in enumerate(zip(columns, rendered, strict=False), 1):
        written = list(tokens(sql))
        label = written[-1].text if written else ""
        if carried(column.type) is not None:
            numbers[number] = labels[label] = column.type
        else:
            others.add(label)
            counted = counted and not any(each.syntax == "," for each in outside(written))
    return Outputs(numbers, labels, frozenset(others), counted)


def check_entries(sql: str, outputs: Outputs, hidden: Iterable[Any]) -> None:
    """Refuses entries that mean an encrypted column: of `outputs`, or of the `hidden` ones that are read."""
    below = {each.name: each.type for each in hidden if each.name not in outputs.others}
    known = _SCHEMA_TO_COME.sub("", _PARAMETER_TO_COME.sub(f" {_LATER} ", sql))
    for entry in _bare(list(tokens(known))):
        type_ = _meant(entry, outputs, below)
        if type_ is not None:
            raise refusal(type_, "ORDER BY, GROUP BY or DISTINCT ON by its number or label")


def _meant(entry: Token, outputs: Outputs, below: dict[str, Any]) -> Any:
    first = next(iter(outputs.numbers.values()), None)
    if entry.text == _LATER:
        return first
    if entry.kind != "number":
        return outputs.labels.get(entry.text, below.get(entry.text))
    return outputs.numbers.get(integer(entry.text) or 0) if outputs.counted else first


def _bare(written: list[Token]) -> Iterator[Token]:
    """The numbers and names that are a whole entry, under parentheses that only group."""
    grouping: list[bool] = []
    syntax = ["", *(each.syntax for each in written), ""]
    for token, before, after in zip(written, syntax, syntax[2:], strict=False):
        if token.syntax == "(":
            grouping.append(before in _OPENS_ENTRIES)
        elif token.syntax == ")":
            grouping = grouping[:-1]
        elif token.kind != "sign" and all(grouping) and before in _OPENS_ENTRIES and after in _ENDS_ENTRY:
            yield token
