"""The CHECK constraint of a pair: named, made once, and what it lets through to a writer of plain SQL."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Engine, MetaData, insert, text
from sqlalchemy.exc import IntegrityError

from sqlalchemy_envelope import EncryptedText, Envelope, Version
from sqlalchemy_envelope.wire import KeyCell, Wrap

from .conftest import guards, patient, round_trip, stored_guards

Write = Callable[[bytes | None, bytes | None], None]
Cells = tuple[bytes | None, bytes | None]


def test_the_guard_is_named_after_table_and_column() -> None:
    """One for each pair."""
    table = patient(Column("a", EncryptedText()), Column("b", EncryptedText(dek="key")))
    assert guards(table) == ["patient_a_envelope", "patient_b_envelope"]


def test_naming_conventions_leave_it_alone(attached: Engine) -> None:
    """Its name is whole already; other constraints follow theirs."""
    metadata = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s"})
    table = patient(
        Column("ssn", EncryptedText()), CheckConstraint("id > 0", name="positive"), metadata=metadata
    )
    copy = table.to_metadata(MetaData(naming_convention={"ck": "c_%(constraint_name)s"}), name="copy")
    for each in (table, copy):
        each.create(attached)
    assert stored_guards(attached, "patient") == ["ck_patient_positive", "patient_ssn_envelope"]
    assert "copy_ssn_envelope" in stored_guards(attached, "copy")
    assert len(stored_guards(attached, "copy")) == 2


def test_a_long_name_is_shortened_as_sqlalchemy_does(attached: Engine) -> None:
    """And two long ones stay apart."""
    columns: list[Any] = [Column(f"{'s' * 50}{n}", EncryptedText()) for n in range(2)]
    table = patient(*columns, name="p" * 63)
    table.create(attached)
    names = stored_guards(attached, "p" * 63)
    assert len(set(names)) == 2
    assert all(len(str(name)) <= 63 for name in names)
    round_trip(attached, table, columns[0].name)


NAMES = [
    "Upper",
    "select",
    'a"b',
    "it's",
    "a:b",
    "a::b",
    ":a",
    "a%b",
    "a%(b)s",
    "%s",
    "a b",
    "back\\slash",
    "ü",
    "?",
    "$1",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("accept", [None, *Version])
def test_any_name_is_quoted(attached: Engine, name: str, accept: Version | None) -> None:
    """Of table, column and sibling, in the guard as everywhere."""
    column: Any = Column(name, EncryptedText(dek=f"{name} key", accept=accept), key="ssn")
    table = patient(column, name=f"T {name}")
    table.create(attached)
    round_trip(attached, table)
    assert stored_guards(attached, table.name) == [f"T {name}_{name}_envelope"]
    assert table.to_metadata(MetaData()).c.keys() == table.c.keys()


@pytest.fixture
def sealed(envelope: Envelope) -> Any:
    """A pair."""
    return envelope.seal_many(["x" * 40], "patient.ssn")[0]


def _writer(attached: Engine, accept: Version | None) -> Write:
    patient(Column("ssn", EncryptedText(accept=accept))).create(attached)

    def write(dek: bytes | None, content: bytes | None) -> None:
        with attached.begin() as connection:
            values = {"dek": dek, "ssn": content}
            connection.execute(text("INSERT INTO patient (ssn_dek, ssn) VALUES (:dek, :ssn)"), values)

    return write


@pytest.fixture(params=[None, *Version])
def write(attached: Engine, request: pytest.FixtureRequest) -> Write:
    """Writes two cells by plain SQL; once for a column of each acceptance."""
    return _writer(attached, request.param)


def test_a_pair_and_two_nulls_pass(write: Write, sealed: tuple[bytes, bytes]) -> None:
    """Whatever the column accepts besides."""
    write(*sealed)
    write(None, None)


@pytest.mark.parametrize("size", [1, 184, 4096])
def test_a_key_wrapped_by_a_kms_passes(write: Write, sealed: tuple[bytes, bytes], size: int) -> None:
    """Its cell has the length that the KMS gave it."""
    write(KeyCell(Wrap.AWS_KMS, bytes(16), b"k" * size).pack(), sealed[1])


def stray(dek: bytes, content: bytes) -> dict[str, Cells]:
    """What no writer of pairs writes."""
    return {
        "plaintext alone": (None, b"078-05-1120"),
        "plaintext beside a key": (dek, b"078-05-1120"),
        "plaintext twice": (b"078-05-1120", b"078-05-1120"),
        "empty cells": (b"", b""),
        "an empty content": (dek, b""),
        "a lone key": (dek, None),
        "cells exchanged": (content, dek),
        "key twice": (dek, dek),
        "both in the column": (b"", dek + content),
        "another content magic": (dek, b"\xee" + content[1:]),
        "another key magic": (b"\xee" + dek[1:], content),
        "another content version": (dek, b"\xec\x04" + content[2:]),
        "another key version": (b"\xed\x02" + dek[2:], content),
        "a short content": (dek, content[:67]),
        "a key without its wrap": (dek[:21], content),
        "a boundary moved left": (dek[:-1], dek[-1:] + content),
        "a boundary moved right": (dek + content[:1], content[1:]),
    }


STRAY = list(stray(b"", b""))


@pytest.mark.parametrize("what", STRAY)
def test_a_stray_write_is_refused_by_the_database(
    attached: Engine, sealed: tuple[bytes, bytes], what: str
) -> None:
    """With the name of the guard."""
    write = _writer(attached, None)
    with pytest.raises(IntegrityError, match="patient_ssn_envelope"):
        write(*stray(*sealed)[what])


def test_a_lone_content_is_refused_unless_version_1_may_be_there(
    attached: Engine, sealed: tuple[bytes, bytes]
) -> None:
    """Version 1 is any bytes of at least 28: nothing marks it."""
    write = _writer(attached, None)
    with pytest.raises(IntegrityError):
        write(None, sealed[1])


V1 = bytes(28)
V2_KEY, V2_CONTENT = b"\x02\x00\x04wrap", bytes(28)
OLDER: dict[str, tuple[Cells, Version | None]] = {
    "version 1": ((None, V1), Version.V1),
    "version 1, too short": ((None, V1[1:]), None),
    "version 1 beside a key": ((V2_KEY, V1), Version.V2),
    "version 2, unsplit": ((None, V2_KEY + V2_CONTENT), Version.V2),
    "version 2, split": ((V2_KEY, V2_CONTENT), Version.V2),
    "version 2, content too short": ((V2_KEY, V2_CONTENT[1:]), None),
    "version 2, no key": ((b"\x02\x00\x00", V2_CONTENT), None),
    "version 2, lone key": ((V2_KEY, None), None),
    "a short plaintext": ((None, b"078-05-1120"), None),
}


@pytest.mark.parametrize("accept", [None, *Version])
@pytest.mark.parametrize("what", OLDER)
def test_older_shapes_pass_where_they_are_accepted(
    attached: Engine, what: str, accept: Version | None
) -> None:
    """Exactly there, but that version 1 is any bytes: unsplit version 2 passes for it."""
    (dek, content), version = OLDER[what]
    write = _writer(attached, accept)
    if accept is not None and (accept is version or (what, accept) == ("version 2, unsplit", Version.V1)):
        write(dek, content)
    else:
        with pytest.raises(IntegrityError, match="patient_ssn_envelope"):
            write(dek, content)


@pytest.mark.parametrize("what", [key for key in STRAY if key != "plaintext alone"])
@pytest.mark.parametrize("accept", list(Version))
def test_a_stray_write_is_refused_beside_older_shapes_too(
    attached: Engine, sealed: tuple[bytes, bytes], what: str, accept: Version
) -> None:
    """Accepting an older version lets nothing else through."""
    with pytest.raises(IntegrityError, match="patient_ssn_envelope"):
        _writer(attached, accept)(*stray(*sealed)[what])


def test_an_update_is_guarded_too(attached: Engine) -> None:
    """Half a pair, or plaintext, over a pair that stands."""
    table = patient()
    table.create(attached)
    with attached.begin() as connection:
        connection.execute(insert(table), {"ssn": "x"})
    for change in ("ssn = NULL", "ssn_dek = NULL", "ssn = 'plaintext'", "ssn_dek = ''"):
        with attached.begin() as connection, pytest.raises(IntegrityError):
            connection.execute(text(f"UPDATE patient SET {change}"))
    with attached.begin() as connection:
        connection.execute(text("UPDATE patient SET ssn = NULL, ssn_dek = NULL"))
