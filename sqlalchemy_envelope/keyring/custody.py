"""A key-encryption key by its providers: made by the one that writes, unwrapped by any that can."""

from collections.abc import Sequence
from uuid import UUID

from ..cipher import KEY_BYTES, DataKey
from ..context import KekContext
from ..errors import DecryptionError, EnvelopeError, Failure, KeyProviderError
from ..providers.provider import KeyProvider
from ..wire import KeyCell
from .store import WrappedKek

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


def make_kek(provider: KeyProvider, id_: UUID, tenant: str | None) -> tuple[bytes, WrappedKek]:
    """A new key and how `provider` wrapped it, by one call. Raises `KeyProviderError`."""
    key, cell = _generate(provider, KekContext(id_, tenant))
    return key, WrappedKek(id_, tenant, [cell], [provider.key_name])


def unwrap_kek(providers: Sequence[KeyProvider], kek: WrappedKek) -> bytes:
    """The key, from the first of its cells that one of `providers` unwraps.

    Raises `KeyProviderError` where one that may hold it failed, and else `DecryptionError`.
    """
    failures: list[EnvelopeError] = []
    for cell in kek.cells:
        for provider in providers:
            try:
                parsed = KeyCell.parse(cell)
                if provider.handles(parsed.wrap, parsed.key_id):
                    return _whole(_unwrap(provider, parsed, kek.context))
            except DecryptionError:
                failures.append(DecryptionError(Failure.UNWRAP, kek.context.place))
            except KeyProviderError as error:
                failures.append(error)
    raise min(failures, key=_hope, default=DecryptionError(Failure.UNKNOWN_KEY, kek.context.place))


def _generate(provider: KeyProvider, context: KekContext) -> DataKey:
    if provider.local:
        return provider.generator(context)(1).each()[0]
    return provider.generate(context)


def _unwrap(provider: KeyProvider, cell: KeyCell, context: KekContext) -> bytes:
    if not provider.local:
        return provider.unwrap(cell, context)
    unwrap = provider.unwrappers(context).get(cell.head)
    if unwrap is None:
        raise DecryptionError(Failure.UNWRAP)
    return unwrap(cell.wrapped)


def _whole(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise DecryptionError(Failure.UNWRAP)
    return key


def _hope(error: EnvelopeError) -> int:
    """First what may pass by itself, then what someone may mend, then what never opens."""
    if isinstance(error, KeyProviderError):
        return 0 if error.retryable else 1
    return 2
