"""One step of a purge, and how it went."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a place."""

    DONE = "done"
    NEEDS = "needs"
    CANNOT = "cannot"


@dataclass(frozen=True)
class PurgeStep:
    """A place where plaintext lingers. `words`: what was done, what is missing, or why nothing can be."""

    place: str
    outcome: Outcome
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.outcome}: {self.words}"
