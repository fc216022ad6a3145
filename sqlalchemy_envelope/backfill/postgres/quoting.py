"""Names and words as literal SQL, with no parameter anywhere: DDL takes none, and scripts have none.

Each text is plain SQL. Whoever hands it to SQLAlchemy's `text()` escapes its colons there.
"""

from ..subject.move import Move


def identifier(name: str) -> str:
    """A quoted name."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: "str | bool") -> str:
    """A string or a truth as a literal."""
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + value.replace("'", "''") + "'"


def relation(move: Move) -> str:
    """The table, with its schema."""
    return f"{identifier(move.schema)}.{identifier(move.table)}"


def stored(name: str) -> str:
    """A name as PostgreSQL cuts it: at 63 bytes, between two characters."""
    return name.encode()[:63].decode(errors="ignore")


def here(move: Move) -> str:
    """What finds a move's row in `envelope.move`."""
    place = {"schema": move.schema, "table": move.table, "column": move.column}
    return " AND ".join(f"move.{identifier(name)} = {literal(value)}" for name, value in place.items())


def has_columns(move: Move, *names: str) -> str:
    """Whether the table has all of these columns."""
    return " AND ".join(f"EXISTS ({column_facts(move, name)})" for name in names)


def column_facts(move: Move, name: str, facts: str = "") -> str:
    """A query for what the catalog says of one column: `facts` over `pg_attribute` and `pg_attrdef`."""
    return (
        f"SELECT {facts} FROM pg_catalog.pg_attribute AS a"
        " LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        f" WHERE a.attrelid = {literal(relation(move))}::regclass"
        f" AND a.attname = {literal(name)} AND NOT a.attisdropped"
    )


def has_constraint(move: Move, name: str, condition: str = "true") -> str:
    """Whether the table has a constraint of this name, for which the condition holds."""
    return (
        f"EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conname = {literal(name)}"
        f" AND conrelid = {literal(relation(move))}::regclass AND {condition})"
    )


def refuse(move: Move, words: str) -> str:
    """A plpgsql statement that raises these words, with the place before them."""
    message = literal(f"{move.place}: {words}")
    return f"RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = {message};"


def block(*lines: str) -> str:
    """One command that runs plpgsql statements in one transaction."""
    body = "\n".join(("BEGIN", *lines, "END"))
    return f"DO {dollars(body)}"


def dollars(body: str) -> str:
    """A text between dollar quotes that do not occur in it."""
    number = 0
    while (tag := f"$envelope{number or ''}$") in body:
        number += 1
    return f"{tag}{body}{tag}"
