"""The keys of the table: wrapped under their provider's new key; and a tenant's replaced by a new one.

Neither touches a data row: what the keys wrapped is as it was, and opens as before.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from ..backfill.postgres.database import Database
from ..errors import ConfigurationError, DecryptionError, EnvelopeError
from ..keyring.custody import make_kek, rewrap_kek
from ..keyring.keyring import Keyring
from ..keyring.store import KekRow, WrappedKek
from ..keyring.tiered import TieredKeyring
from ..keystore.connections import Connections
from ..keystore.locks import lock_tenant
from ..keystore.rows import COLUMNS, kek_row
from ..keystore.store import replace_active
from ..wire import KeyCell

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

BATCH = 100
"""Keys that are read, asked for at once, and written together."""

_READ = text(f"""
SELECT {COLUMNS} FROM envelope.key WHERE state <> 'destroyed' AND id > CAST(:after AS uuid)
ORDER BY id LIMIT {BATCH}""")  # noqa: S608

_REPLACE = text("""
UPDATE envelope.key SET wrapped = CAST(:new AS bytea[]), wrapped_by = CAST(:names AS text[]),
    rewrapped_at = now()
WHERE id = CAST(:id AS uuid) AND wrapped = CAST(:old AS bytea[]) AND state <> 'destroyed'""")
"""Compare-and-set: whoever else rewrapped it meanwhile did so too, and a key that was destroyed stays so."""


@dataclass
class Rewrapped:
    """`keys` that came to lie under the present key, by `calls` to providers; `failed` never unwrap."""

    keys: int = 0
    calls: int = 0
    failed: dict[UUID, DecryptionError] = field(default_factory=dict)


def rewrap_keks(source: Any, keyring: Keyring, *, concurrency: int = 20) -> Rewrapped:
    """Wraps every key that is not under the provider's present key under that; those of indexes too.

    One ReEncrypt each where the provider may, else unwrapped by whichever provider of the keyring opens it
    and wrapped by the first. `source`: the database of `envelope.key`, as an engine, a URL or a `Database`.
    No transaction is open during a call, and every batch is committed: run it again after whatever happened,
    beside others too. Raises `KeyProviderError` once what went well is written.
    """
    providers = keyring.index_keys.providers
    store, done = Connections(_place(source)), Rewrapped()
    with ThreadPoolExecutor(concurrency, "sqlalchemy-envelope") as threads:
        for batch in _batches(store):
            made = list(threads.map(partial(_rewrapped, providers), batch))
            new = [(row, each) for row, each in zip(batch, made, strict=True) if isinstance(each, WrappedKek)]
            done.calls += sum(_calls(providers, row) for row, _ in new)
            done.keys += store.run(partial(_replace, new)) if new else 0
            _sort_out(done, batch, made)
    return done


def rotate_kek(source: Any, keyring: Keyring, tenant: str | None = None) -> UUID:
    """A new active key for a tenant (None: for values of none), and its id; the one before only opens.

    Other processes wrap under the one before until they read its state again, `state_seconds` at most.
    """
    tiered = _tiered(keyring)

    def replace(connection: Connection) -> UUID:
        lock_tenant(connection, tenant)
        _, wrapped = make_kek(tiered.providers[0], uuid4(), tenant)
        return replace_active(connection, wrapped).id

    made = Connections(_place(source)).run(replace)
    tiered.purge_cache()
    return made


def _tiered(keyring: Keyring) -> TieredKeyring:
    if isinstance(keyring, TieredKeyring):
        return keyring
    raise ConfigurationError(
        f"a {type(keyring).__name__} has no key-encryption keys: use a TieredKeyring, ENVELOPE_KEYRING=tiered"
    )


def _place(source: Any) -> Any:
    return source.url if isinstance(source, Database) else source


def _batches(store: Connections) -> Iterator[list[KekRow]]:
    after = UUID(int=0)
    while True:
        rows = store.run(partial(_read, after))
        if not rows:
            return
        yield rows
        after = rows[-1].id


def _read(after: UUID, connection: Connection) -> list[KekRow]:
    return [kek_row(row) for row in connection.execute(_READ, {"after": after})]


def _rewrapped(providers: Sequence[Any], row: KekRow) -> WrappedKek | EnvelopeError | None:
    """The key as it is to be stored; None where it is already so; or why it can't be."""
    try:
        made = rewrap_kek(providers, row)
    except EnvelopeError as error:
        return error
    return None if made is row else made


def _replace(new: Sequence[tuple[KekRow, WrappedKek]], connection: Connection) -> int:
    """How many were still as they were read."""
    replaced = 0
    for row, kek in new:
        cells = {"old": list(row.cells), "new": list(kek.cells), "names": list(kek.names)}
        replaced += connection.execute(_REPLACE, {"id": row.id, **cells}).rowcount
    return replaced


def _sort_out(done: Rewrapped, batch: Sequence[KekRow], made: Sequence[Any]) -> None:
    for row, each in zip(batch, made, strict=True):
        if isinstance(each, DecryptionError):
            done.failed[row.id] = each
        elif isinstance(each, EnvelopeError):
            raise each


def _calls(providers: Sequence[Any], row: KekRow) -> int:
    """To a provider elsewhere: one where it rewraps itself, else one to unwrap and one to wrap."""
    cell = KeyCell.parse(row.cells[0])
    of = next((each for each in providers if each.handles(cell.wrap, cell.key_id)), None)
    involved = [providers[0]] if of is None or of is providers[0] else [of, providers[0]]
    return sum(not each.local for each in involved)
