"""The record of blind indexes, `envelope.fill`: of which columns each is, and how it digests them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from ...blind import BlindIndex
from ...context import Context
from ...expressions import named
from ..postgres.quoting import literal
from ..subject.fill import Fill, Part
from ..subject.kind import Kind
from .jobs import Job, State, jobs

_COLUMNS = ["schema", "table", "column", "index", "parts", "tenant", "tenant_of_key"]
_JSON = {"index", "parts"}

EXISTS = "SELECT to_regclass('envelope.fill')"
"""NULL where nothing was ever recorded."""

QUERY = (
    "SELECT id, "
    + ", ".join(f'"{name}"::text' if name in _JSON else f'"{name}"' for name in _COLUMNS)
    + ", verified_at FROM envelope.fill ORDER BY id"
)
"""Every recorded index; each row is for `parsed`."""


@dataclass(frozen=True)
class RecordedFill:
    """An index as recorded, by its id. The time is aware: when every digest was last compared."""

    id: int
    fill: Fill
    verified_at: datetime | None

    @property
    def subject(self) -> Fill:
        """What its jobs are about."""
        return self.fill


def record_sql(fill: Fill) -> str:
    """One statement that records an index, or brings its record up to date; with literals only."""
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    values = ", ".join("NULL" if value is None else literal(value) for value in _values(fill))
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS[3:])
    return (
        f"INSERT INTO envelope.fill ({names}) VALUES ({values})\n"
        f'ON CONFLICT ("schema", "table", "column") DO UPDATE SET {changes}, verified_at = NULL'
    )


def record_job_sql(fill: Fill, kind: Kind = Kind.INDEX) -> str:
    """One statement with literals only that records a job, unless one of the kind is not done yet."""
    return (
        f"INSERT INTO envelope.job (fill, kind) SELECT id, {literal(kind.value)}\n"
        f"FROM envelope.fill WHERE {here(fill)}\n"
        "ON CONFLICT (fill, kind) WHERE state <> 'done' DO NOTHING"
    )


def renaming_sql(schema: str, table: str, old: str, content: str, dek: str) -> str:
    """A statement that gives an encrypted column's pair its new names in the record."""
    new = f"jsonb_build_object('content', {literal(content)}, 'dek', {literal(dek)})"
    part = f"CASE WHEN part ->> 'content' = {literal(old)} THEN part || {new} ELSE part END"
    parts = (
        f"SELECT jsonb_agg({part} ORDER BY n) FROM jsonb_array_elements(parts) WITH ORDINALITY AS p (part, n)"
    )
    where = f'"schema" = {literal(schema)} AND "table" = {literal(table)}'
    return f"UPDATE envelope.fill SET parts = ({parts}) WHERE {where}"


def forget_sql(fill: Fill) -> list[str]:
    """Statements that end an index and its jobs."""
    mine = f"(SELECT id FROM envelope.fill WHERE {here(fill)})"
    return [
        f"DELETE FROM envelope.job WHERE fill = {mine};",
        f"DELETE FROM envelope.fill WHERE {here(fill)};",
    ]


def here(fill: Fill) -> str:
    """What finds an index's row in `envelope.fill`."""
    place = {"schema": fill.schema, "table": fill.table, "column": fill.column}
    return " AND ".join(f'"{name}" = {literal(value)}' for name, value in place.items())


def record_job(connection: "psycopg.Connection[Any]", fill: Fill, kind: Kind) -> Job:
    """A job for a recorded index: the one that is not done yet, if there is one, else a new one."""
    connection.execute(record_job_sql(fill, kind).encode())
    (id_,) = [each.id for each in recorded(connection) if each.fill == fill]
    mine = [each for each in jobs(connection) if each.fill == id_ and each.kind is kind]
    return next(each for each in mine if each.state is not State.DONE)


def recorded(connection: "psycopg.Connection[Any]") -> list[RecordedFill]:
    """Every recorded index, in order; none where there is no such table."""
    known = connection.execute(EXISTS).fetchone()
    if known is None or known[0] is None:
        return []
    return [parsed(*row) for row in connection.execute(QUERY.encode())]


def find(connection: "psycopg.Connection[Any]", schema: str, table: str, column: str) -> RecordedFill | None:
    """The recorded index of a column of digests; None where there is none."""
    wanted = (schema, table, column)
    every = recorded(connection)
    return next((each for each in every if _place(each.fill) == wanted), None)


def of_content(connection: "psycopg.Connection[Any]", schema: str, table: str, content: str) -> list[Fill]:
    """The recorded indexes of an encrypted column."""
    every = [each.fill for each in recorded(connection)]
    return [
        each for each in every if (each.schema, each.table) == (schema, table) and content in each.contents
    ]


def parsed(id_: int, *found: Any) -> RecordedFill:
    """A recorded index from a row of `QUERY`, by whichever driver."""
    schema, table, column, index, parts, tenant, of_key, verified_at = found
    said = json.loads(index)
    row = tuple(said.pop("row_columns", ()))
    expressions = map(named, said.pop("expressions"))
    made = BlindIndex(*expressions, name=column, **said)
    each = tuple(
        Part(part["content"], part["dek"], Context(**part["context"], bind_row=bool(row)))
        for part in json.loads(parts)
    )
    fill = Fill(schema, table, column, made, each, tenant, of_key, row)
    return RecordedFill(id_, fill, verified_at)


def _place(fill: Fill) -> tuple[str, str, str]:
    return fill.schema, fill.table, fill.column


def _values(fill: Fill) -> list[str | bool | None]:
    index = {name: getattr(fill.index, name) for name in ("key", "bits", "unique", "columns")}
    index |= {"row_columns": fill.row} if fill.row else {}
    index["expressions"] = [each.name for each in fill.index.expressions]
    parts = [
        {"content": part.content, "dek": part.dek, "context": _names(part.context)} for part in fill.parts
    ]
    place = list(_place(fill))
    return [*place, json.dumps(index), json.dumps(parts), fill.tenant, fill.tenant_of_key]


def _names(context: Context) -> dict[str, str | None]:
    return {name: getattr(context, name) for name in ("table", "column", "key", "tenant")}
