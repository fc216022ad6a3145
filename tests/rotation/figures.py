"""A new KMS key for many tenants: `python -m tests.rotation.figures --tenants 1000 --rows 100000`.

The real client against a KMS on loopback. Every key-encryption key is wrapped under the new KMS key, and told
is what that cost: calls by their kind, seconds, and the data rows that were written meanwhile, by the
server's own count and by comparing the version (`xmin`) of every row. In the end a value of each tenant opens
by the new key alone.
"""

import argparse
import itertools
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine

from sqlalchemy_envelope import AwsKms, Context, Envelope, TieredKeyring
from sqlalchemy_envelope.keystore import SqlKeyStore, install
from sqlalchemy_envelope.rotation import rewrap_keks

from .world import World

_ROWS = "SELECT count(*), coalesce(sum(xmin::text::bigint), 0), count(DISTINCT xmin::text) FROM patient"
_WRITTEN = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'patient'"


@dataclass(frozen=True)
class Figure:
    """What a rotation cost. `touched`: data rows that were written, by either count."""

    tenants: int
    rows: int
    keys: int
    calls: Counter[str]
    seconds: float
    touched: int
    unreadable: int


def new_kms_key(url: str, client: Any, tenants: int, rows: int) -> Figure:
    """Fills a table, and wraps all keys under another KMS key."""
    old, new = (client.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    engine, calls = create_engine(url), Counter[str]()
    client.meta.events.register("before-call.kms", lambda model, **_: calls.update([model.name]))
    world = World.of(url)
    with closing(world.connection):
        with engine.begin() as connection:
            install(connection)
        store = SqlKeyStore(engine)
        fill(world, Envelope(TieredKeyring(AwsKms(old, client), store=store)), tenants, rows)
        before = count(world)
        calls.clear()
        began = time.perf_counter()
        done = rewrap_keks(engine, TieredKeyring(AwsKms(new, client, also_opens=[old]), store=store))
        seconds, made = time.perf_counter() - began, Counter(calls)
        after = count(world)
        wrong = unreadable(world, Envelope(TieredKeyring(AwsKms(new, client), store=store)), tenants)
    engine.dispose()
    touched = abs(after[0] - before[0]) + (after[1:] != before[1:])
    return Figure(tenants, rows, done.keys, made, seconds, touched, wrong)


def fill(world: World, envelope: Envelope, tenants: int, rows: int) -> None:
    """Rows for tenant after tenant."""
    each = -(-rows // tenants)
    with world.connection.cursor() as cursor:
        for number in range(tenants):
            first = number * each
            values = [f"value {n}" for n in range(first, min(first + each, rows))]
            cells = envelope.seal_many(values, Context("patient", "ssn", tenant=f"tenant {number}"))
            with cursor.copy("COPY patient (id, ssn, ssn_dek, value, visits) FROM STDIN") as copy:
                for row, (dek, content), value in zip(itertools.count(first), cells, values, strict=False):
                    copy.write_row((row, content, dek, value, number))


def count(world: World) -> tuple[Any, ...]:
    """What the server says was written, and what it says of every row\'s version."""
    world.execute("SELECT pg_stat_force_next_flush()")
    return world.value(_WRITTEN), *world.execute(_ROWS).fetchone()  # type: ignore[misc]


def unreadable(world: World, envelope: Envelope, tenants: int) -> int:
    """One value of each tenant, opened."""
    query = "SELECT DISTINCT ON (visits) visits, ssn_dek, ssn, value FROM patient ORDER BY visits"
    wrong = 0
    for number, dek, content, value in world.execute(query).fetchall():
        where = Context("patient", "ssn", tenant=f"tenant {number}")
        wrong += envelope.open_many([(dek, content)], where) != [value.encode()]
    return wrong


def main() -> int:
    """Tells it; 1 where a data row was written or a value does not open."""
    from demo.kms import running_kms
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.rotation.figures", description=__doc__)
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    with embedded_postgresql() as (url, _), running_kms() as kms:
        figure = new_kms_key(url.render_as_string(hide_password=False), kms.client, given.tenants, given.rows)
    calls = ", ".join(f"{number:,} {name}" for name, number in figure.calls.items())
    sys.stdout.write(
        f"{figure.tenants:,} tenants, {figure.rows:,} rows: {figure.keys:,} keys rewrapped by {calls} in"
        f" {figure.seconds:.1f} s; {figure.touched} data rows written, {figure.unreadable} unreadable\n"
    )
    return int(figure.touched > 0 or figure.unreadable > 0)


if __name__ == "__main__":
    sys.exit(main())
