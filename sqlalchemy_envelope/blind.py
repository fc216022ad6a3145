"""A blind index: a keyed digest beside an encrypted value, by which equal values are found.

Normative text: docs/wire-format.md, section 9. What it tells to whoever reads the database: docs/search.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from .canonical import Tagged, messages
from .context import Context, encode_context, utf8
from .errors import ConfigurationError
from .expressions import Expression

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

LEAST_BITS, MOST_BITS = 8, 256
EXACT_BITS = 64
"""From so many on, a match is taken for an equal value; below it is a candidate."""
UNIQUE_BITS = 96
"""From so many on, two values of one digest are not to be expected in any table: see docs/search.md."""
_NAMES = frozenset({"index", "expressions", "tenant"})
_PURPOSE = "index:"


class IndexName(NamedTuple):
    """What an index key is for: `index:` and its logical name, and the tenant if it has any."""

    purpose: str
    tenant: str | None

    @property
    def place(self) -> str:
        """How messages name it."""
        of = "" if self.tenant is None else f" of tenant {self.tenant!r}"
        return f"blind {self.purpose.replace(':', ' ', 1)}{of}"


@dataclass(frozen=True)
class IndexContext:
    """What an index's digests are bound to: the name of its key, its expressions, and the tenant if any.

    `bits`: how much of a digest is kept. `encoded`: the canonical bytes, prefix-free. `name`: how
    `envelope.key` names what its key is for.
    """

    key: str
    expressions: tuple[str, ...] = ()
    tenant: str | None = None
    bits: int = 128
    encoded: bytes = field(init=False, repr=False, compare=False)
    name: IndexName = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {"index": utf8("index", self.key)}
        if self.expressions:
            names["expressions"] = utf8("expressions", ",".join(self.expressions))
        if self.tenant is not None:
            names["tenant"] = utf8("tenant", self.tenant)
        object.__setattr__(self, "encoded", encode_context(names, _NAMES))
        object.__setattr__(self, "name", IndexName(purpose_of(self.key), self.tenant))

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"blind index {self.key}"


@dataclass(frozen=True, init=False, repr=False)
class BlindIndex:
    """A blind index of an encrypted column, in a sibling column of its own.

    `expressions`: what is indexed of a text, applied in order: CASEFOLD, TRIM, NFKC, EMAIL_DOMAIN, `last(4)`,
    `first(2)`. `name`: the sibling, `<column>_bidx` unless given. `key`: the logical name of its key,
    `<table>.<sibling>` unless given; columns that share one can be joined. `bits`: how much of a digest is
    kept, 8 to 256. `unique`: no two rows may be equal. `columns`: several encrypted columns, in order, whose
    values are indexed together. `filling`: rows may lack their digests yet, so that it is written and not
    searched. Raises `ConfigurationError`.
    """

    expressions: tuple[Expression, ...]
    name: str | None
    key: str | None
    bits: int
    unique: bool
    columns: tuple[str, ...]
    filling: bool
    _hash: int = field(init=False, compare=False)

    def __init__(
        self,
        *expressions: Expression,
        name: str | None = None,
        key: str | None = None,
        bits: int = 128,
        unique: bool = False,
        columns: Sequence[str] = (),
        filling: bool = False,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "expressions", expressions)
        set_(self, "name", name)
        set_(self, "key", key)
        set_(self, "bits", bits)
        set_(self, "unique", unique)
        set_(self, "columns", columns if isinstance(columns, str) else tuple(columns))
        set_(self, "filling", filling)
        _check(self)
        set_(self, "_hash", hash(self._given))

    def __hash__(self) -> int:
        return self._hash  # asked for with every comparison: it is in the key of SQLAlchemy's cache

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (*self._given,)  # hashes differ

    @property
    def _given(self) -> tuple[Any, ...]:
        return self.expressions, *(value for _, value in self._options())

    @property
    def exact(self) -> bool:
        """Whether a match may be taken for an equal value."""
        return self.bits >= EXACT_BITS

    def sibling(self, column: str) -> str:
        """The name of its sibling, beside this column."""
        return self.name or f"{column}_bidx"

    def context(self, of: Context, tenant: str | None = None) -> IndexContext:
        """What its digests are bound to, for a column of this context and one of its tenants."""
        key = self.key or f"{of.table}.{self.sibling(of.column)}"
        names = tuple(each.name for each in self.expressions)
        return _context(key, names, of.tenant if tenant is None else tenant, self.bits)

    def messages(self, *columns: Sequence[Tagged]) -> list[Tagged]:
        """What is digested for each row, of the tagged plaintexts of its columns (`canonical.messages`)."""
        return messages(self.expressions, columns)

    def __repr__(self) -> str:
        told = [*map(repr, self.expressions)]
        told += [f"{name}={value!r}" for name, value in self._options() if value != _DEFAULTS[name]]
        return f"BlindIndex({', '.join(told)})"

    def _options(self) -> list[tuple[str, object]]:
        return [(name, getattr(self, name)) for name in _DEFAULTS]


def _restored(expressions: tuple[Expression, ...], *options: Any) -> BlindIndex:
    return BlindIndex(*expressions, **dict(zip(_DEFAULTS, options, strict=True)))


_DEFAULTS = {"name": None, "key": None, "bits": 128, "unique": False, "columns": (), "filling": False}
_context = lru_cache(maxsize=10_000)(IndexContext)


def purpose_of(key: str) -> str:
    """How `envelope.key` names what the key of this logical name is for."""
    return _PURPOSE + key


def _check(index: BlindIndex) -> None:
    if not all(isinstance(each, Expression) for each in index.expressions):
        raise ConfigurationError("BlindIndex takes expressions such as CASEFOLD, TRIM or last(4)")
    if type(index.bits) is not int or not LEAST_BITS <= index.bits <= MOST_BITS:
        raise ConfigurationError(f"BlindIndex(bits=) is {LEAST_BITS} to {MOST_BITS}")
    if index.unique and index.bits < UNIQUE_BITS:
        raise ConfigurationError(
            f"BlindIndex(unique=True) needs bits={UNIQUE_BITS} or more: different values would be refused"
        )
    for what in ("name", "key"):
        given = getattr(index, what)
        if given is not None and not (isinstance(given, str) and given):
            raise ConfigurationError(f"BlindIndex({what}=) is a name, not {given!r}")
    _check_columns(index)


def _check_columns(index: BlindIndex) -> None:
    columns: Any = index.columns
    if isinstance(columns, str) or not all(isinstance(each, str) and each for each in columns):
        raise ConfigurationError("BlindIndex(columns=) is a sequence of names of encrypted columns")
    if columns and (len(columns) != len(set(columns)) or not 2 <= len(columns) <= MOST_COLUMNS):
        raise ConfigurationError(f"BlindIndex(columns=) names 2 to {MOST_COLUMNS} columns, each once")
    if columns and index.name is None:
        raise ConfigurationError("BlindIndex(columns=) needs name=, the sibling column's")


MOST_COLUMNS = 32
"""As many as a PostgreSQL index takes."""
