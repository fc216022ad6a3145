"""Something that `doctor` saw, how bad it is, and what to do; and the questions that find it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg

from ..ddl.gate import gate_trigger_name
from ..ddl.trigger import trigger_name
from ..postgres.quoting import literal, relation
from ..subject.move import Move


class Severity(StrEnum):
    """From nothing to do, to what a move can't be begun with."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True)
class Finding:
    """One line of a report. `words` name things of the schema and count rows, and hold no value."""

    severity: Severity
    words: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.words}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Question:
    """A query whose rows are names of what was found; none means that all is well.

    `{table}` and `{column}` stand for literals of the table and of the plaintext column, `{tables}` for the
    oids of the table and its partitions, `{trigger}` and `{gate}` for the names of ours. `{}` in `words`
    stands for the names.
    """

    severity: Severity
    query: str
    words: str
    remedy: str = ""

    def ask(self, connection: "psycopg.Connection[Any]", move: Move) -> list[Finding]:
        """At most one finding."""
        rows = connection.execute(self._sql(move).encode()).fetchall()
        if not rows:
            return []
        names = ", ".join(dict.fromkeys(str(name) for (name,) in rows))
        return [Finding(self.severity, f"{move.place}: {self.words.format(names)}", self.remedy)]

    def _sql(self, move: Move) -> str:
        table = literal(relation(move))
        tree = f"SELECT {table}::regclass::oid UNION SELECT relid FROM pg_partition_tree({table}::regclass)"
        return self.query.format(
            table=f"{table}::regclass",
            tables=tree,
            column=literal(move.plaintext),
            names=", ".join(map(literal, _needed(move))),
            trigger=literal(trigger_name(move)),
            gate=literal(gate_trigger_name(move)),
        )


def _needed(move: Move) -> set[str]:
    """The names that the move gives to columns sooner or later, apart from the plaintext's own."""
    after = move.swapped()
    siblings = set() if move.shared else {move.dek, after.dek}
    return {move.content, after.plaintext, *siblings} - {move.plaintext}
