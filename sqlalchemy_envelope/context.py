"""What a value is bound to: the names that both layers of encryption authenticate and nothing stores."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, Protocol
from uuid import UUID

from .errors import ConfigurationError
from .wire import ROW_BOUND, SUITE_1, TENANT_BOUND

_NAMES = frozenset({"table", "column", "key", "tenant", "row"})
_KEK_NAMES = frozenset({"kek", "tenant"})
_PURPOSE = "sqlalchemy-envelope"


class WrapContext(Protocol):
    """What a key is bound to where a provider wraps it: a data key's `Context`, or a `KekContext`."""

    @property
    def wrap(self) -> bytes:
        """The names in canonical bytes, for a wrap in this process."""

    @property
    def encryption_context(self) -> Mapping[str, str]:
        """The names and the purpose as strings: what a KMS sees, and its audit log, in the clear."""

    @property
    def place(self) -> str:
        """How messages name it."""


def encode_context(names: Mapping[str, bytes], known: frozenset[str] = _NAMES) -> bytes:
    """A context in canonical bytes: `u8 count`, then by ascending name `u8 length, name, u16 length, value`.

    Prefix-free, so that it may close a KDF's input. Raises `ConfigurationError` for an unknown name, an
    empty value (absent is not empty) or one over 65,535 bytes. Source: docs/wire-format.md, "Contexts".
    """
    return b"".join(_entries(names, known))


def encode_around_row(names: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """What stands before and after the value of `row`, with its length, in a context that has one."""
    entries = _entries({**names, "row": b"-"}, _NAMES)
    at = sorted([*names, "row"]).index("row") + 1
    return b"".join(entries[:at]) + b"\x03row", b"".join(entries[at + 1 :])


def _entries(names: Mapping[str, bytes], known: frozenset[str]) -> list[bytes]:
    unknown = names.keys() - known
    if unknown:
        only = ", ".join(sorted(known))
        raise ConfigurationError(f"a context has no {', '.join(sorted(unknown))}: only {only}")
    return [bytes([len(names)]), *(_entry(name, names[name]) for name in sorted(names))]


def _entry(name: str, value: bytes) -> bytes:
    if not 0 < len(value) <= 0xFFFF:
        raise ConfigurationError(f"the context's {name} must have 1 to 65,535 bytes, not {len(value)}")
    label = name.encode("ascii")
    return struct.pack(f">B{len(label)}sH", len(label), label, len(value)) + value


@dataclass(frozen=True)
class Context:
    """The logical place of a value. Pin it in the model, and renames and restores still open.

    `table`, `column`: logical names. `key`: logical name of the sibling column, `<column>_dek` unless given.
    `tenant`: canonical text; bound in both layers where there is one, which `flags` then says.
    `bind_row`: each value is bound to its row's primary key too, which varies from value to value.
    `content` and `wrap` are the encoded contexts of the two cells, `flags` is byte 2 of the content; a row
    stands between `content` and `after_row`. `place` is how messages name it. Names are taken as they are,
    without Unicode normalisation.
    """

    table: str
    column: str
    key: str = ""
    tenant: str | None = None
    bind_row: bool = False
    content: bytes = field(init=False, repr=False, compare=False)
    after_row: bytes = field(init=False, repr=False, compare=False)
    wrap: bytes = field(init=False, repr=False, compare=False)
    flags: int = field(init=False, repr=False, compare=False)
    place: str = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "key", self.key or f"{self.column}_dek")
        wrap = {name: utf8(name, value) for name, value in self.wrap_names.items()}
        content = {**wrap, "column": utf8("column", self.column)}
        del content["key"]
        around = encode_around_row(content) if self.bind_row else (encode_context(content), b"")
        set_(self, "content", around[0])
        set_(self, "after_row", around[1])
        set_(self, "wrap", encode_context(wrap))
        flags = SUITE_1 if self.tenant is None else SUITE_1 | TENANT_BOUND
        set_(self, "flags", flags | ROW_BOUND if self.bind_row else flags)
        set_(self, "place", f"{self.table}.{self.column}")
        set_(self, "_hash", hash((self.table, self.column, self.key, self.tenant, self.bind_row)))

    def __hash__(self) -> int:
        return self._hash  # asked for with every key of a result

    def __reduce__(self) -> tuple[object, ...]:
        return Context, (self.table, self.column, self.key, self.tenant, self.bind_row)  # hashes differ

    @classmethod
    def of(cls, place: "Context | str") -> "Context":
        """A context from itself or from `"table.column"`; the last dot parts the two."""
        if isinstance(place, Context):
            return place
        if not isinstance(place, str) or not all(place.rpartition(".")):  # type: ignore[redundant-expr]
            raise ConfigurationError('a context is a Context or "table.column", both parts not empty')
        return _of_place(place)

    @property
    def wrap_names(self) -> dict[str, str]:
        """The wrap context as strings: what a KMS sees, and its audit log, in the clear."""
        tenant = {} if self.tenant is None else {"tenant": self.tenant}
        return {"table": self.table, "key": self.key, **tenant}

    @property
    def encryption_context(self) -> dict[str, str]:
        """The same with its purpose, so that policies can tell data keys from other keys."""
        return {**self.wrap_names, _PURPOSE: "v3/data-key"}


@lru_cache(maxsize=10_000)
def _of_place(place: str) -> Context:
    table, _, column = place.rpartition(".")
    return Context(table, column)


@lru_cache(maxsize=10_000)
def for_tenant(context: Context, tenant: str | None) -> Context:
    """The same place, of one tenant."""
    return replace(context, tenant=tenant)


class KekContext(NamedTuple):
    """What a key-encryption key is bound to where a provider wraps it: its own id, and its tenant if any."""

    kek: UUID
    tenant: str | None = None

    @property
    def wrap(self) -> bytes:
        """The names in canonical bytes: never those of a data key, which have a table."""
        tenant = {} if self.tenant is None else {"tenant": utf8("tenant", self.tenant)}
        return encode_context({"kek": self.kek.bytes, **tenant}, _KEK_NAMES)

    @property
    def encryption_context(self) -> dict[str, str]:
        """What a KMS sees, and its audit log, in the clear."""
        tenant = {} if self.tenant is None else {"tenant": self.tenant}
        return {_PURPOSE: "v3/kek", "kek": str(self.kek), **tenant}

    @property
    def place(self) -> str:
        """The key's id, which is no secret."""
        return f"key-encryption key {self.kek}"


def utf8(name: str, text: object) -> bytes:
    """A context's value of this name in UTF-8. Raises `ConfigurationError`, which never carries the value."""
    if not isinstance(text, str):
        raise ConfigurationError(f"the context's {name} must be str, not {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    raise ConfigurationError(f"the context's {name} holds a lone surrogate, which UTF-8 can't encode")
