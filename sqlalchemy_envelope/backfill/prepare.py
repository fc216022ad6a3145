"""From a recorded job to a plan: the catalog as it is now, and every refusal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ..envelope import Envelope
from . import moves
from .database import Database
from .jobs import Job
from .pace import Pace
from .plan import Plan
from .refusals import check_job, check_table
from .relation import inspect
from .sources import Source


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
        recorded = {each.id: each.move for each in moves.recorded(connection)}
        move = recorded[self.job.move]
        relation = inspect(connection, move)
        check_table(relation, move, allow_replica_identity_full=self.allow_replica_identity_full)
        check_job(relation, move, self.job, source=self.source is not None)
        return Plan(self.database, self.job, move, relation, self.envelope, self.source, self.pace)
