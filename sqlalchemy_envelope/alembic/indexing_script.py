"""`--sql` mode: what a blind index takes that needs no keys."""

from ..backfill.ddl import fill_ddl
from ..backfill.record import fills, schema
from ..backfill.subject.fill import Fill
from ..keystore import schema as keys_schema


def added(fill: Fill) -> list[str]:
    """Statements that add an index without its digests."""
    return [
        *schema.STATEMENTS,
        *keys_schema.STATEMENTS,
        fills.record_sql(fill),
        *fill_ddl.add_column(fill),
        fill_ddl.create_index(fill, concurrently=True),
    ]


def command(fill: Fill) -> str:
    """What fills it."""
    return f"sqlalchemy-envelope backfill {fill.schema}.{fill.place}"
