"""One key under one of several providers: unwrapped, or wrapped under another key and itself the same."""

from collections.abc import Sequence

from ..context import WrapContext
from ..errors import DecryptionError, Failure
from ..providers.provider import KeyProvider
from ..wire import KeyCell

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


def rewrapped(
    provider: KeyProvider, others: Sequence[KeyProvider], cell: bytes, context: WrapContext
) -> bytes:
    """The cell under the key with which `provider` wraps now; `others` open what they wrapped.

    Raises `DecryptionError` for what never unwraps, and `KeyProviderError`.
    """
    parsed = KeyCell.parse(cell)
    if provider.handles(parsed.wrap, parsed.key_id):
        return provider.rewrap(parsed, context)
    for other in others:
        if other.handles(parsed.wrap, parsed.key_id):
            return provider.wrap(unwrapped(other, parsed, context), context)
    raise DecryptionError(Failure.UNKNOWN_KEY, context.place)


def unwrapped(provider: KeyProvider, cell: KeyCell, context: WrapContext) -> bytes:
    """The key in a cell that `provider` handles. Raises `DecryptionError`, `KeyProviderError`."""
    if not provider.local:
        return provider.unwrap(cell, context)
    unwrap = provider.unwrappers(context).get(cell.head)
    if unwrap is None:
        raise DecryptionError(Failure.UNWRAP, context.place)
    return unwrap(cell.wrapped)
