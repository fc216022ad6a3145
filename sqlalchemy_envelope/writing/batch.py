"""All values of one statement, sealed together: one wave of data keys, whatever the columns and rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column

from ..attachment import Attachment
from ..pairs import Declared
from ..sealing import SealedColumn, ToSeal, to_seal
from ..tenancy import Parted
from .digests import Digests, Encoded
from .grouped import Group, Kept
from .slots import Slot, Which, Whose
from .twins import Twins

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


IndexCells = Mapping[int, Sequence[Sequence[Any]]]
"""By the identity of a slot the cells of its indexes, a sequence for each."""


class Batch:
    """Collects plaintexts with the places that their cells go to."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._slots: list[Slot] = []
        self.keys: set[str] = set()
        self.sealed: list[tuple[Sequence[Any], SealedColumn]] = []
        """The values of each column and their cells, once sealed."""
        self.indexed: list[Sequence[bytes | None]] = []
        """The cells of blind indexes."""
        self.twins: Twins = {}

    def add(self, slot: Slot) -> None:
        """Values of one column; its `put` gets their cells once all are sealed."""
        self._slots.append(slot)
        self.keys.add(str(slot.pair.content.key))

    def writes(self, tenant: Column[Any]) -> bool:
        """Whether a column is written, be it with NULL, whose tenants this one names."""
        return any(each.pair.tenant is tenant for each in self._slots)

    def gives(self, keys: Collection[str]) -> bool:
        """Whether one of these columns is given anything but NULL."""
        return any(not each.is_null for each in self._slots if each.pair.content.key in keys)

    def groups(self) -> list[list[Slot]]:
        """The slots of columns that share a sibling, by the rows that they write."""
        found: dict[Any, list[Slot]] = {}
        for slot in self._slots:
            if slot.pair.mates:
                same = (slot.pair.dek.key, id(slot.row), slot.conflicting)
                found.setdefault(same, []).append(slot)
        return list(found.values())

    def seal(
        self,
        attachment: Attachment,
        whose: Whose | None,
        which: Which | None,
        kept: Kept | None = None,
        *,
        inserts: bool,
    ) -> None:
        """Seals everything. Raises before anything is put: `InvalidValueError`, `KeyProviderError`.

        `whose`, `which`: None where no column has tenants, or is bound to rows. `kept`: the keys of rows
        that have one already, for columns that share it.
        """
        declared = self._declared
        encoded = {id(slot): _encode(slot, whose) for slot in self._slots}
        columns: list[ToSeal] = []
        alone = [slot for slot in self._slots if not slot.pair.mates] if declared.shares_keys else self._slots
        takes = [_collect(encoded[id(slot)], which, columns) for slot in alone]
        groups = [Group(slots, kept or {}) for slots in self.groups()] if declared.shares_keys else []
        for group in groups:
            group.collect(encoded, which, columns)
        cells = self._digested(encoded, attachment, inserts) if declared.has_indexes else {}
        sealed = iter(attachment.envelope.seal_columns(columns, attachment.wait))
        for slot, take in zip(alone, takes, strict=True):
            column = take(sealed)
            slot.fill(column, cells.get(id(slot), ()))
            self.sealed.append((slot.values, column))
        for group in groups:
            self.sealed += group.fill(sealed, cells)

    def _digested(
        self, encoded: Mapping[int, Encoded], attachment: Attachment, inserts: bool
    ) -> IndexCells:
        """The cells of each slot's indexes."""
        digests = Digests(list(encoded.values()), inserts)
        made = digests.made(attachment)
        self.twins, self.indexed = digests.twins, [each for of in made for each in of]
        return dict(zip(encoded, made, strict=True))


Take = Callable[[Iterator[SealedColumn]], SealedColumn]


def _encode(slot: Slot, whose: Whose | None) -> Encoded:
    encoded = slot.encoded()
    tenants = None if whose is None else whose(slot.pair, encoded, slot.row)
    return Encoded(slot.pair, encoded, tenants, slot.row)


def _collect(given: Encoded, which: Which | None, columns: list[ToSeal]) -> Take:
    """Adds a slot's values to what is sealed: a column, or one for each of its tenants."""
    pair, encoded, tenants, row = given
    context = pair.type.reading.context
    rows = None if which is None else which(pair, encoded, row)
    if tenants is None:
        columns.append(ToSeal(context, encoded, rows=rows))
        return next
    parted = Parted(tenants)
    columns += to_seal(context, parted, encoded, rows=rows)

    def take(sealed: Iterator[SealedColumn]) -> SealedColumn:
        parts = list(islice(sealed, len(parted.places)))
        deks, contents = ([getattr(each, name) for each in parts] for name in ("deks", "contents"))
        return SealedColumn(parted.joined(deks), parted.joined(contents))

    return take
