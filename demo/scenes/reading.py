"""Relationships load as ever, each way that SQLAlchemy has."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from ..models import Customer, Employee, Invoice
from ..stage import PLAIN, Stage
from ..world import World

TOP = 4


def play(stage: Stage, world: World) -> None:
    """Eager loading with LIMIT, shown; then every row, compared."""
    stage.scene(
        "Reading",
        "Joined eager loading with LIMIT: SQLAlchemy wraps the customers into a subquery, and each "
        "value still arrives with its key.",
    )
    with world.engine() as engine:
        with Session(engine) as session:
            _limited(stage, session)
        with Session(engine) as session:
            _everything(stage, session, world)


def _limited(stage: Stage, session: Session) -> None:
    wanted = (
        select(Customer)
        .options(joinedload(Customer.invoices), joinedload(Customer.support_rep))
        .order_by(Customer.customer_id)
        .limit(TOP)
    )
    customers = session.scalars(wanted).unique().all()
    table = stage.table("customer", "address", "looked after by", "invoices", "in all")
    for each in customers:
        rep = each.support_rep
        table.add_row(
            f"[{PLAIN}]{each.first_name} {each.last_name}",
            f"[{PLAIN}]{each.address}",
            f"[{PLAIN}]{rep.first_name} {rep.last_name}" if rep else "",
            str(len(each.invoices)),
            str(sum((invoice.total for invoice in each.invoices), Decimal())),
        )
    stage.show(table)
    complete = all(each.support_rep and each.invoices for each in customers)
    stage.promise(
        "the first four customers with all they refer to, in one statement",
        len(customers) == TOP and complete,
    )


def _everything(stage: Stage, session: Session, world: World) -> None:
    chinook, wrong = world.chinook, 0
    employees = select(Employee).options(selectinload(Employee.customers).selectinload(Customer.invoices))
    loaded = {each.employee_id: each for each in session.scalars(employees)}
    for row in chinook.employees:
        wrong += any(getattr(loaded[row["employee_id"]], name) != value for name, value in row.items())
    for row in chinook.customers:
        customer = session.get_one(Customer, row["customer_id"])
        wrong += any(getattr(customer, name) != value for name, value in row.items())
    for row in chinook.invoices:
        invoice = session.get_one(Invoice, row["invoice_id"])
        wrong += any(getattr(invoice, name) != value for name, value in row.items())
    rows = len(chinook.employees) + len(chinook.customers) + len(chinook.invoices)
    stage.promise(f"all {rows} rows, loaded along their relationships, equal what was put in", wrong == 0)
