"""`index-keys fill`: an index key replaced in a table that was made with its index, from begin to retire."""

import json

from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sqlalchemy_envelope import BlindIndex, EncryptedText, Envelope, attach

from .conftest import KEY, Shell


class Base(DeclarativeBase):
    """The models of this test."""


class Guest(Base):
    """Whoever stays."""

    __tablename__ = "guest"
    id: Mapped[int] = mapped_column(primary_key=True)
    ssn: Mapped[str] = mapped_column(EncryptedText(index=BlindIndex()))


MODEL = ("--model", "tests.cli.test_filling:Guest.ssn")
NAME = "guest.ssn_bidx"


def test_a_key_is_replaced_and_every_row_digested_anew(shell: Shell) -> None:
    """Each is found before and after; once the index is known, without its model."""
    engine = application(shell)
    with engine.begin() as connection:
        connection.execute(insert(Guest), [{"id": n, "ssn": f"number {n}"} for n in range(30)])
    assert shell.run("index-keys", "begin", NAME).code == 0
    assert shell.run("index-keys", "activate", NAME, "--after", "0").code == 0
    unknown = shell.run("index-keys", "fill", NAME)
    assert "no blind index guest.ssn_bidx is known here" in unknown.err
    assert shell.run("status", "--check").code == 0
    done = shell.run("index-keys", "fill", NAME, *MODEL)
    assert (done.code, done.out.count(": 30 rows ")) == (0, 2), done
    status = json.loads(shell.run("status", "guest.ssn", "--json", "--check").out)
    assert status[0]["indexes"] == {"ssn_bidx": 0}
    again = json.loads(shell.run("index-keys", "fill", "all", "--json").out)
    assert [(each["kind"], each["rows_done"]) for each in again] == [("index", 0)]
    listed = json.loads(shell.run("index-keys", "list", "--count", "--json").out)
    assert {each["state"]: sum(each["usage"].values()) for each in listed} == {"active": 30, "deactivated": 0}
    assert shell.run("index-keys", "retire", NAME, "--after", "0", "--wait").code == 0
    engine.dispose()
    fresh = application(shell)
    with fresh.connect() as connection:
        assert connection.scalars(select(Guest.id).where(Guest.ssn == "number 7")).all() == [7]
    fresh.dispose()


def application(shell: Shell) -> Engine:
    """A process of the application, which reads the states of its keys when it begins."""
    engine = attach(create_engine(shell.url), Envelope.from_env({"SECRETS_ENCRYPTION_KEY": KEY}))
    Base.metadata.create_all(engine)
    return engine
