"""What can't be moved, said before anything is done, each with table, column and remedy."""

from collections.abc import Sequence

from ...errors import ConfigurationError
from ..postgres.relation import Relation
from ..subject.kind import Kind
from ..subject.move import Authority, Move
from ..subject.subject import Subject
from ..subject.valuetype import ValueType

_KEYS = frozenset({"int2", "int4", "int8", "uuid", "text", "varchar"})
_AUTHORITY = {Kind.ENCRYPT: Authority.PLAINTEXT, Kind.DECRYPT: Authority.PAIR, Kind.NULL: Authority.PAIR}


def check_table(relation: Relation, move: Move, *, allow_replica_identity_full: bool = False) -> None:
    """That the table's rows can be visited, and its column replaced. Raises `ConfigurationError`."""
    place = move.place
    foreign = [leaf.sql for leaf in relation.leaves if leaf.kind != "r"]
    if relation.kind not in "rp" or foreign:
        raise ConfigurationError(
            f"{place}: {foreign[0] if foreign else move.table} is no table of this database;"
            " move the table that it stands for"
        )
    if relation.hides_rows:
        raise ConfigurationError(
            f"{place}: row security hides rows of {move.table} from this role; connect as one with BYPASSRLS"
        )
    if relation.parent is not None:
        raise ConfigurationError(f"{place}: {move.table} is a partition; move that of {relation.parent}")
    if relation.inherited:
        raise ConfigurationError(
            f"{place}: other tables inherit from {move.table}, or it from one; end that first"
        )
    if move.plaintext in relation.partitioned_by:
        raise ConfigurationError(
            f"{place}: {move.table} is partitioned by it; partition by another column first"
        )
    if move.plaintext in relation.primary:
        raise ConfigurationError(f"{place}: it is in the primary key; give the table another one first")
    check_row(relation, move)
    if relation.key is None:
        raise ConfigurationError(
            f"{place}: {move.table} has no key to go by; add a primary key, or a unique index over columns"
            " that are NOT NULL and not the column itself"
        )
    _check_identity(relation, move, allow_replica_identity_full)


def check_row(relation: Relation, subject: Subject) -> None:
    """That the columns which values are bound to are the primary key, of types that bind."""
    if not subject.row:
        return
    if relation.primary != frozenset(subject.row):
        raise ConfigurationError(
            f"{subject.place}: bind_row= is not the primary key of {subject.table}, which has"
            f" {', '.join(sorted(relation.primary)) or 'none'}: list its columns in the model's order"
        )
    for name in subject.row:
        if relation.columns[name].base not in _KEYS:
            raise ConfigurationError(
                f"{subject.place}: {name} is {relation.columns[name].type}, and values are bound to integers,"
                " UUIDs, text and varchar only; leave out bind_row="
            )


def check_beginning(relation: Relation, move: Move) -> None:
    """What would do harm only once the plaintext becomes NULL, refused before the move begins."""
    if move.plaintext in relation.referred_to:
        raise ConfigurationError(
            f"{move.place}: foreign keys refer to it, and would refuse that it becomes NULL or pass that on"
            " to their own rows; let them refer to another column first"
        )
    if relation.columns[move.plaintext].generated:
        raise ConfigurationError(
            f"{move.place}: {move.plaintext} is a generated column; move what it is made of"
        )


def _check_identity(relation: Relation, move: Move, allowed: bool) -> None:
    identities = {relation.replica_identity, *(leaf.replica_identity for leaf in relation.leaves)}
    if "f" in identities and not allowed:
        raise ConfigurationError(
            f"{move.place}: {move.table} has REPLICA IDENTITY FULL, so every subscriber is sent the old row"
            " with its plaintext; set it to DEFAULT, or pass allow_replica_identity_full=True"
        )


def check_columns(relation: Relation, move: Move, *, pair: bool, source: bool) -> None:
    """That the columns are there and of types that fit. `pair`: the pair is there; `source`: one reads it."""
    _check_there(relation, move, [move.plaintext, *([move.content, move.dek] if pair else [])])
    if pair:
        _check_pair(relation, move)
    given = relation.columns[move.plaintext]
    fits = given.base in move.type.stored.bases or (given.is_enum and move.type is ValueType.TEXT)
    if not source and not fits:
        raise ConfigurationError(
            f"{move.place}: {move.plaintext} is {given.type}, which does not hold {move.type}; say source=,"
            " what reads its values, or the other type_="
        )


def _check_there(relation: Relation, move: Move, names: Sequence[str]) -> None:
    for name in names:
        if name not in relation.columns:
            raise ConfigurationError(
                f"{move.place}: {move.table} in schema {move.schema} has no column {name}; add it, or see to"
                " the record of the move"
            )
        if relation.columns[name].generated:
            raise ConfigurationError(f"{move.place}: {name} is a generated column; move what it is made of")


def _check_pair(relation: Relation, move: Move) -> None:
    for name in (move.content, move.dek):
        if relation.columns[name].base != "bytea":
            raise ConfigurationError(
                f"{move.place}: {name} is {relation.columns[name].type}; it must be bytea"
            )


def check_job(relation: Relation, move: Move, kind: Kind, *, source: bool) -> None:
    """That a job of a kind may begin or go on, as the table and the move are now."""
    wanted = _AUTHORITY.get(kind, move.authority)
    if move.authority is not wanted:
        held = "pair" if move.authority is Authority.PAIR else "plaintext column"
        raise ConfigurationError(
            f"{move.place}: the {held} holds the truth now, which to {kind} would overwrite;"
            f" {'op.unswap_encrypted' if wanted is Authority.PLAINTEXT else 'op.swap_encrypted'} first"
        )
    if kind is Kind.VERIFY and move.plaintext not in relation.columns:
        _check_there(relation, move, [move.content, move.dek])
        _check_pair(relation, move)
        return
    reads = kind in {Kind.ENCRYPT, Kind.VERIFY}  # what is written back is cast
    check_columns(relation, move, pair=True, source=source or not reads)
    if kind is not Kind.VERIFY and relation.trigger in (None, "D"):
        raise ConfigurationError(
            f"{move.place}: there is no enabled invalidate trigger on {move.table}, without which a write"
            " that knows one column only would be lost; create it and run the job again"
        )
    if kind is Kind.NULL and relation.columns[move.plaintext].not_null:
        raise ConfigurationError(f"{move.place}: {move.plaintext} is NOT NULL; drop that first")
