"""What others get to see of a job: no plaintext in the server's log, in an error, in a record, in a repr."""

import traceback

import pytest

from sqlalchemy_envelope.backfill.plan.pace import Pace
from sqlalchemy_envelope.backfill.postgres import session
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.rows.sources import CallableSource
from sqlalchemy_envelope.backfill.subject.move import Authority
from sqlalchemy_envelope.errors import BackfillError

from ..fixtures.postgresql import ServerLog
from .world import World

CANARY = "zaunkoenig"


@pytest.fixture
def birds(world: World) -> World:
    """Canaries, stored before the log is read."""
    world.execute(f"INSERT INTO customer SELECT n, '{CANARY} ' || n FROM generate_series(1, 60) n")
    return world


@pytest.mark.parametrize("kinds", [("encrypt",), ("encrypt", "verify")])
def test_the_servers_log_has_no_plaintext(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, birds: World, kinds: tuple[str, ...]
) -> None:
    """With every statement and every parameter logged, as for a role that may not say otherwise."""
    monkeypatch.setattr(session, "UNLOGGED", {})
    log: ServerLog = request.getfixturevalue("server_log")
    for kind in kinds:
        assert birds.run(kind, pace=Pace(least=20, most=20)).rows_done == 60
    written = log.read()
    assert "UPDATE ONLY" in written
    assert "arameters: " in written
    assert CANARY not in written


def test_the_servers_log_has_no_plaintext_on_the_way_back(birds: World, server_log: ServerLog) -> None:
    """Where the role may say that parameters are not logged: the plaintext itself is one."""
    birds.run()
    birds.give_authority(Authority.PAIR)
    birds.execute("UPDATE customer SET email = NULL")
    log = ServerLog(server_log.path)
    assert birds.run("decrypt").rows_done == 60
    assert birds.value("SELECT email FROM customer WHERE id = 7") == f"{CANARY} 7"
    assert CANARY not in log.read()


def test_an_error_has_no_plaintext(birds: World) -> None:
    """Not in its words, its causes, its context, nor in the record."""

    def refuse(value: str) -> str:
        raise LookupError(value)

    with pytest.raises(BackfillError) as caught:
        birds.run(source=CallableSource(refuse), pace=Pace(quarantine=5))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)
    (job,) = jobs.jobs(birds.connection)
    told += repr(job) + repr(jobs.quarantined(birds.connection, job.id))
    assert job.error
    assert CANARY not in told


def test_the_records_have_no_plaintext(birds: World) -> None:
    """Cursors and quarantine hold keys, and nothing else of a row."""
    birds.execute("ALTER TABLE customer ADD CHECK (id <> 7) NOT VALID")
    birds.run()
    tables = ("component", "move", "job", "job_range", "job_row")
    kept = "".join(str(birds.execute(f"SELECT * FROM envelope.{table}").fetchall()) for table in tables)
    assert "CheckViolation" in kept
    assert CANARY not in kept
