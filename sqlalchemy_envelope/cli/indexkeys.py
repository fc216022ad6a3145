"""`index-keys list`, `begin`, `activate`, `retire`: an index key replaced while the application runs."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ..backfill.postgres.database import Database
from ..blind import IndexName, purpose_of
from ..errors import ConfigurationError
from ..keyring.index_store import TAG_BYTES
from ..keyring.store import KekState
from ..keystore import listing
from ..keystore.index_states import WAIT_SECONDS
from ..keystore.index_usage import index_usage
from ..keystore.listing import KeyFacts
from ..rotation.index_keys import (
    activate_index_key,
    begin_index_key,
    index_names,
    retire_index_key,
    waiting,
)
from .exits import Exit
from .figures import count, duration
from .keys import Keys
from .options import AsJson, Debug, KeySource, Url
from .redaction import one_line
from .store import reading
from .terminal import Terminal
from .url import database_of

Key = Annotated[str, typer.Argument(metavar="INDEX", help="The name of its key, as list shows it.")]
OneKey = Annotated[str | None, typer.Argument(metavar="INDEX", help="Of this index only.")]
Counted = Annotated[bool, typer.Option("--count", help="How many rows are under each.")]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="For this tenant only; else for all.")]
Wait = Annotated[bool, typer.Option("--wait", help="Until its time has come, rather than refuse.")]
After = Annotated[
    float, typer.Option("--after", min=0, metavar="SECONDS", help="That a step waits after the last.")
]
By = Annotated[str, typer.Option("--by", help="Who signs it off; else the database role.")]

Names = Sequence[IndexName]


def list_index_keys(
    key: OneKey = None,
    counted: Counted = False,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """The keys of blind indexes, and with --count the rows under each.

    By SQL alone: needs no keys.
    """
    terminal = Terminal(as_json=as_json)
    with reading(url) as connection:
        listed = listing.keys(connection)
        found = [each for each in listed if each.purpose in _purposes(listed, key)]
        uses = index_usage(connection, [each.id for each in found]) if counted else []
    rows = {each.id: {use.place: use.rows for use in uses if use.key == each.id} for each in found}
    if as_json:
        facts = [{"index": _index(each), **asdict(each)} for each in found]
        told = [each | {"usage": rows[each["id"]]} for each in facts] if counted else facts
        terminal.document(told)
    elif not found:
        terminal.aside("no index key is here: the first value that is written makes one")
    else:
        headings = ("index", "tenant", "key", "cells begin", "state", "age", *["rows"][:counted])
        shown = [[*_row(each), *[count(sum(rows[each.id].values()))][:counted]] for each in found]
        terminal.table(headings, shown, "age rows")
    return Exit.DONE


def begin_index(
    key: Key,
    tenant: OfTenant = None,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Make the next key of an index: it is searched by, and not written with yet.

    For every tenant that has none on its way, or one. Needs keys: one call to the provider each.
    """
    database, terminal = database_of(url), Terminal(as_json=as_json)
    begun = set(index_names(database, key, KekState.PRE_ACTIVE))
    names = [each for each in _names(database, key, tenant, KekState.ACTIVE) if each not in begun or tenant]
    keyring = Keys(envelope)().keyring
    return _told(terminal, names, "searched by", lambda of: begin_index_key(database, keyring, key, of))


def activate_index(
    key: Key,
    tenant: OfTenant = None,
    wait: Wait = False,
    after: After = WAIT_SECONDS,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Write with the next key from now on. The one before is still searched by.

    Refused until every process searches by it, which takes some minutes. Digest the rows anew then. Needs no
    keys.
    """
    database, terminal = database_of(url), Terminal(as_json=as_json)
    names = _names(database, key, tenant, KekState.PRE_ACTIVE)

    def activate(of: str | None) -> Any:
        return activate_index_key(database, key, of, after=after)

    return _told(terminal, names, "written with", _step(terminal, activate, wait))


def retire_index(
    key: Key,
    tenant: OfTenant = None,
    by: By = "",
    wait: Wait = False,
    after: After = WAIT_SECONDS,
    url: Url = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Destroy the key before, once no row is under it and no transaction can see one.

    Refused, with counts, until then, and for some minutes after the activation. Needs no keys.
    """
    database, terminal = database_of(url), Terminal(as_json=as_json)
    names = _names(database, key, tenant, KekState.DEACTIVATED)

    def retire(of: str | None) -> Any:
        return ", ".join(str(each.key) for each in retire_index_key(database, key, of, after=after, by=by))

    return _told(terminal, names, "destroyed", _step(terminal, retire, wait))


def _step(terminal: Terminal, step: Callable[[str | None], Any], wait: bool) -> Callable[[str | None], Any]:
    """The step as it is, or one that waits and says for what, once for each reason."""
    if not wait:
        return step
    said: set[str] = set()

    def told(reason: str, seconds: float | None) -> None:
        kind = re.sub(r"\d+", "", reason)
        if kind not in said:
            terminal.aside(one_line(reason))
        said.add(kind)

    return lambda of: waiting(lambda: step(of), told)


def _names(database: Database, key: str, tenant: str | None, state: KekState) -> Names:
    """The tenants that are meant. Raises `ConfigurationError` where there is none."""
    names = [each for each in index_names(database, key, state) if tenant in (None, each.tenant)]
    if not names:
        of = f" of tenant {tenant}" if tenant else ""
        raise ConfigurationError(f"blind index {key}{of} has no {state} key: `index-keys list` has them all")
    return names


def _told(terminal: Terminal, names: Names, state: str, step: Callable[[str | None], Any]) -> Exit:
    made = []
    for name in names:
        made.append({"key": str(step(name.tenant)), "tenant": name.tenant})
        if not terminal.as_json:
            of = f" of tenant {name.tenant}" if name.tenant else ""
            terminal.say(one_line(f"key {made[-1]['key']}{of} is {state}"))
    if terminal.as_json:
        terminal.document(made)
    return Exit.DONE


def _purposes(listed: Sequence[KeyFacts], key: str | None) -> set[str]:
    return {each.purpose for each in listed if each.purpose != "data"} if key is None else {purpose_of(key)}


def _index(each: KeyFacts) -> str:
    return each.purpose.removeprefix(purpose_of(""))


def _row(each: KeyFacts) -> list[str]:
    age = duration(max(0.0, (datetime.now(UTC) - each.created_at).total_seconds()))
    return [_index(each), each.tenant or "", str(each.id), each.id.bytes[:TAG_BYTES].hex(), each.state, age]
