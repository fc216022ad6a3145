"""Pairs moved between rows, columns, tables and tenants of a real database: how many open there.

`python -m tests.rows.moved --count N`: N rows in each of two tables, of two bound columns each and of two
tenants, every pair put in the place of every other.
"""

import argparse
from itertools import product
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from demo.server import embedded_postgresql, scratch_schema
from sqlalchemy_envelope import DecryptionError, DirectKeyring, EncryptedText, Envelope, StaticKey, attach
from sqlalchemy_envelope.pairs import pairs_of

Base = orm.declarative_base()


def _table(name: str) -> Any:
    bound: dict[str, Any] = {"tenant": "tenant_id", "bind_row": True}
    return sa.Table(
        name,
        Base.metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("a", EncryptedText(**bound)),
        sa.Column("b", EncryptedText(dek="keys", **bound)),
        sa.Column("free", EncryptedText()),
    )


TABLES = [_table("one"), _table("two")]
Place = tuple[Any, Any, str, int]
"""A table, its pair, a tenant and an id."""


def attempts(engine: sa.Engine, count: int) -> tuple[int, int, int]:
    """How often a pair was put in another's place, how many opened there, and how many in their own."""
    attach(engine, Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for table, tenant, nr in product(TABLES, ("x", "y"), range(count)):
            row = {"tenant_id": tenant, "id": nr, "a": "same", "b": "same", "free": "same"}
            connection.execute(sa.insert(table).values(row))
    places = [
        (table, pair, tenant, nr)
        for table in TABLES
        for key, pair in pairs_of(table).items()
        if key != "free"
        for tenant, nr in product(("x", "y"), range(count))
    ]
    with engine.connect() as connection:
        stored = [_stored(connection, place) for place in places]
        own = sum(_opens(connection, place) for place in places)
        tried = opened = 0
        for shift in range(1, len(places)):
            for place, cells in zip(places, stored[shift:] + stored[:shift], strict=True):
                _put(connection, place, cells)
            opened += sum(_opens(connection, place) for place in places)
            tried += len(places)
            connection.rollback()
    return tried, opened, own


def _where(place: Place) -> Any:
    table, _, tenant, nr = place
    return sa.and_(table.c.tenant_id == tenant, table.c.id == nr)


def _raw(place: Place) -> Any:
    table, pair, *_ = place
    names = ("tenant_id", "id", pair.content.name, pair.dek.name)
    return sa.table(table.name, *map(sa.column, names))


def _stored(connection: sa.Connection, place: Place) -> Any:
    raw, pair = _raw(place), place[1]
    query = sa.select(raw.c[pair.content.name], raw.c[pair.dek.name])
    return connection.execute(query.where(_where((raw, *place[1:])))).one()


def _put(connection: sa.Connection, place: Place, cells: Any) -> None:
    raw, pair = _raw(place), place[1]
    new = dict(zip((pair.content.name, pair.dek.name), cells, strict=True))
    connection.execute(sa.update(raw).where(_where((raw, *place[1:]))).values(new))


def _opens(connection: sa.Connection, place: Place) -> bool:
    table, pair, *_ = place
    try:
        return connection.scalar(sa.select(table.c[pair.content.key]).where(_where(place))) == "same"
    except DecryptionError:
        return False


def main() -> None:
    """Prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6)
    count = parser.parse_args().count
    with embedded_postgresql() as (url, *_), scratch_schema(sa.make_url(url)) as schema:
        engine = sa.create_engine(url, connect_args={"options": f"-csearch_path={schema}"})
        tried, opened, own = attempts(engine, count)
        engine.dispose()
    print(  # noqa: T201
        f"{own} pairs open in their own place; moved to another's {tried:,} times, {opened} opened"
    )


if __name__ == "__main__":
    main()
