"""All values of one statement, sealed together: one wave of data keys, whatever the columns and rows."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column

from ..attachment import Attachment
from ..envelope import SealedColumn, ToSeal, to_seal
from ..tenancy import Parted
from .grouped import Group, Kept
from .slots import Slot, Which, Whose

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class Batch:
    """Collects plaintexts with the places that their cells go to."""

    def __init__(self) -> None:
        self._slots: list[Slot] = []
        self.keys: set[str] = set()
        self.sealed: list[tuple[Sequence[Any], SealedColumn]] = []
        """The values of each column and their cells, once sealed."""

    def add(self, slot: Slot) -> None:
        """Values of one column; its `put` gets their cells once all are sealed."""
        self._slots.append(slot)
        self.keys.add(str(slot.pair.content.key))

    def writes(self, tenant: Column[Any]) -> bool:
        """Whether a column is written, be it with NULL, whose tenants this one names."""
        return any(each.pair.tenant is tenant for each in self._slots)

    def gives(self, keys: Collection[str]) -> bool:
        """Whether one of these columns is given anything but NULL."""
        slots = (each for each in self._slots if each.pair.content.key in keys)
        return any(not _is_null(value, each.pair.type.codec) for each in slots for value in each.values)

    def groups(self) -> list[list[Slot]]:
        """The slots of columns that share a sibling, by the rows that they write."""
        found: dict[Any, list[Slot]] = {}
        for slot in self._slots:
            if slot.pair.mates:
                same = (slot.pair.dek.key, id(slot.row), slot.conflicting)
                found.setdefault(same, []).append(slot)
        return list(found.values())

    def seal(self, attachment: Attachment, whose: Whose, which: Which, kept: Kept | None = None) -> None:
        """Seals everything. Raises before anything is put: `InvalidValueError`, `KeyProviderError`.

        `kept`: the keys of rows that have one already, for columns that share it.
        """
        columns: list[ToSeal] = []
        alone = [slot for slot in self._slots if not slot.pair.mates]
        takes = [_collect(slot, whose, which, columns) for slot in alone]
        groups = [Group(slots, kept or {}) for slots in self.groups()]
        for group in groups:
            group.collect(whose, which, columns)
        sealed = iter(attachment.envelope.seal_columns(columns, attachment.wait))
        for slot, take in zip(alone, takes, strict=True):
            column = take(sealed)
            slot.fill(column)
            self.sealed.append((slot.values, column))
        for group in groups:
            self.sealed += group.fill(sealed)


Take = Callable[[Iterator[SealedColumn]], SealedColumn]


def _collect(slot: Slot, whose: Whose, which: Which, columns: list[ToSeal]) -> Take:
    """Adds a slot's values to what is sealed: a column, or one for each of its tenants."""
    context = slot.pair.type.reading.context
    encoded = slot.encoded()
    tenants, rows = whose(slot.pair, encoded, slot.row), which(slot.pair, encoded, slot.row)
    if tenants is None:
        columns.append(ToSeal(context, encoded, rows))
        return next
    parted = Parted(tenants)
    columns += to_seal(context, parted, encoded, rows)

    def take(sealed: Iterator[SealedColumn]) -> SealedColumn:
        parts = list(islice(sealed, len(parted.places)))
        deks, contents = ([getattr(each, name) for each in parts] for name in ("deks", "contents"))
        return SealedColumn(parted.joined(deks), parted.joined(contents))

    return take
