"""Numbers and times as they are shown."""

from datetime import UTC, datetime

import pytest

from sqlalchemy_envelope.backfill.batches.checkpoint import Progress
from sqlalchemy_envelope.backfill.record.jobs import State
from sqlalchemy_envelope.cli.exits import MEANING, Exit, worst
from sqlalchemy_envelope.cli.figures import duration, moment, rows, size
from sqlalchemy_envelope.cli.progress import Size, Waits, details


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    """The second one only where it tells something."""
    assert duration(seconds) == words


def test_sizes_and_rows_are_short() -> None:
    """Bytes by thousands."""
    assert [size(0), size(999), size(23_400_000), size(5.2e12)] == ["0 B", "999 B", "23 MB", "5.2 TB"]
    assert [rows(1), rows(12_345)] == ["1 row", "12,345 rows"]
    assert [moment(None), moment(datetime(2026, 3, 1, 12, 5, tzinfo=UTC))] == ["", "2026-03-01 12:05"]


def test_progress_names_what_is_out_of_the_ordinary() -> None:
    """And nothing that is zero."""
    plain = Progress(State.RUNNING, 1, 100, 50, 50, 0, 0)
    assert details(plain, 1234.5) == "50 rows · 1,234/s"
    odd = Progress(State.RUNNING, 2, 100, 50, 50, 3, 2, "the archiver")
    assert details(odd, 10) == "50 rows · 10/s · 3 races · 2 quarantined · waiting for the archiver"


def test_a_pass_is_as_long_as_the_one_before() -> None:
    """Whatever the planner thinks meanwhile, and for the next job too."""
    size = Size()
    assert size.of(Progress(State.RUNNING, 1, None, 0, 0, 0, 0)) is None
    assert size.of(Progress(State.RUNNING, 1, 900, 300, 300, 0, 0)) == 900
    assert size.of(Progress(State.RUNNING, 1, 900, 1000, 1000, 0, 0)) == 1000
    assert size.of(Progress(State.RUNNING, 2, 4000, 10, 1000, 0, 0)) == 1000
    assert size.of(Progress(State.RUNNING, 2, 4000, 1010, 1000, 0, 0)) == 1010
    assert size.of(Progress(State.RUNNING, 1, 9000, 5, 5, 0, 0)) == 1010


def test_waiting_is_told_at_the_end() -> None:
    """How long, and for what."""
    waits = Waits()
    assert waits.words == ""
    waits.note(Progress(State.RUNNING, 1, 100, 50, 50, 0, 0, "the archiver"))
    waits.note(Progress(State.RUNNING, 1, 100, 60, 60, 0, 0))
    assert waits.words == "waited 0.0 s for the archiver"


def test_every_exit_code_has_a_meaning() -> None:
    """And of several the highest is the command's."""
    assert MEANING.keys() == set(Exit)
    assert worst([Exit.DONE, Exit.LATER, Exit.LEFT]) is Exit.LATER
    assert worst([]) is Exit.DONE
