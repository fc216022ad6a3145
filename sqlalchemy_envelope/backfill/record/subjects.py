"""What each job is about, from the records: a move, a rotation or a blind index."""

from typing import Any

import psycopg

from . import fills, moves, rotations
from .fills import RecordedFill
from .jobs import Job
from .moves import RecordedMove
from .rotations import RecordedRotation

Recorded = RecordedMove | RecordedRotation | RecordedFill


class Subjects:
    """Every recorded move, rotation and index, read once."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._moves = {each.id: each for each in moves.recorded(connection)}
        self._rotations = {each.id: each for each in rotations.recorded(connection)}
        self._fills = {each.id: each for each in fills.recorded(connection)}

    def of(self, job: Job) -> Recorded:
        """What a job is about."""
        if job.move is not None:
            return self._moves[job.move]
        return self._fills[job.fill] if job.rotation is None else self._rotations[job.rotation]  # type: ignore[index]
