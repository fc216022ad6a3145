"""pytest --showlocals prints no local of the library's own frames, which hold plaintext and keys."""

import re
import subprocess
import sys
from pathlib import Path

from ..fixtures.postgresql import Database

FAILING = """
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy_envelope import *
from sqlalchemy_envelope.keystore import install
from sqlalchemy_envelope.testing import FakeKms

class Base(DeclarativeBase): pass

class Bird(Base):
    __tablename__ = "bird"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(EncryptedText())

def canary(): return "kanarien" + "vogel"

def engine(keyring):
    engine = attach(create_engine({url!r}), Envelope(keyring))
    Base.metadata.create_all(engine)
    return engine

def test_sealing_fails():
    kms = FakeKms()
    kms.deny()
    with engine(DirectKeyring(kms)).begin() as connection:
        connection.execute(insert(Bird), [dict(name=canary()), dict(name=canary())])

def test_unwrapping_a_tier_fails():
    failing = engine(TieredKeyring(StaticKey(bytes(range(32)))))
    with failing.begin() as connection:
        install(connection)
    with failing.begin() as connection:
        connection.execute(insert(Bird), [dict(name=canary()), dict(name=canary())])
        connection.execute(text("update envelope.key set wrapped = array[substr(wrapped[1], 2)]"))
    failing.dispose()
    with engine(TieredKeyring(StaticKey(bytes(range(32))))).begin() as connection:
        connection.execute(select(Bird.name)).all()

def test_encoding_fails():
    with engine(DirectKeyring(StaticKey(bytes(range(32))))).begin() as connection:
        connection.execute(insert(Bird), [dict(name=canary()), dict(name=canary().encode())])

def test_opening_fails():
    with engine(DirectKeyring(StaticKey(bytes(range(32))))).begin() as connection:
        connection.execute(insert(Bird), [dict(name=canary()), dict(name=canary())])
        connection.execute(text("update bird set name = set_byte(name, 60, get_byte(name, 60) # 1)"))
        connection.execute(select(Bird.name)).all()
"""


def test_showlocals_of_our_frames_is_empty(database: Database, tmp_path: Path) -> None:
    """Four failures below our floors: the user's own frames may show, ours don't."""
    url = database.url().render_as_string(hide_password=False)
    (tmp_path / "test_failing.py").write_text(FAILING.format(url=url))
    command = [sys.executable, "-m", "pytest", "--showlocals", "-p", "no:cacheprovider", "test_failing.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "4 failed" in done.stdout
    shown = re.findall(r"^\S*sqlalchemy_envelope/\S+\.py:\d+", done.stdout, re.MULTILINE)
    assert shown == [], done.stdout
