"""Whose a value is: where its tenant comes from, the tenant's canonical text, and how a row brings it along.

A cell whose tenant is not fixed is read as `0xEE`, a length (u16, big-endian), that many bytes of UTF-8, and
the pair. Where a statement runs for one tenant, `0xEF` and that one come before it in the same form.
"""

import operator
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

from .errors import TenantError

T = TypeVar("T")

OF_ROW = 0xEE
OF_STATEMENT = 0xEF
_HEAD_BYTES = 3

MAX_TENANT_BYTES = 1024
"""A tenant is an id. Longer ones would fit neither an index of the key table nor what a KMS takes."""

OPTION = "tenant"
"""The execution option of a statement, connection or engine."""


class Tenancy(Enum):
    """Where the tenant of a column's values comes from, unless its context pins one."""

    ROW = "a column of its row"
    CONTEXT = "the context that a statement runs in"

    def __repr__(self) -> str:
        return "TENANT" if self is Tenancy.CONTEXT else "Tenancy.ROW"


TENANT = Tenancy.CONTEXT
"""For `EncryptedText(tenant=TENANT)`: from `with tenant("acme"):` or `execution_options(tenant="acme")`."""

TenantId = str | int | UUID

_current: ContextVar[str | None] = ContextVar("sqlalchemy_envelope.tenant", default=None)


@contextmanager
def tenant(of: TenantId) -> Iterator[None]:
    """Runs the statements inside for one tenant. Each thread and each task has its own; the innermost counts.

    Raises `TenantError` for what can't be a tenant: empty, over 1,024 bytes of UTF-8, not a str, int or UUID.
    """
    token = _current.set(canonical(of))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def of_any_tenant() -> Iterator[None]:
    """Runs a statement of our own inside, whatever tenant the caller's run for."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def tenant_of(options: Mapping[str, Any]) -> str | None:
    """The tenant that a statement with these execution options runs for.

    Raises `TenantError` where the options and `with tenant(...)` name two.
    """
    current, option = _current.get(), options.get(OPTION)
    if option is None:
        return current
    given = canonical(option)
    if current is not None and current != given:
        raise TenantError(
            "execution_options(tenant=...) and `with tenant(...)` name two tenants: use one of them"
        )
    return given


def canonical(value: object) -> str:
    """A tenant as PostgreSQL writes it: `str(int)`, `str(UUID)`, text as it is. Raises `TenantError`."""
    if isinstance(value, str):
        return _checked(str.__str__(value))
    if isinstance(value, UUID):
        return str(value)
    if not isinstance(value, bool):
        try:
            return str(operator.index(value))  # type: ignore[arg-type]
        except TypeError:
            pass
    raise TenantError(f"a tenant is a str, an int or a UUID, not {type(value).__name__}")


def _checked(text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_TENANT_BYTES or "\0" in text:
        raise TenantError(f"a tenant has 1 to {MAX_TENANT_BYTES:,} bytes of UTF-8, none of them NUL")
    return text


def packed(of: str, magic: int = OF_ROW) -> bytes:
    """A tenant as it stands before a pair."""
    name = of.encode()
    return struct.pack(">BH", magic, len(name)) + name


def split_tenant(cell: bytes, place: str) -> tuple[bytes, bytes] | None:
    """The tenant's UTF-8 and the pair; None where no tenant stands before it.

    Raises `TenantError` where the statement ran for another one.
    """
    if cell[:1] == b"\xee":
        return _split(cell)
    if cell[:1] != b"\xef":
        return None
    wanted, rest = _split(cell)
    if rest[:1] != b"\xee":
        return None
    found = _split(rest)
    if found[0] != wanted:
        raise TenantError(f"{place} has a value of another tenant than the one that the statement ran for")
    return found


def _split(cell: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_BYTES + int.from_bytes(cell[1:_HEAD_BYTES], "big")
    return cell[_HEAD_BYTES:end], cell[end:]


class Parted:
    """Values parted by tenant, and put together again in their order."""

    def __init__(self, tenants: Sequence[str | None]) -> None:
        self._count = len(tenants)
        self.places: dict[str | None, list[int]] = {}
        for place, of in enumerate(tenants):
            self.places.setdefault(of, []).append(place)

    def parts(self, values: Sequence[T]) -> list[tuple[str | None, Sequence[T]]]:
        """Each tenant's values."""
        if len(self.places) == 1:
            return [(of, values) for of in self.places]
        return [(of, [values[place] for place in places]) for of, places in self.places.items()]

    def joined(self, parts: Sequence[Sequence[T]]) -> Sequence[T]:
        """The inverse, of anything that there is one of for each value."""
        if len(parts) == 1:
            return parts[0]
        made: list[Any] = [None] * self._count
        for places, part in zip(self.places.values(), parts, strict=True):
            for place, value in zip(places, part, strict=True):
                made[place] = value
        return made
