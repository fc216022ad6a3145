"""Python-side defaults of encrypted columns: sealed like any other value, and known to the ORM.

SQLAlchemy would compute them after the statement was rewritten. For a flush they are set on the object
beforehand, so that the attribute holds its value afterwards, as it does for other columns.
"""

from functools import cache
from typing import Any

from sqlalchemy import Column, event, inspect
from sqlalchemy.orm import Mapper, object_session
from sqlalchemy.orm.exc import ObjectDeletedError

from ..pairs import Pair, pairs_of
from ..types import carried
from .batch import Batch
from .parameters import Rows, add_rows
from .target import Target

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def default_value(pair: Pair) -> Any:
    """The value of the column's default."""
    default: Any = pair.content.default
    return default.arg(None) if default.is_callable else default.arg


def collect_defaults(rows: Rows, target: Target, batch: Batch) -> None:
    """Adds the defaults of encrypted columns that an INSERT gives no value for."""
    for key, pair in target.pairs.items():
        if pair.content.default is not None and key not in batch.keys:
            names = target.declared.own_keys[key]
            add_rows(batch, pair, rows, [default_value(pair) for _ in rows], names)


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _cls: type) -> None:
    if any(pair.content.default is not None for table in mapper.tables for pair in pairs_of(table).values()):
        event.listen(mapper, "before_insert", _fill_defaults)


@event.listens_for(Column, "after_parent_attach")
def _added_late(column: Column[Any], table: Any) -> None:
    """A column of a complete table may be mapped by classes that exist already, unknown from here."""
    if column.default is not None and carried(column.type) is not None and pairs_of(table):
        _listen_to_all_mappers()


@cache
def _listen_to_all_mappers() -> None:
    event.listen(Mapper, "before_insert", _fill_defaults)


def _fill_defaults(mapper: Mapper[Any], _connection: Any, instance: Any) -> None:
    if replaced_by(mapper, instance) is not None:
        return
    given = instance.__dict__
    for table in mapper.tables:
        for pair in pairs_of(table).values():
            key = (
                mapper._columntoproperty[pair.content].key
                if pair.content in mapper._columntoproperty
                else None
            )
            if key is not None and pair.content.default is not None and given.get(key) is None:
                setattr(instance, key, default_value(pair))


def replaced_by(mapper: Mapper[Any], instance: Any) -> Any:
    """The object deleted by the same flush that has its key: the row is updated then, without defaults."""
    session: Any = object_session(instance)
    other = session.identity_map.get(mapper.identity_key_from_instance(instance))
    return other if other is not None and _is_there(other) else None


def _is_there(instance: Any) -> bool:
    """Whether an object that was loaded once still has its row, as SQLAlchemy is about to ask itself."""
    state: Any = inspect(instance)
    try:
        for name in [*state.expired_attributes][:1] if state.expired else ():
            getattr(instance, name)
    except ObjectDeletedError:
        return False
    return True
