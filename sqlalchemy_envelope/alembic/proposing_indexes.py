"""What autogenerate proposes for blind indexes: an operation for each that a stored column gained or lost."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from ..backfill.subject.declared import fills_of
from ..backfill.subject.fill import Fill
from ..blind import BlindIndex
from ..checks import stored_index
from ..context import Context
from ..pairs import Pair
from .changes import TableChanges
from .indexing import AddBlindIndexOp, DropBlindIndexOp


def with_the_move(changes: TableChanges, pair: Pair) -> list[BlindIndex]:
    """The indexes of a column that is about to be moved, which are filled with it."""
    found = [fill for fill in fills_of(pair) if len(fill.parts) == 1 and fill.column in changes.added]
    _take_out(changes, found)
    return [_as_declared(fill, pair) for fill in found]


def gained(changes: TableChanges, moved: Collection[str]) -> list[AddBlindIndexOp]:
    """Indexes of columns that hold values already, or will by the moves before; of new ones Alembic's do."""
    found = []
    for pair, fill in _declared(changes):
        there = all(name in changes.stored or name in moved for name in fill.contents)
        if fill.column in changes.added and there:
            _take_out(changes, [fill])
            found.append(AddBlindIndexOp(*_call(changes, pair, fill), **_options(changes, fill, pair)))
    return found


def lost(changes: TableChanges, stored: Collection[Fill]) -> list[DropBlindIndexOp]:
    """Recorded indexes whose column goes, or one that they are of."""
    found = []
    for fill in stored:
        if changes.dropped.keys().isdisjoint({fill.column, *fill.contents}):
            continue
        _take_out(changes, [fill])
        own = fill.parts[0]
        options = _options(changes, fill, None)
        found.append(DropBlindIndexOp(changes.name, own.content, _short(fill, own.content), **options))
    return found


def _declared(changes: TableChanges) -> Iterator[tuple[Pair, Fill]]:
    for pair in changes.pairs.values():
        if pair.type.accept is None:
            yield from ((pair, fill) for fill in fills_of(pair))


def _call(changes: TableChanges, pair: Pair, fill: Fill) -> tuple[str, str, BlindIndex]:
    return changes.name, str(pair.content.name), _as_declared(fill, pair)


def _as_declared(fill: Fill, pair: Pair) -> BlindIndex:
    return _short(fill, str(pair.content.name))


def _short(fill: Fill, column: str) -> BlindIndex:
    """Without the names that go without saying."""
    index, own = fill.index, next(each for each in fill.parts if each.content == column)
    how: dict[str, Any] = {"bits": index.bits, "unique": index.unique, "columns": index.columns}
    name = None if fill.column == f"{column}_bidx" and not index.columns else fill.column
    usual = BlindIndex(*index.expressions, name=name, **how)
    if usual.context(own.context).key == index.key:
        return usual
    return BlindIndex(*index.expressions, name=name, key=index.key, **how)


def _options(changes: TableChanges, fill: Fill, pair: Pair | None) -> dict[str, Any]:
    column = fill.parts[0].content if pair is None else str(pair.content.name)
    deks = {part.content: part.dek for part in fill.parts if part.dek != f"{part.content}_dek"}
    pinned = {part.content: replace(part.context, bind_row=False) for part in fill.parts}
    contexts = {name: each for name, each in pinned.items() if each != Context(fill.table, name)}
    own = {"dek": deks.pop(column, None), "context": contexts.pop(column, None)}
    whose = {"tenant": fill.tenant, "tenant_of_key": fill.tenant_of_key}
    more = {"deks": deks, "contexts": contexts, "bind_row": list(fill.row)}
    return {"schema": changes.schema, **own, **whose, **more}


def _take_out(changes: TableChanges, found: Collection[Fill]) -> None:
    changes.take_out(*(fill.column for fill in found))
    changes.take_out_indexes({stored_index(fill.table, fill.column) for fill in found})
