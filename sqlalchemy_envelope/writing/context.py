"""The execution context of an attached engine: what it writes is shown as it was given, never sealed."""

from typing import Any

from sqlalchemy.engine import CursorResult
from sqlalchemy.engine.default import DefaultExecutionContext

from .written import Written, taken

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


class WritingContext(DefaultExecutionContext):
    """What SQLAlchemy hands to Python defaults, and what it makes results of."""

    _written: Written | None = None
    _row: Any = None
    _as_sealed = False

    @property
    def current_parameters(self) -> Any:
        """The row that a Python default is computed for."""
        return self._row if self._as_sealed else self._given(self._row)

    @current_parameters.setter
    def current_parameters(self, row: Any) -> None:
        self._take()  # before a default runs a statement of its own
        self._row = row

    @current_parameters.deleter
    def current_parameters(self) -> None:
        del self._row

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> Any:
        """The same, by the keys of its columns."""
        self._as_sealed = True  # SQLAlchemy looks each column up, siblings too
        try:
            row = super().get_current_parameters(isolate_multiinsert_groups)  # type: ignore[no-untyped-call]
        finally:
            self._as_sealed = False
        return self._given(row)

    def _setup_result_proxy(self) -> Any:
        result = super()._setup_result_proxy()  # type: ignore[no-untyped-call]
        self._take()
        if self._written is not None:
            result.__class__ = WrittenResult
        return result

    def _take(self) -> None:
        if self._written is None:
            self._written = taken(self.root_connection, self.invoked_statement)

    def _given(self, parameters: Any) -> Any:
        if self._written is None or parameters is None:
            return parameters
        return self._written.given(parameters)


class WrittenResult(CursorResult[Any]):
    """A result that tells the parameters as they were given."""

    __slots__ = ()

    def last_inserted_params(self) -> Any:
        """The row that was inserted, or the rows."""
        return self._given(super().last_inserted_params())

    def last_updated_params(self) -> Any:
        """The row that an UPDATE was given, or the rows."""
        return self._given(super().last_updated_params())

    def _given(self, parameters: Any) -> Any:
        given = self.context._given  # type: ignore[attr-defined]
        return [given(each) for each in parameters] if isinstance(parameters, list) else given(parameters)


def writing_context_class(base: type[Any]) -> type[Any]:
    """The dialect's execution context with ours laid over it."""
    return type(f"Writing{base.__name__}", (WritingContext, base), {})
