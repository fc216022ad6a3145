"""The record of rotations, `envelope.rotation`: which column's keys are to be others, and of which values."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from ...context import Context
from ...legacy import Version
from ..postgres.quoting import literal
from ..subject.kind import Kind
from ..subject.rotation import Rotation
from ..subject.valuetype import ValueType
from .jobs import Job, State, jobs

_PLACE = ["schema", "table", "column", "only_key", "only_tenant"]
_CHANGING = ["dek", "context", "type", "accept", "tenant", "tenant_of_key"]
_COLUMNS = _PLACE + _CHANGING

_EXISTS = "SELECT to_regclass('envelope.rotation')"
_QUERY = (
    "SELECT id, "
    + ", ".join(f'"{name}"' if name != "context" else "context::text" for name in _COLUMNS)
    + " FROM envelope.rotation ORDER BY id"
)


@dataclass(frozen=True)
class RecordedRotation:
    """A rotation as recorded, by its id."""

    id: int
    rotation: Rotation

    @property
    def subject(self) -> Rotation:
        """What its jobs are about."""
        return self.rotation


def record_sql(rotation: Rotation) -> str:
    """One statement that records a rotation, or brings its record up to date; with literals only."""
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    values = ", ".join("NULL" if value is None else literal(value) for value in _values(rotation))
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in _CHANGING)
    return (
        f"INSERT INTO envelope.rotation ({names}) VALUES ({values})\n"
        'ON CONFLICT ("schema", "table", "column", coalesce(only_key, \'\'), coalesce(only_tenant, \'\'))'
        f" DO UPDATE SET {changes}"
    )


def record_job_sql(rotation: Rotation, kind: Kind) -> str:
    """One statement with literals only that records a job, unless one of the kind is not done yet."""
    given = dict(zip(_COLUMNS, _values(rotation), strict=True))
    here = " AND ".join(_same(name, given[name]) for name in _PLACE)
    return (
        f"INSERT INTO envelope.job (rotation, kind) SELECT id, {literal(kind.value)}\n"
        f"FROM envelope.rotation WHERE {here}\n"
        "ON CONFLICT (rotation, kind) WHERE state <> 'done' DO NOTHING"
    )


def record_job(connection: "psycopg.Connection[Any]", rotation: Rotation, kind: Kind) -> Job:
    """The rotation and a job of it: the one that is not done yet, if there is one, else a new one."""
    with connection.transaction():
        connection.execute(record_sql(rotation).encode())
        connection.execute(record_job_sql(rotation, kind).encode())
    (id_,) = [each.id for each in recorded(connection) if each.rotation == rotation]
    open_ = [each for each in jobs(connection) if each.rotation == id_ and each.kind is kind]
    return next(each for each in open_ if each.state is not State.DONE)


def recorded(connection: "psycopg.Connection[Any]") -> list[RecordedRotation]:
    """Every recorded rotation, in order; none where there is no such table."""
    known = connection.execute(_EXISTS).fetchone()
    if known is None or known[0] is None:
        return []
    return [_parsed(*row) for row in connection.execute(_QUERY.encode())]


def _parsed(id_: int, *row: Any) -> RecordedRotation:
    given = dict(zip(_COLUMNS, row, strict=True))
    context = json.loads(given["context"])
    given["row"] = tuple(context.pop("row_columns", ()))
    given["mates"] = tuple(map(tuple, context.pop("mates", ())))
    given["context"] = Context(**context, bind_row=bool(given["row"]))
    given["type"] = ValueType(given["type"])
    given["accept"] = None if given["accept"] is None else Version(int(given["accept"]))
    return RecordedRotation(id_, Rotation(**given))


def _values(rotation: Rotation) -> list[str | bool | None]:
    where = rotation.context
    context: dict[str, Any] = {"table": where.table, "column": where.column, "key": where.key}
    context |= {"tenant": where.tenant} | ({"mates": rotation.mates} if rotation.mates else {})
    context |= {"row_columns": rotation.row} if rotation.row else {}
    given = asdict(rotation) | {"context": json.dumps(context)}
    given["accept"] = None if rotation.accept is None else str(rotation.accept.value)
    return [given[name] for name in _COLUMNS]


def _same(name: str, value: str | bool | None) -> str:
    return f'"{name}" IS NULL' if value is None else f'"{name}" = {literal(value)}'
