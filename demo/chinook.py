"""The Chinook rows, as the models take them."""

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from .models import Customer, Employee, Invoice

FILE = Path(__file__).parent / "data" / "chinook.json"
NAMES = {
    Employee: "EmployeeId Title ReportsTo FirstName LastName Address Phone Email",
    Customer: "CustomerId Country Company FirstName LastName Address Phone Email SupportRepId",
    Invoice: "InvoiceId CustomerId Total BillingAddress",
}
PERSONAL = ("first_name", "last_name", "address", "phone", "email", "billing_address")
Row = dict[str, Any]


@dataclass
class Chinook:
    """Rows by their column names; what the file leaves empty is None."""

    employees: list[Row]
    customers: list[Row]
    invoices: list[Row]

    @classmethod
    def read(cls, *, quick: bool) -> "Chinook":
        """All of it, or a dozen customers and what belongs to them."""
        tables = json.loads(FILE.read_text(encoding="utf-8"))
        employees, customers, invoices = (
            [_row(names, each) for each in tables[model.__name__]] for model, names in NAMES.items()
        )
        if quick:
            customers = customers[:12]
            invoices = [each for each in invoices if each["customer_id"] <= len(customers)]
        return cls(employees, customers, invoices)

    @cached_property
    def personal(self) -> set[str]:
        """Every value that is to be encrypted."""
        rows = [*self.employees, *self.customers, *self.invoices]
        return {row[name] for row in rows for name in PERSONAL if row.get(name) is not None}


def values_in(rows: list[Row]) -> int:
    """How many cells of these rows get encrypted: NULL stays NULL."""
    return sum(row.get(name) is not None for row in rows for name in PERSONAL)


def _row(names: str, record: Row) -> Row:
    row = {_snake(name): record[name] if record[name] != "" else None for name in names.split()}
    if "total" in row:
        row["total"] = Decimal(str(row["total"])).quantize(Decimal("0.01"))
    return row


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
