"""A blind index: equal values are found by a keyed digest, and PostgreSQL keeps them unique by it."""

from typing import Any

from sqlalchemy import Engine, event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import CASEFOLD, EMAIL_DOMAIN, TENANT, TRIM, BlindIndex, EncryptedText, tenant

from ..registry import tenant_of
from ..stage import Stage, caught
from ..world import World

UNIQUE = BlindIndex(TRIM, CASEFOLD, unique=True)
DOMAIN = BlindIndex(EMAIL_DOMAIN, name="email_domain")


class Base(DeclarativeBase):
    """The base of this scene's model."""


class Addressee(Base):
    """Somebody who is looked up by e-mail."""

    __tablename__ = "addressee"

    addressee_id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(EncryptedText(tenant=TENANT, index=[UNIQUE, DOMAIN]))


def play(stage: Stage, world: World) -> None:
    """Look one up, look a domain up, and try to store one twice."""
    stage.scene(
        "Searching",
        "EncryptedText(index=BlindIndex(TRIM, CASEFOLD, unique=True)) adds a column of keyed digests. "
        "C.email == ... then works, and what is sent is the digest.",
    )
    emails = sorted({row["email"] for row in world.chinook.customers})
    rows = [{"addressee_id": n, "email": email} for n, email in enumerate(emails)]
    with world.tiers() as (engine, _), tenant(tenant_of("searching", world.schema)):
        with Session(engine) as session:
            Base.metadata.create_all(engine)
            session.execute(insert(Addressee), rows)
            session.commit()
        _found(stage, engine, emails[0])
        _refused(stage, engine, emails[0])


def _found(stage: Stage, engine: Engine, email: str) -> None:
    sent: list[Any] = []
    event.listen(engine, "before_cursor_execute", lambda *args: sent.append(args[2:4]))
    asked, domain = f"  {email.upper()} ", email.partition("@")[2]
    with Session(engine) as session:
        found = session.scalars(select(Addressee.email).where(Addressee.email == asked)).all()
        others = session.scalars(
            select(Addressee.email).where(Addressee.email.by("email_domain") == domain)
        ).all()
        none = session.scalars(select(Addressee.email).where(Addressee.email == "nobody@example.com")).all()
    table = stage.table("asked", "sent", "found")
    digests = (value for name, value in sent[0][1].items() if name.startswith("email_bidx"))
    digest = bytes(next(digests).obj).hex()
    table.add_row(f"email == {asked!r}", f"email_bidx = ANY (\\x{digest[:4]}…{digest[-4:]})", found[0])
    table.add_row(f'email.by("email_domain") == {domain!r}', "email_domain = ANY (…)", f"{len(others)}")
    stage.show(table)
    stage.promise(
        "found whatever its case, one that is not there is not, and no value was in any statement",
        found == [email] and email in others and not none and email.lower() not in repr(sent).lower(),
    )


def _refused(stage: Stage, engine: Engine, email: str) -> None:
    def again() -> None:
        with Session(engine) as session:
            session.add(Addressee(addressee_id=-1, email=email.upper()))
            session.commit()

    error = caught(IntegrityError, again)
    stage.promise("the same address a second time violates PostgreSQL's own unique index", error is not None)
