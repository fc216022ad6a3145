"""How an encrypted type is written in a revision: as the `bytea` that it is."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext

from ..types import EncryptedType


def render_item(type_: str, obj: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """For `context.configure(render_item=...)`: `sa.LargeBinary()` in place of an encrypted type.

    A revision is history: it names what the database holds, so it neither imports this package nor changes
    when the model does. Call it from a function of your own to render more; False leaves an item to Alembic.
    """
    if type_ == "type" and isinstance(obj, EncryptedType):
        return f"{autogen_context.opts['sqlalchemy_module_prefix']}LargeBinary()"
    return False
