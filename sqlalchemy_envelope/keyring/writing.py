"""Under which key new data keys are wrapped: what tells a stored key cell that is to be rewrapped."""

from typing import NamedTuple

from ..providers.provider import KeyProvider
from ..wire import Wrap

__tracebackhide__ = True  # pytest prints no locals of these frames: they are beside those that hold keys


class Writing(NamedTuple):
    """The bytes 2 to 18 of the key cells that a keyring writes now: wrap and key id.

    `marks`: each that may be. `active_keys`: or those of the keys that are active in `envelope.key`, in the
    same database.
    """

    marks: frozenset[bytes] = frozenset()
    active_keys: bool = False


def mark_of(provider: KeyProvider) -> bytes:
    """Wrap and key id of the cells that a provider makes now."""
    (wrap,) = [each for each in Wrap if provider.handles(each, provider.key_id)]
    return bytes([wrap]) + provider.key_id
