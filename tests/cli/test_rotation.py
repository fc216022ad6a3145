"""`keys create`, `rotate`, `rewrap` and `reencrypt`: new keys, and what is stored moved under them."""

import json
from pathlib import Path

import pytest

from sqlalchemy_envelope import Context, DirectKeyring, Envelope, StaticKey, TieredKeyring
from sqlalchemy_envelope.checks import check_sql
from sqlalchemy_envelope.cli.exits import Exit
from sqlalchemy_envelope.keystore import SqlKeyStore

from .conftest import CANARY, KEY, Done, Shell

TIERED = {"ENVELOPE_KEYRING": "tiered"}
NEW_KEY = bytes(range(32, 64)).hex()
RENEWED = {**TIERED, "SECRETS_ENCRYPTION_KEY": NEW_KEY, "SECRETS_ENCRYPTION_KEY_PREVIOUS": KEY}

MODEL = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy_envelope import EncryptedText

class Base(DeclarativeBase):
    pass

class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(EncryptedText(context="person.mail"))
"""


class World:
    """A table of customers under a static key directly, and the tables of keys, empty."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        shell.run("keys", "init")
        guard = check_sql("email", "email_dek", None)
        shell.sql(
            f"CREATE TABLE customer (id serial PRIMARY KEY, email bytea, email_dek bytea, CHECK ({guard}))"
        )

    def add(self, envelope: Envelope, number: int = 3, context: str = "customer.email") -> None:
        """So many values more."""
        for dek, content in envelope.seal_many([CANARY] * number, Context.of(context)):
            self.shell.sql("INSERT INTO customer (email, email_dek) VALUES (%s, %s)", content, dek)

    def add_directly(self, number: int = 3, context: str = "customer.email") -> None:
        """So many under the static key itself."""
        self.add(Envelope(DirectKeyring(StaticKey(KEY))), number, context)

    def run(self, *arguments: str, **environment: str) -> Done:
        """A command about keys of tiers."""
        return self.shell.run("keys", *arguments, **(TIERED | environment))

    def opened(self, key: str = KEY, context: str = "customer.email") -> list[bytes | None]:
        """What the values open to, by tiers under a static key."""
        envelope = Envelope(TieredKeyring(StaticKey(key), store=SqlKeyStore(self.shell.url)))
        cells = self.shell.sql("SELECT email_dek, email FROM customer ORDER BY id")
        return envelope.open_many(cells, context)

    def listed(self) -> list[tuple[str | None, str]]:
        """Tenants and states of all keys."""
        return [(each["tenant"], each["state"]) for each in json.loads(self.run("list", "--json").out)]

    def under(self) -> dict[str, int]:
        """Values by what wraps them."""
        rows = self.shell.sql("SELECT get_byte(email_dek, 2), count(*) FROM customer GROUP BY 1")
        return {{1: "static", 2: "kms", 3: "kek"}[wrap]: count for wrap, count in rows}


@pytest.fixture
def world(shell: Shell) -> World:
    """No value yet."""
    return World(shell)


def test_a_key_is_made_once(world: World) -> None:
    """For a tenant, and for values of none."""
    done = world.run("create", "--tenant", "acme")
    assert done.code == Exit.DONE, done.err
    assert done.out.endswith("is made for tenant acme\n")
    again = json.loads(world.run("create", "--tenant", "acme", "--json").out)
    assert (again["made"], again["id"] in done.out) == (False, True)
    assert world.run("create", "--no-tenant").out.endswith("is made for values of no tenant\n")
    assert world.listed() == [(None, "active"), ("acme", "active")]


def test_every_tenant_gets_a_new_key(world: World) -> None:
    """The one before only opens from then on."""
    world.run("create", "--tenant", "acme")
    world.run("create", "--no-tenant")
    assert world.run("rotate", "--tenant", "acme").out.endswith("is active for tenant acme\n")
    done = world.run("rotate", "--all")
    assert [line.split(" is active ")[1] for line in done.out.splitlines()] == [
        "for values of no tenant",
        "for tenant acme",
    ]
    assert world.run("rotate", "--all", "--older-than", "1").out == ""
    states = sorted(world.listed(), key=str)
    of_acme = [("acme", "active"), ("acme", "deactivated"), ("acme", "deactivated")]
    assert states == [*of_acme, (None, "active"), (None, "deactivated")]


def test_a_new_provider_key_touches_no_value(world: World) -> None:
    """`--keks`: the keys come to lie under it, and what they wrapped opens as before."""
    world.add(Envelope(TieredKeyring(StaticKey(KEY), store=SqlKeyStore(world.shell.url))))
    before = world.shell.sql("SELECT * FROM customer ORDER BY id")
    done = world.run("rewrap", "--keks", **RENEWED)
    assert (done.code, done.out) == (Exit.DONE, "1 keys wrapped anew, by 0 calls to providers\n"), done.err
    assert world.run("rewrap", "--keks", **RENEWED).out.startswith("0 keys")
    assert world.shell.sql("SELECT * FROM customer ORDER BY id") == before
    assert world.opened(NEW_KEY) == [CANARY.encode()] * 3


def test_a_key_that_does_not_open_is_left_and_told(world: World) -> None:
    """The others are done."""
    world.run("create", "--tenant", "acme")
    world.run("create", "--tenant", "zeta")
    world.shell.sql("UPDATE envelope.key SET wrapped[1] = set_byte(wrapped[1], 30, 0) WHERE tenant = 'acme'")
    done = world.run("rewrap", "--keks", **RENEWED)
    assert done.code == Exit.LEFT
    assert "1 keys wrapped anew" in done.out
    assert "doesn't open: unwrap" in done.out


def test_data_keys_come_under_tiers(world: World) -> None:
    """Only the sibling changes; run again it finds nothing to do."""
    world.add_directly(40)
    before = world.shell.sql("SELECT id, email FROM customer ORDER BY id")
    done = world.run("rewrap", "customer.email", "--batch", "10")
    assert done.code == Exit.DONE, done.err
    assert done.out.startswith("customer.email: data keys of 40 rows wrapped anew in ")
    assert world.under() == {"kek": 40}
    assert world.shell.sql("SELECT id, email FROM customer ORDER BY id") == before
    assert world.opened() == [CANARY.encode()] * 40
    assert "of 0 rows" in world.run("rewrap", "customer.email").out
    kinds = [each["kind"] for each in json.loads(world.shell.run("jobs", "--json").out)]
    assert kinds == ["rewrap", "rewrap"]


def test_values_are_sealed_anew(world: World) -> None:
    """Of one key only, by its id as `keys list` has it."""
    first = world.run("create", "--no-tenant").out.split()[1]
    world.add(Envelope(TieredKeyring(StaticKey(KEY), store=SqlKeyStore(world.shell.url))), 2)
    world.add_directly(1)
    before = dict(world.shell.sql("SELECT id, email FROM customer"))
    world.run("rotate", "--no-tenant")
    done = world.run("reencrypt", "customer.email", "--key", first)
    assert done.code == Exit.DONE, done.err
    assert done.out.startswith("customer.email: 2 rows encrypted anew in ")
    after = dict(world.shell.sql("SELECT id, email FROM customer"))
    assert [id_ for id_ in before if before[id_] == after[id_]] == [3]
    assert world.opened() == [CANARY.encode()] * 3


def test_a_column_is_meant_as_its_model_says(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its context; another column's model is refused."""
    (tmp_path / "shop_model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    world.add_directly(2, "person.mail")
    assert world.run("rewrap", "customer.email").code == Exit.LEFT
    world.shell.sql("TRUNCATE envelope.rotation CASCADE")
    done = world.run("rewrap", "customer.email", "--model", "shop_model:Customer.email")
    assert done.code == Exit.DONE, done.err
    assert world.opened(context="person.mail") == [CANARY.encode()] * 2
    done = world.run("rewrap", "customer.phone", "--model", "shop_model:Customer.email")
    assert done.code == Exit.USAGE
    assert "is customer.email, not customer.phone" in done.err


def test_each_row_comes_under_the_key_of_its_tenant(world: World) -> None:
    """The column that tells it is named; another tenant's rows stay as they are."""
    world.shell.sql("ALTER TABLE customer ADD tenant_id text")
    envelope = Envelope(DirectKeyring(StaticKey(KEY)))
    for tenant in ("acme", "zeta"):
        ((dek, content),) = envelope.seal_many([CANARY], Context("customer", "email", tenant=tenant))
        values = "(tenant_id, email, email_dek) VALUES (%s, %s, %s)"
        world.shell.sql(f"INSERT INTO customer {values}", tenant, content, dek)
    done = world.run("rewrap", "customer.email", "--tenant-column", "tenant_id", "--only-tenant", "acme")
    assert done.code == Exit.DONE, done.err
    assert world.under() == {"kek": 1, "static": 1}
    assert world.run("rewrap", "customer.email", "--tenant-column", "tenant_id").code == Exit.DONE
    assert world.listed() == [("acme", "active"), ("zeta", "active")]
    counted = json.loads(world.run("list", "--count", "--json").out)
    assert [each["usage"] for each in counted] == [{"public.customer.email": 1}] * 2
    assert world.shell.run("explain", "customer.email", "1").code == Exit.DONE


NOT_SO = [
    (["create"], "for whom? --tenant, --no-tenant: one of them"),
    (["create", "--tenant", ""], "a tenant's name is not empty"),
    (["rotate", "--tenant", "acme", "--all"], "--tenant, --no-tenant, --all: one of them"),
    (["rewrap"], "TABLE.COLUMN, or --keks: one of them"),
    (["rewrap", "customer.email", "--keks"], "one of them"),
    (["rewrap", "customer.email", "--key", "acme"], "a key id is 32 hexadecimal digits"),
    (["rewrap", "customer.email", "--only-tenant", "acme"], "name the column that tells it"),
    (["rewrap", "customer.phone"], "customer has no column phone"),
    (["reencrypt", "customer.email", "--tenant-column", "clinic"], "customer has no column clinic"),
]


def test_what_is_wrong_to_ask_is_two(world: World) -> None:
    """Before anything is done, and with no job left that `backfill all` would come upon."""
    for arguments, words in NOT_SO:
        done = world.run(*arguments)
        assert (done.code, done.out) == (Exit.USAGE, ""), arguments
        assert words in done.err
    assert json.loads(world.shell.run("jobs", "--json").out) == []


def test_keys_that_are_not_of_tiers_are_told(world: World) -> None:
    """With the setting that makes them so."""
    for arguments in (["create", "--no-tenant"], ["rotate", "--no-tenant"]):
        done = world.run(*arguments, ENVELOPE_KEYRING="direct")
        assert done.code == Exit.USAGE
        assert "ENVELOPE_KEYRING=tiered" in done.err
