"""A flush and the indexes over several columns: where some of them change, the others are written too."""

from functools import cache
from typing import Any

from sqlalchemy import Column, event, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import flag_modified, get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from ..attachment import attachment_of
from ..pairs import indexed_with, pairs_of
from ..types import carried
from .flushing import take_along

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _cls: type) -> None:
    if any(_groups(table) for table in mapper.tables):
        event.listen(mapper, "before_update", _prepare)


@event.listens_for(Column, "after_parent_attach")
def _added_late(column: Column[Any], table: Any) -> None:
    """A column of a complete table may be mapped by classes that exist already, unknown from here."""
    encrypted = carried(column.type)
    if encrypted is not None and encrypted.index is not None and pairs_of(table):
        _listen_to_all_mappers()


@cache
def _listen_to_all_mappers() -> None:
    event.listen(Mapper, "before_update", _prepare)


def _groups(table: Any) -> list[list[Column[Any]]]:
    """The columns of a table that an index digests together, a list for each index."""
    pairs = pairs_of(table).values()
    several = [(pair, index) for pair in pairs for index in pair.type.indexes if index.columns]
    return [[each.content for each in indexed_with(*both)] for both in several]


def _prepare(mapper: Mapper[Any], connection: Any, instance: Any) -> None:
    if attachment_of(connection.dialect) is None:
        return
    named, state = mapper._columntoproperty, inspect(instance)
    for table in mapper.tables:
        for contents in _groups(table):
            attributes = {named[each].key: each for each in contents if each in named}
            given = {each for each in attributes if _changes(instance, each)}
            if given and len(given) < len(contents):
                kept = {each: content for each, content in attributes.items() if each not in given}
                take_along(mapper, connection, instance, kept)
                for each in kept.keys() - state.committed_state.keys():
                    state.dict.setdefault(each, None)  # NULL, or of a row that is gone
                    flag_modified(instance, each)


def _changes(instance: Any, attribute: str) -> bool:
    """Whether the flush writes it: one that was set to what it had is left out."""
    return bool(get_history(instance, attribute, PASSIVE_NO_INITIALIZE).has_changes())
