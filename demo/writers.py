"""Applications that never pause: each changes rows of its own, and remembers what they should hold."""

import random
import threading
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

REST = 0.001
"""Seconds between two transactions: a busy application, which leaves the processor to others too."""


class Writer:
    """A thread that changes random ones of its rows and adds some, by a model of its version.

    `truth`: by id what was committed last. `error`: what ended it before its time.
    """

    def __init__(self, name: str, engine: Engine, model: type[Any], rows: dict[int, str], step: int) -> None:
        self.name = name
        self.writes = 0
        self.truth = dict(rows)
        self.error: Exception | None = None
        self._engine, self._model, self._step = engine, model, step
        self._ids, self._next = list(rows), max(rows) + step
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """After the transaction that it is at."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        chance = random.Random(self.name)  # the same rows in every run
        with ExitStack() as stack:
            session = stack.enter_context(Session(self._engine))
            while not self._over.wait(REST):
                try:
                    self._write(session, chance)
                except Exception as error:  # noqa: BLE001 - a promise tells it
                    self.error = error
                    return

    def _write(self, session: Session, chance: random.Random) -> None:
        email = f"{self.name}.{self.writes}@example.org"
        if chance.random() < 0.1:
            number, self._next = self._next, self._next + self._step
            session.add(self._model(id=number, email=email))
            self._ids.append(number)
        else:
            number = chance.choice(self._ids)
            session.get_one(self._model, number).email = email
        session.commit()
        self.truth[number] = email
        self.writes += 1
