"""What an envelope asks of a keyring."""

from collections.abc import Collection, Sequence
from typing import Protocol

from ..cipher import DataKeys, Unwrap
from ..context import Context
from .index_keys import IndexKeys
from .waiting import Wait
from .writing import Writing

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

Order = tuple[Context, int]
"""A context and how many data keys it needs."""

Stored = tuple[Context, bytes]
"""A context and a key cell (or a whole version 2 wrapped key, see `unlock`)."""


class Unwrappers(Protocol):
    """What unwraps the 60 bytes after a key cell's head, by that head's 21 bytes; a `dict` is one.

    What is in it changes with time: `get` is asked for every value, `in` before a result's values are read.
    """

    def get(self, head: bytes, /) -> Unwrap | None:
        """What unwraps now; None where a call is needed, or nothing unwraps."""

    def __contains__(self, head: object, /) -> bool:
        """Whether `get` has an answer."""


class Keyring(Protocol):
    """Issues data keys for writing and unlocks stored ones for reading. Safe to share between threads."""

    @property
    def local(self) -> bool:
        """Whether no stored key ever needs a network call to unwrap."""

    @property
    def index_keys(self) -> IndexKeys:
        """What makes the cells of blind indexes."""

    def issue(self, orders: Sequence[Order], wait: Wait[None]) -> list[DataKeys]:
        """Data keys for each order, all in one wave of concurrent calls. Raises `KeyProviderError`."""

    def unwrappers(self, context: Context) -> Unwrappers:
        """What unwraps locally, by the 21 bytes of a key cell's head."""

    def unlock(self, stored: Collection[Stored], wait: Wait[None]) -> dict[Stored, bytes]:
        """The data keys of cells that need a call, each distinct one once, all in one wave.

        A `Stored` whose bytes begin with 0x02 is the wrapped key of version 2. Raises `DecryptionError`
        for the first that never unwraps, `KeyProviderError` where the provider failed.
        """

    def open_v1(self, blob: bytes) -> bytes:
        """The payload of a version 1 blob."""

    @property
    def writing(self) -> Writing:
        """Under which key new data keys are wrapped. May ask a store."""

    def rewrap(self, stored: Sequence[Stored], wait: Wait[None]) -> list[bytes]:
        """The cell of each data key under the key that wraps now, all in one wave of concurrent calls.

        Equal ones are wrapped once. Raises `DecryptionError` for the first that never unwraps, and
        `KeyProviderError`.
        """

    def warm(self, tenants: Collection[str | None] | None = None) -> int:
        """Fetch what can be fetched ahead for these tenants, or for all: how many keys are live."""

    def purge_cache(self) -> None:
        """Forget every unwrapped key."""
