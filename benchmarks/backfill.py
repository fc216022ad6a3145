"""A backfill beside what the server alone needs: the same bytes set in the same rows, all constant."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy_envelope.backfill.job.run import run as run_job
from sqlalchemy_envelope.backfill.record import schema
from sqlalchemy_envelope.testing import FakeKms

from . import techniques
from .backfill_place import Place, Seen
from .figures import Report
from .ground import Ground
from .keyrings import static_envelope
from .kms import AT_ONCE, LATENCY, fake_envelope
from .techniques import CONSTANTS, IN_BATCHES, Technique

PLAIN = ""
INDEXED = "CREATE INDEX ON {table} (born); CREATE INDEX ON {table} (email)"
AIMS = {techniques.ONE: 2.0, techniques.TWO_PROCESSES: 1.25}


def run(report: Report, ground: Ground) -> None:
    """The suite, in a database of its own on that server."""
    count, rounds = (1_000, 1) if report.quick else (100_000, 3)
    report.suite("backfill", f"{count:,} rows of 36 bytes, median of {rounds} rounds, variants in turn")
    with ground.database() as database, closing(database.connect("benchmark")) as connection:
        schema.install(connection)
        place = Place(database, connection, PLAIN)
        with _workers(dask=not report.quick) as executors:
            _compared(report, place, techniques.every(executors), count, rounds)
            if not report.quick:
                indexed = Place(database, connection, INDEXED)
                _compared(report, indexed, techniques.few(executors), count, rounds)
        _strict(report, place, 500 if report.quick else 10_000)
        _memory(report, place, (1_000, 2_000) if report.quick else (100_000, 1_000_000))


@contextmanager
def _workers(*, dask: bool) -> Iterator[dict[str, tuple[Executor, Sequence[int]]]]:
    """Two processes, by each way of having them, with their ids."""
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(2, get_context("spawn")))
        list(pool.map(time.sleep, [0.2] * 2))  # starts them
        executors: dict[str, tuple[Executor, Sequence[int]]] = {
            techniques.TWO_PROCESSES: (pool, list(pool._processes))
        }
        if dask and (client := _dask(stack)) is not None:
            executors[techniques.DASK] = client
        yield executors


def _dask(stack: ExitStack) -> tuple[Executor, Sequence[int]] | None:
    try:
        import distributed
    except ImportError:
        return None
    cluster: Any = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    client = stack.enter_context(distributed.Client(stack.enter_context(cluster)))
    return client.get_executor(), list(client.run(os.getpid).values())


def _compared(report: Report, place: Place, ways: dict[str, Technique], count: int, rounds: int) -> None:
    seen = {name: Seen() for name in ways}
    for each in range(rounds + (rounds > 1)):
        if each == 1:  # the first round warms the server
            seen = {name: Seen() for name in ways}
        for name, way in ways.items():
            number = way.rows(count)
            work = way.prepare(place, number)
            with place.timed(seen[name], number, way.processes):
                work()
        place.drop()
    _tell(report, place, seen)


def _tell(report: Report, place: Place, seen: dict[str, Seen]) -> None:
    told = "with two more indexes: " if place.shape else ""
    medians = {name: each.medians() for name, each in seen.items()}
    columns = ["thousand rows/s", "WAL bytes", "processor, here", "processor, server"]
    rows = {name: [1000 / each.micros, each.wal, each.here, each.server] for name, each in medians.items()}
    report.table(f"{told}a row; processors in µs", columns, rows)
    for name in (each for each in medians if each not in {CONSTANTS, IN_BATCHES}):
        for floor in (CONSTANTS, IN_BATCHES) if name in AIMS else (CONSTANTS,):
            ratio = medians[name].micros / medians[floor].micros
            aim = AIMS.get(name) if floor == CONSTANTS else None
            report.add(f"{told}{name}: time, against {floor}", ratio, "×", aim)
    if not place.shape:
        report.curve("backfill", "rows", [(name, 1e6 / each.micros) for name, each in medians.items()])


def _strict(report: Report, place: Place, count: int) -> None:
    fake = FakeKms(delay=LATENCY, insecure=True)
    strict = fake_envelope(fake)
    done = run_job(place.database, place.job(count), lambda: strict)
    place.drop()
    ideal = count / AT_ONCE * LATENCY
    report.add(f"KMS of {LATENCY * 1000:.0f} ms, {AT_ONCE} at once", count / done.seconds, "rows a second")
    report.add(
        f"the same, ideally: {AT_ONCE / LATENCY:,.0f} rows a second; time against it",
        done.seconds / ideal,
        "×",
    )


def _memory(report: Report, place: Place, counts: tuple[int, int]) -> None:
    peaks = []
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.backfill", place.database.url, str(place.job(count))]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks.append(int(told) / 1024)
        place.drop()
    for count, peak in zip(counts, peaks, strict=True):
        report.add(f"most memory of one worker, {count:,} rows", peak, "MiB")
    report.add("the one against the other", peaks[1] / peaks[0], "×", 1.1)


def _work(url: str, job: str) -> None:
    """One job in this process, and the most memory that it took, in KiB."""
    run_job(url, int(job), static_envelope)
    status = Path("/proc/self/status").read_text()  # getrusage() would tell the parent's, if that had more
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    _work(*sys.argv[1:])
