"""Whose a read value is: the tenant of its row, or the one that its statement ran for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, bindparam, delete, event, exists, func, insert, select, text, union_all, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, aliased

from sqlalchemy_envelope import (
    DecryptionError,
    DirectKeyring,
    Envelope,
    StaticKey,
    TenantError,
    UnsupportedStatementError,
    attach,
    tenant,
)
from sqlalchemy_envelope.testing import FakeKms

from .conftest import A, B, Base, Own, Person

p = Person.__table__


@pytest.fixture(params=["static", "kms"])
def envelope(request: pytest.FixtureRequest, kms: FakeKms) -> Envelope:
    """Under a static key, and under a KMS, whose keys are fetched before the rows are opened."""
    return Envelope(DirectKeyring(kms if request.param == "kms" else StaticKey(bytes(range(32)))))


def test_every_shape_reads_each_row_by_its_tenant(people: Session) -> None:
    """Aliases, subqueries, CTEs, unions, arrays, RETURNING."""
    other = aliased(Person)
    inner = select(Person.id, Person.ssn).subquery()
    cte = select(Person.id, Person.ssn).cte()
    shapes: list[Any] = [
        select(Person.ssn).order_by(Person.id),
        select(other.ssn).order_by(other.id),
        select(inner.c.ssn).order_by(inner.c.id),
        select(cte.c.ssn).order_by(cte.c.id),
        union_all(select(Person.ssn).where(Person.id == 1), select(Person.ssn).where(Person.id == 2)),
        select(func.lag(Person.ssn, 0, type_=Person.ssn.type).over(order_by=Person.id)).order_by(Person.id),
        update(Person).values(note="n").returning(Person.ssn),
        select(Person.ssn).where(exists().where(other.ssn.is_not(None))).order_by(Person.id),
    ]
    for shape in shapes:
        assert people.scalars(shape).all() == ["s1", "s2"]
    assert people.scalar(select(func.array_agg(Person.ssn))) == ["s1", "s2"]
    assert people.scalars(delete(Person).where(Person.id == 2).returning(Person.phone)).all() == ["p2"]


def test_keys_of_many_tenants_come_in_one_wave(engine: Engine, kms: FakeKms) -> None:
    """Each row's in its tenant's context: as many calls as values, all under way at once."""
    Base.metadata.create_all(engine)
    attach(engine, Envelope(DirectKeyring(kms)))
    with Session(engine) as session:
        given = [{"id": n, "tenant_id": f"t{n % 5}", "ssn": f"s{n}", "phone": None} for n in range(20)]
        session.execute(insert(Person), given)
        assert session.scalars(select(Person.ssn).order_by(Person.id)).all() == [f"s{n}" for n in range(20)]
    assert (kms.generated, kms.unwrapped) == (20, 20)
    assert kms.most_at_once > 1


def attack(session: Session, sql: str, **parameters: Any) -> None:
    """What a person with access to the database does."""
    session.execute(text(sql), parameters)


ATTACKS = {
    "cells of another tenant's row": (
        "update person set (ssn, ssn_dek) = (select ssn, ssn_dek from person b where b.id = 2) where id = 1"
    ),
    "another tenant under the value": "update person set tenant_id = 'other' where id = 1",
    "exchanged siblings": (
        "update person as a set ssn_dek = (select ssn_dek from person b where b.id <> a.id)"
    ),
    "no tenant": "update person set tenant_id = null where id = 1",
}


@pytest.mark.parametrize("how", ATTACKS)
def test_a_value_never_opens_under_another_tenant(people: Session, how: str) -> None:
    """Whatever was done to the row."""
    attack(people, ATTACKS[how])
    with pytest.raises((DecryptionError, TenantError), match=r"person\.ssn"):
        people.execute(select(Person.ssn).where(Person.id == 1)).all()


def test_a_context_refuses_rows_of_other_tenants(people: Session) -> None:
    """Though their own tenant would open them: a forgotten WHERE shows nothing."""
    with tenant(A):
        assert people.scalars(select(Person.ssn).where(Person.id == 1)).all() == ["s1"]
        with pytest.raises(TenantError, match=r"person\.ssn .*another tenant"):
            people.scalars(select(Person.ssn)).all()
    with pytest.raises(TenantError):
        people.scalars(select(Person.ssn), execution_options={"tenant": A}).all()


def test_a_context_tenants_value_opens_for_it_alone(session: Session) -> None:
    """Moved to another, it is no value at all."""
    with tenant(A):
        session.add(Own(id=1, secret="x"))
        session.flush()
    for statement in (select(Own.secret), select(select(Own.secret).subquery())):
        with tenant(A):
            assert session.scalars(statement).all() == ["x"]
        with tenant(B), pytest.raises(DecryptionError):
            session.scalars(statement).all()


def test_nothing_is_sent_without_a_tenant(session: Session) -> None:
    """Neither the statement nor a part of it."""
    sent: list[str] = []
    engine: Any = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    for statement in (
        select(Own.secret),
        select(Own),
        select(func.array_agg(Own.secret)),
        insert(Own).returning(Own),
    ):
        with pytest.raises(TenantError):
            session.execute(statement)
    assert not sent


def test_a_result_keeps_the_tenant_that_it_was_executed_for(session: Session) -> None:
    """Whenever its rows are taken, and whatever runs meanwhile."""
    with tenant(A):
        session.add_all([Own(id=n, secret=f"x{n}") for n in range(5)])
        session.flush()
        results = [
            session.execute(select(Own.secret).order_by(Own.id), execution_options=options)
            for options in ({}, {"yield_per": 2})
        ]
    with tenant(B):
        assert [result.scalars().all() for result in results] == [[f"x{n}" for n in range(5)]] * 2


def test_a_statement_connection_or_engine_names_the_tenant(attached: Engine) -> None:
    """By execution options; a context that says another is a conflict."""
    engine = attached.execution_options(tenant=A)
    with Session(engine) as session:
        session.add(Own(id=1, secret="x"))
        session.flush()
        session.add(Person(id=1, ssn="x"))
        session.commit()
        assert session.scalar(select(Person.tenant_id)) == A
        with tenant(B), pytest.raises(TenantError, match="two tenants"):
            session.scalars(select(Own.secret)).all()
    with attached.connect() as connection:
        plain = select(Own.__table__.c.secret)
        assert connection.execute(plain, execution_options={"tenant": A}).scalars().all() == ["x"]
        assert connection.execute(plain.execution_options(tenant=A)).scalars().all() == ["x"]
        with pytest.raises(TenantError):
            connection.execute(plain)
        assert connection.execution_options(tenant=A).execute(plain).scalars().all() == ["x"]


def test_text_names_a_rows_tenant(people: Session) -> None:
    """Or is refused with the expression that does; for a context's tenant there is none."""
    ours = text("select ssn_dek || ssn as ssn from person").columns(Person.ssn)
    with pytest.raises(UnsupportedStatementError, match="convert_to") as refused:
        people.execute(ours)
    read = str(refused.value).partition("read from, ")[2]
    assert people.execute(
        text(f"select {read} from person order by id").columns(Person.ssn)
    ).scalars().all() == [
        "s1",
        "s2",
    ]
    with pytest.raises(UnsupportedStatementError, match="whose it is"):
        people.execute(text("select secret_dek || secret as secret from own").columns(Own.secret))


def test_a_statement_is_shown_with_its_literals(people: Session) -> None:
    """As one of plain columns, though its tenant is known once it runs."""
    shown = select(p.c.ssn).compile(people.get_bind(), compile_kwargs={"literal_binds": True})
    assert "person.tenant_id" in str(shown)


def test_threads_have_tenants_of_their_own(attached: Engine) -> None:
    """None is inherited, and none gets into another."""

    def run(name: str) -> list[str | None]:
        with tenant(name), Session(attached) as session:
            session.add(Person(ssn=name))
            session.commit()
            return list(session.scalars(select(Person.ssn).where(Person.tenant_id == name)))

    with tenant("outer"), ThreadPoolExecutor(4) as pool:
        names = [f"t{n}" for n in range(8)]
        assert list(pool.map(run, names)) == [[name] for name in names]
        with Session(attached) as session, pytest.raises(TenantError):
            pool.submit(session.scalars, select(Own.secret)).result()


async def test_tasks_have_tenants_of_their_own(async_engine: AsyncEngine, kms: FakeKms) -> None:
    """Through SQLAlchemy's greenlets too, and in results that are processed outside of them."""
    attach(async_engine, Envelope(DirectKeyring(kms)))
    async with async_engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async def run(number: int) -> list[Any]:
        async with AsyncSession(async_engine) as session:
            with tenant(f"t{number}"):
                session.add_all([Own(id=number, secret=f"s{number}"), Person(id=number, ssn=f"p{number}")])
                await session.commit()
                streamed = await session.stream(select(Own.secret).where(Own.id == number))
            secrets = [secret async for secret in streamed.scalars()]
            with tenant(f"t{number}"):
                connection = await session.connection()
                found = await connection.execute(select(p.c.ssn, p.c.tenant_id).where(p.c.id == number))
            return [*secrets, *found.one()]

    got = await asyncio.gather(*map(run, range(6)))
    assert got == [[f"s{n}", f"p{n}", f"t{n}"] for n in range(6)]


@pytest.mark.parametrize("value", ["", "x" * 1025, "a\0b", "\ud800", True, 1.5, None, b"x"])
def test_a_tenant_is_a_short_id(value: Any) -> None:
    """Anything else is refused where it is named."""
    with pytest.raises(TenantError), tenant(value):
        pass


def test_a_tenant_is_what_postgresql_writes(session: Session) -> None:
    """Of each type that a column of tenants may have."""
    for value, type_ in ((A, "text"), (B, "text"), (-7, "bigint"), (UUID(int=12), "uuid")):
        with tenant(value):
            as_text = text(f"select cast(cast(:v as text) as {type_})::text")
            written = session.scalar(as_text.bindparams(bindparam("v", str(value))))
            own = Own(secret="x")
            session.add(own)
            session.flush()
        with tenant(written):
            assert session.scalar(select(Own.secret).where(Own.id == own.id)) == "x"
