"""A rotation killed at random moments: `python -m tests.rotation.kills --count 50`.

It runs in a process of its own that is killed with SIGKILL, again and again until it is done. Every value
then opens under the new key alone, and the record counts each row once.
"""

import argparse
import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.subject.kind import Kind
from sqlalchemy_envelope.rotation.columns import planned, rotate

from .world import NEW, World, after

ROWS = 4_000
PACE = Pace(least=20, most=40, rest=0.01, patience=30.0)


@dataclass
class Killed:
    """How many kills, and what was wrong afterwards. `done`: rows that the records count."""

    kills: int = 0
    runs: int = 0
    wrong: int = 0
    done: int = 0


def kill_until(url: str, kind: Kind, count: int, seed: int) -> Killed:
    """Kills until there were so many."""
    chance, killed = random.Random(seed), Killed()
    while killed.kills < count:
        world = World.of(url)
        with closing(world.connection):
            world.fill(ROWS)
            while killed.kills < count and not _run_and_kill(world, kind, chance):
                killed.kills += 1
            rotate(world.database, after, planned(world.database, "patient", "ssn"), kind)
            killed.runs += 1
            killed.wrong += world.wrong(Envelope(DirectKeyring(StaticKey(NEW))))
            killed.done += world.value("SELECT sum(rows_done) FROM envelope.job")
            world.execute("DROP TABLE patient; DROP SCHEMA envelope CASCADE")
    return killed


def _run_and_kill(world: World, kind: Kind, chance: random.Random) -> bool:
    """Whether it was done before it could be killed."""
    command = [sys.executable, "-m", "tests.rotation.kills", "--work", world.database.url, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.random() * 0.4)
        process.kill()
    return process.returncode == 0


def _work(url: str, kind: str) -> int:
    told: list[object] = []

    def heard(progress: object) -> None:
        if not told:
            told.append(progress)
            sys.stdout.write("begun\n")
            sys.stdout.flush()

    database = Database.of(url)
    rotate(database, after, planned(database, "patient", "ssn"), Kind(kind), pace=PACE, progress=heard)
    return 0


def main() -> int:
    """Kills and tells; 1 where a row is wrong or was counted twice."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.rotation.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--kind", choices=["rewrap", "reencrypt"], default="rewrap")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--work", nargs=2, metavar=("URL", "KIND"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        return _work(*given.work)
    with embedded_postgresql() as (url, _):
        url_ = url.render_as_string(hide_password=False)
        killed = kill_until(url_, Kind(given.kind), given.count, given.seed)
    sys.stdout.write(
        f"seed {given.seed}: {killed.kills} kills in {killed.runs} rotations of {ROWS:,} rows:"
        f" {killed.wrong} rows wrong, {killed.done:,} counted\n"
    )
    return int(killed.wrong > 0 or killed.done != killed.runs * ROWS)


if __name__ == "__main__":
    sys.exit(main())
