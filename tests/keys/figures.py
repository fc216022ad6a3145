"""What a tiered keyring asks of KMS and of its store, counted: run by `python -m tests.keys.tiers`."""

import time
from collections import Counter
from concurrent.futures import Future

from sqlalchemy import Engine, text

from sqlalchemy_envelope import Context, Envelope, TieredKeyring
from sqlalchemy_envelope.codec import encode_all, encode_text
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.sealing import ToSeal
from sqlalchemy_envelope.testing import FakeKms

from .memory_store import MemoryStore
from .table_store import TableStore
from .waits import together

MONTH = 30 * 86_400.0
_INSERT = text("INSERT INTO tiers_cold (tenant, dek, content) VALUES (:tenant, :dek, :content)")


def place(tenant: str) -> Context:
    """Where a tenant's values are."""
    return Context("patient", "ssn", tenant=tenant)


def cold(engine: Engine, rows: int = 10_000, tenants: int = 20, threads: int = 64) -> Counter[str]:
    """`threads` read `rows` rows of so many tenants at once, all keys cold: calls, queries, rows opened."""
    fake = FakeKms(insecure=True)
    writing = Envelope(TieredKeyring(fake, store=TableStore(engine)))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS tiers_cold"))
        connection.execute(text("CREATE TABLE tiers_cold (id serial, tenant text, dek bytea, content bytea)"))
        for name in (f"cold {number}" for number in range(tenants)):
            cells = writing.seal_many(["a value"] * (rows // tenants), place(name))
            connection.execute(_INSERT, [{"tenant": name, "dek": a, "content": b} for a, b in cells])
    store = TableStore(engine)
    reading = Envelope(TieredKeyring(fake, store=store))
    fake.delay, before = 0.01, fake.unwrapped
    opened = together(threads, lambda _: _select(engine, reading))
    return Counter(calls=fake.unwrapped - before, queries=store.finds, opened=sum(opened))


def _select(engine: Engine, envelope: Envelope) -> int:
    """Reads as an attached engine does: the keys of all rows in one wave, then each value."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT tenant, dek || content FROM tiers_cold")).all()
    by_tenant: dict[str, list[bytes | None]] = {}
    for tenant, pair in rows:
        by_tenant.setdefault(tenant, []).append(pair)
    columns = [(Reading(place(tenant)), pairs) for tenant, pairs in by_tenant.items()]
    unlocked = zip(columns, envelope.unlock_columns(columns), strict=True)
    readers = [(envelope.opener(reading).open, pairs) for (reading, _), pairs in unlocked]
    return [open_(pair) for open_, pairs in readers for pair in pairs if pair].count(b"\1a value")


def inserts(engine: Engine, values: int = 1_000_000, tenants: int = 100, batch: int = 1_000) -> Counter[str]:
    """Values of so many tenants by turns, sealed in batches: calls, reservations, wraps reserved."""
    fake, store = FakeKms(insecure=True), TableStore(engine)
    envelope = Envelope(TieredKeyring(fake, store=store))
    contexts = [place(f"insert {number}") for number in range(tenants)]
    tagged = encode_all(encode_text, ["123-45-6789"] * (batch // tenants), "patient.ssn")
    for _ in range(values // batch):
        envelope.seal_columns([ToSeal(context, tagged) for context in contexts])
    wraps = sum(row.wraps for row in store.all() if (row.tenant or "").startswith("insert"))
    return Counter(calls=fake.generated + fake.unwrapped, reservations=store.reserves, reserved=wraps)


def _here(future: "Future[None]") -> None:
    future.result()


def steady(tenants: int = 100, every: float = 60.0, seconds: float = MONTH) -> Counter[str]:
    """A process that reads with every tenant's key so often, on a clock that is set forward.

    The store is in memory. `waits`: how often a key was not live when it was used.
    """
    now = [0.0]
    fake, store = FakeKms(insecure=True), MemoryStore(lambda: now[0])
    keyring = TieredKeyring(fake, store=store, clock=lambda: now[0])
    contexts = [place(f"steady {number}") for number in range(tenants)]
    issued = keyring.issue([(context, 1) for context in contexts], _here)
    stored = [(context, each.cells[0]) for context, each in zip(contexts, issued, strict=True)]
    lookups = [keyring.unwrappers(context) for context in contexts]
    waits = 0
    while now[0] < seconds:
        now[0] += every
        cold = [each for each, lookup in zip(stored, lookups, strict=True) if each[1][:21] not in lookup]
        keyring.unlock(cold, _here)
        waits += len(cold)
        _let_it_land(keyring)
    return Counter(calls=fake.unwrapped + fake.generated, queries=store.finds, waits=waits)


def _let_it_land(keyring: TieredKeyring) -> None:
    """What was begun in the background is over before time goes on."""
    while keyring._fetching.pool.board._under_way:
        time.sleep(0.0002)
