"""Many data keys wrapped under another key, and themselves the same.

A provider that wrapped it does so itself, inside of KMS where it is one. What another provider wrapped is
unwrapped by that one first.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..cipher import Rewrap, Unwrap
from ..context import Context
from ..errors import DecryptionError
from ..wire import KEY_HEAD_BYTES, KeyCell
from .keyring import Keyring, Stored
from .pool import Pool, wait_for
from .waiting import Wait
from .wave import Call, Wave

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

RewrapOne = Callable[[Context, bytes], bytes]


def rewrap_all(
    pool: Pool | None, rewrap_one: RewrapOne, stored: Sequence[Stored], wait: Wait[None]
) -> list[bytes]:
    """The new cell of each, equal ones wrapped once, by a call each; here where there is no pool."""
    if pool is None:
        made = {each: _placed(rewrap_one, each) for each in dict.fromkeys(stored)}
        return [made[each] for each in stored]
    wave = Wave()
    calls = {each: Call(partial(_placed, rewrap_one, each)) for each in dict.fromkeys(stored)}
    with pool.lock:
        for call in calls.values():
            pool.board.ask(wave, call)
        asked = pool.start(wave)
    if asked:
        wait_for(wave, wait)
    return [calls[each].result for each in stored]


def wrap_all(
    keys: Mapping[Stored, bytes], wrapper: Callable[[Context], Rewrap], stored: Sequence[Stored]
) -> list[bytes]:
    """The new cell of each in this process: what wraps is made once for each context."""
    wraps = {context: wrapper(context) for context in dict.fromkeys(context for context, _ in keys)}
    cells = {each: wraps[each[0]](key) for each, key in keys.items()}
    return [cells[each] for each in stored]


def data_keys(keyring: Keyring, stored: Sequence[Stored], wait: Wait[None]) -> dict[Stored, bytes]:
    """The data key of each distinct cell: here where that can be, the others in one wave.

    Raises `DecryptionError` for the first that never unwraps, and `KeyProviderError`.
    """
    contexts = dict.fromkeys(context for context, _ in stored)
    known = {context: keyring.unwrappers(context) for context in contexts}
    keys: dict[Stored, bytes] = {}
    others: list[Stored] = []
    for each in dict.fromkeys(stored):
        context, cell = each
        head = cell[:KEY_HEAD_BYTES]
        unwrap = known[context].get(head) if head in known[context] else None
        if unwrap is None:
            others.append(each)
        else:
            keys[each] = _placed(_unwrapping(unwrap), each)
    return keys | (keyring.unlock(others, wait) if others else {})


def _unwrapping(unwrap: Unwrap) -> RewrapOne:
    return lambda _, cell: unwrap(KeyCell.parse(cell).wrapped)


def _placed(one: RewrapOne, stored: Stored) -> bytes:
    context, cell = stored
    try:
        return one(context, cell)
    except DecryptionError as error:
        raise error.at(context.place) from error.__cause__
