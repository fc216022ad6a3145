"""What an index digests of a value: one form of all values that are equal, and its length before it.

Normative text: docs/wire-format.md, section 9.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce

from .codec import BYTES_TAG, TEXT_TAG
from .errors import ConfigurationError, DecryptionError, Failure
from .expressions import Expression
from .moments import DATETIME_TAG
from .padding import unpadded
from .scalars import DECIMAL_TAG, FLOAT_TAG, JSON_TAG

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

Canonical = Callable[[bytes], bytes]
Tagged = bytes | None

_NEGATIVE_ZERO = FLOAT_TAG + b"\x80" + bytes(7)
_ZERO = FLOAT_TAG + bytes(8)
_WITH_OFFSET = 13


def check_indexable(tag: bytes, expressions: Sequence[Expression], place: str) -> None:
    """That values of this type can be equal in one form only. Raises `ConfigurationError`."""
    if tag == JSON_TAG:
        raise ConfigurationError(
            f"{place} can't have a blind index: equal JSON has many texts; index a column of a part of it"
        )
    if expressions and tag != TEXT_TAG:
        raise ConfigurationError(
            f"{place} can't have a blind index by {', '.join(map(repr, expressions))}: those are of text"
        )


@lru_cache(maxsize=1_000)
def canonical(expressions: tuple[Expression, ...]) -> Canonical:
    """What makes of a tagged plaintext, padded or not, the one that all equal values have."""
    applied = tuple(each.apply for each in expressions)

    def one(tagged: bytes) -> bytes:
        value = unpadded(tagged)
        if applied and value[:1] == TEXT_TAG:
            return TEXT_TAG + reduce(lambda text, apply: apply(text), applied, value[1:].decode()).encode()
        same = _BY_TAG.get(value[:1])
        return value if same is None else same(value)

    return one


def messages(expressions: tuple[Expression, ...], columns: Sequence[Sequence[Tagged]]) -> list[Tagged]:
    """What is digested for each row: `columns` are the tagged plaintexts of an index's columns, in order.

    None for a row with a NULL in any of them, as SQL has it: such a row is equal to none.
    """
    one = canonical(expressions)
    if len(columns) == 1:
        same = frozenset() if expressions else _ONE_FORM
        return [
            None if value is None else _single(value if value[0] in same else one(value))
            for value in columns[0]
        ]
    return [_several(one, row) for row in zip(*columns, strict=True)]


def _single(value: bytes) -> bytes:
    return b"\x01" + len(value).to_bytes(4, "big") + value


def _several(one: Canonical, row: Sequence[Tagged]) -> Tagged:
    parts = [bytes((len(row),))]
    for tagged in row:
        if tagged is None:
            return None
        value = one(tagged)
        parts += len(value).to_bytes(4, "big"), value
    return b"".join(parts)


def _decimal(value: bytes) -> bytes:
    return value.rstrip(b"0").rstrip(b".") if b"." in value else value


def _float(value: bytes) -> bytes:
    return _ZERO if value == _NEGATIVE_ZERO else value


def _datetime(value: bytes) -> bytes:
    return value[:-4] + bytes(4) if len(value) == _WITH_OFFSET else value


def _json(_: bytes) -> bytes:
    raise DecryptionError(Failure.TYPE)


_BY_TAG: dict[bytes, Canonical] = {
    DECIMAL_TAG: _decimal,
    FLOAT_TAG: _float,
    DATETIME_TAG: _datetime,
    JSON_TAG: _json,
}
_ONE_FORM = frozenset({TEXT_TAG[0], BYTES_TAG[0]})
"""The tags, of plaintexts that are not padded, whose values are as they are: for the many."""
