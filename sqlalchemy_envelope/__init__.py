"""Envelope encryption of SQLAlchemy columns on PostgreSQL: one line in a model, custody in a KMS."""

from .context import Context
from .engine import attach, detach
from .envelope import Envelope
from .errors import (
    ConfigurationError,
    DecryptionError,
    EnvelopeError,
    Failure,
    InvalidValueError,
    KeyProviderError,
    NotAttachedError,
    RevokedError,
    ShreddedError,
    TenantError,
    UnsupportedStatementError,
)
from .keyring.direct import DirectKeyring
from .keyring.reuse import Reuse
from .keyring.tiered import TieredKeyring
from .keystore import SqlKeyStore
from .legacy import Version
from .moving import EncryptedOnly, ReadsEncrypted, ReadsPlaintext
from .providers.aws_kms import AwsKms
from .providers.regional import RegionalKms
from .providers.static import StaticKey
from .tenancy import TENANT, tenant
from .types import EncryptedBytes, EncryptedText

__version__ = "0.1.0"

__all__ = [
    "TENANT",
    "AwsKms",
    "ConfigurationError",
    "Context",
    "DecryptionError",
    "DirectKeyring",
    "EncryptedBytes",
    "EncryptedOnly",
    "EncryptedText",
    "Envelope",
    "EnvelopeError",
    "Failure",
    "InvalidValueError",
    "KeyProviderError",
    "NotAttachedError",
    "ReadsEncrypted",
    "ReadsPlaintext",
    "RegionalKms",
    "Reuse",
    "RevokedError",
    "ShreddedError",
    "SqlKeyStore",
    "StaticKey",
    "TenantError",
    "TieredKeyring",
    "UnsupportedStatementError",
    "Version",
    "attach",
    "detach",
    "tenant",
]
