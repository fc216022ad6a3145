"""The application: three Chinook tables, whose personal columns are encrypted by their type alone."""

from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sqlalchemy_envelope import EncryptedText


class Base(DeclarativeBase):
    """The base of the demo's models."""


class Employee(Base):
    """Somebody who looks after customers."""

    __tablename__ = "employee"

    employee_id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    reports_to: Mapped[int | None] = mapped_column(ForeignKey("employee.employee_id"))
    first_name: Mapped[str] = mapped_column(EncryptedText())
    last_name: Mapped[str] = mapped_column(EncryptedText())
    address: Mapped[str | None] = mapped_column(EncryptedText())
    phone: Mapped[str | None] = mapped_column(EncryptedText())
    email: Mapped[str | None] = mapped_column(EncryptedText())

    manager: Mapped["Employee | None"] = relationship(remote_side=employee_id)
    customers: Mapped[list["Customer"]] = relationship(back_populates="support_rep")


class Customer(Base):
    """Somebody who buys music."""

    __tablename__ = "customer"

    customer_id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str]
    company: Mapped[str | None]
    first_name: Mapped[str] = mapped_column(EncryptedText())
    last_name: Mapped[str] = mapped_column(EncryptedText())
    address: Mapped[str | None] = mapped_column(EncryptedText())
    phone: Mapped[str | None] = mapped_column(EncryptedText())
    email: Mapped[str] = mapped_column(EncryptedText())
    support_rep_id: Mapped[int | None] = mapped_column(ForeignKey("employee.employee_id"))

    support_rep: Mapped[Employee | None] = relationship(back_populates="customers")
    invoices: Mapped[list["Invoice"]] = relationship(back_populates="customer", order_by="Invoice.invoice_id")


class Invoice(Base):
    """What a customer bought."""

    __tablename__ = "invoice"

    invoice_id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.customer_id"))
    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    billing_address: Mapped[str | None] = mapped_column(EncryptedText())

    customer: Mapped[Customer] = relationship(back_populates="invoices")


class Contact(Base):
    """For the scene about cost: a customer's five encrypted columns."""

    __tablename__ = "contact"

    contact_id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str] = mapped_column(EncryptedText())
    last_name: Mapped[str] = mapped_column(EncryptedText())
    address: Mapped[str | None] = mapped_column(EncryptedText())
    phone: Mapped[str | None] = mapped_column(EncryptedText())
    email: Mapped[str] = mapped_column(EncryptedText())


class PlainContact(Base):
    """The same in plain text, to compare with: the last table that is filled."""

    __tablename__ = "plain_contact"

    contact_id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str]
