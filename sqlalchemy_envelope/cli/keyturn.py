"""`keys create` and `rotate`: new keys to write with."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ..errors import ConfigurationError
from ..keyring.store import KekState
from ..keystore import listing
from ..rotation import rotate_kek
from ..rotation.creating import create_kek
from .exits import Exit
from .keylist import DATA
from .keys import Keys
from .options import AsJson, Debug, KeySource, Url
from .store import reading
from .terminal import Terminal
from .url import database_of

OfTenant = Annotated[str | None, typer.Option("--tenant", help="For this tenant.")]
OfNone = Annotated[bool, typer.Option("--no-tenant", help="For values that belong to no tenant.")]
OfAll = Annotated[bool, typer.Option("--all", help="For every tenant that has an active key, and for none.")]
OlderThan = Annotated[
    float | None,
    typer.Option(
        "--older-than", min=0, metavar="DAYS", help="With --all: only keys so old. To go on with it."
    ),
]


def create_key(
    tenant: OfTenant = None,
    of_none: OfNone = False,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Make a tenant's key, where it has none yet.

    The first value of a tenant would make it; this is for those who would rather see it done. Needs keys: one
    call to the provider.
    """
    _check_tenant(tenant, of_none=of_none)
    terminal, database = Terminal(as_json=as_json), database_of(url)
    id_, made = create_kek(database, Keys(envelope)().keyring, tenant)
    if as_json:
        terminal.document({"id": str(id_), "tenant": tenant, "made": made})
    else:
        terminal.say(f"key {id_} is {'made' if made else 'there already'}{_of(tenant)}")
    return Exit.DONE


def rotate_keys(
    tenant: OfTenant = None,
    of_none: OfNone = False,
    of_all: OfAll = False,
    older_than: OlderThan = None,
    url: Url = None,
    envelope: KeySource = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Exit:
    """Give a tenant a new key to write with, or every tenant.

    What is stored stays under the key before, which only opens from then on: `keys rewrap` moves it. Needs
    keys: one call to the provider each.
    """
    _check_tenant(tenant, of_none=of_none, of_all=of_all)
    terminal, database = Terminal(as_json=as_json), database_of(url)
    tenants = _active(url, older_than or 0) if of_all else [tenant]
    keyring = Keys(envelope)().keyring
    made = []
    for each in tenants:
        id_ = rotate_kek(database, keyring, each)
        made.append({"id": str(id_), "tenant": each})
        if not as_json:
            terminal.say(f"key {id_} is active{_of(each)}")
    if as_json:
        terminal.document(made)
    return Exit.DONE


def _check_tenant(tenant: str | None, *, of_none: bool, of_all: bool | None = None) -> None:
    """Exactly one of the options; nothing is meant by leaving them out."""
    if sum((tenant is not None, of_none, bool(of_all))) != 1:
        every = "" if of_all is None else ", --all"
        raise ConfigurationError(f"for whom? --tenant, --no-tenant{every}: one of them")
    if tenant == "":
        raise ConfigurationError("a tenant's name is not empty; --no-tenant is for values of none")


def _active(url: str | None, days: float) -> list[str | None]:
    latest = datetime.now(UTC) - timedelta(days=days)
    with reading(url) as connection:
        found = [each for each in listing.keys(connection) if each.purpose == DATA]
    active = [each for each in found if each.state is KekState.ACTIVE]
    return [each.tenant for each in active if days == 0 or each.created_at <= latest]


def _of(tenant: str | None) -> str:
    return " for values of no tenant" if tenant is None else f" for tenant {tenant}"
