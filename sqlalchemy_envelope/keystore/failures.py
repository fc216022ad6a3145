"""What the database's errors mean to a caller of the key store: set something up, or try later.

SQLSTATEs: PostgreSQL 18 documentation, appendix A.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ConfigurationError, EnvelopeError, KeyProviderError

NO_TABLE = (
    "this database has no table envelope.key, where the keyring keeps its key-encryption keys: make it by"
    " op.create_key_store() in a migration, or by `sqlalchemy-envelope keys init`"
)
_SET_UP = {
    "3F000": NO_TABLE,
    "42P01": NO_TABLE,
    "42703": (
        "the table envelope.key is of another version of sqlalchemy-envelope: run"
        " op.create_key_store() or `sqlalchemy-envelope keys init` again"
    ),
    "42501": (
        "this database role may not use the table envelope.key: GRANT USAGE ON SCHEMA envelope and SELECT on"
        " envelope.key to read, INSERT and UPDATE as well to write values; to revoke or shred keys,"
        " INSERT and SELECT on envelope.key_receipt too"
    ),
    "25006": (
        "this database is read only, a replica or by its settings, and writing a value needs to write the"
        " table envelope.key: attach an engine of the primary, or give"
        " TieredKeyring(store=SqlKeyStore(engine of the primary))"
    ),
}
_LATER = {
    "23505": "another process made the tenant's key at the same moment",
    "40001": "the transaction has to be repeated",
    "40P01": "the transaction has to be repeated",
    "55P03": "another process has held the tenant's key for too long",
    "57014": "the statement took too long",
}
_LATER_CLASSES = ("08", "28", "3D", "53", "57", "58")
"""Those of connections and resources; a password or a database's name may be put right meanwhile."""


@contextmanager
def translating() -> Iterator[None]:
    """The one door where the drivers' errors are translated."""
    try:
        yield
    except Exception as error:
        raised = translated(error)
        if raised is error:
            raise
        raise raised from error


def lacks_privilege(error: Exception) -> bool:
    """Whether the database says that its role may not."""
    return _sqlstate(error) == "42501"


def translated(error: Exception) -> Exception:
    """The error to raise in place of `error`: of this library where the database is to blame."""
    if isinstance(error, EnvelopeError):
        return error
    state = _sqlstate(error)
    if state in _SET_UP:
        return ConfigurationError(_SET_UP[state])
    if state in _LATER or state[:2] in _LATER_CLASSES:
        reason = _LATER.get(state, "the database is not available now")
        return KeyProviderError(f"the key store: {reason} ({state})", retryable=True)
    if state:
        return KeyProviderError(f"the key store's database refused the statement ({state})", retryable=False)
    if _of_connection(error):
        return KeyProviderError("the key store's database could not be reached", retryable=True)
    return error


def _sqlstate(error: BaseException | None) -> str:
    """Of the driver's error, which SQLAlchemy's and the adapter's may wrap; empty where there is none."""
    while error is not None:
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if isinstance(state, str):
            return state
        error = getattr(error, "orig", None) or error.__cause__
    return ""


def _of_connection(error: Exception) -> bool:
    """Whether a driver said so without a code, as where nobody listens, or a connection broke."""
    names = {each.__name__ for each in type(getattr(error, "orig", error)).__mro__}
    return isinstance(error, OSError | TimeoutError) or bool(names & {"OperationalError", "InterfaceError"})
