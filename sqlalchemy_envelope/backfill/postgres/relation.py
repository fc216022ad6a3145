"""A table as its catalog tells it: where the rows lie, by which key they are visited, what columns it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ...errors import ConfigurationError
from ..subject.subject import Subject
from .keyset import Key
from .names import qualified


@dataclass(frozen=True)
class Column:
    """A column: its type as qualified SQL without a length, and `base`, its bare name (a domain's base)."""

    name: str
    type: str
    base: str
    not_null: bool
    generated: bool
    is_enum: bool = False


@dataclass(frozen=True)
class Leaf:
    """A table that holds rows itself: the table, or one partition. `sql` is its quoted name."""

    oid: int
    sql: str
    kind: str
    replica_identity: str
    rows: int
    """The planner's estimate, from the present size of the file."""


@dataclass(frozen=True)
class Relation:
    """A table: `key` is None where it has none that rows can be visited by."""

    oid: int
    kind: str
    parent: str | None
    """The table that it is a partition of, as SQL."""

    inherited: bool
    replica_identity: str
    leaves: Sequence[Leaf]
    columns: Mapping[str, Column]
    key: Key | None
    primary: frozenset[str]
    partitioned_by: frozenset[str]
    trigger: str | None
    """`tgenabled` of the move's invalidate trigger; None where there is none."""
    referred_to: frozenset[str] = frozenset()
    """Columns that foreign keys point at."""
    hides_rows: bool = False
    """Whether row security hides some from this role."""

    @property
    def rows(self) -> int:
        """How many rows it has by the planner's estimate."""
        return sum(leaf.rows for leaf in self.leaves)


def inspect(connection: "psycopg.Connection[Any]", subject: Subject) -> Relation:
    """The facts of a table. Raises `ConfigurationError` where there is no such table."""
    found = connection.execute(_TABLE, [subject.schema, subject.table]).fetchone()
    if found is None:
        where = f"{subject.schema}.{subject.table}"
        raise ConfigurationError(
            f"{subject.place}: there is no table {where}; name its schema, or make it first"
        )
    oid, kind, parent, identity, inherited, hides_rows = found
    columns = {row[0]: Column(*row) for row in connection.execute(_COLUMNS, {"table": oid})}
    return Relation(
        oid,
        kind,
        parent,
        inherited,
        identity,
        _leaves(connection, oid),
        columns,
        _key(connection, oid, columns, subject.names),
        frozenset(row[0] for row in connection.execute(_PRIMARY, [oid])),
        frozenset(row[0] for row in connection.execute(_PARTITIONED_BY, [oid, oid])),
        _trigger(connection, oid, f"zzz_envelope_{subject.slug}"),
        frozenset(row[0] for row in connection.execute(_REFERRED_TO, [oid])),
        hides_rows,
    )


def _leaves(connection: "psycopg.Connection[Any]", oid: int) -> list[Leaf]:
    leaves = []
    for leaf, schema, name, kind, identity in connection.execute(_LEAVES, [oid, oid]).fetchall():
        sql = qualified(schema, name)
        leaves.append(Leaf(leaf, sql, kind, identity, _estimated(connection, sql)))
    return leaves


def _estimated(connection: "psycopg.Connection[Any]", sql: str) -> int:
    """EXPLAIN scales the statistics to the present size of the file and guesses where there are none."""
    told = connection.execute(f"EXPLAIN (FORMAT JSON) SELECT FROM ONLY {sql}".replace("%%", "%").encode())
    row = told.fetchone()
    return int(row[0][0]["Plan"]["Plan Rows"]) if row else 0


def _key(
    connection: "psycopg.Connection[Any]", oid: int, columns: Mapping[str, Column], named: frozenset[str]
) -> Key | None:
    for names in (row[0] for row in connection.execute(_KEYS, [oid])):
        if named.isdisjoint(names) and all(columns[name].not_null for name in names):
            return Key(tuple(names), tuple(columns[name].type for name in names))
    return None


def _trigger(connection: "psycopg.Connection[Any]", oid: int, name: str) -> str | None:
    found = connection.execute(_TRIGGER, [oid, name]).fetchone()
    return None if found is None else str(found[0])


_TABLE = """
SELECT c.oid, c.relkind::text,
    (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition),
    c.relreplident::text,
    EXISTS (SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
            WHERE c.oid IN (i.inhparent, i.inhrelid) AND p.relkind = 'r'),
    row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s"""

_LEAVES = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relreplident::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT relid FROM pg_partition_tree(%s) WHERE isleaf)
    OR c.oid = %s AND c.relkind <> 'p'
ORDER BY n.nspname, c.relname"""

_COLUMNS = """
WITH RECURSIVE base(of, oid, name, under, kind) AS (
    SELECT oid, oid, typname, typbasetype, typtype FROM pg_type
    WHERE oid IN (SELECT atttypid FROM pg_attribute WHERE attrelid = %(table)s)
    UNION ALL SELECT base.of, b.oid, b.typname, b.typbasetype, b.typtype
    FROM base JOIN pg_type b ON b.oid = base.under
)
SELECT a.attname, quote_ident(n.nspname) || '.' || quote_ident(t.typname), base.name,
    a.attnotnull, a.attgenerated <> '', base.kind = 'e'
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN base ON base.of = a.atttypid AND base.under = 0
WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

_PRIMARY = """
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = %s AND i.indisprimary"""

_KEYS = """
SELECT (SELECT array_agg(a.attname::text ORDER BY place)
        FROM unnest(i.indkey) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE place <= i.indnkeyatts)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND m.amname = 'btree'
    AND (SELECT count(DISTINCT way & 1) FROM unnest(i.indoption) WITH ORDINALITY o(way, place)
         WHERE place <= i.indnkeyatts) = 1
ORDER BY i.indisprimary DESC, i.indnkeyatts, c.relname"""
"""The primary key first. One whose columns run both up and down is left out: no scan gives its order."""

_REFERRED_TO = """
SELECT a.attname FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = ANY(k.confkey)
WHERE k.confrelid = %s AND k.contype = 'f'"""

_PARTITIONED_BY = """
WITH parted AS (
    SELECT p.partrelid, p.partattrs FROM pg_partitioned_table p
    WHERE p.partrelid IN (SELECT relid FROM pg_partition_tree(%s)) OR p.partrelid = %s
)
SELECT a.attname FROM parted JOIN pg_attribute a ON a.attrelid = partrelid AND a.attnum = ANY(partattrs)
UNION
SELECT a.attname FROM parted JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = partrelid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = partrelid AND d.refobjsubid = 0
JOIN pg_attribute a ON a.attrelid = partrelid AND a.attnum = d.objsubid
WHERE d.deptype = 'i' AND 0 = ANY(partattrs)"""
"""By columns, or by expressions over them, which the catalog records as what depends on the table."""

_TRIGGER = "SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = %s AND tgname = %s"
