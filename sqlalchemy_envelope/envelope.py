"""The whole scheme on one page, without SQLAlchemy: seal values and open pairs, one wave of keys a call."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Never

from . import cipher, codec, wire
from .cipher import DataKeys
from .context import Context
from .errors import ConfigurationError, DecryptionError, Failure
from .fallbacks import Fallbacks
from .keyring.index_keys import IndexKeys
from .keyring.keyring import Keyring
from .keyring.waiting import Wait, wait_here
from .opening import Locked, Opener, Pair, Reading, unlocked
from .row_opening import RowOpener
from .rows import KeyValue, encode_keys, packed_row
from .sealing import SealedColumn, ToSeal, keys_to_make, spread
from .settings import keyring_from
from .tenant_opening import ByTenant, TenantOpener

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_OPENERS = 10_000

Cells = tuple[bytes | None, bytes | None]
"""Wrapped data key and content, as the sibling and the column store them; both None for a NULL."""


Row = KeyValue | Sequence[KeyValue]
"""A primary key: its value, or one for each of its columns."""


class Envelope:
    """Seals and opens under the data keys of one `keyring`. Safe to share between threads; never pickled."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        # As many entries as a model has encrypted columns, times their tenants.
        self.opener: Callable[[Reading], Any] = lru_cache(maxsize=_OPENERS)(self._opener)
        self._fallbacks = Fallbacks()
        self.fell_back = self._fallbacks.count
        self._sealer = lru_cache(_OPENERS)(lambda context: cipher.sealer(context.content, context.flags))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Envelope":
        """An envelope from the environment (default: `os.environ`).

        `KMS_KEY_ARN`: AWS KMS. `SECRETS_ENCRYPTION_KEY`: a static key (32 bytes: base64, hex or raw). With
        both, KMS writes and the static key still opens what it wrapped. Neither: `ConfigurationError`.
        """
        return cls(keyring_from(os.environ if environ is None else environ))

    def seal_many(
        self,
        values: Sequence[str | bytes | None],
        context: Context | str,
        rows: Sequence[Row] | None = None,
    ) -> list[Cells]:
        """Each value's `(dek_cell, content_cell)`; `(None, None)` for None.

        `context`: `"table.column"` or a `Context`. `rows`: each value's primary key, where the context has
        `bind_row`. Raises `InvalidValueError`, `KeyProviderError`, and `ConfigurationError` for rows where
        none are bound and the other way round.
        """
        where = Context.of(context)
        tagged = codec.encode_all(codec.encode_any, values, where.place)
        sealed = self.seal_columns([ToSeal(where, tagged, rows=_encoded(rows, where))])[0]
        return list(zip(sealed.deks, sealed.contents, strict=True))

    def open_many(
        self, cells: Sequence[Cells], context: Context | str, rows: Sequence[Row] | None = None
    ) -> list[bytes | None]:
        """Each pair's payload (UTF-8 for text); None for `(None, None)`.

        `rows`: as sealed. Raises `DecryptionError` for the first that never opens, `KeyProviderError`.
        """
        where = Context.of(context)
        reading, encoded = Reading(where), _encoded(rows, where)
        pairs = [_join(dek, content, where) for dek, content in cells]
        if encoded is not None:
            both = zip(encoded, pairs, strict=True)
            pairs = [None if pair is None else packed_row(row) + pair for row, pair in both]
        ready = self.unlock_columns([(reading, pairs)])[0]
        open_ = self.opener(reading).reader(codec.decode_any)
        return [None if pair is None else open_(pair) for pair in ready]

    def fallbacks(self) -> dict[str, int]:
        """How many values columns with `ReadsEncrypted` have read from plaintext so far, by `table.column`.

        For a metric: at rest it says that a column may go on to `EncryptedOnly`. Counted in this process.
        """
        return self._fallbacks.counts()

    @property
    def index_keys(self) -> IndexKeys:
        """What makes the cells of blind indexes, under keys of their own."""
        return self.keyring.index_keys

    def warm(self, tenants: Collection[str | None] | None = None) -> int:
        """Fetch the keys of `tenants`, or of all, before they are needed: how many are live. Blocks.

        Raises `KeyProviderError`. Only a `TieredKeyring` has keys to fetch ahead; others say 0.
        """
        return self.keyring.warm(tenants)

    async def warm_async(self, tenants: Collection[str | None] | None = None) -> int:
        """The same while the event loop runs on."""
        return await asyncio.to_thread(self.warm, tenants)

    def purge_cache(self) -> None:
        """Forget every unwrapped key of this process at once: all are asked for again, and their state."""
        self.keyring.purge_cache()

    def seal_columns(
        self, columns: Sequence[ToSeal], wait: Wait[Any] = wait_here
    ) -> list[SealedColumn]:
        """Several columns sealed with one wave of data keys: the cells of each."""
        dense = [[value for value in column.values if value is not None] for column in columns]
        both = list(zip(columns, dense, strict=True))
        shared = keys_to_make(columns)
        orders = [keys.order for keys in shared] if shared else []
        orders += [(column.context, len(values)) for column, values in both if column.keys is None]
        issued = iter(self.keyring.issue(orders, wait))
        for keys in shared:
            keys.take(next(issued))
        return [self._sealed(column, values, issued) for column, values in both]

    def _sealed(self, column: ToSeal, values: Sequence[bytes], issued: Iterator[DataKeys]) -> SealedColumn:
        given, shared = column.values, column.keys
        seal, contexts = self._sealer(column.context), column.contexts()
        if shared is not None:
            return SealedColumn(shared.cells, spread(seal(values, shared.of(given), contexts), given))
        keys = next(issued)
        if not values:
            return SealedColumn(given, given)
        made = SealedColumn(keys.cells, seal(values, keys.keys, contexts))
        return made if len(values) == len(given) else made.spread(given)

    def unlock_columns(
        self, columns: Sequence[tuple[Reading, Sequence[bytes | None]]], wait: Wait[Any] = wait_here
    ) -> list[Sequence[Pair | None]]:
        """Joined pairs of several columns with the keys they need from a call fetched in one wave.

        A column all of whose keys are at hand is handed back as it came.
        """
        if any(reading.tenancy is not None for reading, _ in columns):
            by_tenant = ByTenant(columns)
            return by_tenant.joined(self.unlock_columns(by_tenant.columns, wait))
        locked = [self.opener(reading).locked(pairs) for reading, pairs in columns]
        if all(each is None for each in locked):
            return [pairs for _, pairs in columns]
        cells = [dict.fromkeys(each[0] for each in column or () if each is not None) for column in locked]
        contexts = [reading.context for reading, _ in columns]
        stored = [(context, cell) for context, each in zip(contexts, cells, strict=True) for cell in each]
        keys = self.keyring.unlock(stored, wait) if stored else {}
        left = [
            None if which is None else self.opener(reading).still_locked(which)
            for (reading, _), which in zip(columns, locked, strict=True)
        ]
        return [
            pairs if which is None else _unlocked(pairs, which, {cell: keys[context, cell] for cell in each})
            for (_, pairs), which, context, each in zip(columns, left, contexts, cells, strict=True)
        ]

    def _opener(self, reading: Reading) -> Opener | TenantOpener:
        if reading.tenancy is not None:
            return TenantOpener(reading, self.opener)
        return (RowOpener if reading.context.bind_row else Opener)(self.keyring, reading)

    def __repr__(self) -> str:
        return f"Envelope({self.keyring!r})"

    def __reduce__(self) -> Never:
        raise TypeError("an Envelope leads to keys and is not pickled; make one in each process")


def _unlocked(
    pairs: Sequence[bytes | None], locked: Sequence[Locked | None], keys: Mapping[bytes, bytes]
) -> list[Pair | None]:
    both = zip(pairs, locked, strict=True)
    return [pair if cells is None else unlocked(cells, keys[cells[0]]) for pair, cells in both]


def _encoded(rows: Sequence[Row] | None, context: Context) -> list[bytes] | None:
    if (rows is not None) is not context.bind_row:
        told = "is bound to rows: give rows=" if context.bind_row else "binds no row: leave out rows="
        raise ConfigurationError(f"{context.place} {told}")
    return None if rows is None else [encode_keys(each) for each in rows]


def _join(dek: bytes | None, content: bytes | None, context: Context) -> bytes | None:
    """Both cells as the reading SQL hands them out, each of them whole."""
    if dek is None and content is None:
        return None
    try:
        if dek is None or content is None:
            raise DecryptionError(Failure.LONE_CELL)
        wire.KeyCell.parse(dek)
        wire.check_content(content, context.flags)
    except DecryptionError as error:
        raise error.at(context.place) from None
    return dek + content
