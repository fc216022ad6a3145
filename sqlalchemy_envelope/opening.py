"""How the pairs of one column open: the hot path first, everything rare behind it.

A pair comes joined, wrapped key before content, as the reading SQL hands it out; or `Unlocked`, when its data
key was fetched ahead, so that opening it needs no call.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from . import cipher, wire
from .context import Context
from .errors import DecryptionError, Failure, decryption_error
from .keyring.keyring import Keyring
from .keyring.waiting import wait_here
from .legacy import NO_SIBLING, Version, check_sealed, split_v2
from .padding import PADDED, unpadded
from .tenancy import Tenancy

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

T = TypeVar("T")
_KEY_MAGIC = bytes((wire.KEY_MAGIC,))

Locked = tuple[bytes, bytes]
"""The two cells of a pair whose data key is yet to be fetched: key cell, content."""


class Unlocked:
    """A pair whose data key is at hand. No tuple: SQLAlchemy would take one in an array for an array."""

    __slots__ = ("content", "key")

    def __init__(self, key: bytes, content: bytes) -> None:
        self.key = key
        self.content = content

    def __repr__(self) -> str:
        return "Unlocked()"


class UnlockedV2(Unlocked):
    """The same for version 2, whose content nothing marks."""

    __slots__ = ()


def unlocked(locked: Locked, key: bytes) -> Unlocked:
    """A pair with its data key."""
    key_cell, content = locked
    return Unlocked(key, content) if key_cell[:1] == _KEY_MAGIC else UnlockedV2(key, content)


Pair = bytes | Unlocked
OpenPair = Callable[..., bytes]


class Reading(NamedTuple):
    """How one column reads: its context, and the older version it accepts with the tag of its type.

    `tenancy`: where the tenants of its rows come from; None where the context says all.
    """

    context: Context
    accept: Version | None = None
    tag: bytes = b""
    tenancy: Tenancy | None = None


class Opener:
    """Opens the pairs of one column. `open` is a closure, bare enough for every row of a result."""

    def __init__(self, keyring: Keyring, reading: Reading) -> None:
        self._keyring = keyring
        self.reading = reading
        self._unwrappers = keyring.unwrappers(reading.context)
        self._open_content = cipher.opener(reading.context.content, reading.context.flags)
        self._open = self._how()
        self.open: OpenPair = self._placed()

    def reader(self, decode: Callable[[bytes], T]) -> Callable[[Pair], T]:
        """`open` and then `decode` without padding; a failure is given its place too."""
        open_, place = self._open, self.reading.context.place

        def read_pair(pair: Pair) -> T:
            try:
                tagged = open_(pair)
                return decode(tagged if tagged[0] < PADDED else unpadded(tagged))
            except DecryptionError as error:
                failure, tagged = error.failure, b""
            # Out here, so that neither its context nor its traceback leads to the frames that held keys.
            raise decryption_error(failure, place)

        return read_pair

    def _how(self) -> OpenPair:
        """Opens a pair; in another context than the column's where a second argument gives one."""
        return self._open_current() if self.reading.accept is None else self._open_older()

    def _placed(self) -> OpenPair:
        open_, place = self._open, self.reading.context.place

        def open_pair(pair: Pair) -> bytes:
            try:
                return open_(pair)
            except DecryptionError as error:
                failure = error.failure
            raise decryption_error(failure, place)  # out here, as in `reader`

        return open_pair

    def locked(self, pairs: Sequence[bytes | None]) -> list[Locked | None] | None:
        """Of each pair the key cell that a call must unwrap before it opens, and its content.

        None for a pair that needs no call, or never opens: reading its row raises that, in its place. None
        instead of the list where all are so.
        """
        heads = {pair[: wire.KEY_HEAD_BYTES] for pair in pairs if pair is not None}
        known = {head for head in heads if head in self._unwrappers}
        if len(known) == len(heads):
            return None
        return [None if pair is None else self._locked(pair, known) for pair in pairs]

    def still_locked(self, locked: Sequence[Locked | None]) -> Sequence[Locked | None]:
        """The same once their keys were fetched: None also for what opens here now, for as long as it may."""
        heads = {each[0][: wire.KEY_HEAD_BYTES] for each in locked if each is not None}
        live = {head for head in heads if head in self._unwrappers}
        return [None if each is None or each[0][: wire.KEY_HEAD_BYTES] in live else each for each in locked]

    def _locked(self, pair: bytes, known: AbstractSet[bytes]) -> Locked | None:
        if pair[: wire.KEY_HEAD_BYTES] in known:
            return None
        try:
            key_cell, content = self._split(pair)
        except DecryptionError:
            return None
        return None if not key_cell or _is_static(key_cell) else (key_cell, content)

    def _open_current(self) -> OpenPair:
        get, open_content, open_rare = self._unwrappers.get, self._open_content, self._open_rare
        key_ends = wire.KEY_HEAD_BYTES
        content_at = key_ends + wire.LOCAL_WRAPPED_BYTES
        head_ends = content_at + 3
        expected = wire.content_head(self.reading.context.flags, b"")
        least, most = content_at + wire.MIN_CONTENT_BYTES, content_at + wire.MAX_CONTENT_BYTES
        own = self.reading.context.content

        def open_pair(pair: Pair, context: bytes = own) -> bytes:
            if type(pair) is not bytes:
                return open_rare(pair, context)
            unwrap = get(pair[:key_ends])
            if unwrap is None or pair[content_at:head_ends] != expected or not least <= len(pair) <= most:
                return open_rare(pair, context)
            return open_content(unwrap(pair[key_ends:content_at]), pair[content_at:], context)

        return open_pair

    def _open_rare(self, pair: Pair, context: bytes) -> bytes:
        """Every pair that the fast path does not take: unlocked, not yet unlocked, or never to open."""
        if isinstance(pair, Unlocked):
            return self._open_content(_whole(pair.key), pair.content, context)
        key_cell, content = self._split(pair)
        unwrap = self._unwrappers.get(key_cell[: wire.KEY_HEAD_BYTES])
        if unwrap is not None:
            return self._open_content(unwrap(key_cell[wire.KEY_HEAD_BYTES :]), content, context)
        if _is_static(key_cell):
            raise DecryptionError(Failure.UNKNOWN_KEY)
        return self._open_content(_whole(self._unlock(key_cell)), content, context)

    def _open_older(self) -> OpenPair:
        open_current, tag = self._open_current(), self.reading.tag
        own = self.reading.context.content

        def open_pair(pair: Pair, context: bytes = own) -> bytes:
            if isinstance(pair, UnlockedV2):
                return tag + cipher.open_legacy(pair.key, pair.content)
            if isinstance(pair, Unlocked) or pair[:1] == _KEY_MAGIC:
                return open_current(pair, context)
            key_cell, content = self._split(pair)
            if not key_cell:
                return tag + self._keyring.open_v1(content)
            return tag + cipher.open_legacy(self._unlock(key_cell), content)

        return open_pair

    def _split(self, pair: bytes) -> tuple[bytes, bytes]:
        """Both cells, checked strictly; an empty key cell for version 1, which has none."""
        if not isinstance(pair, bytes | bytearray | memoryview):
            raise DecryptionError(Failure.MAGIC)  # such as the str of a column that was never encrypted
        pair, accept = bytes(pair), self.reading.accept
        if accept is Version.V1 and pair[:1] == NO_SIBLING:
            return b"", check_sealed(pair[1:])
        if accept is Version.V2 and pair[:1] in (NO_SIBLING, b"\x02"):
            return split_v2(pair.removeprefix(NO_SIBLING))
        key_cell, content = wire.split_pair(pair)
        wire.check_content(content, self.reading.context.flags)
        return key_cell, content

    def _unlock(self, key_cell: bytes) -> bytes:
        stored = (self.reading.context, key_cell)
        return self._keyring.unlock([stored], wait_here)[stored]


def _is_static(key_cell: bytes) -> bool:
    return key_cell[:1] == _KEY_MAGIC and key_cell[2] == wire.Wrap.STATIC


def _whole(key: bytes) -> bytes:
    """A data key of the one length: another would move the bounds of the KDF's input."""
    if len(key) != cipher.KEY_BYTES:
        raise DecryptionError(Failure.UNWRAP)
    return key
