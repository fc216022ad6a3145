"""A move that can't come to its end is refused before its table is touched."""

from functools import partial
from typing import Any

import pytest

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.backfill.moving import whole
from sqlalchemy_envelope.backfill.postgres.database import Database as Place
from sqlalchemy_envelope.backfill.subject.move import Move

from ..fixtures.postgresql import Database
from .world import World, envelope

MOVE = Move.plan("t", "email", into="sealed")

CASES = {
    "no key": ("CREATE TABLE t (id int, email text)", "has no key"),
    "in the primary key": (
        "CREATE TABLE t (id int, email text, PRIMARY KEY (id, email))",
        "in the primary key",
    ),
    "generated": (
        "CREATE TABLE t (id int PRIMARY KEY, email text GENERATED ALWAYS AS ('x') STORED)",
        "generated column",
    ),
    "another type": ("CREATE TABLE t (id int PRIMARY KEY, email int)", "say source="),
    "referred to": (
        """CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE);
        CREATE TABLE other (email text REFERENCES t (email) ON UPDATE CASCADE)""",
        "foreign keys refer to it",
    ),
    "an heir": (
        "CREATE TABLE parent (id int, email text); CREATE TABLE t (PRIMARY KEY (id)) INHERITS (parent)",
        "inherit",
    ),
    "a view": ("CREATE VIEW t AS SELECT 1 AS id, 'x'::text AS email", "is no table"),
}


@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_left_of_a_refused_move(database: Database, case: str, later: bool) -> None:
    """Neither columns nor triggers nor a record."""
    create, words = CASES[case]
    place = Place.of(database.url())
    with place.connect("test") as connection:
        connection.execute(create.encode())
        begin = whole.begin if later else partial(whole.encrypt_column, envelope=envelope)
        with pytest.raises(ConfigurationError, match=words):
            begin(place, MOVE)
        columns = connection.execute("SELECT * FROM t").description or []
        assert [each.name for each in columns] == ["id", "email"]
        assert connection.execute("SELECT to_regclass('envelope.move')").fetchone() == (None,)


def test_rows_that_are_hidden_are_not_passed_over(world: World) -> None:
    """Row security would leave them plain, and everything counted and verified without them."""
    world.fill(3)
    role = f"owner_{world.value('SELECT current_database()')}"
    world.execute(
        f"CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA envelope TO {role};"
        f" GRANT ALL ON SCHEMA envelope TO {role}; ALTER TABLE customer OWNER TO {role};"
        " ALTER TABLE customer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    )
    theirs = Place(world.database.url.replace("postgres@", f"{role}@"))
    try:
        with pytest.raises(ConfigurationError, match="row security hides rows"):
            whole.backfill(theirs, world.move, envelope)
    finally:
        world.execute(f"ALTER TABLE customer OWNER TO postgres; DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_domain_over_a_domain_is_what_it_is_made_of(database: Database) -> None:
    """However many there are."""
    place = Place.of(database.url())
    with place.connect("test") as connection:
        connection.execute("CREATE DOMAIN a AS text; CREATE DOMAIN b AS a")
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, email b)")
    whole.encrypt_column(place, MOVE, envelope)


TAKEN = {
    "a text": (Move.plan("t", "email", into="name"), "name is a column for something else"),
    "bytes": (Move.plan("t", "email", into="photo"), "photo is a column for something else"),
    "the sibling's": (Move.plan("t", "email", into="sealed", dek="photo"), "photo is a column"),
    "the kept plaintext's": (Move.plan("t", "photo", type_="bytes"), "photo_plaintext is a column"),
    "the sibling's in the end": (Move.plan("t", "email", dek="name"), "name is a column"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_a_column_for_something_else_is_no_part_of_a_pair(database: Database, case: str) -> None:
    """The way back would drop it."""
    move, words = TAKEN[case]
    place = Place.of(database.url())
    with place.connect("test") as connection:
        connection.execute(
            "CREATE TABLE t (id int PRIMARY KEY, email text, name text, photo bytea, photo_plaintext int)"
        )
        connection.execute("INSERT INTO t VALUES (1, 'x', 'y', 'z')")
    for step in (whole.encrypt_column, whole.add_pair):
        with pytest.raises(ConfigurationError, match=words):
            step(place, move)
    with pytest.raises(ConfigurationError, match="is not encrypted"):
        whole.decrypt_column(place, move, envelope)


def test_a_pair_that_a_model_made_is_taken_over(database: Database) -> None:
    """With its guard, as `create_all` makes it, and what was written to both since."""
    place = Place.of(database.url())
    dek, content = envelope().seal_many(["x"], MOVE.context)[0]
    with place.connect("test") as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, email text, sealed bytea, sealed_dek bytea)")
        connection.execute("INSERT INTO t VALUES (1, 'x', %s, %s), (2, 'y', NULL, NULL)", [content, dek])
    whole.encrypt_column(place, MOVE, envelope)


def test_a_part_of_a_pair_is_not_moved_itself(database: Database) -> None:
    """Neither cells nor wrapped keys are plaintext."""
    place = Place.of(database.url())
    with place.connect("test") as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY, email text)")
    whole.encrypt_column(place, MOVE, envelope)
    with pytest.raises(ConfigurationError, match="sealed_dek is a column for something else"):
        whole.encrypt_column(place, Move.plan("t", "sealed_dek", type_="bytes"), envelope)


@pytest.mark.parametrize(
    "names", [{"into": "email"}, {"dek": "email"}, {"into": "s", "dek": "s"}, {"dek": "email_encrypted"}]
)
def test_each_column_has_a_name_of_its_own(names: Any) -> None:
    """Else the plaintext itself would go on the way back."""
    with pytest.raises(ConfigurationError, match="a name of their own"):
        Move.plan("t", "email", **names)


@pytest.mark.parametrize("move", [Move.plan("t", "email"), Move.plan("t", "photo", type_="bytes")])
def test_a_table_that_was_made_anew_is_moved_anew(database: Database, move: Move) -> None:
    """Its record says that it is encrypted, and under the pair's name there is a plain column."""
    place = Place.of(database.url())
    table = "CREATE TABLE t (id int PRIMARY KEY, email text, photo bytea); INSERT INTO t VALUES (1, 'x', 'y')"
    with place.connect("test") as connection:
        connection.execute(table)
        whole.encrypt_column(place, move, envelope)
        connection.execute("DROP TABLE t")
        connection.execute(table)
        whole.encrypt_column(place, move, envelope)
        cells = connection.execute(f"SELECT {move.column}_dek, {move.column} FROM t".encode()).fetchall()
    assert envelope().open_many(cells, move.context) in ([b"x"], [b"y"])


def test_a_record_that_a_table_belies_is_not_believed(database: Database) -> None:
    """Made anew with all three columns, and filled by an older version."""
    place = Place.of(database.url())
    columns = "id int PRIMARY KEY, email text, sealed bytea, sealed_dek bytea"
    with place.connect("test") as connection:
        connection.execute(f"CREATE TABLE t ({columns})".encode())
        whole.encrypt_column(place, MOVE, envelope)
        whole.swap(place, MOVE, envelope)
        connection.execute("DROP TABLE t")
        connection.execute(f"CREATE TABLE t ({columns}); INSERT INTO t VALUES (1, 'x')".encode())
        with pytest.raises(ConfigurationError, match="1 rows have plaintext"):
            whole.encrypt_column(place, MOVE, envelope)
        whole.decrypt_column(place, MOVE, envelope)
        whole.encrypt_column(place, MOVE, envelope)
        cells = connection.execute("SELECT sealed_dek, sealed FROM t").fetchall()
    assert envelope().open_many(cells, MOVE.context) == [b"x"]
