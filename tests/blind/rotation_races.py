"""Writers and searches beside rotations of an index key: `python -m tests.blind.rotation_races --rows 20000`.

Writers set rows to new values and to the same, insert and delete, some with their row's lock held for a
while. Searches look for values that are there, on a snapshot of just now and on one that is older than what
the process knows of the keys. Each that does not find its row is counted. `--without wait` takes each step
at once, `--without snapshots` destroys a key under who still sees its rows: that the count would find some.
"""

import argparse
import os
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from unittest import mock

from sqlalchemy import text

from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.keystore import index_states
from sqlalchemy_envelope.rotation.index_keys import (
    activate_index_key,
    begin_index_key,
    retire_index_key,
    waiting,
)

from .clinic import INDEX, Clinic

VIEW, AFTER = 0.3, 1.0
"""How long a process goes by what it read, and how long a step waits: with time to be late under load."""


@dataclass
class Rotated:
    """What a rotation took, in seconds: in all, and to digest all rows anew."""

    seconds: float
    digesting: float


def rotate(clinic: Clinic) -> Rotated:
    """One whole rotation: begin, activate, digest every row anew, retire."""
    began, digesting = time.monotonic(), 0.0
    begin_index_key(clinic.url, clinic.envelope().keyring, INDEX)
    waiting(lambda: activate_index_key(clinic.url, INDEX, after=AFTER))

    def retire() -> object:
        nonlocal digesting
        start = time.monotonic()
        clinic.digest_anew()  # those too that were written late
        digesting += time.monotonic() - start
        return retire_index_key(clinic.url, INDEX, after=AFTER)

    waiting(retire)
    return Rotated(time.monotonic() - began, digesting)


def hurry(clinic: Clinic) -> None:
    """The same without waiting, up to where rows are under both keys and processes know of one."""
    begin_index_key(clinic.url, clinic.envelope().keyring, INDEX)
    activate_index_key(clinic.url, INDEX, after=0.0)
    with suppress(BackfillError):  # writers under the old key are alive
        clinic.digest_anew(pace=Pace(sweeps=1))
    time.sleep(AFTER)


def race(clinic: Clinic, rotations: int, without: str | None = None) -> list[Rotated]:
    """So many rotations in a row, while all work; one that hurries, if they are to be without waits."""
    if without == "wait":
        with clinic.open():
            hurry(clinic)
        return []
    blind = mock.patch.object(index_states, "_READERS", text("SELECT pid FROM pg_stat_activity WHERE false"))
    with clinic.open(), blind if without == "snapshots" else nullcontext():
        return [rotate(clinic) for _ in range(rotations)]


def main() -> int:
    """Runs and tells; 1 where a search missed a row."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.blind.rotation_races", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--without", choices=["wait", "snapshots"])
    given = parser.parse_args()
    with embedded_postgresql() as (url, _):
        view = 200 * VIEW if given.without == "wait" else VIEW
        clinic = Clinic(url, given.rows, os.getpid(), view, patience=6 * AFTER)
        clinic.fill()
        for number, done in enumerate(race(clinic, given.rotations, given.without), 1):
            sys.stdout.write(
                f"rotation {number}: {done.seconds:.1f} s, of which {done.digesting:.1f} s to digest"
                f" {given.rows:,} rows anew and verify them ({given.rows / done.digesting:,.0f} rows/s)\n"
            )
    sys.stdout.write(
        f"beside them {clinic.writes:,} writes and {clinic.searches:,} searches:"
        f" {clinic.missed:,} missed a row, {len(clinic.failed):,} failed\n"
    )
    return int(clinic.missed > 0 or bool(clinic.failed))


if __name__ == "__main__":
    sys.exit(main())
