"""`before_execute`: sees every INSERT and UPDATE with its whole batch of rows, and seals what it writes."""

from typing import Any, NamedTuple

from sqlalchemy.sql.dml import Insert

from ..errors import UnsupportedStatementError
from .defaults import collect_defaults
from .digests import check_together
from .execution import Execution
from .grouped import Kept
from .inserted_rows import InsertedRows
from .inserted_tenants import InsertedTenants
from .kept_keys import KeptKeys
from .parameters import collect_parameters
from .rows import collect_rows
from .site import Site
from .slots import Which, Whose
from .target import Target
from .twins import move_twins
from .updated_rows import UpdatedRows
from .updated_tenants import UpdatedTenants
from .upsert import Upsert
from .values import SingleValues

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


Groups = tuple[Any, ...]
"""The rows of `values([...])`."""


class Executed(NamedTuple):
    """A statement, its many parameter sets (or none), its one (or none): as the event has them."""

    statement: Any
    multi: Any
    single: Any
    sealed: Execution | None = None
    """What was sealed, if anything could be."""

    def __repr__(self) -> str:
        return "Executed()"


class Known(NamedTuple):
    """Whose the rows are and which, the keys that they have already, and what finds just those rows.

    None where the contexts of the columns say all.
    """

    whose: Whose | None
    which: Which | None
    kept: Kept
    criteria: list[Any]


_NOTHING = Known(None, None, {}, [])


def rewrite(statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    """The same execution with every value for an encrypted column sealed. Raises before anything is sent."""
    resolved = statement._resolved if getattr(statement, "_is_lambda_element", False) else statement
    return _unless_plain(resolved, statement, multi, single, site)


def _unless_plain(resolved: Any, statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    if not getattr(resolved, "is_dml", False) or resolved.is_delete:
        return Executed(statement, multi, single)
    if resolved.is_from_statement:
        return _inside(resolved, multi, single, site)
    target = Target.of(resolved)
    if target is None:
        return Executed(statement, multi, single)
    rows = [dict(row) for row in multi] if multi else [dict(single)]
    execution = Execution(resolved, target, rows)
    made = _sealed(execution, site)
    return Executed(made, rows, {}, execution) if multi else Executed(made, [], rows[0], execution)


def _inside(from_statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    """`select(Model).from_statement(insert(Model)…returning(Model))`: the statement that it is made of."""
    element = from_statement.element
    executed = _unless_plain(element, element, multi, single, site)
    if executed.statement is element:
        return executed._replace(statement=from_statement)
    made = from_statement._generate()
    made.element = executed.statement
    return executed._replace(statement=made)


def _sealed(execution: Execution, site: Site) -> Any:
    """The statement with all sealed that it writes."""
    statement, target, batch = execution.statement, execution.target, execution.batch
    inserts = statement.is_insert
    if inserts and statement.select is not None:
        _check_select(statement, target)
    values = SingleValues(execution)
    values.collect()
    upsert = None if statement._post_values_clause is None else Upsert(execution)
    groups = collect_rows(execution) if statement._multi_values else ()
    collect_parameters(execution.rows, target, batch)
    if inserts and not groups and statement.select is None:
        _collect_defaults(execution, values)
    if upsert is not None:
        upsert.collect()
    needed = target.declared.knows_rows
    whose, which, kept, criteria = _known(execution, values, groups, site) if needed else _NOTHING
    if upsert is not None:
        upsert.check()
    if target.declared.indexes_together and not inserts:
        check_together(target.table, batch.keys)
    batch.seal(site.attachment, whose, which, kept, inserts=inserts)
    if batch.twins:
        move_twins(site, target.table, batch.twins)
    statement = _applied(statement, values, groups, upsert)
    return statement.where(*criteria) if criteria else statement


def _collect_defaults(execution: Execution, values: SingleValues) -> None:
    if execution.rows == [{}]:
        values.collect_defaults()
    else:
        collect_defaults(execution.rows, execution.target, execution.batch)


def _known(execution: Execution, values: SingleValues, groups: Groups, site: Site) -> Known:
    declared = execution.target.declared
    whose = which = None
    kept: Kept = {}
    criteria: list[Any] = []
    if declared.is_tenanted or declared.shares_keys:
        tenants, criteria = _settled(UpdatedTenants, InsertedTenants, execution, values, groups, site)
        whose = tenants.of
    if declared.bound:
        keys, more = _settled(UpdatedRows, InsertedRows, execution, values, groups, site)
        which, criteria = keys.of, criteria + more
    if declared.shares_keys and not execution.statement.is_insert:
        stored = KeptKeys(tenants, site)
        kept = stored.settle()
        criteria = criteria + stored.criteria
    return Known(whose, which, kept, criteria)


def _settled(
    updated: Any, inserted: Any, execution: Execution, values: SingleValues, groups: Groups, site: Site
) -> tuple[Any, list[Any]]:
    """What the rows are known by, as one of the two classes finds it, and what finds just those rows."""
    if not execution.statement.is_insert:
        found = updated(execution, site)
        found.settle(values)
        return found, found.criteria
    found = inserted(execution, site)
    if execution.statement.select is None:
        found.settle(values, groups)
    return found, []


def _applied(statement: Any, values: SingleValues, groups: Groups, upsert: Upsert | None) -> Any:
    if not (values.changed or groups or (upsert is not None and upsert.changed)):
        return statement
    made = statement._generate()
    if values.changed:
        values.apply(made)
    if groups:
        made._multi_values = groups
    if upsert is not None and upsert.changed:
        upsert.apply(made)
    return made


def _check_select(statement: Insert, target: Target) -> None:
    """INSERT … SELECT writes what the database computes, which can't be sealed."""
    named = {
        pair.content.key for key in statement._select_names or () if (pair := target.pair(key)) is not None
    }
    filled = {
        key
        for key, pair in target.pairs.items()
        if pair.content.default is not None and statement.include_insert_from_select_defaults
    }
    for key in sorted(named | filled):
        raise UnsupportedStatementError(
            f"{target.pairs[key].type.reading.context.place} is encrypted and can't be filled by a query: "
            "read the rows and insert them from Python"
        )
