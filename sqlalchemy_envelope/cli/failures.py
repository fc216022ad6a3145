"""An error in one line: what failed and what to do, never a value; and the exit code that goes with it.

PostgreSQL's messages may quote a row, so they are shown for a few classes of error only, whose messages
are made of names.
"""

import re
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from ..errors import (
    BackfillError,
    ConfigurationError,
    DecryptionError,
    EnvelopeError,
    Failure,
    JobBusyError,
    KeyProviderError,
)
from .exits import Exit
from .redaction import one_line, redacted

UNREACHABLE = ("08", "53", "57", "58", "40", "55006", "55P03")
"""SQLSTATE that pass: connection, resources, operator, system, conflict, object in use, no lock. Not 55000:
by that our own DDL says that what comes first is not done."""

NO_RIGHT = "42501"

TELLING = ("25006", "28", "3D", "3F", NO_RIGHT, "42P01", "42704", "55", *UNREACHABLE)
"""SQLSTATE of messages that name a role, a database, a schema, a table or a lock, and nothing of a row."""

REMEDIES = {
    "25006": "connect to the primary, as a role that may write",
    NO_RIGHT: "the rights that each command needs: docs/command-line.md",
}
"""By SQLSTATE: what a command needs and has not."""

TURNED_AWAY = re.compile(
    r"authentication failed for user|no password supplied|no pg_hba\.conf entry"
    r"|permission denied for database|invalid \w+ value|invalid port number"
    r'|(?:role|database) "[^"]*" (?:does not exist|is not permitted)'
)
"""What a server says to those whom it will not let in later either: libpq has no SQLSTATE for it. In another
language it counts as an outage."""


@dataclass(frozen=True)
class Failed:
    """How a command ended that did not."""

    code: Exit
    words: str


def explained(error: BaseException) -> Failed:
    """What to say of an error, and how to end."""
    error = getattr(error, "orig", None) or error  # the driver's, which SQLAlchemy wraps
    if isinstance(error, KeyboardInterrupt):
        return Failed(Exit.INTERRUPTED, "interrupted")
    if isinstance(error, EnvelopeError):
        return Failed(_code(error), one_line(str(error)))
    if hasattr(error, "format_message"):  # typer's own, whichever click it carries
        return Failed(Exit.USAGE, redacted(error.format_message()))
    if _is_database(error):
        return _database(error)
    return Failed(Exit.FAULT, f"unexpected {type(error).__name__}; --debug shows where")


def told(error: BaseException, *, debug: bool = False) -> Failed:
    """The same; `debug` writes to stderr where it happened."""
    if debug:
        sys.stderr.write(frames(error))
    return explained(error)


def frames(error: BaseException) -> str:
    """The traceback of an error and of its causes: places and classes; no message, no local variable."""
    shown = "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__qualname__}\n"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown if cause is None else f"{frames(cause)}\nwhich led to:\n\n{shown}"


def _code(error: EnvelopeError) -> Exit:
    if isinstance(error, ConfigurationError):
        return Exit.USAGE
    if isinstance(error, DecryptionError):
        return Exit.USAGE if error.failure is Failure.UNKNOWN_KEY else Exit.LEFT
    if isinstance(error, KeyProviderError):
        return Exit.LATER if error.retryable else Exit.USAGE
    if isinstance(error, JobBusyError):
        return Exit.BUSY
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if (isinstance(error, BackfillError) and error.retryable) or state.startswith(UNREACHABLE):
        return Exit.LATER
    return Exit.USAGE if state in REMEDIES else Exit.LEFT


def _is_database(error: BaseException) -> bool:
    return any(each.__module__.split(".")[0] == "psycopg" for each in type(error).__mro__)


def _database(error: Any) -> Failed:
    state = getattr(error, "sqlstate", None)
    if state is None and TURNED_AWAY.search(str(error)):
        return Failed(Exit.USAGE, f"the database lets nobody in like that: {redacted(str(error))}")
    if state is None and type(error).__name__ in ("OperationalError", "ConnectionTimeout"):
        return Failed(Exit.LATER, f"the database can't be reached: {redacted(str(error))}")
    if state is None:
        return Failed(Exit.USAGE, f"the database's driver refused: {redacted(str(error))}")
    told = f": {one_line(error.diag.message_primary or '')}" if state.startswith(TELLING) else ""
    if state.startswith(UNREACHABLE):
        return Failed(Exit.LATER, f"the database failed ({state}){told}")
    if told:
        remedy = f"; {REMEDIES[state]}" if state in REMEDIES else ""
        return Failed(Exit.USAGE, f"the database refused ({state}){told}{remedy}")
    return Failed(Exit.FAULT, f"the database refused: {type(error).__name__} ({state}); --debug shows where")
