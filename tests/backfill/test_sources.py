"""Old values that are not plain: other types, Fernet, SQL, versions, all through the same path."""

import pickle

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary, Text

from sqlalchemy_envelope import ConfigurationError, DirectKeyring, Envelope, StaticKey, Version
from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.rows.legacy_source import LegacySource, from_base64
from sqlalchemy_envelope.backfill.rows.sources import (
    CallableSource,
    ExpressionSource,
    PlainSource,
    Source,
    TypedSource,
    VersionedSource,
    resolve,
)
from sqlalchemy_envelope.backfill.subject.move import Move
from sqlalchemy_envelope.testing import FakeKms, kms_calls

from ..fixtures.postgresql import ServerLog
from ..fixtures.theirs import encrypted_types
from .conftest import MakeWorld
from .world import KEY, World, envelope

PASSWORD = b"vogelfutterkey-of-fernet-32bytes"
FERNET_KEY = b"Zm9nZWxmdXR0ZXItb2YtZmVybmV0LTMyYnl0ZXMhISE="
NONCE = bytes(12)
VALUES = [f"märchen {n}" for n in range(40)]

_theirs = encrypted_types()
StringType = _theirs.StringEncryptedType(Text, PASSWORD.decode(), _theirs.AesEngine, "pkcs5")
typed = TypedSource(StringType)
"""Found by its import path, as a job's record names it."""


def v1(value: str) -> bytes:
    """As version 1 stored it."""
    return NONCE + AESGCM(KEY).encrypt(NONCE, value.encode(), None)


def v2(value: str, fake: FakeKms) -> bytes:
    """As version 2 stored it."""
    wrapped = fake.wrap_v2(KEY)
    return b"\x02" + len(wrapped).to_bytes(2, "big") + wrapped + v1(value)


def moved(world: World) -> list[str | None]:
    """What the pairs open to, by id, in this process's own way."""
    cells = world.execute("SELECT email_encrypted_dek, email_encrypted FROM customer ORDER BY id").fetchall()
    return [
        None if value is None else value.decode() for value in envelope().open_many(cells, world.move.context)
    ]


def test_a_type_of_sqlalchemy_reads_the_column(world: World) -> None:
    """sqlalchemy-utils' encrypted strings, and verify reads them the same way."""
    bind = StringType.process_bind_param
    for number, value in enumerate(VALUES):
        world.execute("INSERT INTO customer (id, email) VALUES (%s, %s)", [number, bind(value, None)])
    assert world.run(source=typed).rows_done == len(VALUES)
    assert moved(world) == VALUES
    assert world.run("verify", source=typed).state == "done"
    assert world.run("verify").state == "failed", "the column as it is differs from what the pair holds"


def test_a_jobs_record_names_its_source(world: World) -> None:
    """By import path, since it may hold a key."""
    world.execute("INSERT INTO customer VALUES (1, %s)", [StringType.process_bind_param("märchen", None)])
    world.job(source="tests.backfill.test_sources:typed")
    assert world.run().rows_done == 1
    assert moved(world) == ["märchen"]
    assert [job.source for job in jobs.jobs(world.connection)] == ["tests.backfill.test_sources:typed"]


@pytest.mark.parametrize("type_", [Text(), LargeBinary()])
def test_plain_types_read_as_the_column_is(make_world: MakeWorld, type_: "Text | LargeBinary") -> None:
    """For bytes, and for text kept as bytes."""
    column = "text" if isinstance(type_, Text) else "bytea"
    world = make_world(f"CREATE TABLE customer (id int PRIMARY KEY, email {column})")
    for number, value in enumerate(VALUES):
        plain = value if column == "text" else value.encode()
        world.execute("INSERT INTO customer VALUES (%s, %s)", [number, plain])
    assert world.run(source=TypedSource(type_)).rows_done == len(VALUES)
    assert moved(world) == VALUES


def test_fernet_text_reads_through_a_function(world: World) -> None:
    """Any function of the value will do."""
    fernet = Fernet(FERNET_KEY)
    for number, value in enumerate(VALUES):
        world.execute(
            "INSERT INTO customer VALUES (%s, %s)", [number, fernet.encrypt(value.encode()).decode()]
        )
    assert world.run(source=CallableSource(fernet.decrypt)).rows_done == len(VALUES)
    assert moved(world) == VALUES


def test_a_function_may_take_further_columns(make_world: MakeWorld) -> None:
    """In the order that they are named in."""
    world = make_world('CREATE TABLE customer (id int PRIMARY KEY, email text, "the host" text, port int)')
    world.execute("INSERT INTO customer VALUES (1, 'me', 'example.org', 25)")
    source = CallableSource("{}@{}:{}".format, ["the host", "port"])
    assert world.run(source=source).rows_done == 1
    assert moved(world) == ["me@example.org:25"]


def test_postgresql_reads_by_an_expression(world: World, server_log: ServerLog) -> None:
    """Its parameters are bound, so the text of no statement has them."""
    world.fill(3)
    source = ExpressionSource(
        "replace({column}, {what}, {with_}) || '%' || '{{}}'", what="somebody", with_="vögelchen"
    )
    assert world.run(source=source).rows_done == 3
    assert moved(world) == [f"vögelchen{n}@example.org%{{}}" for n in (1, 2, 3)]
    written = server_log.read()
    assert "source_" not in written
    assert "replace(" in written
    assert "vögelchen" not in written, "not even as a parameter, where the role may say so"


def test_pgcrypto_decrypts(world: World) -> None:
    """Where the server has it."""
    if not world.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'pgcrypto'"):
        pytest.skip("the server has no pgcrypto")
    world.execute("CREATE EXTENSION pgcrypto")
    world.execute("ALTER TABLE customer ALTER email TYPE text")
    world.execute("INSERT INTO customer SELECT 1, armor(pgp_sym_encrypt('märchen', 'key'))")
    world.execute("INSERT INTO customer SELECT 2, armor(pgp_sym_encrypt('märchen', 'another key'))")
    source = ExpressionSource("pgp_sym_decrypt(dearmor({column}), {key})", key="key")
    report = world.run(source=source)
    assert (report.rows_done, report.rows_quarantined) == (1, 1)
    assert moved(world) == ["märchen", None]


@pytest.mark.parametrize("column", ["text", "bytea"])
def test_a_version_1_table_mixes_plaintext_and_ciphertext(make_world: MakeWorld, column: str) -> None:
    """Told apart by its own column; base64 where the column is text."""
    import base64

    world = make_world(f"CREATE TABLE customer (id int PRIMARY KEY, email {column}, encryption_version int)")
    for number, value in enumerate(VALUES):
        sealed = v1(value)
        stored: object = [value, base64.b64encode(sealed).decode()][number % 2]
        if column == "bytea":
            stored = [value.encode(), sealed][number % 2]
        world.execute("INSERT INTO customer VALUES (%s, %s, %s)", [number, stored, number % 2])
    world.execute(
        "INSERT INTO customer VALUES (98, %s, 7), (99, %s, 1)",
        [b"x" * 40] * 2 if column == "bytea" else ["x"] * 2,
    )
    source = VersionedSource("encryption_version", {0: PlainSource(), 1: LegacySource(Version.V1)})
    report = world.run(source=source)
    assert (report.rows_done, report.rows_quarantined) == (len(VALUES), 2)
    assert moved(world) == [*VALUES, None, None]
    causes = {row.key[0]: row.cause for row in jobs.quarantined(world.connection, 1)}
    assert causes["98"] == "KeyError"
    assert causes["99"].startswith("DecryptionError ")
    assert world.run("verify", source=source).rows_done == len(VALUES)


@pytest.mark.parametrize("split", [False, True], ids=["in one cell", "in two"])
def test_version_2_unwraps_its_keys_in_a_wave(make_world: MakeWorld, split: bool) -> None:
    """One call for each distinct key of a batch, and one for each value that is sealed."""
    world = make_world("CREATE TABLE customer (id int PRIMARY KEY, email bytea, email_key bytea)")
    fake = FakeKms()
    for number, value in enumerate(VALUES):
        blob = v2(value, fake)
        end = len(blob) - len(v1(value))
        cells = [blob[end:], blob[:end]] if split else [blob, None]
        world.execute("INSERT INTO customer VALUES (%s, %s, %s)", [number, *cells])
    keyring = DirectKeyring(StaticKey(KEY), opens=[fake])
    with kms_calls(fake, generate=0, unwrap=1):
        source = LegacySource(Version.V2, key_column="email_key" if split else None)
        report = world.run(source=source, envelope=lambda: Envelope(keyring))
    assert report.rows_done == len(VALUES)
    assert moved(world) == VALUES


def test_a_value_of_the_wrong_type_is_a_matter_of_its_row(make_world: MakeWorld) -> None:
    """A text where bytes are moved, or bytes that are no UTF-8 where text is."""
    world = make_world(
        "CREATE TABLE customer (id int PRIMARY KEY, email bytea)",
        Move.plan("customer", "email", type_="text"),
    )
    world.execute("INSERT INTO customer VALUES (1, %s), (2, %s)", [b"fine", b"\xff"])
    report = world.run(source=PlainSource())
    assert (report.rows_done, report.rows_quarantined) == (1, 1)


def test_sources_go_to_other_processes_and_show_no_key() -> None:
    """By pickle; and a repr is blank."""
    sources: list[Source] = [
        typed,
        CallableSource(from_base64, ["further"]),
        ExpressionSource("f({column}, {key})", key="geheim"),
        VersionedSource("version", {0: PlainSource(), 1: LegacySource(Version.V1)}),
    ]
    for source in sources:
        assert pickle.loads(pickle.dumps(source)).select('"c"') == source.select('"c"')
        assert "geheim" not in repr(source) + repr(source.select('"c"'))
        assert PASSWORD.decode() not in repr(source)


@pytest.mark.parametrize("sql", ["f({column}, {key})", "f({0})", "f({"])
def test_an_expression_names_only_what_it_is_given(sql: str) -> None:
    """Said at once."""
    with pytest.raises(ConfigurationError, match="an expression names"):
        ExpressionSource(sql)


@pytest.mark.parametrize(
    "path", ["tests.backfill.test_sources", "tests.backfill.test_sources:VALUES", "no.where:it"]
)
def test_a_path_leads_to_a_source(path: str) -> None:
    """Or is refused by name."""
    with pytest.raises(ConfigurationError, match="name one as module:attribute"):
        resolve(path)


PATH = "tests.backfill.test_sources:typed"


def test_a_later_job_reads_as_the_last_one_did(world: World) -> None:
    """Else a row that became pending since would be sealed as it is stored: the token, not what it says."""
    bind = StringType.process_bind_param
    world.execute("INSERT INTO customer VALUES (1, %s)", [bind("märchen", None)])
    whole.encrypt_column(world.database, world.move, envelope, source=PATH, keep_plaintext=True)
    world.move = world.move.handed_over()
    whole.unswap(world.database, world.move, envelope)
    world.move = world.move.handed_back()
    world.execute("UPDATE customer SET email = %s", [bind("sage", None)])
    whole.backfill(world.database, world.move, envelope)
    assert moved(world) == ["sage"]


def test_a_source_may_be_said_at_the_second_try(make_world: MakeWorld) -> None:
    """The job that failed without it takes it over."""
    world = make_world("CREATE TABLE customer (id int PRIMARY KEY, email int)")
    world.execute("INSERT INTO customer VALUES (1, 41)")
    with pytest.raises(ConfigurationError, match="say source="):
        whole.backfill(world.database, world.move, envelope)
    whole.backfill(world.database, world.move, envelope, source="tests.backfill.test_sources:number")
    assert moved(world) == ["41"]
    whole.swap(world.database, world.move, envelope)
    whole.null_plaintext(world.database, world.move)
    whole.decrypt_column(world.database, world.move, envelope)
    assert world.value("SELECT email FROM customer") == 41, "and back by a cast"


def test_a_source_that_can_not_be_recorded_is_asked_for_again(world: World) -> None:
    """An object has no path."""
    world.execute("INSERT INTO customer VALUES (1, %s)", [StringType.process_bind_param("märchen", None)])
    whole.backfill(world.database, world.move, envelope, source=typed)
    world.execute("UPDATE customer SET email = 'x'")
    with pytest.raises(ConfigurationError, match="give source="):
        whole.backfill(world.database, world.move, envelope)


number = CallableSource(str)
