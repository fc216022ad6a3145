"""Rotation of a column's stored values: their data keys under another key, or all of them sealed anew.

    rewrap_column(engine, Envelope.from_env, "patient", "ssn")

Either is a job of the backfill: batches with commits of their own, a record in `envelope.job`, and it goes on
where it was when called again. SQL of its own does it, so no ORM event fires and no `onupdate` is applied.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..backfill.job.run import run
from ..backfill.job.running import Report
from ..backfill.moving.standing import installed
from ..backfill.plan.mates import guard_of, mates_of
from ..backfill.plan.prepare import check_new_rotation
from ..backfill.postgres.database import Database
from ..backfill.record.moves import find_by_content
from ..backfill.record.rotations import record_job
from ..backfill.subject.kind import Kind
from ..backfill.subject.rotation import Rotation
from ..backfill.subject.valuetype import ValueType
from ..context import Context
from ..envelope import Envelope
from ..errors import BackfillError, ConfigurationError
from ..legacy import Version
from ..pairs import Pair, pairs_of
from ..tenancy import Tenancy

Keys = Envelope | Callable[[], Envelope]
"""An envelope, or what makes one: in each process, where there are several."""

Mates = Iterable[tuple[str, str]]
"""Names of columns, and their logical names."""


def rewrap_column(
    database: Any,
    envelope: Keys,
    table: str,
    column: str,
    *,
    key: str | None = None,
    only_tenant: str | None = None,
    schema: str = "public",
    dek: str | None = None,
    context: Context | str | None = None,
    tenant: str | None = None,
    mates: Mates | None = None,
    **running: Any,
) -> Report:
    """Wraps every data key of a column that is not under the key that the envelope writes with now.

    Only the sibling changes. `database`: a `Database`, or what `Database.of` takes. `key`: values under this
    key id only; `only_tenant`: of this tenant only. `dek`, `context`, `tenant` (the column that tells each
    row's): as the model says. `mates`: the other columns that share the sibling, each with its logical name,
    where moves and guards don't tell. `running`: for `run` (workers, executor, pace, progress, stop).

    Raises `BackfillError` where it did not come to its end: call it again. Rows in quarantine are counted in
    the report.
    """
    where = Database.of(database)
    said = {"dek": dek, "context": context, "tenant": tenant, "mates": mates}
    place = planned(where, table, column, schema=schema, **said)
    rotation = replace(place, only_key=key, only_tenant=only_tenant)
    return rotate(where, envelope, rotation, Kind.REWRAP, **running)


def reencrypt_column(
    database: Any,
    envelope: Keys,
    table: str,
    column: str,
    *,
    key: str | None = None,
    only_tenant: str | None = None,
    accept: Version | int | None = None,
    type_: str | None = None,
    schema: str = "public",
    dek: str | None = None,
    context: Context | str | None = None,
    tenant: str | None = None,
    bind_row: Sequence[str] | None = None,
    mates: Mates | None = None,
    **running: Any,
) -> Report:
    """Seals every value of a column anew that is not under the key that the envelope writes with now.

    Each gets a fresh data key, and both cells change. `accept`, `type_`: as the model says, where values of
    version 1 or 2 are left: those become version 3. `bind_row`: the primary key's columns in the
    model's order, where it binds values to their row. All else as for `rewrap_column`.
    """
    where = Database.of(database)
    said = {"dek": dek, "context": context, "tenant": tenant, "bind_row": bind_row, "mates": mates}
    place = planned(where, table, column, schema=schema, **said)
    older = None if accept is None else Version(accept)
    rotation = replace(place, only_key=key, only_tenant=only_tenant, accept=older)
    if type_ is not None:
        rotation = replace(rotation, type=ValueType(type_))
    return rotate(where, envelope, rotation, Kind.REENCRYPT, **running)


def planned(database: Database, table: str, column: str, *, schema: str = "public", **said: Any) -> Rotation:
    """A column's rotation as it is said, and what is not said as its move was recorded, if it was moved."""
    given = {name: value for name, value in said.items() if value is not None}
    return Rotation.plan(table, column, schema=schema, **known_of(database, schema, table, column) | given)


def known_of(database: Database, schema: str, table: str, column: str) -> dict[str, Any]:
    """What the record of a column's move says for `Rotation.plan`; nothing where there is none."""
    with database.asked("rotation") as connection:
        moved = find_by_content(connection, schema, table, column)
        mates = _mates(connection, schema, table, column)
    if moved is None:
        return {} if not mates else mates | {"context": Context(table, column, str(mates["dek"]))}
    names = {"dek": moved.dek, "tenant": moved.tenant, "bind_row": moved.row}
    return {**names, "context": moved.context, "type_": moved.type, **mates}


def _mates(connection: Any, schema: str, table: str, column: str) -> dict[str, Any]:
    """The sibling and the columns that share it, by their guards, with logical names where they are known."""
    guard = guard_of(connection, schema, table, column)
    if guard is None:
        return {}
    names = mates_of(connection, Rotation.plan(table, column, schema=schema, dek=guard.dek))
    moves = {name: find_by_content(connection, schema, table, name) for name in names}
    logical = [(name, name if move is None else move.context.column) for name, move in moves.items()]
    return {"dek": guard.dek, "mates": logical} if names else {}


def rotate(database: Database, envelope: Keys, rotation: Rotation, kind: Kind, **running: Any) -> Report:
    """Records a job, or finds the unfinished one, and runs it. Raises `BackfillError` short of its end."""
    installed(database)
    with database.asked("rotation") as connection:
        check_new_rotation(connection, rotation)
        job = record_job(connection, rotation, kind)
    report = run(database, job.id, _maker(envelope), **running)
    if report.state == "done":
        return report
    reason = report.error or f"{rotation.place}: it was {report.state}"
    raise BackfillError(f"{reason} (job {job.id}, {kind}, is {report.state}; it goes on when run again)")


def rotation_of(column: Any, **chosen: Any) -> Rotation:
    """The rotation of a model's encrypted column, such as `Patient.ssn`.

    `chosen`: `schema`, where it is not `public` nor the table's own, `only_key`, `only_tenant`.
    """
    pair = pair_of(column)
    table = pair.content.table
    older = {"accept": pair.type.accept, "type_": "bytes" if pair.type.python_type is bytes else "text"}
    tenants = {
        "tenant": None if pair.tenant is None else str(pair.tenant.name),
        "tenant_of_key": pair.type.tenancy is Tenancy.CONTEXT,
    }
    others = [pair_of(table.c[key]) for key in pair.mates]
    bound: dict[str, Any] = {"bind_row": [str(each.name) for each in pair.row]}
    bound["mates"] = [(str(each.content.name), each.type.reading.context.column) for each in others]
    place = {"schema": table.schema or "public", "context": pair.type.context}
    given: dict[str, Any] = {**place, **older, **tenants, **bound, **chosen}
    return Rotation.plan(str(table.name), str(pair.content.name), dek=str(pair.dek.name), **given)


def pair_of(column: Any) -> Pair:
    """The pair of an encrypted column, as its table or an alias of it has it. Raises `ConfigurationError`."""
    clause = column.__clause_element__() if hasattr(column, "__clause_element__") else column
    table = getattr(clause, "table", None)
    pair = None if table is None else pairs_of(getattr(table, "element", table)).get(clause.key)
    if pair is None or table is None:
        raise ConfigurationError(f"{column} is no encrypted column; give one such as Patient.ssn")
    return pair if pair.content.table is table else pair.of(table)


def _maker(envelope: Keys) -> Callable[[], Envelope]:
    return (lambda: envelope) if isinstance(envelope, Envelope) else envelope
