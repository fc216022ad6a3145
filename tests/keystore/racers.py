"""Processes that race for a new tenant's key: `python -m tests.keystore.racers --count 200`.

Each process makes a store of its own by turns of driver; all start a round at once. What is counted
is how often a key was made, and how many keys a tenant has afterwards.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine

from sqlalchemy_envelope.keyring.store import WrappedKek
from sqlalchemy_envelope.keystore import SqlKeyStore, install

YEAR = 365 * 86_400.0


def race(urls: Sequence[str], processes: int, rounds: int) -> tuple[int, int]:
    """Keys made, and keys that lie there, for `rounds` new tenants; each process reserved 1,000 wraps."""
    spawn = multiprocessing.get_context("spawn")
    barrier, made = spawn.Barrier(processes), spawn.Queue()
    arguments = [(urls[n % len(urls)], rounds, barrier, made) for n in range(processes)]
    racers = [spawn.Process(target=_run, args=each) for each in arguments]
    for racer in racers:
        racer.start()
    calls = sum(made.get(timeout=100) for _ in racers)
    for racer in racers:
        racer.join()
    rows = SqlKeyStore(urls[0]).active()
    if any(row.wraps != 1000 * processes for row in rows):
        raise RuntimeError("a block of wraps was lost or given twice")
    return calls, len(rows)


def _run(url: str, rounds: int, barrier: Barrier, made: Any) -> None:
    store, calls = SqlKeyStore(url), 0
    for number in range(rounds):
        tenant = f"tenant {number}"

        def make(id_: UUID, tenant: str = tenant) -> WrappedKek:
            nonlocal calls
            calls += 1
            return WrappedKek(id_, tenant, (b"wrapped",), ("arn",))

        barrier.wait(60)
        store.reserve(tenant, 1000, YEAR, make)
    made.put(calls)


def main() -> int:
    """The figure; 1 where a tenant has more keys than one, or one was made in vain."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.keystore.racers", description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--processes", type=int, default=8)
    given = parser.parse_args()
    with embedded_postgresql() as (url, _):
        engine = create_engine(url)
        with engine.begin() as connection:
            install(connection)
        engine.dispose()
        drivers = [url.set(drivername=f"postgresql+{name}") for name in ("psycopg", "asyncpg")]
        urls = [each.render_as_string(hide_password=False) for each in drivers]
        calls, keys = race(urls, given.processes, given.count)
    sys.stdout.write(
        f"{given.processes} processes, {given.count} new tenants: {calls} calls to make a key, {keys} keys\n"
    )
    return int((calls, keys) != (given.count, given.count))


if __name__ == "__main__":
    sys.exit(main())
