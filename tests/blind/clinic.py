"""A table of patients, and threads that write and search it through SQLAlchemy until told to stop.

Each thread is a process: an engine and an envelope of its own, which reads the keys' states at its own times.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Engine,
    Integer,
    MetaData,
    Text,
    create_engine,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import insert as upsert

from sqlalchemy_envelope import BlindIndex, DirectKeyring, EncryptedText, Envelope, StaticKey, attach
from sqlalchemy_envelope.backfill.moving.indexing import add_index, fill_index
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.subject.declared import fills_of
from sqlalchemy_envelope.errors import EnvelopeError
from sqlalchemy_envelope.pairs import pairs_of

KEY = bytes(range(32))

PATIENT = SqlTable(
    "patient",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("said", Text),
    Column("ssn", EncryptedText(index=BlindIndex())),
)
"""`said`: the value in the clear, to tell what a search should have found."""
INDEX = "patient.ssn_bidx"
(FILL,) = fills_of(pairs_of(PATIENT)["ssn"])


@dataclass
class Clinic:
    """Odd rows keep their values, the others change.

    `view`: for how long a process goes by what it read. `patience`: how old the older snapshots get.
    """

    url: URL
    rows: int
    seed: int
    view: float
    patience: float
    over: threading.Event = field(default_factory=threading.Event)
    writes: int = 0
    searches: int = 0
    missed: int = 0
    failed: list[str] = field(default_factory=list)

    def envelope(self) -> Envelope:
        """Of another process."""
        return Envelope(DirectKeyring(StaticKey(KEY), cache_seconds=self.view))

    def process(self) -> Engine:
        """As another process has it."""
        return attach(create_engine(self.url), self.envelope())

    def fill(self) -> None:
        """The table with its rows, and the record of its index."""
        engine = self.process()
        PATIENT.metadata.create_all(engine)
        rows = [
            {"id": number, "said": value_of(number), "ssn": value_of(number)} for number in range(self.rows)
        ]
        with engine.begin() as connection:
            connection.execute(insert(PATIENT), rows)
        engine.dispose()
        add_index(Database.of(self.url), FILL)

    def digest_anew(self, **running: Any) -> None:
        """Every row that is not under the active key, by the backfill."""
        fill_index(Database.of(self.url), FILL, self.envelope, **running)

    @contextmanager
    def open(self) -> Iterator[None]:
        """While this is open, all work."""
        writing = (self._write, self._write_slowly, self._come_and_go)
        kinds = (*writing, self._search, self._search, self._look_back)
        threads = [threading.Thread(target=self._work, args=(n, kind)) for n, kind in enumerate(kinds)]
        self.over.clear()
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()

    def _work(self, number: int, kind: Callable[..., None]) -> None:
        chance, engine = random.Random(self.seed * 10 + number), self.process()
        while not self.over.wait(0.0005):
            try:
                with engine.connect() as connection:
                    kind(connection, chance)
            except EnvelopeError as error:
                self.failed.append(str(error))
        engine.dispose()

    def _write(self, connection: Any, chance: random.Random, wait: float = 0.0) -> None:
        row = chance.randrange(self.rows)
        value = value_of(row) if row % 2 else f"new {chance.random()}"
        connection.execute(update(PATIENT).where(PATIENT.c.id == row).values(said=value, ssn=value))
        time.sleep(wait)
        connection.commit()
        self.writes += 1

    def _write_slowly(self, connection: Any, chance: random.Random) -> None:
        self._write(connection, chance, 0.02)

    def _come_and_go(self, connection: Any, chance: random.Random) -> None:
        row = self.rows + chance.randrange(100)
        values = {"id": row, "said": value_of(row), "ssn": value_of(row)}
        connection.execute(upsert(PATIENT).values(values).on_conflict_do_nothing())
        connection.execute(delete(PATIENT).where(PATIENT.c.id == self.rows + chance.randrange(100)))
        connection.commit()
        self.writes += 2

    def _search(self, connection: Any, chance: random.Random) -> None:
        self._find(connection, value_of(chance.randrange(self.rows // 2) * 2 + 1))

    def _look_back(self, connection: Any, chance: random.Random) -> None:
        connection.execution_options(isolation_level="REPEATABLE READ")
        for wait in (0.0, self.patience):
            self.over.wait(wait)
            for _ in range(20):
                row = PATIENT.c.id == chance.randrange(self.rows)
                self._find(connection, connection.scalar(select(PATIENT.c.said).where(row)))

    def _find(self, connection: Any, value: str) -> None:
        found = select(func.count()).where(PATIENT.c.ssn == value, PATIENT.c.said == value)
        self.missed += connection.scalar(found) == 0
        self.searches += 1


def value_of(number: int) -> str:
    """What stands in a row of this number at first."""
    return f"{number:09d}"
