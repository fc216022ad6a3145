"""Where index keys lie, wrapped: what a keyring asks of the table `envelope.key` for its blind indexes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..blind import IndexName
from .store import KekState, Make, WrappedKek

TAG_BYTES = 4
"""How much of its key's id an indexed cell begins with."""


@dataclass(frozen=True)
class IndexRow(WrappedKek):
    """One index key as the table has it."""

    purpose: str
    state: KekState

    @property
    def name(self) -> IndexName:
        """What it is for."""
        return IndexName(self.purpose, self.tenant)

    @property
    def tag(self) -> bytes:
        """What the cells made with it begin with."""
        return self.id.bytes[:TAG_BYTES]


@runtime_checkable
class IndexStore(Protocol):
    """Reads and makes index keys, each call in a transaction of its own, as a `KeyStore` does."""

    def index_keys(self, names: Collection[IndexName]) -> list[IndexRow]:
        """All keys of these names in whatever state, the newest of each first."""

    def make_index_key(self, name: IndexName, make: Make) -> None:
        """The first key of a name, active at once; nothing where it has one that is not destroyed.

        `make` is called by one of all processes that ask, while the others wait for it. Raises
        `KeyProviderError` (retryable) for a while after the last one was destroyed: a process may still
        hold that.
        """

    def is_rotating(self, purpose: str) -> bool:
        """Whether any tenant has two keys of this purpose that are searched by."""
