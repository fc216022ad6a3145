"""A key for each tenant: KMS calls by tenants and not by rows, and one tenant's key revoked or destroyed."""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sqlalchemy_envelope import EncryptedText, EnvelopeError, TenantError, tenant
from sqlalchemy_envelope.errors import RevokedError, ShreddedError
from sqlalchemy_envelope.keystore import install, listing, states
from sqlalchemy_envelope.keystore.guards import guards

from ..registry import tenant_of
from ..stage import BAD, GOOD, Stage, caught
from ..world import World

NAMES = ("acme", "globex", "initech")
ROWS, QUICK_ROWS = 2_000, 200
SIGNED = {"by": "the demo", "reason": "to show it"}


class Base(DeclarativeBase):
    """The base of this scene's model."""


class Member(Base):
    """Somebody who belongs to a tenant."""

    __tablename__ = "member"

    member_id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    email: Mapped[str] = mapped_column(EncryptedText(tenant="tenant_id"))


def play(stage: Stage, world: World) -> None:
    """Write and read by tiers; then take one tenant's key away for a while, and another's for good."""
    stage.scene(
        "Tiers",
        "A data key for each value still, but wrapped in the process by a key for each tenant; only those "
        "are the KMS's, and lie wrapped in envelope.key: TieredKeyring(AwsKms(key_arn)).",
    )
    with world.bare_engine() as bare, bare.begin() as connection:
        install(connection)
    tenants = {name: tenant_of(name, world.schema) for name in NAMES}
    count = QUICK_ROWS if world.quick else ROWS
    _write_and_read(stage, world, tenants, count)
    with world.tiers() as (engine, keyring):
        _apart(stage, engine, tenants)
        with engine.connect() as connection:
            found = {each.tenant: each.id for each in listing.keys(connection)}
        keys = {name: found[whose] for name, whose in tenants.items()}
        _revoked(stage, engine, keys["globex"], tenants["globex"], keyring.purge_cache)
        _shredded(stage, world, engine, keys["initech"], tenants, keyring.purge_cache)


def _write_and_read(stage: Stage, world: World, tenants: dict[str, str], count: int) -> None:
    emails = [row["email"] for row in world.chinook.customers]
    whose = list(tenants.values())
    rows = [
        {"member_id": n, "tenant_id": whose[n % len(whose)], "email": emails[n % len(emails)]}
        for n in range(count)
    ]
    with world.kms.counted() as writing, world.tiers() as (engine, _), Session(engine) as session:
        Base.metadata.create_all(engine)
        session.execute(insert(Member), rows)
        session.commit()
    with world.tiers() as (engine, _), Session(engine) as session:
        with world.kms.counted() as cold:
            read = session.scalars(select(Member.email).order_by(Member.member_id)).all()
        with world.kms.counted() as warm:
            session.scalars(select(Member.email)).all()
    table = stage.table(f"{len(NAMES)} tenants", "values", "KMS calls")
    for what, calls in (("written", writing), ("read by a process that just started", cold), ("again", warm)):
        table.add_row(what, f"{count:,}", _told(calls))
    stage.show(table)
    stage.promise(
        f"{count:,} values cost one call a tenant to write, and one a process and tenant to read",
        writing == {"GenerateDataKey": len(NAMES)} and cold == {"Decrypt": len(NAMES)} and not warm,
    )
    stage.promise("and they read as they were written", list(read) == [row["email"] for row in rows])


def _told(calls: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in calls.items()) or "none"


def _apart(stage: Stage, engine: Engine, tenants: dict[str, str]) -> None:
    with Session(engine) as session, tenant(tenants["acme"]):
        own = session.scalars(select(Member.email).where(Member.tenant_id == tenants["acme"])).all()
        error = caught(TenantError, lambda: session.scalars(select(Member.email)).all())
    stage.promise(
        'in a block `with tenant("acme"):` its own rows open; others\' raise TenantError',
        bool(own) and error is not None,
    )


def _revoked(stage: Stage, engine: Engine, key: UUID, whose: str, purge: Callable[[], None]) -> None:
    """Refused by a process that looks again; `purge` makes it look now."""
    with engine.begin() as connection:
        states.revoke(connection, key, **SIGNED)
    refused, others = _tried(engine, whose, purge)
    with engine.begin() as connection:
        states.reinstate(connection, key, **SIGNED)
    again, still = _tried(engine, whose, purge)
    table = stage.table("globex's key", "globex's rows", "acme's rows")
    for what, error, open_ in (("revoked", refused, others), ("reinstated", again, still)):
        table.add_row(what, _how(error), _how(None) if open_ else f"[{BAD}]closed[/]")
    stage.show(table)
    stage.promise(
        "a revoked key opens nothing within five minutes, anywhere, or at once by purge_cache(); and again "
        "once it is reinstated",
        isinstance(refused, RevokedError) and others and again is None,
    )


def _how(error: EnvelopeError | None) -> str:
    return f"[{GOOD}]open[/]" if error is None else f"[{BAD}]{type(error).__name__}[/]"


def _shredded(
    stage: Stage, world: World, engine: Engine, key: UUID, tenants: dict[str, str], purge: Callable[[], None]
) -> None:
    with engine.connect() as connection:
        if _holds_others(connection, world.schema):
            stage.note("Nothing is destroyed here: the receipt would count encrypted tables of others, too.")
            return
    with engine.begin() as connection:
        (receipt,) = states.shred(connection, key, **SIGNED)
        left = next(each for each in listing.keys(connection, tenants["initech"]))
    refused, others = _tried(engine, tenants["initech"], purge)
    stage.show(
        f"[dim]receipt {receipt.id}: {receipt.act}, by {receipt.by}, {sum(receipt.rows.values()):,} values[/]"
    )
    stage.promise(
        "a destroyed key has no wrapped bytes any more, its tenant's rows raise ShreddedError, and a receipt "
        "says who, why and how many values",
        isinstance(refused, ShreddedError) and others and bool(receipt.rows) and not left.wrapped_by,
    )


def _holds_others(connection: Connection, schema: str) -> bool:
    return any(each.schema != schema for each in guards(connection))


def _tried(engine: Engine, whose: str, purge: Callable[[], None]) -> tuple[EnvelopeError | None, bool]:
    """What reading a tenant's rows raises now, and whether those of acme open."""
    purge()
    with Session(engine) as session:
        mine = select(Member.email).where(Member.tenant_id == whose)
        error = caught(EnvelopeError, lambda: session.scalars(mine).all())
        others = select(Member.email).where(Member.tenant_id.like("acme%"))
        return error, bool(session.scalars(others).all())
