"""The column types: `Encrypted(type)` for any type that has a codec, and each by its name."""

import datetime as dt
import enum
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql.type_api import TypeEngine, to_instance

from .codec import BYTES_TAG, TEXT_TAG
from .documents import AdaptedJSON, Adapter, adapted
from .errors import ConfigurationError
from .types import EncryptedType
from .valuetypes import BYTES, TEXT, ValueCodec, codec_of

T = TypeVar("T")
E = TypeVar("E", bound=enum.Enum)


class EncryptedText(EncryptedType[str]):
    """A `str` of any length, sealed as UTF-8; NULL stays NULL and '' is a value."""

    cache_ok = True
    plain = sa.Text()
    codec = TEXT


class EncryptedBytes(EncryptedType[bytes]):
    """A `bytes` of any length, including bytes that look like an envelope."""

    cache_ok = True
    plain = sa.LargeBinary()
    codec = BYTES


class Encrypted(EncryptedType[T]):
    """An encrypted column of the values of a SQLAlchemy type: `Encrypted(Date())`.

    `adapter`: makes JSON of values, where the type is JSON, such as `pydantic.TypeAdapter(Model)`. The rest
    as every encrypted type has it. Raises `ConfigurationError` for a type without a codec.
    """

    cache_ok = True

    def __init__(
        self,
        type_: TypeEngine[T] | type[TypeEngine[T]],
        adapter: Adapter[T] | None = None,
        *args: Any,
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.type_ = to_instance(type_)
        self.adapter = adapter
        if isinstance(self.type_, EncryptedType):
            raise ConfigurationError("Encrypted takes the type of the values, not an encrypted type")
        if adapter is not None and not isinstance(self.type_, sa.JSON):
            raise ConfigurationError("adapter= makes JSON: give it with Encrypted(JSON(), adapter=...)")
        self.codec = self._made_codec()
        self.plain = self.type_
        if self.accept is not None and self.codec.tag not in (TEXT_TAG, BYTES_TAG):
            raise ConfigurationError("accept= is for text and bytes: older versions held nothing else")

    def _made_codec(self) -> ValueCodec:
        return codec_of(self.type_) if self.adapter is None else adapted(self.adapter)

    def stored(self, type_: TypeEngine[Any]) -> TypeEngine[Any]:
        """JSON by way of the adapter, where there is one."""
        adapts = self.adapter is not None and isinstance(type_, sa.JSON)
        return AdaptedJSON(type_, self.adapter) if adapts else type_  # type: ignore[arg-type]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "codec"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.codec = self._made_codec()

    def _told(self) -> list[str]:
        own = [type(self.type_).__name__] if type(self) is Encrypted else []
        return [*own, *super()._told()]


class EncryptedBoolean(Encrypted[bool]):
    """A `bool`: False is a value like True."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.Boolean(), **kw)


class EncryptedInteger(Encrypted[int]):
    """An `int` of 32 bits, checked in Python: 0 is a value."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.Integer(), **kw)


class EncryptedBigInteger(Encrypted[int]):
    """An `int` of 64 bits."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.BigInteger(), **kw)


class EncryptedSmallInteger(Encrypted[int]):
    """An `int` of 16 bits."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.SmallInteger(), **kw)


class EncryptedFloat(Encrypted[float]):
    """A `float`, with NaN, infinities and the sign of zero."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.Double(), **kw)


class EncryptedDate(Encrypted[dt.date]):
    """A `date`; a `datetime` is refused and not cut."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.Date(), **kw)


class EncryptedInterval(Encrypted[dt.timedelta]):
    """A `timedelta`, to the microsecond."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.Interval(), **kw)


class EncryptedUUID(Encrypted[UUID]):
    """A `UUID`."""

    cache_ok = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(sa.Uuid(), **kw)


class EncryptedNumeric(Encrypted[Decimal]):
    """A `Decimal`, exact: with its own scale, or padded to `scale` digits and never rounded.

    `precision`: digits in all, `scale`: those after the point; any number where neither is given.
    """

    cache_ok = True

    def __init__(self, precision: int | None = None, scale: int | None = None, **kw: Any) -> None:
        super().__init__(sa.Numeric(precision, scale), **kw)


class EncryptedDateTime(Encrypted[dt.datetime]):
    """A `datetime`, to the microsecond; with `timezone=True` an aware one, read back with its offset."""

    cache_ok = True

    def __init__(self, timezone: bool = False, **kw: Any) -> None:
        super().__init__(sa.DateTime(timezone), **kw)


class EncryptedTime(Encrypted[dt.time]):
    """A `time`, to the microsecond; with `timezone=True` one with a fixed offset."""

    cache_ok = True

    def __init__(self, timezone: bool = False, **kw: Any) -> None:
        super().__init__(sa.Time(timezone), **kw)


class EncryptedEnum(Encrypted[E]):
    """A member of an `Enum` class, stored by its name: rename a member, and its values no longer open."""

    cache_ok = True

    def __init__(self, members: type[E], **kw: Any) -> None:
        super().__init__(sa.Enum(members), **kw)  # type: ignore[arg-type]  # sa.Enum tells no members


class EncryptedJSON(Encrypted[Any]):
    """What JSON holds, or what an `adapter` makes JSON of; None is JSON null unless `none_as_null`.

    Under `MutableDict.as_mutable(EncryptedJSON())` changes inside a dict are noticed.
    """

    cache_ok = True

    def __init__(self, adapter: Adapter[Any] | None = None, none_as_null: bool = False, **kw: Any) -> None:
        super().__init__(sa.JSON(none_as_null), adapter, **kw)


class EncryptedArray(Encrypted[Sequence[Any]]):
    """A `list` of values of one type, nested as they come; stored as JSON."""

    cache_ok = True

    def __init__(self, item_type: TypeEngine[Any] | type[TypeEngine[Any]], **kw: Any) -> None:
        super().__init__(sa.ARRAY(item_type), **kw)
