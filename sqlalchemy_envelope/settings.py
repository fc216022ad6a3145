"""A keyring from environment variables. What is wrong is said with the variable's name, never its value."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from .errors import ConfigurationError
from .keyring.direct import DirectKeyring
from .keyring.keyring import Keyring
from .providers.aws_kms import AwsKms
from .providers.static import StaticKey

T = TypeVar("T")

ARN = "KMS_KEY_ARN"
KEY = "SECRETS_ENCRYPTION_KEY"
PREVIOUS = "SECRETS_ENCRYPTION_KEY_PREVIOUS"


def keyring_from(environ: Mapping[str, str]) -> Keyring:
    """The keyring that the variables ask for. Raises `ConfigurationError` for none, or for a bad value.

    `KMS_KEY_ARN`: AWS KMS writes. `SECRETS_ENCRYPTION_KEY`: a static key, which writes where there is no KMS
    and else still opens what it wrapped. `SECRETS_ENCRYPTION_KEY_PREVIOUS`: older static keys that still
    open, parted by commas.
    """
    arn, key = environ.get(ARN, "").strip(), environ.get(KEY, "")
    if not (arn or key):
        raise ConfigurationError(f"set {ARN} (AWS KMS) or {KEY} (32 bytes: base64, hex or raw)")
    static = _static(key, environ.get(PREVIOUS, ""))
    if not arn:
        return DirectKeyring(*static)
    return DirectKeyring(_named(ARN, lambda: AwsKms(arn)), opens=static)


def _static(key: str, previous: str) -> list[StaticKey]:
    older = [each.strip() for each in previous.split(",") if each.strip()]
    if older and not key:
        raise ConfigurationError(f"{PREVIOUS} is set without {KEY}")
    if not key:
        return []
    _named(KEY, lambda: StaticKey(key))
    return [_named(PREVIOUS, lambda: StaticKey(key, older))]


def _named(variable: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except ConfigurationError as error:
        reason = str(error)
    raise ConfigurationError(f"{variable}: {reason}")
