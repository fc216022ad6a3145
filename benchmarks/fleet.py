"""A fleet in simulated time: how many KMS calls a second many processes make, against the account's quota.

What decides when a key is asked for again is the keyrings' own code, by a clock of the simulation's: `Keks`
and `Kek` of tiers, `KeyCache` and `Spares` of direct keyrings, at their defaults. A part of the processes is
simulated and counted as all of them; requests come at random (Poisson), tenants by Zipf's law.
"""

import heapq
import inspect
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy_envelope import DirectKeyring, Reuse, TieredKeyring
from sqlalchemy_envelope.cipher import DataKey
from sqlalchemy_envelope.keyring.cache import KeyCache
from sqlalchemy_envelope.keyring.kek import KMS_PART, STATE_PART, Kek, Terms, head_of
from sqlalchemy_envelope.keyring.keks import Keks
from sqlalchemy_envelope.keyring.reuse import Spares
from sqlalchemy_envelope.keyring.store import KekRow, KekState

from .figures import Report
from .ground import Ground

QUOTA = 10_000
"""Cryptographic requests a second that AWS KMS grants an account in most regions; it can be raised."""
PRICE = 0.03 / 10_000
MONTH = 30 * 86_400
MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Fleet:
    """Who asks for what. `requests` a second and process, each of one tenant; `reads`, `writes`: values each.

    `deploy`: seconds in which a rolling deployment restarts all. `sample`: so many processes are simulated.
    """

    processes: int = 10_000
    tenants: int = 1_000
    requests: float = 10.0
    reads: int = 20
    writes: int = 1
    values: int = 10_000
    deploy: float = HOUR / 2
    steady: float = 2 * HOUR
    sample: int = 40

    @property
    def rates(self) -> list[float]:
        """Requests a second and process for each tenant, by Zipf's law with exponent 1."""
        total = sum(1 / n for n in range(1, self.tenants + 1))
        return [self.requests / (n * total) for n in range(1, self.tenants + 1)]


def run(report: Report, ground: Ground) -> None:
    """The suite; it needs no server."""
    random.seed(4)
    fleet = Fleet(sample=4, steady=HOUR) if report.quick else Fleet()
    told = f"{fleet.processes:,} processes of {fleet.requests:g} requests a second"
    told += f", {fleet.tenants:,} tenants by Zipf"
    report.suite("fleet", f"{told}; {fleet.sample} of them simulated; quota {QUOTA:,} a second")
    began = time.perf_counter()
    _tiered(report, fleet)
    _direct(report, fleet)
    report.add("the simulation took", time.perf_counter() - began, "s")


def _tiered(report: Report, fleet: Fleet) -> None:
    terms = default_terms()
    said = f"state_seconds={terms.state_seconds:g}, kms_seconds={terms.kms_seconds:g}"
    parts = f"{_percent(STATE_PART)} and {_percent(KMS_PART)} of it"
    report.note(f"tiered: {said}, each asked again ahead of time, after {parts}")
    for minutes in (30, 10):
        steady = fleet.steady if minutes == 30 else HOUR / 2
        seen = simulate(replace(fleet, deploy=minutes * MINUTE, steady=steady), terms)
        if minutes == 30:
            report.add("tiered, steady: KMS calls, mean", seen.steady, "a second", QUOTA)
            report.add("tiered, steady: KMS calls, highest minute", seen.steady_peak, "a second", QUOTA)
            report.add("tiered, steady: queries for states, whole fleet", seen.queries, "a second")
            dollars = seen.steady * MONTH * PRICE
            report.add(
                "tiered, steady: price of the calls, a process and month", dollars / fleet.processes, "$"
            )
        peak = f"tiered, all restarted within {minutes} minutes: highest minute"
        report.add(peak, seen.deploy_peak, "a second", QUOTA if minutes == 30 else None)
    at_once = simulate(replace(fleet, deploy=1.0, steady=HOUR / 2), terms)
    report.add("tiered, all restarted at once: highest minute", at_once.deploy_peak, "a second")
    report.note(
        "beyond the quota calls are throttled and tried again: it takes longer until all keys are there"
    )
    one_clock = replace(terms, kms_seconds=terms.state_seconds)
    seen = simulate(replace(fleet, steady=HOUR), one_clock)
    report.add(f"were kms_seconds {one_clock.kms_seconds:g} too: steady, mean", seen.steady, "a second")


def _percent(part: tuple[float, float]) -> str:
    return " to ".join(f"{each:.0%}" for each in part)


def default_terms() -> Terms:
    """What a `TieredKeyring` does unless it is told otherwise."""
    given = inspect.signature(TieredKeyring).parameters
    names = ("state_seconds", "kms_seconds", "outage_seconds", "max_age_seconds")
    return Terms(**{name: given[name].default for name in names})


@dataclass(frozen=True)
class Seen:
    """KMS calls a second of the whole fleet: on average and in the highest minute; `queries` for states."""

    steady: float
    steady_peak: float
    deploy_peak: float
    queries: float


def simulate(fleet: Fleet, terms: Terms) -> Seen:
    """A rolling deployment from 0 on, a steady time, and another deployment."""
    calls: Counter[int] = Counter()
    queries = 0
    again = fleet.deploy + fleet.steady
    end = again + max(fleet.deploy, 10 * MINUTE)
    for number in range(fleet.sample):
        place = fleet.deploy * (number + random.random()) / fleet.sample
        for begin, until in ((place, again + place), (again + place, end)):
            process = Process(fleet.rates, terms, begin)
            calls.update(int(at // MINUTE) for at in process.calls(until))
            queries += process.queries
    scale = fleet.processes / fleet.sample / MINUTE
    settling = min(terms.kms_seconds, fleet.steady / 2)
    settled = range(int((fleet.deploy + settling) // MINUTE) + 1, int(again // MINUTE))
    steady = [calls[minute] * scale for minute in settled]
    deploy = [calls[minute] * scale for minute in range(int(again // MINUTE), int(end // MINUTE))]
    spent = queries * fleet.processes / fleet.sample / end
    return Seen(sum(steady) / len(steady), max(steady), max(deploy), spent)


class Process:
    """One process of tiers, from its start. Of all its requests only those are looked at that find a key due.

    The time from any moment to the next request for a tenant is exponential, whatever went before.
    """

    def __init__(self, rates: Sequence[float], terms: Terms, begin: float) -> None:
        self._rates, self._terms = rates, terms
        self._keks = Keks(inspect.signature(TieredKeyring).parameters["cache_entries"].default)
        self._next = [(begin + random.expovariate(rate), tenant) for tenant, rate in enumerate(rates)]
        heapq.heapify(self._next)
        self.queries = 0

    def calls(self, until: float) -> Iterator[float]:
        """The moments at which it calls the KMS."""
        upcoming = self._next
        while upcoming[0][0] < until:
            now, tenant = upcoming[0]
            head = _HEADS[tenant]
            kek = self._keks.held.get(head)
            if kek is None:
                kek = Kek(_ROWS[tenant], b"", self._terms, now, now)
                self._keks.put(kek)
                yield now
            elif kek.due <= now and self._asked_again(kek, now):
                yield now
            heapq.heapreplace(upcoming, (kek.due + random.expovariate(self._rates[tenant]), tenant))

    def _asked_again(self, kek: Kek, now: float) -> bool:
        """What `Fetching` does where a key in use is due, or over: whether the KMS was called."""
        if kek.state_due <= now:
            self.queries += 1
            for each in dict.fromkeys((kek, *self._keks.ageing(now))):
                each.confirm(each.row, now)
        if kek.kms_due > now:
            return False
        kek.renew(now)
        return True


def _row(tenant: int) -> KekRow:
    return KekRow(UUID(int=tenant + 1), str(tenant), (), (), KekState.ACTIVE, 0, 0.0)


_ROWS = [_row(tenant) for tenant in range(Fleet.tenants)]
_HEADS = [head_of(row.id) for row in _ROWS]


def _direct(report: Report, fleet: Fleet) -> None:
    """Strict and reused, where calls depend on values: some minutes of one process each."""
    reuse = Reuse(values=1_000, seconds=300.0)
    minutes = 6 if report.quick else 20
    values = f"{fleet.reads} values read and {fleet.writes} written a request, of {fleet.values:,} a tenant"
    report.note(f"strict, reused: {values}; {minutes} minutes of one process; {reuse}")
    for name, chosen in (("strict", None), ("reused", reuse)):
        written, read = direct_calls(fleet, chosen, minutes * MINUTE)
        total = (written + read) * fleet.processes
        report.add(f"{name}: KMS calls, mean", total, "a second")
        report.add(f"{name}: of these to write", written * fleet.processes, "a second")
        report.add(f"{name}: price of the calls, a process and month", (written + read) * MONTH * PRICE, "$")


def direct_calls(fleet: Fleet, reuse: Reuse | None, seconds: float) -> tuple[float, float]:
    """KMS calls a second of one process: to make data keys, and to unwrap them, once its cache is warm."""
    defaults = inspect.signature(DirectKeyring).parameters
    keep, lasting = defaults["cache_seconds"].default, defaults["cache_entries"].default
    cache: KeyCache[tuple[int, int], bool] = KeyCache(lasting)
    spares = Spares(reuse) if reuse else None
    rates = fleet.rates
    now, written, read, counted = 0.0, 0, 0, 0.0
    while now < seconds:
        now += random.expovariate(fleet.requests)
        (tenant,) = random.choices(range(fleet.tenants), rates)
        new = _written(spares, tenant, fleet.writes, now)
        cold = _read(cache, fleet, tenant, _together(reuse, fleet, rates[tenant]), now, keep)
        if now > seconds / 2:
            written, read = written + new, read + cold
            counted = now - seconds / 2
    return written / counted, read / counted


def _written(spares: Spares | None, tenant: int, values: int, now: float) -> int:
    """Data keys made for so many values."""
    if spares is None:
        return values
    wrap = tenant.to_bytes(4, "big")
    missing = values - len(spares.take(wrap, values, now))
    made = spares.calls(missing)
    spares.spread(wrap, [DataKey(b"", b"")] * made, missing, now)
    return made


def _read(
    cache: KeyCache[tuple[int, int], bool], fleet: Fleet, tenant: int, together: int, now: float, keep: float
) -> int:
    """Data keys unwrapped for the values of one request, any of the tenant's."""
    cold = 0
    for _ in range(fleet.reads):
        key = tenant, random.randrange(fleet.values) // together
        if cache.get(key, now) is None:
            cold += 1
            cache.put(key, True, now + keep)
    return cold


def _together(reuse: Reuse | None, fleet: Fleet, rate: float) -> int:
    """How many stored values share a data key: those that one process wrote for the tenant in the time."""
    return 1 if reuse is None else max(1, min(reuse.values, round(rate * fleet.writes * reuse.seconds)))
