"""Beside other sessions: no transaction while sealing, rows locked and changed, connections lost."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import make_url

from sqlalchemy_envelope import ConfigurationError, DirectKeyring, Envelope, StaticKey
from sqlalchemy_envelope.backfill.batches.checkpoint import Progress
from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.cipher import DataKeys
from sqlalchemy_envelope.errors import BackfillError
from sqlalchemy_envelope.keyring.keyring import Order
from sqlalchemy_envelope.keyring.waiting import Wait

from .world import KEY, World

OURS = "application_name LIKE 'sqlalchemy-envelope job%'"


class Watched(DirectKeyring):
    """A keyring that calls a function before each wave."""

    def __init__(self, before: Callable[[], object]) -> None:
        super().__init__(StaticKey(KEY))
        self._before = before

    def issue(self, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        """As ever, after the call."""
        self._before()
        return super().issue(orders, wait)


def watched(before: Callable[[], object]) -> Callable[[], Envelope]:
    """A factory of envelopes over such a keyring."""
    return lambda: Envelope(Watched(before))


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Does something in another thread meanwhile."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


AT_REST = ("idle", True, True)


def test_no_transaction_is_open_while_sealing(world: World) -> None:
    """Neither to read nor to write: nothing is held while a KMS is waited for."""
    world.fill(300)
    states = list[tuple[Any, ...]]()
    with closing(world.database.connect("onlooker")) as onlooker:

        def look() -> None:
            query = (
                f"SELECT state, xact_start IS NULL, backend_xmin IS NULL FROM pg_stat_activity WHERE {OURS}"
            )
            found = onlooker.execute(query.encode()).fetchall()
            ends = time.monotonic() + 2  # what is being written beside is short: let it come to its end
            while set(found) != {AT_REST} and time.monotonic() < ends:
                time.sleep(0.005)
                found = onlooker.execute(query.encode()).fetchall()
            states.extend(found)

        world.run(envelope=watched(look), pace=Pace(least=20, most=20))
    assert len(states) >= 40
    assert set(states) == {AT_REST}


def test_the_next_batch_is_made_while_the_last_is_written(world: World) -> None:
    """A write that waits for a lock does not keep the keys of the next batch waiting."""
    world.fill(40)
    asked = list[float]()
    with closing(world.database.connect("locker")) as locker:
        locker.execute("BEGIN")
        locker.execute("SELECT 1 FROM customer WHERE id = 1 FOR UPDATE")
        began = time.monotonic()
        with beside(lambda: locker.execute("SELECT pg_sleep(2); COMMIT")):
            world.run(
                envelope=watched(lambda: asked.append(time.monotonic() - began)), pace=Pace(least=20, most=20)
            )
    assert asked[1] < 1.8
    assert world.wrong() == 0


def test_a_row_that_somebody_has_locked_is_left_for_the_next_pass(world: World) -> None:
    """The others of its batch are written without it."""
    world.fill(40)
    seen = list[Progress]()
    with closing(world.database.connect("locker")) as locker:
        locker.execute("BEGIN")
        locker.execute("SELECT 1 FROM customer WHERE id = 5 FOR UPDATE")

        def heard(progress: Progress) -> None:
            seen.append(progress)
            if progress.sweep == 2:
                locker.execute("COMMIT")

        pace = Pace(least=20, most=20, lock_timeout=0.2)
        report = world.run(pace=pace, progress=heard)
    assert (seen[0].rows_done, seen[0].rows_raced) == (19, 1)
    assert (report.state, report.rows_done, report.rows_raced) == ("done", 40, report.rows_raced)
    assert world.wrong() == 0


def test_a_locked_table_is_waited_for(world: World) -> None:
    """Shortly, and again, so that whoever queues behind gets through."""
    world.fill(40)
    with closing(world.database.connect("locker")) as locker:
        locker.execute("BEGIN")
        locker.execute("LOCK TABLE customer IN SHARE MODE")
        with beside(lambda: locker.execute("SELECT pg_sleep(1); COMMIT")):
            report = world.run(pace=Pace(least=20, most=20, lock_timeout=0.2))
    assert (report.state, report.rows_done) == ("done", 40)


def test_a_row_that_is_changed_meanwhile_is_read_again(world: World) -> None:
    """By its xmin, whatever column was changed."""
    world.fill(60)
    touched = iter(range(1, 61, 20))

    def touch() -> None:
        number = next(touched, None)
        if number:
            world.execute("UPDATE customer SET visits = visits + 1, email = 'new' WHERE id = %s", [number])

    report = world.run(envelope=watched(touch), pace=Pace(least=20, most=20))
    assert (report.state, report.rows_done, report.rows_raced) == ("done", 60, 3)
    assert world.wrong() == 0
    assert world.value("SELECT count(*) FROM customer WHERE email = 'new'") == 3


def test_a_row_that_is_deleted_meanwhile_is_no_matter(world: World) -> None:
    """The last of its range too."""
    world.fill(20)
    report = world.run(envelope=watched(lambda: world.execute("DELETE FROM customer WHERE id IN (7, 20)")))
    assert (report.state, report.rows_done) == ("done", 18)


def test_rows_that_keep_becoming_pending_end_the_job(world: World) -> None:
    """After so many passes, with the word that an old writer is alive."""
    world.fill(20)
    counter = iter(range(10_000))

    def write(progress: Progress) -> None:
        world.execute("UPDATE customer SET email = %s WHERE id = 3", [f"again {next(counter)}"])

    report = world.run(progress=write, pace=Pace(sweeps=4))
    assert (report.state, report.sweeps) == ("failed", 4)
    assert report.error is not None
    assert "a writer that knows only the plaintext is alive" in report.error
    assert world.run().state == "done"
    assert world.wrong() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_backends_that_are_killed_are_replaced(world: World, workers: int) -> None:
    """Each of a job's in turn, in mid-batch; nothing is lost, nothing done twice."""
    world.fill(600)
    over = threading.Event()
    killed = 0

    def kill() -> None:
        nonlocal killed
        with closing(world.database.connect("killer")) as killer:
            while not over.wait(0.1) and killed < 8:
                victims = f"SELECT pid FROM pg_stat_activity WHERE {OURS} ORDER BY random() LIMIT 1"
                found = killer.execute(f"SELECT pg_terminate_backend(pid) FROM ({victims}) v".encode())
                killed += len(found.fetchall())

    with beside(kill):
        report = world.run(
            envelope=watched(lambda: time.sleep(0.02)), pace=Pace(least=20, most=20), workers=workers
        )
        over.set()
    assert killed >= 3
    assert report.state == "done"
    assert world.value("SELECT rows_done FROM envelope.job") == 600, "each row once, by the record itself"
    assert world.wrong() == 0


def test_a_server_that_is_not_there_is_told_at_once(world: World) -> None:
    """Without patience, which is for what was there before; without the password."""
    began = time.monotonic()
    with pytest.raises(BackfillError, match="OperationalError") as caught:
        run("postgresql://somebody:geheim@127.0.0.1:1/nothing", 1)
    assert time.monotonic() - began < 5
    assert "geheim" not in str(caught.value)


def test_a_role_without_rights_is_told_so(world: World) -> None:
    """By the code of what PostgreSQL refused."""
    job = world.job()
    url = make_url(world.database.url)
    world.execute(f"CREATE ROLE nobody_{url.database} LOGIN")
    poor = url.set(username=f"nobody_{url.database}").render_as_string(hide_password=False)
    try:
        with pytest.raises(ConfigurationError, match="InsufficientPrivilege 42501"):
            run(poor, job.id)
    finally:
        world.execute(f"DROP ROLE nobody_{url.database}")
    assert world.job() == job
