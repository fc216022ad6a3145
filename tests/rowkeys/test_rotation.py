"""Rotation of shared keys: each is wrapped anew once, and values are sealed anew by whole rows."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from sqlalchemy_envelope import ConfigurationError, DirectKeyring, Envelope, StaticKey, attach, detach
from sqlalchemy_envelope.backfill.postgres.database import Database
from sqlalchemy_envelope.backfill.status.explain import explain
from sqlalchemy_envelope.backfill.status.status import columns
from sqlalchemy_envelope.backfill.subject.kind import Kind
from sqlalchemy_envelope.rotation import reencrypt_column, rewrap_column, rotate, rotation_of

from .conftest import KEY, Person, deks, person, values

NEW = bytes(range(1, 33))
ROWS: list[Any] = [{"id": 1, "ssn": "s", "email": "e", "age": 7}, {"id": 2, "email": "x"}, {"id": 3}]
EXPECTED = {1: ("s", "e", 7), 2: (None, "x", None), 3: (None, None, None)}


@pytest.fixture
def filled(attached: Engine) -> Database:
    """With rows under the old key."""
    with attached.begin() as connection:
        for row in ROWS:
            connection.execute(insert(person), row)
    return Database.of(attached.url)


def renew(engine: Engine, *previous: bytes) -> Envelope:
    """An envelope under the new key, for the engine as well."""
    envelope = Envelope(DirectKeyring(StaticKey(NEW, previous=previous)))
    detach(engine)
    attach(engine, envelope)
    return envelope


def test_a_shared_key_is_wrapped_anew_once(attached: Engine, filled: Database) -> None:
    """By whichever column it is asked for; nothing is left to do for the others."""
    envelope = renew(attached, KEY)
    assert rewrap_column(filled, envelope, "person", "email").rows_done == 2
    assert rewrap_column(filled, envelope, "person", "ssn").rows_done == 0
    renew(attached)
    assert values(attached) == EXPECTED


@pytest.mark.parametrize("by_model", [False, True])
def test_rows_are_sealed_anew_whole(attached: Engine, filled: Database, by_model: bool) -> None:
    """Found by the guards, or by the model."""
    envelope, before = renew(attached, KEY), deks(attached)
    if by_model:
        done = rotate(filled, envelope, rotation_of(Person.age), Kind.REENCRYPT).rows_done
    else:
        done = reencrypt_column(filled, envelope, "person", "ssn").rows_done
    assert done == 2
    renew(attached)
    assert values(attached) == EXPECTED
    assert not {*deks(attached).values()} & {*before.values()} - {None}


def test_no_column_of_a_group_is_left_behind(attached: Engine, filled: Database) -> None:
    """Its contents would lie under keys that are no more."""
    some: Any = replace(rotation_of(Person.ssn), mates=(("age", "age"),))
    with pytest.raises(ConfigurationError, match="email of person shares row_dek"):
        rotate(filled, renew(attached, KEY), some, Kind.REENCRYPT)


def test_reports_know_whose_a_shared_key_is(attached: Engine, filled: Database) -> None:
    """A key without content is no half pair, and no value is counted where there is none."""
    with filled.asked("test") as connection:
        told = {each.column: (each.encrypted, each.null) for each in columns(connection)}
        chain = explain(connection, (None, "person", "ssn"), ["2"])
        other = explain(connection, (None, "person", "email"), ["2"])
        whole = explain(connection, (None, "person", "age"), ["1"])
    assert told == {"ssn": (1, 2), "email": (2, 1), "age": (1, 2)}
    assert (chain.empty, chain.findings, other.findings, whole.findings) == (True, (), (), ())
    assert other.dek is not None
