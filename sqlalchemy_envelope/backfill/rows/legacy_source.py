"""Versions 1 and 2 of the stored format as a source; the keys of version 2 come in one wave a batch."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from ... import codec
from ...errors import DecryptionError, Failure
from ...legacy import NO_SIBLING, Version
from ...opening import Reading
from ..postgres.names import quoted
from ..subject.valuetype import ValueType
from .sources import PlainSource, Raw, Scene, Selected

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def from_base64(text: str) -> bytes:
    """The bytes of standard base64, strictly read."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        pass
    raise DecryptionError(Failure.LENGTH)


class LegacySource(PlainSource):
    """What an envelope of version 1 or 2 stored in the column.

    `key_column`: where version 2 keeps the wrapped key by itself. `decode`: bytes of a column that is text.
    """

    def __init__(
        self,
        version: Version,
        *,
        key_column: str | None = None,
        decode: Callable[[str], bytes] = from_base64,
    ) -> None:
        self._version = version
        self._key_column = key_column
        self._decode = decode

    def select(self, column: str) -> Sequence[Selected]:
        sibling = [] if self._key_column is None else [Selected(quoted(self._key_column))]
        return [Selected(column), *sibling]

    def values(self, rows: Sequence[Raw], scene: Scene) -> Sequence[Any]:
        text = scene.type is ValueType.TEXT
        tag = codec.TEXT_TAG if text else codec.BYTES_TAG
        reading = Reading(scene.context, self._version, tag)
        pairs = [self._pair(row) for row in rows]
        opener = scene.envelope.opener(reading)
        read = opener.reader(codec.decode_text if text else codec.decode_bytes)
        unlocked = scene.envelope.unlock_columns([(reading, pairs)])[0]
        return [None if pair is None else read(pair) for pair in unlocked]

    def _pair(self, row: Raw) -> bytes | None:
        """As the reading SQL hands out a column that accepts old versions."""
        cells = [self._decode(cell) if isinstance(cell, str) else cell for cell in row]
        if cells[0] is None:
            return None
        key = cells[1] if len(cells) > 1 else None
        return (key or NO_SIBLING) + bytes(cells[0])

    def __repr__(self) -> str:
        return f"LegacySource({self._version})"
