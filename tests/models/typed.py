"""Every encrypted type through a real server and back: `python -m tests.models.typed --count 20000`.

Examples come from hypothesis, a batch of rows a statement; each is compared with what was given. Prints the
types, the examples and the failures.
"""

import argparse
import datetime as dt
import enum
import math
import sys
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import postgresql as pg

import sqlalchemy_envelope as se
from sqlalchemy_envelope import DirectKeyring, Encrypted, Envelope, StaticKey, attach


class Mood(enum.Enum):
    """Members with values that no JSON holds."""

    HAPPY = dt.date(2025, 1, 1)
    SAD = dt.date(2026, 1, 1)


class Address(BaseModel):
    """A model of the user's own."""

    street: str
    number: int | None


class Doubled(sa.types.TypeDecorator[int]):
    """A type of the user's own."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value * 2

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value // 2


OFFSETS = st.integers(-86_399, 86_399).map(lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
BIT_31 = st.integers(-(2**31), 2**31 - 1)
DECIMALS = st.decimals(allow_nan=True, allow_infinity=True).filter(lambda number: not number.is_snan())

TYPES: dict[str, tuple[Any, Any]] = {
    "text": (se.EncryptedText(), TEXT),
    "bytes": (se.EncryptedBytes(), st.binary()),
    "boolean": (se.EncryptedBoolean(), st.booleans()),
    "small_integer": (se.EncryptedSmallInteger(), st.integers(-(2**15), 2**15 - 1)),
    "integer": (se.EncryptedInteger(), BIT_31),
    "big_integer": (se.EncryptedBigInteger(), st.integers(-(2**63), 2**63 - 1)),
    "numeric": (se.EncryptedNumeric(), DECIMALS),
    "money": (se.EncryptedNumeric(12, 2), st.decimals(-(10**9), 10**9, places=2)),
    "float": (se.EncryptedFloat(), st.floats()),
    "date": (se.EncryptedDate(), st.dates()),
    "datetime": (se.EncryptedDateTime(), st.datetimes()),
    "datetime_zone": (se.EncryptedDateTime(timezone=True), st.datetimes(timezones=OFFSETS)),
    "time": (se.EncryptedTime(), st.times()),
    "time_zone": (se.EncryptedTime(timezone=True), st.times(timezones=OFFSETS)),
    "interval": (se.EncryptedInterval(), st.timedeltas()),
    "uuid": (se.EncryptedUUID(), st.uuids()),
    "enum": (se.EncryptedEnum(Mood), st.sampled_from(Mood)),
    "json": (se.EncryptedJSON(), JSON),
    "array": (se.EncryptedArray(sa.Date()), st.lists(st.none() | st.dates(), max_size=3)),
    "array_of_text": (se.EncryptedArray(sa.Text()), st.lists(st.lists(TEXT, max_size=2), max_size=2)),
    "model": (
        se.EncryptedJSON(TypeAdapter(Address)),
        st.builds(Address, street=TEXT, number=st.none() | st.integers()),
    ),
    "decorated": (Encrypted(Doubled()), st.integers(-(2**30), 2**30 - 1)),
    "varchar": (Encrypted(sa.String(8)), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
    "jsonb": (Encrypted(pg.JSONB()), JSON),
    "pg_interval": (Encrypted(pg.INTERVAL()), st.timedeltas()),
    "uuid_text": (Encrypted(sa.Uuid(as_uuid=False)), st.uuids().map(str)),
    "names": (Encrypted(sa.Enum("a", "b", name="ab")), st.sampled_from(["a", "b"])),
    "pickled": (Encrypted(sa.PickleType()), st.dictionaries(TEXT, st.dates(), max_size=2)),
}


def table_of(kind: str) -> Table:
    """A table with one column of the type."""
    key: Column[int] = Column("id", Integer, primary_key=True)
    return Table(f"typed_{kind}", MetaData(), key, Column("v", TYPES[kind][0]))


def same(one: Any, other: Any) -> bool:
    """Equal, of the same type, and where that is not all: NaN, the sign of zero, the scale, the offset."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (one == other or (math.isnan(one) and math.isnan(other))) and _sign(one) == _sign(other)
    if isinstance(one, Decimal):
        return f"{other:f}" == ("NaN" if one.is_nan() else f"{one:f}".removeprefix("-" if not one else ""))
    if isinstance(one, dt.datetime | dt.time):
        return one == other and one.utcoffset() == other.utcoffset()
    return bool(one == other)


def _sign(number: float) -> float:
    return 0.0 if math.isnan(number) else math.copysign(1, number)


def wrong_in(engine: Engine, table: Table, values: list[Any]) -> int:
    """How many of the values come back as another one."""
    with engine.begin() as connection:
        connection.execute(sa.delete(table))
        connection.execute(insert(table), [{"id": at, "v": value} for at, value in enumerate(values)])
        back = connection.execute(select(table.c.v).order_by(table.c.id)).scalars().all()
    return sum(not same(*pair) for pair in zip(values, back, strict=True))


def tried(engine: Engine, kind: str, count: int) -> tuple[int, int]:
    """Examples tried of one type, and how many failed."""
    table = table_of(kind)
    table.create(engine)
    totals = [0, 0]
    rows = min(count, 100)

    @settings(
        max_examples=max(1, count // rows),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(TYPES[kind][1], min_size=rows, max_size=rows))
    def run(values: list[Any]) -> None:
        totals[0] += len(values)
        totals[1] += wrong_in(engine, table, values)

    run()
    table.drop(engine)
    return totals[0], totals[1]


def main() -> int:
    """Prints a line a type, and the sum."""
    from demo.server import embedded_postgresql

    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000, help="examples of each type")
    count = parser.parse_args().count
    examples = failures = 0
    with embedded_postgresql() as (url, _):
        engine = attach(create_engine(url), Envelope(DirectKeyring(StaticKey(bytes(range(32))))))
        for kind in TYPES:
            made, wrong = tried(engine, kind, count)
            sys.stdout.write(f"{kind:14} {made:8,} examples {wrong} failures\n")
            examples, failures = examples + made, failures + wrong
        engine.dispose()
    sys.stdout.write(f"{len(TYPES)} types, {examples:,} examples, {failures} failures\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
