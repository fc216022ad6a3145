"""How many values lie under which key: what a retirement relies on, and a receipt says."""

from typing import Literal
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine

from sqlalchemy_envelope import ConfigurationError
from sqlalchemy_envelope.keystore.index_usage import IndexUse, index_usage
from sqlalchemy_envelope.keystore.usage import KeyUse, usage
from sqlalchemy_envelope.wire import Wrap

from ..fixtures.postgresql import Database
from .patients import CONTENT, add, cell, columns

ONE, TWO, STATIC = uuid4(), uuid4(), b"s" * 16


def test_values_are_counted_by_column_and_key(keys_engine: Engine) -> None:
    """Over schemas, odd names, partitions and two columns of one row; NULLs are no values."""
    with keys_engine.begin() as connection:
        for ddl in (
            'CREATE SCHEMA "Odd :% one"',
            f"CREATE TABLE patient (born date, {columns()})",
            f'CREATE TABLE "Odd :% one"."a "" b" (born date, {columns("x:", "x%")}, {columns()})',
        ):
            connection.exec_driver_sql(ddl, execution_options={"no_parameters": True})
        connection.exec_driver_sql(f"CREATE TABLE visit (born date, {columns()}) PARTITION BY RANGE (born)")
        for half, (low, high) in enumerate([("2026-01-01", "2026-07-01"), ("2026-07-01", "2027-01-01")]):
            connection.exec_driver_sql(
                f"CREATE TABLE visit_{half} PARTITION OF visit FOR VALUES FROM ('{low}') TO ('{high}')"
            )
        add(connection, "patient", ONE, 3)
        add(connection, "patient", TWO, 2)
        add(connection, "patient", STATIC, 1, Wrap.STATIC)
        add(connection, "visit", ONE, 12)
        connection.exec_driver_sql("INSERT INTO patient (born) VALUES ('2026-01-01')")
        odd = {"content": CONTENT, "one": cell(ONE), "two": cell(TWO)}
        connection.exec_driver_sql(
            'INSERT INTO "Odd :%% one"."a "" b" ("x:", "x%%", ssn, ssn_dek)'
            " VALUES (%(content)s, %(one)s, %(content)s, %(two)s)",
            odd,
        )
        used = usage(connection)
        assert {(each.place, each.wrap, each.key_id, each.rows) for each in used if "Odd" in each.schema} == {
            ('Odd :% one.a " b.ssn', Wrap.KEK, TWO.bytes, 1),
            ('Odd :% one.a " b.x:', Wrap.KEK, ONE.bytes, 1),
        }
        expected = [
            KeyUse("public", "patient", "ssn", "ssn_dek", Wrap.STATIC, STATIC, 1),
            *(
                KeyUse("public", "patient", "ssn", "ssn_dek", Wrap.KEK, key.bytes, rows)
                for key, rows in sorted([(ONE, 3), (TWO, 2)], key=lambda pair: pair[0].bytes)
            ),
            KeyUse("public", "visit", "ssn", "ssn_dek", Wrap.KEK, ONE.bytes, 12),
        ]
        assert [each for each in used if each.schema == "public"] == expected
        assert {(each.key_id, each.rows) for each in usage(connection, [TWO])} == {
            (TWO.bytes, 2),
            (TWO.bytes, 1),
        }
        assert usage(connection, []) == []
        assert connection.exec_driver_sql("SHOW row_security").scalar() == "on"


SETTINGS = [
    "bytea_output = escape",
    "standard_conforming_strings = off",
    "bytea_output = escape; SET LOCAL standard_conforming_strings = off",
    "quote_all_identifiers = on",
]
"""They sway how PostgreSQL tells a CHECK."""


@pytest.mark.parametrize("setting", SETTINGS)
def test_values_are_counted_however_a_session_has_bytes_told(keys_engine: Engine, setting: str) -> None:
    """A guard that is not known as one is a column of which no value is seen: its key would be retired."""
    with keys_engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE patient (born date, {columns()})")
        add(connection, "patient", ONE, 3)
        connection.exec_driver_sql(f"SET LOCAL {setting}")
        assert [each.rows for each in usage(connection, [ONE])] == [3]


def test_cells_are_counted_where_only_partitions_have_indexes(keys_engine: Engine) -> None:
    """Whatever the column is called."""
    with keys_engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE visit (digest bytea, born date) PARTITION BY RANGE (born)")
        connection.exec_driver_sql("CREATE TABLE half (born date, digest bytea)")
        connection.exec_driver_sql("ALTER TABLE visit ATTACH PARTITION half DEFAULT")
        connection.exec_driver_sql("CREATE INDEX ON half (digest)")
        connection.exec_driver_sql("INSERT INTO visit (digest) VALUES (%s)", (ONE.bytes[:4],))
        assert index_usage(connection, [ONE]) == [IndexUse("public", "visit", "digest", ONE, 1)]


def test_values_are_counted_beside_another_operator_of_that_name(keys_engine: Engine) -> None:
    """PostgreSQL names the schema of a guard's operator where `search_path` leads to another one first."""
    with keys_engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE patient (born date, {columns()})")
        add(connection, "patient", ONE, 3)
        connection.exec_driver_sql("CREATE SCHEMA own")
        connection.exec_driver_sql(
            "CREATE OPERATOR own.~~ (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = pg_catalog.bytealike)"
        )
        connection.exec_driver_sql("SET LOCAL search_path = own, public, pg_catalog")
        assert [each.rows for each in usage(connection, [ONE])] == [3]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "AUTOCOMMIT"])
def test_rows_that_the_role_may_not_see_are_an_error(
    keys_engine: Engine, keys_database: Database, isolation: Literal["READ COMMITTED", "AUTOCOMMIT"]
) -> None:
    """A count that lacks them would let a key in use be retired. Without a transaction nothing says so."""
    with keys_engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE patient (born date, {columns()})")
        connection.exec_driver_sql("ALTER TABLE patient ENABLE ROW LEVEL SECURITY")
        connection.exec_driver_sql(f"CREATE ROLE {keys_database.name}_clerk LOGIN")
        connection.exec_driver_sql(f"GRANT SELECT ON patient TO {keys_database.name}_clerk")
    clerk = keys_database.url().set(username=f"{keys_database.name}_clerk")
    engine = create_engine(clerk, isolation_level=isolation)
    with engine.connect() as connection, pytest.raises(ConfigurationError, match=r"BYPASSRLS|autocommit"):
        usage(connection)
    engine.dispose()
    with keys_engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {keys_database.name}_clerk")
        connection.exec_driver_sql(f"DROP ROLE {keys_database.name}_clerk")
