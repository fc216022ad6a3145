"""How the pairs of a column open whose rows belong to several tenants: each by its own tenant's opener.

A cell brings its tenant along (`tenancy`); whatever it says, only a key wrapped for that tenant opens it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from . import wire
from .context import for_tenant
from .errors import DecryptionError, Failure, TenantError, decryption_error
from .opening import Opener, Pair, Reading
from .tenancy import Tenancy, split_tenant

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

T = TypeVar("T")

_OPENERS = 4096
_OURS = (bytes((wire.KEY_MAGIC,)), bytes((wire.CONTENT_MAGIC,)))
_OLDER = (b"\x00", b"\x02")


class Tenanted:
    """A pair with its key at hand, and its tenant. No tuple, like `Unlocked`."""

    __slots__ = ("pair", "tenant")

    def __init__(self, tenant: bytes, pair: Pair) -> None:
        self.tenant = tenant
        self.pair = pair

    def __repr__(self) -> str:
        return "Tenanted()"


Cell = bytes | Tenanted


def reading_for(reading: Reading, tenant: bytes) -> Reading:
    """How one tenant's values of a column read. Raises `DecryptionError` for what is no UTF-8."""
    try:
        name = tenant.decode()
    except UnicodeDecodeError:
        name = ""
    if not name:
        raise DecryptionError(Failure.MAGIC, reading.context.place)
    return reading._replace(context=for_tenant(reading.context, name), tenancy=None)


class TenantOpener:
    """Opens the cells of one column, whose tenants come with them."""

    def __init__(self, reading: Reading, opener: Callable[[Reading], Opener]) -> None:
        self.reading = reading
        self._opener = opener
        self.open: Callable[[Any], bytes] = self._by_tenant(lambda each: each.open)

    def reader(self, decode: Callable[[bytes], T]) -> Callable[[Any], T]:
        """Opens and decodes."""
        return self._by_tenant(lambda each: each.reader(decode))

    def _by_tenant(self, read_with: Callable[[Opener], Callable[[Pair], T]]) -> Callable[[Any], T]:
        reading, opener = self.reading, self._opener
        of_tenant = lru_cache(_OPENERS)(lambda tenant: read_with(opener(reading_for(reading, tenant))))

        def read(cell: Cell) -> T:
            if type(cell) is not bytes:
                if not isinstance(cell, Tenanted):
                    raise decryption_error(Failure.MAGIC, reading.context.place)
                return of_tenant(cell.tenant)(cell.pair)
            split = split_tenant(cell, reading.context.place)
            if split is None:
                raise _without_tenant(cell, reading)
            return of_tenant(split[0])(split[1])

        return read


def _without_tenant(cell: bytes, reading: Reading) -> Exception:
    """What is wrong with a cell that no tenant stands before."""
    place = reading.context.place
    if cell[:1] in _OURS:
        try:
            wire.split_pair(cell)
        except DecryptionError as error:
            return error.at(place)
    elif reading.accept is None or cell[:1] not in _OLDER:
        return DecryptionError(Failure.MAGIC, place)
    if reading.tenancy is Tenancy.ROW:
        return TenantError(f"{place} has a value without a tenant: its tenant column is NULL; set that first")
    return TenantError(f"{place} was read by text, which names no tenant: select the column itself")


Column = tuple[Reading, Sequence[Any]]


class ByTenant:
    """Columns of cells taken apart into columns of one tenant each, so that their keys come in one wave."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._given = columns
        self._places: list[tuple[int, bytes | None, list[int]]] = []
        self.columns: list[Column] = []
        for number, (reading, cells) in enumerate(columns):
            if reading.tenancy is None:
                self._places.append((number, None, []))
                self.columns.append((reading, cells))
            else:
                self._take_apart(number, reading, cells)

    def joined(self, unlocked: Sequence[Sequence[Any]]) -> list[Any]:
        """The given columns: what a key was fetched for with that, all else as it was."""
        made: list[Any] = [cells for _, cells in self._given]
        for (number, tenant, places), pairs, (_, before) in zip(
            self._places, unlocked, self.columns, strict=True
        ):
            if tenant is None:
                made[number] = pairs
            elif pairs is not before:
                made[number] = _with_keys(made[number], places, before, pairs, tenant)
        return made

    def _take_apart(self, number: int, reading: Reading, cells: Sequence[Any]) -> None:
        """Cells that never open stay out: reading their row raises that, in its place."""
        found: dict[bytes, tuple[list[int], list[bytes]]] = {}
        for place, cell in enumerate(cells):
            split = None if cell is None else _split_or_none(cell, reading)
            if split is not None:
                places, pairs = found.setdefault(split[0], ([], []))
                places.append(place)
                pairs.append(split[1])
        for tenant, (places, pairs) in found.items():
            try:
                self.columns.append((reading_for(reading, tenant), pairs))
            except DecryptionError:
                continue
            self._places.append((number, tenant, places))


def _with_keys(
    cells: Sequence[Any], places: Sequence[int], before: Sequence[Any], pairs: Sequence[Any], tenant: bytes
) -> list[Any]:
    made = list(cells)
    for place, pair, given in zip(places, pairs, before, strict=True):
        if pair is not given:
            made[place] = Tenanted(tenant, pair)
    return made


def _split_or_none(cell: bytes, reading: Reading) -> tuple[bytes, bytes] | None:
    try:
        return split_tenant(bytes(cell), reading.context.place)
    except TenantError:
        return None
