"""`keys`: what there is of key-encryption keys, and each step of their life, with its receipt."""

import json
import os
import pty
from uuid import UUID

import pytest

from sqlalchemy_envelope import Context, Envelope, StaticKey, TieredKeyring
from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.cli.exits import Exit
from sqlalchemy_envelope.keystore import SqlKeyStore

from .conftest import CANARY, KEY, Done, Shell

NO_KEYS = {"SECRETS_ENCRYPTION_KEY": "", "KMS_KEY_ARN": ""}
SIGNED = ("--by", "ada", "--reason", "the customer left")
NOBODY = "00000000-0000-0000-0000-000000000007"


class World:
    """A table of customers of two tenants, sealed under a key each, and commands about those keys."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        assert self.run("init").out == "the tables of keys are made: version 2\n"
        guard = check_sql("email", "email_dek", None)
        shell.sql(
            f"CREATE TABLE customer (id serial, tenant text, email bytea, email_dek bytea, CHECK ({guard}))"
        )
        self.keys = {tenant: self.add(tenant, number) for tenant, number in (("acme", 3), ("zeta", 1))}

    def run(self, *arguments: str) -> Done:
        """A command about keys, which needs none."""
        return self.shell.run("keys", *arguments, **NO_KEYS)

    def add(self, tenant: str, number: int) -> str:
        """So many values more of a tenant; gives the id of its active key."""
        envelope = Envelope(TieredKeyring(StaticKey(KEY), store=SqlKeyStore(self.shell.url)))
        cells = envelope.seal_many([CANARY] * number, Context("customer", "email", tenant=tenant))
        for dek, content in cells:
            self.shell.sql(
                "INSERT INTO customer (tenant, email, email_dek) VALUES (%s, %s, %s)", tenant, content, dek
            )
        where = "tenant = %s AND state = 'active'"
        return str(self.shell.sql(f"SELECT id FROM envelope.key WHERE {where}", tenant)[0][0])

    def states(self) -> dict[str, str]:
        """Of each key, as `keys list` has them."""
        return {each["id"]: each["state"] for each in json.loads(self.run("list", "--json").out)}


@pytest.fixture
def world(shell: Shell) -> World:
    """Two tenants."""
    return World(shell)


def test_the_tables_are_made_once(world: World) -> None:
    """Made again they stay as they are."""
    before = world.states()
    assert world.run("init").out == "the tables of keys were there: version 2\n"
    assert world.states() == before


def test_keys_are_listed_with_what_is_under_them(world: World) -> None:
    """Tenant, state, age, wraps reserved and who wraps; the values where they are asked for."""
    lines = world.run("list").out.splitlines()
    assert lines[0].split() == ["key", "tenant", "state", "age", "wraps", "wrapped", "by"]
    key, tenant, state, age, unit, wraps, name = lines[1].split()
    assert (key, tenant, state, unit, wraps) == (world.keys["acme"], "acme", "active", "s", "1,024")
    assert float(age) < 60
    assert name == StaticKey(KEY).key_name
    counted = world.run("list", "--count", "--tenant", "acme").out.splitlines()
    assert [line.split()[-1] for line in counted] == ["values", "3"]
    (told,) = json.loads(world.run("list", "--count", "--tenant", "zeta", "--json").out)
    assert (told["tenant"], told["usage"]) == ("zeta", {"public.customer.email": 1})
    assert world.run("list", "--state", "revoked").err.startswith("no key is here")


def test_a_revoked_key_is_reinstated(world: World) -> None:
    """Each with who and why; what is wrong to ask is refused."""
    key = world.keys["acme"]
    assert world.run("revoke", key, *SIGNED).out == f"key {key}, tenant acme is revoked (receipt 1)\n"
    assert world.states()[key] == "revoked"
    done = world.run("revoke", key, *SIGNED)
    assert (done.code, done.out) == (Exit.USAGE, "")
    assert f"key {key} is revoked, not active or deactivated" in done.err
    assert world.run("reinstate", key, *SIGNED).out == f"key {key}, tenant acme is reinstated (receipt 2)\n"
    assert world.states()[key] == "deactivated"
    acts = [each["act"] for each in json.loads(world.run("receipts", key, "--json").out)]
    assert acts == ["revoke", "reinstate"]
    assert world.run("receipts", world.keys["zeta"]).err == "no receipt is here\n"


def test_a_key_that_is_not_empty_is_not_retired(world: World) -> None:
    """Nor one that somebody may still write under."""
    key = world.keys["acme"]
    world.shell.sql(
        "UPDATE envelope.key SET state = 'deactivated', deactivated_at = now() WHERE id = %s", key
    )
    assert "was deactivated 0 seconds ago" in world.run("retire", key).err
    world.shell.sql("UPDATE envelope.key SET deactivated_at = now() - interval '1 day' WHERE id = %s", key)
    done = world.run("retire", key)
    assert done.code == Exit.USAGE
    assert "public.customer.email (3)" in done.err
    world.shell.sql("DELETE FROM customer WHERE tenant = 'acme'")
    assert (
        world.run("retire", key).out
        == f"key {key}, tenant acme is destroyed: no value is under it (receipt 1)\n"
    )


def test_a_providers_key_is_told_to_be_in_use(world: World) -> None:
    """By what lies under it; when nothing does, whoever holds it may let it go."""
    done = world.run("retire", StaticKey(KEY).key_name)
    assert done.code == Exit.USAGE
    assert "is in use: " in done.err
    unused = StaticKey(bytes(range(32, 64))).key_name
    assert world.run("retire", unused).out == f"nothing in this database is under {unused}\n"
    assert world.run("retire", "static:acme").code == Exit.USAGE


def test_shredding_without_a_terminal_wants_to_be_told(world: World) -> None:
    """By a flag that is not easily typed by mistake; then it says what is gone."""
    key = world.keys["acme"]
    done = world.run("shred", key, *SIGNED)
    assert done.code == Exit.USAGE
    assert "--yes-destroy" in done.err
    assert world.states()[key] == "active"
    done = world.run("shred", key, *SIGNED, "--yes-destroy")
    assert done.out == f"key {key}, tenant acme is destroyed: public.customer.email 3 (receipt 1)\n"
    assert "docs/destruction.md" in done.err
    assert world.states() == {key: "destroyed", world.keys["zeta"]: "active"}
    (line,) = world.run("receipts").out.splitlines()[1:]
    assert line.split()[3:] == ["destroy", key, "acme", "ada", "postgres", "3", "the", "customer", "left"]


def test_all_keys_of_a_tenant_are_shredded_at_once(world: World) -> None:
    """Those before the present one too."""
    first = world.keys["acme"]
    world.shell.sql(
        "UPDATE envelope.key SET state = 'deactivated', deactivated_at = now() WHERE id = %s", first
    )
    second = world.add("acme", 2)
    done = world.run("shred", "--tenant", "acme", *SIGNED, "--yes-destroy", "--json")
    rows = {each["key"]: sum(each["rows"].values()) for each in json.loads(done.out)}
    assert rows == {first: 3, second: 2}
    assert world.states()[world.keys["zeta"]] == "active"
    assert (
        "has no key that is not destroyed"
        in world.run("shred", "--tenant", "acme", *SIGNED, "--yes-destroy").err
    )


@pytest.mark.parametrize(
    ("answer", "code"), [("yes", Exit.STOPPED), ("", Exit.STOPPED), ("the id", Exit.DONE)]
)
def test_on_a_terminal_the_id_has_to_be_typed(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: str, code: Exit
) -> None:
    """After it was shown what would be gone."""
    key = world.keys["acme"]
    done = _answered(world, monkeypatch, key, key if answer == "the id" else answer)
    assert f"key {key}: public.customer.email 3\nThese never open again. To go on, type {key}: " in done.err
    assert done.code == code
    assert world.states()[key] == ("destroyed" if code is Exit.DONE else "active")


def test_on_a_terminal_the_rows_of_an_index_key_are_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No search would find them any more."""
    key = world.keys["acme"]
    world.shell.sql("UPDATE envelope.key SET purpose = 'index:customer.email_bidx' WHERE id = %s", key)
    world.shell.sql("ALTER TABLE customer ADD COLUMN email_bidx bytea")
    world.shell.sql("UPDATE customer SET email_bidx = %s", UUID(key).bytes[:4])
    assert "public.customer.email_bidx 4\n" in _answered(world, monkeypatch, key, "").err


def _answered(world: World, monkeypatch: pytest.MonkeyPatch, key: str, answer: str) -> Done:
    """A shred at a terminal where this is typed."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        os.write(ours, f"{answer}\n".encode())
        done = world.run("shred", key, *SIGNED)
    os.close(ours)
    return done


def test_public_facts_hold_nothing_secret(world: World) -> None:
    """Keys, receipts and use of one moment, and not a byte of what is wrapped."""
    world.run("revoke", world.keys["acme"], *SIGNED)
    done = world.run("export-public-facts")
    facts = json.loads(done.out)
    assert facts["format"] == "sqlalchemy-envelope/public-facts/1"
    assert [each["state"] for each in facts["keys"]] == ["revoked", "active"]
    assert [(each["act"], each["by"]) for each in facts["receipts"]] == [("revoke", "ada")]
    use = {each["key_id"]: (each["wrap"], each["rows"]) for each in facts["usage"]}
    assert use == {world.keys["acme"]: ("kek", 3), world.keys["zeta"]: ("kek", 1)}
    for (cell,) in world.shell.sql("SELECT encode(unnest(wrapped), 'hex') FROM envelope.key"):
        assert cell[42:] not in done.out
        assert cell[42:58] not in done.out
    assert json.loads(world.run("export-public-facts", "--no-count").out)["usage"] is None


NOT_SO = [
    (["revoke", "acme", *SIGNED], "a key is named by its id"),
    (["revoke", NOBODY, *SIGNED], f"there is no key {NOBODY}"),
    (["revoke", NOBODY, "--by", "ada"], "Missing option '--reason'"),
    (["revoke", NOBODY, "--by", " ", "--reason", "x"], "needs by="),
    (["shred", *SIGNED, "--yes-destroy"], "one of them"),
    (["shred", NOBODY, "--tenant", "acme", *SIGNED, "--yes-destroy"], "one of them"),
    (["shred", NOBODY, *SIGNED, "--yes-destroy"], f"there is no key {NOBODY}"),
    (["list", "--state", "gone"], "Invalid value for '--state'"),
    (["nonsense"], "No such command 'nonsense'"),
]


def test_what_is_wrong_to_ask_is_two(world: World) -> None:
    """In one line, and nothing is changed by it."""
    before = world.states()
    for arguments, words in NOT_SO:
        done = world.run(*arguments)
        assert (done.code, done.out) == (Exit.USAGE, ""), arguments
        assert words in done.err
        assert done.err.count("\n") == 1
    assert world.states() == before


def test_without_the_tables_it_says_how_to_make_them(shell: Shell) -> None:
    """Whatever is asked."""
    for arguments in (["list"], ["receipts"], ["export-public-facts"], ["revoke", str(UUID(int=1)), *SIGNED]):
        done = shell.run("keys", *arguments, **NO_KEYS)
        assert done.code == Exit.USAGE
        assert "`sqlalchemy-envelope keys init`" in done.err
