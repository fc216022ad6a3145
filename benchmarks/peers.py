"""Peers that seal one value at a time in this process, where they are installed."""

from collections.abc import Callable
from typing import Any

KEY = bytes(range(1, 33))
TEXT = "123-45-6789 and up to thirty-six byt"
Pair = tuple[Callable[[], Any], Callable[[Any], Any]]


def peers() -> dict[str, Callable[[], Pair]]:
    """By name: what makes a function that seals the value and one that opens what it gave."""
    return {
        "sqlalchemy-utils AesGcmEngine": _sqlalchemy_utils,
        "tink KMS envelope": _tink,
        "aws-encryption-sdk raw AES keyring": _aws_encryption_sdk,
    }


def _sqlalchemy_utils() -> Pair:
    from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine

    engine = AesGcmEngine()
    engine._update_key(KEY)
    return lambda: engine.encrypt(TEXT), engine.decrypt


def _tink() -> Pair:
    import tink
    from tink import aead

    aead.register()
    kek = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM).primitive(aead.Aead)
    envelope = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, kek)
    value = TEXT.encode()
    place = b"patient.ssn"
    return lambda: envelope.encrypt(value, place), lambda sealed: envelope.decrypt(sealed, place)


def _aws_encryption_sdk() -> Pair:
    import aws_encryption_sdk as sdk
    from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
    from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
    from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput

    client = sdk.EncryptionSDKClient()
    asked = CreateRawAesKeyringInput(
        key_namespace="benchmark",
        key_name="key",
        wrapping_key=KEY,
        wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
    )
    keyring = AwsCryptographicMaterialProviders(MaterialProvidersConfig()).create_raw_aes_keyring(asked)
    context, value = {"table": "patient", "column": "ssn"}, TEXT.encode()

    def seal() -> bytes:
        sealed: bytes = client.encrypt(source=value, keyring=keyring, encryption_context=context)[0]
        return sealed

    return seal, lambda sealed: client.decrypt(source=sealed, keyring=keyring, encryption_context=context)[0]
