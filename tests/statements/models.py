"""The same models twice, built by one function so that they can't drift: encrypted, and plain twins."""

from itertools import count
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property

from sqlalchemy_envelope import (
    TENANT,
    EncryptedBytes,
    EncryptedOnly,
    EncryptedText,
    ReadsEncrypted,
    ReadsPlaintext,
    tenant,
)
from sqlalchemy_envelope.moving import Moving

CANARY = "kanarienvogel"
"""Stands in every plaintext, so that a leak is easy to see."""

OWNER = "acme"
"""The tenant that all rows of `owned` belong to."""


class Models(NamedTuple):
    """The mapped classes, under the short names that shapes use.

    `pair`: how textual SQL reads `patient.ssn`. `moving`: the state that every encrypted column is in. `nr`
    tells the models apart.
    """

    P: Any
    W: Any
    S: Any
    D: Any
    V: Any
    O: Any  # noqa: E741
    K: Any
    Q: Any
    T: Any
    X: Any
    pair: str
    moving: type[Moving] | None
    nr: int


_numbers = count(1)
PAIR = "coalesce(ssn_dek || ssn, ssn_dek, ssn)"
READ: dict[type[Moving] | None, str] = {
    ReadsPlaintext: "ssn_plain",
    ReadsEncrypted: rf"coalesce({PAIR}, '\x01'::bytea || convert_to(ssn_plain, 'UTF8'))",
}


def build(encrypted: bool, moving: type[Moving] | None = None) -> Models:
    """The models, with encrypted columns, in a state or in none, or with plain ones in their place."""

    def options(name: str) -> Any:
        return {} if moving is None else {"moving": moving(f"{name}_plain")}

    def text(name: str, **more: Any) -> Any:
        return EncryptedText(**options(name), **more) if encrypted else sa.Text()

    class Base(orm.DeclarativeBase):
        pass

    class Ward(Base):
        __tablename__ = "ward"
        id = sa.Column(sa.Integer, primary_key=True)
        title = sa.Column(sa.Text)
        phone = sa.Column(text("phone"))
        patients = orm.relationship("Patient", back_populates="ward", order_by="Patient.id")
        names = association_proxy("patients", "name")

    class Patient(Base):
        __tablename__ = "patient"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(text("name"), nullable=False)
        ssn = sa.Column(text("ssn"))
        photo = sa.Column(EncryptedBytes(**options("photo")) if encrypted else sa.LargeBinary())
        note = sa.Column(sa.Text)
        greeting = sa.Column(text("greeting"), default=f"{CANARY} default")
        code = sa.Column(text("code"), default=lambda: f"{CANARY} made")
        diary = orm.deferred(sa.Column(text("diary")))
        ward_id: Any = sa.Column(sa.ForeignKey("ward.id"))
        ward = orm.relationship(Ward, back_populates="patients")
        stays = orm.relationship("Stay", order_by="Stay.nr")
        nickname = orm.synonym("ssn")

        @hybrid_property
        def identity(self) -> Any:
            return self.ssn

    class Staff(Base):
        __tablename__ = "staff"
        id = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.Text)
        name = sa.Column(text("name"))
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "staff"}  # noqa: RUF012

    class Doctor(Staff):
        __tablename__ = "doctor"
        id = sa.Column(sa.ForeignKey("staff.id"), primary_key=True)
        licence = sa.Column(text("licence"))
        __mapper_args__ = {"polymorphic_identity": "doctor"}  # noqa: RUF012

    class Stay(Base):
        __tablename__ = "stay"
        patient_id: Any = sa.Column(sa.ForeignKey("patient.id"), primary_key=True)
        nr = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
        reason = sa.Column(text("reason"))

    class Odd(Base):
        __tablename__ = "Odd Table"
        id = sa.Column("Id", sa.Integer, primary_key=True)
        social = sa.Column("Social No", text("Odd", dek="select"), key="social_key")
        plain = sa.Column("order", sa.Text)

    class Card(Base):
        __tablename__ = "card"
        id = sa.Column(sa.Integer, primary_key=True)
        pin = sa.Column(text("pin"))
        color = sa.Column(text("color"), default=f"{CANARY} red")
        digest = sa.Column(sa.Text, default=_digest)
        keys = sa.Column(sa.Text, default=_keys, onupdate=_keys)
        changed = sa.Column(sa.Text, onupdate=_digest)
        older = sa.Column(sa.Text, default=_digest_of_old)
        first = sa.Column("swapped", text("first"), key="first")
        swapped = sa.Column("first", sa.Text, key="swapped")

    class Tenanted(Base):
        __tablename__ = "tenanted"
        id = sa.Column(sa.Integer, primary_key=True)
        tenant_id = sa.Column(sa.Text)
        name = sa.Column(text("name", tenant="tenant_id"))
        ssn = sa.Column(text("ssn", tenant="tenant_id"))
        note = sa.Column(sa.Text)
        parent_id: Any = sa.Column(sa.ForeignKey("tenanted.id"))
        children = orm.relationship("Tenanted", order_by="Tenanted.id")
        __table_args__ = (sa.UniqueConstraint("tenant_id", "note", name="one_note"),)

    class Own(Base):
        __tablename__ = "owned"
        id = sa.Column(sa.Integer, primary_key=True)
        secret = sa.Column(text("secret", tenant=TENANT))
        note = sa.Column(sa.Text)

    Patient.ward_phone = orm.column_property(
        sa.select(Ward.phone).where(Ward.id == Patient.ward_id).correlate_except(Ward).scalar_subquery(),
        deferred=True,
    )
    read = READ.get(moving, PAIR)
    alias = orm.aliased(Patient, name="q")
    mapped = (Patient, Ward, Staff, Doctor, Stay, Odd, Card, alias, Tenanted, Own)
    return Models(*mapped, read, moving, next(_numbers))


def _digest(context: Any) -> str:
    return _told(context.get_current_parameters())


def _digest_of_old(context: Any) -> str:
    return _told(context.current_parameters)


def _told(row: dict[str, Any]) -> str:
    """The value that the row has for a PIN, told backwards: no plaintext may be seen in a plain column."""
    return repr(row.get("pin"))[::-1]


def _keys(context: Any) -> str:
    """What the row has, but for the encrypted default, which is in it sooner than a plain one."""
    return " ".join(sorted(set(context.get_current_parameters()) - {"color"}))


ENCRYPTED = build(encrypted=True)
PLAIN = build(encrypted=False)
STATES = [build(encrypted=True, moving=each) for each in (ReadsPlaintext, ReadsEncrypted, EncryptedOnly)]


def seed(connection: sa.Connection, models: Models) -> None:
    """Rows with equal values, NULLs, empty values; every plaintext with the canary in it."""
    connection.execute(sa.insert(models.W.__table__), _WARDS)
    connection.execute(sa.insert(models.P.__table__), _PATIENTS)
    staff = {"id": 1, "kind": "doctor", "name": f"{CANARY} Staff"}
    connection.execute(sa.insert(models.S.__table__), [staff])
    connection.execute(sa.insert(models.D.__table__), [{"id": 1, "licence": f"{CANARY} licence"}])
    connection.execute(sa.insert(models.V.__table__), _STAYS)
    connection.execute(sa.insert(models.K.__table__), _CARDS)
    connection.execute(sa.insert(models.T.__table__), _TENANTED)
    with tenant(OWNER):
        connection.execute(sa.insert(models.X.__table__), _OWN)
    odd = {"Id": 1, "social_key": f"{CANARY} odd", "order": "first"}
    connection.execute(sa.insert(models.O.__table__), [odd])


_WARDS = [{"id": 1, "title": "north", "phone": f"{CANARY} 1"}, {"id": 2, "title": "south", "phone": None}]
_CARDS = [{"id": n, "pin": f"{CANARY} {n}", "first": CANARY} for n in (1, 2)]
_TENANTED = [
    {
        "id": n,
        "tenant_id": "acme" if n < 3 else "bär",
        "name": CANARY,
        "ssn": ssn,
        "note": f"n{n}",
        "parent_id": up,
    }
    for n, ssn, up in ((1, f"{CANARY} one", None), (2, None, 1), (3, f"{CANARY} three", 1))
]
_OWN = [{"id": n, "secret": f"{CANARY} {n}" if n < 3 else None, "note": f"n{n}"} for n in (1, 2, 3)]
_STAYS = [{"patient_id": 1, "nr": n, "reason": f"{CANARY} reason {n % 2}"} for n in (1, 2, 3)]
_PATIENTS = [
    {
        "id": n,
        "name": f"{CANARY} {name}",
        "ssn": ssn,
        "photo": CANARY.encode() if n < 3 else None,
        "note": f"note {n % 2}",
        "greeting": f"{CANARY} hello",
        "code": f"{CANARY} code {n}",
        "diary": f"{CANARY} diary {n}",
        "ward_id": 1 if n < 4 else None,
    }
    for n, name, ssn in (
        (1, "Zoe", f"{CANARY} same"),
        (2, "Ada", f"{CANARY} same"),
        (3, "Mia", None),
        (4, "Eve", f"{CANARY} other"),
    )
]
