"""What each job is about, from the records: a move or a rotation."""

from typing import Any

import psycopg

from . import moves, rotations
from .jobs import Job
from .moves import RecordedMove
from .rotations import RecordedRotation

Recorded = RecordedMove | RecordedRotation


class Subjects:
    """Every recorded move and rotation, read once."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._moves = {each.id: each for each in moves.recorded(connection)}
        self._rotations = {each.id: each for each in rotations.recorded(connection)}

    def of(self, job: Job) -> Recorded:
        """What a job is about."""
        return self._rotations[job.rotation] if job.move is None else self._moves[job.move]  # type: ignore[index]
