"""What searches are given in place of values: their digests under every key that rows may have."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column

from ..attachment import Attachment, attachment_of
from ..blind import BlindIndex, IndexContext
from ..codec import encode_all
from ..comparator import place_of
from ..errors import InvalidValueError, TenantError, UnsupportedStatementError
from ..tenancy import Tenancy, tenant_of
from ..tenant_column import TenantText
from ..types import EncryptedType
from .given import Extracted, Given

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Type = EncryptedType[Any]
Order = tuple[IndexContext, list[bytes | None]]
LIVE_KEYS = 2
"""As many as an index has while one is replaced. PostgreSQL plans a list of known length only once."""
_OF_NO_ROW = b""
"""Where no key exists yet: what no row has, so that all but NULL differ from it."""
Rows = Sequence[Mapping[str, Any]]


class Probe:
    """Values that are looked for: what gives them, the types that they are of, and the index.

    `many`: the one parameter is a list of them. `stated`: the tenant in WHERE. `tenant`: its column.
    """

    def __init__(
        self,
        given: tuple[Given, ...],
        many: bool,
        types: tuple[Type, ...],
        by: BlindIndex,
        stated: Given | None,
        tenant: Column[Any] | None,
    ) -> None:
        self.given, self.many, self.by = given, many, by
        self.type, self.stated, self.tenant = types[0], stated, tenant
        self._encodes = [type_.codec.encode for type_ in types]
        self._places = [place_of(type_) for type_ in types]
        self._alike = None if self.type.tenancy is not None else by.context(self.type.reading.context)

    def context(self, of: "Tenants", row: Mapping[str, Any]) -> IndexContext:
        """What the digests of one execution are bound to."""
        if self._alike is not None:
            return self._alike
        return self.by.context(self.type.reading.context, of(self.type, self.stated, self.tenant, row))

    def values(self, row: Mapping[str, Any], extracted: Extracted) -> list[Any]:
        """All of one execution."""
        found = [each.value(row, extracted) for each in self.given]
        return list(found[0]) if self.many else found

    def named(self, names: tuple[str, ...], cells: list[bytes | None]) -> dict[str, Any]:
        """The cells as they are sent: all of a list in one parameter, those of one value in `LIVE_KEYS`."""
        if len(names) == 1:
            return {names[0]: cells}
        if len(cells) > len(names):
            raise UnsupportedStatementError(
                f"blind index {self.by.name} has more than {LIVE_KEYS} live keys: end its rotations first"
            )
        return dict(zip(names, [*cells, *cells[-1:] * (len(names) - len(cells))], strict=True))

    def messages(self, values: Sequence[Any]) -> list[bytes | None]:
        """What is digested of each. Raises `InvalidValueError` for what the column can't hold."""
        columns = [values] if len(self._places) == 1 else self._parted(values)
        return self.by.messages(*map(encode_all, self._encodes, columns, self._places))

    def _parted(self, values: Sequence[Any]) -> list[list[Any]]:
        count = len(self._places)
        rows = [(None,) * count if each is None else each for each in values]
        if not all(isinstance(each, tuple | list) and len(each) == count for each in rows):
            raise InvalidValueError(f"blind index {self.by.name} takes a tuple of {count} values")
        return [[each[at] for each in rows] for at in range(count)]


Tenants = Callable[[Type, Given | None, Column[Any] | None, Mapping[str, Any]], str | None]
"""Whose values are looked for, by the tenant in WHERE, its column and one execution's parameters."""


class OfTenant(NamedTuple):
    """A row's tenant, which digests are made for; without a column of it, what its digests start with."""

    type: Type
    by: BlindIndex
    stated: Given | None
    tenant: Column[Any] | None


class Searched:
    """The parameters of the searches of one compiled statement, for one execution."""

    def __init__(self, compiled: Any, extracted: Extracted, options: Mapping[str, Any]) -> None:
        self._compiled = compiled
        self._extracted = extracted
        self._options = options

    def beside(self, rows: Rows, given: Rows, attachment: Attachment) -> list[dict[str, Any]]:
        """Each of the rows with its parameters beside; `given`: what values are looked for in, of each row.

        Raises `InvalidValueError`, `TenantError`, `KeyProviderError`, and `UnsupportedStatementError` for a
        join while its indexes' key is changing.
        """
        keys = attachment.envelope.index_keys
        for context in self._compiled.joins:
            if keys.is_rotating(context.key, attachment.wait):
                raise _changing(context)
        probes: dict[tuple[str, ...], Probe] = self._compiled.probes
        orders: list[Order] = [
            (probe.context(self._tenant_of, row), probe.messages(probe.values(row, self._extracted)))
            for row in given
            for probe in probes.values()
        ]
        cells = map(_all, orders, keys.probes(orders, attachment.wait) if orders else ())
        made = []
        for row, seen in zip(rows, given, strict=True):
            whole: dict[str, Any] = {**row}
            for names, probe in probes.items():
                whole.update(probe.named(names, next(cells)))
            for name, each in self._compiled.of_tenants.items():
                whole[name] = self._of_tenant(each, seen, attachment)
            made.append(whole)
        return made

    def _of_tenant(self, each: OfTenant, row: Mapping[str, Any], attachment: Attachment) -> Any:
        of = self._tenant_of(each.type, each.stated, each.tenant, row)
        if each.tenant is not None:
            return TenantText(each.tenant).value(str(of))
        context = each.by.context(each.type.reading.context, of)
        return list(attachment.envelope.index_keys.tags([context], attachment.wait)[0])

    def _tenant_of(
        self, type_: Type, stated: Given | None, column: Column[Any] | None, row: Mapping[str, Any]
    ) -> str | None:
        """Whose values are looked for; None where the column's context says all."""
        if type_.tenancy is None:
            return None
        found = tenant_of(self._options)
        if type_.tenancy is Tenancy.ROW and stated is not None and column is not None:
            value = stated.value(row, self._extracted)
            if value is not None:
                found = _one(type_, TenantText(column).of(value), found)
        if found is None:
            where = "" if column is None else f", add .where({column.table.name}.{column.name} == ...)"
            raise TenantError(
                f"{place_of(type_)} is searched for one tenant and there is none: execute it inside `with "
                f"tenant(...)`, or with execution_options(tenant=...){where}"
            )
        return found


def searched(
    connection: Any,
    compiled: Any,
    rows: Rows,
    options: Mapping[str, Any],
    _invoked: Any,
    extracted: Extracted,
    *_rest: Any,
    param_dict: Mapping[str, Any] | None = None,
    **_more: Any,
) -> list[dict[str, Any]]:
    """An execution's rows of parameters with the digests beside what is looked for.

    `param_dict`: what `statement.params()` gave, in SQLAlchemy 2.1.
    """
    attachment: Any = attachment_of(connection.dialect)
    given = [{**param_dict, **row} for row in rows] if param_dict else rows
    return Searched(compiled, extracted, options).beside(rows, given, attachment)


def _one(type_: Type, stated: str, running: str | None) -> str:
    if running not in (None, stated):
        raise TenantError(
            f"{place_of(type_)} is searched in rows of another tenant than the statement runs for: use one"
        )
    return stated


def _all(order: Order, found: Sequence[Sequence[bytes]]) -> list[bytes | None]:
    """The cells of all values in one list; NULL for NULL, which equals nothing and differs from nothing."""
    cells: list[bytes | None] = []
    for message, each in zip(order[1], found, strict=True):
        cells += [None] if message is None else each or [_OF_NO_ROW]
    return cells


def _changing(context: IndexContext) -> UnsupportedStatementError:
    return UnsupportedStatementError(
        f"{context.place} has two live keys, so that equal values may have different digests and a join "
        "would miss rows: wait until its rotation is done, or look the values up by == and in_"
    )
