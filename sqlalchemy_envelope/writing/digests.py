"""The cells of blind indexes, made with the values that they are written beside: one wave for a statement."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from ..attachment import Attachment
from ..blind import BlindIndex, IndexContext
from ..errors import UnsupportedStatementError
from ..pairs import Pair, indexed_with, pairs_of
from ..tenancy import Parted

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Tagged = Sequence[bytes | None]


class Encoded(NamedTuple):
    """Values of one column as they are about to be sealed: tagged, with the tenant of each if they have any.

    `row`: the row of `values([...])` that they are of, if one.
    """

    pair: Pair
    values: Tagged
    tenants: Sequence[str | None] | None
    row: Any

    def __repr__(self) -> str:
        return f"Encoded({self.pair.type.reading.context.place})"


class Digests:
    """The index cells of all that one statement writes."""

    def __init__(self, written: Sequence[Encoded], inserts: bool) -> None:
        self._written = written
        self._inserts = inserts
        self._orders: list[_Order] = []
        self.twins: dict[str, list[tuple[bytes, ...]]] = {}
        """By unique index: of each value the cell that is written, and those under its other live keys."""
        self._parted = [self._order(each, index) for each in written for index in each.pair.type.indexes]

    def made(self, attachment: Attachment) -> list[list[Tagged]]:
        """Of each of the columns written, the cells of its indexes. Raises `KeyProviderError`."""
        following, parted = iter(self._cells(attachment)), iter(self._parted)
        return [[_joined(next(parted), following) for _ in each.pair.type.indexes] for each in self._written]

    def _cells(self, attachment: Attachment) -> list[Tagged]:
        """Of each order, in one wave for the plain indexes and one for the unique."""
        keys, wait = attachment.envelope.index_keys, attachment.wait
        plain = [each[:2] for each in self._orders if each.unique is None]
        unique = [each for each in self._orders if each.unique is not None]
        cells = iter(keys.cells(plain, wait) if plain else ())
        several = iter(keys.written([each[:2] for each in unique], wait) if unique else ())
        return [
            next(cells) if each.unique is None else self._one(each, next(several)) for each in self._orders
        ]

    def _one(self, order: "_Order", found: Sequence[tuple[bytes, ...]]) -> Tagged:
        self.twins.setdefault(str(order.unique), []).extend(found)
        return [each[0] if each else None for each in found]

    def _order(self, one: Encoded, index: BlindIndex) -> "_Parts":
        messages = index.messages(*self._columns(one, index))
        context = one.pair.type.reading.context
        if one.tenants is None:
            return self._ordered(index, None, [(index.context(context), messages)])
        parted = Parted(one.tenants)
        parts = [(index.context(context, of), part) for of, part in parted.parts(messages)]
        return self._ordered(index, parted, parts)

    def _ordered(
        self, index: BlindIndex, parted: Parted | None, parts: list[tuple[IndexContext, Tagged]]
    ) -> "_Parts":
        """Asks for what has values: where there is none no key is looked up, and none made."""
        known: list[Tagged | None] = []
        for context, messages in parts:
            empty = all(each is None for each in messages)
            known.append(messages if empty else None)
            unique = index.name if index.unique else None
            self._orders += [] if empty else [_Order(context, messages, unique)]
        return _Parts(parted, known)

    def _columns(self, one: Encoded, index: BlindIndex) -> list[Tagged]:
        parts = indexed_with(one.pair, index)
        own = one.pair.content
        return [one.values if each.content is own else self._beside(each, one) for each in parts]

    def _beside(self, pair: Pair, one: Encoded) -> Tagged:
        """The values of another column of the same rows: NULL where an INSERT gives none."""
        count = len(one.values)
        same = (each for each in self._written if each.pair.content is pair.content)
        found = next((each for each in same if each.row is one.row), None)
        if found is None and self._inserts:
            return [None] * count
        if found is not None and len(found.values) in (1, count):
            return found.values if len(found.values) == count else [*found.values] * count
        raise UnsupportedStatementError(
            f"{one.pair.type.reading.context.place} and {pair.content.name} are indexed together: set both "
            "in the same way, for each row or for all"
        )


class _Order(NamedTuple):
    """Messages of one index and tenant; `unique`: its column, if no two rows may have one cell."""

    context: IndexContext
    messages: Tagged
    unique: str | None

    def __repr__(self) -> str:
        return f"_Order({self.context.place})"


class _Parts(NamedTuple):
    """How the cells of an index come: parted by tenant or not; None for those that were asked for."""

    parted: Parted | None
    known: list[Tagged | None]


def _joined(parts: _Parts, following: Iterator[Tagged]) -> Tagged:
    cells = [next(following) if each is None else each for each in parts.known]
    return cells[0] if parts.parted is None else parts.parted.joined(cells)


def check_together(table: Any, keys: AbstractSet[str]) -> None:
    """That an UPDATE sets all columns of an index that digests several, or none of them."""
    for pair in pairs_of(table).values():
        for index in pair.type.indexes:
            parts = {each.content.key: each.content.name for each in indexed_with(pair, index)}
            left = [name for key, name in parts.items() if key not in keys]
            if left and len(left) < len(parts):
                raise UnsupportedStatementError(
                    f"{table.name}.{index.name} indexes {', '.join(parts.values())} together, and "
                    f"{', '.join(left)} would be left as it is: set all of them in the same statement, or "
                    "change the row's objects by a Session"
                )


def is_together(pair: Pair) -> bool:
    """Whether an index digests the pair's values with those of other columns."""
    table: Any = pair.content.table
    return any(
        index.columns and any(each.content is pair.content for each in indexed_with(other, index))
        for other in pairs_of(table).values()
        for index in other.type.indexes
    )
