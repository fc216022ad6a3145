"""From a job to a plan: the catalog as it is now, and every refusal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ...envelope import Envelope
from ..postgres.database import Database
from ..postgres.relation import inspect
from ..record.fills import of_content
from ..record.jobs import Job, last_source
from ..record.moves import RecordedMove
from ..record.subjects import Subjects
from ..rows.sources import Source
from ..subject.fill import Fill
from ..subject.kind import Kind
from ..subject.move import Move
from ..subject.rotation import Rotation
from .fill_refusals import check_fill
from .pace import Pace
from .plan import Plan
from .refusals import check_job, check_table
from .rotation_refusals import check_rotation


@dataclass(frozen=True)
class Prepare:
    """What a run was given. Called with a connection, at its start and before each pass, it makes a plan."""

    database: Database
    job: Job
    envelope: Callable[[], Envelope] = field(repr=False)
    source: Source | None
    pace: Pace
    allow_replica_identity_full: bool = False

    def __call__(self, connection: "psycopg.Connection[Any]") -> Plan:
        subject = Subjects(connection).of(self.job).subject
        relation = inspect(connection, subject)
        fills: list[Fill] = []
        if isinstance(subject, Fill):
            check_fill(relation, subject)
        elif isinstance(subject, Move):
            fills = _filled_with(connection, subject)
            check_table(relation, subject, allow_replica_identity_full=self.allow_replica_identity_full)
            check_job(relation, subject, self.job.kind, source=self.source is not None)
        else:
            check_rotation(connection, relation, subject)
        return Plan(self.database, self.job, subject, relation, self.envelope, self.source, self.pace, fills)


def _filled_with(connection: "psycopg.Connection[Any]", move: Move) -> list[Fill]:
    """The indexes of the moved column alone: of several together, the others' values are yet to be opened."""
    found = of_content(connection, move.schema, move.table, move.content)
    return [each for each in found if len(each.parts) == 1]


def check_new_job(
    connection: "psycopg.Connection[Any]",
    recorded: RecordedMove,
    kind: Kind,
    source: str | None = None,
    *,
    allow_replica_identity_full: bool = False,
) -> None:
    """Raises what would refuse a job that is not recorded yet, so that none is which can't be run."""
    relation = inspect(connection, recorded.move)
    check_table(relation, recorded.move, allow_replica_identity_full=allow_replica_identity_full)
    reader = source or last_source(connection, recorded, kind)
    check_job(relation, recorded.move, kind, source=reader is not None)


def check_new_rotation(connection: "psycopg.Connection[Any]", rotation: Rotation) -> None:
    """The same of a rotation."""
    check_rotation(connection, inspect(connection, rotation), rotation)
