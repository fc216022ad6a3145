"""The keys that wrap: each tenant's active one, with wraps reserved on it before it makes any data key.

A reservation is one short transaction for a block of wraps, whoever of all processes makes it. It also says
which key is active, makes the first one and replaces an old one; so a writer needs to know nothing else.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from uuid import UUID

from ..errors import DecryptionError, Failure, KeyProviderError
from ..providers.provider import KeyProvider
from .blocks import Blocks, Claim, Need
from .custody import make_kek
from .fetching import Fetching
from .kek import Kek, head_of, place_of
from .pool import wait_for
from .rows import Seen
from .store import KekRow, WrappedKek
from .waiting import Wait
from .wave import Call, Wave

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

Tenant = str | None


class Reserving:
    """Wraps for callers, from blocks that are reserved ahead."""

    def __init__(self, provider: KeyProvider, fetching: Fetching, entries: int) -> None:
        self._provider, self._fetching, self._entries = provider, fetching, entries
        self.start_afresh()

    def start_afresh(self) -> None:
        """Drop what is reserved: a forked child reserves its own."""
        self._blocks = Blocks(self._entries)

    def purge(self) -> None:
        """Reserve anew before the next wrap. The caller holds the lock."""
        self._blocks.clear()

    def reserve(self, counts: Mapping[Tenant, int], wait: Wait[None]) -> dict[Tenant, Kek]:
        """For each tenant a live key with so many wraps reserved on it, for this caller alone.

        Raises `KeyProviderError` where there is none to be had.
        """
        needs = [Need(tenant, count) for tenant, count in counts.items()]
        ready: dict[Tenant, Kek] = {}
        rows: dict[bytes, Seen] = {}
        left = needs
        while left:
            self._serve(left, ready, rows, wait)
            if len(ready) == len(needs):
                return ready
            left = [need for need in needs if not need.head]
        cold = {need.head: place_of(need.head) for need in needs if need.tenant not in ready}
        keks = self._opened(cold, rows, wait)
        return {need.tenant: ready.get(need.tenant) or keks[need.head] for need in needs}

    def _serve(
        self, needs: list[Need], ready: dict[Tenant, Kek], rows: dict[bytes, Seen], wait: Wait[None]
    ) -> None:
        """One round: from blocks, or by the next reservation, ours or one that is under way."""
        lock = self._fetching.pool.lock
        with lock:
            now, waiting = self._fetching.clock(), []
            for need in needs:
                kek = self._taken(need, now)
                if kek is None:
                    waiting.append(need)
                else:
                    ready[need.tenant] = kek
            if not waiting:
                return
            wave = Wave()
            calls = [self._asked(wave, need) for need in waiting]
            self._fetching.pool.start(wave)
        try:
            wait_for(wave, wait)
        finally:
            with lock:
                for need in waiting:
                    self._blocks.leave(need)
        rows |= {head_of(call.result.row.id): call.result for call in calls}

    def _taken(self, need: Need, now: float) -> Kek | None:
        head = self._blocks.head(need.tenant)
        kek = self._fetching.live(head, now) if head else None
        if kek is None or not kek.wraps(now):
            self._blocks.drop(need.tenant)
            return None
        if not self._blocks.take(need):
            return None
        if self._blocks.is_low(need.tenant):
            self._reserve_ahead(need.tenant)
        return kek

    def _asked(self, wave: Wave, need: Need) -> Call:
        board, key = self._fetching.pool.board, _key(need.tenant)
        call = board.find(key)
        if call is None:
            call = Call(partial(self._reserve, need.tenant), key)
        self._blocks.wait(need)
        board.ask(wave, call)
        return call

    def _reserve_ahead(self, tenant: Tenant) -> None:
        board, key = self._fetching.pool.board, _key(tenant)
        if board.find(key) is not None:
            return
        wave = Wave()
        board.ask(wave, Call(partial(self._reserve, tenant), key))
        with suppress(KeyProviderError):  # no thread: the next use asks again
            self._fetching.pool.start(wave)

    def _reserve(self, tenant: Tenant) -> Seen:
        """One reservation, in a worker thread."""
        fetching = self._fetching
        with fetching.pool.lock:
            claim, epoch = self._blocks.begin(tenant), fetching.epoch
        made: dict[UUID, bytes] = {}
        at = fetching.clock()
        make = partial(self._make, tenant, made)
        try:
            row = fetching.store().reserve(tenant, claim.wraps, fetching.terms.max_age_seconds, make)
        except BaseException:
            made.clear()  # the error's traceback leads here, and the key may lie in the table all the same
            raise
        with fetching.pool.lock:
            self._land(claim, row, made.get(row.id), at, epoch)
        return Seen(row, at)

    def _make(self, tenant: Tenant, made: dict[UUID, bytes], id_: UUID) -> WrappedKek:
        made[id_], wrapped = make_kek(self._provider, id_, tenant)
        return wrapped

    def _land(self, claim: Claim, row: KekRow, key: bytes | None, at: float, epoch: int) -> None:
        head, fetching = head_of(row.id), self._fetching
        held = fetching.keks.held.get(head)
        if claim.tenant != row.tenant or (held is not None and held.row.tenant != row.tenant):
            raise KeyProviderError(
                f"nothing can be written: {place_of(head)} is another tenant's than envelope.key says",
                retryable=False,
            )
        self._blocks.land(claim, head)
        if key is not None:
            fetching.keep(Kek(row, key, fetching.terms, at, at), epoch)
        elif held is not None:
            held.confirm(row, at)

    def _opened(
        self, heads: Mapping[bytes, str], rows: Mapping[bytes, Seen], wait: Wait[None]
    ) -> dict[bytes, Kek]:
        """Keys that wraps were reserved on. One that does not open is no fault of what is to be written."""
        try:
            keks = self._fetching.fetch(heads, wait, rows)
        except DecryptionError as error:
            passing = error.failure in {Failure.REVOKED, Failure.SHREDDED}  # since it was reserved
            raise KeyProviderError(f"nothing can be written: {error}", retryable=passing) from error
        now = self._fetching.clock()
        for head, kek in keks.items():
            if kek.borne(now):
                words = "its provider can't be reached, and an outage only lets it read"
                raise KeyProviderError(f"nothing can be written: {place_of(head)}: {words}", retryable=True)
        return keks


def _key(tenant: Tenant) -> tuple[str, Tenant]:
    return "reserve", tenant
