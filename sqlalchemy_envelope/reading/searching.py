"""How a comparison by a blind index renders: as one of digests, whose values each execution brings."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any, NamedTuple

from sqlalchemy import Boolean, LargeBinary, and_, any_, bindparam, case, cast, func, or_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql import operators
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseList,
    CollectionAggregate,
    Grouping,
    Null,
)
from sqlalchemy.sql.lambdas import LambdaElement
from sqlalchemy.sql.selectable import Join, SelectBase

from ..blind import BlindIndex, IndexContext
from ..comparator import default_index, place_of
from ..errors import UnsupportedStatementError
from ..keyring.index_store import TAG_BYTES
from ..pairs import Pair, indexed_with
from ..search import SEARCHES, ByIndex, candidate_of, check_search
from ..tenant_column import TenantText
from ..types import EncryptedType
from .cells import CellRendering
from .given import Given, given_by
from .lineage import cells_of, pair_of
from .policy import refusal
from .probes import LIVE_KEYS, OfTenant, Probe
from .stated import stated_value

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold plaintext

_NOT_ONE = (operators.ne, operators.not_in_op)
_CELL, _LIST = LargeBinary(), ARRAY(LargeBinary())
_NEGATIONS = (operators.inv, operators.is_false, operators.not_in_op)
_STATEMENTS = (SelectBase, UpdateBase, Join)
_FINDING = (BooleanClauseList, Grouping, LambdaElement)
_MANY = (operators.in_op, operators.not_in_op)


class Indexed(NamedTuple):
    """An encrypted column as a FROM has it, and the index that it is compared by."""

    column: Any
    pair: Pair
    by: BlindIndex

    @property
    def cell(self) -> Any:
        """The column of digests."""
        return self.pair.index_column(str(self.by.name))

    @property
    def types(self) -> tuple[EncryptedType[Any], ...]:
        """Of the columns that are digested together, in order."""
        stored: Any = pair_of(self.column)
        return tuple(each.type for each in indexed_with(stored, self.by))

    @property
    def joinable(self) -> tuple[Any, ...]:
        """What two columns have in common whose equal values have equal digests."""
        types = self.types
        tags = tuple(each.codec.tag for each in types)
        return self.by.context(types[0].reading.context), tags, types[0].tenancy


class Searching(CellRendering):
    """Renders comparisons by blind indexes, and remembers what their digests are made of."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        self.probes: dict[tuple[str, ...], Probe] = {}
        self.joins: list[IndexContext] = []
        self.of_tenants: dict[str, OfTenant] = {}
        self.searches = False
        """Whether there is any of them."""
        self.searched_names: set[str] = set()
        """The parameters that values are given by, where they have names."""
        super().__init__(*args, **kw)

    def visit_binary(self, binary: Any, *args: Any, **kw: Any) -> str:
        """A comparison; one by an index as one of digests."""
        search = self._search(binary)
        if search is None:
            return super().visit_binary(binary, *args, **kw)
        return self.process(search, **kw)

    def _search(self, binary: Any) -> Any:
        op = binary.operator
        if op not in SEARCHES and op is not candidate_of:
            return None
        left, right = self._indexed(binary.left), self._indexed(binary.right)
        if left is not None and right is not None:
            return self._joined(op, left, right)
        one, other = (left, binary.right) if left is not None else (right, binary.left)
        binds = None if one is None else _binds(other)
        if one is None or binds is None:
            return None
        self._check(one, op)
        self.searches = True
        self.searched_names |= {each.key for each in binds}
        return self._probed(one, op, binds)

    def _indexed(self, expression: Any) -> Indexed | None:
        """What an expression is compared by; None where it is no column of a table with an index."""
        by = isinstance(expression, ByIndex)
        column = expression.column if by else expression
        index: BlindIndex | None = expression.type.index if by else default_index(column.type)
        pair = cells_of(column)
        return None if pair is None or index is None else Indexed(column, pair, index)

    def _check(self, one: Indexed, op: Any) -> None:
        type_: EncryptedType[Any] = one.column.type
        if self.statement is None:
            raise refusal(type_, "DDL (a view, a table from a query, an index)")
        if any(each.moving is not None and each.moving.pending for each in one.types):
            raise refusal(type_, "a search", "while it moves rows lack digests, until EncryptedOnly")
        if one.by.filling:
            raise UnsupportedStatementError(
                f"{one.pair.content.table.name}.{one.by.name} is being filled, and rows without digests "
                "would be missed: take filling=True off its BlindIndex once all have one"
            )
        if op is not candidate_of:
            check_search(one.by, op, None)
        elif any(getattr(each, "operator", None) in _NEGATIONS for each in self.path) or any(
            isinstance(each, BinaryExpression) for each in self._within
        ):
            raise refusal(type_, "NOT of candidates()", "other values are among them")

    def _probed(self, one: Indexed, op: Any, binds: list[BindParameter[Any]]) -> Any:
        negated, many = op in _NOT_ONE, op in _MANY
        made = [self._parameter(one.cell, _LIST if many else _CELL) for _ in range(1 if many else LIVE_KEYS)]
        aggregate = CollectionAggregate._create_all if negated else CollectionAggregate._create_any
        same: Any = operators.ne if negated else operators.eq
        cells = cast(made[0] if many else array(made), _LIST)  # of nothing but NULLs it would be a text[]
        search = BinaryExpression(one.cell, aggregate(cells), same, type_=Boolean())
        stored: Any = pair_of(one.column)
        self.probes[tuple(self.bind_names[each] for each in made)] = Probe(
            tuple(given_by(each, self) for each in binds),
            many and len(binds) == 1 and binds[0].expanding,
            one.types,
            one.by,
            self._stated(one),
            stored.tenant,
        )
        if one.column.type.tenancy is None:
            return search
        if not self._only_finds:
            return _unknown_unless(self._of_tenant(one), search)
        # The tenant's digests are the only ones that can differ.
        return and_(search, self._of_tenant(one)).self_group() if negated else search

    @property
    def _only_finds(self) -> bool:
        """Whether what is being rendered finds rows where it is true, and its falsehood tells nothing."""
        return all(isinstance(each, _FINDING) for each in self._within)

    @property
    def _within(self) -> Iterable[Any]:
        """What the comparison being rendered stands in, up to its statement."""
        return takewhile(lambda each: not isinstance(each, _STATEMENTS), reversed(self.path[:-1]))

    def _of_tenant(self, one: Indexed) -> Any:
        """That a row is of the tenant that digests are made for; one without a digest may be of any."""
        stored: Any = pair_of(one.column)
        of = OfTenant(one.column.type, one.by, self._stated(one), stored.tenant)
        column: Any = one.pair.tenant
        if column is not None:
            made = self._parameter(column, column.type)
            found: Any = BinaryExpression(column, made, operators.eq, type_=Boolean())
        else:
            made = self._parameter(one.cell, _LIST)
            found = or_(one.cell.is_(None), _tag(one) == any_(made)).self_group()
        self.of_tenants[self.bind_names[made]] = of
        return found

    def _parameter(self, column: Any, type_: Any) -> Any:
        """One that each execution is given, with the name that it has in the statement."""
        made: Any = bindparam(f"{column.name}_probe", unique=True, required=True, type_=type_)
        self.process(made)
        return made

    def _joined(self, op: Any, one: Indexed, other: Indexed) -> Any:
        for each in (one, other):
            self._check(each, op)
        if one.joinable != other.joinable:
            raise refusal(
                one.column.type,
                f"a comparison with {place_of(other.column.type)}",
                'give both a BlindIndex with the same key="...", expressions and bits, and one type',
            )
        self.joins.append(one.joinable[0])
        self.searches = True
        search = BinaryExpression(one.cell, other.cell, op, type_=Boolean())
        if one.column.type.tenancy is None or (op is operators.eq and self._only_finds):
            return search  # each tenant has a key of its own
        mine, its = (_tag(each) if each.pair.tenant is None else each.pair.tenant for each in (one, other))
        alike = BinaryExpression(mine, its, operators.eq, type_=Boolean())
        return _unknown_unless(alike, search)

    def _stated(self, one: Indexed) -> Given | None:
        """The tenant that the statement's own WHERE says a row is of."""
        if one.pair.tenant is None:
            return None
        froms = {each for entry in self.stack for each in (*entry["correlate_froms"], *entry["asfrom_froms"])}
        bind = stated_value(one.pair.tenant, [entry["selectable"] for entry in self.stack], froms)
        if bind is None or not TenantText(one.pair.tenant).takes(bind.type):
            return None
        return given_by(bind, self)


def _tag(one: Indexed) -> Any:
    """What a cell starts with, which tells its key, and so its tenant."""
    return func.substring(one.cell, 1, TAG_BYTES, type_=LargeBinary())


def _unknown_unless(of_tenant: Any, search: Any) -> Any:
    """A comparison that is neither true nor false in rows of other tenants, whatever is made of it."""
    return case((of_tenant, search)).self_group()


def _binds(other: Any) -> list[BindParameter[Any]] | None:
    """The parameters that a side of a comparison is made of; None where it is anything else."""
    while isinstance(other, Grouping):
        other = other.element
    listed: Iterable[Any] = other.clauses if isinstance(other, ClauseList) else [other]
    found = [bindparam(None, None, unique=True) if isinstance(each, Null) else each for each in listed]
    return found if all(isinstance(each, BindParameter) for each in found) else None
