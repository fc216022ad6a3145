"""`explain`: the chain of one value by SQL alone, whatever its format and whatever is wrong with it."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from sqlalchemy_envelope import Context, DirectKeyring, Envelope, StaticKey, Version
from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.cli.exits import Exit
from sqlalchemy_envelope.context import KekContext
from sqlalchemy_envelope.keystore import schema
from sqlalchemy_envelope.providers.aws_kms import key_id_of
from sqlalchemy_envelope.wire import KeyCell, Wrap

from .conftest import CANARY, Done, Shell

NO_KEYS = {"SECRETS_ENCRYPTION_KEY": "", "KMS_KEY_ARN": ""}
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEY, STATIC = UUID(int=7), StaticKey(bytes(range(32)))
BY_A_KMS = KeyCell(Wrap.AWS_KMS, key_id_of(ARN), b"\xaa" * 184).pack()
UNDER_A_KEY = KeyCell(Wrap.KEK, KEY.bytes, b"\xaa" * 60).pack()


def sealed(tenant: str | None = None) -> tuple[bytes, bytes]:
    """A pair of `customer.email`: content and wrapped key."""
    envelope = Envelope(DirectKeyring(STATIC))
    ((dek, content),) = envelope.seal_many([CANARY], Context("customer", "email", tenant=tenant))
    assert dek is not None
    assert content is not None
    return content, dek


class World:
    """A table of customers with a guarded pair, and what a command says of its first row."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def table(self, accept: Version | None = None) -> None:
        """Made anew."""
        guard = check_sql("email", "email_dek", accept)
        self.shell.sql("DROP TABLE IF EXISTS customer")
        self.shell.sql(
            f"CREATE TABLE customer (id int PRIMARY KEY, email bytea, email_dek bytea, CHECK ({guard}))"
        )

    def cells(self, content: bytes | None, dek: bytes | None) -> None:
        """The first row's, whatever the guard thinks."""
        self.shell.sql("ALTER TABLE customer DROP CONSTRAINT IF EXISTS customer_check")
        self.shell.sql("TRUNCATE customer")
        self.shell.sql("INSERT INTO customer VALUES (1, %s, %s)", content, dek)

    def keys(self, *, state: str = "active", tenant: str | None = "acme", wrapped: Any = None) -> None:
        """The table of keys, with one."""
        for statement in schema.STATEMENTS:
            self.shell.sql(statement.replace("%", "%%"))
        cells = [BY_A_KMS, STATIC.wrap(bytes(32), KekContext(KEY, tenant))] if wrapped is None else wrapped
        names = [ARN, STATIC.key_name][: len(cells)]
        self.shell.sql(
            "INSERT INTO envelope.key (id, tenant, state, wrapped, wrapped_by, wraps, created_at)"
            " VALUES (%s, %s, %s, %s, %s, 1024, now() - interval '3 days')",
            KEY,
            tenant,
            state,
            cells,
            names,
        )

    def explained(self, *arguments: str) -> tuple[Done, dict[str, Any]]:
        """What is said of the first row, and the same as data; no cell's bytes are in either."""
        words = arguments or ("customer.email", "1")
        done, data = (
            self.shell.run("explain", *words, **NO_KEYS),
            self.shell.run("explain", *words, "--json", **NO_KEYS),
        )
        assert done.code == data.code
        for cell in self.shell.sql("SELECT encode(email, 'hex'), encode(email_dek, 'hex') FROM customer"):
            for digits in filter(None, cell):
                assert digits[42:58] not in done.out + data.out or not digits[42:58]
        return done, json.loads(data.out)


@pytest.fixture
def world(shell: Shell) -> World:
    """An empty table."""
    made = World(shell)
    made.table()
    return made


def test_a_value_under_a_static_key(world: World) -> None:
    """Format, suite, bindings, sizes, the key's name; and that nothing guards it."""
    world.cells(*sealed())
    done, data = world.explained()
    assert done.code == Exit.DONE
    size = len(CANARY)
    assert done.out.splitlines() == [
        "customer.email, id 1",
        f"├── value: version 3, suite 1 (AES-256-GCM), bound to table, column, {size} bytes in {size + 68}",
        "├── no CHECK guards the pair",
        "└── data key: wrapped by a static key, 81 bytes",
        f"    └── {STATIC.key_name}",
    ]
    assert (data["key"], data["provider"], data["findings"]) == ({"id": "1"}, STATIC.key_name, [])
    assert data["content"]["value"] == size


def test_a_value_under_a_kms_key(world: World) -> None:
    """By its name where the environment or the table of keys knows it; else by its id."""
    world.cells(sealed()[0], BY_A_KMS)
    assert f"key id {key_id_of(ARN).hex()}" in world.explained()[0].out
    assert ARN in world.shell.run("explain", "customer.email", "1", KMS_KEY_ARN=ARN).out
    world.keys()
    assert world.explained()[1]["provider"] == ARN


def test_a_value_under_a_key_of_the_table(world: World) -> None:
    """Its state, tenant, age and use, and who holds it; no byte of what is wrapped."""
    world.cells(sealed("acme")[0], UNDER_A_KEY)
    world.keys()
    done, data = world.explained()
    assert done.code == Exit.DONE
    assert "bound to table, column, tenant" in done.out
    assert (
        f"key-encryption key {KEY}: active, tenant acme, 3 d 0 h old, 1,024 of 4,294,967,296 wraps"
        in done.out
    )
    assert f"wrapped by {ARN} (AWS KMS), 205 bytes" in done.out
    assert f"wrapped by {STATIC.key_name} (static key), 81 bytes" in done.out
    assert (data["kek"]["state"], data["kek"]["custodians"][0]["name"]) == ("active", ARN)


STATES = [
    ("deactivated", Exit.DONE, "deactivated"),
    ("revoked", Exit.LEFT, "was revoked (revoked)"),
    ("destroyed", Exit.LEFT, "nobody holds it"),
]


def test_a_keys_state_says_whether_it_opens(world: World) -> None:
    """With the receipt, where there is one."""
    world.cells(sealed("acme")[0], UNDER_A_KEY)
    world.keys()
    world.shell.sql(
        "INSERT INTO envelope.key_receipt (key, act, signed_off_by, reason, rows_affected)"
        " VALUES (%s, 'revoke', 'ada', 'she asked', '{}')",
        KEY,
    )
    for state, code, words in STATES:
        gone = ", wrapped = '{}', wrapped_by = '{}'" if state == "destroyed" else ""
        world.shell.sql(f"UPDATE envelope.key SET state = '{state}'{gone}")
        done, _ = world.explained()
        assert done.code == code
        assert words in done.out
        assert "receipt: revoke by ada" in done.out


def _broken() -> Iterator[tuple[str, bytes | None, bytes | None, str]]:
    content, dek = sealed()
    yield "no key", content, None, "lone-cell"
    yield "no content", None, dek, "lone-cell"
    yield "exchanged", dek, content, "magic"
    yield "empty", b"", dek, "magic"
    yield "version", b"\xec\x04" + content[2:], dek, "version"
    yield "suite", b"\xec\x03\x02" + content[3:], dek, "suite"
    yield "flags", b"\xec\x03\x41" + content[3:], dek, "flags"
    yield "wrap", content, b"\xed\x03\x09" + dek[3:], "wrap"
    yield "short", content[:60], dek, "length"
    yield "long", content, dek + b"x", "length"
    yield "boundary", content[5:], dek + content[:5], "length"
    yield "version 2 unasked", b"\x02" + content[1:], None, "lone-cell"


def test_what_is_wrong_with_a_cell_is_said(world: World) -> None:
    """By the failure that reading it would name; it is no reason to fall over."""
    for name, content, dek, failure in _broken():
        world.cells(content, dek)
        done, data = world.explained()
        assert done.code == Exit.LEFT, name
        assert any(f"({failure})" in each for each in data["findings"]), (name, data["findings"])


ALTERED: list[tuple[str | None, Any, str]] = [
    (None, None, "is bound to a tenant, its key-encryption key is of none"),
    ("acme", [BY_A_KMS[:40]], "is broken (length)"),
    ("acme", [KeyCell(Wrap.AWS_KMS, bytes(16), bytes(184)).pack()], "its row was altered"),
]


def test_what_is_wrong_with_its_key_is_said(world: World) -> None:
    """A row of the table of keys that was altered or exchanged."""
    world.cells(sealed("acme")[0], UNDER_A_KEY)
    for tenant, wrapped, words in ALTERED:
        world.shell.sql("DROP SCHEMA IF EXISTS envelope CASCADE")
        world.keys(tenant=tenant, wrapped=wrapped)
        done, _ = world.explained()
        assert done.code == Exit.LEFT
        assert words in done.out


def test_a_key_that_is_not_here_is_said(world: World) -> None:
    """A restore without the schema `envelope`, or without that row."""
    world.cells(sealed("acme")[0], UNDER_A_KEY)
    assert "there is no table envelope.key here" in world.explained()[0].out
    world.keys()
    world.shell.sql("DELETE FROM envelope.key")
    done, _ = world.explained()
    assert done.code == Exit.LEFT
    assert f"envelope.key has no key {KEY}" in done.out


def test_a_null_is_told_as_one(world: World) -> None:
    """It has no chain."""
    world.cells(None, None)
    done, data = world.explained()
    assert done.code == Exit.DONE
    assert "NULL: no value and no data key" in done.out
    assert (data["content"], data["dek"]) == (None, None)


def test_older_versions_are_told_as_what_they_are(world: World) -> None:
    """By what the column's CHECK still takes; version 2 whole, and split."""
    blob = b"\x02" + (184).to_bytes(2, "big") + bytes(184 + 28 + 5)
    world.table(Version.V2)
    world.shell.sql("INSERT INTO customer VALUES (1, %s, NULL)", blob)
    whole = world.explained()[0]
    world.shell.sql("UPDATE customer SET email = %s, email_dek = %s", blob[187:], blob[:187])
    assert world.explained()[0].out == whole.out
    assert "version 2, bound to nothing, 5 bytes in 33" in whole.out
    assert "only its KMS can tell" in whole.out
    world.shell.sql("UPDATE customer SET email_dek = %s", blob[:187] + b"x" * 2)
    assert world.explained()[1]["findings"] == ["a cell has an impossible length (length)"]
    world.table(Version.V1)
    world.shell.sql("INSERT INTO customer VALUES (1, %s, NULL)", bytes(28 + 5))
    assert "version 1, bound to nothing, 5 bytes in 33" in world.explained()[0].out


def test_names_and_keys_of_every_kind(shell: Shell) -> None:
    """A schema, quotes, dots, a key of two columns, and one that is unique only."""
    guard = check_sql("the.secret", "it's %", None).replace("\\:", ":")
    shell.sql("CREATE SCHEMA clinic")
    shell.sql(
        'CREATE TABLE clinic."my table" (at timestamptz, "n:%" uuid, "the.secret" bytea, "it\'s %" bytea,'
        f' PRIMARY KEY ("n:%", at), CHECK ({guard}))'
    )
    content, dek = sealed()
    shell.sql(
        'INSERT INTO clinic."my table" VALUES (%s, %s, %s, %s)', "2026-01-01 12:00+00", KEY, content, dek
    )
    place = 'clinic."my table"."the.secret"'
    done = shell.run("explain", place, str(KEY), "2026-01-01T12:00:00Z", **NO_KEYS)
    assert done.code == Exit.DONE, done.err
    assert done.out.startswith(f"clinic.my table.the.secret, n:% {KEY}, at 2026-01-01T12:00:00Z\n")
    assert shell.run(
        "explain", '"my table"."the.secret"', str(KEY), "2026-01-01 12:00+00", **NO_KEYS
    ).out == done.out.replace("2026-01-01T12:00:00Z", "2026-01-01 12:00+00")
    done = shell.run("explain", place, str(KEY), **NO_KEYS)
    assert done.code == Exit.USAGE
    assert "the key of my table is n:%, at: give 2 in that order" in done.err


def test_a_column_on_its_way(shell: Shell) -> None:
    """By the name that its users know: what the plaintext is, and what the pair."""
    shell.begin(2)
    done = shell.run("explain", "customer.email", "1", **NO_KEYS)
    assert "a plaintext is there too; the plaintext is the truth" in done.out
    shell.run("backfill", "customer.email")
    done = shell.run("explain", "customer.email", "1", "--json", **NO_KEYS)
    chain = json.loads(done.out)
    assert (chain["plaintext"], chain["guarded"], chain["dek"]["wrap"]) == (True, True, "static")
    assert shell.run("explain", "customer.email_encrypted", "1", **NO_KEYS).code == Exit.DONE


NO_VALUES = [
    (["customer.email", "2"], "no row of customer has that key"),
    (["customer.email", "one"], "that is no key of customer: id is int4"),
    (["customer.email", "1", "2"], "the key of customer is id: give 1 in that order"),
    (["customer.name", "1"], "is no encrypted column here"),
    (["customer", "1"], "a column is TABLE.COLUMN"),
]


def test_what_is_no_value_is_two(world: World) -> None:
    """One line that says which part is wrong, without repeating the key."""
    world.cells(*sealed())
    for arguments, words in NO_VALUES:
        done = world.shell.run("explain", *arguments, **NO_KEYS)
        assert (done.code, done.out) == (Exit.USAGE, "")
        assert words in done.err


def test_no_key_to_name_a_row_by(world: World) -> None:
    """A table may have none."""
    world.shell.sql("ALTER TABLE customer DROP CONSTRAINT customer_pkey")
    done = world.shell.run("explain", "customer.email", "1", **NO_KEYS)
    assert "customer has no primary key" in done.err


def test_a_role_that_may_not_read_keys_is_told(world: World) -> None:
    """The rest of the chain is shown all the same."""
    world.cells(sealed("acme")[0], UNDER_A_KEY)
    world.keys()
    name = f"reader_{world.shell.connection.info.dbname}"
    world.shell.sql(f"CREATE ROLE {name} LOGIN")
    try:
        world.shell.sql(f"GRANT SELECT ON customer TO {name}; GRANT USAGE ON SCHEMA envelope TO {name}")
        url = world.shell.url.replace("postgres@", f"{name}@")
        done = world.shell.run("explain", "customer.email", "1", "--url", url, **NO_KEYS)
        assert done.code == Exit.LEFT, done.err
        assert "this role may not read envelope.key" in done.out
    finally:
        world.shell.sql(f"DROP OWNED BY {name}")
        world.shell.sql(f"DROP ROLE {name}")


def test_what_a_name_holds_can_not_command_a_terminal(world: World) -> None:
    """Nor be taken for markup."""
    world.cells(sealed("acme")[0], UNDER_A_KEY)
    world.keys(tenant="[red]\x1b[31macme\nx")
    out = world.explained()[0].out
    assert "tenant [red]?[31macme x" in out


def test_reading_it_needs_no_more_than_the_heads(world: World, server_log: Any) -> None:
    """What the server is asked for is three bytes of the value and twenty-one of the key."""
    world.cells(*sealed())
    world.explained()
    asked = [line for line in server_log.read().splitlines() if "octet_length" in line]
    assert asked
    assert all('substr("email", 1, 3)' in line and 'substr("email_dek", 1, 21)' in line for line in asked)
