"""`keys revoke`, `reinstate`, `retire` and `shred`: steps of a key's life, each with a receipt."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Connection

from ..errors import ConfigurationError
from ..keyring.store import KekState
from ..keystore import listing, states
from ..keystore.receipts import Receipt, SignOff
from ..rotation.retiring import is_provider_key, refuse_while_used
from .exits import Exit
from .figures import count
from .options import AsJson, Debug, Url
from .redaction import one_line
from .store import engine_of, key_of, writing
from .terminal import Terminal
from .url import database_of

Key = Annotated[str, typer.Argument(metavar="KEY", help="A key's id, as list shows it.")]
OneKey = Annotated[str | None, typer.Argument(metavar="KEY", help="A key's id, as list shows it.")]
By = Annotated[str, typer.Option("--by", help="Who signs it off: stands in the receipt.")]
Reason = Annotated[str, typer.Option("--reason", help="Why: stands in the receipt.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="All keys of this tenant instead.")]
Yes = Annotated[
    bool, typer.Option("--yes-destroy", help="Don't ask; needed where there is no terminal to ask on.")
]

DID = {"revoke": "revoked", "reinstate": "reinstated", "destroy": "destroyed"}


def revoke_key(
    key: Key, by: By, reason: Reason, url: Url = None, as_json: AsJson = False, debug: Debug = False
) -> Exit:
    """Have no process open with a key, until it is reinstated.

    Each stops once it reads the key's state again, after state_seconds at most. New values get a new key.
    Needs no keys.
    """
    with writing(url) as connection:
        receipt = states.revoke(connection, key_of(key), by=by, reason=reason)
    return _told(Terminal(as_json=as_json), [receipt])


def reinstate_key(
    key: Key, by: By, reason: Reason, url: Url = None, as_json: AsJson = False, debug: Debug = False
) -> Exit:
    """Let a revoked key open again what it wrapped.

    It wraps no more: new values stay under the key that was made meanwhile. Needs no keys.
    """
    with writing(url) as connection:
        receipt = states.reinstate(connection, key_of(key), by=by, reason=reason)
    return _told(Terminal(as_json=as_json), [receipt])


def retire_key(
    key: Key,
    by: Annotated[str, typer.Option("--by", help="Who signs it off; else the database role.")] = "",
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Destroy a deactivated key that no value is under any more.

    Refused, with counts, while one is, and for an hour after its deactivation. Of a provider's key, an ARN or
    static:ID, this says only whether it may go. Needs no keys.
    """
    if is_provider_key(key):
        return _unused(Terminal(as_json=as_json), key, url)
    with writing(url) as connection:
        receipt = states.retire(connection, key_of(key), by=by)
    return _told(Terminal(as_json=as_json), [receipt])


def _unused(terminal: Terminal, name: str, url: str | None) -> Exit:
    refuse_while_used(database_of(url), name)
    if terminal.as_json:
        terminal.document({"key": name, "used": False})
    else:
        terminal.say(f"nothing in this database is under {one_line(name)}")
    return Exit.DONE


def shred_keys(
    by: By,
    reason: Reason,
    key: OneKey = None,
    tenant: Tenant = None,
    yes: Yes = False,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Destroy a key, or all of a tenant: what is under it never opens again.

    Shows what that is and asks for the id to be typed. The receipt tells who, when, why, and how many values
    of which column. Needs no keys.
    """
    SignOff(by, reason)
    terminal = Terminal(as_json=as_json)
    named = key_of(key) if key is not None else None
    if not yes:
        _refuse_unasked()
        with engine_of(url) as engine, engine.connect() as connection:
            rows = states.rows_under(connection, _doomed(connection, named, tenant))
        lines = [f"key {each}: {_values(counts)}" for each, counts in rows.items()]
        if not _typed(lines, str(named) if named else tenant or ""):
            terminal.aside("nothing was done")
            return Exit.STOPPED
    with writing(url) as connection:
        found = states.shred(connection, named, tenant=tenant, by=by, reason=reason)
    return _told(terminal, found)


def _refuse_unasked() -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError("to destroy a key is for good: --yes-destroy, where there is no terminal")


def _doomed(connection: Connection, key: UUID | None, tenant: str | None) -> list[UUID]:
    """The keys that are meant and not destroyed yet. Raises `ConfigurationError` where there is none."""
    if (key is None) == (tenant is None):
        raise ConfigurationError("shred what? KEY, or --tenant: one of them")
    found = [each for each in listing.keys(connection, tenant) if key in (None, each.id)]
    doomed = [each.id for each in found if each.state is not KekState.DESTROYED]
    if not doomed:
        raise ConfigurationError("there is no such key that is not destroyed: `keys list` has them all")
    return doomed


def _typed(lines: Sequence[str], wanted: str) -> bool:
    """Whether somebody at the terminal types the very name of what is to be destroyed."""
    for line in lines:
        sys.stderr.write(f"{one_line(line)}\n")
    sys.stderr.write(f"These never open again. To go on, type {one_line(wanted)}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == wanted


def _told(terminal: Terminal, found: Sequence[Receipt]) -> Exit:
    if terminal.as_json:
        terminal.document([asdict(each) for each in found])
        return Exit.DONE
    for each in found:
        tenant = f", tenant {each.tenant}" if each.tenant else ""
        affected = f": {_values(each.rows)}" if each.act == "destroy" else ""
        terminal.say(one_line(f"key {each.key}{tenant} is {DID[each.act]}{affected} (receipt {each.id})"))
    if any(each.act == "destroy" for each in found):
        terminal.aside("backups, replicas and WAL keep its wrapped bytes for a while: docs/destruction.md")
    return Exit.DONE


def _values(rows: Mapping[str, int]) -> str:
    listed = ", ".join(f"{place} {count(number)}" for place, number in rows.items())
    return listed or "no value is under it"
