"""What unwraps the data keys of one context: keys that the process holds, each for as long as it may be used.

A mapping that is asked anew for every value, so nothing opens with a key whose time is up.
"""

from collections.abc import Callable, Mapping

from ..cipher import Unwrap
from ..context import Context
from .kek import Kek

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

Get = Callable[[bytes], Unwrap | None]


class Lookup:
    """By the 21 bytes of a key cell's head. `get`: for every value, bare; `in`: once for a result's values.

    Asking whether a head is in it counts as a use of the key, which is then asked for again in time.
    """

    __slots__ = ("_fixed", "_in_use", "get")

    def __init__(
        self,
        fixed: Mapping[bytes, Unwrap],
        held: Mapping[bytes, Kek],
        context: Context,
        clock: Callable[[], float],
        in_use: Callable[[bytes], bool],
    ) -> None:
        self._fixed, self._in_use = fixed, in_use
        self.get: Get = _getter(fixed, held, context, clock)

    def __contains__(self, head: object) -> bool:
        return head in self._fixed or (isinstance(head, bytes) and self._in_use(head))


def _getter(
    fixed: Mapping[bytes, Unwrap], held: Mapping[bytes, Kek], context: Context, clock: Callable[[], float]
) -> Get:
    last: tuple[bytes, Kek, Unwrap] | None = None

    def get(head: bytes) -> Unwrap | None:
        if last is not None:
            same, kek, unwrap = last
            if head == same and kek.expires > clock():
                return unwrap
        return look_up(head)

    def look_up(head: bytes) -> Unwrap | None:
        nonlocal last
        kek = held.get(head)
        if kek is None:
            return fixed.get(head)
        if kek.expires <= clock():
            return None
        unwrap = kek.unwrapper(context)
        last = head, kek, unwrap
        return unwrap

    return get
