"""Which envelope a dialect carries. Looked up late, so that nothing stale outlives `detach`."""

from typing import Any, NamedTuple

from sqlalchemy.engine import Dialect

from .envelope import Envelope
from .keyring.waiting import Wait

SLOT = "_sqlalchemy_envelope"


class Attachment(NamedTuple):
    """An envelope and how its engine waits for a wave of keys."""

    envelope: Envelope
    wait: Wait[Any]


def attachment_of(dialect: Dialect) -> Attachment | None:
    """The dialect's attachment, if an engine with it was attached."""
    return dialect.__dict__.get(SLOT)
