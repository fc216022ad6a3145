"""A model whose every value holds a canary, and a workload that uses it in many ways."""

import pytest
from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import DirectKeyring, EncryptedBytes, EncryptedText, Envelope, StaticKey, attach

CANARY = "kanarienhahn"  # of its own: other tests store theirs in plain twins, in the same server
KEY = b"schluesselkanarienvogel-32-bytes"


class Base(DeclarativeBase):
    """The models of these tests."""


class Bird(Base):
    """Encrypted text and bytes, and a plain number that can be wrong."""

    __tablename__ = "bird"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(EncryptedText())
    song: Mapped[bytes | None] = mapped_column(EncryptedBytes())
    age: Mapped[int | None]


@pytest.fixture
def envelope() -> Envelope:
    """An envelope under a key that is a canary itself."""
    return Envelope(DirectKeyring(StaticKey(KEY)))


@pytest.fixture
def birds(engine: Engine, envelope: Envelope) -> Engine:
    """An attached engine with the table."""
    attach(engine, envelope)
    Base.metadata.create_all(engine)
    return engine


def work(engine: Engine) -> None:
    """Writes and reads canaries by every kind of statement."""
    value = {"name": f"{CANARY} one", "song": CANARY.encode()}
    with Session(engine) as session:
        session.add(Bird(**value))
        session.add_all([Bird(name=f"{CANARY} {n}") for n in range(5)])
        session.flush()
        bird = session.scalars(select(Bird).where(Bird.song.is_not(None))).one()
        bird.name = f"{CANARY} renamed"
        session.commit()
        session.execute(update(Bird).where(Bird.id == bird.id).values(name=f"{CANARY} again"))
        session.execute(insert(Bird).values([value, value]))
        session.scalars(insert(Bird).returning(Bird.name), [value, value]).all()
        row = upsert(Bird).values(id=bird.id, **value)
        set_ = {"name": row.excluded.name, "song": f"{CANARY} upserted".encode()}
        session.execute(row.on_conflict_do_update(index_elements=["id"], set_=set_))
        assert all(CANARY in name for name in session.scalars(select(Bird.name)))
        assert session.scalar(select(func.count(Bird.name))) == 10
        session.commit()
