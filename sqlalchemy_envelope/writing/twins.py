"""A unique index while its key is replaced: the row that has an equal value may have it under the other key.

PostgreSQL's own index would take both. So before a value is written, its twin's cell is made the one that is
about to be written: then the index, and ON CONFLICT by it, see two of one. Writers of one value wait for each
other by advisory locks until they commit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, LargeBinary, Text, bindparam, column, func, select, table, update

from ..errors import UnsupportedStatementError
from .site import Site

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Twins = Mapping[str, Sequence[tuple[bytes, ...]]]
"""By index column: for each value the cell that is written, and those under its other live keys."""

BUCKETS = 1024
"""So many locks at most a column and transaction: PostgreSQL has room for some thousands in all."""
_SPACE = 0x656E_7665_0000_0000


def move_twins(site: Site, of: Any, twins: Twins) -> None:
    """Locks the values and moves their twins, of a table. Does nothing while each has one live key only.

    Raises `UnsupportedStatementError` under AUTOCOMMIT, where no lock would hold, and at isolation levels
    whose snapshots don't show what others committed while this one waited.
    """
    connection, schema = site.connection, _schema(of, site)
    for name, cells in twins.items():
        several = [each for each in cells if len(each) > 1]
        if not several:
            continue
        level = "autocommit"
        if not connection._is_autocommit_isolation():
            buckets = sorted({_bucket(cell) for each in several for cell in each})
            level = connection.execute(_LOCK, {"buckets": buckets}).scalars().first()
        if level != "read committed":
            raise UnsupportedStatementError(
                f"the key of unique index {of.name}.{name} is being replaced: until that is done write in "
                f"transactions at READ COMMITTED, not at {level.upper()}"
            )
        moves = [(old, new) for new, *others in several for old in others]
        given = {"old": [old for old, _ in moves], "new": [new for _, new in moves]}
        connection.execute(_move(of, name, schema), given)


def _bucket(cell: bytes) -> int:
    """The lock of a cell: two processes that write a value under different keys know one cell in common."""
    return _SPACE + int.from_bytes(cell[-4:], "big") % BUCKETS


_buckets = func.unnest(bindparam("buckets", type_=ARRAY(BigInteger))).table_valued("bucket").alias("bucket")
_LEVEL = func.current_setting("transaction_isolation", type_=Text)
_LOCK = select(_LEVEL, func.pg_advisory_xact_lock(_buckets.c.bucket))


def _schema(of: Any, site: Site) -> str | None:
    """The schema that the statement finds the table in."""
    schemas: dict[str | None, str | None] = site.options.get("schema_translate_map") or {}
    return schemas.get(of.schema, of.schema)


def _move(of: Any, name: str, schema: str | None) -> Any:
    written: Any = table(of.name, column(name, LargeBinary), schema=schema)
    cells = (bindparam(each, type_=ARRAY(LargeBinary)) for each in ("old", "new"))
    moves = func.unnest(*cells).table_valued(column("old", LargeBinary), column("new", LargeBinary))
    moves = moves.render_derived("moves")
    return update(written).values({name: moves.c.new}).where(written.c[name] == moves.c.old)
