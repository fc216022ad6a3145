"""Vectors of values that are bound to the primary key of their row."""

from collections.abc import Iterator
from typing import Any

from . import reference as ref
from .reference import Names
from .samples import PLACE, TENANT, TEXT, kek, kms, static

Vector = dict[str, Any]
Key = list[list[str]]

ID = "00112233-4455-6677-8899-aabbccddeeff"
KEYS: dict[str, Key] = {
    "integer": [["integer", "42"]],
    "integer-zero": [["integer", "0"]],
    "integer-negative": [["integer", "-129"]],
    "integer-most": [["integer", str(2**63 - 1)]],
    "integer-least": [["integer", str(-(2**63))]],
    "text": [["text", "Akte-Ä 名 🙂"]],
    "text-empty": [["text", ""]],
    "uuid": [["uuid", ID]],
    "several": [["text", "acme"], ["integer", "128"], ["uuid", ID]],
}
ROW: Names = {**PLACE, "row": KEYS["integer"]}
BASE = static("bound", ROW)


def rows() -> Iterator[Vector]:
    """The bytes of a key, and of the content context that holds it."""
    for name, key in KEYS.items():
        context = ref.content_context({**TENANT, "row": key}).hex()
        told = {"name": f"row/{name}", "kind": "row", "key": key, "names": {**TENANT, "row": key}}
        yield {**told, "row": ref.row_of(key).hex(), "encoded": context}


def opened() -> Iterator[Vector]:
    """In the row that they were sealed for."""
    for name, key in KEYS.items():
        sample = static(f"bound/{name}", {**PLACE, "row": key})
        yield sample.opens(f"static/row-{name}", f"bound to its row: {name.replace('-', ', ')}", TEXT[1:])
    both = {**TENANT, "row": KEYS["several"]}
    yield static("bound/tenant", both).opens("static/row-tenant", "and to its tenant: flags 0x30", TEXT[1:])
    for kind, make in (("kms", kms), ("kek", kek)):
        yield make(f"bound/{kind}", ROW).opens(f"{kind}/row", f"bound to its row, under {kind}", TEXT[1:])


def refused() -> Iterator[Vector]:
    """In another row, or where none is bound."""
    several = static("bound/several", {**PLACE, "row": KEYS["several"]})
    others: dict[str, tuple[str, Any, Key]] = {
        "integer": ("copied to another row", BASE, [["integer", "43"]]),
        "sign": ("copied to the row of the opposite number", BASE, [["integer", "-42"]]),
        "type": ("a key of the same digits as text", BASE, [["text", "42"]]),
        "more": ("a key of one column more", BASE, [["integer", "42"], ["integer", "42"]]),
        "fewer": ("a key of one column fewer", several, KEYS["several"][:2]),
        "order": ("the columns of the key in another order", several, KEYS["several"][::-1]),
        "one-of-several": (
            "another row by one column of three",
            several,
            [["text", "acme2"], *KEYS["several"][1:]],
        ),
        "moved-bound": (
            "the bound between two columns moved",
            static("bound/texts", {**PLACE, "row": [["text", "ab"], ["text", "c"]]}),
            [["text", "a"], ["text", "bc"]],
        ),
        "uuid": (
            "another UUID",
            static("bound/uuid", {**PLACE, "row": KEYS["uuid"]}),
            [["uuid", ID[:-1] + "e"]],
        ),
    }
    for name, (why, sample, key) in others.items():
        yield sample.at(row=key).fails(f"commitment/row-{name}", why, "commitment")
    for kind, sample in (("kms", kms("bound/kms", ROW)), ("kek", kek("bound/kek", ROW))):
        moved = sample.at(row=[["integer", "43"]])
        yield moved.fails(f"commitment/{kind}-row", "copied to another row", "commitment")
    column = BASE.at(column="phone")
    yield column.fails("commitment/row-column", "copied to another column of its row", "commitment")
    rowless = static("bound/flag", ROW, context=ref.content_context(PLACE))
    why = "the flag says row, the context holds none"
    yield rowless.fails("commitment/row-not-bound", why, "commitment")
    for name, why, sample in (
        (
            "row-missing",
            "bound to no row, where the model binds one",
            static("bound/free").at(row=KEYS["integer"]),
        ),
        ("row-unexpected", "bound to a row, where the model binds none", BASE.but(place=PLACE)),
        ("row-as-tenant", "bound to a row, where the model binds a tenant", BASE.but(place=TENANT)),
        (
            "row-no-tenant",
            "bound to a row alone, where the model binds both",
            BASE.but(place={**TENANT, "row": KEYS["integer"]}),
        ),
    ):
        changes: dict[str, Any] = {"dek": static("bound", TENANT).dek} if "tenant" in sample.place else {}
        yield sample.but(**changes).fails(f"flags/{name}", why, "flags")


def in_the_row_of_another() -> Iterator[Vector]:
    """Each of the keys where each of the others is expected."""
    for name, key in KEYS.items():
        sample = static(f"bound/{name}", {**PLACE, "row": key})
        for other, expected in KEYS.items():
            if other != name:
                moved = sample.at(row=expected)
                why = f"sealed for the key {name}, copied to that of {other}"
                yield moved.fails(f"commitment/row-{name}-as-{other}", why, "commitment")
