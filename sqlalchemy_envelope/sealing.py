"""What is to be sealed, column by column, and what comes of it."""

from collections.abc import Sequence
from typing import NamedTuple

from .context import Context, for_tenant
from .row_keys import RowKeys
from .tenancy import Parted

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class SealedColumn(NamedTuple):
    """The cells of one column's values, in order; both None where a value was NULL."""

    deks: Sequence[bytes | None]
    contents: Sequence[bytes | None]

    def spread(self, given: Sequence[bytes | None]) -> "SealedColumn":
        """The same with a NULL pair wherever `given` has None."""
        return SealedColumn(spread(self.deks, given), spread(self.contents, given))

    def __repr__(self) -> str:
        return "SealedColumn()"


class ToSeal(NamedTuple):
    """Tagged plaintexts of one column that are to be sealed; None for a NULL.

    `rows`: where the context binds them, the row of each as `rows.encode_row` gives it. `keys`: the rows'
    own, where the column shares them with others.
    """

    context: Context
    values: Sequence[bytes | None]
    rows: Sequence[bytes | None] | None = None
    keys: RowKeys | None = None

    def __repr__(self) -> str:
        return f"ToSeal({self.context.place})"

    def contexts(self) -> list[bytes] | None:
        """The context of each value that is not NULL, where they differ."""
        if not self.context.bind_row:
            return None
        before, after = self.context.content, self.context.after_row
        both = zip(self.values, self.rows or (), strict=True)
        return [before + row + after for value, row in both if value is not None and row is not None]


def to_seal(
    context: Context,
    parted: Parted,
    values: Sequence[bytes | None],
    rows: Sequence[bytes | None] | None = None,
) -> list[ToSeal]:
    """A column whose values belong to several tenants as one for each of them."""
    contexts = [(for_tenant(context, of), part) for of, part in parted.parts(values)]
    of_parts = [None] * len(contexts) if rows is None else [part for _, part in parted.parts(rows)]
    return [ToSeal(*each, rows=part) for each, part in zip(contexts, of_parts, strict=True)]


def spread(cells: Sequence[bytes | None], given: Sequence[bytes | None]) -> list[bytes | None]:
    """Cells with None wherever `given` has it."""
    following = iter(cells)
    return [None if value is None else next(following) for value in given]


def keys_to_make(columns: Sequence[ToSeal]) -> list[RowKeys]:
    """The keys of rows, each told which of its rows has a value."""
    found: dict[RowKeys, None] = {}
    for column in columns:
        if column.keys is not None:
            column.keys.want(column.context, column.values)
            found[column.keys] = None
    return list(found)
