"""Several workers on any executor; what goes there pickles."""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from typing import Any

import pytest

from sqlalchemy_envelope import DecryptionError, DirectKeyring, Envelope, Failure, StaticKey
from sqlalchemy_envelope.backfill.job.ownership import own_range
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.subject.move import Authority
from sqlalchemy_envelope.errors import BackfillError, JobBusyError, KeyProviderError

from .world import World

PACE = Pace(least=20, most=20)


def other_envelope() -> Envelope:
    """Under a key that opens nothing here."""
    return Envelope(DirectKeyring(StaticKey(bytes(range(1, 33)))))


def die() -> Envelope:
    """A worker that ends at once, as one does that is killed."""
    os._exit(9)


@pytest.fixture(scope="module", params=["threads", "processes", "dask"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Two workers each."""
    if request.param == "threads":
        with ThreadPoolExecutor(2) as threads:
            yield threads
    elif request.param == "processes":
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
            yield processes
    else:
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client.get_executor()


def test_workers_share_a_job(executor: Executor, world: World) -> None:
    """Each row once, there and back, and proven by them."""
    world.fill(500)
    report = world.run(executor=executor, workers=2, pace=PACE)
    assert (report.state, report.rows_done, report.rows_read) == ("done", 500, 500)
    assert world.wrong() == 0
    assert world.value("SELECT count(*) >= 2 FROM envelope.job_range")
    assert world.run("verify", executor=executor, workers=2).rows_done == 500
    world.give_authority(Authority.PAIR)
    assert world.run("null", executor=executor, workers=2).rows_done == 500
    assert world.run("decrypt", executor=executor, workers=2).rows_done == 500
    assert world.wrong() == 0


def test_a_workers_error_ends_the_job(executor: Executor, world: World) -> None:
    """With that very error, whichever process it comes from; the others stop."""
    world.fill(500)
    world.run(pace=PACE)
    with pytest.raises(DecryptionError) as caught:
        world.run("verify", executor=executor, workers=2, envelope=other_envelope, pace=PACE)
    assert caught.value.failure is Failure.UNKNOWN_KEY
    assert world.job("verify").state == "failed"


def test_a_pause_reaches_every_worker(executor: Executor, world: World) -> None:
    """By way of the record, after a batch each."""
    world.fill(2000)
    job = world.job()

    def heard(progress: Any) -> None:
        world.execute(
            "UPDATE envelope.job SET state = 'paused' WHERE id = %s AND state = 'running'", [job.id]
        )

    pace = Pace(least=20, most=20, rest=0.05)
    report = world.run(executor=executor, workers=2, pace=pace, progress=heard)
    assert report.state == "paused"
    assert 0 < report.rows_done < 2000


def test_a_process_that_dies_ends_the_run_and_the_next_goes_on(world: World) -> None:
    """An executor that is broken stays so; the job does not."""
    world.fill(200)
    with (
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes,
        pytest.raises(BackfillError, match=BrokenProcessPool.__name__),
    ):
        world.run(executor=processes, workers=2, envelope=die)
    assert world.job().state == "failed"
    assert world.run(pace=PACE).state == "done"
    assert world.wrong() == 0


def test_more_workers_share_what_one_left(world: World) -> None:
    """From its cursor on."""
    world.fill(500)
    stop = threading.Event()
    first = world.run(pace=PACE, stop=stop, progress=lambda _: stop.set())
    assert first.state == "stopped"
    report = world.run(workers=3, pace=PACE)
    assert (report.state, first.rows_done + report.rows_done) == ("done", 500)
    assert report.rows_read == 500 - first.rows_read
    assert world.wrong() == 0


def test_a_range_has_one_worker(world: World) -> None:
    """The second is told of the first."""
    job = world.job()
    with closing(world.database.connect("one")) as one, closing(world.database.connect("two")) as two:
        own_range(one, job.id, 1, 0.0, lambda: False)
        with pytest.raises(JobBusyError, match=f"range 1 of job {job.id}.*backend {one.info.backend_pid}"):
            own_range(two, job.id, 1, 0.2, lambda: False)
        own_range(two, job.id, 2, 0.0, lambda: False)


@pytest.mark.parametrize(
    "error",
    [
        BackfillError("words"),
        JobBusyError("words"),
        DecryptionError(Failure.TAG, "a.b"),
        KeyProviderError("words", retryable=True),
    ],
)
def test_what_a_worker_raises_pickles(error: Exception) -> None:
    """Or the executor would hide it behind another."""
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
