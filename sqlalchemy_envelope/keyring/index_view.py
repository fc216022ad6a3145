"""What a process knows of one index's keys, for as long as it may go by that.

A rotation waits for longer than any view lasts before its next step (keystore/index_states.py). So no process
writes with a key that another does not search by.
"""

import math
import random
from collections.abc import Sequence
from typing import Never
from uuid import UUID

from .. import cipher
from ..blind import IndexContext
from ..errors import ConfigurationError
from .index_store import TAG_BYTES

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

AHEAD_PART = (0.4, 0.6)
"""Between which parts of its time a view in use is read again, while nobody waits."""


class IndexKey:
    """An index key in the clear, and the digesters made of it. `unwrapped_at`: when its provider gave it.

    `tag`: what the cells made with it begin with.
    """

    __slots__ = ("_digesters", "_key", "id", "tag", "unwrapped_at")

    def __init__(self, id_: UUID, key: bytes, unwrapped_at: float) -> None:
        self.id, self._key, self.unwrapped_at = id_, key, unwrapped_at
        self.tag = id_.bytes[:TAG_BYTES]
        self._digesters: dict[tuple[bytes, int], cipher.Digest] = {}

    def digester(self, context: IndexContext) -> cipher.Digest:
        """What makes digests for this context; it is the caller's to see that the key is of its index."""
        of = context.encoded, context.bits
        made = self._digesters.get(of)
        if made is None:
            made = self._digesters[of] = cipher.digester(self._key, *of)
        return made

    def cells(self, context: IndexContext, messages: Sequence[bytes | None]) -> list[bytes | None]:
        """The cell of each message, None for None."""
        tag, digest = self.tag, self.digester(context)
        return [None if message is None else tag + digest(message) for message in messages]

    def __repr__(self) -> str:
        return f"IndexKey({self.id})"

    def __reduce__(self) -> Never:
        raise TypeError("an IndexKey holds key bytes and is not pickled")


class IndexView:
    """The live keys of one index and tenant as they stood at `read_at`, the one that is written with first.

    Valid until `expires`, asked for again from `due` on. `writes`: whether the first one is active.
    """

    __slots__ = ("due", "expires", "keys", "read_at", "writes")

    def __init__(self, keys: Sequence[IndexKey], writes: bool, read_at: float, seconds: float) -> None:
        self.keys, self.writes, self.read_at = tuple(keys), writes, read_at
        self.expires = read_at + seconds if keys else -math.inf  # another process may make the first key now
        self.due = read_at + seconds * random.uniform(*AHEAD_PART)  # noqa: S311

    def active(self, context: IndexContext) -> IndexKey:
        """The key that is written with. Raises `ConfigurationError` where there is none."""
        if not self.writes:
            raise ConfigurationError(
                f"{context.place} has no active key: `sqlalchemy-envelope index-keys activate` makes one"
            )
        return self.keys[0]

    def unwrapped_after(self, moment: float) -> dict[UUID, IndexKey]:
        """Those that need not be asked for again, by their ids."""
        return {key.id: key for key in self.keys if key.unwrapped_at > moment}

    def __repr__(self) -> str:
        return f"IndexView({list(self.keys)!r})"
