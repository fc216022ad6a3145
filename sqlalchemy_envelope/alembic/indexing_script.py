"""`--sql` mode: what a blind index takes that needs no keys."""

from ..backfill import fill_ddl, fills, schema
from ..backfill.fill import Fill
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
