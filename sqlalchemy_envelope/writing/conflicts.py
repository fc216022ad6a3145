"""What rows conflict by: the digest of an encrypted column, where `ON CONFLICT` names the column."""

from typing import Any

from ..comparator import default_index
from ..errors import UnsupportedStatementError
from ..pairs import Pair
from .target import Target

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def indexed_element(element: Any, target: Target) -> Any:
    """An element of a conflict target; of an encrypted column the column of its blind index."""
    pair = conflicting_pair(element, target)
    return element if pair is None else target.written.c[_column(pair).key]


def conflicting_pair(element: Any, target: Target) -> Pair | None:
    """The pair whose content column an element is, by itself or by its name or key."""
    name = element if isinstance(element, str) else getattr(element, "name", None)
    found = (each for each in target.pairs.values() if name == each.content.name)
    return next(found, target.pairs.get(str(name)))


def digested_pair(element: Any, target: Target) -> Pair | None:
    """The pair that an element is an index column of."""
    name = element if isinstance(element, str) else getattr(element, "name", None)
    found = (pair for pair in target.pairs.values() for each in pair.indexes if each.name == name)
    return next(found, None)


def _column(pair: Pair) -> Any:
    own = [each for each in pair.type.indexes if not each.columns]
    index = next((each for each in own if each.unique), default_index(pair.type))
    if index is None:
        raise UnsupportedStatementError(
            f"{pair.type.reading.context.place} is encrypted and rows can't conflict by it: give it "
            "index=BlindIndex(unique=True)"
        )
    return pair.index_column(str(index.name))
