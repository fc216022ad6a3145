"""`keys init`, `list`, `receipts`, `export-public-facts`: the tables of keys, and what may be known of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import Connection

from ..keyring.store import KekState
from ..keystore import install, installed_version, listing
from ..keystore.listing import KeyFacts
from ..keystore.receipts import Receipt, receipts
from ..keystore.usage import KeyUse, usage
from ..wire import Wrap
from .exits import Exit
from .figures import count, duration, moment
from .options import AsJson, Debug, Url
from .store import key_of, reading, writing
from .terminal import Terminal

HEADINGS = ("key", "tenant", "state", "age", "wraps", "wrapped by")
DATA = "data"
FORMAT = "sqlalchemy-envelope/public-facts/1"

OfTenant = Annotated[str | None, typer.Option("--tenant", help="Of this tenant only.")]
OfState = Annotated[KekState | None, typer.Option("--state", help="In this state only.")]
Counted = Annotated[
    bool, typer.Option("--count", help="How many values are under each: scans every encrypted table.")
]
OfKey = Annotated[str | None, typer.Argument(metavar="KEY", help="Of this key only, by its id.")]
WithUse = Annotated[
    bool, typer.Option("--count/--no-count", help="With the values under each key: scans encrypted tables.")
]


def init_keys(url: Url = None, debug: Debug = False) -> Exit:
    """Make the tables of keys, where they are missing.

    `envelope.key` and `envelope.key_receipt`, as op.create_key_store() does. It may run again. Needs no keys.
    """
    with writing(url) as connection:
        before = installed_version(connection)
        install(connection)
        now = installed_version(connection)
    Terminal().say(f"the tables of keys {'were there' if before == now else 'are made'}: version {now}")
    return Exit.DONE


def list_keys(
    tenant: OfTenant = None,
    state: OfState = None,
    counted: Counted = False,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """The keys, and with --count the values under each key-encryption key.

    By SQL alone: needs no keys.
    """
    terminal = Terminal(as_json=as_json)
    with reading(url) as connection:
        found = [each for each in listing.keys(connection, tenant) if state in (None, each.state)]
        uses = _uses(connection, found) if counted else None
    if as_json:
        terminal.document([_key_data(each, uses) for each in found])
    elif not found:
        terminal.aside("no key is here: the first value of a tenant makes one")
    else:
        told = any(each.purpose != DATA for each in found)
        headings = [*HEADINGS[:2], *["purpose"][:told], *HEADINGS[2:], *["values"][:counted]]
        rows = [_key_row(each, uses, told) for each in found]
        terminal.table(headings, rows, "age wraps values")
    return Exit.DONE


def list_receipts(key: OfKey = None, url: Url = None, as_json: AsJson = False, debug: Debug = False) -> Exit:
    """Who revoked, reinstated and destroyed which key, when and why.

    By SQL alone: needs no keys.
    """
    terminal = Terminal(as_json=as_json)
    with reading(url) as connection:
        found = receipts(connection, key_of(key) if key else None)
    if as_json:
        terminal.document([asdict(each) for each in found])
    elif not found:
        terminal.aside("no receipt is here")
    else:
        headings = ("receipt", "at", "act", "key", "tenant", "by", "database role", "values", "reason")
        terminal.table(headings, [_receipt_row(each) for each in found], "receipt values")
    return Exit.DONE


def export_public_facts(with_use: WithUse = True, url: Url = None, debug: Debug = False) -> Exit:
    """What an auditor may have of the keys, as one JSON document.

    Ids, states, times, tenants, names of the providers' keys, values under each, receipts; of one moment.
    No key, wrapped or not. Needs no keys.
    """
    with reading(url) as connection:
        document = _public_facts(connection, with_use)
    Terminal().document(document)
    return Exit.DONE


def _public_facts(connection: Connection, with_use: bool) -> dict[str, Any]:
    about = connection.exec_driver_sql("SELECT current_database(), now(), current_setting('server_version')")
    name, now, server = about.one()
    return {
        "format": FORMAT,
        "at": now,
        "database": name,
        "server_version": server,
        "store_version": installed_version(connection),
        "keys": [asdict(each) for each in listing.keys(connection)],
        "receipts": [asdict(each) for each in receipts(connection)],
        "usage": [use_data(each) for each in usage(connection)] if with_use else None,
    }


def use_data(use: KeyUse) -> dict[str, Any]:
    """The use of a key as data: ids in hex, or as the UUID that they are."""
    under = str(UUID(bytes=use.key_id)) if use.wrap is Wrap.KEK else use.key_id.hex()
    return asdict(use) | {"wrap": use.wrap.name.lower().replace("_", "-"), "key_id": under}


Uses = dict[UUID, list[KeyUse]]


def _uses(connection: Connection, found: Sequence[KeyFacts]) -> Uses:
    uses: Uses = defaultdict(list)
    for use in usage(connection, [each.id for each in found]):
        uses[UUID(bytes=use.key_id)].append(use)
    return uses


def _key_data(each: KeyFacts, uses: Uses | None) -> dict[str, Any]:
    if uses is None:
        return asdict(each)
    return asdict(each) | {"usage": {use.place: use.rows for use in uses.get(each.id, [])}}


def _key_row(each: KeyFacts, uses: Uses | None, told: bool) -> list[str]:
    age = duration(max(0.0, (datetime.now(UTC) - each.created_at).total_seconds()))
    names = ", ".join(each.wrapped_by)
    values = [] if uses is None else [count(sum(use.rows for use in uses.get(each.id, [])))]
    named = [str(each.id), each.tenant or "", *[each.purpose][:told]]
    return [*named, each.state, age, count(each.wraps), names, *values]


def _receipt_row(each: Receipt) -> list[str]:
    affected = count(sum(each.rows.values())) if each.rows else ""
    signed = [each.by, each.database_role, affected, each.reason]
    return [str(each.id), moment(each.at), each.act, str(each.key), each.tenant or "", *signed]
