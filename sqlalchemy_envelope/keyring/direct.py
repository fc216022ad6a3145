"""One data key per value, each wrapped by the provider itself: the strictest keyring and the simplest."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Never

from ..cipher import DataKey, Unwrap
from ..context import Context
from ..errors import ConfigurationError
from ..providers.provider import KeyProvider, LocalProvider
from .keyring import Order, Stored, Wait


class DirectKeyring:
    """Every value has a data key of its own, wrapped by `provider`."""

    def __init__(self, provider: KeyProvider, *, opens: Sequence[KeyProvider] = ()) -> None:
        self._provider = provider
        self._locals = [each for each in (provider, *opens) if each.local]

    @property
    def local(self) -> bool:
        """Whether no stored key ever needs a network call to unwrap."""
        return True

    def issue(self, orders: Sequence[Order], wait: Wait[list[DataKey]]) -> list[list[DataKey]]:
        """Data keys for each order."""
        return [self._provider.generator(context)(count) for context, count in orders]

    def unwrappers(self, context: Context) -> Mapping[bytes, Unwrap]:
        """What unwraps locally, by the 21 bytes of a key cell's head."""
        merged: dict[bytes, Unwrap] = {}
        for provider in reversed(self._locals):
            merged.update(provider.unwrappers(context))
        return merged

    def unlock(self, stored: Collection[Stored], wait: Wait[list[bytes]]) -> dict[Stored, bytes]:
        return {}
