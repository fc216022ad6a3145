"""`before_execute`: sees every INSERT and UPDATE with its whole batch of rows, and seals what it writes."""

from typing import Any, NamedTuple

from sqlalchemy.orm import FromStatement
from sqlalchemy.sql.dml import Delete, Insert
from sqlalchemy.sql.lambdas import LambdaElement

from ..errors import UnsupportedStatementError
from ..pairs import pairs_of
from ..reading.lineage import stored_table
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
from .target import Target, written_by
from .tenants import Tenants
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


def rewrite(statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    """The same execution with every value for an encrypted column sealed. Raises before anything is sent."""
    if isinstance(statement, LambdaElement):
        return _unless_plain(statement._resolved, statement, multi, single, site)
    return _unless_plain(statement, statement, multi, single, site)


def _unless_plain(resolved: Any, statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    if not getattr(resolved, "is_dml", False) or isinstance(resolved, Delete):
        return Executed(statement, multi, single)
    if isinstance(resolved, FromStatement):
        return _inside(resolved, multi, single, site)
    table = stored_table(written_by(resolved))
    if table is None or not pairs_of(table):
        return Executed(statement, multi, single)
    return _seal(resolved, multi, single, site)


def _inside(from_statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    """`select(Model).from_statement(insert(Model)…returning(Model))`: the statement that it is made of."""
    element = from_statement.element
    executed = _unless_plain(element, element, multi, single, site)
    if executed.statement is element:
        return executed._replace(statement=from_statement)
    made = from_statement._generate()
    made.element = executed.statement
    return executed._replace(statement=made)


def _seal(statement: Any, multi: Any, single: Any, site: Site) -> Executed:
    execution = Execution(statement, [dict(row) for row in multi] if multi else [dict(single)])
    if isinstance(statement, Insert) and statement.select is not None:
        _check_select(statement, execution.target)
    values, upsert = SingleValues(execution), Upsert(execution)
    values.collect()
    groups = collect_rows(execution)
    collect_parameters(execution.rows, execution.target, execution.batch)
    if isinstance(statement, Insert) and not groups and statement.select is None:
        if execution.rows == [{}]:
            values.collect_defaults()
        else:
            collect_defaults(execution.rows, execution.target, execution.batch)
    upsert.collect()
    tenants, criteria = _settled(UpdatedTenants, InsertedTenants, execution, values, groups, site)
    keys, more = _settled(UpdatedRows, InsertedRows, execution, values, groups, site)
    criteria = [*criteria, *more]
    upsert.check()
    kept, more = _kept(tenants, site)
    criteria += more
    inserts = isinstance(statement, Insert)
    if not inserts:
        check_together(execution.target.table, execution.batch.keys)
    execution.batch.seal(site.attachment, tenants.of, keys.of, kept, inserts=inserts)
    move_twins(site, execution.target.table, execution.batch.twins)
    statement = _applied(statement, values, groups, upsert)
    statement = statement.where(*criteria) if criteria else statement
    rows = (execution.rows, {}) if multi else ([], execution.rows[0])
    return Executed(statement, *rows, execution)


def _settled(
    updated: Any, inserted: Any, execution: Execution, values: SingleValues, groups: Groups, site: Site
) -> tuple[Any, list[Any]]:
    """What the rows are known by, as one of the two classes finds it, and what finds just those rows."""
    if not isinstance(execution.statement, Insert):
        found = updated(execution, site)
        found.settle(values)
        return found, found.criteria
    found = inserted(execution, site)
    if execution.statement.select is None:
        found.settle(values, groups)
    return found, []


def _kept(tenants: Tenants, site: Site) -> tuple[Kept, list[Any]]:
    """The keys that rows have already, of columns that share them, and what finds the rows with these."""
    if isinstance(tenants.execution.statement, Insert):
        return {}, []
    keys = KeptKeys(tenants, site)
    return keys.settle(), keys.criteria


def _applied(statement: Any, values: SingleValues, groups: Groups, upsert: Upsert) -> Any:
    if not (values.changed or groups or upsert.changed):
        return statement
    made = statement._generate()
    if values.changed:
        values.apply(made)
    if groups:
        made._multi_values = groups
    if upsert.changed:
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
