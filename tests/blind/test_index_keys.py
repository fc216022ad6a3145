"""Index keys: who makes them, what cells they make, and what it takes to have them."""

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine

from sqlalchemy_envelope import (
    BlindIndex,
    ConfigurationError,
    Context,
    DirectKeyring,
    Envelope,
    ShreddedError,
    StaticKey,
    TieredKeyring,
    attach,
)
from sqlalchemy_envelope.codec import encode_text
from sqlalchemy_envelope.expressions import CASEFOLD, last, named
from sqlalchemy_envelope.keyring.waiting import wait_here
from sqlalchemy_envelope.keystore import install, installed_version, schema
from sqlalchemy_envelope.keystore.listing import keys
from sqlalchemy_envelope.keystore.states import shred
from sqlalchemy_envelope.rotation import rewrap_keks
from sqlalchemy_envelope.testing import FakeKms

from ..fixtures.postgresql import Database
from .conftest import KEY
from .table import SSN, cell, message, probes

ADA, BOB = message("ada"), message("bob")


def test_the_first_writer_makes_the_key_and_others_find_its_rows(process: Callable[..., Envelope]) -> None:
    """A search before that finds nothing, and makes none."""
    one, other = process().index_keys, process().index_keys
    assert other.probes([(SSN, [ADA, None])], wait_here) == [[(), ()]]
    (written,) = one.cells([(SSN, [ADA, None, BOB])], wait_here)
    assert [cell and len(cell) for cell in written] == [20, None, 20]
    assert other.probes([(SSN, [BOB, ADA, None])], wait_here) == [[(written[2],), (written[0],), ()]]
    assert other.written([(SSN, [ADA])], wait_here) == [[(written[0],)]]
    assert other.tags([SSN], wait_here) == [(written[0][:4],)]  # type: ignore[index]
    assert not other.is_rotating(SSN.key, wait_here)


def test_of_processes_that_write_first_at_once_one_makes_the_key(process: Callable[..., Envelope]) -> None:
    """All write with it."""
    envelopes = [process() for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        cells = set(threads.map(lambda each: cell(each, "ada"), envelopes))
    assert len(cells) == 1


def test_a_process_asks_its_kms_once_for_each_index_and_tenant(keys_engine: Engine) -> None:
    """However many values are written and searched; by tiers and directly, and both find the same."""
    kms = FakeKms()
    tenants = [BlindIndex().context(Context("patient", "ssn"), tenant) for tenant in ("acme", "zeta")]
    found = []
    for keyring in (TieredKeyring(kms), DirectKeyring(kms)):
        envelope = Envelope(keyring)
        attach(create_engine(keys_engine.url), envelope)
        cells = envelope.index_keys.cells([(each, [ADA] * 50) for each in tenants], wait_here)
        envelope.index_keys.probes([(each, [ADA] * 50) for each in tenants], wait_here)
        found.append(cells)
    assert found[0] == found[1]
    assert (kms.generated, kms.unwrapped) == (2, 4)
    assert found[0][0][0] != found[0][1][0], "equal values of two tenants are unlike"
    with keys_engine.begin() as connection:
        shred(connection, tenant="acme", by="ana", reason="they left")
    envelope.purge_cache()
    with pytest.raises(ShreddedError):
        envelope.index_keys.probes([(tenants[0], [ADA])], wait_here)
    assert envelope.index_keys.probes([(tenants[1], [ADA])], wait_here) == [[(found[0][1][0],)]]


def test_index_keys_are_wrapped_anew_with_the_others(
    process: Callable[..., Envelope], keys_engine: Engine
) -> None:
    """By a keyring without tiers too; their cells stay."""
    before = cell(process(), "ada")
    new = Envelope(DirectKeyring(StaticKey(bytes(range(32))), opens=[StaticKey(KEY)]))
    assert rewrap_keks(keys_engine, new.keyring).keys == 1
    only_new = Envelope(DirectKeyring(StaticKey(bytes(range(32)))))
    attach(create_engine(keys_engine.url), only_new)
    assert probes(only_new, "ada") == (before,)


def test_tables_of_the_first_version_are_brought_up_to_date(database: Database) -> None:
    """Keys that lie there stay; installing again changes nothing."""
    engine = create_engine(database.url())
    with engine.begin() as connection:
        for statement in [each for each in schema.STATEMENTS if "$envelope$" not in each]:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(
            "INSERT INTO envelope.key (id, state, wrapped, wrapped_by)"
            " VALUES (gen_random_uuid(), 'active', '{a}', '{arn}')"
        )
        connection.exec_driver_sql("UPDATE envelope.component SET version = 1")
    for _ in range(2):
        with engine.begin() as connection:
            install(connection)
            assert installed_version(connection) == schema.VERSION
            assert [each.purpose for each in keys(connection)] == ["data"]
    envelope = Envelope(DirectKeyring(StaticKey(KEY)))
    attach(engine, envelope)
    assert cell(envelope, "ada")
    engine.dispose()


def test_a_keyring_without_a_database_or_with_two_says_so(database: Database) -> None:
    """An index has its keys where its values are."""
    alone = Envelope(DirectKeyring(StaticKey(KEY)))
    with pytest.raises(ConfigurationError, match="attach"):
        cell(alone, "ada")
    for url in (database.url(), database.url().set(database="other")):
        attach(create_engine(url), alone)
    with pytest.raises(ConfigurationError, match="several databases"):
        cell(alone, "ada")


def test_no_key_shows(process: Callable[..., Envelope]) -> None:
    """Nor is one pickled; a declaration and an expression are."""
    envelope = process()
    cell(envelope, "ada")
    (view,) = envelope.index_keys._views.held.values()
    shown = f"{envelope.index_keys!r} {view!r}"
    assert view.keys[0]._key.hex() not in shown
    assert repr(view.keys[0]._key) not in shown
    for holder in (envelope.index_keys, view.keys[0]):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(holder)
    index = BlindIndex(CASEFOLD, last(4), name="ssn_last4", bits=32)
    assert pickle.loads(pickle.dumps(index)) == index
    assert repr(index) == "BlindIndex(CASEFOLD, last(4), name='ssn_last4', bits=32)"
    assert named("last(4)") == last(4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bits": 7}, "8 to 256"),
        ({"bits": 257}, "8 to 256"),
        ({"bits": 95, "unique": True}, "bits=96"),
        ({"columns": ("last_name", "born")}, "needs name="),
        ({"columns": ("born",), "name": "b"}, "2 to 32"),
        ({"columns": ("born", "born"), "name": "b"}, "each once"),
        ({"columns": "born", "name": "b"}, "sequence"),
        ({"name": ""}, "is a name"),
        ({"key": ""}, "is a name"),
    ],
)
def test_what_no_index_can_be_is_refused(options: dict[str, object], words: str) -> None:
    """At declaration."""
    with pytest.raises(ConfigurationError, match=words):
        BlindIndex(**options)  # type: ignore[arg-type]


def test_a_padded_value_is_found_by_one_that_is_not() -> None:
    """As equal values are, however they are stored."""
    from sqlalchemy_envelope import Padding

    plain = encode_text("ada")
    assert BlindIndex().messages([plain, Padding(64).pad(plain)]) == [ADA, ADA]
