"""How many values were read from plaintext because their rows had no pair yet, place by place."""

import logging
from collections import Counter
from threading import Lock

_LOG = logging.getLogger("sqlalchemy_envelope")


class Fallbacks:
    """A counter for each place, safe to use from several threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def count(self, place: str) -> None:
        """One value more; the first of each place leaves a line in the log, without the value."""
        with self._lock:
            self._counts[place] += 1
            first = self._counts[place] == 1
        if first:
            _LOG.info("%s was read from its plaintext column: rows that are not encrypted yet", place)

    def counts(self) -> dict[str, int]:
        """How many so far, by `table.column`."""
        with self._lock:
            return dict(self._counts)
