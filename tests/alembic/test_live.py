"""Operations on a table that the application goes on writing to: no value is lost, none is out of date."""

import threading
from types import TracebackType
from typing import Any, Self

import psycopg
import pytest

from .project import Project

ROWS = 300


class Writer(threading.Thread):
    """The old version of the application: writes plaintext, one row after another, until it is refused."""

    def __init__(self, project: Project) -> None:
        super().__init__(daemon=True)
        self.project = project
        self.wanted: dict[int, Any] = dict(enumerate(project.plain(), 1))
        self.refused: str | None = None
        self._end = threading.Event()

    def run(self) -> None:
        """Rows in turn; some are new."""
        with psycopg.connect(self.project.database.dsn, autocommit=True) as connection:
            number = 0
            while not self._end.is_set():
                number += 1
                key, value = number % (ROWS + 100) + 1, f"value {number}"
                try:
                    connection.execute(WRITE, [key, value])
                except psycopg.Error as error:
                    self.refused = error.diag.message_primary
                    return
                self.wanted[key] = value

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self.join()


WRITE = """
insert into customer values (%s, 'x', %s) on conflict (id) do update set email = excluded.email
"""


@pytest.fixture
def busy(project: Project) -> Project:
    """Enough rows for a few batches."""
    project.customers()
    rows = [(key, f"first {key}") for key in range(4, ROWS + 1)]
    project.execute("insert into customer values (%s, 'x', %s)", *rows)
    return project


def test_in_place_beside_the_old_version(busy: Project) -> None:
    """It is refused once names are about to change; what it had written by then is encrypted."""
    busy.revision("op.encrypt_column('customer', 'email')")
    with Writer(busy) as writer:
        busy.upgrade()
        writer.join(10)
    assert writer.refused is not None
    assert busy.emails() == [writer.wanted[key] for key in sorted(writer.wanted)]


def test_into_another_column_beside_the_old_version(busy: Project) -> None:
    """It is not refused, and what it changes later is pending again, not out of date."""
    busy.revision("op.encrypt_column('customer', 'email', into='email_encrypted', run='later')")
    busy.revision("op.backfill_column('customer', 'email')")
    busy.upgrade("r1")
    with Writer(busy) as writer:
        threading.Timer(0.3, writer._end.set).start()
        busy.upgrade()
    assert writer.refused is None
    busy.revision("op.backfill_column('customer', 'email')")
    busy.upgrade()
    assert busy.emails("email_encrypted") == [writer.wanted[key] for key in sorted(writer.wanted)]
