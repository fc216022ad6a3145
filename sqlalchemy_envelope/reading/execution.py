"""The execution context of an attached engine: keys before rows are opened, and no opened row in a log."""

from typing import Any

from sqlalchemy.engine.interfaces import ExecutionContext

from ..attachment import attachment_of
from .hiding import tell_searched
from .joined import tenant_parameters
from .prefetch import holds_values, plan_of, prefetch
from .probes import searched

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class EnvelopeContext(ExecutionContext):
    """What SQLAlchemy calls between executing a statement and fetching its rows."""

    @classmethod
    def _init_compiled(
        cls,
        dialect: Any,
        connection: Any,
        dbapi_connection: Any,
        execution_options: Any,
        compiled: Any,
        parameters: Any,
        *rest: Any,
        **more: Any,
    ) -> Any:
        """With the tenant that the statement runs for, where one is read by it, and what it searches for."""
        places = getattr(compiled, "tenant_places", None)
        if places:
            given = tenant_parameters(places, execution_options)
            parameters = [{**row, **given} for row in parameters or [{}]]
        make = super()._init_compiled
        if not getattr(compiled, "searches", False):
            return make(
                dialect, connection, dbapi_connection, execution_options, compiled, parameters, *rest, **more
            )
        try:
            rows = searched(connection, compiled, parameters or [{}], execution_options, *rest, **more)
            return make(
                dialect, connection, dbapi_connection, execution_options, compiled, rows, *rest, **more
            )
        except Exception as error:
            tell_searched(connection, compiled.searched_names, error)
            raise

    def post_exec(self) -> None:
        """Fetches the keys of all rows, where the keyring has to call for any."""
        super().post_exec()
        attachment = attachment_of(self.dialect)
        if attachment is not None and not attachment.envelope.keyring.local and (plan := plan_of(self)):
            prefetch(self, plan, attachment)

    def _setup_result_proxy(self) -> Any:
        """Without SQLAlchemy's log of rows, which echo="debug" writes once they are opened."""
        connection: Any = self.root_connection
        echo = connection._echo
        if not echo:
            return super()._setup_result_proxy()
        connection._echo = not holds_values(self)
        try:
            return super()._setup_result_proxy()
        finally:
            connection._echo = echo


def execution_context_class(base: type[Any]) -> type[Any]:
    """The dialect's execution context with ours laid over it."""
    return type(f"Envelope{base.__name__}", (EnvelopeContext, base), {})
