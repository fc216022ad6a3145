"""What the two cells of a pair say of themselves, from their first bytes and their lengths, without keys.

No byte of a value, of its salt or of a wrapped key is asked for: a head and a length are enough to say of
which form a cell is, and what is wrong with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ... import wire
from ...errors import DecryptionError, Failure
from ...legacy import MIN_SEALED_BYTES, V2_HEAD, Version

T = TypeVar("T")

CONTENT_HEAD = 3
"""Magic, version, suite and bindings: what is read of a content. The rest of its head is the salt."""

SUITES = {wire.SUITE_1: "AES-256-GCM"}


@dataclass(frozen=True)
class Head:
    """The beginning of one stored cell, and how long the whole is."""

    first: bytes
    length: int

    def padded(self, most: int) -> bytes:
        """As a whole cell for a strict parser, which looks at no more than the head and the length."""
        return self.first + bytes(max(0, min(self.length, most) - len(self.first)))


@dataclass(frozen=True)
class ContentFacts:
    """A sealed value: its format, its bindings, and sizes in bytes (`value` without what sealing adds)."""

    version: int
    suite: int | None
    tenant_bound: bool
    row_bound: bool
    stored: int
    value: int


@dataclass(frozen=True)
class KeyFacts:
    """A wrapped data key: how, under which key (id in hex; None where it names none), its size in bytes."""

    version: int
    wrap: str
    key_id: str | None
    stored: int


@dataclass(frozen=True)
class Cells:
    """Both cells, and the failures that a reader would meet, in the order in which it looks for them."""

    content: ContentFacts | None
    key: KeyFacts | None
    failures: tuple[Failure, ...] = ()


def facts_of(content: Head | None, key: Head | None, accept: Version | None) -> Cells:
    """The facts of a pair. `accept`: the older version that its column still takes, if any."""
    if content is None and key is None:
        return Cells(None, None)
    if content is not None and accept is Version.V1 and key is None:
        return _version_1(content)
    if content is not None and accept is Version.V2 and (key or content).first[:1] == b"\x02":
        return _version_2(content, key)
    lone = (Failure.LONE_CELL,) if content is None or key is None else ()
    sealed, wrong = _parsed(_content_of, content)
    wrapped, broken = _parsed(_key_of, key)
    return Cells(sealed, wrapped, (*lone, *broken, *wrong))


def wrap_of(head: Head) -> tuple[KeyFacts | None, tuple[Failure, ...]]:
    """The facts of one key cell by itself, such as those of a key-encryption key."""
    return _parsed(_key_of, head)


def _parsed(parse: Callable[[Head], T], head: Head | None) -> tuple[T | None, tuple[Failure, ...]]:
    if head is None:
        return None, ()
    try:
        return parse(head), ()
    except DecryptionError as error:
        return None, (error.failure,)


def _content_of(head: Head) -> ContentFacts:
    byte = head.first[2] if len(head.first) > 2 else 0
    bound = byte & (wire.TENANT_BOUND | wire.ROW_BOUND)
    if head.length > wire.MAX_CONTENT_BYTES:
        raise DecryptionError(Failure.LENGTH)
    wire.check_content(head.padded(wire.MIN_CONTENT_BYTES), wire.SUITE_1 | bound)
    tenant, row = bool(bound & wire.TENANT_BOUND), bool(bound & wire.ROW_BOUND)
    return ContentFacts(3, byte & 0x0F, tenant, row, head.length, head.length - wire.MIN_CONTENT_BYTES)


def _key_of(head: Head) -> KeyFacts:
    cell = wire.KeyCell.parse(head.padded(wire.KEY_HEAD_BYTES + wire.MAX_WRAPPED_BYTES + 1))
    return KeyFacts(3, cell.wrap.name.lower().replace("_", "-"), cell.key_id.hex(), head.length)


def _version_1(content: Head) -> Cells:
    """No header: whatever its first bytes are, such a column reads it as version 1."""
    short = content.length < MIN_SEALED_BYTES
    key = KeyFacts(1, "static", None, 0)
    return Cells(_older(1, content.length), key, (Failure.LENGTH,) if short else ())


def _version_2(content: Head, key: Head | None) -> Cells:
    """Whole in the content, or with its first three fields in the sibling."""
    first = key or content
    wrapped = int.from_bytes(first.first[1:V2_HEAD], "big")
    end = V2_HEAD + wrapped
    sealed = content.length if key else content.length - end
    fits = 0 < wrapped <= wire.MAX_WRAPPED_BYTES and (key is None or key.length == end)
    wrong = () if fits and sealed >= MIN_SEALED_BYTES else (Failure.LENGTH,)
    return Cells(_older(2, sealed), KeyFacts(2, "aws-kms", None, end), wrong)


def _older(version: int, sealed: int) -> ContentFacts:
    return ContentFacts(
        version,
        None,
        tenant_bound=False,
        row_bound=False,
        stored=sealed,
        value=max(0, sealed - MIN_SEALED_BYTES),
    )
