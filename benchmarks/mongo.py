"""MongoDB's client-side field encryption as a peer: libmongocrypt under a local key, without a driver."""

from collections.abc import Callable, Iterator
from typing import Any

from .bson import document, id_of

RANDOM = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"


def pair(text: str, key: bytes) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Seals the text and opens it, under one data key; documents are made and read as a driver would."""
    from pymongocrypt.explicit_encrypter import ExplicitEncrypter
    from pymongocrypt.mongocrypt import MongoCryptOptions

    encrypter = ExplicitEncrypter(_vault(), MongoCryptOptions({"local": {"key": key * 3}}))
    data_key, value = encrypter.create_data_key("local"), document({"v": text})
    opened = slice(len(value) - len(text) - 2, -2)
    return (
        lambda: encrypter.encrypt(value, RANDOM, key_id=data_key),
        lambda sealed: encrypter.decrypt(sealed)[opened],
    )


def _vault() -> Any:
    from pymongocrypt.synchronous.state_machine import MongoCryptCallback

    class Vault(MongoCryptCallback):  # type: ignore[misc]
        """A collection of one data key, in memory."""

        def insert_data_key(self, stored: Any) -> bytes:
            self._stored = bytes(stored)
            return id_of(self._stored)

        def fetch_keys(self, asked: Any) -> Iterator[bytes]:
            yield self._stored

        def bson_encode(self, fields: dict[str, Any]) -> bytes:
            return document(fields)

        def kms_request(self, context: Any) -> None:
            raise AssertionError  # a local key asks nobody

        collection_info = mark_command = kms_request

        def close(self) -> None:
            pass

    return Vault()
