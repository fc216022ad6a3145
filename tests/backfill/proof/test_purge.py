"""Purge, proven by the files: canaries lie everywhere before it, and nowhere after it."""

from collections.abc import Callable, Iterator

import pytest

from sqlalchemy_envelope.backfill.postgres.database import Database as Ours
from sqlalchemy_envelope.backfill.purge.purge import purge
from sqlalchemy_envelope.backfill.purge.step import Outcome, PurgeStep
from sqlalchemy_envelope.errors import BackfillError
from tests.backfill.canaries import CANARY, PLACES, Canaries
from tests.fixtures.postgresql import Database, EmbeddedServer

Plant = Callable[..., Canaries]
FILES = PLACES[:-1]
"""Where they lie at first; elsewhere there are none at any time."""


@pytest.fixture
def plant(database: Database, embedded_server: EmbeddedServer) -> Iterator[Plant]:
    """Plants them and closes the connection."""
    made: list[Canaries] = []

    def plant_all(*, partitioned: bool = False) -> Canaries:
        made.append(Canaries(database, embedded_server.data_directory, partitioned=partitioned))
        return made[-1]

    yield plant_all
    for each in made:
        each.close()


def outcomes(canaries: Canaries, **given: float) -> dict[str, PurgeStep]:
    """All steps of a purge by their places."""
    return {step.place: step for step in purge(canaries.database, canaries.move, **given)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("partitioned", "dropped"), [(True, False)], ids=["partitioned-nulled"]
)
def test_no_file_of_the_server_holds_a_value_afterwards(
    plant: Plant, partitioned: bool, dropped: bool
) -> None:
    """Before, each place did: heap, TOAST, both indexes, both kinds of statistics, WAL."""
    canaries = plant(partitioned=partitioned)
    planted = canaries.scan()
    assert all(planted[place] for place in FILES), planted
    canaries.encrypt()
    canaries.null()
    if dropped:
        canaries.drop()
    assert all(canaries.scan()[place] for place in ("heap", "toast", "pg_statistic", "ext_data", "wal"))
    steps = outcomes(canaries)
    assert canaries.scan().total() == 0
    for place in ("statistics", "old transactions", "table", "pg_statistic", "wal"):
        assert steps[place].outcome is Outcome.DONE, steps[place]
    assert canaries.connection.execute("SELECT count(email), count(email_dek) FROM customer").fetchone() == (
        4_000,
        4_000,
    )


def test_it_says_what_it_cannot_do(plant: Plant) -> None:
    """Backups, replicas, the device, the log; in words without a value."""
    canaries = plant()
    canaries.encrypt()
    canaries.null()
    steps = outcomes(canaries)
    cannot = {place for place, step in steps.items() if step.outcome is Outcome.CANNOT}
    assert cannot >= {"backups", "replicas", "device", "server log", "elsewhere"}
    assert not CANARY.search(" ".join(map(str, steps.values())).encode())


def test_it_refuses_while_the_column_holds_values(plant: Plant) -> None:
    """And says how to go on."""
    canaries = plant()
    canaries.encrypt()
    with pytest.raises(
        BackfillError, match=r"customer\.email: the plaintext column email still holds values"
    ):
        outcomes(canaries)


def test_an_old_transaction_keeps_values_and_is_named(plant: Plant) -> None:
    """A rewrite would copy what it may still see; so nothing is rewritten in vain."""
    canaries = plant()
    canaries.encrypt()
    with canaries.database.connect("a long report") as other, other.transaction():
        pid = other.info.backend_pid
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM pg_class LIMIT 1")
        canaries.null()
        steps = outcomes(canaries, patience=0.2)
    assert steps["old transactions"].outcome is Outcome.NEEDS
    assert f"pid {pid} (sqlalchemy-envelope a long report" in steps["old transactions"].words
    assert steps["table"].outcome is steps["wal"].outcome is Outcome.NEEDS
    assert canaries.scan()["heap"]


def test_what_was_not_asked_for_is_said_to_be_needed(plant: Plant) -> None:
    """Without VACUUM FULL the table stays open, and its files stay as they are."""
    canaries = plant()
    canaries.encrypt()
    canaries.null()
    steps = {step.place: step for step in purge(canaries.database, canaries.move, rewriting=False)}
    assert "VACUUM FULL was not asked for" in steps["table"].words
    assert canaries.scan()["heap"]


@pytest.fixture
def owned(plant: Plant) -> Iterator[Canaries]:
    """A nulled table that a role without other rights owns."""
    canaries = plant()
    canaries.encrypt()
    canaries.null()
    canaries.run("DROP ROLE IF EXISTS owner_only")
    canaries.run("CREATE ROLE owner_only LOGIN")
    canaries.run("GRANT USAGE, CREATE ON SCHEMA public TO owner_only")
    canaries.run("ALTER TABLE customer OWNER TO owner_only")
    yield canaries
    canaries.run("REASSIGN OWNED BY owner_only TO postgres")
    canaries.run("DROP OWNED BY owner_only")
    canaries.run("DROP ROLE owner_only")


def by_owner(canaries: Canaries, patience: float = 60) -> dict[str, PurgeStep]:
    """The steps as that role goes through them."""
    theirs = Ours(canaries.database.url.replace("postgres@", "owner_only@"))
    return {step.place: step for step in purge(theirs, canaries.move, patience=patience)}


def test_an_owner_gets_as_far_as_owners_do(owned: Canaries) -> None:
    """The table, and of the planner's memory what it may; the rest needs a superuser, says the step."""
    steps = by_owner(owned)
    assert steps["table"].outcome is Outcome.DONE, steps["table"]
    assert steps["pg_statistic"].outcome is Outcome.NEEDS
    assert steps["wal"].outcome is Outcome.NEEDS
    found = owned.scan()
    assert (found["heap"], found["toast"], found["index"], found["lower index"]) == (0, 0, 0, 0)
    assert found["wal"]


def test_an_owner_is_told_of_others_old_transactions(owned: Canaries) -> None:
    """What they do is not shown, that they are there is."""
    with owned.database.connect("a long report") as other, other.transaction():
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM pg_class LIMIT 1")
        owned.run("DELETE FROM customer WHERE id = 1")
        steps = by_owner(owned, 0.2)
    assert "a long report, another role's" in steps["old transactions"].words


def test_an_empty_table_forgets_its_statistics_too(plant: Plant) -> None:
    """ANALYZE alone would keep them."""
    canaries = plant()
    canaries.encrypt()
    canaries.null()
    canaries.run("DELETE FROM customer")
    canaries.run("ANALYZE customer")
    kept = (
        "SELECT count(*) FROM pg_stats WHERE tablename ~ '^customer' AND most_common_vals::text ~* 'canary'"
    )
    assert canaries.connection.execute(kept.encode()).fetchone() != (0,)
    outcomes(canaries)
    assert canaries.connection.execute(kept.encode()).fetchone() == (0,)
    assert canaries.scan().total() == 0


def test_the_server_s_settings_are_as_before(plant: Plant) -> None:
    """Also what was set by ALTER SYSTEM."""
    canaries = plant()
    canaries.encrypt()
    canaries.null()
    canaries.run("ALTER SYSTEM SET wal_recycle = 'on'")
    wanted = "SELECT name, setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf' ORDER BY name"
    before = canaries.connection.execute(wanted.encode()).fetchall()
    outcomes(canaries)
    assert canaries.connection.execute(wanted.encode()).fetchall() == before
    canaries.run("ALTER SYSTEM RESET wal_recycle")
    canaries.run("SELECT pg_reload_conf()")


def test_a_slot_that_keeps_the_wal_is_named(plant: Plant) -> None:
    """Its reader may still want the segments."""
    canaries = plant()
    canaries.run("SELECT pg_create_physical_replication_slot('behind', true)")
    try:
        canaries.encrypt()
        canaries.null()
        step = outcomes(canaries)["wal"]
        assert step.outcome is Outcome.NEEDS
        assert "by the replication slot behind" in step.words
    finally:
        canaries.run("SELECT pg_drop_replication_slot('behind')")
