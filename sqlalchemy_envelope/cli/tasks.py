"""What a command sets out to do: jobs that are recorded, or that are to be."""

from dataclasses import dataclass
from typing import Any

from ..backfill.plan.prepare import check_new_job, check_new_rotation
from ..backfill.record import fills
from ..backfill.record.fills import RecordedFill
from ..backfill.record.fills import record_job as record_fill_job
from ..backfill.record.jobs import Job, State, jobs, record_job
from ..backfill.record.jobs import job as job_of
from ..backfill.record.moves import RecordedMove
from ..backfill.record.rotations import record_job as record_rotation_job
from ..backfill.record.subjects import Recorded, Subjects
from ..backfill.subject.kind import Kind
from ..backfill.subject.move import Authority
from ..backfill.subject.rotation import Rotation
from ..errors import ConfigurationError
from .target import Place, job_number, move_of


@dataclass(frozen=True)
class Task:
    """One kind of work on one column. `job`: where it is recorded already. `source`: for its record."""

    recorded: Recorded
    kind: Kind
    job: Job | None = None
    source: str | None = None

    @property
    def place(self) -> str:
        """The column, as the command line takes it."""
        return str(Place.of(self.recorded.subject))

    @property
    def names(self) -> dict[str, str]:
        """The same for `--json`."""
        at = self.recorded.subject
        return {"schema": at.schema, "table": at.table, "column": at.column}

    def begun(self, connection: Any, *, allow_replica_identity_full: bool) -> Job:
        """The job, recorded now if it was not; with its source, so that whoever goes on has that too.

        Raises `ConfigurationError` for one that can't be run, and records none.
        """
        if self.job is not None and (self.source is None or self.job.state is State.DONE):
            return self.job
        if isinstance(self.recorded, RecordedFill):
            return record_fill_job(connection, self.recorded.fill, self.kind)
        if not isinstance(self.recorded, RecordedMove):
            return record_rotation_job(connection, self.recorded.rotation, self.kind)
        allowed = {"allow_replica_identity_full": allow_replica_identity_full}
        check_new_job(connection, self.recorded, self.kind, self.source, **allowed)
        return record_job(connection, self.recorded, self.kind, self.source)

    def verified(self) -> "Task":
        """What comes after it."""
        return Task(self.recorded, Kind.VERIFY, source=self.source)


def all_tasks(connection: Any) -> list[Task]:
    """Every job that is not done, in the order of their recording."""
    subjects = Subjects(connection)
    return [Task(subjects.of(each), each.kind, each) for each in jobs(connection) if _is_open(each)]


def task_of_job(connection: Any, number: int, source: str | None = None) -> Task:
    """One job, whatever its state."""
    job = job_of(connection, number)
    return Task(Subjects(connection).of(job), job.kind, job, source)


def task_of_rotation(connection: Any, rotation: Rotation, kind: Kind) -> Task:
    """A rotation's job: the one that is not done yet, if there is one, else a new one.

    Raises `ConfigurationError` for one that can't be run, and records none.
    """
    check_new_rotation(connection, rotation)
    return task_of_job(connection, record_rotation_job(connection, rotation, kind).id)


def tasks_of(connection: Any, wanted: str, kind: Kind | None, source: str | None) -> list[Task]:
    """A job by its number; or a column's jobs that are not done, of a kind if one is given; else a new one.

    A new one's kind follows from what is the truth: plaintext is to be encrypted. Where it is the pair,
    whoever wants something says what.
    """
    number = job_number(wanted)
    if number is not None:
        return [task_of_job(connection, number, source)]
    rotating = _rotating(connection, Place.parse(wanted), kind)
    if rotating:
        return rotating
    filled = [each for each in fills.recorded(connection) if Place.parse(wanted).has(each.fill)]
    if filled:
        return [Task(each, kind or Kind.INDEX) for each in filled]
    move = move_of(connection, Place.parse(wanted))
    open_ = [each for each in jobs(connection) if each.move == move.id and _is_open(each)]
    found = [each for each in open_ if each.kind is kind or (kind is None and each.kind is not Kind.VERIFY)]
    if found:
        return [Task(move, each.kind, each, source) for each in found]
    if kind is None and move.move.authority is Authority.PAIR:
        raise ConfigurationError(
            f"{move.move.place} is encrypted, and no job is open; say which to begin: --kind null or decrypt"
        )
    return [Task(move, kind or Kind.ENCRYPT, source=source)]


def _is_open(job: Job) -> bool:
    return job.state is not State.DONE


def _rotating(connection: Any, place: Place, kind: Kind | None) -> list[Task]:
    """A column's rotations that are begun, of a kind if one is given."""
    rotations = [
        each for each in all_tasks(connection) if isinstance(each.recorded.subject, Rotation)
    ]
    found = [
        each for each in rotations if kind in (None, each.kind) and place.has(each.recorded.subject)
    ]
    if kind in (Kind.REWRAP, Kind.REENCRYPT) and not found:
        raise ConfigurationError(
            f"{place} has no open job to {kind} it; sqlalchemy-envelope keys {kind} begins one"
        )
    return found
