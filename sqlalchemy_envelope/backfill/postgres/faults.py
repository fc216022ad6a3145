"""What goes wrong, sorted: what passes by itself, what lies in one row, and what ends the job.

A cause is told by its class and code only. A message of PostgreSQL's may print a whole row, and one of a
source's the value that it could not read.
"""

from enum import Enum

import psycopg

from ...errors import (
    BackfillError,
    ConfigurationError,
    DecryptionError,
    EnvelopeError,
    Failure,
    InvalidValueError,
    KeyProviderError,
)


class Fault(Enum):
    """What is done about an error."""

    RETRY = "retry"
    QUARANTINE = "quarantine"
    ABORT = "abort"


class RowError(Exception):
    """What is wrong with a row, found by a step; `cause` is a word of ours. Never leaves this room."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


_PASSING = frozenset({"25006", "40001", "40003", "40P01", "53300", "55006", "55P03", "57014"})
"""Read-only for now (a failover), serialization, unknown completion, deadlock, too many connections, in use,
no lock, cancelled."""

_NO_RIGHT = "42501"

_PASSING_CLASSES = ("08", "57P", "58")
"""Connections; the server going down or up, or ending the backend; its operating system."""

_OF_A_ROW = ("22", "23", "38", "39", "54", "P0", "XX001")
"""Data, constraints, functions inside and out (such as pgcrypto's), limits, RAISE of somebody's trigger."""


def sort(error: BaseException) -> Fault:
    """Which of the three an error is. What nobody knows is a row's: sources raise what they like."""
    if isinstance(error, psycopg.Error):
        return _sort_state(error)
    if isinstance(error, KeyProviderError):
        return Fault.RETRY if error.retryable else Fault.ABORT
    if isinstance(error, DecryptionError):
        return Fault.ABORT if error.failure is Failure.UNKNOWN_KEY else Fault.QUARANTINE
    if isinstance(error, ConfigurationError | BackfillError | MemoryError):
        return Fault.ABORT
    return Fault.QUARANTINE if isinstance(error, Exception) else Fault.ABORT


def _sort_state(error: psycopg.Error) -> Fault:
    state = error.sqlstate
    if state is None:
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return Fault.RETRY if lost else Fault.QUARANTINE
    if state in _PASSING or state.startswith(_PASSING_CLASSES):
        return Fault.RETRY
    return Fault.QUARANTINE if state.startswith(_OF_A_ROW) else Fault.ABORT


def cause(error: BaseException) -> str:
    """An error in a word or two: a class, a code, a failure's name."""
    if isinstance(error, RowError):
        return error.cause
    if isinstance(error, DecryptionError):
        return f"DecryptionError {error.failure}"
    if isinstance(error, psycopg.Error) and error.sqlstate:
        return f"{type(error).__name__} {error.sqlstate}"
    return type(error).__name__


def told(error: BaseException, place: str, job: int) -> EnvelopeError:
    """The error that ends a job, fit to be shown: ours as it is, any other by its cause."""
    if isinstance(error, EnvelopeError) and not isinstance(error, InvalidValueError):
        return error
    words = f"{place}: job {job} ended with {cause(error)}"
    again = "run the job again: it goes on where it was"
    if getattr(error, "sqlstate", None) == _NO_RIGHT:
        return ConfigurationError(f"{words}; give the role its rights and {again}")
    failed = BackfillError(f"{words}; see to it and {again}")
    failed.retryable = sort(error) is Fault.RETRY
    return failed
