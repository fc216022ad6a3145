"""Values of one column in a statement, and where their cells go."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy.sql.elements import Null

from ..codec import encode_all
from ..pairs import Pair
from ..scalars import JSON_TAG
from ..sealing import SealedColumn
from ..types import Sealed
from ..valuetypes import ValueCodec

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Cells = list[Sequence[Any]]
"""What the columns of a pair are given, a sequence for each in the order of `Pair.own`."""

Put = Callable[[Cells], None]
"""Takes the cells of the values that were added with it, in order."""

PutKeys = Callable[[Sequence[Any]], None]
"""Takes the cells of a sibling that serves several columns: one for each of the values."""

Whose = Callable[[Pair, Sequence[Any], Any], Sequence[str | None] | None]
"""The tenants of a slot's values; None where the column's context says all."""

Which = Callable[[Pair, Sequence[Any], Any], Sequence[bytes | None] | None]
"""The rows of a slot's values; None where the column is bound to none."""


class Slot(NamedTuple):
    """Values of one column and where their cells go; `row`: the row of `values([...])`, if one.

    `put_keys`: takes those of a shared sibling. `conflicting`: whether an upsert writes them to the row in
    conflict.
    """

    pair: Pair
    values: Sequence[Any]
    put: Put
    put_keys: PutKeys
    row: Any = None
    conflicting: bool = False

    def __repr__(self) -> str:
        return f"Slot({self.place})"

    def encoded(self) -> list[bytes | None]:
        """The values as tagged plaintexts; None for a NULL. Raises `InvalidValueError`."""
        type_: Any = self.pair.content.type
        values, codec, place = self.values, type_.codec, type_.reading.context.place
        if codec.tag != JSON_TAG:
            return encode_all(type_.encode, values, place)
        kept = [value for value in values if not _is_null(value, codec)]
        following = iter(encode_all(type_.encode, kept, place, none=True))
        return [None if _is_null(value, codec) else next(following) for value in values]

    @property
    def is_null(self) -> bool:
        """Whether all its values are NULL."""
        return all(_is_null(value, self.pair.type.codec) for value in self.values)

    def fill(self, column: SealedColumn, indexed: Sequence[Sequence[Any]]) -> None:
        """Puts the cells where they go, those of its blind indexes too."""
        contents = [None if content is None else Sealed(content) for content in column.contents]
        cells: Cells = [contents] if self.pair.mates else [contents, column.deks]
        moving = self.pair.content.type.moving  # type: ignore[attr-defined]
        if moving is not None:
            cells.append(moving.kept(self.values, self.place))
        cells += indexed
        self.put(cells)

    @property
    def place(self) -> str:
        """`table.column`, for messages."""
        return self.pair.type.reading.context.place


def _is_null(value: Any, codec: ValueCodec) -> bool:
    """As SQLAlchemy's JSON has it: `null()` always is, None unless it is JSON's."""
    return isinstance(value, Null) or (value is None and not codec.holds_none)
