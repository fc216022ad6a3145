"""Blind indexes of encrypted columns that hold values already: added, filled, proven and dropped online.

    add_index(database, fill)
    fill_index(database, fill, lambda: envelope)

Each finds out what is done, does the rest, and may run again.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from ...blind import BlindIndex
from ...envelope import Envelope
from ...errors import BackfillError, ConfigurationError
from ...keystore import schema as keys
from ..ddl import fill_ddl
from ..job.performing import HaltedError, Keys, UnendingError
from ..job.run import run
from ..plan.fill_refusals import check_fill, check_filled
from ..postgres.apply import apply, apply_alone
from ..postgres.database import Database
from ..postgres.names import qualified
from ..postgres.quoting import identifier, literal
from ..postgres.relation import inspect
from ..record import fills
from ..record.fills import RecordedFill
from ..record.schema import install
from ..rows.filling import fill_pending
from ..subject.fill import Fill
from ..subject.kind import Kind
from ..subject.move import Move
from .standing import look as standing


def add_index(database: Database, fill: Fill) -> None:
    """The column, its trigger, the real index, and the record. Rows that hold values are pending then.

    Needs no keys. Raises `ConfigurationError` for what can't be indexed, before anything is done.
    """
    with database.asked("index") as connection:
        relation = inspect(connection, fill)
        check_filled(relation, fill)
        known = fills.find(connection, fill.schema, fill.table, fill.column)
        _refuse_other(connection, fill, known, taken=fill.column in relation.columns)
        install(connection)
        with connection.transaction():
            for statement in keys.STATEMENTS:
                connection.execute(statement.encode())
        if known is None or known.fill != fill:
            connection.execute(fills.record_sql(fill).encode())
    if not _has_trigger(database, fill):
        apply(database, fill_ddl.add_column(fill))
    _make_index(database, fill, concurrently=relation.kind == "r")


def add_indexes(database: Database, move: Move, indexes: Sequence[BlindIndex]) -> list[Fill]:
    """The same for a column whose move has a pair, under the names that this has now."""
    added = planned(standing(database, move).move if indexes else move, indexes)
    for fill in added:
        add_index(database, fill)
    return added


def planned(move: Move, indexes: Sequence[BlindIndex]) -> list[Fill]:
    """The indexes of a column that is moved: named after what its pair is called in the end."""
    lasting = move.column if move.in_place else move.content
    place: dict[str, Any] = {"schema": move.schema, "context": move.context, "tenant": move.tenant}
    place |= {"bind_row": move.row}
    each = (Fill.plan(move.table, lasting, index, **place) for index in indexes)
    return [fill.renamed(lasting, move.content, move.dek) for fill in each]


def fill_index(
    database: Database, fill: Fill, envelope: Keys = Envelope.from_env, *, verify: bool = True, **running: Any
) -> None:
    """Digests of what is pending under the active key, then every one compared. Needs keys if there is any.

    `running`: for `run` (workers, executor, pace, progress, stop). Raises `BackfillError` short of the end.
    """
    known = look(database, fill)
    pending = count(database, known.fill)
    if pending:
        _work(database, known, Kind.INDEX, envelope, **running)
    if verify and (pending or known.verified_at is None) and count(database, known.fill, Kind.VERIFY):
        _work(database, known, Kind.VERIFY, envelope, **running)


def drop_index(database: Database, fill: Fill) -> None:
    """The index goes, with its column, trigger and record. Its key stays in `envelope.key`."""
    with database.asked("index") as connection:
        inspect(connection, fill)
        known = fills.find(connection, fill.schema, fill.table, fill.column)
    if known is None:
        return
    apply(database, fill_ddl.drop_column(known.fill))
    with database.asked("index") as connection:
        for statement in fills.forget_sql(known.fill):
            connection.execute(statement.encode())


def drop_indexes_of(database: Database, schema: str, table: str, content: str) -> None:
    """All indexes of an encrypted column that is about to go."""
    with database.asked("index") as connection:
        found = fills.of_content(connection, schema, table, content)
    for each in found:
        drop_index(database, each)


def look(database: Database, fill: Fill) -> RecordedFill:
    """An index as it is recorded, and found to be there. Raises `ConfigurationError`."""
    with database.asked("index") as connection:
        known = fills.find(connection, fill.schema, fill.table, fill.column)
        if known is None:
            raise ConfigurationError(
                f"{fill.place}: no such blind index is recorded here; add it first (op.add_blind_index)"
            )
        check_fill(inspect(connection, known.fill), known.fill)
    return known


def count(database: Database, fill: Fill, kind: Kind = Kind.INDEX) -> int:
    """How many rows are pending: without a digest, or with one under a key that is not active.

    Of `Kind.VERIFY`: how many there are to verify.
    """
    query = f"SELECT count(*) FROM {qualified(fill.schema, fill.table)} WHERE {fill_pending(kind, fill)}"
    with database.asked("count") as connection:
        found = connection.execute(query.encode(), {}).fetchone()
    return found[0] if found else 0


def _refuse_other(
    connection: "psycopg.Connection[Any]", fill: Fill, known: RecordedFill | None, *, taken: bool
) -> None:
    """What is digested otherwise is another index; what is there and unrecorded was made with its table."""
    same = known is None or known.fill.index == fill.index
    if same and (known is not None or not taken or _is_empty_or_digests(connection, fill)):
        return
    what = "holds something else" if same else "is digested otherwise"
    raise ConfigurationError(
        f"{fill.place} is there and {what}: give the index another name=, or drop that one first"
        " (op.drop_blind_index)"
    )


def _is_empty_or_digests(connection: "psycopg.Connection[Any]", fill: Fill) -> bool:
    size = 4 + -(-fill.index.bits // 8)
    column = identifier(fill.column)
    odd = f"SELECT FROM {fill_ddl.table(fill)} WHERE octet_length({column}) <> {size}"
    found = connection.execute(f"SELECT EXISTS ({odd})".encode()).fetchone()
    return found is not None and not found[0]


def _has_trigger(database: Database, fill: Fill) -> bool:
    """Then the column is there too, which it needs: nobody has to wait for another look."""
    with database.asked("index") as connection:
        found = connection.execute(f"SELECT {fill_ddl.has_triggers(fill)}".encode()).fetchone()
    return found is not None and bool(found[0])


def _make_index(database: Database, fill: Fill, *, concurrently: bool) -> None:
    """One that could not be made concurrently is left invalid, and in the way."""
    if not concurrently:  # PostgreSQL does not make a partitioned index so
        apply(database, [fill_ddl.create_index(fill, concurrently=False)])
        return
    if _is_valid(database, fill) is False:
        apply_alone(database, fill_ddl.drop_index(fill))
    if _is_valid(database, fill) is None:
        apply_alone(database, fill_ddl.create_index(fill, concurrently=True))


def _is_valid(database: Database, fill: Fill) -> bool | None:
    name = literal(f"{identifier(fill.schema)}.{identifier(fill_ddl.index_name(fill))}")
    query = f"SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass({name})"
    with database.asked("index") as connection:
        found = connection.execute(query.encode()).fetchone()
    return None if found is None else bool(found[0])


def _work(database: Database, known: RecordedFill, kind: Kind, envelope: Keys, **running: Any) -> None:
    with database.asked("job") as connection:
        job = fills.record_job(connection, known.fill, kind)
    report = run(database, job.id, envelope, **running)
    if report.state in {"paused", "stopped"}:
        raise HaltedError(f"{known.fill.place}: job {job.id} is {report.state}; it goes on when run again")
    if report.state != "done" or report.rows_quarantined:
        left = f"{report.rows_quarantined:,} rows are in quarantine"
        why = report.error or f"{known.fill.place}: {left}"
        words = f"{why}; the causes: sqlalchemy-envelope jobs {job.id}; then run this again"
        unending = report.state == "failed" and not report.rows_quarantined
        raise (UnendingError if unending else BackfillError)(words)
