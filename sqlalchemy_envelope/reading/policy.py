"""Where an encrypted column may stand: default deny, judged by its ancestors in the statement being compiled.

A value may only travel up, unchanged, from its column to a columns clause and out of it, through expressions
that hand out one of their operands as it is. `rules` names those operands; what has no rule is refused.
"""

from enum import Enum
from typing import Any

from sqlalchemy.sql import elements
from sqlalchemy.sql.compiler import _CompileLabel
from sqlalchemy.sql.selectable import Select

from ..comparator import place_of
from ..errors import UnsupportedStatementError
from .path import ColumnsClause, Path
from .rules import PASSING_FUNCTIONS, Outcome, Stand, rule_for


class Verdict(Enum):
    """How a column renders where it stands."""

    PAIR = "both cells, joined"
    NULL = "something that is NULL as it is: nothing else matters there"
    CELL = "its content cell alone, as it is stored"


Carriers = dict[int, Any]
"""The expressions that hand on an encrypted value, by identity: `==` on them would be SQL."""


def judge(column: Any, path: Path, innermost: Any, carriers: Carriers) -> Verdict:
    """How `column`, at the end of `path`, renders in the statement `innermost`.

    Adds to `carriers` the expressions that hand its value on.
    Raises `UnsupportedStatementError` for every place that has no rule.
    """
    child, read = column, False
    for ancestor in reversed(path):
        if ancestor is child:
            continue
        outcome = rule_for(ancestor)(Stand(ancestor, child, column, innermost))
        if outcome is Outcome.READ:
            return Verdict.PAIR
        if outcome is Outcome.NULL_TEST:
            return Verdict.NULL
        if outcome is Outcome.STORED:
            return Verdict.CELL
        if outcome is Outcome.REFUSED:
            raise refusal(column.type, whereabouts(ancestor, child, innermost), remedy_for(ancestor))
        carriers[id(ancestor)] = ancestor
        read = read or isinstance(ancestor, ColumnsClause)
        child = ancestor
    if read:
        return Verdict.PAIR
    raise refusal(column.type, "an expression on its own, or in DDL")


def refusal(type_: Any, where: str, remedy: str = "") -> UnsupportedStatementError:
    """The one form in which a statement is refused."""
    remedy = remedy or "the database sees random ciphertext; select the column and do the rest in Python"
    return UnsupportedStatementError(f"{place_of(type_)} is encrypted and can't stand in {where}: {remedy}")


def remedy_for(ancestor: Any) -> str:
    """What helps, where something does."""
    name = str(getattr(ancestor, "name", "")).lower() if hasattr(ancestor, "clause_expr") else ""
    return (
        f"give {name}() the column's own type: type_=Model.attribute.type"
        if name in PASSING_FUNCTIONS
        else ""
    )


def whereabouts(ancestor: Any, child: Any, innermost: Any) -> str:
    """The place that refused, as an author of SQLAlchemy code would call it."""
    if isinstance(ancestor, Select) and not isinstance(child, ColumnsClause):
        return _clause_of(innermost, child)
    if isinstance(ancestor, ColumnsClause | elements.ClauseList | _CompileLabel):
        return "a construct of your own, or under another type"
    operator = getattr(getattr(ancestor, "operator", None), "__name__", "")
    name = getattr(ancestor, "name", None) if hasattr(ancestor, "clause_expr") else None
    if isinstance(name, str):
        return f"{name}()"
    return operator or type(ancestor).__name__.strip("_")


def _clause_of(select: Any, child: Any) -> str:
    clauses = {
        "GROUP BY": "_group_by_clauses",
        "ORDER BY": "_order_by_clauses",
        "DISTINCT ON": "_distinct_on",
    }
    for clause, attribute in clauses.items():
        if any(each is child for each in getattr(select, attribute, ())):
            return clause
    return "WHERE, ON, HAVING or ORDER BY"
