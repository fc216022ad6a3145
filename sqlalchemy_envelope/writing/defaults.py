"""Python-side defaults of encrypted columns: sealed like any other value, and known to the ORM.

SQLAlchemy would compute them after the statement was rewritten. For a flush they are set on the object
beforehand, so that the attribute holds its value afterwards, as it does for other columns.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Mapper

from ..columns import Pair, pairs_of
from .batch import Batch
from .parameters import Rows, add_rows
from .target import Target

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext


def default_value(pair: Pair) -> Any:
    """The value of the column's default."""
    default: Any = pair.content.default
    return default.arg(None) if default.is_callable else default.arg


def collect_defaults(rows: Rows, target: Target, batch: Batch) -> None:
    """Adds the defaults of encrypted columns that an INSERT gives no value for."""
    for key, pair in target.pairs.items():
        if pair.content.default is not None and key not in batch.keys:
            add_rows(batch, pair, rows, [default_value(pair) for _ in rows])


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _cls: type) -> None:
    if any(pair.content.default is not None for table in mapper.tables for pair in pairs_of(table).values()):
        event.listen(mapper, "before_insert", _fill_defaults)


def _fill_defaults(mapper: Mapper[Any], _connection: Any, instance: Any) -> None:
    given = instance.__dict__
    for table in mapper.tables:
        for pair in pairs_of(table).values():
            key = (
                mapper._columntoproperty[pair.content].key
                if pair.content in mapper._columntoproperty
                else None
            )
            if key is not None and pair.content.default is not None and key not in given:
                setattr(instance, key, default_value(pair))
