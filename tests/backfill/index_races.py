"""An index filled and given new keys beside writers: `python -m tests.backfill.index_races --rows 20000`.

Writers of the version that knows the index set rows to new values and to the same ones; one of the version
before, which does not, changes, adds and seals anew. Searches look for rows that keep their value. Counted is
each that does not find its row, and at the end each row that is not found by its value or found by another.
"""

import argparse
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import URL, Engine, create_engine, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import BlindIndex, DirectKeyring, EncryptedText, Envelope, StaticKey, attach
from sqlalchemy_envelope.backfill.job.performing import UnendingError
from sqlalchemy_envelope.backfill.moving.indexing import add_index, count, fill_index
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.subject.declared import fills_of
from sqlalchemy_envelope.pairs import pairs_of
from sqlalchemy_envelope.rotation.index_keys import (
    activate_index_key,
    begin_index_key,
    retire_index_key,
    waiting,
)

KEY = bytes(range(32))
VIEW, AFTER = 0.3, 1.0


def model(index: BlindIndex | None) -> Any:
    """A version of the application."""

    class Base(DeclarativeBase):
        pass

    class Patient(Base):
        __tablename__ = "patient"
        id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
        ssn: Mapped[str] = mapped_column(EncryptedText(index=index))

    return Patient


OLD, NEW = model(None), model(BlindIndex())
(FILL,) = fills_of(pairs_of(NEW.__table__)["ssn"])


def envelope() -> Envelope:
    """Of one process."""
    return Envelope(DirectKeyring(StaticKey(KEY), cache_seconds=VIEW))


def value_of(row: int) -> str:
    """What stands in a row at first; odd rows keep it."""
    return f"{row:09d}"


@dataclass
class Clinic:
    """The table, and threads that write and search it, each as a process of its own."""

    url: URL
    rows: int
    seed: int = 0
    indexed: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    writes: int = 0
    searches: int = 0
    missed: int = 0

    def process(self) -> Engine:
        """An engine of its own."""
        return attach(create_engine(self.url), envelope())

    def fill(self) -> None:
        """As the version before the index made it."""
        engine = self.process()
        OLD.metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(OLD), [{"id": n, "ssn": value_of(n)} for n in range(self.rows)])
        engine.dispose()

    @contextmanager
    def open(self, *kinds: Callable[..., None]) -> Any:
        """While this is open, all of them work."""
        threads = [threading.Thread(target=self._work, args=each) for each in enumerate(kinds)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()
            self.over.clear()

    def _work(self, number: int, kind: Callable[..., None]) -> None:
        chance, engine = random.Random(self.seed * 10 + number), self.process()
        with engine.connect() as connection:
            while not self.over.wait(0.001):
                kind(connection, chance)
                connection.commit()
        engine.dispose()

    def write(self, connection: Any, chance: random.Random) -> None:
        """By the version that knows the index."""
        row = chance.randrange(self.rows)
        value = value_of(row) if row % 2 else f"new {chance.random()}"
        connection.execute(update(NEW).where(NEW.id == row).values(ssn=value))
        self.writes += 1

    def write_as_before(self, connection: Any, chance: random.Random) -> None:
        """By the version that does not: rows that no search asks for meanwhile."""
        row = chance.randrange(self.rows // 2) * 2
        connection.execute(update(OLD).where(OLD.id == row).values(ssn=f"old {chance.random()}"))
        connection.execute(insert(OLD).values(id=self.rows + self.writes * 10 + 1, ssn="added"))
        self.writes += 2

    def search(self, connection: Any, chance: random.Random) -> None:
        """For a row that is there, and keeps its value."""
        row = chance.randrange(self.rows // 2) * 2 + 1
        self.searches += 1
        self.missed += connection.scalars(select(NEW.id).where(NEW.ssn == value_of(row))).all() != [row]

    def wrong(self) -> int:
        """Rows that are not found by what they hold, or by something else too."""
        engine = self.process()
        with engine.connect() as connection:
            held = connection.execute(select(NEW.id, NEW.ssn)).all()
            by_value: dict[str, set[int]] = {}
            for id_, ssn in held:
                by_value.setdefault(ssn, set()).add(id_)
            found = connection.execute(select(NEW.id, NEW.ssn).where(NEW.ssn.in_(list(by_value)))).all()
        engine.dispose()
        return len(held) - len(found) + sum(id_ not in by_value[ssn] for id_, ssn in found)


@dataclass
class Figures:
    """Seconds to fill all rows at first, and of each rotation with its filling; rows filled."""

    filled: float
    rotations: list[float]
    digesting: list[float]


def race(clinic: Clinic, rotations: int) -> Figures:
    """The index added and filled beside the version before; then so many rotations beside both."""
    database = Database.of(clinic.url)
    add_index(database, FILL)
    began = time.monotonic()
    unending = suppress(UnendingError)  # who does not know the index leaves rows as fast as they are filled
    with clinic.open(clinic.write_as_before, clinic.write), unending:
        fill_index(database, FILL, envelope, verify=False)
    filled = time.monotonic() - began
    fill_index(database, FILL, envelope)
    whole, digesting = [], []
    with clinic.open(clinic.write, clinic.write, clinic.search, clinic.search):
        for _ in range(rotations):
            seconds, part = rotate(clinic, database)
            whole.append(seconds)
            digesting.append(part)
    return Figures(filled, whole, digesting)


def rotate(clinic: Clinic, database: Database) -> tuple[float, float]:
    """Begin, activate, fill, retire: seconds in all, and to fill."""
    began, key = time.monotonic(), str(FILL.index.key)
    engine = clinic.process()
    begin_index_key(engine, envelope().keyring, key)
    waiting(lambda: activate_index_key(engine, key, after=AFTER))
    start = time.monotonic()
    fill_index(database, FILL, envelope, verify=False)
    digesting = time.monotonic() - start

    def retire() -> object:
        if count(database, FILL):  # written late, by who went by what it read before
            fill_index(database, FILL, envelope, verify=False)
        return retire_index_key(engine, key, after=AFTER)

    waiting(retire)
    engine.dispose()
    return time.monotonic() - began, digesting


def main() -> int:
    """Runs and tells; 1 where a search missed a row."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser(prog="python -m tests.backfill.index_races", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rotations", type=int, default=3)
    given = parser.parse_args()
    with embedded_postgresql() as (url, _):
        clinic = Clinic(url, given.rows, os.getpid())
        clinic.fill()
        figures = race(clinic, given.rotations)
        wrong = clinic.wrong()
    rate = given.rows / figures.filled
    sys.stdout.write(f"filled beside writers in {figures.filled:.1f} s ({rate:,.0f} rows/s)\n")
    for whole, part in zip(figures.rotations, figures.digesting, strict=True):
        rate = given.rows / part
        sys.stdout.write(f"a new key in {whole:.1f} s, of which {part:.1f} s to fill ({rate:,.0f} rows/s)\n")
    sys.stdout.write(
        f"beside them {clinic.writes:,} writes and {clinic.searches:,} searches:"
        f" {clinic.missed:,} missed a row; in the end {wrong:,} rows were found wrongly\n"
    )
    return int(clinic.missed > 0 or wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
