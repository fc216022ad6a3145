"""What leads to keys is not pickled; what carries none may be."""

import copy
import pickle

import pytest

from sqlalchemy_envelope import DirectKeyring, EncryptedText, Envelope, StaticKey, TieredKeyring

from .conftest import KEY, Base, Bird


@pytest.mark.parametrize(
    "secret",
    [
        StaticKey(KEY),
        DirectKeyring(StaticKey(KEY)),
        TieredKeyring(StaticKey(KEY)),
        Envelope(DirectKeyring(StaticKey(KEY))),
    ],
)
def test_what_leads_to_keys_is_refused(secret: object) -> None:
    """With a sentence, by pickle and by copy."""
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickle"):
            carry(secret)


def test_types_tables_and_objects_carry_no_key() -> None:
    """They know where a value belongs, and nothing that opens it."""
    for innocent in (EncryptedText(context="bird.name"), Base.metadata, Bird.__table__.c.name.type):
        carried = pickle.dumps(innocent)
        assert KEY not in carried
        pickle.loads(carried)
