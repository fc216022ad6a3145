"""The figures of a tiered keyring: `python -m tests.keys.tiers [cold] [inserts] [steady] [races] [select]`.

On the embedded PostgreSQL and its table of keys, with a fake KMS that counts. Without a name: all.
"""

import argparse
import sys
import time
from collections.abc import Callable

from sqlalchemy import URL, Engine, create_engine

from demo.server import embedded_postgresql
from sqlalchemy_envelope.keystore import install

from . import figures
from .racing import race
from .selecting import select


def cold(engine: Engine, url: URL) -> str:
    """KMS calls of a cold read."""
    said = []
    for tenants in (1, 20, 200):
        told = figures.cold(engine, tenants=tenants)
        said.append(f"{tenants} tenants: {told['calls']} calls, {told['queries']} queries for keys")
    return "cold read of 10,000 rows by each of 64 threads; " + "; ".join(said)


def inserts(engine: Engine, url: URL) -> str:
    """KMS calls of a million values."""
    told = figures.inserts(engine)
    return (
        f"1,000,000 values over 100 tenants sealed: {told['calls']} KMS calls,"
        f" {told['reservations']} reservations, {told['reserved']:,} wraps reserved"
    )


def steady(engine: Engine, url: URL) -> str:
    """KMS calls of a month."""
    told = figures.steady()
    return (
        f"one process, 100 tenants in use every minute for 30 days: {told['calls']:,} KMS calls"
        f" ({told['calls'] / 100:.0f} a tenant), {told['queries']:,} queries for states,"
        f" {told['waits']} waits"
    )


def races(engine: Engine, url: URL) -> str:
    """Keys that eight processes make for a new tenant."""
    told = race(url.render_as_string(hide_password=False))
    return (
        f"8 processes on a new tenant, 200 times: {told['made']} calls to make a key, {told['keys']} keys,"
        f" {told['unwrapped']} calls to unwrap, {told['opened']:,} of {8 * 8 * 200:,} values opened"
    )


def selects(engine: Engine, url: URL) -> str:
    """What a warm SELECT and an INSERT take."""
    return select(engine)


FIGURES: dict[str, Callable[[Engine, URL], str]] = {
    "cold": cold,
    "inserts": inserts,
    "steady": steady,
    "races": races,
    "select": selects,
}


def main() -> None:
    """Prints the figures that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.keys.tiers", description=__doc__)
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []], default=[])
    wanted = parser.parse_args().figures or list(FIGURES)
    with embedded_postgresql() as (url, _):
        engine = create_engine(url, pool_size=64)
        with engine.begin() as connection:
            install(connection)
        for name in wanted:
            began = time.perf_counter()
            said = FIGURES[name](engine, url)
            sys.stdout.write(f"{said} [{time.perf_counter() - began:.0f} s]\n")
            sys.stdout.flush()
        engine.dispose()


if __name__ == "__main__":
    main()
