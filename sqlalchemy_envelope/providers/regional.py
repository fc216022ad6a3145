"""Several KMS keys for the same key-encryption keys, in regions of their own: one may be lost."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Never, TypeVar

from ..cipher import DataKey
from ..context import WrapContext
from ..errors import ConfigurationError, DecryptionError, Failure, KeyProviderError
from ..wire import KeyCell, Wrap
from .provider import RemoteProvider
from .racing import all_answers, first_answer, most_hopeful

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

QUIET_SECONDS = 30.0
"""How long a region that failed or was slow is asked last."""
PATIENCE_SECONDS = 3.0
"""How long a new key waits for a region to wrap it; the hedge's time for one asked last."""

T = TypeVar("T")
Named = tuple[bytes, str]
"""A key cell, and what people call the key that wrapped it."""


class RegionalKms:
    """`RegionalKms(AwsKms(key in one region), AwsKms(key in another), ...)`, for a `TieredKeyring`.

    Key-encryption keys are wrapped by all of them and opened by the first that answers: the next region is
    asked when one fails or takes longer than `hedge_seconds`, and one that did is asked last for a while.
    `at_least`: how many must have wrapped a new key before it is used, by default all but one, and at least
    one; `rewrap_keks` adds what was missing. A region that refuses, which is no outage, always stops a new
    key.

    Replicas of one multi-Region key share their cells, and count as one. Only they serve values that are
    wrapped directly, which have one cell.
    """

    local: Literal[False] = False

    def __init__(
        self,
        *regions: RemoteProvider,
        at_least: int | None = None,
        hedge_seconds: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if len(regions) < 2 or any(getattr(each, "local", True) for each in regions):
            raise ConfigurationError("RegionalKms takes two or more of AwsKms(...), each with its own key")
        if hedge_seconds <= 0:
            raise ConfigurationError("RegionalKms(hedge_seconds=) is above 0")
        self.regions = regions
        keys = len({each.key_id for each in regions})
        self._at_least = max(1, keys - 1) if at_least is None else at_least
        if not 1 <= self._at_least <= keys:
            raise ConfigurationError(f"RegionalKms(at_least=) is 1 to {keys}, the number of its keys")
        self.replicas = keys == 1
        self._hedge, self._clock = hedge_seconds, clock
        self._quiet_until = [float("-inf")] * len(regions)

    @property
    def key_name(self) -> str:
        """The ARNs of the keys that wrap, in order."""
        return ", ".join(each.key_name for each in self.regions)

    @property
    def key_id(self) -> bytes:
        """The 16 bytes by which cells name the first key."""
        return self.regions[0].key_id

    def handles(self, wrap: Wrap, key_id: bytes) -> bool:
        """Whether a cell is of any of the regions' keys."""
        return any(each.handles(wrap, key_id) for each in self.regions)

    def generate_all(self, context: WrapContext) -> tuple[bytes, list[Named]]:
        """A new key, and a cell of it for each key of the regions, in their order."""
        first, made = self._first(lambda region: (region, region.generate(context)))
        cells = {self.regions.index(first): made.cell}
        cells |= self._wrapped_by_others(first, made.key, context)
        return made.key, [(cells[each], self.regions[each].key_name) for each in sorted(cells)]

    def unwrap_any(self, cells: Sequence[KeyCell], context: WrapContext) -> bytes:
        """The key, from whichever of its cells opens first."""
        asks = [
            (number, partial(self.regions[number].unwrap, cell, context))
            for number in self._order()
            for cell in cells
            if self.regions[number].handles(cell.wrap, cell.key_id)
        ]
        if not asks:
            raise DecryptionError(Failure.UNKNOWN_KEY, context.place)
        return first_answer([ask for _, ask in asks], self._hedge, lambda late: self._rest(asks[late][0]))

    def unwrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The key in one cell; of a multi-Region key, by the first of its replicas that answers."""
        return self.unwrap_any([cell], context)

    def rewrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The cell of the same key under a present key of the region that it is of."""
        for number in self._order():
            region = self.regions[number]
            if region.handles(cell.wrap, cell.key_id):
                return region.rewrap(cell, context)
        raise DecryptionError(Failure.UNKNOWN_KEY, context.place)

    def generate(self, context: WrapContext) -> DataKey:
        """A new data key with a single cell: by replicas of one multi-Region key only."""
        self._refuse_single_cell()
        return self._first(lambda region: region.generate(context))

    def wrap(self, key: bytes, context: WrapContext) -> bytes:
        """A single cell of a key that was made elsewhere: by replicas of one multi-Region key only."""
        self._refuse_single_cell()
        return self._first(lambda region: region.wrap(key, context))

    def unwrap_v2(self, wrapped: bytes) -> bytes:
        """The data key of a version 2 blob, by the first region that opens it."""
        return self._first(lambda region: region.unwrap_v2(wrapped))

    def _first(self, ask: Callable[[RemoteProvider], T]) -> T:
        order = self._order()
        asks = [partial(ask, self.regions[number]) for number in order]
        return first_answer(asks, self._hedge, lambda late: self._rest(order[late]))

    def _wrapped_by_others(self, first: RemoteProvider, key: bytes, context: WrapContext) -> dict[int, bytes]:
        others, resting = self._of_other_keys(first), self._resting()
        asks = [partial(self.regions[number].wrap, key, context) for number in others]
        patience = [self._hedge if number in resting else PATIENCE_SECONDS for number in others]
        answers = dict(zip(others, all_answers(asks, patience), strict=True))
        cells = {number: answer for number, answer in answers.items() if isinstance(answer, bytes)}
        errors = [answer for answer in answers.values() if not isinstance(answer, bytes)]
        for number in answers.keys() - cells.keys():
            self._rest(number)
        for error in errors:
            if not (isinstance(error, KeyProviderError) and error.retryable):
                raise error
        if len(cells) + 1 < self._at_least:
            raise most_hopeful(errors)
        return cells

    def _of_other_keys(self, first: RemoteProvider) -> list[int]:
        """A region for each of the other keys: of replicas the one that is asked first."""
        by_key = {self.regions[number].key_id: number for number in reversed(self._order())}
        return sorted(number for key, number in by_key.items() if key != first.key_id)

    def _order(self) -> list[int]:
        """As given, but for those that failed a short while ago."""
        resting = self._resting()
        return sorted(range(len(self.regions)), key=lambda number: number in resting)

    def _resting(self) -> frozenset[int]:
        now = self._clock()
        return frozenset(number for number, until in enumerate(self._quiet_until) if until > now)

    def _rest(self, number: int) -> None:
        self._quiet_until[number] = self._clock() + QUIET_SECONDS

    def _refuse_single_cell(self) -> None:
        if not self.replicas:
            raise ConfigurationError(
                "RegionalKms of several keys wraps key-encryption keys only, since a directly wrapped value"
                " would be lost with its region: write by tiers, or take replicas of one multi-Region key"
            )

    def __repr__(self) -> str:
        return f"RegionalKms({', '.join(map(repr, self.regions))})"

    def __reduce__(self) -> Never:
        raise TypeError("RegionalKms holds clients and is not pickled; make one in each process")
