"""What the planner remembers of a column: its commonest values and bounds, in several catalogs.

ANALYZE replaces it, but not on an empty table and not where the target is 0. So it is first deleted: by a
function since PostgreSQL 18, and before that, or of extended statistics, by a superuser only.
"""

from typing import Any

import psycopg

from ..postgres.quoting import column_facts, identifier, literal, relation
from ..subject.move import Move
from .step import Outcome, PurgeStep

CLEARS = 18_00_00
"""From this version an owner may delete what is known of one column."""

_TABLES = "SELECT {table}::regclass::oid UNION SELECT relid FROM pg_partition_tree({table}::regclass)"

_COLUMN = """
SELECT a.attrelid, a.attnum, n.nspname, c.relname, a.attname FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attrelid IN ({tables}) AND a.attname = {column} AND NOT a.attisdropped
UNION ALL
SELECT a.attrelid, a.attnum, n.nspname, c.relname, a.attname FROM pg_depend AS d
JOIN pg_index AS i ON i.indexrelid = d.objid AND i.indexprs IS NOT NULL
JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = i.indexrelid
JOIN pg_attribute AS of ON of.attrelid = d.refobjid AND of.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
AND d.refobjid IN ({tables}) AND of.attname = {column}
"""
"""The column in every partition, and the columns of expression indexes over it."""

_EXTENDED = """
SELECT DISTINCT s.oid FROM pg_statistic_ext AS s
JOIN pg_depend AS d ON d.classid = 'pg_statistic_ext'::regclass AND d.objid = s.oid
AND d.refclassid = 'pg_class'::regclass
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE s.stxrelid IN ({tables}) AND a.attname = {column}
"""

_LEFT = """
SELECT count(*) FROM pg_stats WHERE (most_common_vals IS NOT NULL OR histogram_bounds IS NOT NULL
OR most_common_elems IS NOT NULL) AND (schemaname, tablename, attname) IN
(SELECT nspname, relname, attname FROM ({column}) AS of)
"""


def forget(connection: "psycopg.Connection[Any]", move: Move) -> PurgeStep:
    """Deletes what is known of the plaintext column, and has the rest analysed anew.

    The old rows stay in the files of the catalogs until those are rewritten.
    """
    there = connection.execute(column_facts(move, move.plaintext, "1").encode()).fetchone()
    if there is None:
        return PurgeStep("statistics", Outcome.DONE, "gone with the column")
    found = connection.execute(_query(_COLUMN, move)).fetchall()
    superuser = _is_superuser(connection)
    if superuser:
        _delete(connection, move, found)
    elif connection.info.server_version >= CLEARS:
        for _, _, schema, table, column in found:
            for inherited in (False, True):
                arguments = [schema, table, column, inherited]
                connection.execute("SELECT pg_clear_attribute_stats(%s, %s, %s, %s)", arguments)
    connection.execute(f"ANALYZE {relation(move)}".encode())
    return _outcome(connection, move, superuser)


def _delete(connection: "psycopg.Connection[Any]", move: Move, found: "list[tuple[Any, ...]]") -> None:
    for oid, number, *_ in found:
        where = "starelid = %s AND staattnum = %s"
        connection.execute(f"DELETE FROM pg_statistic WHERE {where}".encode(), [oid, number])
    extended = _query(_EXTENDED, move).decode()
    connection.execute(f"DELETE FROM pg_statistic_ext_data WHERE stxoid IN ({extended})".encode())


def _outcome(connection: "psycopg.Connection[Any]", move: Move, superuser: bool) -> PurgeStep:
    column = _query(_COLUMN, move).decode()
    left = connection.execute(_LEFT.format(column=column).encode()).fetchone()
    extended = connection.execute(_query(_EXTENDED, move)).fetchall()
    if left and left[0]:
        remedy = f"ALTER COLUMN {identifier(move.plaintext)} SET STATISTICS -1 and ANALYZE, or a superuser"
        return PurgeStep("statistics", Outcome.NEEDS, f"values are left: {remedy}")
    if extended and not superuser:
        words = f"{len(extended)} extended statistics were analysed anew; that none keeps values takes a"
        return PurgeStep("statistics", Outcome.NEEDS, f"{words} superuser, or DROP STATISTICS")
    return PurgeStep("statistics", Outcome.DONE, "deleted and analysed anew")


def _is_superuser(connection: "psycopg.Connection[Any]") -> bool:
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def _query(template: str, move: Move) -> bytes:
    tables = _TABLES.format(table=literal(relation(move)))
    return template.format(tables=tables, column=literal(move.plaintext)).encode()
