"""One rule per kind of expression: what becomes of an encrypted value that stands in it."""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.dialects.postgresql.dml import OnConflictDoUpdate
from sqlalchemy.dialects.postgresql.ext import aggregate_order_by
from sqlalchemy.sql import elements, functions, lambdas, operators, selectable
from sqlalchemy.sql.compiler import _CompileLabel
from sqlalchemy.sql.dml import UpdateBase

from .kinds import is_array, is_null, same_kind
from .lineage import cells_of, has_primary_key
from .path import ColumnsClause


class Outcome(Enum):
    """What a rule says."""

    UP = "the value passes on, unchanged"
    READ = "the value is handed out here"
    NULL_TEST = "only whether it is NULL matters"
    STORED = "the cell stands for itself"
    REFUSED = "no"


class Stand(NamedTuple):
    """Where a value stands: `child` directly in `ancestor`, on the way up from `column`.

    `innermost` is the statement being compiled, as compiled.
    """

    ancestor: Any
    child: Any
    column: Any
    innermost: Any


Rule = Callable[[Stand], Outcome]

PASSING_FUNCTIONS = frozenset(
    {"array_agg", "any_value", "first_value", "last_value", "nth_value", "lag", "lead", "unnest"}
)


def rule_for(ancestor: Any) -> Rule:
    """The rule for an ancestor's class; refusal where none is written."""
    for cls in type(ancestor).__mro__:
        if cls in _RULES:
            return _RULES[cls]
    return _refused


def _refused(at: Stand) -> Outcome:
    return Outcome.REFUSED


def _up_if(passes: bool) -> Outcome:
    return Outcome.UP if passes else Outcome.REFUSED


def _element(at: Stand) -> Outcome:
    return _up_if(at.child is at.ancestor.element and is_array(at.child) == is_array(at.ancestor))


def _columns_clause(at: Stand) -> Outcome:
    """Just the entry itself or its label, still of its type: nothing rendered or retyped in between."""
    entry = at.ancestor.entry
    label = isinstance(at.child, elements.Label | _CompileLabel)
    whole = at.child is entry or (label and at.child.element is entry)
    return _up_if(whole and same_kind(entry, at.column))


def _select(at: Stand) -> Outcome:
    if isinstance(at.child, ColumnsClause):
        return Outcome.UP
    group_by = getattr(at.innermost, "_group_by_clauses", ())
    # a mapped class among them stands as a list of its columns
    columns = [column for each in group_by for column in getattr(each, "clauses", [each])]
    if any(each is at.child for each in group_by) and has_primary_key(at.column, columns):
        return Outcome.NULL_TEST  # the key decides the group, and the cell is one with it
    return Outcome.REFUSED


def _query_inside(at: Stand) -> Outcome:
    return _up_if(isinstance(at.child, selectable.SelectBase))


def _lambda(at: Stand) -> Outcome:
    return _up_if(isinstance(at.child, selectable.SelectBase) or at.child is at.ancestor._resolved)


def _from_clause(at: Stand) -> Outcome:
    queries = (selectable.SelectBase, UpdateBase)
    return Outcome.READ if isinstance(at.child, queries) else Outcome.REFUSED


def _statement(at: Stand) -> Outcome:
    return Outcome.READ if isinstance(at.child, ColumnsClause) else Outcome.REFUSED


def _textual_select(at: Stand) -> Outcome:
    return Outcome.STORED  # it only names a result column; its text was checked for both cells


def _unary(at: Stand) -> Outcome:
    return Outcome.READ if at.ancestor.operator is operators.exists else Outcome.REFUSED


def _binary(at: Stand) -> Outcome:
    if at.child is not at.ancestor.left:
        return Outcome.REFUSED
    if at.ancestor.operator in (operators.is_, operators.is_not) and isinstance(
        at.ancestor.right, elements.Null
    ):
        return Outcome.NULL_TEST
    item = at.ancestor.operator is operators.getitem and (_is_slice(at.ancestor) or not _is_slice(at.child))
    return _up_if(item and same_kind(at.ancestor, at.column))


def _is_slice(expression: Any) -> bool:
    return isinstance(getattr(expression, "right", None), elements.Slice)


def _case(at: Stand) -> Outcome:
    conditions = [condition for condition, _ in at.ancestor.whens]
    results = [result for _, result in at.ancestor.whens]
    results += [] if at.ancestor.else_ is None else [at.ancestor.else_]
    tested = any(at.child is each for each in [*conditions, at.ancestor.value])
    handed_out = any(at.child is each for each in results) and _all_alike(results, at.column)
    return _up_if(handed_out and not tested and same_kind(at.ancestor, at.column))


def _argument_list(at: Stand) -> Outcome:
    plain = type(at.ancestor) is elements.ClauseList and at.ancestor.operator is operators.comma_op
    return _up_if(plain and any(at.child is each for each in at.ancestor.clauses))


def _array(at: Stand) -> Outcome:
    return _up_if(same_kind(at.ancestor, at.column) and _all_alike(at.ancestor.clauses, at.column))


def _function(at: Stand) -> Outcome:
    name = str(getattr(at.ancestor, "name", "")).lower()
    plain = not getattr(at.ancestor, "packagenames", ())
    if not plain or not isinstance(at.child, elements.Grouping) or at.ancestor.clause_expr is not at.child:
        return Outcome.REFUSED
    arguments = list(at.ancestor.clauses)
    if name == "count" and len(arguments) == 1:
        return Outcome.NULL_TEST
    if not same_kind(at.ancestor, at.column) or not _fits(name, at.ancestor, arguments[0]):
        return Outcome.REFUSED
    if name == "coalesce":
        return _up_if(_all_alike(arguments, at.column))
    return _up_if(name in PASSING_FUNCTIONS and all(_harmless(each, at.column) for each in arguments))


def _fits(name: str, call: Any, argument: Any) -> bool:
    """Whether a function's type is an array where it gives one, whatever its author said."""
    if name == "array_agg":
        return is_array(call) and (is_array(argument) or call.type.dimensions in (None, 1))
    if name == "unnest":
        return is_array(argument) and not is_array(call)
    return is_null(argument) or is_array(call) == is_array(argument)


def _filtered(at: Stand) -> Outcome:
    return _up_if(at.child is at.ancestor.func)


def _ordered_target(at: Stand) -> Outcome:
    return _up_if(at.child is at.ancestor.target and at.child is not at.ancestor.order_by)


def _ordered_call(at: Stand) -> Outcome:
    return _up_if(isinstance(at.child, functions.FunctionElement))


def _upsert(at: Stand) -> Outcome:
    """`SET ssn = excluded.ssn`, with its other cells beside it: only writing puts them all there."""
    set_ = {getattr(key, "key", key): value for key, value in dict(at.ancestor.update_values_to_set).items()}
    excluded = getattr(at.column.table, "name", None) == "excluded" and set_.get(at.column.key) is at.child
    pair = cells_of(at.column) if excluded else None
    beside = [] if pair is None else [set_.get(each.key) for each in pair.columns]
    whole = all(getattr(each, "table", None) is at.column.table for each in beside)
    return Outcome.STORED if beside and whole else Outcome.REFUSED


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
    lambdas.LambdaElement: _lambda,
    UpdateBase: _statement,
}
if hasattr(elements, "AggregateOrderBy"):  # SQLAlchemy 2.1
    from sqlalchemy.sql.compiler import aggregate_orderby_inline

    _RULES[elements.AggregateOrderBy] = _ordered_call
    _RULES[aggregate_orderby_inline] = _element
