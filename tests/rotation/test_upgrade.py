"""A database whose record of jobs is of the first version: read as it is, and brought up to date in place."""

import psycopg
import pytest

from sqlalchemy_envelope.backfill.record import schema
from sqlalchemy_envelope.backfill.record.jobs import jobs
from sqlalchemy_envelope.backfill.record.schema import install
from sqlalchemy_envelope.backfill.record.subjects import Subjects
from sqlalchemy_envelope.rotation.columns import rewrap_column

from .world import World, after

LATER = ("rotation", "move_type", "envelope.fill", "unfinished_fill")
FIRST = [each for each in schema.STATEMENTS if not any(word in each for word in LATER)]
"""The statements of version 1, which later ones left as they were."""

A_MOVE = """
INSERT INTO envelope.move ("schema", "table", "column", plaintext, content, dek, lasting_dek, context, type,
    in_place, authority)
VALUES ('public', 'other', 'email', 'email', 'email_encrypted', 'email_encrypted_dek', 'email_dek',
    '{"table": "other", "column": "email", "key": "email_dek", "tenant": null}', 'text', true, 'plaintext')"""
A_JOB = "INSERT INTO envelope.job (move, kind, state) SELECT id, 'encrypt', 'done' FROM envelope.move"


def first_version(world: World) -> None:
    """As it was left by the version before: a move, and a job that is done."""
    for statement in FIRST:
        world.execute(statement.replace(f"VALUES ('backfill', {schema.VERSION})", "VALUES ('backfill', 1)"))
    world.execute(A_MOVE)
    world.execute(A_JOB)
    assert world.value("SELECT version FROM envelope.component") == 1


def test_the_first_version_is_read_as_it_is(world: World) -> None:
    """By commands that only look: nothing is installed for them."""
    first_version(world)
    (job,) = jobs(world.connection)
    assert job.rotation is None
    assert Subjects(world.connection).of(job).subject.place == "other.email"


def test_it_is_brought_up_to_date_once_and_again(world: World) -> None:
    """Moves and jobs stay; a rotation may be recorded; and a job is still about one thing."""
    first_version(world)
    for _ in range(2):
        install(world.connection)
    assert world.value("SELECT version FROM envelope.component") == schema.VERSION
    world.fill(5)
    assert rewrap_column(world.database, after, "patient", "ssn").rows_done == 5
    done, rotated = jobs(world.connection)
    assert (done.move, done.rotation, done.state) == (1, None, "done")
    assert (rotated.move, rotated.rotation, rotated.kind) == (None, 1, "rewrap")
    with pytest.raises(psycopg.errors.CheckViolation):
        world.execute("INSERT INTO envelope.job (kind) VALUES ('rewrap')")
