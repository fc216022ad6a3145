"""The tables that rows are written to and read from: plaintext, bytea of the same size, ours, theirs."""

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from sqlalchemy_envelope import EncryptedText

from .keyrings import static_envelope
from .peers import KEY

Base = orm.declarative_base()


class Text(Base):  # type: ignore[misc, valid-type]
    """One column of plaintext."""

    __tablename__ = "plaintext"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn = sa.Column(sa.Text)


class Ours(Base):  # type: ignore[misc, valid-type]
    """One encrypted column."""

    __tablename__ = "ours"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn: Any = sa.Column(EncryptedText())


class Plain(Base):  # type: ignore[misc, valid-type]
    """Two columns of the very sizes that an encrypted one has, without any encryption."""

    __tablename__ = "plain"
    id = sa.Column(sa.Integer, primary_key=True)
    ssn = sa.Column(sa.LargeBinary)
    ssn_dek = sa.Column(sa.LargeBinary)


NAMES = {
    "Text": "plaintext",
    "Plain": "bytea of the same size",
    "Ours": "sqlalchemy-envelope",
    "Theirs": "sqlalchemy-utils AES-GCM",
}
"""How the models are told, in this order."""


@cache
def theirs() -> Any:
    """The model of sqlalchemy-utils; None where it is not installed."""
    try:
        from sqlalchemy_utils import StringEncryptedType
        from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine
    except ImportError:
        return None

    class Theirs(Base):  # type: ignore[misc, valid-type]
        __tablename__ = "theirs"
        id = sa.Column(sa.Integer, primary_key=True)
        ssn = sa.Column(StringEncryptedType(sa.Text, KEY, AesGcmEngine))

    return Theirs


Rows = list[dict[str, Any]]


def cell_sizes(text: str) -> tuple[int, int]:
    """Bytes of the wrapped key and of the content of such a value."""
    dek, content = static_envelope().seal_many([text], "ours.ssn")[0]
    return len(dek or b""), len(content or b"")


def texts(count: int, first: int = 0) -> list[str]:
    """Different values of 36 bytes."""
    return [f"{n:09d} and up to thirty-six bytes" for n in range(first, first + count)]


def given(count: int, first: int = 0) -> dict[Any, Rows]:
    """For each model, rows to write."""
    values = texts(count, first)
    dek, content = cell_sizes(values[0])
    plain = [{"id": n, "ssn": text} for n, text in enumerate(values, first)]
    binary = [
        {"id": n, "ssn": os.urandom(content), "ssn_dek": os.urandom(dek)} for n in range(first, first + count)
    ]
    rows: dict[Any, Rows] = {Text: plain, Plain: binary, Ours: plain}
    if (model := theirs()) is not None:
        rows[model] = plain
    return rows


def several(columns: int) -> tuple[sa.Table, sa.Table]:
    """Tables of so many encrypted columns, and of so many pairs of bytea."""
    metadata = sa.MetaData()
    number = sa.Column("id", sa.Integer, primary_key=True)
    encrypted: list[sa.Column[Any]] = [sa.Column(f"value{n}", EncryptedText()) for n in range(columns)]
    binary = [sa.Column(f"value{n}{cell}", sa.LargeBinary) for n in range(columns) for cell in ("", "_dek")]
    return (
        sa.Table(f"ours_of_{columns}", metadata, number, *encrypted),
        sa.Table(f"plain_of_{columns}", metadata, number.copy(), *binary),
    )


def fill(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """These rows and no others, in statements of 10,000."""
    connection.execute(sa.text(f"truncate {table.name}"))
    for at in range(0, len(rows), 10_000):
        connection.execute(sa.insert(table), rows[at : at + 10_000])
