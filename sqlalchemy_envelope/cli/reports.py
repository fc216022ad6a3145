"""How a task ended, in a line, as data, and as an exit code."""

from dataclasses import asdict, dataclass
from typing import Any

from ..backfill.job.running import Report
from ..backfill.subject.kind import Kind
from .exits import Exit
from .figures import count, duration, rows
from .tasks import Task

DID = {
    Kind.ENCRYPT: "{} encrypted",
    Kind.DECRYPT: "{} decrypted",
    Kind.VERIFY: "{} verified",
    Kind.NULL: "{} set to NULL",
    Kind.REWRAP: "data keys of {} wrapped anew",
    Kind.REENCRYPT: "{} encrypted anew",
    Kind.INDEX: "{} digested",
}


@dataclass(frozen=True)
class Ended:
    """A task and its report. `interrupted`: the code where it was stopped."""

    task: Task
    job: int
    report: Report
    interrupted: Exit = Exit.STOPPED
    waited: str = ""

    @property
    def exit(self) -> Exit:
        """Rows in quarantine are rows that are left."""
        if self.report.state == "stopped":
            return self.interrupted
        if self.report.state == "paused":
            return Exit.STOPPED
        return Exit.LEFT if self.report.state == "failed" or self.report.rows_quarantined else Exit.DONE

    @property
    def untouched(self) -> bool:
        """Whether it was paused before it was begun: `remedy` says it all."""
        return self.report.state == "paused" and not self.report.rows_read

    @property
    def words(self) -> str:
        """One line."""
        report = self.report
        parts = [DID[self.task.kind].format(rows(report.rows_done)) + f" in {duration(report.seconds)}"]
        if report.rows_done:
            parts.append(f"{report.rows_done / max(report.seconds, 1e-3):,.0f} rows/s")
        if report.rows_raced:
            parts.append(f"{count(report.rows_raced)} changed meanwhile and done again")
        if report.rows_quarantined:
            wrong = "wrong" if self.task.kind is Kind.VERIFY else "in quarantine"
            parts.append(f"{rows(report.rows_quarantined)} {wrong}")
        parts += [self.waited] if self.waited else []
        return f"{self.task.place}: {', '.join(parts)}"

    @property
    def remedy(self) -> str:
        """What to do about what is not done; empty where all is."""
        if self.report.state == "paused":
            return f"job {self.job} is paused: sqlalchemy-envelope resume {self.job} lets it go on"
        if self.report.state == "stopped":
            return f"stopped; it goes on with: sqlalchemy-envelope backfill --job {self.job}"
        if self.report.error:
            return self.report.error
        if self.report.rows_quarantined:
            return f"the causes: sqlalchemy-envelope jobs {self.job}"
        return ""

    @property
    def data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"job": self.job, **self.task.names, "kind": self.task.kind.value, **asdict(self.report)}
