"""What a flush knows of its objects and its statements don't say: the tenants of the rows that it updates.

An INSERT has its tenant filled in on the object, so that the attribute holds it afterwards. An object whose
tenant changes has all its encrypted attributes written again, for the new one.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column, event, inspect, select
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import flag_modified, get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from ..attachment import attachment_of
from ..columns import Pair, pairs_of
from ..tenancy import Tenancy, tenant_of
from ..tenant_column import TenantText
from ..types import carried
from .remembered import Values, remember

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _cls: type) -> None:
    if any(_tenanted(table) for table in mapper.tables):
        event.listen(mapper, "before_insert", _fill)
        event.listen(mapper, "before_update", _prepare)


@event.listens_for(Column, "after_parent_attach")
def _added_late(column: Column[Any], table: Any) -> None:
    """A column of a complete table may be mapped by classes that exist already, unknown from here."""
    encrypted = carried(column.type)
    if encrypted is not None and encrypted.tenancy is Tenancy.ROW and pairs_of(table):
        _listen_to_all_mappers()


@cache
def _listen_to_all_mappers() -> None:
    event.listen(Mapper, "before_insert", _fill)
    event.listen(Mapper, "before_update", _prepare)


def _tenanted(table: Any) -> dict[Column[Any], list[Pair]]:
    """The pairs of a table by the column that names their tenants."""
    found: dict[Column[Any], list[Pair]] = {}
    for pair in pairs_of(table).values():
        if pair.tenant is not None:
            found.setdefault(pair.tenant, []).append(pair)
    return found


def _attributes(mapper: Mapper[Any]) -> Iterator[tuple[Any, Column[Any], str, dict[str, Column[Any]]]]:
    """Each table, a tenant column of it, its attribute, and the attributes encrypted for it."""
    named = mapper._columntoproperty
    for table in mapper.tables:
        for column, pairs in _tenanted(table).items():
            if column in named:
                contents = [pair.content for pair in pairs if pair.content in named]
                yield table, column, named[column].key, {named[each].key: each for each in contents}


def _fill(mapper: Mapper[Any], connection: Any, instance: Any) -> None:
    attached = attachment_of(connection.dialect) is not None
    tenant = tenant_of(connection.get_execution_options()) if attached else None
    if tenant is None:
        return
    for _table, column, attribute, _encrypted in _attributes(mapper):
        if instance.__dict__.get(attribute) is None:
            setattr(instance, attribute, TenantText(column).value(tenant))


def _prepare(mapper: Mapper[Any], connection: Any, instance: Any) -> None:
    if attachment_of(connection.dialect) is None:
        return
    state: Any = inspect(instance)
    for table, column, attribute, encrypted in _attributes(mapper):
        if get_history(instance, attribute, PASSIVE_NO_INITIALIZE).has_changes():
            for each, content in encrypted.items():
                given = each in state.committed_state
                none = getattr(instance, each) is None and content.type.should_evaluate_none
                if given or not (none and _is_null(mapper, connection, state, content)):
                    flag_modified(instance, each)
        elif any(each in state.committed_state for each in encrypted):
            values = {str(column.key): getattr(instance, attribute)}
            remember(connection, table, _key(mapper, state, table), values)


def _is_null(mapper: Mapper[Any], connection: Any, state: Any, content: Column[Any]) -> bool:
    """Whether a None that was read, of a type that holds None as a value, is NULL in the row: it stays so."""
    row = [column == _stored(mapper, state, column) for column in content.table.primary_key]
    return connection.scalar(select(content.is_(None)).where(*row)) is True


def _key(mapper: Mapper[Any], state: Any, table: Any) -> Values:
    """The row's primary key as stored, by the names that SQLAlchemy gives the parameters."""
    return {str(each._label): _stored(mapper, state, each) for each in table.primary_key}


def _stored(mapper: Mapper[Any], state: Any, column: Column[Any]) -> Any:
    stored: Any = mapper._get_committed_state_attr_by_column
    return stored(state, state.dict, column)
