"""Siblings that a model maps and several columns share: a flush knows the row's key by its attribute.

It then goes on with that key, without reading it again, if the row still has just that one. The attribute is
expired where the key may be another afterwards.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column, event, inspect
from sqlalchemy.orm import Mapper

from ..pairs import Pair, pairs_of
from ..types import carried
from .flushing import row_key
from .kept_keys import KEYS
from .remembered import remember

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _cls: type) -> None:
    if any(pair.mates for table in mapper.tables for pair in pairs_of(table).values()):
        _listen(mapper)


@event.listens_for(Column, "after_parent_attach")
def _added_late(column: Column[Any], table: Any) -> None:
    """A column of a complete table may join those that a class maps already."""
    if carried(column.type) is not None and pairs_of(table):
        _listen_to_all_mappers()


@cache
def _listen_to_all_mappers() -> None:
    _listen(Mapper)


def _listen(target: Any) -> None:
    event.listen(target, "before_update", _tell)
    event.listen(target, "after_update", _expire)
    event.listen(target, "after_insert", _expire)


def _shared(mapper: Mapper[Any]) -> Iterator[tuple[str, Pair]]:
    """The attribute of each shared sibling that the mapper maps, and a pair that it is of."""
    named = mapper._columntoproperty
    for table in mapper.tables:
        found = {pair.dek: pair for pair in pairs_of(table).values() if pair.mates and pair.dek in named}
        for dek, pair in found.items():
            yield named[dek].key, pair


def _tell(mapper: Mapper[Any], connection: Any, instance: Any) -> None:
    state: Any = inspect(instance)
    for attribute, pair in _shared(mapper):
        table = pair.content.table
        known = None if attribute in state.committed_state else state.dict.get(attribute)
        remember(connection, table, row_key(mapper, state, table), {str(pair.dek.key): known}, KEYS)


def _expire(mapper: Mapper[Any], _connection: Any, instance: Any) -> None:
    state: Any = inspect(instance)
    state._expire_attributes(state.dict, [attribute for attribute, _ in _shared(mapper)])
