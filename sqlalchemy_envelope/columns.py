"""The pair: an encrypted column brings its sibling for the wrapped data key, and the CHECK that guards both.

Made when a Table is complete, and for columns added later when they are: earlier breaks `to_metadata` and
Alembic's autogenerate. Nothing is kept in `table.info`, which Alembic copies and renders.
"""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import CheckConstraint, Column, LargeBinary, MetaData, Table, event
from sqlalchemy.sql.elements import conv
from sqlalchemy.sql.selectable import FromClause

from .checks import check_sql
from .context import Context
from .errors import ConfigurationError
from .types import EncryptedType


class Pair(NamedTuple):
    """An encrypted column and its sibling, of one table."""

    content: Column[Any]
    dek: Column[Any]

    @property
    def type(self) -> EncryptedType[Any]:
        """The column's own, bound type."""
        return self.content.type  # type: ignore[return-value]


Pairs = dict[str, Pair]
"""By the key of the encrypted column."""

_pairs: "WeakKeyDictionary[Table, Pairs]" = WeakKeyDictionary()
_contexts: "WeakKeyDictionary[MetaData, dict[Context, tuple[str, str]]]" = WeakKeyDictionary()
_NONE: Pairs = {}


def pairs_of(table: FromClause) -> Pairs:
    """The pairs of a table by column key; empty where it has none."""
    if not isinstance(table, Table):
        return _NONE
    plain = table._deannotate() if table._annotations else table
    found = _pairs.get(plain)
    return _known_again(plain) if found is None else found


def sibling_keys(table: FromClause) -> dict[str, str]:
    """By the key of each sibling: the key of its encrypted column."""
    return {pair.dek.key: key for key, pair in pairs_of(table).items()}


def _known_again(table: Table) -> Pairs:
    """The pairs of a table that came without events: unpickled."""
    found = {
        column.key: Pair(column, _named(table, str(column.type.dek)))
        for column in table.c
        if isinstance(column.type, EncryptedType) and column.type.bound
    }
    _pairs[table] = found
    return found


@event.listens_for(Table, "after_parent_attach")
def _table_complete(table: Table, metadata: MetaData) -> None:
    _pairs[table] = {}
    for column in list(table.c):
        if isinstance(column.type, EncryptedType):
            _make_pair(table, column)


@event.listens_for(Column, "after_parent_attach")
def _column_added(column: Column[Any], table: Any) -> None:
    if isinstance(table, Table) and table in _pairs and isinstance(column.type, EncryptedType):
        _make_pair(table, column)


@event.listens_for(CheckConstraint, "after_parent_attach")
def _check_added(check: CheckConstraint, table: Any) -> None:
    """Keeps one guard: a copied table has made its own when `to_metadata`, or Alembic, brings the old one."""
    if not isinstance(table, Table) or not _pairs.get(table):
        return
    others = (each for each in table.constraints if isinstance(each, CheckConstraint) and each is not check)
    if any(str(each.sqltext) == str(check.sqltext) for each in others):
        table.constraints.discard(check)


def _make_pair(table: Table, column: Column[Any]) -> None:
    _refuse_what_cannot_work(table, column)
    declared: EncryptedType[Any] = column.type  # type: ignore[assignment]
    name = declared.dek or f"{column.name}_dek"
    context = declared.context or Context(table.name, column.name, key=name)
    if not declared.bound:
        _refuse_second(table, column, context)
    column.type = declared.bind_to(context, name)
    sibling = _named(table, name) if name in {each.name for each in table.c} else _new_sibling(table, column, name)
    _adopt(table, column, sibling)
    _pairs[table][column.key] = Pair(column, sibling)
    _add_check(table, column, name)


def _named(table: Table, name: str) -> Column[Any]:
    return next(each for each in table.c if each.name == name)


def _new_sibling(table: Table, column: Column[Any], name: str) -> Column[Any]:
    nullable = column.nullable or column.type.accept is not None  # type: ignore[attr-defined]
    sibling: Column[Any] = Column(name, LargeBinary(), nullable=nullable, _omit_from_statements=True)
    table.append_column(sibling)
    return sibling


def _adopt(table: Table, column: Column[Any], sibling: Column[Any]) -> None:
    if not isinstance(sibling.type, LargeBinary):
        raise ConfigurationError(
            f"{table.name}.{sibling.name} is the sibling of {column.name} and must be LargeBinary, nullable as that is"
        )
    if any(pair.dek is sibling for key, pair in _pairs[table].items() if key != column.key):
        raise ConfigurationError(f"{table.name}.{sibling.name} is the sibling of two columns; give each its own dek=")
    sibling._omit_from_statements = True  # kept out of the mapper and of select(table)


def _refuse_what_cannot_work(table: Table, column: Column[Any]) -> None:
    reasons = {
        "primary_key": column.primary_key,
        "unique": column.unique,
        "index": column.index,
        "a foreign key": bool(column.foreign_keys),
        "server_default": column.server_default is not None,
        "server_onupdate": column.server_onupdate is not None,
        "an SQL or context-dependent default": not _is_plain(column.default),
        "onupdate": column.onupdate is not None,
    }
    for reason, given in reasons.items():
        if given:
            raise ConfigurationError(
                f"{table.name}.{column.name} is encrypted and can't have {reason}: "
                "the database sees random ciphertext; leave it out"
            )


def _is_plain(default: Any) -> bool:
    """Whether a default is a value or a function without arguments, which SQLAlchemy wraps in one of its own."""
    if default is None or default.is_scalar:
        return True
    module = getattr(default.arg, "__globals__", {}).get("__name__") if default.is_callable else None
    return bool(module == "sqlalchemy.sql.schema")


def _refuse_second(table: Table, column: Column[Any], context: Context) -> None:
    """Two attributes under one context could exchange their cells: a copy of a table may, a declaration may not."""
    known = _contexts.setdefault(table.metadata, {})
    place = (table.key, column.name)
    other = known.get(context)
    if other is not None and other != place and other[0] in table.metadata.tables:
        raise ConfigurationError(
            f"{table.key}.{column.name} and {'.'.join(other)} would share the context {context.place}: "
            'pin one of them with context="another_table.column"'
        )
    known[context] = place


def _add_check(table: Table, column: Column[Any], dek: str) -> None:
    name = conv(f"{table.name}_{column.name}_envelope")
    for constraint in list(table.constraints):
        if isinstance(constraint, CheckConstraint) and constraint.name == name:
            table.constraints.discard(constraint)
    sql = check_sql(column.name, dek, column.type.accept)  # type: ignore[attr-defined]
    table.append_constraint(CheckConstraint(sql, name=name))
