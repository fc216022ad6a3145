"""Values of the columns that share a sibling, of the same rows: sealed under one data key a row."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ..cipher import DataKey
from ..context import for_tenant
from ..row_keys import RowKeys
from ..sealing import SealedColumn, ToSeal
from ..tenancy import Parted
from .digests import Encoded
from .slots import Slot, Which

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext and keys

Kept = Mapping[str, Sequence[DataKey] | None]
"""By the key of a sibling: the keys that the rows have already. None where it is not written at all."""


class Group:
    """The slots of one group of columns. All of them write the same rows, or one value to all of these."""

    def __init__(self, slots: Sequence[Slot], kept: Kept) -> None:
        self._slots = slots
        self._longest = max(slots, key=lambda slot: len(slot.values))
        self._one = any(len(slot.values) != len(self._longest.values) for slot in slots)
        self._known, self._written = None, not all(slot.is_null for slot in slots)
        if not slots[0].conflicting:
            key = str(slots[0].pair.dek.key)
            self._known, self._written = kept.get(key), kept.get(key, _NEW) is not None

    def collect(self, given: Mapping[int, Encoded], which: Which | None, columns: list[ToSeal]) -> None:
        """Adds to what is sealed: each column, or each for each tenant."""
        encoded = [given[id(slot)].values for slot in self._slots]
        tenants = self._tenants([given[id(slot)].tenants for slot in self._slots])
        self._parted = Parted(tenants or [None] * len(self._longest.values))
        keys = [self._keys(places) for places in self._parted.places.values()]
        self._made = keys
        for slot, values in zip(self._slots, encoded, strict=True):
            context = slot.pair.type.reading.context
            all_alike = [(of, values) for of in self._parted.places]
            parts = all_alike if self._one else self._parted.parts(values)
            rows = self._rows(None if which is None else which(slot.pair, values, slot.row))
            for (of, part), bound, shared in zip(parts, rows, keys, strict=True):
                columns.append(ToSeal(for_tenant(context, of) if tenants else context, part, bound, shared))

    def fill(
        self, sealed: Iterator[SealedColumn], indexed: Mapping[int, Sequence[Sequence[Any]]]
    ) -> list[tuple[Sequence[Any], SealedColumn]]:
        """Puts the cells where they go, those of the sibling once: each column's values and its cells."""
        filled = []
        for slot in self._slots:
            parts = list(islice(sealed, len(self._made)))
            deks, contents = ([getattr(each, name) for each in parts] for name in ("deks", "contents"))
            if self._one:
                column = SealedColumn(deks[0][: len(slot.values)], contents[0])
            else:
                column = SealedColumn(self._parted.joined(deks), self._parted.joined(contents))
            slot.fill(column, indexed.get(id(slot), ()))
            if slot is self._longest and self._written:
                slot.put_keys(column.deks)
            filled.append((slot.values, column))
        return filled

    def _rows(self, rows: Sequence[bytes | None] | None) -> list[Sequence[bytes | None] | None]:
        """The rows of each part's values; None for each where the columns are bound to none."""
        if rows is None or self._one:
            return [rows] * len(self._made)
        return [part for _, part in self._parted.parts(rows)]

    def _keys(self, places: Sequence[int]) -> RowKeys:
        known = self._known
        return RowKeys(one=self._one) if known is None else RowKeys([known[at] for at in places])

    def _tenants(self, each: Sequence[Sequence[str | None] | None]) -> list[str | None] | None:
        """Of each row; None where the columns' contexts say all. The same whichever column is asked."""
        known = [tenants for tenants in each if tenants is not None]
        if not known:
            return None
        if self._one:
            named = {of for tenants in known for of in tenants if of is not None}
            return [next(iter(named), None)] * len(self._longest.values)
        return [next((of for of in row if of is not None), None) for row in zip(*known, strict=True)]


_NEW: Sequence[DataKey] = ()
