"""A key-encryption key by its providers: made by the one that writes, unwrapped by any that can."""

from collections.abc import Sequence
from uuid import UUID

from ..cipher import KEY_BYTES, DataKey
from ..context import KekContext
from ..errors import DecryptionError, EnvelopeError, Failure, KeyProviderError
from ..providers.provider import KeyProvider
from ..providers.racing import most_hopeful
from ..providers.regional import RegionalKms
from ..wire import KeyCell
from .custodian import unwrapped
from .store import WrappedKek

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys


def make_kek(provider: KeyProvider, id_: UUID, tenant: str | None) -> tuple[bytes, WrappedKek]:
    """A new key and how `provider` wrapped it: one call, or one for each of its regions.

    Raises `KeyProviderError`.
    """
    context = KekContext(id_, tenant)
    if isinstance(provider, RegionalKms):
        key, named = provider.generate_all(context)
        return key, WrappedKek(id_, tenant, [cell for cell, _ in named], [name for _, name in named])
    key, cell = _generate(provider, context)
    return key, WrappedKek(id_, tenant, [cell], [provider.key_name])


def unwrap_kek(providers: Sequence[KeyProvider], kek: WrappedKek) -> bytes:
    """The key, from the first of its cells that one of `providers` unwraps.

    Raises `KeyProviderError` where one that may hold it failed, and else `DecryptionError`.
    """
    failures: list[EnvelopeError] = []
    cells = _parsed(kek, failures)
    for provider in providers:
        mine = [cell for cell in cells if provider.handles(cell.wrap, cell.key_id)]
        for some in [mine] if isinstance(provider, RegionalKms) and mine else [[cell] for cell in mine]:
            try:
                return _whole(_unwrap(provider, some, kek.context))
            except DecryptionError:
                failures.append(DecryptionError(Failure.UNWRAP, kek.context.place))
            except KeyProviderError as error:
                failures.append(error)
    raise most_hopeful(failures or [DecryptionError(Failure.UNKNOWN_KEY, kek.context.place)])


def rewrap_kek(providers: Sequence[KeyProvider], kek: WrappedKek) -> WrappedKek:
    """The same key under the present key of the first provider, of each of its regions if it has several.

    Itself where that is so. Inside the KMS where a cell is its own; else the key is unwrapped by any of
    `providers` and wrapped anew. Raises as `unwrap_kek`, and `KeyProviderError` where any region failed.
    """
    if is_rewrapped(providers[0], kek):
        return kek
    custodians = custodians_of(providers[0])
    cells = [_rewrapped(each, providers, kek) for each in custodians]
    return WrappedKek(kek.id, kek.tenant, cells, [each.key_name for each in custodians])


def is_rewrapped(provider: KeyProvider, kek: WrappedKek) -> bool:
    """Whether the key lies under just the keys that `provider` wraps with now, in every region."""
    wanted = sorted(each.key_id for each in custodians_of(provider))
    return sorted(cell.key_id for cell in _parsed(kek, [])) == wanted


def custodians_of(provider: KeyProvider) -> Sequence[KeyProvider]:
    """The providers that each have a cell: one for each key of a `RegionalKms`, else the provider itself."""
    if not isinstance(provider, RegionalKms):
        return [provider]
    return list({each.key_id: each for each in reversed(provider.regions)}.values())[::-1]


def _rewrapped(custodian: KeyProvider, providers: Sequence[KeyProvider], kek: WrappedKek) -> bytes:
    for cell in _parsed(kek, []):
        if cell.key_id == custodian.key_id:
            return cell.pack()
        if custodian.handles(cell.wrap, cell.key_id):
            try:
                return custodian.rewrap(cell, kek.context)
            except DecryptionError:
                continue  # damaged: another cell may do
    return custodian.wrap(unwrap_kek(providers, kek), kek.context)


def _parsed(kek: WrappedKek, failures: list[EnvelopeError]) -> list[KeyCell]:
    cells = []
    for cell in kek.cells:
        try:
            cells.append(KeyCell.parse(cell))
        except DecryptionError:
            failures.append(DecryptionError(Failure.UNWRAP, kek.context.place))
    return cells


def _generate(provider: KeyProvider, context: KekContext) -> DataKey:
    if provider.local:
        return provider.generator(context)(1).each()[0]
    return provider.generate(context)


def _unwrap(provider: KeyProvider, cells: Sequence[KeyCell], context: KekContext) -> bytes:
    if isinstance(provider, RegionalKms):
        return provider.unwrap_any(cells, context)
    (cell,) = cells
    return unwrapped(provider, cell, context)


def _whole(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise DecryptionError(Failure.UNWRAP)
    return key
