"""A keyring from environment variables."""

from collections.abc import Mapping

from .errors import ConfigurationError
from .keyring.direct import DirectKeyring
from .keyring.keyring import Keyring
from .providers.static import StaticKey


def keyring_from(environ: Mapping[str, str]) -> Keyring:
    """The keyring that `KMS_KEY_ARN` and `SECRETS_ENCRYPTION_KEY` ask for. Raises `ConfigurationError`."""
    key = environ.get("SECRETS_ENCRYPTION_KEY")
    if not key:
        raise ConfigurationError("set KMS_KEY_ARN (AWS KMS) or SECRETS_ENCRYPTION_KEY (32 bytes: base64, hex or raw)")
    return DirectKeyring(StaticKey(key))
