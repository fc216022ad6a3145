"""Key-encryption keys fetched when a caller needs them, and ahead of time for those in use.

Rows come from the store by one query for all keys of a wave, then each key from its provider, all at once. A
key that is on its way is waited for and not asked for again. Nothing that failed is kept.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial

from ..errors import DecryptionError, EnvelopeError, Failure, KeyProviderError
from ..providers.provider import KeyProvider
from .custody import unwrap_kek
from .kek import Kek, Terms, head_of, id_of, place_of, standing
from .keks import Keks
from .pool import Pool, wait_for
from .rows import Clock, Rows, Seen
from .store import KekRow, KeyStore
from .waiting import Wait
from .wave import Call, Wave

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_STATES = "states"
_NONE: Mapping[bytes, Seen] = {}


class Fetching:
    """The live keys of a keyring and all that asks for them. `pool.lock` guards `keks` and `epoch`."""

    def __init__(
        self,
        providers: Sequence[KeyProvider],
        store: Callable[[], KeyStore],
        terms: Terms,
        clock: Clock,
        entries: int,
    ) -> None:
        self.providers = tuple(providers)
        self.store, self.terms, self.clock = store, terms, clock
        self.keks = Keks(entries)
        self.epoch = 0

    def start_afresh(self, concurrency: int) -> None:
        """Drop threads, locks and keys."""
        self.pool = Pool(concurrency, lambda _: None)
        self.keks.clear()

    def purge(self) -> None:
        """Forget every key, those under way included. The caller holds the lock."""
        self.keks.clear()
        self.pool.board.share_no_more()
        self.epoch += 1

    def in_use(self, head: bytes) -> bool:
        """Whether the key is live. If it is soon to be asked for again, that begins."""
        with self.pool.lock:
            return self.live(head, self.clock()) is not None

    def live(self, head: bytes, now: float) -> Kek | None:
        """The key, if it is live, as `in_use`. The caller holds the lock."""
        kek = self.keks.live(head, now)
        if kek is not None and kek.due <= now:
            self._ask_ahead(kek, now)
        return kek

    def fetch(
        self, heads: Mapping[bytes, str], wait: Wait[None], rows: Mapping[bytes, Seen] = _NONE
    ) -> dict[bytes, Kek]:
        """The keys of these heads in one wave. `rows`: of those that were read just now.

        Each head comes with the place to name where its key never unwraps.
        """
        wave, batch = Wave(), Rows(self.store, self.clock)
        found: dict[bytes, Kek | Call] = {}
        with self.pool.lock:
            now = self.clock()
            for head in heads:
                found[head] = self.live(head, now) or self._asked(wave, head, batch, rows.get(head))
            asked = self.pool.start(wave)
        if asked:
            _wait(wave, wait, found, heads)
        return {head: each.result if isinstance(each, Call) else each for head, each in found.items()}

    def fetch_active(self, tenants: Collection[str | None] | None, most: int, wait: Wait[None]) -> int:
        """Have the active keys of these tenants, or of all, at most so many: how many are live now."""
        wave = Wave()
        call = Call(partial(self._read_active, tenants))
        with self.pool.lock:
            self.pool.board.ask(wave, call)
            self.pool.start(wave)
        wait_for(wave, wait)
        rows = {head_of(seen.row.id): seen for seen in call.result[:most]}
        return len(self.fetch({head: place_of(head) for head in rows}, wait, rows))

    def keep(self, kek: Kek, epoch: int) -> None:
        """Hold a key that was asked for in this epoch, unless that is over. The caller holds the lock."""
        if epoch == self.epoch:
            self.keks.put(kek)

    def _ask_ahead(self, kek: Kek, now: float) -> None:
        """Begin to ask for what is due of a key in use; nobody waits."""
        wave, board = Wave(), self.pool.board
        if kek.state_due <= now and board.find(_STATES) is None:
            board.ask(wave, Call(partial(self._read_states, self.keks.ageing(now)), _STATES))
        if kek.kms_due <= now and board.find(kek.head) is None:
            self._asked(wave, kek.head, Rows(self.store, self.clock), None)
        with suppress(KeyProviderError):  # no thread: the next use asks again
            self.pool.start(wave)

    def _asked(self, wave: Wave, head: bytes, batch: Rows, seen: Seen | None) -> Call:
        call = self.pool.board.find(head)
        if call is None:
            held = self.keks.held.get(head)
            if seen is None:
                batch.want(id_of(head))
            call = Call(partial(self._fetch, head, held, batch, seen, self.epoch), head)
        self.pool.board.ask(wave, call)
        return call

    def _fetch(self, head: bytes, held: Kek | None, batch: Rows, seen: Seen | None, epoch: int) -> Kek:
        """One key, in a worker thread."""
        if held is None:
            return self._fetch_new(head, batch, seen, epoch)
        try:
            self._fetch_again(held, batch, seen)
        except EnvelopeError as error:
            with self.pool.lock:
                if not self._bear(held, error):
                    raise
        return held

    def _fetch_new(self, head: bytes, batch: Rows, seen: Seen | None, epoch: int) -> Kek:
        row, at = seen or batch[id_of(head)]
        row = standing(row, place_of(head))
        asked_at = self.clock()
        kek = Kek(row, unwrap_kek(self.providers, row), self.terms, at, asked_at)
        with self.pool.lock:
            self.keep(kek, epoch)
        return kek

    def _fetch_again(self, held: Kek, batch: Rows, seen: Seen | None) -> None:
        """What is due of a key that is held: its state first, so that a provider's outage hides no news."""
        if seen is not None or not held.stands(self.clock()):
            row, at = seen or batch[held.row.id]
            self._confirm(held, standing(row, place_of(held.head)), at)
        asked_at = self.clock()
        if held.kms_due > asked_at:
            return
        if not held.same(unwrap_kek(self.providers, held.row)):
            raise DecryptionError(Failure.UNWRAP, place_of(held.head))
        with self.pool.lock:
            if self.keks.holds(held):
                held.renew(asked_at)

    def _confirm(self, held: Kek, row: KekRow, at: float) -> None:
        with self.pool.lock:
            if self.keks.holds(held):  # a purged key stays purged
                held.confirm(row, at)

    def _bear(self, held: Kek, error: EnvelopeError) -> bool:
        """Whether a key that could not be asked for again is still of use. The caller holds the lock.

        One that the store says is revoked, destroyed or gone is not. One that a provider calls damaged was
        not when it gave it out, and has until then.
        """
        if isinstance(error, DecryptionError) and error.failure is not Failure.UNWRAP:
            self.keks.drop(held)
            return False
        outage = isinstance(error, KeyProviderError) and error.retryable
        return self.keks.holds(held) and held.bear(self.clock(), outage)

    def _read_states(self, ageing: Sequence[Kek]) -> None:
        """The states of keys by one query, in a worker thread: nobody waits for it."""
        at = self.clock()
        try:
            rows = {row.id: row for row in self.store().find([kek.row.id for kek in ageing])}
        except EnvelopeError as error:
            with self.pool.lock:
                for kek in ageing:
                    self._bear(kek, error)
            return
        for kek in ageing:
            try:
                self._confirm(kek, standing(rows.get(kek.row.id), place_of(kek.head)), at)
            except DecryptionError as error:
                with self.pool.lock:
                    self._bear(kek, error)

    def _read_active(self, tenants: Collection[str | None] | None) -> list[Seen]:
        at = self.clock()
        return [Seen(row, at) for row in self.store().active(tenants)]


def _wait(
    wave: Wave, wait: Wait[None], found: Mapping[bytes, Kek | Call], places: Mapping[bytes, str]
) -> None:
    try:
        wait_for(wave, wait)
    except DecryptionError as error:
        failed = (head for head, each in found.items() if isinstance(each, Call) and each.error is not None)
        raise error.at(next((places[head] for head in failed), error.place)) from error.__cause__
