"""What autogenerate proposes where a model's column became encrypted, or plain again: a move, in one line.

Alembic by itself would propose the two worst things: ALTER TYPE, or a new pair beside a dropped plaintext.
Both are taken out, and a move is put at the top of the revision instead: `render_as_batch` would run what
stands in a table's own batch before the columns of that batch exist.
"""

import logging
from dataclasses import replace
from typing import Any

from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Table

from ..backfill.record.moves import RecordedMove
from ..backfill.subject.fill import Fill
from ..backfill.subject.move import Authority, Move
from ..backfill.subject.valuetype import ValueType
from ..context import Context
from ..errors import ConfigurationError
from ..pairs import Pair
from ..tenancy import Tenancy
from .changes import TableChanges
from .comparing import stored_pairs
from .ignoring import SCHEMA
from .losing import losable, refuse_loss
from .operation import MoveOperation
from .operations import DecryptColumnOp, EncryptColumnOp
from .proposing_indexes import gained, lost, with_the_move
from .recorded import recorded_fills, recorded_moves
from .valuetypes import type_of, value_type
from .versions import LAST

log = logging.getLogger(__name__)

_GATES = ("envelope_gate_", "envelope_back_", "envelope_not_null_", "envelope_required_")


@comparators.dispatch_for("schema", **LAST)
def propose_moves(
    autogen_context: AutogenContext, upgrade_ops: ops.UpgradeOps, schemas: set[str | None]
) -> None:
    """Rewrite what Alembic found, once it has found everything."""
    connection = autogen_context.connection
    if connection is None or connection.dialect.name != "postgresql":
        return
    _leave_our_schema(autogen_context, upgrade_ops)
    recorded, indexed = recorded_moves(connection), recorded_fills(connection)
    default = connection.dialect.default_schema_name
    made = [each for each in upgrade_ops.ops if isinstance(each, ops.CreateTableOp)]
    created = {(each.schema, each.table_name) for each in made}
    for found in [each for each in upgrade_ops.ops if isinstance(each, ops.ModifyTableOps)]:
        table = _model(autogen_context, found, default)
        if table is None or (found.schema, found.table_name) in created:
            continue
        place = (found.schema or default, found.table_name)
        here = [each for each in recorded if (each.move.schema, each.move.table) == place]
        filled = [each for each in indexed if (each.schema, each.table) == place]
        _rewrite(upgrade_ops, TableChanges(autogen_context, found, table, here), filled)


def _leave_our_schema(context: AutogenContext, upgrade_ops: ops.UpgradeOps) -> None:
    """What no model declares in the schema `envelope` is ours."""
    ours = [each for each in upgrade_ops.ops if getattr(each, "schema", None) == SCHEMA]
    for each in ours:
        if f"{SCHEMA}.{each.table_name}" not in context.table_key_to_table:  # type: ignore[attr-defined]
            upgrade_ops.ops.remove(each)


def _model(context: AutogenContext, found: ops.ModifyTableOps, default: str | None) -> Table | None:
    for table in context.sorted_tables:
        if table.name == found.table_name and (table.schema or default) == (found.schema or default):
            return table
    return None  # to be dropped whole


def _rewrite(upgrade_ops: ops.UpgradeOps, changes: TableChanges, filled: list[Fill]) -> None:
    """A way back goes before what else happens to the table, a move after it: indexes are of plaintext."""
    changes.moves = [each for each in changes.moves if each.move.content in changes.stored]
    without = lost(changes, filled)
    before = [*without, *_kept(changes), *_decrypted(changes)]
    moves = _encrypted(changes)
    after = [*moves, *gained(changes, {each.into or each.column_name for each in moves})]
    refuse_loss(changes)
    index = upgrade_ops.ops.index(changes.within)
    rest = [] if changes.within.is_empty() else [changes.within]
    upgrade_ops.ops[index : index + 1] = [*before, *rest, *after]


def _kept(changes: TableChanges) -> list[MoveOperation]:
    """What a recorded move keeps stays; a way back where the model has the plaintext alone, not the truth.

    The plaintext is dropped by `op.drop_plaintext`, which looks first, and by nothing else.
    """
    changes.take_out_checks({each for each in changes.checks_to_drop() if each.startswith(_GATES)})
    back: list[MoveOperation] = []
    for recorded in changes.moves:
        move = recorded.move
        if move.plaintext in changes.dropped:
            _explain(recorded)
            changes.take_out(move.plaintext)
        _leave_as_moved(changes, move)
        half_done = move.in_place and move.column in changes.pairs and move.content != move.column
        if move.content in changes.pairs or (changes.plain(move.plaintext) is None and not half_done):
            continue
        changes.take_out(move.content, move.dek)
        changes.take_out_guard(move.content)
        if move.authority is Authority.PAIR:
            back.append(_way_back(changes, recorded, move.column))
    return back


def _leave_as_moved(changes: TableChanges, move: Move) -> None:
    """What a move changes of NULL and DEFAULT, and what a state of the model can't say, is no difference."""
    pair = changes.pairs.get(move.content)
    in_state = pair is not None and getattr(pair.type, "moving", None) is not None
    given = move.authority is Authority.PAIR
    if in_state or given:
        changes.keep(move.plaintext, type_=in_state, nullable=True, default=True)
    if in_state or not given:
        changes.keep(move.content, nullable=True)
        changes.keep(move.dek, nullable=True)


def _explain(recorded: RecordedMove) -> None:
    place = f"{recorded.move.table}.{recorded.move.plaintext}"
    if recorded.verified_at is None:
        log.warning("not dropping %s: it is not verified as encrypted", place)
    else:
        log.info("keeping the plaintext %s until op.drop_plaintext", place)


def _decrypted(changes: TableChanges) -> list[MoveOperation]:
    """Stored pairs whose column is plain in the model."""
    found: list[MoveOperation] = []
    stored = stored_pairs(changes.context, changes.name, changes.schema)
    dropped = set(changes.dropped)
    for content, dek in stored.items():
        column = changes.plain(content)
        shared = [*stored.values()].count(dek) > 1
        if column is None or not (dek in dropped or shared):
            continue
        recorded = next((each for each in changes.moves if each.move.content == content), None)
        operation = _way_back(changes, recorded, content, dek)
        operation.shared = shared or operation.shared
        kind = column.type.compile(changes.context.dialect)
        if kind.upper() not in ("TEXT", "BYTEA"):
            operation.sql_type = kind
        operation.type_ = str(value_type(column.type) or ValueType.TEXT)
        changes.take_out(dek)
        changes.take_out_guard(content)
        changes.keep(content, type_=True)
        found.append(operation)
    return found


def _way_back(
    changes: TableChanges, recorded: RecordedMove | None, column: str, dek: str | None = None
) -> DecryptColumnOp:
    place: dict[str, Any] = {"schema": changes.schema}
    if recorded is not None:
        move = recorded.move
        place["into"] = None if move.in_place else move.content
        place |= {"type_": str(move.type), "tenant": move.tenant, "pad": move.pad}
        place |= {"bind_row": move.row, "shared": move.shared}
        dek, column = (move.lasting_dek or move.dek) if move.in_place else move.dek, move.column
        lasting = column if move.in_place else move.content
        usual = Context(move.table, lasting, move.dek if move.shared else "")
        place["context"] = _unusual(move.context, usual)
    if dek != f"{place.get('into') or column}_dek":
        place["dek"] = dek
    return DecryptColumnOp(changes.name, column, **place)


def _encrypted(changes: TableChanges) -> list[EncryptColumnOp]:
    """Pairs of the model whose values lie in a plain column of the database."""
    found: list[EncryptColumnOp] = []
    added = changes.added
    stored = stored_pairs(changes.context, changes.name, changes.schema)
    for content, pair in changes.pairs.items():
        dek = str(pair.dek.name)
        to_come = dek in added or (pair.mates and content not in stored)
        if not to_come or pair.type.accept is not None:
            continue
        column, more = _origin(changes, content, pair)
        if column is None:
            continue
        if pair.type.tenancy is Tenancy.CONTEXT:
            raise _of_nobody(f"{changes.name}.{content}")
        changes.take_out(content, dek, *([column] if more else []))
        changes.take_out_guard(content)
        changes.keep(content, type_=True, default=True)
        if getattr(pair.type, "moving", None) is not None:
            changes.keep(column, type_=True, nullable=True, default=True)  # a state says little of it
        more["index"] = with_the_move(changes, pair)
        found.append(EncryptColumnOp(changes.name, column, **_place(changes, pair, dek), **more))
    return found


def _origin(changes: TableChanges, content: str, pair: Pair) -> tuple[str | None, dict[str, Any]]:
    """Where the values lie now, and how the move to the pair is meant."""
    if content not in changes.added:
        return content, {}
    moving = getattr(pair.type, "moving", None)
    if moving is not None:
        plaintext = str(moving.column)
        there = plaintext in changes.stored
        return (plaintext, {"into": content, "run": "later"}) if there else (None, {})
    for name in sorted(losable(changes, [pair]), key=len, reverse=True):
        if name in content:
            return name, {"into": content}
    return None, {}


def _place(changes: TableChanges, pair: Pair, dek: str) -> dict[str, Any]:
    content = str(pair.content.name)
    usual = Context(str(changes.table.name), content, dek if pair.mates else "")
    context = _unusual(pair.type.reading.context, usual)
    place = {"schema": changes.schema, "context": context}
    return place | {
        "dek": dek if dek != f"{content}_dek" else None,
        "type_": str(type_of(changes, pair)),
        "tenant": None if pair.tenant is None else str(pair.tenant.name),
        "bind_row": [str(each.name) for each in pair.row],
        "shared": bool(pair.mates),
        "pad": pair.type.pad,
    }


def _of_nobody(place: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} has the tenant of a context, which no backfill runs in: name the column that tells each "
        "row's with tenant=, or write op.encrypt_column(..., context=Context(..., tenant=...)) for its one"
    )


def _unusual(context: Context, usual: Context) -> Context | None:
    pinned = replace(context, bind_row=False)
    return pinned if pinned != usual else None
