"""Processes that race for new tenants' keys, each with a keyring of its own over the one table."""

import multiprocessing
from collections import Counter
from multiprocessing.synchronize import Barrier
from typing import Any

from sqlalchemy import create_engine

from sqlalchemy_envelope import Envelope, TieredKeyring
from sqlalchemy_envelope.keystore import SqlKeyStore
from sqlalchemy_envelope.testing import FakeKms

from .figures import place


def race(url: str, processes: int = 8, rounds: int = 200) -> Counter[str]:
    """Each process seals a value for each of `rounds` new tenants, all at once, and opens the others' values.

    `made`: calls to make a key; `keys`: that lie in the table; `opened`: values, each process its own and all
    others'.
    """
    spawn = multiprocessing.get_context("spawn")
    barrier, told, sealed = spawn.Barrier(processes), spawn.Queue(), spawn.Queue()
    queues = [spawn.Queue() for _ in range(processes)]
    arguments = [(url, rounds, barrier, sealed, queue, told) for queue in queues]
    racers = [spawn.Process(target=_run, args=each) for each in arguments]
    for racer in racers:
        racer.start()
    everything = [sealed.get(timeout=300) for _ in racers]
    for queue in queues:
        queue.put(everything)
    counts: Counter[str] = sum((told.get(timeout=100) for _ in racers), Counter())
    for racer in racers:
        racer.join()
    keys = SqlKeyStore(url).active([f"race {number}" for number in range(rounds)])
    return counts + Counter(keys=len(keys))


def _run(url: str, rounds: int, barrier: Barrier, sealed: Any, others: Any, told: Any) -> None:
    fake, engine = FakeKms(insecure=True), create_engine(url)
    envelope = Envelope(TieredKeyring(fake, store=SqlKeyStore(engine)))
    mine = []
    for number in range(rounds):
        barrier.wait(60)
        mine.append(envelope.seal_many(["a value"], place(f"race {number}"))[0])
    sealed.put(mine)
    opened = 0
    for each in others.get(timeout=100):
        for number, cells in enumerate(each):
            opened += envelope.open_many([cells], place(f"race {number}")) == [b"a value"]
    told.put(Counter(made=fake.generated, unwrapped=fake.unwrapped, opened=opened))
