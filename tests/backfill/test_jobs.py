"""Jobs outlive the process: recorded once, paused, resumed, taken over, and kept as history."""

import threading
from contextlib import closing

import psycopg
import pytest

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.backfill.batches.checkpoint import Progress
from sqlalchemy_envelope.backfill.job.ownership import own_job
from sqlalchemy_envelope.backfill.job.run import run
from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.record import jobs, schema
from sqlalchemy_envelope.errors import BackfillError, JobBusyError

from ..fixtures.postgresql import Database
from .world import World

SMALL = Pace(least=10, most=10)


def test_a_job_is_recorded_once(world: World) -> None:
    """Until it is done; then another may follow."""
    first = world.job()
    assert (first.state, first.kind, first.source) == ("ready", "encrypt", None)
    assert world.job() == first
    assert world.job("verify").id != first.id
    world.run()
    assert world.job().id != first.id
    assert [each.state for each in jobs.jobs(world.connection)] == ["done", "ready", "ready"]


def test_a_job_is_recorded_by_literal_sql_too(world: World) -> None:
    """For a script; again without effect."""
    for _ in range(2):
        world.execute(jobs.record_job_sql(world.move, "encrypt", "module:it's"))
    (job,) = jobs.jobs(world.connection)
    assert (job.kind, job.source) == ("encrypt", "module:it's")


def test_a_job_of_an_unrecorded_move_is_refused(world: World) -> None:
    """By name."""
    world.execute("DELETE FROM envelope.move")
    with pytest.raises(ConfigurationError, match=r"customer\.email"):
        world.job()


def test_a_database_without_the_schema_has_no_jobs(database: Database) -> None:
    """Asking makes nothing."""
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        assert jobs.jobs(connection) == []
        schema.install(connection)
        assert jobs.jobs(connection) == []


def test_a_pause_takes_effect_after_the_batch(world: World) -> None:
    """And a run of a paused job does nothing, until it is resumed and goes on at its cursor."""
    world.fill(95)
    job, seen = world.job(), list[Progress]()

    def heard(progress: Progress) -> None:
        seen.append(progress)
        if progress.rows_done == 30:
            jobs.pause(world.connection, job.id)

    report = world.run(pace=SMALL, progress=heard)
    assert report.state == "paused"
    assert report.rows_done in {30, 40}, "the batch that was under way is finished"
    assert world.run(pace=SMALL).state == "paused"
    assert world.value("SELECT count(email_encrypted) FROM customer") == report.rows_done
    jobs.resume(world.connection, job.id)
    rest = world.run(pace=SMALL)
    assert rest.state == "done"
    assert rest.rows_done == 95 - report.rows_done
    assert rest.rows_read == 95 - report.rows_done, "what was left"
    assert world.wrong() == 0


def test_only_what_can_be_is_paused_and_resumed(world: World) -> None:
    """With what it is instead."""
    job = world.job()
    world.run()
    for change in (jobs.pause, jobs.resume):
        with pytest.raises(ConfigurationError, match=f"job {job.id} is done"):
            change(world.connection, job.id)


def test_a_second_runner_is_told_who_the_first_is(world: World) -> None:
    """By process and backend, and nothing of the job changes."""
    job = world.job()
    world.execute("UPDATE envelope.job SET state = 'running', owner = 'elsewhere pid 7'")
    with closing(world.database.connect("another")) as other:
        own_job(other, job.id)
        with pytest.raises(
            JobBusyError, match=rf"elsewhere pid 7 \(backend {other.info.backend_pid}, .*another"
        ):
            world.run()
    assert isinstance(JobBusyError(""), BackfillError)
    assert world.job().state == "running"


def test_what_a_dead_process_left_is_taken_over(world: World) -> None:
    """Its record says running, its lock is free."""
    world.fill(5)
    world.job()
    world.execute("UPDATE envelope.job SET state = 'running', owner = 'dead pid 7'")
    assert world.run().state == "done"


def test_a_done_job_is_left_alone(world: World) -> None:
    """Run again by a revision that died after it."""
    world.fill(5)
    job = world.job()
    world.run()
    assert run(world.database, job.id).rows_read == 0


def test_a_stop_ends_the_run_after_the_batch(world: World) -> None:
    """The next one goes on where it was."""
    world.fill(95)
    stop = threading.Event()
    report = world.run(pace=SMALL, stop=stop, progress=lambda _: stop.set())
    assert (report.state, world.job().state) == ("stopped", "ready")
    assert 0 < report.rows_done < 95
    assert world.run(pace=SMALL).state == "done"
    assert world.wrong() == 0


def test_a_job_says_how_far_it_is(world: World) -> None:
    """To whoever listens, batch by batch, and in its record."""
    world.fill(50)
    world.execute("VACUUM ANALYZE customer")
    seen = list[Progress]()
    world.run(pace=SMALL, progress=seen.append)
    assert [each.rows_done for each in seen][:3] == [10, 20, 30]
    assert {each.rows_estimated for each in seen} == {50}
    assert seen[-1].state == "done"
    (job,) = jobs.jobs(world.connection)
    assert (job.rows_done, job.sweep, job.owner, job.error) == (50, 1, None, None)
    assert job.created_at <= job.started_at <= job.heartbeat_at <= job.finished_at  # type: ignore[operator]


def test_a_source_stays_with_its_column(world: World) -> None:
    """Given once, it reads for the jobs that follow too: without it they would take its cells for values."""
    world.job()
    assert world.job(source="legacy:first").source == "legacy:first", "an unfinished job is given one"
    assert world.job().source == "legacy:first"
    world.execute("UPDATE envelope.job SET state = 'done'")
    assert world.job().source == "legacy:first"
    assert world.job("verify").source == "legacy:first"
    assert world.job("null").source is None
    assert world.job("verify", source="legacy:second").source == "legacy:second"


def test_a_source_is_forgotten_when_values_came_back_from_the_pair(world: World) -> None:
    """They came as they are."""
    world.job(source="legacy:first")
    world.execute("UPDATE envelope.job SET state = 'done'")
    world.job("decrypt")
    assert world.job("verify").source == "legacy:first"
    world.execute("DELETE FROM envelope.job WHERE kind = 'verify'")
    world.execute("UPDATE envelope.job SET rows_done = 1 WHERE kind = 'decrypt'")
    assert world.job("verify").source is None
