"""What a column's type asks of the engine that it runs on: its envelope, or why there is none."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Dialect

from .attachment import Attachment, attachment_of
from .comparator import place_of
from .errors import NotAttachedError, UnsupportedStatementError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_ATTACH = "attach an envelope to the engine first: attach(engine, Envelope.from_env())"


def attached(type_: Any, dialect: Dialect) -> Attachment:
    """The engine's attachment. Raises `NotAttachedError`."""
    attachment = attachment_of(dialect)
    if attachment is None:
        raise not_attached(type_)
    return attachment


def opener(type_: Any, dialect: Dialect) -> Callable[[Any], Any]:
    """What opens and decodes a value of the column, by the engine's envelope."""
    found: Any = attached(type_, dialect).envelope.opener(type_.reading)
    return found.reader(type_.codec.decode)  # type: ignore[no-any-return]


def unsealed(type_: Any, dialect: Dialect) -> Exception:
    """Why a value got here as it was given: no envelope, or a statement that nobody rewrote."""
    if attachment_of(dialect) is None:
        return not_attached(type_)
    return UnsupportedStatementError(
        f"a value for {place_of(type_)} stands where it can't be sealed: "
        "write it by insert() or update() of its own table"
    )


def not_attached(type_: Any) -> NotAttachedError:
    """The error that says what is missing."""
    return NotAttachedError(f"{place_of(type_)} is encrypted; {_ATTACH}")
