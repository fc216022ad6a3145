"""Ways of moving plaintext into its pair: ours, those of a script, and what the server alone needs."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from sqlalchemy_envelope.backfill.job.run import run as run_job
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.subject.move import Move

from .backfill_place import Place
from .keyrings import static_envelope
from .measure import Work

BATCH = 2_000
CONSTANTS, IN_BATCHES = "constants set at once", f"constants set in batches of {BATCH:,}"
ROW, MANY = "a script: one UPDATE a row", "a script: executemany of UPDATE"
ONE, THREADS, TWO_PROCESSES, DASK = "one worker", "two threads", "two processes", "two workers of Dask"

Workers = Mapping[str, tuple[Executor, Sequence[int]]]


@dataclass(frozen=True)
class Technique:
    """`prepare` makes a table of so many rows and gives what moves it. `processes` work beside this one.

    `part`: the part of the rows that is enough, since it is slow and each row takes the same.
    """

    prepare: Callable[[Place, int], Work]
    processes: Sequence[int] = ()
    part: int = 1

    def rows(self, count: int) -> int:
        """How many."""
        return max(1, count // self.part)


def every(workers: Workers) -> dict[str, Technique]:
    """All ways, by name."""
    sizes = {f"one worker, batches of {rows:,}": _job(rows=rows) for rows in (500, 5_000)}
    script = {ROW: Technique(_row_by_row, part=10), MANY: Technique(_executemany, part=4)}
    return few(workers) | {THREADS: _job(2)} | sizes | script


def few(workers: Workers) -> dict[str, Technique]:
    """Those that have aims, and their floors."""
    ways = {CONSTANTS: Technique(_constants_at_once), IN_BATCHES: Technique(_constants), ONE: _job()}
    for name, (executor, processes) in workers.items():
        ways[name] = _job(2, executor, processes)
    return ways


def _job(
    workers: int = 1, executor: Executor | None = None, processes: Sequence[int] = (), rows: int = 0
) -> Technique:
    """The product's own; `rows`: of each batch, where it is not to choose."""
    pace = Pace(least=rows, most=rows) if rows else Pace()

    def prepare(place: Place, count: int) -> Work:
        job = place.job(count)
        return lambda: run_job(
            place.database, job, static_envelope, pace=pace, workers=workers, executor=executor
        )

    return Technique(prepare, processes)


def _constants_at_once(place: Place, count: int) -> Work:
    return _constants(place, count, count)


def _constants(place: Place, count: int, batch: int = BATCH) -> Work:
    move = place.table(count)
    dek, content = static_envelope().seal_many(["000000000 and up to thirty-six bytes"], move.context)[0]
    assert dek is not None
    assert content is not None
    sets = f"{move.content} = '\\x{content.hex()}', {move.dek} = '\\x{dek.hex()}'"

    def set_all() -> None:
        for after in range(0, count, batch):
            place.execute(f"UPDATE {move.table} SET {sets} WHERE id > {after} AND id <= {after + batch}")

    return set_all


def _row_by_row(place: Place, count: int) -> Work:
    return _script(place, place.table(count), place.one_by_one)


def _executemany(place: Place, count: int) -> Work:
    return _script(place, place.table(count), place.many)


def _script(place: Place, move: Move, write: Callable[[str, Sequence[Sequence[object]]], None]) -> Work:
    """Read by key, seal, update by key: without compare-and-set, checkpoints or throttles."""
    query = f"SELECT id, email FROM {move.table} WHERE id > %s ORDER BY id LIMIT %s"
    statement = f"UPDATE {move.table} SET {move.content} = %s, {move.dek} = %s WHERE id = %s"
    of = static_envelope()

    def work() -> None:
        after = 0
        while rows := place.rows(query, after, BATCH):
            cells = of.seal_many([text for _, text in rows], move.context)
            both = zip(cells, rows, strict=True)
            write(statement, [(content, dek, id_) for (dek, content), (id_, _) in both])
            after = rows[-1][0]

    return work
