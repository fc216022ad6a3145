"""A table whose rows are found by their cells alone, and processes that write and search it."""

from collections.abc import Sequence

import psycopg
from sqlalchemy import Engine

from sqlalchemy_envelope import BlindIndex, Context, Envelope
from sqlalchemy_envelope.codec import encode_text
from sqlalchemy_envelope.keyring.waiting import wait_here

INDEX = BlindIndex()
SSN = INDEX.context(Context("patient", "ssn"))


def message(value: str) -> bytes:
    """What is digested of a text."""
    (made,) = INDEX.messages([encode_text(value)])
    assert made is not None
    return made


def cell(envelope: Envelope, value: str) -> bytes:
    """As that process would write it."""
    ((made,),) = envelope.index_keys.cells([(SSN, [message(value)])], wait_here)
    assert made is not None
    return made


def probes(envelope: Envelope, value: str) -> Sequence[bytes]:
    """As that process would search for it."""
    ((found,),) = envelope.index_keys.probes([(SSN, [message(value)])], wait_here)
    return found


class Patients:
    """The table, with the value in the clear to tell what a search should have found."""

    def __init__(self, engine: Engine) -> None:
        url = engine.url.set(drivername="postgresql")
        self.connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
        self.connection.execute("CREATE TABLE patient (id serial PRIMARY KEY, ssn text, ssn_bidx bytea)")
        self.connection.execute("CREATE INDEX ix_patient_ssn_bidx ON patient (ssn_bidx)")

    def add(self, envelope: Envelope, value: str) -> None:
        """One row."""
        self.connection.execute(
            "INSERT INTO patient (ssn, ssn_bidx) VALUES (%s, %s)", [value, cell(envelope, value)]
        )

    def found(self, envelope: Envelope, value: str) -> int:
        """How many rows a search finds."""
        sql = "SELECT count(*) FROM patient WHERE ssn_bidx = ANY (%s)"
        row = self.connection.execute(sql, [list(probes(envelope, value))]).fetchone()
        assert row is not None
        return int(row[0])

    def refill(self, envelope: Envelope) -> None:
        """Digest every row anew, as a backfill does: compare and set."""
        for id_, value, before in self.connection.execute("SELECT id, ssn, ssn_bidx FROM patient").fetchall():
            self.connection.execute(
                "UPDATE patient SET ssn_bidx = %s WHERE id = %s AND ssn_bidx = %s",
                [cell(envelope, value), id_, before],
            )
