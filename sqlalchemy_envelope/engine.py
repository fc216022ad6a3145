"""`attach` and `detach`: an envelope for an engine, by the hooks of the two rooms below."""

import asyncio
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, Select, event
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.util import await_only

from . import columns  # noqa: F401 - listens to tables
from .attachment import SLOT, Attachment, attachment_of
from .envelope import Envelope
from .errors import ConfigurationError
from .keyring.waiting import wait_here
from .keystore import creating  # noqa: F401 - listens to tables
from .keystore.binding import bind_store
from .reading.compiler import compiler_class
from .reading.execution import execution_context_class
from .reading.hiding import hide_searched
from .writing import flushing, mapped_keys, together  # noqa: F401 - listen to mappers
from .writing.context import writing_context_class
from .writing.rewrite import rewrite
from .writing.site import Site
from .writing.written import Written, hide_unknown, remember

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

AnyEngine = TypeVar("AnyEngine")

_DRIVERS = ("psycopg", "asyncpg")
_HIDING = (hide_unknown, hide_searched)


def attach(engine: AnyEngine, envelope: Envelope) -> AnyEngine:
    """Lets `engine` (an `Engine` or `AsyncEngine`) write and read encrypted columns; returns it.

    Holds for the root engine and all that share its dialect. Attaching the same envelope again changes
    nothing. A `TieredKeyring` without a store gets this engine's database for one. Raises
    `ConfigurationError` for a second envelope, for drivers other than psycopg and asyncpg, and where keys
    would lie in another database than the values.
    """
    if not isinstance(envelope, Envelope):
        raise ConfigurationError(f"attach takes an Envelope, not {type(envelope).__name__}")
    root = _root(engine)
    dialect = root.dialect
    present = attachment_of(dialect)
    if present is not None and present.envelope is not envelope:
        raise ConfigurationError(
            "this engine has another envelope: detach(engine) first, or use a second one"
        )
    if dialect.name != "postgresql" or dialect.driver.removesuffix("_async") not in _DRIVERS:
        given = f"{dialect.name}+{dialect.driver}"
        raise ConfigurationError(f"attach needs postgresql with psycopg 3 or asyncpg, not {given}")
    bind_store(envelope.keyring, root)
    if present is None:
        _install(root, dialect, envelope)
    return engine


def detach(engine: object) -> None:
    """Takes the envelope off an engine; encrypted columns then raise `NotAttachedError`."""
    root = _root(engine)
    if root.dialect.__dict__.pop(SLOT, None) is None:
        return
    for name in ("statement_compiler", "execution_ctx_cls"):
        root.dialect.__dict__.pop(name, None)
    event.remove(root, "before_execute", _before_execute)
    for hide in _HIDING:
        event.remove(root, "handle_error", hide)
    root.clear_compiled_cache()


def _install(root: Engine, dialect: Any, envelope: Envelope) -> None:
    dialect.__dict__[SLOT] = Attachment(envelope, _await_here if dialect.is_async else wait_here)
    dialect.statement_compiler = compiler_class(type(dialect).statement_compiler)
    reading = execution_context_class(type(dialect).execution_ctx_cls)
    dialect.execution_ctx_cls = writing_context_class(reading)
    event.listen(root, "before_execute", _before_execute, retval=True)
    for hide in _HIDING:
        event.listen(root, "handle_error", hide)
    root.clear_compiled_cache()


def _before_execute(connection: Any, statement: Any, multi: Any, single: Any, options: Any) -> Any:
    attachment = attachment_of(connection.dialect)
    if attachment is None or statement.__class__ is Select:  # most statements, and nothing is written
        return statement, multi, single
    executed = rewrite(statement, multi, single, Site(attachment, connection, options))
    if executed.sealed is not None:
        remember(connection, Written(executed.statement, executed.sealed))
    return executed[:3]


def _await_here(future: "Future[Any]") -> Any:
    """Waits inside SQLAlchemy's greenlet, while the event loop runs on."""
    return await_only(asyncio.wrap_future(future))


def _root(engine: Any) -> Engine:
    engine = getattr(engine, "sync_engine", engine)
    while hasattr(engine, "_proxied"):
        engine = engine._proxied
    if not isinstance(engine, Engine):
        raise ConfigurationError(f"attach takes an Engine or AsyncEngine, not {type(engine).__name__}")
    return engine


class EnvelopePlugin(CreateEnginePlugin):
    """`create_engine(url, plugins=["envelope"])`: attaches `Envelope.from_env()`."""

    def update_url(self, url: URL) -> URL:
        """Nothing is configured by the URL: it stays as it is."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """SQLAlchemy's hook once the engine is there."""
        attach(engine, Envelope.from_env())
