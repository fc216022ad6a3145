"""What is the same for all ranges of a run: what every worker is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..envelope import Envelope
from .database import Database
from .jobs import Job
from .move import Move
from .pace import Pace
from .relation import Relation
from .sources import Source
from .steps import Step, make_step


@dataclass(frozen=True)
class Plan:
    """Goes to other processes by pickle: no connection, and no key but what source or factory bring."""

    database: Database
    job: Job
    move: Move
    relation: Relation
    envelope: Callable[[], Envelope] = field(repr=False)
    source: Source | None
    pace: Pace

    def step(self) -> Step:
        """The job's kind of work, with an envelope of this process."""
        column = self.relation.columns.get(self.move.plaintext)
        type_ = None if column is None else column.type
        return make_step(self.job.kind, self.move, self.envelope, self.source, type_)
