"""Columns that are encrypted for the tenant of their row, and for that of the context."""

from sqlalchemy_envelope import ConfigurationError, TenantError

from ..catalogue import refused, section, works

_A = "tenant_id='acme'"
_ROW = f"row = upsert(T).values(id=1, {_A}, name=C, ssn=C + 'new', note='n1')"
_OTHER = "row = upsert(T).values(id=1, tenant_id='bär', name=C + 'b', ssn=None, note='n9')"

with section("Tenants: of a column of the row"):
    works(
        f"insert(T.__table__).values({_A}, ssn=C)",
        "insert(T.__table__).values(tenant_id=bindparam('of', 'acme'), ssn=C)",
        "insert(T.__table__).values([{'tenant_id': 'acme', 'ssn': C}, {'tenant_id': 'bär', 'ssn': None}])",
        "s.connection().execute(insert(T.__table__), [{'tenant_id': 't' + str(n % 2), 'ssn': C + str(n)} for n in range(5)])",
        "s.connection().execute(insert(T.__table__).values(ssn=C).returning(T.ssn), [{'tenant_id': 'a'}, {'tenant_id': 'b'}])",
        "s.connection().execute(insert(T.__table__).values(tenant_id='acme'), [{'ssn': C}, {'ssn': C + '2'}])",
        "insert(T.__table__).values(note='no value, no tenant')",
        "s.execute(insert(T), [{'tenant_id': 't' + str(n % 2), 'ssn': C + str(n)} for n in range(5)])",
        "s.scalars(insert(T).returning(T), [{'tenant_id': 'a', 'ssn': C}, {'tenant_id': 'b', 'ssn': C}])",
        f"s.execute(insert(T).values({_A}, ssn=C).returning(T.ssn))",
        "s.add_all([T(tenant_id='t' + str(n % 2), ssn=C + str(n)) for n in range(5)])\ns.flush()",
        "s.bulk_save_objects([T(tenant_id='acme', ssn=C)])",
        "s.bulk_insert_mappings(T, [{'tenant_id': 'acme', 'ssn': C}])",
        "select(T.id, T.name, T.ssn).order_by(T.id)",
        "q = aliased(T)\nselect(q.id, q.ssn, T.ssn).join(q, q.id == T.parent_id)",
        "q = select(T.id, T.ssn).where(T.id > 1).subquery()\nselect(q)",
        "q = select(T).cte()\nselect(aliased(T, q))",
        "union_all(select(T.ssn).where(T.id == 1), select(T.ssn).where(T.id == 3))",
        "union(select(T.id, T.ssn), select(T.id, T.ssn))",
        "select(T.id, T.ssn).distinct()",
        "select(T.id, T.ssn).group_by(T.id, T.ssn)",
        "select(func.array_agg(T.ssn)).where(T.id != 2)",
        "select(T.id).where(T.ssn.is_(None))",
        "s.scalars(select(T).options(joinedload(T.children)).order_by(T.id).limit(2)).unique().all()[0].children",
        "s.scalars(select(T).options(selectinload(T.children)).where(T.id == 1)).one().children",
        "s.get(T, 3).ssn",
        "select(T.ssn).order_by(T.id).execution_options(yield_per=2)",
        "update(T.__table__).where(T.tenant_id == 'acme').values(ssn=C + 'new').returning(T.ssn)",
        "update(T.__table__).where(T.id == 1, T.tenant_id == bindparam('of', 'acme')).values(ssn=C)",
        "s.connection().execute(update(T.__table__).where(T.tenant_id == bindparam('of')).values(ssn=bindparam('v')), [{'of': 'acme', 'v': C}, {'of': 'bär', 'v': C + '2'}]).close()",
        "update(T.__table__).values(ssn=None)",
        "update(T.__table__).where(T.id == 1).values(tenant_id='new', name=C, ssn=C)",
        "s.execute(update(T).where(T.tenant_id == 'acme').values(ssn=C + 'new'))",
        "s.execute(update(T), [{'id': 1, 'tenant_id': 'acme', 'ssn': C}, {'id': 3, 'tenant_id': 'bär', 'ssn': None}])",
        "s.bulk_update_mappings(T, [{'id': 1, 'tenant_id': 'acme', 'ssn': C + 'mapped'}])",
        "for n, one in enumerate(s.scalars(select(T))): one.ssn = C + str(n)\ns.flush()",
        "one = s.get(T, 1)\none.tenant_id, one.name, one.ssn = 'new', C, C + 'moved'\ns.flush()",
        "s.merge(T(id=1, ssn=C + 'merged')).ssn",
        "s.delete(s.get(T, 3))\ns.flush()",
        "delete(T.__table__).where(T.id == 3).returning(T.ssn)",
        f"{_ROW}\nrow.on_conflict_do_nothing()",
        f"{_ROW}\nrow.on_conflict_do_update(index_elements=['tenant_id', 'note'], set_={{'ssn': row.excluded.ssn}}).returning(T.ssn)",
        f"{_ROW}\nrow.on_conflict_do_update(index_elements=['tenant_id', 'note'], set_={{'ssn': C + 'set'}})",
        f"{_ROW}\nrow.on_conflict_do_update(constraint='one_note', set_={{'ssn': row.excluded.ssn}})",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['id'], set_={{'ssn': row.excluded.ssn}}, where=T.tenant_id == row.excluded.tenant_id)",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['id'], set_={{'tenant_id': row.excluded.tenant_id, 'name': row.excluded.name, 'ssn': row.excluded.ssn}})",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['id'], set_={{'note': 'of plain columns'}})",
    )
    works(
        "under('acme', lambda: s.execute(insert(T.__table__).values(ssn=C)))\nselect(T.tenant_id, T.ssn)",
        "under('acme', lambda: s.execute(insert(T), [{'ssn': C}]))\nselect(T.tenant_id, T.ssn)",
        "one = T(ssn=C)\ns.add(one)\nunder('acme', s.flush)\none.tenant_id",
        "under('acme', lambda: s.execute(update(T.__table__).values(ssn=C)))\nselect(T.id, T.ssn)",
        "under('acme', lambda: s.execute(update(T), [{'id': 1, 'ssn': C}]))\nselect(T.id, T.ssn)",
        "s.execute(update(T).values(ssn=C), execution_options={'tenant': 'acme'})\nselect(T.id, T.ssn)",
        alone=True,
    )
    works("under('acme', lambda: s.execute(select(T.ssn).where(T.tenant_id == 'acme')).all())")
    refused(
        "insert(T.__table__).values(ssn=C)",
        "insert(T.__table__).values(ssn=C, tenant_id=func.lower('ACME'))",
        "insert(T.__table__).values([{'tenant_id': 'a', 'ssn': C}, {'tenant_id': None, 'ssn': C}])",
        "s.execute(insert(T), [{'ssn': C}])",
        "s.add(T(ssn=C))\ns.flush()",
        "update(T.__table__).values(ssn=C)",
        "update(T.__table__).where(T.id == 1).values(ssn=C)",
        "update(T.__table__).where(or_(T.tenant_id == 'acme', T.id == 3)).values(ssn=C)",
        "s.execute(update(T).where(T.id == 1).values(ssn=C))",
        "s.execute(update(T), [{'id': 1, 'ssn': C}])",
        "under('bär', lambda: s.execute(insert(T.__table__).values(tenant_id='acme', ssn=C)))",
        "under('bär', lambda: s.execute(update(T).where(T.tenant_id == 'acme').values(ssn=C)))",
        "s.connection().execute(update(T.__table__).where(T.tenant_id == bindparam('of')).values(ssn=C), [{'of': 'acme'}, {'of': 'bär'}])",
        error=TenantError,
    )
    refused(
        "update(T.__table__).values(tenant_id='new')",
        "update(T.__table__).where(T.id == 1).values(tenant_id='new', ssn=C)",
        "s.execute(update(T).where(T.id == 1).values(tenant_id='new'))",
        "cte = update(T.__table__).values(tenant_id='new').returning(T.id).cte()\nselect(cte.c.id)",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['id'], set_={{'ssn': row.excluded.ssn}})",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['id'], set_={{'ssn': C}})",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['id'], set_={{'tenant_id': row.excluded.tenant_id}})",
        f"{_OTHER}\nrow.on_conflict_do_update(index_elements=['tenant_id', 'note'], set_={{'tenant_id': 'new'}})",
    )

with section("Tenants: of the context"):
    works(
        "under('acme', lambda: s.execute(insert(X.__table__).values(secret=C)))",
        "insert(X.__table__).values(secret=C).execution_options(tenant='acme')",
        "s.execute(insert(X), [{'secret': C + str(n)} for n in range(3)], execution_options={'tenant': 'acme'})",
        "under('acme', lambda: s.scalars(insert(X).returning(X.secret), [{'secret': C}]))",
        "s.add_all([X(secret=C), X(secret=None)])\nunder('acme', s.flush)",
        "s.add(X(note='no value, no tenant'))\ns.flush()",
        "select(X.secret).order_by(X.id).execution_options(tenant='acme')",
        "q = select(X.secret).subquery()\nselect(q).execution_options(tenant='acme')",
        "q = aliased(X)\nselect(X.secret, q.secret).join(q, q.id == X.id).execution_options(tenant='acme')",
        "q = select(X.id, X.secret).cte()\nunion_all(select(q.c.secret), select(X.secret)).execution_options(tenant='acme')",
        "select(func.array_agg(X.secret)).where(X.id < 3).execution_options(tenant='acme')",
        "select(X.id).where(X.secret.is_(None))",
        "under('acme', lambda: s.get(X, 1).secret)",
        "under('acme', lambda: s.scalars(select(X).order_by(X.id)))",
        "select(X.secret).order_by(X.id).execution_options(tenant='acme', yield_per=2)",
        "under('acme', lambda: s.execute(select(X.secret).execution_options(stream_results=True)))",
        "update(X.__table__).values(secret=C).execution_options(tenant='acme')",
        "under('acme', lambda: s.execute(update(X), [{'id': 1, 'secret': C}, {'id': 2, 'secret': None}]))",
        "one = under('acme', lambda: s.get(X, 1))\none.secret = C + 'new'\nunder('acme', s.flush)",
        "update(X.__table__).values(secret=None)",
        "update(X.__table__).where(X.id == 1).values(secret=C).returning(X.secret).execution_options(tenant='acme')",
        "row = upsert(X).values(id=1, secret=C + 'new')\nrow.on_conflict_do_update(index_elements=['id'], set_={'secret': row.excluded.secret}).execution_options(tenant='acme')",
    )
    refused(
        "insert(X.__table__).values(secret=C)",
        "s.execute(insert(X), [{'secret': C}])",
        "s.add(X(secret=C))\ns.flush()",
        "update(X.__table__).values(secret=C)",
        "under('acme', lambda: s.execute(insert(X.__table__).values(secret=C), execution_options={'tenant': 'bär'}))",
        error=TenantError,
    )

with section("Tenants: declarations"):
    works(
        "declare(Column('of', Text), Column('ssn', EncryptedText(tenant='of'))).name",
        "declare(Column('of_', Integer, key='of'), Column('ssn', EncryptedText(tenant='of'))).name",
        "declare(Column('ssn', EncryptedText(tenant='id'))).name",
        "declare(Column('of', sa.Uuid), Column('ssn', EncryptedText(tenant='of'))).name",
        "declare(Column('of', Text, sa.ForeignKey('other.id', ondelete='CASCADE')), Column('ssn', EncryptedText(tenant='of'))).name",
        "declare(Column('ssn', EncryptedText(tenant=TENANT))).name",
        declares=True,
    )
    refused(
        "declare(Column('ssn', EncryptedText(tenant='other')))",
        "declare(Column('of', sa.CHAR(3)), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', pg.CITEXT), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', Text(collation='de-x-icu')), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', sa.Enum('a', 'b', name='ab')), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', sa.Float), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', sa.DateTime), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', sa.Uuid(native_uuid=False)), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', sa.PickleType), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', sa.ForeignKey('other.id')), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', EncryptedText()), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', Text, onupdate='x'), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', Text, sa.ForeignKey('other.id', onupdate='CASCADE')), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', Text, sa.ForeignKey('other.id', ondelete='SET NULL')), Column('ssn', EncryptedText(tenant='of')))",
        "declare(Column('of', Text, sa.Computed('note')), Column('ssn', EncryptedText(tenant='of')))",
        error=ConfigurationError,
        declares=True,
    )
