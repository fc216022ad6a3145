"""A worker that dies, or is asked to end, leaves a job that the next one finishes."""

import signal
import subprocess
import sys
import threading

from sqlalchemy_envelope.backfill.job.stopping import stop_on_signals

from ..fixtures.child import comes_true
from ..fixtures.postgresql import Database
from .kills import kill_until
from .world import World

STOPPING = """
import sys
from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.job.stopping import stop_on_signals
from sqlalchemy_envelope.backfill.plan.pace import Pace
from tests.backfill.world import envelope
with stop_on_signals() as stop:
    report = run(sys.argv[1], int(sys.argv[2]), envelope, pace=Pace(least=10, most=10, rest=0.02), stop=stop)
print(report.state, report.rows_done)
"""


def test_a_job_survives_its_workers(database: Database) -> None:
    """Killed at random moments, with their backends: every row is right, and none was given two pairs."""
    killed = kill_until(database.url().render_as_string(hide_password=False), 3, seed=1)
    assert killed.processes >= 3
    assert (killed.wrong, killed.twice) == (0, 0)


def test_sigterm_ends_a_run_after_its_batch(world: World) -> None:
    """With its report, and a job that goes on."""
    world.fill(2_000)
    job = world.job()
    command = [sys.executable, "-c", STOPPING, world.database.url, str(job.id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert comes_true(lambda: bool(world.value("SELECT count(email_encrypted) FROM customer")))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    state, rows = said.split()
    assert state == "stopped"
    assert 0 < int(rows) == world.value("SELECT count(email_encrypted) FROM customer") < 2_000
    assert world.job().state == "ready"
    assert world.run().state == "done"
    assert world.wrong() == 0


def test_signals_are_given_back() -> None:
    """The handlers that were there come again."""
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals(signal.SIGTERM) as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(1)
    assert signal.getsignal(signal.SIGTERM) is before


def test_no_signal_is_caught_in_another_thread() -> None:
    """Only the main thread may; elsewhere it is an event like any other."""
    seen = []

    def use() -> None:
        with stop_on_signals() as stop:
            seen.append((stop.is_set(), signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [(False, before)]
