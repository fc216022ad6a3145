"""Older rows, placed by plain SQL: read where the column accepts their version, and nowhere else."""

import os
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ARRAY, Column, Engine, Table, func, insert, select, text, update

from sqlalchemy_envelope import (
    DecryptionError,
    DirectKeyring,
    EncryptedBytes,
    EncryptedText,
    Envelope,
    Failure,
    Version,
    attach,
)
from sqlalchemy_envelope.testing import FakeKms

from .conftest import KEY, SECRET, patient

CELLS = text("INSERT INTO patient (id, ssn_dek, ssn) VALUES (:id, :dek, :ssn)")


def sealed(key: bytes, value: str) -> bytes:
    """`nonce ‖ ciphertext and tag`, as versions 1 and 2 hold a value."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, value.encode(), None)


@pytest.fixture
def kms() -> FakeKms:
    """A KMS that wraps the way version 2 had it wrapped."""
    return FakeKms()


@pytest.fixture
def by_kms(engine: Engine, kms: FakeKms) -> Engine:
    """An engine whose keys that KMS wraps."""
    return attach(engine, Envelope(DirectKeyring(kms)))


def version_2(kms: FakeKms, value: str) -> tuple[bytes, bytes]:
    """A value in the two cells of version 2."""
    key = os.urandom(32)
    wrapped = kms.wrap_v2(key)
    return b"\x02" + len(wrapped).to_bytes(2, "big") + wrapped, sealed(key, value)


def table_accepting(version: Version | None, type_: type[Any] = EncryptedText) -> Table:
    """The table of these tests."""
    return patient(Column("ssn", type_(accept=version)))


def place(engine: Engine, cells: list[tuple[bytes | None, bytes]], version: Version | None) -> Table:
    """Puts cells into a table that accepts a version, by plain SQL."""
    table = table_accepting(version)
    table.create(engine)
    rows = [{"id": id_, "dek": dek, "ssn": content} for id_, (dek, content) in enumerate(cells, 1)]
    with engine.begin() as connection:
        connection.execute(CELLS, rows)
    return table


def versions_stored(engine: Engine) -> list[tuple[Any, ...]]:
    """The first bytes of both cells, as hex, by row."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT ssn_dek, ssn FROM patient ORDER BY id")).all()
    return [tuple(None if cell is None else cell[:2].hex() for cell in row) for row in rows]


def test_version_1_is_read_beside_version_3(attached: Engine) -> None:
    """Whatever was written since is version 3."""
    table = place(attached, [(None, sealed(KEY, SECRET)), (None, sealed(KEY, ""))], Version.V1)
    with attached.begin() as connection:
        connection.execute(insert(table), [{"id": 3, "ssn": "new"}, {"id": 4, "ssn": None}])
        query = select(table.c.ssn).order_by(table.c.id)
        assert connection.scalars(query).all() == [SECRET, "", "new", None]
    assert versions_stored(attached)[2:] == [("ed03", "ec03"), (None, None)]


@pytest.mark.parametrize("split", [True, False])
def test_version_2_is_read_beside_version_3(by_kms: Engine, kms: FakeKms, split: bool) -> None:
    """In its two cells, or as one blob beside a NULL."""
    pairs = [version_2(kms, SECRET), version_2(kms, "")]
    cells: list[Any] = pairs if split else [(None, dek + content) for dek, content in pairs]
    table = place(by_kms, cells, Version.V2)
    with by_kms.begin() as connection:
        connection.execute(insert(table), [{"id": 3, "ssn": "new"}, {"id": 4, "ssn": None}])
        query = select(table.c.ssn).order_by(table.c.id)
        assert connection.scalars(query).all() == [SECRET, "", "new", None]
        for array in (ARRAY(table.c.ssn.type), ARRAY(table.c.ssn.type, dimensions=1)):
            together = func.array_agg(table.c.ssn, type_=array)
            assert sorted(connection.scalar(select(together).where(table.c.id < 3)) or ()) == ["", SECRET]
    assert versions_stored(by_kms)[2:] == [("ed03", "ec03"), (None, None)]


def test_writing_an_older_row_again_makes_it_version_3(by_kms: Engine, kms: FakeKms) -> None:
    """Both cells; an unsplit blob gets its sibling."""
    dek, content = version_2(kms, SECRET)
    table = place(by_kms, [(None, dek + content), (dek, content)], Version.V2)
    with by_kms.begin() as connection:
        connection.execute(update(table).values(ssn="changed"))
        assert connection.scalars(select(table.c.ssn)).all() == ["changed"] * 2
    assert versions_stored(by_kms) == [("ed03", "ec03")] * 2


def test_bytes_are_read_from_older_rows_too(attached: Engine) -> None:
    """They carry no type: the model's holds."""
    place(attached, [(None, sealed(KEY, SECRET))], Version.V1)
    table = table_accepting(Version.V1, EncryptedBytes)
    with attached.connect() as connection:
        assert connection.scalars(select(table.c.ssn)).all() == [SECRET.encode()]


@pytest.mark.parametrize("accept", [None, Version.V2])
def test_version_1_is_refused_by_a_column_that_does_not_accept_it(
    attached: Engine, accept: Version | None
) -> None:
    """By code, never by what is stored."""
    place(attached, [(None, sealed(KEY, SECRET))], Version.V1)
    _refused(attached, table_accepting(accept))


@pytest.mark.parametrize("accept", [None, Version.V1])
@pytest.mark.parametrize("split", [True, False])
def test_version_2_is_refused_by_a_column_that_does_not_accept_it(
    by_kms: Engine, kms: FakeKms, accept: Version | None, split: bool
) -> None:
    """Split or not."""
    dek, content = version_2(kms, SECRET)
    place(by_kms, [(dek, content) if split else (None, dek + content)], Version.V2)
    _refused(by_kms, table_accepting(accept))


@pytest.mark.parametrize("version", list(Version))
def test_plaintext_is_never_handed_out(attached: Engine, version: Version) -> None:
    """Not where an older version is accepted, and the guard let it in or was dropped."""
    table = table_accepting(version)
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(text("ALTER TABLE patient DROP CONSTRAINT patient_ssn_envelope"))
        connection.execute(CELLS, {"id": 1, "dek": None, "ssn": SECRET.encode() * 10})
    _refused(attached, table)


def _refused(engine: Engine, table: Table) -> None:
    with engine.connect() as connection, pytest.raises(DecryptionError, match=r"patient\.ssn") as caught:
        connection.execute(select(table.c.ssn)).all()
    assert SECRET not in str(caught.value)
    assert caught.value.failure in Failure
