"""Envelope encryption of SQLAlchemy columns on PostgreSQL: one line in a model, the custody chain in a KMS."""

from .context import Context
from .envelope import Envelope
from .errors import (
    ConfigurationError,
    DecryptionError,
    EnvelopeError,
    Failure,
    InvalidValueError,
    KeyProviderError,
    NotAttachedError,
    UnsupportedStatementError,
)
from .keyring.direct import DirectKeyring
from .legacy import Version
from .providers.static import StaticKey

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "Context",
    "DecryptionError",
    "DirectKeyring",
    "Envelope",
    "EnvelopeError",
    "Failure",
    "InvalidValueError",
    "KeyProviderError",
    "NotAttachedError",
    "StaticKey",
    "UnsupportedStatementError",
    "Version",
]
