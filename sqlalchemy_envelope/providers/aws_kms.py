"""AWS KMS: data keys made and unwrapped by a key that never leaves it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Never

from ..cipher import KEY_BYTES, DataKey, kms_key_id
from ..context import WrapContext
from ..errors import ConfigurationError, DecryptionError, Failure, KeyProviderError
from ..wire import MAX_WRAPPED_BYTES, KeyCell, Wrap

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

_NO_BOTO3 = "AwsKms needs boto3: pip install 'sqlalchemy-envelope[aws]'"
_REMEDY = (
    "; give the full key ARN, arn:aws:kms:REGION:ACCOUNT:key/ID, as"
    " `aws kms describe-key --key-id ... --query KeyMetadata.Arn` prints it"
)
_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:key/(?P<key>[A-Za-z0-9-]+)")


class AwsKms:
    """Wraps under the KMS key `key_arn` (a key ARN, not an alias); opens what it and `also_opens` wrapped.

    `client`: a boto3 KMS client to use, or a function that makes one; by default one is made from the
    environment's credentials. Seconds: `time_budget` for a call with its retries, `connect_timeout` and
    `read_timeout` for one attempt. `connections`: sockets kept open, as many as the keyring calls at once.
    """

    local: Literal[False] = False

    def __init__(
        self,
        key_arn: str,
        client: Any = None,
        *,
        also_opens: Sequence[str] = (),
        time_budget: float = 10.0,
        connect_timeout: float = 2.0,
        read_timeout: float = 5.0,
        connections: int = 50,
    ) -> None:
        arns = _arns(key_arn, also_opens)
        region = region_of(key_arn)
        if min(time_budget, connect_timeout, read_timeout, connections) <= 0:
            raise ConfigurationError("AwsKms: time_budget, timeouts and connections are above 0")
        self._arn = key_arn
        self._by_id = {key_id_of(arn): arn for arn in reversed(arns)}
        try:
            from . import aws_kms_client as calling  # noqa: PLC0415 - boto3 is an extra
            from . import aws_kms_session as session  # noqa: PLC0415
        except ImportError as missing:
            raise ConfigurationError(_NO_BOTO3) from missing
        if client is None or callable(client):
            make = client or session.client_maker(region, connections, connect_timeout, read_timeout)
            first, renews = make(), True
        else:
            first, make, renews = client, session.remaker(client), False
        self._call = calling.KmsClient(
            session.checked(first, region), make, time_budget=time_budget, renews=renews
        ).call

    def generate(self, context: WrapContext) -> DataKey:
        """A new data key, wrapped for `context`. Raises `KeyProviderError`."""
        reply = self._call(
            "generate_data_key",
            context.place,
            KeyId=self._arn,
            KeySpec="AES_256",
            EncryptionContext=context.encryption_context,
        )
        wrong = _fault(reply, self._arn) or _blob_fault(reply)
        if not wrong:
            cell = KeyCell(Wrap.AWS_KMS, key_id_of(reply["KeyId"]), reply["CiphertextBlob"])
            return DataKey(reply["Plaintext"], cell.pack())
        del reply  # holds a key, and a traceback may print locals
        raise KeyProviderError(f"{context.place}: kms:GenerateDataKey replied with {wrong}", retryable=False)

    @property
    def key_name(self) -> str:
        """The ARN of the key that wraps."""
        return self._arn

    @property
    def key_id(self) -> bytes:
        """The 16 bytes by which cells name the key that wraps."""
        return key_id_of(self._arn)

    def wrap(self, key: bytes, context: WrapContext) -> bytes:
        """The cell of a 32-byte key that was made elsewhere. Raises `KeyProviderError`."""
        reply = self._call(
            "encrypt",
            context.place,
            KeyId=self._arn,
            Plaintext=key,
            EncryptionContext=context.encryption_context,
        )
        return self._cell(reply, "Encrypt", context)

    def rewrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The cell of the same key under the key that wraps: by ReEncrypt, so that it stays inside KMS."""
        arn = self._by_id.get(cell.key_id)
        if arn is None:
            raise DecryptionError(Failure.UNKNOWN_KEY, context.place)
        reply = self._call(
            "re_encrypt",
            context.place,
            CiphertextBlob=cell.wrapped,
            SourceKeyId=arn,
            SourceEncryptionContext=context.encryption_context,
            DestinationKeyId=self._arn,
            DestinationEncryptionContext=context.encryption_context,
        )
        return self._cell(reply, "ReEncrypt", context)

    def _cell(self, reply: Mapping[str, Any], operation: str, context: WrapContext) -> bytes:
        wrong = "" if reply.get("KeyId") == self._arn else "a key that was not asked for"
        wrong = wrong or _blob_fault(reply)
        if wrong:
            raise KeyProviderError(f"{context.place}: kms:{operation} replied with {wrong}", retryable=False)
        return KeyCell(Wrap.AWS_KMS, self.key_id, reply["CiphertextBlob"]).pack()

    def handles(self, wrap: Wrap, key_id: bytes) -> bool:
        """Whether a cell with this wrap and key id is of a key on the allow-list."""
        return wrap is Wrap.AWS_KMS and key_id in self._by_id

    def unwrap(self, cell: KeyCell, context: WrapContext) -> bytes:
        """The data key. A key that is not on the allow-list fails without a call."""
        arn = self._by_id.get(cell.key_id)
        if arn is None:
            raise DecryptionError(Failure.UNKNOWN_KEY, context.place)
        return self._decrypt(
            arn, context.place, CiphertextBlob=cell.wrapped, EncryptionContext=context.encryption_context
        )

    def unwrap_v2(self, wrapped: bytes) -> bytes:
        """The data key of a version 2 blob, wrapped without a context; it names no key, so each is tried."""
        failure = DecryptionError(Failure.UNWRAP)
        for arn in self._by_id.values():
            try:
                return self._decrypt(arn, "version 2", CiphertextBlob=wrapped)
            except DecryptionError as error:
                failure = error
        raise failure

    def _decrypt(self, arn: str, place: str, **request: object) -> bytes:
        reply = self._call("decrypt", place, KeyId=arn, **request)
        wrong = _fault(reply, arn)
        if not wrong:
            return bytes(reply["Plaintext"])
        right_key = reply.get("KeyId") == arn
        del reply
        if right_key:  # an authentic wrap of something else: it never opens (docs/wire-format.md)
            raise DecryptionError(Failure.UNWRAP, place)
        raise KeyProviderError(f"{place}: kms:Decrypt replied with {wrong}", retryable=False)

    def __repr__(self) -> str:
        return f"AwsKms({self._arn!r})"

    def __reduce__(self) -> Never:
        raise TypeError("AwsKms holds a client and is not pickled; make one in each process")


def region_of(arn: str) -> str:
    """The region that a key ARN names."""
    return _parsed(arn)["region"]


def key_id_of(arn: str) -> bytes:
    """The 16 bytes that stand for a key ARN in a cell; replicas of a multi-Region key share them."""
    parsed = _parsed(arn)
    if parsed["key"].startswith("mrk-"):
        arn = arn.replace(f":{parsed['region']}:", "::", 1)
    return kms_key_id(arn)


def _parsed(arn: object) -> Mapping[str, str]:
    match = _ARN.fullmatch(arn) if isinstance(arn, str) else None
    if match is not None:
        return match.groupdict()
    alias = isinstance(arn, str) and "alias/" in arn
    wrong = "an alias can be pointed at another key" if alias else "that is not the ARN of a KMS key"
    raise ConfigurationError(wrong + _REMEDY)


def _arns(key_arn: str, also_opens: Sequence[str]) -> list[str]:
    if isinstance(also_opens, str):
        raise ConfigurationError("also_opens= takes a list of key ARNs, not one ARN")
    arns = [key_arn, *also_opens]
    if len({region_of(arn) for arn in arns}) > 1:
        raise ConfigurationError(
            "also_opens= has a key of another region; give DirectKeyring(..., opens=[AwsKms(that)]) instead"
        )
    return arns


def _fault(reply: Mapping[str, Any], arn: str) -> str:
    """What is wrong with a reply, in words that hold nothing of it; empty if nothing is."""
    if reply.get("KeyId") != arn:
        return "a key that was not asked for"
    key = reply.get("Plaintext")
    return "" if isinstance(key, bytes) and len(key) == KEY_BYTES else "no data key of 32 bytes"


def _blob_fault(reply: Mapping[str, Any]) -> str:
    blob = reply.get("CiphertextBlob")
    fits = isinstance(blob, bytes) and 0 < len(blob) <= MAX_WRAPPED_BYTES
    return "" if fits else f"no wrapped key of 1 to {MAX_WRAPPED_BYTES:,} bytes"
