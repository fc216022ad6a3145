"""What a shape is: a line of SQLAlchemy code, the section it belongs to, and what must become of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

from sqlalchemy_envelope import (
    TENANT,
    EncryptedBytes,
    EncryptedText,
    EnvelopeError,
    UnsupportedStatementError,
    Version,
    tenant,
)

from . import own
from .models import CANARY, PAIR, Models


@dataclass(frozen=True)
class Shape:
    """`code` is evaluated with the session `s`, the models `P`, `W`, …, and SQLAlchemy's names at hand.

    What it gives is executed if it can be. `error`: it must be refused with this. `ordered`: the order of
    rows counts. `declares`: it declares a table, and no database is needed. `since`: the SQLAlchemy it needs.
    `alone`: it has no meaning on plain columns, so there is no twin to compare with. `beside_plaintext`: what
    it is refused with while a plaintext column is written as well.
    """

    section: str
    code: str
    error: type[EnvelopeError] | None = None
    ordered: bool = False
    declares: bool = False
    since: tuple[int, ...] = ()
    alone: bool = False
    beside_plaintext: type[EnvelopeError] | None = None
    told: str = field(default="", compare=False)

    @property
    def possible(self) -> bool:
        """Whether this SQLAlchemy has it."""
        return tuple(int(part) for part in sa.__version__.split(".")[:2]) >= self.since

    def run(self, models: Models, session: orm.Session, armed: Callable[[], None]) -> Any:
        """The result of the code, fetched whole; `armed` is told before its last line, which is the shape."""
        names = {**NAMES, **models._asdict(), "s": session, "p": models.P.__table__, "C": CANARY}
        pair = models.pair.replace("\\", "\\\\").replace("'", "\\'")
        lines = "\n" * models.nr  # SQLAlchemy remembers a lambda by its code, and that goes by its line
        *before, last = self.code.replace(PAIR, pair).strip().split("\n")
        if before:
            exec(lines + "\n".join(before), names)
        armed()
        return fetched(eval(lines + last, names), session)

    def refused_in(self, models: Models) -> type[EnvelopeError] | None:
        """What it must be refused with on these models."""
        both = models.moving is not None and models.moving.pending
        return (both and self.beside_plaintext) or self.error


CATALOGUE: list[Shape] = []
_section = ["?"]


@contextmanager
def section(title: str) -> Iterator[None]:
    """The shapes inside belong to it."""
    _section[0] = title
    yield


def works(*codes: str, **options: Any) -> None:
    """Shapes that work as on plain columns."""
    CATALOGUE.extend(Shape(_section[0], code, **options) for code in codes)


def refused(*codes: str, error: type[EnvelopeError] = UnsupportedStatementError, **options: Any) -> None:
    """Shapes that are refused before anything is sent."""
    CATALOGUE.extend(Shape(_section[0], code, error=error, **options) for code in codes)


def fetched(result: Any, session: orm.Session) -> Any:
    """What a statement, a result or a query gives, as plain values."""
    if isinstance(result, sa.Executable) and not isinstance(result, sa.ColumnElement | orm.Query):
        result = session.execute(result)
    if isinstance(result, sa.CursorResult) and not result.returns_rows:
        return result.rowcount
    if isinstance(result, orm.Query | sa.Result | sa.ScalarResult | sa.MappingResult):
        result = _rows(result)
    return plain(result)


def _rows(result: Any) -> Any:
    try:
        return list(result)
    except sa.exc.ResourceClosedError:
        return None  # a statement of the ORM that gives no rows


def plain(value: Any) -> Any:
    """Values that compare: rows as tuples, mapped objects as what they have loaded."""
    if isinstance(value, sa.Row | tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict | sa.RowMapping):
        return {str(key): plain(each) for key, each in value.items()}
    state = sa.inspect(value, raiseerr=False)
    if isinstance(state, orm.InstanceState):
        loaded = {key: state.dict[key] for key in state.mapper.column_attrs.keys() if key in state.dict}  # noqa: SIM118
        return (type(value).__name__, loaded)
    return value


Make = Callable[..., Any]


def declare(*columns: Any, **options: Any) -> sa.Table:
    """A table of its own MetaData with an `id` and the given columns."""
    key = sa.Column("id", sa.Integer, primary_key=True)
    return sa.Table("declared", sa.MetaData(), key, *columns, **options)


def under(of: str, work: Callable[[], Any]) -> Any:
    """What some work gives for one tenant, fetched while that is the context's."""
    with tenant(of):
        result = work()
        return _rows(result) if isinstance(result, sa.Result | sa.ScalarResult) else result


_OF_CORE = """
    Column Index Integer LargeBinary Text UniqueConstraint all_ and_ any_ bindparam case cast collate column
    delete desc distinct except_ exists extract func insert intersect join lambda_stmt literal literal_column
    not_ null nulls_last or_ outerjoin select table tablesample text true tuple_ type_coerce union union_all
    update values
"""
_OF_ORM = """
    Bundle aliased contains_eager defaultload defer immediateload joinedload lazyload load_only raiseload
    selectinload subqueryload undefer with_loader_criteria
"""
NAMES: dict[str, Any] = {name: getattr(sa, name) for name in _OF_CORE.split()}
NAMES |= {name: getattr(orm, name) for name in _OF_ORM.split()}
NAMES |= {"sa": sa, "orm": orm, "pg": postgresql, "upsert": postgresql.insert, "declare": declare}
NAMES |= {"Explain": own.Explain, "CreateTable": own.CreateTable, "Raw": own.Raw}
NAMES |= {"under": under, "TENANT": TENANT}
NAMES |= {"EncryptedText": EncryptedText, "EncryptedBytes": EncryptedBytes, "Version": Version}
