"""What a flush knows of its objects and its statements don't say: the tenants of the rows that it updates.

An INSERT has its tenant filled in on the object, so that the attribute holds it afterwards. An object whose
tenant changes, or whose primary key does, has what is encrypted for it written again, for the new one.
"""

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column, event, inspect, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import flag_modified, get_history, set_committed_value
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.orm.exc import ObjectDeletedError

from ..attachment import attachment_of
from ..pairs import Pair, pairs_of
from ..tenancy import OPTION, Tenancy, of_any_tenant, tenant_of
from ..tenant_column import TenantText
from ..types import carried
from .defaults import replaced_by
from .remembered import Values, remember

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _cls: type) -> None:
    if any(_tenanted(table) or _keyed(table) for table in mapper.tables):
        event.listen(mapper, "before_insert", _fill)
        event.listen(mapper, "before_update", _prepare)


@event.listens_for(Column, "after_parent_attach")
def _added_late(column: Column[Any], table: Any) -> None:
    """A column of a complete table may be mapped by classes that exist already, unknown from here."""
    encrypted = carried(column.type)
    bound = encrypted is not None and (encrypted.tenancy is Tenancy.ROW or encrypted.bind_row)
    if bound and pairs_of(table):
        _listen_to_all_mappers()


@cache
def _listen_to_all_mappers() -> None:
    event.listen(Mapper, "before_insert", _fill)
    event.listen(Mapper, "before_update", _prepare)


Deciding = dict[Column[Any], list[Pair]]
"""Pairs by a column that their values are encrypted for."""


def _tenanted(table: Any) -> Deciding:
    """The pairs of a table by the column that names their tenants."""
    found: Deciding = {}
    for pair in pairs_of(table).values():
        if pair.tenant is not None:
            found.setdefault(pair.tenant, []).append(pair)
    return found


def _keyed(table: Any) -> Deciding:
    """The pairs of a table that are bound to their rows, by each column of its primary key."""
    bound = [pair for pair in pairs_of(table).values() if pair.type.bind_row]
    return dict.fromkeys(bound[0].row, bound) if bound else {}


def _attributes(
    mapper: Mapper[Any], deciding: Callable[[Any], Deciding] = _tenanted
) -> Iterator[tuple[Any, Column[Any], str, dict[str, Column[Any]]]]:
    """Each table, a column of it that values depend on, its attribute, and the attributes that do."""
    named = mapper._columntoproperty
    for table in mapper.tables:
        for column, pairs in deciding(table).items():
            if column in named:
                contents = [pair.content for pair in pairs if pair.content in named]
                yield table, column, named[column].key, {named[each].key: each for each in contents}


def _fill(mapper: Mapper[Any], connection: Any, instance: Any) -> None:
    if attachment_of(connection.dialect) is None:
        return
    tenant = tenant_of(connection.get_execution_options())
    for _table, column, attribute, _encrypted in _attributes(mapper):
        if tenant is not None and instance.__dict__.get(attribute) is None:
            setattr(instance, attribute, TenantText(column).value(tenant))
    replaced = replaced_by(mapper, instance)
    if replaced is not None:
        _replace(mapper, connection, instance, inspect(replaced))


def _replace(mapper: Mapper[Any], connection: Any, instance: Any, before: Any) -> None:
    """Has a row that is updated for a new object of another tenant take along what that doesn't set."""
    given = instance.__dict__
    for _table, column, attribute, encrypted in _attributes(mapper):
        if given.get(attribute) not in (None, _stored(mapper, before, column)):
            kept = {each: content for each, content in encrypted.items() if each not in given}
            take_along(mapper, connection, instance, kept, before)


def _prepare(mapper: Mapper[Any], connection: Any, instance: Any) -> None:
    if attachment_of(connection.dialect) is None:
        return
    state: Any = inspect(instance)
    for _table, _column, attribute, encrypted in _attributes(mapper, _keyed):
        _follow(mapper, connection, instance, attribute, encrypted)
    for table, column, attribute, encrypted in _attributes(mapper):
        if _follow(mapper, connection, instance, attribute, encrypted):
            continue
        if any(each in state.committed_state for each in encrypted):
            values = {str(column.key): _value(instance, attribute)}
            remember(connection, table, row_key(mapper, state, table), values)


def _follow(
    mapper: Mapper[Any], connection: Any, instance: Any, attribute: str, encrypted: dict[str, Column[Any]]
) -> bool:
    """Whether an attribute changes; what is encrypted for it is then written again."""
    state: Any = inspect(instance)
    if not get_history(instance, attribute, PASSIVE_NO_INITIALIZE).has_changes():
        return False
    given = encrypted.keys() & state.committed_state.keys()
    for each in given:
        flag_modified(instance, each)
    kept = {each: content for each, content in encrypted.items() if each not in given}
    take_along(mapper, connection, instance, kept)
    return True


def take_along(
    mapper: Mapper[Any], connection: Any, instance: Any, kept: dict[str, Column[Any]], before: Any = None
) -> None:
    """Has what nobody set written again as the row has it now, locked: somebody else may have set it since.

    NULL stays as it is, also of a type that holds None as another value. `before`: the state of the object
    that the row is loaded as, where that is another.
    """
    state: Any = before or inspect(instance)
    for table in {content.table for content in kept.values()}:
        mine = {each: content for each, content in kept.items() if content.table is table}
        row = [column == _stored(mapper, state, column) for column in _key_of(mapper, table)]
        if not row:
            continue  # nor does the flush write a table without a key
        for each, value, is_null in _locked(connection, mine, row):
            _keep(instance, each, value, is_null)


def _locked(connection: Any, kept: dict[str, Column[Any]], row: list[Any]) -> Iterator[tuple[str, Any, bool]]:
    """By attribute its value in the row now, and whether it is NULL; nothing where the row is gone.

    A value with `TENANT` opens for the tenant that the flush runs for, every other for the one of its row.
    """
    for in_context in (False, True):
        mine = {
            each: content
            for each, content in kept.items()
            if (content.type.tenancy is Tenancy.CONTEXT) is in_context  # type: ignore[attr-defined]
        }
        asked = [entry for content in mine.values() for entry in (content, content.is_(None))]
        query = select(*asked).where(*row).with_for_update()
        if not mine:
            continue
        if in_context:
            found = connection.execute(query).first()
        else:
            with of_any_tenant():
                found = connection.execute(query.execution_options(**{OPTION: None})).first()
        if found is not None:  # else the UPDATE finds no row either
            yield from zip(mine, found[::2], found[1::2], strict=True)


def _keep(instance: Any, attribute: str, value: Any, is_null: bool) -> None:
    state: Any = inspect(instance)
    if is_null:
        set_committed_value(instance, attribute, None)
        return
    if attribute not in state.dict or state.dict[attribute] != value:
        set_committed_value(instance, attribute, value)  # as loaded: no validator sees it, but mutables do
        state.manager.dispatch.refresh_flush(state, None, [attribute])
    flag_modified(instance, attribute)


def _value(instance: Any, attribute: str) -> Any:
    """An attribute's value, loaded if it isn't: `raiseload` keeps the application from it, not a flush."""
    try:
        return getattr(instance, attribute)
    except ObjectDeletedError:
        raise
    except InvalidRequestError:
        state: Any = inspect(instance)
        state._expire_attributes(state.dict, [attribute])
        return getattr(instance, attribute)


def row_key(mapper: Mapper[Any], state: Any, table: Any) -> Values:
    """The row's primary key as stored, by the names that SQLAlchemy gives the parameters."""
    return {str(each._label): _stored(mapper, state, each) for each in _key_of(mapper, table)}


def _key_of(mapper: Mapper[Any], table: Any) -> Collection[Column[Any]]:
    """What the flush finds a row by: the table's primary key, or what the class declares for one."""
    found: Collection[Column[Any]] = mapper._pks_by_table.get(table, ())  # type: ignore[assignment]
    return found


def _stored(mapper: Mapper[Any], state: Any, column: Column[Any]) -> Any:
    stored: Any = mapper._get_committed_state_attr_by_column
    return stored(state, state.dict, column)
