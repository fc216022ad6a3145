"""Opens a vector through the library, with the keys that the vector gives its reader."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

from sqlalchemy_envelope import (
    Context,
    DirectKeyring,
    Envelope,
    StaticKey,
    TieredKeyring,
    Version,
    codec,
    moments,
    scalars,
)
from sqlalchemy_envelope.blind import IndexContext
from sqlalchemy_envelope.canonical import messages
from sqlalchemy_envelope.context import KekContext
from sqlalchemy_envelope.expressions import named as expression
from sqlalchemy_envelope.keyring.index_view import IndexKey
from sqlalchemy_envelope.keyring.keyring import Keyring
from sqlalchemy_envelope.keyring.store import KekRow, KekState, Make
from sqlalchemy_envelope.legacy import NO_SIBLING
from sqlalchemy_envelope.opening import Reading
from sqlalchemy_envelope.providers.aws_kms import AwsKms
from sqlalchemy_envelope.providers.provider import KeyProvider
from sqlalchemy_envelope.rows import encode_keys, packed_row

Vector = dict[str, Any]
DECODE: dict[str, Any] = {"text": codec.decode_text, "bytes": codec.decode_bytes}
WRAPPING = StaticKey(bytes(range(32)))
TAG = {"text": codec.TEXT_TAG, "bytes": codec.BYTES_TAG}


class FixedKms:
    """A KMS client that knows the answers of one vector and refuses everything else, as KMS does."""

    def __init__(self, answers: list[Vector]) -> None:
        self._answers = answers
        service, region = SimpleNamespace(service_name="kms"), answers[0]["arn"].split(":")[3]
        self.meta = SimpleNamespace(
            service_model=service, region_name=region, endpoint_url="https://kms.invalid"
        )

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, EncryptionContext: Any = None) -> Vector:  # noqa: N803
        """The data key, if key, blob and the whole context are those that wrapped it."""
        asked = {"arn": KeyId, "blob": CiphertextBlob.hex(), "encryption_context": EncryptionContext or {}}
        for answer in self._answers:
            if asked.items() <= answer.items():
                return {"KeyId": KeyId, "Plaintext": bytes.fromhex(answer["data_key"])}
        raise ClientError({"Error": {"Code": "InvalidCiphertextException", "Message": ""}}, "Decrypt")


class FixedStore:
    """A store of one vector's key-encryption keys. It only reads."""

    def __init__(self, keks: list[Vector], tenant: str | None) -> None:
        self._rows = [self._row(kek, tenant) for kek in keks]

    def find(self, ids: Collection[UUID]) -> list[KekRow]:
        """Those of these ids."""
        return [row for row in self._rows if row.id in ids]

    def active(self, tenants: Collection[str | None] | None = None) -> list[KekRow]:
        """None is ever asked for."""
        raise NotImplementedError

    def reserve(self, tenant: str | None, wraps: int, max_age: float, make: Make) -> KekRow:
        """Nothing is written."""
        raise NotImplementedError

    def _row(self, kek: Vector, tenant: str | None) -> KekRow:
        """Of a key whose cells the vector gives, or which it gives in the clear, for its value's tenant."""
        id_ = UUID(kek["id"])
        if "key" in kek:
            cells = [WRAPPING.wrap(bytes.fromhex(kek["key"]), KekContext(id_, tenant))]
        else:
            cells, tenant = [bytes.fromhex(cell) for cell in kek["cells"]], kek.get("tenant")
        return KekRow(id_, tenant, cells, [""] * len(cells), KekState.DEACTIVATED, 0, 0.0)


def keyring_of(vector: Vector) -> Keyring:
    """The keyring that a vector's reader holds."""
    keys = vector["keys"]
    providers: list[KeyProvider] = []
    if "static" in keys:
        newest, *previous = (bytes.fromhex(key) for key in keys["static"])
        providers.append(StaticKey(newest, previous))
    if "kms" in keys:
        providers.append(AwsKms(keys["kms"][0]["arn"], FixedKms(keys["kms"])))
    if "kek" not in keys:
        return DirectKeyring(providers[0], opens=providers[1:])
    store = FixedStore(keys["kek"], vector["context"].get("tenant"))
    return TieredKeyring(*(providers[:1] or [WRAPPING]), opens=providers[1:], store=store)


def open_cells(vector: Vector) -> bytes | str | None:
    """Both cells apart, as a caller without SQLAlchemy has them: the tag's type is not asked for."""
    cells = [(_bytes(vector["dek"]), content_of(vector))]
    context, row = place_of(vector)
    rows = None if row is None else [row]
    return Envelope(keyring_of(vector)).open_many(cells, context, rows)[0]


def open_pair(vector: Vector) -> bytes | str:
    """Both cells joined, as the reading SQL hands them out; a column that accepts an older version marks
    with a zero byte that there is no sibling.
    """
    accept = vector["accept"] and Version(vector["accept"])
    if "pair" in vector:
        pair = bytes.fromhex(vector["pair"])
    else:
        dek = _bytes(vector["dek"])
        missing = NO_SIBLING if accept else b""
        pair = (missing if dek is None else dek) + (content_of(vector) or b"")
    context, row = place_of(vector)
    reading = Reading(context, accept, TAG[vector["type"]])
    opener: Any = Envelope(keyring_of(vector)).opener(reading)
    before = b"" if row is None else packed_row(encode_keys(row))
    return opener.reader(DECODE[vector["type"]])(before + pair)


def place_of(vector: Vector) -> tuple[Context, tuple[int | str | UUID, ...] | None]:
    """The context that a vector's model gives, and the primary key of its row where it binds one."""
    names = dict(vector["context"])
    key = names.pop("row", None)
    return Context(**names, bind_row=key is not None), None if key is None else key_of(key)


def key_of(key: list[list[str]]) -> tuple[int | str | UUID, ...]:
    """A primary key's values, as a vector tells them."""
    make: dict[str, Any] = {"integer": int, "text": str, "uuid": UUID}
    return tuple(make[type_](value) for type_, value in key)


def content_of(vector: Vector) -> bytes | None:
    """The content cell, with the zeros that a file of vectors would rather not hold."""
    content = _bytes(vector["content"])
    return content and content + bytes(vector.get("content_zeros", 0))


def payload_of(opened: bytes | str | None) -> str | None:
    """What was opened, as vectors write it."""
    return None if opened is None else (opened.encode() if isinstance(opened, str) else opened).hex()


def _bytes(cell: str | None) -> bytes | None:
    return None if cell is None else bytes.fromhex(cell)


def _clock(value: Any) -> str:
    return str(value.isoformat(timespec="microseconds"))


def _float(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "-0.0": "-0"}.get(repr(value), repr(value))


PLAINTEXTS: dict[str, tuple[Any, Any, Any]] = {
    "text": (codec.encode_text, codec.decode_text, str),
    "boolean": (scalars.encode_boolean, scalars.decode_boolean, lambda value: str(value).lower()),
    "integer": (scalars.encode_integer, scalars.decode_integer, str),
    "decimal": (scalars.encode_decimal, scalars.decode_decimal, str),
    "float": (scalars.encode_float, scalars.decode_float, _float),
    "date": (moments.encode_date, moments.decode_date, str),
    "datetime": (moments.encode_datetime, moments.decode_datetime, _clock),
    "time": (moments.encode_time, moments.decode_time, _clock),
    "interval": (
        moments.encode_interval,
        moments.decode_interval,
        lambda value: f"{value.days} {value.seconds * 1_000_000 + value.microseconds}",
    ),
    "uuid": (scalars.encode_uuid, scalars.decode_uuid, str),
    "json": (scalars.encode_json, scalars.decode_json, str),
}
"""By type: to tagged bytes, from them, and how a vector tells the value."""


def indexed(vector: dict[str, Any]) -> bytes | None:
    """The cell of a blind index."""
    expressions = tuple(expression(name) for name in vector["expressions"])
    names = tuple(each.name for each in expressions)
    context = IndexContext(vector["index"], names, vector.get("tenant"), vector["bits"])
    values = [[None if each is None else bytes.fromhex(each)] for each in vector["values"]]
    key = IndexKey(UUID(vector["id"]), bytes.fromhex(vector["key"]), 0.0)
    return key.cells(context, messages(expressions, values))[0]
