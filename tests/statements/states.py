"""Rows as a move leaves them, and what has to lie in a plaintext column beside its pair."""

from typing import Any

import sqlalchemy as sa

from sqlalchemy_envelope.pairs import Pair, pairs_of

from .models import OWNER, Models


def age(connection: sa.Connection, models: Models) -> None:
    """Makes some rows older: pending ones, whose key is even; at the end of a move, some with plaintext."""
    if models.moving is None:
        return
    for table in models.P.metadata.sorted_tables:
        for pair in pairs_of(table).values():
            if models.moving.pending:
                _forget_pair(connection, table, pair)
            else:
                _keep_plaintext(connection, table, pair)
        name, key = table.name, table.primary_key.name or f"{table.name}_pkey"
        connection.execute(sa.text(f'cluster "{name}" using "{key}"'))  # the order in which rows were made


def _forget_pair(connection: sa.Connection, table: sa.Table, pair: Pair) -> None:
    raw = _raw(table)
    cells = {raw.c[pair.content.name]: sa.null(), raw.c[pair.dek.name]: sa.null()}
    connection.execute(sa.update(raw).where(raw.c[_key(table)] % 2 == 0).values(cells))


def _keep_plaintext(connection: sa.Connection, table: sa.Table, pair: Pair) -> None:
    raw, key, plaintext = _raw(table), _key(table), _plaintext(pair)
    values = sa.select(pair.content, table.c[key])
    owner = {} if pair.tenant is not None else {"tenant": OWNER}
    for value, of in connection.execute(values, execution_options=owner).all():
        row = sa.update(raw).where(raw.c[key] == of)
        connection.execute(row.values({raw.c[plaintext.name]: sa.bindparam(None, value, plaintext.type)}))


def _raw(table: sa.Table) -> Any:
    return sa.table(table.name, *(sa.column(each.name, sa.Integer) for each in table.c))


def _key(table: sa.Table) -> str:
    return list(table.primary_key)[-1].name


def _plaintext(pair: Pair) -> sa.Column[Any]:
    assert pair.plaintext is not None
    return pair.plaintext


def settled(
    pair: Pair, columns: dict[str, Any], opened: tuple[Any, ...], strayed: list[str]
) -> tuple[Any, ...]:
    """The values of a column by what lies in its pair and, in pending rows, in its plaintext column.

    Tells in `strayed` where the two differ; where only the pair is written, a plaintext may also be gone.
    """
    moving = pair.type.moving
    if moving is None:
        return opened
    rows = list(zip(opened, columns[_plaintext(pair).name], columns[_key(pair.content.table)], strict=True))
    for value, plaintext, key in rows:
        pending = moving.pending and value is None and key % 2 == 0 and key < 100
        gone = not moving.pending and plaintext is None
        if not (_same(value, plaintext) or pending or gone):
            strayed.append(f"{pair.type.reading.context.place} of {key} is {value!r} beside {plaintext!r}")
    return tuple(_settle(value, plaintext, moving.pending) for value, plaintext, _ in rows)


def _settle(value: Any, plaintext: Any, pending: bool) -> Any:
    return plaintext if pending and value is None else value


def _same(value: Any, plaintext: Any) -> bool:
    return bool(value == (bytes(plaintext) if isinstance(plaintext, memoryview) else plaintext))
