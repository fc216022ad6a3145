"""Files written anew by VACUUM FULL: heap, TOAST and indexes then hold live rows, no dropped column."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from ..postgres.quoting import literal
from .step import Outcome, PurgeStep

_FILES = """
SELECT c.oid, pg_relation_filenode(c.oid), pg_total_relation_size(c.oid) FROM pg_class AS c
WHERE c.relkind IN ('r', 'm') AND (c.oid = {table}::regclass
OR c.oid IN (SELECT relid FROM pg_partition_tree({table}::regclass) WHERE isleaf)) ORDER BY c.oid
"""

Files = dict[int, tuple[int, int]]
"""By the oid of each table or partition: the number of its file, and its bytes."""


def rewrite(
    connection: "psycopg.Connection[Any]", run: Callable[[str], None], place: str, tables: Sequence[str]
) -> PurgeStep:
    """Rewrites the tables by `run`, and looks whether their files are others: a role without the right to it
    gets a warning only.
    """
    before = _files(connection, tables)
    for table in tables:
        run(f"VACUUM (FULL) {table}")
    after = _files(connection, tables)
    if any(after.get(oid, (0, 0))[0] == number for oid, (number, _) in before.items()):
        words = "the owner of the table, of the database, or a superuser: VACUUM FULL skipped it"
        return PurgeStep(place, Outcome.NEEDS, words)
    sizes = [sum(size for _, size in files.values()) for files in (before, after)]
    words = f"rewritten: {_megabytes(sizes[0])} became {_megabytes(sizes[1])}"
    return PurgeStep(place, Outcome.DONE, f"{words}, both on disk meanwhile, others kept out")


def _files(connection: "psycopg.Connection[Any]", tables: Sequence[str]) -> Files:
    queries = [_FILES.format(table=literal(table)) for table in tables]
    rows = [row for query in queries for row in connection.execute(query.encode())]
    return {oid: (number, size) for oid, number, size in rows}


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
