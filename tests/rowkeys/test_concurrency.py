"""Two transactions and one row's key: nothing is left without it, whoever comes first."""

from threading import Thread

from sqlalchemy import Engine, event, insert, update

from .conftest import person, values


def test_who_comes_second_goes_on_with_the_key_that_is_there(attached: Engine) -> None:
    """Some columns wait for all of them to be written, and take the new key."""
    with attached.begin() as connection:
        connection.execute(insert(person), {"id": 1, "ssn": "s", "email": "e", "age": 1})

    def second() -> None:
        with attached.begin() as connection:
            connection.execute(update(person).where(person.c.id == 1).values(ssn="second"))

    waiting = Thread(target=second)
    with attached.begin() as connection:
        connection.execute(update(person).values(ssn="first", email="first", age=2))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(20)
    assert values(attached) == {1: ("second", "first", 2)}


def test_a_row_that_appears_meanwhile_is_not_found(attached: Engine) -> None:
    """It was not there when its key was read, so nothing is written to it under another."""
    statement = update(person).where(person.c.id == 1).values(ssn="late")
    with attached.connect() as reader, attached.connect() as writer:
        writer.execute(insert(person), {"id": 1, "ssn": "s", "email": "e", "age": 1})

        @event.listens_for(reader, "after_cursor_execute")
        def read(*_: object) -> None:
            writer.commit()

        assert reader.execute(statement).rowcount == 0
        reader.commit()
    assert values(attached) == {1: ("s", "e", 1)}
