"""No plaintext and no key in any error, whoever raises it, with and without hide_parameters."""

import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, create_engine, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session

from sqlalchemy_envelope import (
    ConfigurationError,
    DecryptionError,
    DirectKeyring,
    EncryptedText,
    Envelope,
    EnvelopeError,
    StaticKey,
    attach,
)
from sqlalchemy_envelope.testing import FakeKms

from ..fixtures.postgresql import Database
from .conftest import CANARY, KEY, Base, Bird, work

_TABLE = Base.metadata.tables[Bird.__tablename__]

VALUE = {"name": CANARY, "song": CANARY.encode()}

Attempt = Callable[[Session], Any]
ATTEMPTS: dict[str, tuple[type[Exception], Attempt]] = {
    "a driver's error": (DBAPIError, lambda s: s.execute(insert(Bird).values(id=1, **VALUE))),
    "a driver's error in a batch": (DBAPIError, lambda s: s.execute(insert(Bird), [{"id": 1, **VALUE}] * 2)),
    "a wrong value in another column": (
        StatementError,
        lambda s: s.execute(insert(Bird).values(age="not a number", **VALUE)),
    ),
    "a missing parameter": (
        StatementError,
        lambda s: s.execute(update(Bird).where(Bird.id == bindparam("nobody")).values(**VALUE)),
    ),
    "a mistyped column where another is missing": (
        StatementError,
        lambda s: s.connection().execute(insert(_TABLE), [{"age": 1}, {"nmae": CANARY}]),
    ),
    "a wrong Python type": (EnvelopeError, lambda s: s.execute(insert(Bird).values(name=CANARY.encode()))),
    "a lone surrogate": (EnvelopeError, lambda s: s.execute(insert(Bird).values(name=CANARY + "\ud800"))),
    "a comparison": (EnvelopeError, lambda s: s.execute(select(Bird).where(Bird.name == CANARY))),
    "a literal compared": (
        EnvelopeError,
        lambda s: s.execute(select(Bird).where(literal(CANARY) == Bird.name)),
    ),
    "a coalesce": (EnvelopeError, lambda s: s.execute(select(func.coalesce(Bird.name, CANARY)))),
    "an expression set": (
        EnvelopeError,
        lambda s: s.execute(update(Bird).values(name=func.upper(CANARY), song=CANARY.encode())),
    ),
    "a write in a CTE": (
        EnvelopeError,
        lambda s: s.execute(select(insert(Bird).values(**VALUE).returning(Bird.id).cte())),
    ),
    "a flush": (DBAPIError, lambda s: s.bulk_save_objects([Bird(id=1, **VALUE)])),
}


def told(error: BaseException) -> str:
    """All that an error, and whatever it came from, would tell a log."""
    whole = "".join(traceback.format_exception(error))
    chain: BaseException | None = error
    while chain is not None:
        whole += f"{chain!r} {chain.args!r} {getattr(chain, 'params', '')!r} {getattr(chain, 'orig', '')!r}"
        chain = chain.__cause__ or chain.__context__
    return whole


@pytest.mark.parametrize("hide", [False, True], ids=["shown", "hidden"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_error_tells_a_value(database: Database, envelope: Envelope, attempt: str, hide: bool) -> None:
    """Not the library's, not SQLAlchemy's, not the driver's; not in its cause either."""
    engine = attach(create_engine(database.url(), hide_parameters=hide), envelope)
    Base.metadata.create_all(engine)
    expected, run = ATTEMPTS[attempt]
    with Session(engine) as session:
        session.add(Bird(id=1, name="there already"))
        session.commit()
        with pytest.raises(expected) as caught:
            run(session)
        session.rollback()
    engine.dispose()
    said = told(caught.value)
    assert CANARY not in _without_source(said)
    assert CANARY.encode().hex() not in said


def _without_source(said: str) -> str:
    """Without the lines of this file, which a traceback quotes."""
    return "\n".join(line for line in said.splitlines() if "CANARY" not in line and "VALUE" not in line)


def test_a_failed_opening_tells_neither_value_nor_key(birds: Engine) -> None:
    """A flipped byte, a foreign key, a lone cell: table, column and one cause."""
    work(birds)
    spoilt = (
        "update bird set name = set_byte(name, 60, get_byte(name, 60) # 1)",
        "update bird set name = set_byte(name, 10, get_byte(name, 10) # 1)",
        "update bird set name_dek = set_byte(name_dek, 40, get_byte(name_dek, 40) # 1)",
    )
    for statement in spoilt:
        with birds.connect() as connection:
            connection.execute(text(statement))
            with pytest.raises(DecryptionError, match=r"bird\.name") as caught:
                connection.execute(select(Bird.name)).all()
        said = told(caught.value)
        assert CANARY not in said
        assert KEY.decode() not in said


def test_a_failing_kms_tells_nothing(engine: Engine) -> None:
    """The provider's error names the column and no more."""
    kms = FakeKms()
    attach(engine, Envelope(DirectKeyring(kms)))
    Base.metadata.create_all(engine)
    kms.deny()
    with engine.connect() as connection, pytest.raises(EnvelopeError) as caught:
        connection.execute(insert(Bird), [VALUE, VALUE])
    assert CANARY not in _without_source(told(caught.value))


@pytest.mark.parametrize("key", ["tooshort" + CANARY, b"\x01" * 31, "!" * 44, CANARY * 9])
def test_a_refused_key_is_not_told(key: str | bytes) -> None:
    """Not even a bad one: it may be a good one with a typing error."""
    with pytest.raises(ConfigurationError) as caught:
        StaticKey(key)
    assert CANARY not in _without_source(told(caught.value))


def test_representations_are_blank(birds: Engine, envelope: Envelope) -> None:
    """Envelope, keyring, provider, type, table, column, statement: nothing of a key, nothing of a value."""
    statement = insert(Bird).values(**VALUE)
    shown = [envelope, envelope.keyring, StaticKey(KEY, [KEY[::-1]]), EncryptedText(), Bird.__table__, birds]
    shown += [Bird.__table__.c.name, Bird.__table__.c.name.type, statement, str(statement)]
    shown += [envelope.__dict__, envelope.keyring.__dict__, attach.__module__]
    said = " ".join(map(repr, shown))
    assert KEY.decode() not in said
    assert KEY.hex() not in said
    assert CANARY not in said


def test_no_record_tells_a_value(birds: Engine) -> None:
    """Nothing of the library's own that any function returns while values are written and read."""
    telling = set()

    def look(_frame: object, event: str, found: Any) -> None:
        if event == "return" and type(found).__module__.startswith("sqlalchemy_envelope"):
            said = repr(found)
            if CANARY in said or KEY.decode() in said:
                telling.add(type(found).__qualname__)

    sys.setprofile(look)
    try:
        work(birds)
    finally:
        sys.setprofile(None)
    assert telling == set()
