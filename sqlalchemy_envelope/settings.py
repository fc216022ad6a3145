"""A keyring from environment variables. What is wrong is said with the variable's name, never its value."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from .errors import ConfigurationError
from .keyring.direct import DirectKeyring
from .keyring.keyring import Keyring
from .keyring.reuse import Reuse
from .keyring.tiered import TieredKeyring
from .providers.aws_kms import AwsKms, region_of
from .providers.provider import KeyProvider
from .providers.regional import RegionalKms
from .providers.static import StaticKey

T = TypeVar("T")

ARN = "KMS_KEY_ARN"
PREVIOUS_ARNS = "KMS_KEY_ARN_PREVIOUS"
KEY = "SECRETS_ENCRYPTION_KEY"
PREVIOUS = "SECRETS_ENCRYPTION_KEY_PREVIOUS"
KEYRING = "ENVELOPE_KEYRING"
REUSE_VALUES = "ENVELOPE_REUSE_VALUES"
REUSE_SECONDS = "ENVELOPE_REUSE_SECONDS"

KEYRINGS = ("direct", "reuse", "tiered", "direct+tiered", "reuse+tiered")
"""What is written; behind a plus, what is opened beside it."""


def keyring_from(environ: Mapping[str, str]) -> Keyring:
    """The keyring that the variables ask for. Raises `ConfigurationError` for none, or for a bad value.

    `KMS_KEY_ARN`: AWS KMS writes; keys of several regions, parted by commas, are a `RegionalKms`.
    `SECRETS_ENCRYPTION_KEY`: a static key, which writes where there is no KMS and else still opens what it
    wrapped. `KMS_KEY_ARN_PREVIOUS`, `SECRETS_ENCRYPTION_KEY_PREVIOUS`: older
    keys that still open, parted by commas. `ENVELOPE_KEYRING`: one of `KEYRINGS`, direct by default; with
    reuse, `ENVELOPE_REUSE_VALUES` (1,000) and `ENVELOPE_REUSE_SECONDS` (300).
    """
    arn, key = environ.get(ARN, "").strip(), environ.get(KEY, "")
    if not (arn or key):
        raise ConfigurationError(f"set {ARN} (AWS KMS) or {KEY} (32 bytes: base64, hex or raw)")
    previous = _listed(environ.get(PREVIOUS_ARNS, ""))
    static = _static(key, _listed(environ.get(PREVIOUS, "")))
    kms = _kms([each.strip() for each in arn.split(",")] if arn else [], previous)
    return _keyring(environ, [*kms, *static] if arn else [*static, *kms])


def _keyring(environ: Mapping[str, str], providers: Sequence[KeyProvider]) -> Keyring:
    kind = environ.get(KEYRING, "").strip() or "direct"
    if kind not in KEYRINGS:
        raise ConfigurationError(f"{KEYRING} is one of {', '.join(KEYRINGS)}")
    writes, _, tiers = kind.partition("+")
    reuse = _reuse(environ) if writes == "reuse" else None
    if reuse is None and (environ.get(REUSE_VALUES) or environ.get(REUSE_SECONDS)):
        raise ConfigurationError(f"{REUSE_VALUES} and {REUSE_SECONDS} need {KEYRING} to be reuse")
    first, *others = providers
    if writes != "tiered" and isinstance(first, RegionalKms) and not first.replicas:
        raise ConfigurationError(f"{ARN} names keys of several regions, which need {KEYRING} to be tiered")
    if writes == "tiered":
        return TieredKeyring(first, opens=others)
    if tiers:
        return TieredKeyring(first, opens=others, writes="direct", reuse=reuse)
    return DirectKeyring(first, opens=others, reuse=reuse)


def _reuse(environ: Mapping[str, str]) -> Reuse:
    values = _number(environ, REUSE_VALUES, 1_000, int)
    seconds = _number(environ, REUSE_SECONDS, 300.0, float)
    return _named(f"{REUSE_VALUES}, {REUSE_SECONDS}", lambda: Reuse(values, seconds))


def _number(environ: Mapping[str, str], variable: str, default: T, parse: Callable[[str], T]) -> T:
    given = environ.get(variable, "").strip()
    try:
        return parse(given) if given else default
    except ValueError:
        pass
    raise ConfigurationError(f"{variable} is no number")


def _listed(words: str) -> list[str]:
    return [each.strip() for each in words.split(",") if each.strip()]


def _kms(arns: Sequence[str], previous: Sequence[str]) -> list[KeyProvider]:
    """Those of the keys that write first, as one; a provider for each region of earlier keys."""
    writing = [_named(ARN, partial(region_of, each)) for each in arns]
    if len(set(writing)) < len(writing):
        raise ConfigurationError(f"{ARN}: two keys of one region; an earlier key belongs in {PREVIOUS_ARNS}")
    regions: dict[str, list[str]] = {}
    for each in [*arns, *previous]:
        regions.setdefault(_named(PREVIOUS_ARNS, partial(region_of, each)), []).append(each)
    kms = {
        region: _named(ARN, partial(AwsKms, first, also_opens=others))
        for region, (first, *others) in regions.items()
    }
    first = [kms.pop(region) for region in writing]
    return [*([RegionalKms(*first)] if len(first) > 1 else first), *kms.values()]


def _static(key: str, older: Sequence[str]) -> list[KeyProvider]:
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
