"""Connections of the key store's own, made as the application's are and apart from its pool.

A request that holds the pool's last connection would otherwise wait for itself. What the application does
to its connections (a creator, `connect_args`, listeners of `do_connect` and `connect`) is done to these too.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.util import greenlet_spawn

from ..errors import ConfigurationError, KeyProviderError
from ..forks import start_afresh_after_fork
from .failures import translating

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

T = TypeVar("T")
Work = Callable[[Connection], T]

AT_ONCE = 2
"""Connections of one process: every operation is short, and thousands of processes share a server."""
LOCK_SECONDS = 15.0
"""Longer than a KMS call with its retries, for which others wait behind a lock."""
STATEMENT_SECONDS = 20.0
_PATIENCE = 2 * STATEMENT_SECONDS

_LIMITS = text(
    "SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', :statement, true),"
    " set_config('idle_in_transaction_session_timeout', :idle, true)"
).bindparams(
    lock=f"{LOCK_SECONDS:.0f}s", statement=f"{STATEMENT_SECONDS:.0f}s", idle=f"{2 * STATEMENT_SECONDS:.0f}s"
)


class Connections:
    """Runs work in a transaction each, READ COMMITTED whatever the engine says, on a connection of its own.

    `source`: an `Engine`, an `AsyncEngine` (the work then runs under an event loop of its own, in the calling
    thread), or a URL.
    """

    def __init__(self, source: Any) -> None:
        self._source = _engine_of(source)
        self.start_afresh()
        start_afresh_after_fork(self)

    def start_afresh(self) -> None:
        """A forked child has none of its parent's connections."""
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._opening = threading.Lock()

    @property
    def url(self) -> URL:
        """Where they go, unless the engine has a creator."""
        return self._source.url

    def run(self, work: Work[T]) -> T:
        """What `work` returns, once its transaction is committed. Raises as `failures.translated` says."""
        if not self._turns.acquire(timeout=_PATIENCE):
            raise KeyProviderError("the key store: too many wait for its connections", retryable=True)
        try:
            with translating():
                if self._source.dialect.is_async:
                    return asyncio.run(_spawned(self._transact, work))
                return self._transact(work)
        finally:
            self._turns.release()

    def _transact(self, work: Work[T]) -> T:
        source = self._source
        pool = source.pool.recreate()
        try:
            own = _Quiet(pool, source.dialect, source.url, hide_parameters=True)
            with self._opened(own) as connection, connection.begin():
                connection.execute(_LIMITS)
                return work(connection)
        finally:
            pool.dispose()

    def _opened(self, own: Engine) -> Connection:
        with self._opening:  # the first connection lets the dialect know the server: no second one meanwhile
            connection = own.connect()
        return connection.execution_options(isolation_level="READ COMMITTED")


class _Quiet(Engine):
    """Logs statements as any engine does where it is asked to, and never rows, which hold wrapped keys."""

    def _should_log_debug(self) -> bool:
        return False


def _spawned(call: Callable[[Work[T]], T], work: Work[T]) -> Coroutine[Any, Any, T]:
    return greenlet_spawn(call, work)


def _engine_of(source: Any) -> Engine:
    """The engine whose connections ours are like; one that is never used itself for a URL."""
    if isinstance(source, str | URL):
        url = make_url(source)
        if url.get_backend_name() == "postgresql":
            return create_engine(url, poolclass=NullPool, hide_parameters=True)
        raise ConfigurationError(f"a key store needs PostgreSQL, not {url.get_backend_name()}")
    engine = getattr(source, "sync_engine", source)
    if not isinstance(engine, Engine):
        raise ConfigurationError(f"a key store takes an engine or a URL, not {type(source).__name__}")
    if engine.dialect.name != "postgresql":
        raise ConfigurationError(f"a key store needs PostgreSQL, not {engine.dialect.name}")
    return engine
