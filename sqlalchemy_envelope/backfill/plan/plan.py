"""What is the same for all ranges of a run: what every worker is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ...envelope import Envelope
from ..postgres.database import Database
from ..postgres.relation import Relation
from ..record.jobs import Job
from ..rows.filling import fill_pending, make_fill_step
from ..rows.pending import pending_sql
from ..rows.rotating import make_rotation_step
from ..rows.setting import Step
from ..rows.sources import Source
from ..rows.steps import make_step
from ..subject.fill import Fill
from ..subject.move import Move
from ..subject.rotation import Rotation
from .keys import envelope_for
from .pace import Pace


@dataclass(frozen=True)
class Plan:
    """Goes to other processes by pickle: no connection, and no key but what source or factory bring."""

    database: Database
    job: Job
    subject: Move | Rotation | Fill
    relation: Relation
    envelope: Callable[[], Envelope] = field(repr=False)
    source: Source | None
    pace: Pace
    fills: Sequence[Fill] = ()
    """The indexes of a column that is moved: they are filled with it."""

    @property
    def place(self) -> str:
        """`table.column`, for messages."""
        return self.subject.place

    def step(self) -> Step:
        """The job's kind of work, with an envelope of this process."""
        return self.step_by(partial(envelope_for, self.database, self.envelope))

    def pending(self) -> str:
        """SQL for the rows to work on. Of a rotation that is for the keyring to say; a move needs no keys."""
        if isinstance(self.subject, Rotation):
            return self.step().pending
        if isinstance(self.subject, Fill):
            return fill_pending(self.job.kind, self.subject)
        kept = self.subject.plaintext in self.relation.columns
        return pending_sql(self.job.kind, self.subject, kept=kept)

    def step_by(self, envelope: Callable[[], Envelope]) -> Step:
        """The same with another envelope."""
        if isinstance(self.subject, Rotation):
            return make_rotation_step(self.job.kind, self.subject, envelope)
        if isinstance(self.subject, Fill):
            return make_fill_step(self.job.kind, self.subject, envelope())
        column = self.relation.columns.get(self.subject.plaintext)
        return make_step(self.job.kind, self.subject, envelope, self.source, column, self.fills)
