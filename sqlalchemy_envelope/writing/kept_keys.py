"""The data keys that rows have already, for an UPDATE of some of the columns that share them.

Values are sealed under the row's own key, so that the other columns stay readable: it is read ahead and its
row locked, by one statement for all rows, unless a flush left it. Whatever it is taken from, the UPDATE then
finds the row with just that key.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, and_, any_, bindparam, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from ..cipher import KEY_BYTES, DataKey
from ..context import Context, for_tenant
from ..errors import UnsupportedStatementError
from ..keyring.rewrap import data_keys
from ..pairs import Pair
from ..reading.criteria import compared_with
from ..tenancy import OPTION, of_any_tenant
from .grouped import Kept
from .remembered import Values, recalled
from .site import Site
from .slots import Slot
from .tenants import UNKNOWN, Tenants, given_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext and keys

KEYS = "_envelope_row_keys"
"""Where a flush leaves the wrapped keys of its rows."""

_SCHEMAS = "schema_translate_map"

Place = tuple[Any, ...]
"""A row's primary key."""


class Stored(NamedTuple):
    """What a row's sibling holds, and the key that it goes on with: that one, or None for a new one."""

    cell: bytes | None
    key: bytes | None


Found = dict[Place, Stored]

_NOWHERE = Stored(b"", None)
"""Of a row that was not found: no sibling holds that."""

_NO_KEY = DataKey(bytes(KEY_BYTES), b"")
"""Seals what is never stored: its row was not found."""


class KeptKeys:
    """Finds the keys of the rows that an UPDATE writes some columns of a group to.

    `criteria`: what the statement's WHERE is to have besides.
    """

    def __init__(self, tenants: Tenants, site: Site) -> None:
        self._tenants, self._site = tenants, site
        self._execution, self._target = tenants.execution, tenants.target
        self.criteria: list[Any] = []

    def settle(self) -> Kept:
        """The keys by sibling; None for one that is left as it is. A group that is written whole has none."""
        kept: dict[str, list[DataKey] | None] = {}
        table: Any = self._target.table
        remembered = recalled(self._site.connection, table, self._execution.rows, KEYS)
        for slots in self._execution.batch.groups():
            pair = slots[0].pair
            if {str(slot.pair.content.key) for slot in slots} == pair.group:
                continue
            null = all(slot.is_null for slot in slots)
            kept[str(pair.dek.key)] = None if null else self._keys(slots, remembered)
        return kept

    def _keys(self, slots: Sequence[Slot], remembered: list[Values] | None) -> list[DataKey]:
        pair, rows, places = slots[0].pair, self._execution.rows, self._places()
        if places is None or any(len(slot.values) != len(rows) for slot in slots):
            raise self._refusal(slots)
        tenants = dict(zip(places, self._tenants_of(slots), strict=True))
        given = [row.get(str(pair.dek.key)) for row in remembered or ()]
        if given and all(cell is not None for cell in given):
            found = {place: Stored(cell, cell) for place, cell in zip(places, given, strict=True)}
        else:
            found = self._read(slots, tenants)
        opened = self._opened(pair, tenants, found)
        keys = [opened.get(place, _NO_KEY) for place in places]
        self._find_only(pair, places, found, keys)
        return keys

    def _places(self) -> list[Place] | None:
        """The primary key of each row, as WHERE compares it; None where it does not."""
        compared = [
            compared_with(self._execution.statement, self._target.written, each)
            for each in self._target.table.primary_key
        ]
        if not compared or any(each is None for each in compared):
            return None
        places = [tuple(given_value(each, row) for each in compared) for row in self._execution.rows]
        unknown = any(value is UNKNOWN or value is None for place in places for value in place)
        return None if unknown else places

    def _tenants_of(self, slots: Sequence[Slot]) -> list[str | None]:
        """Whose each row is; of a column whose context says it, that."""
        count = len(self._execution.rows)
        fixed = slots[0].pair.type.reading.context.tenant
        found: list[str | None] = [None] * count
        for slot in slots:
            named = self._tenants.of(slot.pair, slot.encoded(), None) or [fixed] * count
            found = [one or other for one, other in zip(found, named, strict=True)]
        return found

    def _read(self, slots: Sequence[Slot], tenants: dict[Place, str | None]) -> Found:
        """Of each row that is there, and its tenant's: its key; None where no other column needs one."""
        pair, table = slots[0].pair, self._target.table
        written = {str(slot.pair.content.key) for slot in slots}
        others = [table.c[key] for key in sorted(pair.group - written)]
        free = and_(*(other.is_(None) for other in others))
        key = list(table.primary_key)
        named = [] if pair.tenant is None else [pair.tenant]
        query = select(pair.dek, free, *key, *named).where(_among(key, list(tenants))).order_by(*key)
        options = {OPTION: None, _SCHEMAS: self._site.options.get(_SCHEMAS)}
        with of_any_tenant():
            locked = query.with_for_update(key_share=True).execution_options(**options)
            rows = self._site.connection.execute(locked).all()
        found: Found = {}
        for cell, is_free, *more in rows:
            place = tuple(more[: len(key)]) if len(tenants) > 1 else next(iter(tenants))
            if place not in tenants:
                raise self._otherwise(slots)
            if is_free or not named or self._tenant(pair, more[-1]) == tenants[place]:
                found[place] = Stored(cell, None if is_free else cell)
        return found

    def _tenant(self, pair: Pair, value: Any) -> str | None:
        return self._tenants.known[str(pair.tenant.key)].tenant(value)  # type: ignore[union-attr]

    def _opened(self, pair: Pair, tenants: dict[Place, str | None], found: Found) -> dict[Place, DataKey]:
        """The key of each row: its own, or a new one where it needs none of its own any more."""
        envelope, wait = self._site.attachment.envelope, self._site.attachment.wait
        context = pair.type.reading.context
        contexts = {place: _context(context, tenants[place]) for place in found}
        kept = {place: (contexts[place], each.key) for place, each in found.items() if each.key is not None}
        keys = data_keys(envelope.keyring, list(kept.values()), wait)
        opened = {place: DataKey(keys[stored], stored[1]) for place, stored in kept.items()}
        new = [place for place in found if place not in kept]
        issued = envelope.keyring.issue([(contexts[place], 1) for place in new], wait) if new else []
        return opened | {place: each.each()[0] for place, each in zip(new, issued, strict=True)}

    def _find_only(self, pair: Pair, places: Sequence[Place], found: Found, keys: Sequence[DataKey]) -> None:
        """Has each row of parameters find its row with the key that was read, or with the new one."""
        column = self._target.written.c[pair.dek.key]
        before, now = (f"{pair.dek.key}__envelope_{which}" for which in ("before", "now"))
        self._execution.named_beside.update((before, now))
        for row, place, key in zip(self._execution.rows, places, keys, strict=True):
            row[before], row[now] = found.get(place, _NOWHERE).cell, key.cell
        same = column.is_not_distinct_from(bindparam(before, type_=LargeBinary()))
        self.criteria.append(or_(same, column == bindparam(now, type_=LargeBinary())))

    def _otherwise(self, slots: Sequence[Slot]) -> UnsupportedStatementError:
        key = ", ".join(each.name for each in self._target.table.primary_key)
        return UnsupportedStatementError(
            f"{slots[0].place} is set in rows whose {key} PostgreSQL has otherwise than it was given: give "
            "keys as they are read, of the column's own Python type"
        )

    def _refusal(self, slots: Sequence[Slot]) -> UnsupportedStatementError:
        pair, pairs = slots[0].pair, self._target.pairs
        group = ", ".join(sorted(str(pairs[key].content.name) for key in pair.group))
        return UnsupportedStatementError(
            f"{slots[0].place} shares data keys with others, in {pair.dek.name}; it can't be set alone "
            "unless WHERE compares the whole primary key (in an executemany, with a bindparam() for each "
            f"value too): add that; or set {group} together; or change the rows' objects by a Session"
        )


def _context(context: Context, tenant: str | None) -> Context:
    return context if tenant == context.tenant else for_tenant(context, tenant)


def _among(key: Sequence[Any], places: Sequence[Place]) -> Any:
    """That a row is one of these."""
    if len(places) == 1:
        both = zip(key, places[0], strict=True)
        return and_(*(each == bindparam(None, value, type_=each.type) for each, value in both))
    if len(key) > 1:
        return tuple_(*key).in_(places)
    values = [value for (value,) in places]
    return key[0] == any_(bindparam(None, values, type_=ARRAY(key[0].type)))
