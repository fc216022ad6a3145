"""Envelope encryption of SQLAlchemy columns on PostgreSQL: one line in a model, custody in a KMS."""

from .blind import BlindIndex
from .context import Context
from .documents import DataclassAdapter
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
from .expressions import CASEFOLD, EMAIL_DOMAIN, NFKC, TRIM, first, last
from .keyring.direct import DirectKeyring
from .keyring.reuse import Reuse
from .keyring.tiered import TieredKeyring
from .keystore import SqlKeyStore
from .legacy import Version
from .moving import EncryptedOnly, ReadsEncrypted, ReadsPlaintext
from .padding import Padding
from .providers.aws_kms import AwsKms
from .providers.regional import RegionalKms
from .providers.static import StaticKey
from .tenancy import TENANT, tenant
from .typed import (
    Encrypted,
    EncryptedArray,
    EncryptedBigInteger,
    EncryptedBoolean,
    EncryptedBytes,
    EncryptedDate,
    EncryptedDateTime,
    EncryptedEnum,
    EncryptedFloat,
    EncryptedInteger,
    EncryptedInterval,
    EncryptedJSON,
    EncryptedNumeric,
    EncryptedSmallInteger,
    EncryptedText,
    EncryptedTime,
    EncryptedUUID,
)

__version__ = "0.1.0"

__all__ = [
    "CASEFOLD",
    "EMAIL_DOMAIN",
    "NFKC",
    "TENANT",
    "TRIM",
    "AwsKms",
    "BlindIndex",
    "ConfigurationError",
    "Context",
    "DataclassAdapter",
    "DecryptionError",
    "DirectKeyring",
    "Encrypted",
    "EncryptedArray",
    "EncryptedBigInteger",
    "EncryptedBoolean",
    "EncryptedBytes",
    "EncryptedDate",
    "EncryptedDateTime",
    "EncryptedEnum",
    "EncryptedFloat",
    "EncryptedInteger",
    "EncryptedInterval",
    "EncryptedJSON",
    "EncryptedNumeric",
    "EncryptedOnly",
    "EncryptedSmallInteger",
    "EncryptedText",
    "EncryptedTime",
    "EncryptedUUID",
    "Envelope",
    "EnvelopeError",
    "Failure",
    "InvalidValueError",
    "KeyProviderError",
    "NotAttachedError",
    "Padding",
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
    "first",
    "last",
    "tenant",
]
