"""Calling KMS: one client a process, retries within a time budget, fresh credentials, errors translated."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DecryptionError, Failure, KeyProviderError
from ..forks import start_afresh_after_fork
from .aws_kms_errors import Refusal, refusal
from .aws_kms_session import Client
from .pace import Pace

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_OPENING = frozenset({"decrypt", "re_encrypt"})
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_jitter = random.SystemRandom().uniform


class KmsClient:
    """Calls that end, one way or the other, soon after `time_budget` seconds.

    `make` makes a client: now, in each forked child at its first call, and, where `renews`, when the
    credentials have expired. No attempt begins after the budget, and none is waited for beyond it.
    """

    _client: Client

    def __init__(
        self, client: Client, remake: Callable[[], Client], *, time_budget: float, renews: bool = True
    ) -> None:
        self._remake, self._renews = remake, renews
        self._time_budget = time_budget
        self.start_afresh()
        self._client = client  # made ahead, outside of any statement
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """Forget the client, whose sockets and locks are the parent's."""
        self._lock = threading.Lock()
        self._client = None
        self._pace = Pace()

    def call(self, operation: str, place: str, **request: object) -> Mapping[str, Any]:
        """The reply to one operation. Raises `DecryptionError` for a wrapped key that does not open, else
        `KeyProviderError`; `place` is named in both.
        """
        deadline = time.monotonic() + self._time_budget
        renewed = not self._renews
        for attempt in itertools.count():
            if not self._my_turn(deadline):
                raise _error(operation, place, Refusal("is throttled for longer than the time budget", True))
            client = self._current()
            reply, refused = _attempt(client, operation, request)
            if refused is None:
                self._note(None)
                return reply
            self._note(refused)
            if refused.expired and not renewed:
                renewed = True
                self._renew(client)
            elif not refused.retryable or not _pause(attempt, deadline):
                raise _error(operation, place, refused) from refused.cause
        raise AssertionError("unreachable")

    def _current(self) -> Client:
        client = self._client
        if client is None:
            with self._lock:
                client = self._client = self._client or self._remake()
        return client

    def _renew(self, stale: Client) -> None:
        """A client with credentials looked up again; only the first of many calls makes it."""
        with self._lock:
            if self._client is stale:
                self._client = self._remake()

    def _my_turn(self, deadline: float) -> bool:
        """Wait for it: False at once if it would come too late."""
        now = time.monotonic()
        if not self._pace.interval:
            return True
        with self._lock:
            at = self._pace.slot(now, deadline)
        if at is not None:
            time.sleep(max(0.0, at - now))
        return at is not None

    def _note(self, refused: Refusal | None) -> None:
        if refused is None and not self._pace.interval:
            return
        with self._lock:
            if refused is None:
                self._pace.succeeded()
            elif refused.throttled:
                self._pace.throttled(time.monotonic())


def _attempt(
    client: Client, operation: str, request: Mapping[str, object]
) -> tuple[Mapping[str, Any], Refusal | None]:
    try:
        return getattr(client, operation)(**request), None
    except Exception as error:  # noqa: BLE001 - the one door where boto3's errors are translated
        return {}, refusal(error)


def _pause(attempt: int, deadline: float) -> bool:
    """Sleep before the next attempt: False, without sleeping, if there is no time left for it.

    Full jitter, as AWS recommends ("Exponential Backoff And Jitter", AWS Architecture Blog).
    """
    pause = _jitter(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))
    if time.monotonic() + pause >= deadline:
        return False
    time.sleep(pause)
    return True


def _error(operation: str, place: str, refused: Refusal) -> DecryptionError | KeyProviderError:
    if refused.never and operation in _OPENING:
        return DecryptionError(Failure.UNWRAP, place)
    action = "kms:" + operation.title().replace("_", "")
    return KeyProviderError(f"{place}: {action} {refused.reason}", retryable=refused.retryable)
