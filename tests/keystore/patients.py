"""Tables with encrypted columns, whose cells are as good as real ones to all who don't open them."""

import os
from uuid import UUID

from sqlalchemy import Connection

from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.wire import KeyCell, Wrap

CONTENT = b"\xec\x03\x01" + bytes(70)


def columns(name: str = "ssn", dek: str = "ssn_dek") -> str:
    """A pair and its guard."""
    check = check_sql(name, dek, None).replace("\\:", ":")  # which SQLAlchemy's text() needed
    return f'"{name}" bytea, "{dek}" bytea, CHECK ({check})'


def cell(kek: UUID | bytes, wrap: Wrap = Wrap.KEK) -> bytes:
    """A data key's, under this key."""
    return KeyCell(wrap, kek.bytes if isinstance(kek, UUID) else kek, os.urandom(60)).pack()


def add(connection: Connection, table: str, kek: UUID | bytes, rows: int, wrap: Wrap = Wrap.KEK) -> None:
    """Rows with `ssn` under this key, of dates throughout the year 2026."""
    for number in range(rows):
        connection.exec_driver_sql(
            f"INSERT INTO {table} (born, ssn, ssn_dek) VALUES (%(born)s, %(ssn)s, %(dek)s)",
            {"born": f"2026-{number % 12 + 1:02}-01", "ssn": CONTENT, "dek": cell(kek, wrap)},
        )
