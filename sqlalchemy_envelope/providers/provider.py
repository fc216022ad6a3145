"""What a keyring asks of a key provider. One kind computes; one calls out, may fail and be retried."""

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

from ..cipher import DataKey, Generate, Rewrap, Unwrap
from ..context import WrapContext
from ..wire import KeyCell, Wrap

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


@runtime_checkable
class LocalProvider(Protocol):
    """Wraps in this process, in microseconds; safe to call while a statement's rows are read."""

    local: Literal[True]

    @property
    def key_name(self) -> str:
        """What people call the key that wraps: its ARN, or `static:` and its id in hexadecimal."""

    @property
    def key_id(self) -> bytes:
        """The 16 bytes by which cells name the key that wraps."""

    def wrap(self, key: bytes, context: WrapContext) -> bytes:
        """The cell of a 32-byte key that was made elsewhere."""

    def wrapper(self, context: WrapContext) -> Rewrap:
        """A function that makes the cells of 32-byte keys that were made elsewhere."""

    def rewrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The cell of the same key under the key that wraps now.

        Raises `DecryptionError` where it never unwraps, which includes a key that this provider lacks.
        """

    def handles(self, wrap: Wrap, key_id: bytes) -> bool:
        """Whether this provider may unwrap a cell with this wrap and 16-byte key id; no network."""

    def generator(self, context: WrapContext) -> Generate:
        """A function that makes `n` data keys wrapped for `context`."""

    def unwrappers(self, context: WrapContext) -> Mapping[bytes, Unwrap]:
        """By the 21 bytes of a key cell's head: what unwraps the 60 bytes after it."""

    def open_v1(self, blob: bytes) -> bytes:
        """The payload of a version 1 blob, or a `DecryptionError`."""


@runtime_checkable
class RemoteProvider(Protocol):
    """Wraps by a network call each: called from worker threads, many at once."""

    local: Literal[False]

    @property
    def key_name(self) -> str:
        """What people call the key that wraps: its ARN, or `static:` and its id in hexadecimal."""

    @property
    def key_id(self) -> bytes:
        """The 16 bytes by which cells name the key that wraps."""

    def wrap(self, key: bytes, context: WrapContext) -> bytes:
        """The cell of a 32-byte key that was made elsewhere."""

    def rewrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The cell of the same key under the key that wraps now.

        Raises `DecryptionError` where it never unwraps, which includes a key that this provider lacks.
        """

    def handles(self, wrap: Wrap, key_id: bytes) -> bool:
        """Whether this provider may unwrap a cell with this wrap and 16-byte key id; no network."""

    def generate(self, context: WrapContext) -> DataKey:
        """A new data key, wrapped for `context`. Raises `KeyProviderError`."""

    def unwrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The data key. Raises `DecryptionError` where it never will, else `KeyProviderError`."""

    def unwrap_v2(self, wrapped: bytes) -> bytes:
        """The data key of a version 2 blob, which was wrapped without a context."""


KeyProvider = LocalProvider | RemoteProvider
