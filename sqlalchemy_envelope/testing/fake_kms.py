"""A key provider that protects nothing: data keys lie in the clear in their wrapping, for anyone to see."""

import copy
import hashlib
import hmac
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from ..cipher import KEY_BYTES, DataKey, kms_key_id
from ..context import WrapContext
from ..errors import ConfigurationError, DecryptionError, EnvelopeError, Failure, KeyProviderError
from ..forks import start_afresh_after_fork
from ..wire import KeyCell, Wrap

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

PREFIX = b"insecure-test-wrap:"
_FOREVER = 2**63


class FakeKms:
    """Counts, delays and fails on demand; behaves to a keyring as AWS KMS does, within the process.

    `delay`: seconds a call takes; may be changed at any time. `name`: which key it is; another name is
    another key, and does not open what this one wrapped. `generated`, `unwrapped`, `wrapped`, `rewrapped`:
    calls so far, failed ones included; `most_at_once`: how many were under way together. Refuses to be made
    outside of pytest unless `insecure=True` says that this is meant.
    """

    local: Literal[False] = False
    _error: EnvelopeError | None

    def __init__(
        self, *, delay: float = 0.0, name: str = "insecure-test-key", insecure: bool = False
    ) -> None:
        if not (insecure or "PYTEST_VERSION" in os.environ or "PYTEST_CURRENT_TEST" in os.environ):
            raise ConfigurationError(
                "FakeKms protects nothing and is for tests; if this is one, say FakeKms(insecure=True)"
            )
        self.delay = delay
        self.generated = self.unwrapped = self.wrapped = self.rewrapped = self.most_at_once = 0
        self._name = name
        self._id = kms_key_id(f"arn:aws:kms:us-east-1:000000000000:key/{name}")
        self.start_afresh()
        self.recover()
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """Forget the calls of the parent process that are under way; its counts are carried on."""
        self._lock = threading.Lock()
        self._under_way = 0

    def throttle(self, *, after: int = 0, times: int = _FOREVER) -> None:
        """Answer `times` calls with throttling, which is retryable, once `after` more have gone well."""
        self.fail(KeyProviderError("the fake KMS is throttling", retryable=True), after=after, times=times)

    def deny(self, *, after: int = 0, times: int = _FOREVER) -> None:
        """Deny calls, which is not retryable."""
        self.fail(KeyProviderError("the fake KMS denies access", retryable=False), after=after, times=times)

    def expire(self, *, after: int = 0, times: int = _FOREVER) -> None:
        """Refuse calls for expired credentials, which is not retryable."""
        error = KeyProviderError("the fake KMS finds the credentials expired", retryable=False)
        self.fail(error, after=after, times=times)

    def fail(self, error: EnvelopeError, *, after: int = 0, times: int = _FOREVER) -> None:
        """Raise `error` in `times` calls, once `after` more have gone well."""
        with self._lock:
            self._error, self._good, self._bad = error, after, times

    def recover(self) -> None:
        """Answer again."""
        with self._lock:
            self._error = None
            self._good = self._bad = 0

    def generate(self, context: WrapContext) -> DataKey:
        """A new data key, wrapped for `context` in nothing at all."""
        with self._call("generated"):
            key = os.urandom(KEY_BYTES)
            return DataKey(key, self._cell(key, context))

    @property
    def key_name(self) -> str:
        """The name that it was made with."""
        return self._name

    @property
    def key_id(self) -> bytes:
        """The 16 bytes by which its cells name it."""
        return self._id

    def wrap(self, key: bytes, context: WrapContext) -> bytes:
        """The cell of a key that was made elsewhere."""
        with self._call("wrapped"):
            return self._cell(key, context)

    def rewrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The cell of the same key, wrapped anew."""
        with self._call("rewrapped"):
            return self._cell(self._opened(cell, context), context)

    def handles(self, wrap: Wrap, key_id: bytes) -> bool:
        """Whether a cell is of this fake's key."""
        return wrap is Wrap.AWS_KMS and key_id == self._id

    def unwrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The data key, if it was wrapped here for this context."""
        with self._call("unwrapped"):
            return self._opened(cell, context)

    def wrap_v2(self, key: bytes) -> bytes:
        """A version 2 wrapped key, for tests that need stored values of old."""
        return PREFIX + key

    def unwrap_v2(self, wrapped: bytes) -> bytes:
        """The data key of a version 2 blob."""
        with self._call("unwrapped"):
            if not wrapped.startswith(PREFIX) or len(wrapped) != len(PREFIX) + KEY_BYTES:
                raise DecryptionError(Failure.UNWRAP)
            return wrapped[len(PREFIX) :]

    def _cell(self, key: bytes, context: WrapContext) -> bytes:
        return KeyCell(Wrap.AWS_KMS, self._id, PREFIX + key + _mark(key, context)).pack()

    def _opened(self, cell: KeyCell, context: WrapContext) -> bytes:
        key = cell.wrapped[len(PREFIX) : len(PREFIX) + KEY_BYTES]
        if cell.key_id != self._id or not hmac.compare_digest(cell.pack(), self._cell(key, context)):
            raise DecryptionError(Failure.UNWRAP, context.place)
        return key

    @contextmanager
    def _call(self, counter: Literal["generated", "unwrapped", "wrapped", "rewrapped"]) -> Iterator[None]:
        with self._lock:
            setattr(self, counter, getattr(self, counter) + 1)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            error = self._next_error()
        try:
            time.sleep(self.delay)
            if error is not None:
                raise error
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _next_error(self) -> EnvelopeError | None:
        if self._good > 0:
            self._good -= 1
            return None
        self._bad -= 1
        return copy.copy(self._error) if self._bad >= 0 else None

    def __repr__(self) -> str:
        return f"FakeKms(<insecure>, generated={self.generated}, unwrapped={self.unwrapped})"


def _mark(key: bytes, context: WrapContext) -> bytes:
    """What ties a key to its context, so that a cell fails in another column as it will for good."""
    return hashlib.sha256(PREFIX + key + context.wrap).digest()
