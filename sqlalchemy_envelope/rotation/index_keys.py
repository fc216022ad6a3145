"""An index key replaced by another while the application runs: begin, activate, digest anew, retire.

Each step is committed, and noted in a transaction after it (`keystore.index_states`). All may be called again
after whatever happened. Nothing has to be deployed or restarted: processes go by the table.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from ..backfill.postgres.database import Database
from ..blind import IndexName, purpose_of
from ..errors import BackfillError
from ..keyring.custody import make_kek
from ..keyring.keyring import Keyring
from ..keyring.store import KekState
from ..keystore import index_states
from ..keystore.connections import Connections
from ..keystore.index_states import WAIT_SECONDS, NotYet
from ..keystore.receipts import Receipt

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

POLL_SECONDS = 1.0

_NAMES = text("""
SELECT DISTINCT purpose, tenant FROM envelope.key WHERE state = CAST(:state AS text) AND purpose <> 'data'
AND (CAST(:purpose AS text) IS NULL OR purpose = CAST(:purpose AS text))
ORDER BY purpose, tenant NULLS FIRST""")


class TooEarlyError(BackfillError):
    """A step whose time has not come; `seconds` says when to ask again, if that is known."""

    retryable = True

    def __init__(self, not_yet: NotYet) -> None:
        super().__init__(not_yet.reason)
        self.seconds = not_yet.seconds


def index_names(source: Any, key: str | None = None, state: KekState = KekState.ACTIVE) -> list[IndexName]:
    """The indexes with a key in this state, of each tenant: all, or those of one logical key name."""

    def read(connection: Connection) -> list[IndexName]:
        wanted = {"purpose": None if key is None else purpose_of(key), "state": state.value}
        return [IndexName(*row) for row in connection.execute(_NAMES, wanted)]

    return _on(source).run(read)


def begin_index_key(source: Any, keyring: Keyring, key: str, tenant: str | None = None) -> UUID:
    """A new key for an index, pre-active, by one call to the provider: its id.

    `key`: the index's logical key name, as `patient.ssn_bidx`. `source`: the database of `envelope.key`, as
    an engine, a URL or a `Database`. Raises `ConfigurationError` where a rotation is under way already.
    """
    name, store = IndexName(purpose_of(key), tenant), _on(source)
    store.run(lambda connection: _refuse_begin(connection, name))
    _, wrapped = make_kek(keyring.index_keys.providers[0], uuid4(), tenant)
    store.run(lambda connection: index_states.begin(connection, name, wrapped))
    _settle(store, name)
    keyring.index_keys.purge_cache()
    return wrapped.id


def activate_index_key(
    source: Any, key: str, tenant: str | None = None, *, after: float = WAIT_SECONDS
) -> UUID:
    """Has new rows written with the pre-active key, and the one before only searched by: the key's id.

    `after`: seconds that processes may go by what they read, and a margin. `TooEarlyError` before that.
    """
    name, store = IndexName(purpose_of(key), tenant), _on(source)
    _settle(store, name)
    done = store.run(lambda connection: index_states.activate(connection, name, after))
    if isinstance(done, NotYet):
        raise TooEarlyError(done)
    _settle(store, name)
    return done


def retire_index_key(
    source: Any, key: str, tenant: str | None = None, *, after: float = WAIT_SECONDS, by: str = ""
) -> list[Receipt]:
    """Destroys the keys that an index was written with before, once no row is under them and none can be.

    `TooEarlyError` while one may be: for `after` seconds from the activation, while a row is, and while a
    transaction runs that may see one. Looks at this database only. `by`: the database role unless given.
    """
    name, store = IndexName(purpose_of(key), tenant), _on(source)
    _settle(store, name)
    done = store.run(lambda connection: index_states.retire(connection, name, after, by))
    if isinstance(done, NotYet) and done.seconds == 0.0:  # found empty: a second look may destroy it
        done = store.run(lambda connection: index_states.retire(connection, name, after, by))
    if isinstance(done, NotYet):
        raise TooEarlyError(done)
    return done


def waiting(step: Callable[[], Any], told: Callable[[str, float | None], None] = lambda *_: None) -> Any:
    """What `step` returns, once its time has come: asked again and again, `told` why and for how long."""
    while True:
        try:
            return step()
        except TooEarlyError as early:
            told(str(early), early.seconds)
            time.sleep(min(max(early.seconds or POLL_SECONDS, 0.01), POLL_SECONDS))


def _refuse_begin(connection: Connection, name: IndexName) -> None:
    """Before a provider is called for nothing."""
    index_states.refuse_begin(index_states.of_index(connection, name), name)


def _settle(store: Connections, name: IndexName) -> None:
    store.run(lambda connection: index_states.settle(connection, name))


def _on(source: Any) -> Connections:
    return Connections(source.url if isinstance(source, Database) else source)
