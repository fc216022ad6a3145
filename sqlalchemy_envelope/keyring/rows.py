"""Rows of the store, read by one query for all the keys of a wave."""

import copy
import threading
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from ..errors import EnvelopeError
from .store import KekRow, KeyStore

Clock = Callable[[], float]


class Seen(NamedTuple):
    """A row of the store, None where it has none, and when it was asked for."""

    row: KekRow | None
    at: float


class Rows:
    """The rows of one wave's keys: asked for by whichever call comes first, the others wait for that."""

    def __init__(self, store: Callable[[], KeyStore], clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._ids: list[UUID] = []
        self._lock = threading.Lock()
        self._found: dict[UUID, KekRow] | None = None
        self._error: EnvelopeError | None = None
        self._at = 0.0

    def want(self, id_: UUID) -> None:
        """One more, before any is read."""
        self._ids.append(id_)

    def __getitem__(self, id_: UUID) -> Seen:
        with self._lock:
            if self._error is not None:
                raise copy.copy(self._error)
            if self._found is None:
                self._found = self._ask()
        return Seen(self._found.get(id_), self._at)

    def _ask(self) -> dict[UUID, KekRow]:
        self._at = self._clock()
        try:
            return {row.id: row for row in self._store().find(self._ids)}
        except EnvelopeError as error:
            self._error = error
            raise
