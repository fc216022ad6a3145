"""How old a row version may be and still have to be kept, because some transaction could ask for it."""

import time
from dataclasses import dataclass
from typing import Any, Self

import psycopg

from .step import Outcome, PurgeStep

PAUSE = 0.1

_HOLDERS = """
SELECT 'pid ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed') || ', '
    || coalesce(state, backend_type, 'another role''s') || ')'
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
AND greatest(age(backend_xmin), age(backend_xid)) > age(%(xid)s::xid)
UNION ALL
SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
WHERE database = current_database() AND age(transaction) > age(%(xid)s::xid)
UNION ALL
SELECT 'replication slot ' || slot_name FROM pg_replication_slots
WHERE greatest(age(xmin), age(catalog_xmin)) > age(%(xid)s::xid)
"""


@dataclass(frozen=True)
class Horizon:
    """A moment, by the transaction id that was next then."""

    xid: str

    @classmethod
    def now(cls, connection: "psycopg.Connection[Any]") -> Self:
        """This one: everything deleted so far was deleted before it."""
        row = connection.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
        return cls(row[0] if row else "0")

    def holders(self, connection: "psycopg.Connection[Any]") -> list[str]:
        """Who still keeps row versions from before it."""
        return [row[0] for row in connection.execute(_HOLDERS, {"xid": self.xid})]

    def wait(self, connection: "psycopg.Connection[Any]", patience: float) -> PurgeStep:
        """Until nobody does, or patience ends: a rewrite copies dead rows that somebody may still see."""
        deadline = time.monotonic() + patience
        while holders := self.holders(connection):
            if time.monotonic() > deadline:
                names = "; ".join(holders)
                words = f"the end of what keeps old row versions: {names}"
                return PurgeStep("old transactions", Outcome.NEEDS, words)
            time.sleep(PAUSE)
        return PurgeStep("old transactions", Outcome.DONE, "none keeps an old row version")
