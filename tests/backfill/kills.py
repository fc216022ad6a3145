"""A worker killed at random moments: `python -m tests.backfill.kills --count 100`.

Jobs are run in processes of their own that are killed with SIGKILL, or whose backends are terminated, again
and again until the jobs are done. A trigger counts how often a row was given a pair: once, whatever happened.
"""

import argparse
import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.subject.move import Move

from .test_concurrency import OURS
from .world import World, envelope

ROWS = 4_000
PACE = Pace(least=20, most=40, rest=0.01, patience=30.0)

AUDIT = """
CREATE TABLE IF NOT EXISTS given (relation oid, id bigint);
CREATE OR REPLACE FUNCTION given() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO given VALUES (TG_RELID, NEW.id); RETURN NEW; END';
CREATE TRIGGER given AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION given()"""


@dataclass
class Killed:
    """How many of each, and what was wrong afterwards."""

    processes: int = 0
    backends: int = 0
    jobs: int = 0
    rows: int = 0
    wrong: int = 0
    twice: int = 0


def kill_until(url: str, count: int, seed: int, backends: float = 0.25) -> Killed:
    """Kills processes until there were so many; `backends`: the share of kills that are PostgreSQL's."""
    chance, killed = random.Random(seed), Killed()
    while killed.processes < count:
        table = f"customer{killed.jobs}"
        ddl = f"CREATE TABLE {table} (id bigint PRIMARY KEY, email text)"
        world = World.of(url, ddl, Move.plan(table, "email"))
        with closing(world.connection):
            world.fill(ROWS)
            world.execute(AUDIT.format(table=table))
            _run_and_kill(world, chance, killed, count, backends)
            killed.jobs += 1
            killed.rows += ROWS
            killed.wrong += world.wrong()
            again = (
                f"SELECT count(*) FROM (SELECT FROM given WHERE relation = '{table}'::regclass GROUP BY id"
            )
            killed.twice += world.value(f"{again} HAVING count(*) <> 1) g")
            done = world.value("SELECT rows_done FROM envelope.job ORDER BY id DESC LIMIT 1")
            if done != ROWS:
                raise RuntimeError(f"the record counts {done} rows of {ROWS}")
    return killed


def _run_and_kill(world: World, chance: random.Random, killed: Killed, count: int, backends: float) -> None:
    job = world.job().id
    while killed.processes < count:
        workers = str(chance.choice([1, 2]))
        command = [
            sys.executable,
            "-m",
            "tests.backfill.kills",
            "--work",
            world.database.url,
            str(job),
            workers,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            if chance.random() > 0.1:  # else while it is still starting
                process.stdout.readline()
            while process.poll() is None and killed.processes < count:
                time.sleep(chance.random() * 0.4)
                if process.poll() is not None:
                    break
                if chance.random() >= backends:
                    process.kill()
                    killed.processes += 1
                    break
                killed.backends += _terminate(world)
            if killed.processes >= count and process.poll() is None:
                process.wait(60)
        if process.returncode == 0:
            return
        if process.returncode != -9:
            raise RuntimeError(f"the worker ended with {process.returncode}")
    run(world.database, job, envelope)


def _terminate(world: World) -> int:
    victims = f"SELECT pid FROM pg_stat_activity WHERE {OURS} ORDER BY random() LIMIT 1"
    return len(world.execute(f"SELECT pg_terminate_backend(pid) FROM ({victims}) v").fetchall())


def _work(url: str, job: str, workers: str) -> int:
    told: list[object] = []

    def heard(progress: object) -> None:
        if not told:
            told.append(progress)
            sys.stdout.write("begun\n")
            sys.stdout.flush()

    return int(run(url, int(job), envelope, pace=PACE, workers=int(workers), progress=heard).state != "done")


def main() -> int:
    """Kills and tells; 1 where a row is wrong or was given two pairs."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.backfill.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--work", nargs=3, metavar=("URL", "JOB", "WORKERS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        return _work(*given.work)
    with embedded_postgresql() as (url, _):
        killed = kill_until(url.render_as_string(hide_password=False), given.count, given.seed)
    sys.stdout.write(
        f"seed {given.seed}: {killed.processes} kills of the process, {killed.backends} of a backend, in"
        f" {killed.jobs} jobs of {killed.rows:,} rows: {killed.wrong} rows wrong,"
        f" {killed.twice} not moved just once\n"
    )
    return int(bool(killed.wrong or killed.twice))


if __name__ == "__main__":
    sys.exit(main())
