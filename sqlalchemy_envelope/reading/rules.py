"""One rule per kind of expression: what becomes of an encrypted value that stands in it."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.dialects.postgresql.dml import OnConflictDoUpdate
from sqlalchemy.dialects.postgresql.ext import aggregate_order_by
from sqlalchemy.sql import elements, functions, operators, selectable
from sqlalchemy.sql.compiler import _CompileLabel
from sqlalchemy.sql.dml import UpdateBase

from ..types import carried
from .lineage import has_primary_key
from .path import ColumnsClause


class Outcome(Enum):
    """What a rule says."""

    UP = "the value passes on, unchanged"
    READ = "the value is handed out here"
    NULL_TEST = "only whether it is NULL matters"
    REFUSED = "no"


Rule = Callable[[Any, Any, Any, Any], Outcome]
"""`(ancestor, child, column, innermost statement)`: `child` is what stands directly in `ancestor`."""

PASSING_FUNCTIONS = frozenset({"array_agg", "any_value", "first_value", "last_value", "nth_value", "lag", "lead", "unnest"})


def rule_for(ancestor: Any) -> Rule:
    """The rule for an ancestor's class; refusal where none is written."""
    for cls in type(ancestor).__mro__:
        if cls in _RULES:
            return _RULES[cls]
    return _refused


def is_null(expression: Any) -> bool:
    """Whether an expression is NULL and nothing else, under any label, cast or parentheses."""
    while True:
        if isinstance(expression, elements.Label | elements.Grouping | elements.TypeCoerce):
            expression = getattr(expression, "element", None) or expression.clause
        elif isinstance(expression, elements.Cast):
            expression = expression.clause
        else:
            return isinstance(expression, elements.Null)


def same_kind(expression: Any, column: Any) -> bool:
    """Whether an expression is of just the column's encrypted type and context, itself or in an array."""
    type_, own = carried(expression.type), carried(column.type)
    return type_ is not None and own is not None and type_.bound and type_.reading == own.reading


def _refused(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return Outcome.REFUSED


def _up_if(passes: bool) -> Outcome:
    return Outcome.UP if passes else Outcome.REFUSED


def _element(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return _up_if(child is ancestor.element)


def _columns_clause(mark: ColumnsClause, child: Any, column: Any, innermost: Any) -> Outcome:
    """Just the entry itself or its label: anything in between rendered behind the compiler's back."""
    label = isinstance(child, elements.Label | _CompileLabel)
    return _up_if(child is mark.entry or (label and child.element is mark.entry))


def _select(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    if isinstance(child, ColumnsClause):
        return Outcome.UP
    group_by = getattr(innermost, "_group_by_clauses", ())
    if any(each is child for each in group_by) and has_primary_key(column, group_by):
        return Outcome.NULL_TEST  # the key decides the group, and the cell is one with it
    return Outcome.REFUSED


def _query_inside(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return _up_if(isinstance(child, selectable.SelectBase))


def _from_clause(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    queries = (selectable.SelectBase, UpdateBase)
    return Outcome.READ if isinstance(child, queries) else Outcome.REFUSED


def _statement(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return Outcome.READ if isinstance(child, ColumnsClause) else Outcome.REFUSED


def _textual_select(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return Outcome.NULL_TEST  # it only names a result column; its text was checked for both cells


def _unary(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return Outcome.READ if ancestor.operator is operators.exists else Outcome.REFUSED


def _binary(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    if child is not ancestor.left:
        return Outcome.REFUSED
    if ancestor.operator in (operators.is_, operators.is_not) and isinstance(ancestor.right, elements.Null):
        return Outcome.NULL_TEST
    return _up_if(ancestor.operator is operators.getitem and same_kind(ancestor, column))


def _case(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    conditions = [condition for condition, _ in ancestor.whens]
    results = [result for _, result in ancestor.whens]
    results += [] if ancestor.else_ is None else [ancestor.else_]
    if any(child is each for each in [*conditions, ancestor.value]) or not any(child is each for each in results):
        return Outcome.REFUSED
    return _up_if(same_kind(ancestor, column) and _all_alike(results, column))


def _argument_list(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    plain = type(ancestor) is elements.ClauseList and ancestor.operator is operators.comma_op
    return _up_if(plain and any(child is each for each in ancestor.clauses))


def _array(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return _up_if(same_kind(ancestor, column) and _all_alike(ancestor.clauses, column))


def _function(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    name = str(getattr(ancestor, "name", "")).lower()
    plain = not getattr(ancestor, "packagenames", ())
    if not plain or not isinstance(child, elements.Grouping) or ancestor.clause_expr is not child:
        return Outcome.REFUSED
    arguments = list(ancestor.clauses)
    if name == "count" and len(arguments) == 1:
        return Outcome.NULL_TEST
    if not same_kind(ancestor, column):
        return Outcome.REFUSED
    if name == "coalesce":
        return _up_if(_all_alike(arguments, column))
    return _up_if(name in PASSING_FUNCTIONS and all(_harmless(each, column) for each in arguments))


def _filtered(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return _up_if(child is ancestor.func)


def _ordered_target(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return _up_if(child is ancestor.target and child is not ancestor.order_by)


def _ordered_call(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    return _up_if(isinstance(child, functions.FunctionElement))


def _upsert(ancestor: Any, child: Any, column: Any, innermost: Any) -> Outcome:
    """`SET ssn = excluded.ssn`, with its sibling beside it: only writing puts both there."""
    set_ = {getattr(key, "key", key): value for key, value in dict(ancestor.update_values_to_set).items()}
    excluded = getattr(column.table, "name", None) == "excluded" and set_.get(column.key) is child
    sibling = set_.get(_sibling_key(column))
    return Outcome.NULL_TEST if excluded and getattr(sibling, "table", None) is column.table else Outcome.REFUSED


def _sibling_key(column: Any) -> Any:
    return next((each.key for each in column.table.c if each.name == carried(column.type).dek), None)  # type: ignore[union-attr]


def _all_alike(expressions: Iterable[Any], column: Any) -> bool:
    return all(same_kind(each, column) or is_null(each) for each in expressions)


def _harmless(expression: Any, column: Any) -> bool:
    return same_kind(expression, column) or is_null(expression) or isinstance(expression.type, Integer)


_RULES: dict[type, Rule] = {
    ColumnsClause: _columns_clause,
    elements.Label: _element,
    _CompileLabel: _element,
    elements.Grouping: _element,
    elements.Over: _element,
    elements.FunctionFilter: _filtered,
    elements.Case: _case,
    elements.BinaryExpression: _binary,
    elements.UnaryExpression: _unary,
    elements.ClauseList: _argument_list,
    array: _array,
    aggregate_order_by: _ordered_target,
    functions.FunctionElement: _function,
    OnConflictDoUpdate: _upsert,
    selectable.Select: _select,
    selectable.CompoundSelect: _query_inside,
    selectable.SelectStatementGrouping: _query_inside,
    selectable.ScalarSelect: _query_inside,
    selectable.AliasedReturnsRows: _from_clause,
    selectable.TextualSelect: _textual_select,
    UpdateBase: _statement,
}
if hasattr(elements, "AggregateOrderBy"):  # SQLAlchemy 2.1
    from sqlalchemy.sql.compiler import aggregate_orderby_inline

    _RULES[elements.AggregateOrderBy] = _ordered_call
    _RULES[aggregate_orderby_inline] = _element
