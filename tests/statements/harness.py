"""Runs a shape on encrypted columns and holds everything about it against its plain twin, from outside."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm

from sqlalchemy_envelope import DirectKeyring, Envelope, EnvelopeError, StaticKey
from sqlalchemy_envelope.attachment import attachment_of
from sqlalchemy_envelope.context import for_tenant
from sqlalchemy_envelope.pairs import pairs_of

from .catalogue import Shape
from .models import CANARY, ENCRYPTED, OWNER, PLAIN, STATES, Models, seed
from .states import age, settled

ENVELOPE = Envelope(DirectKeyring(StaticKey(bytes(range(7, 39)))))
_CIPHERTEXT = (b"\xec\x03", b"\xed\x03")
SCHEMAS = {id(ENCRYPTED): "sealed", id(PLAIN): "plain"}
SCHEMAS |= {id(models): models.moving.__name__.lower() for models in STATES if models.moving}
_SERIALS = dict.fromkeys(("patient", "ward", "staff", "card", "tenanted", "owned"), "id") | {
    '"Odd Table"': "Id"
}
SEQUENCES = sa.text(
    "select " + ", ".join(f"setval(pg_get_serial_sequence('{t}', '{c}'), 100)" for t, c in _SERIALS.items())
)
Tables = dict[str, list[tuple[Any, ...]]]
_LOG = logging.getLogger("sqlalchemy.engine.Engine")


@dataclass
class Outcome:
    """What became of a shape: its result or error, what lies in the tables after it, what was sent.

    `strayed`: what of it has another plaintext beside it than its state says.
    """

    result: Any = None
    error: Exception | None = None
    tables: Tables | None = None
    sent: int = 0
    leaked: str = ""
    strayed: list[str] = field(default_factory=list)


def prepare(connection: sa.Connection, models: Models) -> None:
    """The models' tables, with their rows, in a schema of their own."""
    schema = SCHEMAS[id(models)]
    connection.execute(sa.text(f"drop schema if exists {schema} cascade"))
    connection.execute(sa.text(f"create schema {schema}"))
    connection.execute(sa.text(f"set search_path to {schema}"))
    models.P.metadata.create_all(connection)
    seed(connection, models)
    age(connection, models)
    connection.commit()


def attempt(connection: sa.Connection, models: Models, shape: Shape) -> Outcome:
    """One shape in a transaction that is rolled back."""
    outcome = Outcome()
    connection.execute(sa.text(f"set search_path to {SCHEMAS[id(models)]}"))
    connection.execute(SEQUENCES)
    session = orm.Session(connection, join_transaction_mode="create_savepoint")
    try:
        with _watched(connection, outcome, sealed=models.moving is None or not models.moving.pending):
            _run(shape, models, session, outcome)
        if outcome.error is None:
            outcome.tables = stored(connection, models, outcome.strayed)
    finally:
        session.close()
        connection.rollback()
    return outcome


def _run(shape: Shape, models: Models, session: orm.Session, outcome: Outcome) -> None:
    try:
        outcome.result = shape.run(models, session, lambda: setattr(outcome, "sent", 0))
        session.flush()
    except Exception as error:  # noqa: BLE001
        outcome.error = error


@contextmanager
def _watched(connection: sa.Connection, outcome: Outcome, sealed: bool) -> Iterator[None]:
    """Counts what is sent, and looks for plaintext in it and in what SQLAlchemy logs about it.

    `sealed`: no plaintext is sent. Where some is, on purpose, at least no row that is read is logged.
    """

    def sending(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            outcome.sent += 1
        if sealed and (CANARY in statement or CANARY in repr(parameters)):
            outcome.leaked = f"{statement} {parameters!r}"

    event.listen(connection, "before_cursor_execute", sending)
    try:
        with _EARS.hearing(outcome, "" if sealed else "Row "):
            yield
    finally:
        event.remove(connection, "before_cursor_execute", sending)


class _Ears(logging.Filter):
    """Looks for plaintext in what engines log. No handler gets it: several would each write out all."""

    def __init__(self) -> None:
        super().__init__()
        self._outcome: Outcome | None = None
        self._beginning = ""

    @contextmanager
    def hearing(self, outcome: Outcome, beginning: str) -> Iterator[None]:
        """Notes for an outcome each record that begins so and holds plaintext."""
        self._outcome, self._beginning = outcome, beginning
        try:
            yield
        finally:
            self._outcome = None

    def filter(self, record: logging.LogRecord) -> bool:
        if self._outcome is None:
            return False
        if CANARY in (said := record.getMessage()) and said.startswith(self._beginning):
            self._outcome.leaked = f"in the log: {said}"
        return False


_EARS = _Ears()


@contextmanager
def quiet_log() -> Iterator[None]:
    """Lets engines log everything, echo="debug", to whoever looks into it and to nobody else."""
    _LOG.addFilter(_EARS)
    try:
        yield
    finally:
        _LOG.removeFilter(_EARS)


def stored(connection: sa.Connection, models: Models, strayed: list[str]) -> Tables:
    """What lies in every table, pairs opened by hand, so that no hook of an engine is in between."""
    tables = {}
    cursor = connection.connection.cursor()
    for table in models.P.metadata.sorted_tables:
        pairs = pairs_of(table)
        hidden = {each.name for pair in pairs.values() for each in pair.columns[1:]}
        names = [column.name for column in table.c]
        quoted = ", ".join('"' + name + '"' for name in names)
        order = ", ".join('"' + key.name + '"' for key in table.primary_key)
        cursor.execute(f'select {quoted} from "{table.name}" order by {order}')
        rows = cursor.fetchall()
        columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
        for pair in pairs.values() if columns else ():
            cells = list(zip(columns[pair.dek.name], columns[pair.content.name], strict=True))
            tenants = columns[pair.tenant.name] if pair.tenant is not None else [None] * len(cells)
            envelope = _envelope(connection)
            opened = [_opened(envelope, pair, each, of) for each, of in zip(cells, tenants, strict=True)]
            values = tuple(_value(pair, each) for each in opened)
            columns[pair.content.name] = settled(pair, columns, values, strayed)
        shown = [columns[name] for name in names if name not in hidden] if columns else []
        tables[table.name] = [tuple(_bytes(each) for each in row) for row in zip(*shown, strict=True)]
    return tables


def _envelope(connection: sa.Connection) -> Envelope:
    attached = attachment_of(connection.dialect)
    return ENVELOPE if attached is None else attached.envelope


def _opened(envelope: Envelope, pair: Any, cells: tuple[Any, Any], tenant: str | None) -> bytes | None:
    context = pair.type.reading.context
    if pair.mates and cells[1] is None:
        return None
    if pair.type.tenancy is not None:
        context = for_tenant(context, tenant or OWNER)
    return envelope.open_many([(_bytes(cells[0]), _bytes(cells[1]))], context)[0]


def _bytes(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _value(pair: Any, opened: bytes | None) -> Any:
    return opened.decode() if opened is not None and pair.type.python_type is str else opened


def check(shape: Shape, models: Models, outcome: Outcome, twin: Callable[[], Outcome]) -> list[str]:
    """All that is wrong with what became of a shape: a third thing, where it should have been one of two."""
    wrong = list(outcome.strayed)
    if outcome.leaked:
        wrong.append(f"plaintext got out: {outcome.leaked}")
    if (refused := shape.refused_in(models)) is not None:
        return wrong + _check_refused(refused, outcome)
    if outcome.error is not None:
        return [*wrong, f"it failed: {type(outcome.error).__name__}: {outcome.error}"]
    if found := _ciphertext_in(outcome.result):
        wrong.append(f"ciphertext was handed out: {found[:6]!r}…")
    if not shape.alone:
        wrong += _check_same(shape, outcome, twin())
    return wrong


def _check_refused(refused: type[EnvelopeError], outcome: Outcome) -> list[str]:
    error = outcome.error
    if error is None:
        return [f"it was not refused, and gave {outcome.result!r}"]
    wrong = []
    if not isinstance(error, refused):
        wrong.append(f"it was refused by {type(error).__name__}: {error}")
    if outcome.sent:
        wrong.append(f"{outcome.sent} statements were sent before it was refused")
    if CANARY in told(error):
        wrong.append(f"its error tells the value: {told(error)}")
    return wrong


def _check_same(shape: Shape, outcome: Outcome, twin: Outcome) -> list[str]:
    if twin.error is not None:
        return [f"the twin failed: {type(twin.error).__name__}: {twin.error}"]
    wrong = []
    if _sorted(shape, outcome.result) != _sorted(shape, twin.result):
        wrong.append(f"it gave {outcome.result!r}, the twin {twin.result!r}")
    if outcome.sent != twin.sent:
        wrong.append(f"it took {outcome.sent} statements, the twin {twin.sent}")
    if outcome.tables != twin.tables:
        wrong.append(f"it left {outcome.tables}, the twin {twin.tables}")
    return wrong


def _sorted(shape: Shape, result: Any) -> Any:
    return sorted(result, key=repr) if isinstance(result, list) and not shape.ordered else result


def told(error: BaseException | None) -> str:
    """All that an error and its causes say."""
    said, seen = "", set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        said += f"{error} {error!r} {error.args!r} {getattr(error, 'params', '')!r}"
        error = error.__cause__ or error.__context__
    return said


def _ciphertext_in(value: Any) -> bytes | None:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value) if bytes(value[:2]) in _CIPHERTEXT else None
    if isinstance(value, str):
        return value.encode() if "\\xec03" in value or "\\xed03" in value else None
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((found for each in inside if (found := _ciphertext_in(each))), None)
