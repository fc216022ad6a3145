"""A key-encryption key in the clear: what it wraps and unwraps, and until when it may.

Two clocks run. Whether the key still stands is asked of the store, often: one query answers for all keys. The
key itself is asked of its provider, seldom: each answer costs a call. Both are asked ahead of time, at a
random moment of the last part of the time, so that neither a request nor all processes at once wait for it.
"""

import hmac
import math
import random
from dataclasses import dataclass
from typing import Never
from uuid import UUID

from .. import cipher
from ..context import Context
from ..errors import ConfigurationError, DecryptionError, Failure, KeyProviderError, decryption_error
from ..wire import KEY_HEAD_BYTES, KEY_MAGIC, LOCAL_WRAPPED_BYTES, Wrap, key_head
from .store import KekRow, KekState

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

STATE_PART, KMS_PART = (0.4, 0.6), (0.7, 0.9)
"""Between which parts of its time a key in use is asked for again. A state early, as one query serves all
keys: so one that is used every other minute is never waited for. A provider late, as each key is a call."""
ALONG_PART = 0.3
"""After which part of its time a key's state is read along with others'."""
RETRY_PART = 0.03
"""The part of `state_seconds` between two tries to ask again."""

_OVER = -math.inf
_CLOSED = {KekState.REVOKED: Failure.REVOKED, KekState.DESTROYED: Failure.SHREDDED}


@dataclass(frozen=True, eq=False, repr=False)
class Terms:
    """How long a key may be used without asking, in seconds: the state, the provider, an outage, in all."""

    state_seconds: float
    kms_seconds: float
    outage_seconds: float
    max_age_seconds: float

    def __post_init__(self) -> None:
        positive = (self.state_seconds, self.kms_seconds, self.max_age_seconds)
        if not (all(0 < each < math.inf for each in positive) and 0 <= self.outage_seconds < math.inf):
            raise ConfigurationError(
                "state_seconds=, kms_seconds= and max_age_seconds= are above 0, outage_seconds= is not below"
            )


class Kek:
    """One live key. `expires`: until when it opens; `due`: when to ask again. Changed under the lock."""

    __slots__ = (
        "_generators", "_key", "_kms_until", "_state_until", "_terms", "_unwraps", "_wraps_until",
        "due", "expires", "head", "kms_due", "row", "state_due",
    )  # fmt: skip

    def __init__(self, row: KekRow, key: bytes, terms: Terms, read_at: float, unwrapped_at: float) -> None:
        self.head, self.row = head_of(row.id), row
        self._key, self._terms = key, terms
        self._unwraps: dict[bytes, cipher.Unwrap] = {}
        self._generators: dict[bytes, cipher.Generate] = {}
        self._kms_until, self.kms_due = _times(unwrapped_at, terms.kms_seconds, KMS_PART)
        self.expires = self.due = _OVER
        self.confirm(row, read_at)

    def confirm(self, row: KekRow, read_at: float) -> None:
        """The store, asked at `read_at`, says that the key still stands.

        Raises `DecryptionError` where it says another tenant than before: the key was never wrapped for that.
        """
        if row.tenant != self.row.tenant:
            raise DecryptionError(Failure.UNWRAP, place_of(self.head))
        self.row = row
        self._state_until, self.state_due = _times(read_at, self._terms.state_seconds, STATE_PART)
        wraps = row.state is KekState.ACTIVE
        self._wraps_until = read_at + self._terms.max_age_seconds - row.age if wraps else _OVER
        self._settle()

    def renew(self, unwrapped_at: float) -> None:
        """The provider, asked at `unwrapped_at`, gave the key out again."""
        self._kms_until, self.kms_due = _times(unwrapped_at, self._terms.kms_seconds, KMS_PART)
        self._settle()

    def bear(self, now: float, outage: bool) -> bool:
        """Asking again failed, by an `outage` or for good: whether the key is of use for a while yet."""
        grace = self._terms.outage_seconds if outage else 0.0
        self.expires = max(self.expires, min(self._state_until, self._kms_until) + grace)
        self.due = now + self._terms.state_seconds * RETRY_PART
        return self.expires > now

    def end(self) -> None:
        """Whoever still holds it opens and wraps nothing more with it."""
        self.expires = self._state_until = self._kms_until = self._wraps_until = _OVER

    def stands(self, now: float) -> bool:
        """Whether its state was read a short while ago."""
        return self._state_until > now

    def ageing(self, now: float) -> bool:
        """Whether its state is read along when others' are."""
        return self._state_until - now < self._terms.state_seconds * (1 - ALONG_PART)

    def wraps(self, now: float) -> bool:
        """Whether it may still wrap: not by what an outage adds."""
        return min(self._wraps_until, self._state_until, self._kms_until) > now

    def borne(self, now: float) -> bool:
        """Whether it is live only by what an outage adds."""
        return min(self._state_until, self._kms_until) <= now < self.expires

    def same(self, key: bytes) -> bool:
        """Whether `key` is this key."""
        return hmac.compare_digest(self._key, key)

    def unwrapper(self, context: Context) -> cipher.Unwrap:
        """What unwraps the 60 bytes after `head`. A `DecryptionError` for a value of another tenant."""
        unwrap = self._unwraps.get(context.wrap)
        if unwrap is None:
            if context.tenant != self.row.tenant:
                raise DecryptionError(Failure.UNWRAP)
            unwrap = self._unwraps[context.wrap] = cipher.key_unwrapper(self._key, self.head, context.wrap)
        return unwrap

    def generator(self, context: Context) -> cipher.Generate:
        """What makes data keys, each of them one of the wraps that were reserved. As `wrapper` raises."""
        generate = self._generators.get(context.wrap)
        if generate is None:
            self._check_wraps_for(context)
            generate = cipher.key_generator(self._key, self.head, context.wrap)
            self._generators[context.wrap] = generate
        return generate

    def wrapper(self, context: Context) -> cipher.Rewrap:
        """What makes the cells of data keys made elsewhere, each by one of the wraps that were reserved.

        A `KeyProviderError` for a value of another tenant, which would never open.
        """
        self._check_wraps_for(context)
        return cipher.key_wrapper(self._key, self.head, context.wrap)

    def _check_wraps_for(self, context: Context) -> None:
        if context.tenant != self.row.tenant:
            raise KeyProviderError(
                f"nothing can be written: {place_of(self.head)} is another tenant's than envelope.key says",
                retryable=False,
            )

    def _settle(self) -> None:
        self.expires = min(self._state_until, self._kms_until)
        self.due = min(self.state_due, self.kms_due)

    def __repr__(self) -> str:
        return f"Kek({self.row.id})"

    def __reduce__(self) -> Never:
        raise TypeError("a Kek holds key bytes and is not pickled")


def head_of(id_: UUID) -> bytes:
    """The 21 bytes before a data key that the key of this id wrapped."""
    return key_head(Wrap.KEK, id_.bytes, LOCAL_WRAPPED_BYTES)


def id_of(head: bytes) -> UUID:
    """The id in those bytes."""
    return UUID(bytes=head[3:19])


def place_of(head: bytes) -> str:
    """How messages name the key itself."""
    return f"key-encryption key {id_of(head)}"


def is_under_kek(cell: bytes) -> bool:
    """Whether a stored key cell says that a key-encryption key wrapped it."""
    return len(cell) > KEY_HEAD_BYTES and cell[0] == KEY_MAGIC and cell[2] == Wrap.KEK


def standing(row: KekRow | None, place: str) -> KekRow:
    """A row whose key may unwrap; else the `DecryptionError` of its state."""
    if row is None:
        raise DecryptionError(Failure.UNKNOWN_KEY, place)
    closed = _CLOSED.get(row.state)
    if closed is not None:
        raise decryption_error(closed, place)
    return row


def _times(asked_at: float, seconds: float, part: tuple[float, float]) -> tuple[float, float]:
    """Until when an answer holds, and when to ask again."""
    return asked_at + seconds, asked_at + seconds * random.uniform(*part)  # noqa: S311
