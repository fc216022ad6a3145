"""Peers that seal one value at a time in this process, where they are installed. No network, one static key.

What they do differs: the first four have one key for all values, no data keys; MongoDB's has one data key for
all values here; the others make one for each value, as we do.
"""

from collections.abc import Callable
from typing import Any

from . import mongo

KEY = bytes(range(1, 33))
TEXT = "123-45-6789 and up to thirty-six byt"
Pair = tuple[Callable[[], Any], Callable[[Any], Any]]
"""Seals the text, and opens what that gave."""


def _sqlalchemy_utils_cbc(text: str) -> Pair:
    from sqlalchemy_utils.types.encrypted.encrypted_type import AesEngine

    engine = AesEngine()
    engine._update_key(KEY)
    engine._set_padding_mechanism("pkcs5")
    return lambda: engine.encrypt(text), engine.decrypt


def _sqlalchemy_utils_gcm(text: str) -> Pair:
    from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine

    engine = AesGcmEngine()
    engine._update_key(KEY)
    return lambda: engine.encrypt(text), engine.decrypt


def _sqlalchemy_utils_fernet(text: str) -> Pair:
    from sqlalchemy_utils.types.encrypted.encrypted_type import FernetEngine

    engine = FernetEngine()
    engine._update_key(KEY)
    return lambda: engine.encrypt(text), engine.decrypt


def _fernet(text: str) -> Pair:
    from cryptography.fernet import Fernet

    fernet = Fernet(Fernet.generate_key())
    value = text.encode()
    return lambda: fernet.encrypt(value), fernet.decrypt


def _tink(text: str) -> Pair:
    import tink
    from tink import aead

    aead.register()
    kek = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)
    envelope = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, kek)
    value, place = text.encode(), b"patient.ssn"
    return lambda: envelope.encrypt(value, place), lambda sealed: envelope.decrypt(sealed, place)


def _asherah(text: str) -> Pair:
    import asherah

    session = asherah.SessionFactory(
        {
            "ServiceName": "benchmark",
            "ProductID": "patient",
            "Metastore": "memory",
            "KMS": "static",
            "StaticMasterKeyHex": KEY.hex(),
        }
    ).get_session("ssn")
    value = text.encode()
    return lambda: session.encrypt_bytes(value), session.decrypt_bytes


def _aws_encryption_sdk(text: str, *, signed: bool) -> Pair:
    import aws_encryption_sdk as sdk
    from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
    from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
    from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput

    client, suites = sdk.EncryptionSDKClient(), sdk.Algorithm
    asked = CreateRawAesKeyringInput(
        key_namespace="benchmark",
        key_name="key",
        wrapping_key=KEY,
        wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
    )
    keyring = AwsCryptographicMaterialProviders(MaterialProvidersConfig()).create_raw_aes_keyring(asked)
    context, value = {"table": "patient", "column": "ssn"}, text.encode()
    plain, ecdsa = (
        suites.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        suites.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
    )
    algorithm = ecdsa if signed else plain
    bound = {"keyring": keyring, "encryption_context": context}
    return (
        lambda: client.encrypt(source=value, algorithm=algorithm, **bound)[0],
        lambda sealed: client.decrypt(source=sealed, **bound)[0],
    )


PEERS: dict[str, Callable[[str], Pair]] = {
    "sqlalchemy-utils AES-CBC": _sqlalchemy_utils_cbc,
    "sqlalchemy-utils AES-GCM": _sqlalchemy_utils_gcm,
    "sqlalchemy-utils Fernet": _sqlalchemy_utils_fernet,
    "Fernet": _fernet,
    "Tink KMS envelope": _tink,
    "Asherah": _asherah,
    "pymongocrypt": lambda text: mongo.pair(text, KEY),
    "aws-encryption-sdk": lambda text: _aws_encryption_sdk(text, signed=False),
    "aws-encryption-sdk, signed": lambda text: _aws_encryption_sdk(text, signed=True),
}
"""By name: what makes the pair for a text."""


def made(name: str, text: str) -> Pair | None:
    """The pair of a peer, tried; None where it is not installed."""
    try:
        seal, open_ = PEERS[name](text)
    except ImportError:
        return None
    if open_(seal()) not in {text, text.encode()}:
        raise AssertionError(name)
    return seal, open_


def stored_bytes(sealed: Any) -> int:
    """Bytes of what a peer gives, as it stands in a column."""
    return len(sealed.encode() if isinstance(sealed, str) else sealed)
