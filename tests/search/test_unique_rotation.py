"""A unique index stays one while its key is replaced, whichever key a process writes with."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from sqlalchemy_envelope import DirectKeyring, Envelope, StaticKey, UnsupportedStatementError, attach
from sqlalchemy_envelope.rotation.index_keys import activate_index_key, begin_index_key

from .conftest import Base, Patient

table: Any = Patient.__table__
VALUES = [f"{number:03}" for number in range(40)]


@pytest.fixture
def processes(engine: Engine) -> Iterator[list[Engine]]:
    """Two: one writes with the key before, the other with the new one. A row of "old" has the former."""
    made = [create_engine(engine.url) for _ in range(2)]
    envelopes = [Envelope(DirectKeyring(StaticKey(bytes(range(32))))) for _ in made]
    for each, envelope in zip(made, envelopes, strict=True):
        attach(each, envelope)
    Base.metadata.create_all(made[0])
    with made[0].begin() as connection:
        connection.execute(insert(table), {"id": 1, "ssn": "old"})
    begin_index_key(engine, envelopes[0].keyring, "ssn")
    search(made[0], "old")
    activate_index_key(engine, "ssn", after=0)
    yield made
    for each in made:
        each.dispose()


def search(engine: Engine, value: str) -> list[int]:
    """The rows of a value."""
    with engine.connect() as connection:
        return list(connection.scalars(select(table.c.id).where(table.c.ssn == value)))


def test_the_twin_under_the_other_key_is_found(processes: list[Engine]) -> None:
    """By INSERT, UPDATE and ON CONFLICT; at other isolation levels a write is refused."""
    for each in reversed(processes):
        with pytest.raises(IntegrityError), each.begin() as connection:
            connection.execute(insert(table), {"id": 2, "ssn": "old"})
        with each.begin() as connection:
            given = upsert(table).values(id=2, ssn="old", note="again")
            set_ = {"note": given.excluded.note}
            connection.execute(given.on_conflict_do_update(index_elements=["ssn"], set_=set_))
            connection.execute(update(table).where(table.c.ssn == "old").values(ssn="old"))
        assert (search(processes[0], "old"), search(processes[1], "old")) == ([1], [1])
    for level in ("AUTOCOMMIT", "REPEATABLE READ"):
        other = processes[0].execution_options(isolation_level=level)
        with other.connect() as connection, pytest.raises(UnsupportedStatementError, match=f"not at {level}"):
            connection.execute(insert(table), {"id": 3, "ssn": "new"})


def test_the_twin_is_looked_for_in_the_schema_that_the_statement_writes(processes: list[Engine]) -> None:
    """Also where only the statement's own options name it."""
    there: Any = {"schema_translate_map": {None: "there"}}
    with processes[0].begin() as connection:
        connection.execute(text("CREATE SCHEMA there"))
        Base.metadata.create_all(connection.execution_options(**there))
    with processes[0].begin() as connection:
        connection.execute(insert(table), {"id": 1, "ssn": "other"}, execution_options=there)
    with pytest.raises(IntegrityError), processes[1].begin() as connection:
        connection.execute(insert(table), {"id": 2, "ssn": "other"}, execution_options=there)


def test_one_of_two_writers_wins(processes: list[Engine]) -> None:
    """Who write the same values at once, each with its own key."""

    def write(engine: Engine) -> None:
        for value in random.sample(VALUES, len(VALUES)):
            with engine.begin() as connection:
                given = upsert(table).values(ssn=value).on_conflict_do_nothing(index_elements=["ssn"])
                connection.execute(given)

    with processes[0].begin() as connection:
        connection.execute(text("SELECT setval('patient_id_seq', 100)"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, processes * 2))
    with processes[0].connect() as connection:
        stored = connection.scalars(select(table.c.ssn)).all()
    assert sorted(map(str, stored)) == [*VALUES, "old"]
    assert all(len(search(processes[0], value)) == 1 for value in VALUES)
