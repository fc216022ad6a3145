"""A rotation that is killed goes on where it was."""

from sqlalchemy_envelope.backfill.subject.kind import Kind

from ..fixtures.postgresql import Database
from .kills import ROWS, kill_until


def test_a_rotation_survives_its_process(database: Database) -> None:
    """Killed twice: no value is lost, and none was wrapped twice."""
    killed = kill_until(database.url().render_as_string(hide_password=False), Kind.REWRAP, 2, seed=1)
    assert (killed.kills, killed.wrong, killed.done) == (2, 0, killed.runs * ROWS)
