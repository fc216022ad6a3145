"""How a revision writes what is ours: an encrypted type as the `bytea` that it is, an operation as a call."""

from typing import Any, Literal

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext

from ..blind import BlindIndex
from ..context import Context
from ..padding import Padding
from ..types import EncryptedType
from .told import ToldOperation


def render_item(type_: str, obj: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """For `context.configure(render_item=...)`: `sa.LargeBinary()` in place of an encrypted type.

    A revision is history: it names what the database holds, so it neither imports this package nor changes
    when the model does. Call it from a function of your own to render more; False leaves an item to Alembic.
    """
    if type_ == "type" and isinstance(obj, EncryptedType):
        return f"{autogen_context.opts['sqlalchemy_module_prefix']}LargeBinary()"
    return False


@renderers.dispatch_for(ToldOperation)
def render_operation(autogen_context: AutogenContext, operation: ToldOperation) -> str:
    """`op.encrypt_column('customer', 'email')`, with what is not the default."""
    arguments, options = operation.call
    named = [f"{name}={_written(value, autogen_context)}" for name, value in options.items()]
    prefix = autogen_context.opts["alembic_module_prefix"] or ""
    return f"{prefix}{operation.name}({', '.join([*map(repr, arguments), *named])})"


def _written(value: Any, autogen_context: AutogenContext) -> str:
    """A literal; a string for a context that is no more than its place."""
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, Padding):
        autogen_context.imports.add("from sqlalchemy_envelope import Padding")
        return f"Padding(multiple={value.multiple})" if value.multiple else f"Padding(least={value.least})"
    if isinstance(value, BlindIndex):
        names = {"BlindIndex", *(repr(each).partition("(")[0] for each in value.expressions)}
        autogen_context.imports.add(f"from sqlalchemy_envelope import {', '.join(sorted(names))}")
    if isinstance(value, list):
        return f"[{', '.join(_written(each, autogen_context) for each in value)}]"
    if isinstance(value, dict):
        each = (f"{name!r}: {_written(of, autogen_context)}" for name, of in value.items())
        return f"{{{', '.join(each)}}}"
    if not isinstance(value, Context):
        return repr(value)
    if value == Context(value.table, value.column):
        return repr(value.place)
    autogen_context.imports.add("from sqlalchemy_envelope import Context")
    tenant = f", tenant={value.tenant!r}" if value.tenant is not None else ""
    return f"Context({value.table!r}, {value.column!r}, {value.key!r}{tenant})"
