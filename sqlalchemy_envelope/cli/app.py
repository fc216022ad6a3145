"""The commands, and the one place that turns an error into a line and an exit code."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.main import get_command

from .backfill import backfill, verify
from .doctor import doctor
from .exits import EPILOG, Exit
from .failures import told
from .jobs import list_jobs, pause_job, resume_job
from .purge import purge
from .status import status
from .steps import step
from .stopping import terminable

NAME = "sqlalchemy-envelope"

app = typer.Typer(
    name=NAME,
    help="Encrypted columns of a PostgreSQL: how far they are, and moving existing data over.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
)


COMMANDS: dict[str, Callable[..., Exit]] = {
    "status": status,
    "backfill": backfill,
    "verify": verify,
    "step": step,
    "purge": purge,
    "doctor": doctor,
    "jobs": list_jobs,
    "pause": pause_job,
    "resume": resume_job,
}

for name, command in COMMANDS.items():
    app.command(name, epilog=EPILOG)(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code, whatever happened."""
    try:
        with terminable():
            ended = _ended(list(arguments) or ["--help"])
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - shown below, without what it might hold
        failed = told(error, debug="--debug" in arguments)
        sys.stderr.write(f"{NAME}: {failed.words}\n")
        return failed.code
    return ended


def _ended(arguments: list[str]) -> int:
    try:
        result: Any = get_command(app).main(arguments, prog_name=NAME, standalone_mode=False)
    except typer.Abort:
        return Exit.INTERRUPTED
    return Exit.DONE if result is None else int(result)
