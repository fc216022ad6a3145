"""How the old value is read: plain, through any SQLAlchemy type, by an SQL expression, by a function.

A source says what to select in the place of the column, and makes values of what came, a batch at a time.
A job's record holds at most the import path of a source: it may hold keys.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import TypeEngine

from ...context import Context
from ...envelope import Envelope
from ...errors import ConfigurationError, EnvelopeError
from ...forms import Form
from ..postgres.names import quoted
from ..subject.valuetype import ValueType

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Raw = Sequence[Any]
"""What was selected of one row for a source, in order."""


@dataclass(frozen=True)
class Selected:
    """SQL for a columns clause; its parameters by name, as psycopg's `%(name)s`."""

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, repr=False)
class Scene:
    """What a source may need besides the rows: where the values are, their type, and the envelope."""

    context: Context
    type: ValueType
    envelope: Envelope


class Source(Protocol):
    """Reads the old values of rows. Goes to other processes by pickle, where there are several."""

    def select(self, column: str) -> Sequence[Selected]:
        """What to select, given the column's quoted name."""

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        """The value of each row, text as `str` or UTF-8. Whatever is raised is the fault of a row."""


class PlainSource:
    """The column as it is."""

    def select(self, column: str) -> Sequence[Selected]:
        return [Selected(column)]

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        return [row[0] for row in rows]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class FormSource(PlainSource):
    """The column as it is, of another type than text and bytes: whatever the driver would make of it."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def select(self, column: str) -> Sequence[Selected]:
        return [Selected(self._form.sql(column))]

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        return [self._form.read(row[0]) for row in rows]


class TypedSource(PlainSource):
    """Through the result processor of an SQLAlchemy type, such as `StringEncryptedType(...)`."""

    def __init__(self, type_: "TypeEngine[Any]") -> None:
        self._type = type_

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
        process = self._type.dialect_impl(dialect).result_processor(dialect, None)
        return [row[0] if process is None else process(row[0]) for row in rows]


class CallableSource(PlainSource):
    """Through a function: `CallableSource(Fernet(key).decrypt)`. Further columns are further arguments."""

    def __init__(self, function: Callable[..., Any], columns: Sequence[str] = ()) -> None:
        self._function = function
        self._columns = columns

    def select(self, column: str) -> Sequence[Selected]:
        return [Selected(column), *(Selected(quoted(name)) for name in self._columns)]

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        return [self._function(*row) for row in rows]


class ExpressionSource(PlainSource):
    """By PostgreSQL: `ExpressionSource("pgp_sym_decrypt({column}, {key})", key=...)`.

    `{column}` is the column, every other name a bound parameter, so that no key lies in SQL text. A brace
    that is meant is doubled.
    """

    def __init__(self, sql: str, **parameters: Any) -> None:
        self._sql = sql
        self._parameters = parameters
        try:
            self.select("")
        except (KeyError, IndexError, ValueError):
            unknown = True
        else:
            unknown = False
        if unknown:
            raise ConfigurationError("an expression names {column} and the parameters that it is given")

    def select(self, column: str) -> Sequence[Selected]:
        names = {name: f"%(source_{name})s" for name in self._parameters}
        sql = self._sql.replace("%", "%%").format(column=column, **names)
        return [Selected(sql, {f"source_{name}": value for name, value in self._parameters.items()})]


class VersionedSource:
    """By the number in another column: `VersionedSource("version", {0: PlainSource(), 1: ...})`."""

    def __init__(self, version_column: str, sources: Mapping[Any, Source]) -> None:
        self._column = version_column
        self._sources = dict(sources)

    def select(self, column: str) -> Sequence[Selected]:
        each = [selected for source in self._sources.values() for selected in source.select(column)]
        return [Selected(quoted(self._column)), *each]

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        made: list[Any] = [None] * len(rows)
        starts = self._starts()
        for version in dict.fromkeys(row[0] for row in rows):
            source, start, end = starts[version]  # KeyError: a version that nobody reads is a row's fault
            places = [place for place, row in enumerate(rows) if row[0] == version]
            values = source.values([rows[place][start:end] for place in places], scene)
            for place, value in zip(places, values, strict=True):
                made[place] = value
        return made

    def _starts(self) -> dict[Any, tuple[Source, int, int]]:
        starts, at = {}, 1
        for version, source in self._sources.items():
            end = at + len(source.select(""))
            starts[version] = (source, at, end)
            at = end
        return starts

    def __repr__(self) -> str:
        return f"VersionedSource({self._column!r}, {self._sources!r})"


def resolve(path: str) -> Source:
    """The source, or the function that makes one, at an import path `module:attribute`."""
    module, colon, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        made = isinstance(found, type) or (callable(found) and not hasattr(found, "select"))
        source: Source = found() if made else found
    except EnvelopeError:
        raise
    except Exception as error:
        reason = type(error).__name__  # its text is the application's, and may hold anything
        raise ConfigurationError(f"no source at {path!r}: {reason}; name one as module:attribute") from error
    if not (colon and hasattr(source, "select") and hasattr(source, "values")):
        raise ConfigurationError(f"{path!r} is no source; name one as module:attribute")
    return source
