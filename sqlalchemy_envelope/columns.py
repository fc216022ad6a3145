"""The pair: an encrypted column brings its sibling for the wrapped data key, and the CHECK that guards both.

Made when a Table is complete, and for columns added later when they are: earlier breaks `to_metadata` and
Alembic's autogenerate. Nothing is kept in `table.info`, which Alembic copies and renders.
"""

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import CheckConstraint, Column, Index, MetaData, Table, event
from sqlalchemy.orm import Mapper
from sqlalchemy.schema import ColumnCollectionConstraint

from .context import Context
from .declaration import check_column, check_constraint, check_name, check_plain, check_sibling
from .errors import ConfigurationError
from .groups import context_of, mates_of, may_be_null, sibling_name
from .guards import add_guard, are_twins, guards_of
from .index_columns import adopt_index_column, check_indexed_together, index_columns, named_indexes
from .pairs import MAPPED, SLOT, Pair, Pairs, pairs_of, sibling_keys
from .plaintext import adopt_plaintext, plaintext_beside
from .primary_key import check_primary_key
from .sibling import Sibling
from .tenant_column import check_tenant_column, tenant_column
from .types import EncryptedType

_contexts: "WeakKeyDictionary[MetaData, dict[Context, tuple[str, str]]]" = WeakKeyDictionary()


@event.listens_for(Table, "after_parent_attach")
def _table_complete(table: Table, metadata: MetaData) -> None:
    table.__dict__[SLOT] = Pairs()
    for column in list(table.c):
        _complete(table, column)
    check_indexed_together(table)
    if pairs_of(table):
        for constraint in (*table.indexes, *table.constraints):
            _constraint_added(constraint, table)


@event.listens_for(Mapper, "after_mapper_constructed")
def _mapped(mapper: Mapper[Any], _class: type[Any]) -> None:
    for column in mapper.columns:
        if isinstance(column, Sibling):
            column.__dict__[MAPPED] = True


@event.listens_for(Column, "before_parent_attach")
def _column_to_come(column: Column[Any], table: Any) -> None:
    if isinstance(column.type, EncryptedType):
        return
    for pair in pairs_of(table).values():
        if column.key == pair.content.key or column.name == pair.content.name:
            raise ConfigurationError(
                f"{table.name}.{column.name} is encrypted and would be replaced by a plain column: "
                "reflect with autoload_replace=False, or before it is declared"
            )


@event.listens_for(Column, "after_parent_attach")
def _column_added(column: Column[Any], table: Any) -> None:
    if not isinstance(table, Table) or SLOT not in table.__dict__:
        return
    _complete(table, column)
    if isinstance(column.type, EncryptedType):
        check_indexed_together(table)
    for key, pair in list(pairs_of(table).items()):
        if pair.tenant is not None and column.name == pair.tenant.name:
            check_tenant_column(table, pair.content, column)
            _keep(table, pairs_of(table)[key]._replace(tenant=column))
        if column.primary_key:
            check_primary_key(table, pair.content)
        if column.name == pair.dek.name and column is not pair.dek:
            _adopt(table, pair.content, column)  # declared by hand, or reflected, after its column
        if pair.plaintext is not None and column.name == pair.plaintext.name and column is not pair.plaintext:
            adopt_plaintext(table, pair.content, column, pair.type.moving)  # type: ignore[arg-type]
            _keep(table, pairs_of(table)[key]._replace(plaintext=column))
        if any(column.name == each.name and column is not each for each in pair.indexes):
            adopt_index_column(table, pair, column)
            indexes = (column if column.name == each.name else each for each in pair.indexes)
            _keep(table, pairs_of(table)[key]._replace(indexes=tuple(indexes)))


@event.listens_for(Index, "after_parent_attach")
@event.listens_for(ColumnCollectionConstraint, "after_parent_attach")
def _constraint_added(constraint: Any, table: Any) -> None:
    """Keeps one guard a pair, and lets nothing else that compares values near it."""
    if not isinstance(table, Table) or SLOT not in table.__dict__:
        return
    if not isinstance(constraint, CheckConstraint):
        check_constraint(table, constraint, sibling_keys(table))
    elif any(are_twins(constraint, guard) for guard in guards_of(table) if guard is not constraint):
        table.constraints.discard(constraint)  # came with a copied or reflected table, which made its own


def _complete(table: Table, column: Column[Any]) -> None:
    if isinstance(column.type, EncryptedType):
        _make_pair(table, column)
    else:
        check_plain(table, column)


def _make_pair(table: Table, column: Column[Any]) -> None:
    declared: EncryptedType[Any] = column.type  # type: ignore[assignment]
    name, mates = sibling_name(column), mates_of(table, column)
    check_column(table, column)
    check_name(table, column, name)
    context = context_of(table, column, mates)
    if not declared.bound:
        _refuse_second(table, column, replace(context, bind_row=False))
    check_primary_key(table, column)
    tenant = tenant_column(table, column)
    plaintext = plaintext_beside(table, column, name)
    moving = None if plaintext is None else declared.moving.of(plaintext.type)  # type: ignore[union-attr]
    whose = declared.tenant if tenant is None else tenant.name
    indexes = named_indexes(table, column, declared, context)
    column.type = declared.bind_to(context, name, moving, whose, indexes)
    sibling = next((each for each in table.c if each.name == name), None)
    if sibling is None:
        sibling = Sibling.named(name, nullable=may_be_null(column, mates))
        table.append_column(sibling)
    _adopt(table, column, sibling)
    if tenant is not None:
        _keep(table, pairs_of(table)[column.key]._replace(tenant=tenant))
    if plaintext is not None:
        if not any(each is plaintext for each in table.c):
            table.append_column(plaintext)
        _keep(table, pairs_of(table)[column.key]._replace(plaintext=plaintext))
    pair = pairs_of(table)[column.key]
    _keep(table, pair._replace(indexes=index_columns(table, pair)))
    add_guard(table, column, name, shared=bool(mates))
    for mate in mates:
        if mate.key in pairs_of(table) and column.key not in pairs_of(table)[mate.key].mates:
            _make_pair(table, mate)  # which was complete before this column came


def _adopt(table: Table, column: Column[Any], sibling: Column[Any]) -> None:
    mates = mates_of(table, column)
    check_sibling(table, column, sibling, may_be_null(column, mates))
    Sibling.adopted(sibling)
    known = pairs_of(table).get(column.key) or Pair(column, sibling)
    keys = tuple(str(each.key) for each in mates)
    _keep(table, known._replace(content=column, dek=sibling, mates=keys))


def _keep(table: Table, pair: Pair) -> None:
    """Has no column hold the plaintext of two, nor anything else beside it."""
    for other in pairs_of(table).values():
        taken = other.content.key != pair.content.key and pair.plaintext is not None
        if taken and any(each is pair.plaintext for each in other):
            raise ConfigurationError(
                f"{table.name}.{pair.plaintext.name} can't hold the plaintext of {pair.content.name}: "  # type: ignore[union-attr]
                f"it belongs to {other.content.name}"
            )
    table.__dict__[SLOT][pair.content.key] = pair


def _refuse_second(table: Table, column: Column[Any], context: Context) -> None:
    """Two attributes under one context could exchange their cells: only a copy of a table may."""
    metadata = table.metadata
    if metadata not in _contexts:
        _contexts[metadata] = _contexts_in(metadata)
    known = _contexts[metadata]
    place = (table.key, column.name)
    other = known.get(context, place)
    if other != place and _contexts_in(metadata, other[0]).get(context) == other:
        raise ConfigurationError(
            f"{table.key}.{column.name} and {'.'.join(other)} would share the context {context.place}: pin "
            'one of them with context="another_table.column", or a Context with a tenant for each schema'
        )
    known[context] = place


def _contexts_in(metadata: MetaData, only: str | None = None) -> dict[Context, tuple[str, str]]:
    """Which column has each context, as tables stand now: some came unpickled, some were removed."""
    return {
        replace(pair.type.reading.context, bind_row=False): (key, pair.content.name)
        for key, table in metadata.tables.items()
        if only in (None, key)
        for pair in pairs_of(table).values()
    }
