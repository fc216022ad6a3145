"""The customers of the Chinook sample database, as plain rows, for the example's first tables."""

import json
from importlib.resources import files
from typing import Any

NAMES = {
    "CustomerId": "customer_id",
    "FirstName": "first_name",
    "LastName": "last_name",
    "Country": "country",
    "Phone": "phone",
    "Email": "email",
}


def customers() -> list[dict[str, Any]]:
    """59 of them; one has no phone."""
    stored = json.loads((files("demo") / "data" / "chinook.json").read_text(encoding="utf-8"))
    return [{name: row[key] or None for key, name in NAMES.items()} for row in stored["Customer"]]
