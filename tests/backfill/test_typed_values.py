"""Columns of other types than text and bytes: to pairs, proven, and back to the very same bytes."""

from decimal import Decimal

import pytest

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.backfill.record import jobs
from sqlalchemy_envelope.backfill.subject.move import Authority, Move
from sqlalchemy_envelope.backfill.subject.valuetype import ValueType
from sqlalchemy_envelope.errors import BackfillError, InvalidValueError
from sqlalchemy_envelope.forms import Form
from sqlalchemy_envelope.scalars import encode_decimal
from sqlalchemy_envelope.sealing import ToSeal

from .conftest import MakeWorld
from .world import World, envelope

COLUMNS: dict[str, tuple[str, str, list[str]]] = {
    "boolean": ("boolean", "boolean", ["true", "false"]),
    "small": ("integer", "smallint", ["0", "-32768"]),
    "big": ("integer", "bigint", ["-9223372036854775808", "7"]),
    "numeric": ("numeric", "numeric", ["1.50", "-0.001", "NaN", "Infinity", "1" * 5000]),
    "money": ("numeric", "numeric(12,2)", ["1120.50"]),
    "double": ("float", "double precision", ["0.1", "-0", "NaN", "-Infinity", "1e-300"]),
    "real": ("float", "real", ["0.1", "3.4e38"]),
    "date": ("date", "date", ["0001-01-01", "9999-12-31"]),
    "timestamp": ("datetime", "timestamp", ["2024-02-29 23:59:59.999999"]),
    "instant": ("datetime", "timestamptz", ["2024-02-29 23:59:59.999999+05:30", "1850-01-01 00:00:00Z"]),
    "time": ("time", "time", ["00:00", "23:59:59.999999"]),
    "timetz": ("time", "timetz", ["07:08:09+05:30"]),
    "interval": ("interval", "interval", ["-3 days +00:00:05.000007", "1 day"]),
    "uuid": ("uuid", "uuid", ["00000000-0000-0000-0000-000000000007"]),
    "json": ("json", "json", ['{"b": 1.10,  "a": [null, "é\\u00e9"]}', "null"]),
    "jsonb": ("json", "jsonb", ['{"b": 1e400, "a": true}', "null", '"x"']),
    "dates": ("date[]", "date[]", ["{2024-01-01,NULL}", "{}", "{{2024-01-01},{2024-01-02}}"]),
    "words": ("text[]", "varchar[]", ['{"a \\"b\\" \\\\ {c}",NULL,"null",""}']),
    "bytes": ("bytes[]", "bytea[]", ['{"\\\\xed03"}']),
    "moments": ("datetime[]", "timestamptz[]", ["{2024-02-29 23:59:59+05:30}"]),
    "enum": ("text", "word", ["other"]),
}


def made(make_world: MakeWorld, kind: str) -> World:
    """A table with a row for each value, and one that is NULL, under settings that change what is printed."""
    type_, sql, values = COLUMNS[kind]
    world = make_world(
        "CREATE TYPE word AS ENUM ('some', 'other');"
        f"CREATE TABLE customer (id serial PRIMARY KEY, v {sql}, kept {sql});"
        f"{_set('timezone', 'Asia/Kathmandu')}{_set('datestyle', 'German')}"
        f"{_set('intervalstyle', 'sql_standard')}",
        Move.plan("customer", "v", type_=type_),
    )
    for value in [*values, None]:
        world.execute(
            f"INSERT INTO customer (v, kept) VALUES (%s::text::{sql}, %s::text::{sql})", [value] * 2
        )
    return world


def _set(name: str, value: str) -> str:
    """SQL that has every later session begin with a setting."""
    command = f"ALTER DATABASE %I SET {name} = %L"
    return f"DO $$ BEGIN EXECUTE format('{command}', current_database(), '{value}'); END $$;"


def test_every_value_has_a_form_that_gives_it_back(world: World) -> None:
    """The same image, whatever the session prints; NULL is none."""
    world.execute("CREATE TYPE word AS ENUM ('some', 'other')")
    world.execute(
        "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'German'; SET intervalstyle = 'sql_standard'"
    )
    for kind, (type_, sql, values) in COLUMNS.items():
        form = ValueType(type_).stored.form
        assert world.value(f"SELECT {form.sql(f'NULL::{sql}')}") is None
        for value in values:
            printed = world.execute(
                f"SELECT {form.sql(f'%s::text::{sql}')}", [value] * printed_by(form)
            ).fetchone()
            assert printed is not None
            back = form.text(form.decode(form.encode(form.read(printed[0]))))
            same = f"SELECT record_image_eq(ROW(%s::text::{sql}), ROW(%s::text::{sql}))"
            assert world.execute(same, [value, back]).fetchone() == (True,), kind


def printed_by(form: Form) -> int:
    """How often its SQL names the column."""
    return form.sql("%s").count("%s")


@pytest.mark.parametrize("kind", ["numeric", "instant", "jsonb", "words", "enum"])
def test_values_go_and_come_back(make_world: MakeWorld, kind: str) -> None:
    """To pairs and back, in every session of a database with settings of its own."""
    world = made(make_world, kind)
    rows = len(COLUMNS[kind][2])
    assert world.run().rows_done == rows
    assert world.run("verify").state == "done"
    world.give_authority(Authority.PAIR)
    assert world.run("null").rows_done == rows
    assert world.run("decrypt").rows_done == rows
    different = "SELECT count(*) FROM customer WHERE record_image_ne(ROW(v), ROW(kept))"
    assert world.value(different) == 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [("date", "infinity"), ("interval", "1 month")],
)
def test_what_python_has_no_value_for_stays(make_world: MakeWorld, kind: str, value: str) -> None:
    """In quarantine, and as it was; the others move."""
    world = made(make_world, kind)
    world.execute(f"INSERT INTO customer (v) VALUES ('{value}')")
    report = world.run()
    assert (report.state, report.rows_done) == ("done", len(COLUMNS[kind][2]))
    (row,) = jobs.quarantined(world.connection, world.value("SELECT max(id) FROM envelope.job"))
    assert row.cause == "InvalidValueError"
    assert world.value("SELECT v IS NOT NULL FROM customer ORDER BY id DESC LIMIT 1")


def test_a_form_refuses_what_python_has_no_value_for(world: World) -> None:
    """Rather than to make it another one."""
    for type_, value in [("date", "4713-01-01 BC"), ("time", "24:00"), ("datetime", "infinity")]:
        sql = {"datetime": "timestamptz"}.get(type_, type_)
        form = ValueType(type_).stored.form
        with pytest.raises(InvalidValueError):
            form.read(world.value(f"SELECT {form.sql(f'{value!r}::{sql}')}"))


def test_what_would_be_rounded_on_the_way_back_is_taken_back(make_world: MakeWorld) -> None:
    """The pair may hold more digits than the column that it came from."""
    world = made(make_world, "money")
    context, tagged = world.move.context, encode_decimal(Decimal("1120.505"))
    (cells,) = envelope().seal_columns([ToSeal(context, [tagged])])
    world.run()
    world.give_authority(Authority.PAIR)
    world.execute(
        "UPDATE customer SET v_encrypted = %s, v_encrypted_dek = %s WHERE id = 1",
        [cells.contents[0], cells.deks[0]],
    )
    with pytest.raises(BackfillError, match="its type rounds it"):
        world.run("decrypt")


def test_another_type_is_refused(make_world: MakeWorld) -> None:
    """Before a row is looked at."""
    move = Move.plan("customer", "v", type_="date")
    world = make_world("CREATE TABLE customer (id int PRIMARY KEY, v timestamp)", move)
    with pytest.raises(ConfigurationError, match=r"timestamp.*, which does not hold date"):
        world.run()
    with pytest.raises(ConfigurationError, match="one of text, bytes, boolean"):
        Move.plan("customer", "v", type_="day")
