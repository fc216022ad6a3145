"""The one error tree. Every message names a place and a remedy, never a value and never a key.

    EnvelopeError
    ├── ConfigurationError          a declaration, key or setting that can't work; raised at start
    ├── NotAttachedError            an engine without an envelope met an encrypted column
    ├── UnsupportedStatementError   refused before anything was sent
    ├── InvalidValueError           a value that the column's type can't take; nothing was sent
    ├── TenantError                 a row without its tenant, or of another one; nothing was sent or shown
    ├── DecryptionError             a stored value that will never open; `failure` names the one cause
    │   ├── RevokedError            its key was revoked; it opens again once the key is reinstated
    │   └── ShreddedError           its key was destroyed
    ├── BackfillError               a move that can't go on as things stand; run again when the cause is gone
    └── KeyProviderError            the key provider failed; `retryable` says whether later may be better

All derive from SQLAlchemy's `DontWrapMixin`: otherwise SQLAlchemy wraps what is raised while a statement
runs in a `StatementError` whose text prints the plaintext parameters.
"""

from enum import StrEnum

from sqlalchemy.exc import DontWrapMixin


class Failure(StrEnum):
    """Why a stored value does not open, in the order in which the causes are looked for."""

    LONE_CELL = "lone-cell"
    MAGIC = "magic"
    VERSION = "version"
    SUITE = "suite"
    FLAGS = "flags"
    WRAP = "wrap"
    LENGTH = "length"
    UNKNOWN_KEY = "unknown-key"
    REVOKED = "revoked"
    SHREDDED = "shredded"
    UNWRAP = "unwrap"
    COMMITMENT = "commitment"
    TAG = "tag"
    TYPE = "type"


_MEANING = {
    Failure.LONE_CELL: "one cell of the pair is missing; read both, by SQLAlchemy's columns",
    Failure.MAGIC: "the cell does not start as an envelope does",
    Failure.VERSION: "the envelope has a version that this column does not accept",
    Failure.SUITE: "the content names an unknown cipher suite",
    Failure.FLAGS: "the content is bound to a tenant or row otherwise than the model says",
    Failure.WRAP: "the data key is wrapped in an unknown way",
    Failure.LENGTH: "a cell has an impossible length",
    Failure.UNKNOWN_KEY: "the data key is wrapped under a key that this keyring does not hold",
    Failure.REVOKED: "the key-encryption key was revoked; `sqlalchemy-envelope keys list` says when",
    Failure.SHREDDED: "the key-encryption key was destroyed, and every value under it with it",
    Failure.UNWRAP: "the data key does not unwrap: altered, or wrapped for another column",
    Failure.COMMITMENT: "the content is not committed to this data key: altered, moved, or keys exchanged",
    Failure.TAG: "the content fails its authentication tag: altered",
    Failure.TYPE: "the content holds a value of another type than the column's",
}


class EnvelopeError(Exception, DontWrapMixin):
    """Base of everything that this library raises. Never raised itself."""


class ConfigurationError(EnvelopeError):
    """A declaration, a key or a setting that can't work."""


class NotAttachedError(EnvelopeError):
    """An encrypted column was used on an engine that no envelope is attached to."""


class UnsupportedStatementError(EnvelopeError):
    """A statement that can't work on ciphertext, refused before anything was sent."""


class InvalidValueError(EnvelopeError, ValueError):
    """A value that an encrypted column can't take: wrong Python type, not encodable, or too long."""


class DecryptionError(EnvelopeError):
    """A stored value that will never open.

    `failure` is the one cause; `place` is the logical `table.column`, empty where it isn't known yet.
    """

    def __init__(self, failure: Failure, place: str = "") -> None:
        super().__init__(failure, place)
        self.failure = failure
        self.place = place

    def __str__(self) -> str:
        return f"cannot open {self.place or 'an encrypted value'}: {_MEANING[self.failure]} ({self.failure})"

    def at(self, place: str) -> "DecryptionError":
        """The same failure, with its place named."""
        return decryption_error(self.failure, place)


class RevokedError(DecryptionError):
    """A stored value whose key-encryption key was revoked. It opens again once the key is reinstated."""


class ShreddedError(DecryptionError):
    """A stored value whose key-encryption key was destroyed: nothing opens it any more."""


_CLASSES = {Failure.REVOKED: RevokedError, Failure.SHREDDED: ShreddedError}


def decryption_error(failure: Failure, place: str = "") -> DecryptionError:
    """The error of a cause, of the class that callers may tell it by."""
    return _CLASSES.get(failure, DecryptionError)(failure, place)


class TenantError(EnvelopeError):
    """A statement or row without its tenant, or of another tenant than the one it runs for."""


class BackfillError(EnvelopeError):
    """A move of existing data that can't go on as things stand. What was done stays; run it again.

    `retryable` is true where nothing but time is needed: the database was out of reach for too long.
    """

    retryable = False


class JobBusyError(BackfillError):
    """A backfill's job that another process is running; the message names it."""


class KeyProviderError(EnvelopeError):
    """The key provider could not wrap or unwrap. Nothing was stored and nothing is cached.

    `retryable` is true where the same call may succeed later: throttling, time-outs, an outage.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable

    def __reduce__(self) -> tuple[object, ...]:
        return _provider_error, (str(self), self.retryable)


def _provider_error(message: str, retryable: bool) -> KeyProviderError:
    return KeyProviderError(message, retryable=retryable)
