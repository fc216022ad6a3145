"""The keyrings that suites compare, each over a provider of one's choice."""

import time
from collections.abc import Callable

from sqlalchemy_envelope import DirectKeyring, Envelope, Reuse, StaticKey, TieredKeyring
from sqlalchemy_envelope.keyring.keyring import Keyring
from sqlalchemy_envelope.providers.provider import KeyProvider
from tests.keys.memory_store import MemoryStore

REUSE = Reuse(values=1_000, seconds=300.0)


def static_key() -> StaticKey:
    """A key that is no secret."""
    return StaticKey(bytes(range(32)))


def static_envelope() -> Envelope:
    """An envelope under a static key, in whichever process."""
    return Envelope(DirectKeyring(static_key()))


def _strict(provider: KeyProvider, concurrency: int) -> Keyring:
    return DirectKeyring(provider, concurrency=concurrency)


def _reused(provider: KeyProvider, concurrency: int) -> Keyring:
    return DirectKeyring(provider, concurrency=concurrency, reuse=REUSE)


def _tiered(provider: KeyProvider, concurrency: int) -> Keyring:
    return TieredKeyring(provider, store=MemoryStore(time.monotonic), concurrency=concurrency)


KEYRINGS: dict[str, Callable[[KeyProvider, int], Keyring]] = {
    "strict": _strict,
    "reused": _reused,
    "tiered": _tiered,
}
"""By name. The number: how many calls of the provider at once."""


def envelope(name: str, provider: KeyProvider, concurrency: int = 50) -> Envelope:
    """An envelope of the keyring of that name."""
    return Envelope(KEYRINGS[name](provider, concurrency))
