"""INSERT … ON CONFLICT with its rarer clauses, RETURNING of other tables, and CTEs that write."""

from ..catalogue import refused, section, works

with section("ON CONFLICT: other clauses"):
    works(
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={c.name: c for c in row.excluded if c.name != 'id'})",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={c: row.excluded[c.key] for c in p.c if not c.primary_key})",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}, where=row.excluded.ssn.is_not(None))",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], index_where=p.c.ssn.is_(None), set_={'name': row.excluded.name})",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'note': case((p.c.ssn.is_(None), 'a'), else_='b')})",
        "row = upsert(P).values(id=1, name=C + 'new', ssn=C)\ns.execute(row.on_conflict_do_update(index_elements=[P.id], set_={P.ssn: row.excluded.ssn, P.photo: b'x', 'note': row.excluded.note}))",
        "row = upsert(O).values(id=1, social=C + 'new')\ns.execute(row.on_conflict_do_update(index_elements=[O.id], set_={O.social: row.excluded.social_key}))",
        "row = upsert(O).values(id=1, social=C + 'new')\ns.execute(row.on_conflict_do_update(index_elements=[O.id], set_={'social_key': row.excluded.social_key}))",
        "row = upsert(p)\ns.connection().execute(row.on_conflict_do_update(index_elements=['id'], set_={'name': C + 'lit', 'ssn': None}).returning(p.c.id, p.c.name, p.c.ssn), [{'id': n, 'name': C + str(n), 'ssn': C} for n in (1, 2, 90)])",
        "row = upsert(p).values([{'id': 1, 'name': C + 'a'}, {'id': 91, 'name': C + 'b'}])\nrow.on_conflict_do_update(index_elements=['id'], set_={'name': C + 'lit'}).returning(p.c.id, p.c.name)",
        "row = upsert(p).values(id=1, name=C + 'new').on_conflict_do_update(index_elements=['id'], set_={'name': C + 'set'})\n[s.execute(row).rowcount, s.execute(row).rowcount]",
        "row = upsert(O.__table__).values({'Id': 1, 'social_key': C})\nrow.on_conflict_do_update(index_elements=['Id'], set_={O.__table__.c.social_key: row.excluded['social_key'], 'order': C[:0]})",
    )
    refused(
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=[p.c.ssn], set_={'name': row.excluded.name})",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], index_where=p.c.ssn == p.c.name, set_={'name': row.excluded.name})",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'note': p.c.ssn})",
        "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'note': select(W.phone).limit(1).scalar_subquery()})",
        "row = upsert(p).values(id=1, name=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'photo': row.excluded.ssn})",
    )
    refused(
        "row = upsert(p).values(id=1, name=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'ssn_dek': None})",
        "row = upsert(p).values(id=1, name=C)\nrow.on_conflict_do_update(index_elements=['id'], set_={'ssn': None, 'ssn_dek': None})",
        alone=True,
    )

with section("RETURNING and writing CTEs"):
    works(
        "a = p.alias('z')\nupdate(a).where(a.c.id == 1).values({a.c.ssn: C}).returning(a.c.ssn)",
        "a = p.alias('z')\ndelete(a).where(a.c.id == 4).returning(a.c.ssn, a.c.name)",
        "delete(V.__table__).where(V.patient_id == P.id, V.nr == 1).returning(P.ssn, V.reason)",
        "update(P).where(P.ward_id == W.id).values(note='x').returning(P.id, W.phone, P.ssn)",
        "s.execute(update(P).where(P.id == 1).values(note='x').returning(P.id, P.ward_phone))",
        "update(p).where(p.c.id == 1).values(note='x').returning(select(V.reason).where(V.patient_id == p.c.id, V.nr == 1).scalar_subquery())",
        "update(p).where(p.c.id == 1).values(note='x').returning(p.c.ssn.is_(None))",
        "s.scalars(insert(D).returning(D), [{'name': C, 'licence': C}, {'name': C, 'licence': None}])",
        "c = select(p.c.note, p.c.ssn).cte()\ninsert(W).from_select(['title'], select(c.c.note))",
        "c = insert(W).values(title='x').returning(W.id, W.phone).cte()\nselect(c.c.phone)",
        "c = delete(V).where(V.nr == 1).returning(V.reason, V.patient_id).cte()\nupdate(P).where(P.id == c.c.patient_id).values(note='x', ssn=C)",
        "insert(p).values(name=C).add_cte(select(p.c.ssn).cte())",
        "insert(V.__table__).from_select(['patient_id', 'nr'], select(p.c.id, literal(55)))",
        "insert(V.__table__).from_select([V.patient_id, V.nr], select(V.patient_id, V.nr + 50)).returning(V.nr, V.reason)",
        "upsert(V.__table__).from_select(['patient_id', 'nr'], select(V.patient_id, V.nr)).on_conflict_do_update(index_elements=['patient_id', 'nr'], set_={'reason': C + 'ups'})",
        "q = upsert(V.__table__).from_select(['patient_id', 'nr'], select(V.patient_id, V.nr))\nq.on_conflict_do_update(index_elements=['patient_id', 'nr'], set_={'reason': q.excluded.reason})",
        "r = s.connection().execute(p.insert().values(name=C).return_defaults(p.c.name, p.c.ssn))\ntuple(r.returned_defaults)",
        "r = s.connection().execute(p.update().where(p.c.id == 1).values(ssn=C).return_defaults(p.c.name, p.c.ssn))\ntuple(r.returned_defaults)",
        "s.execute(insert(P).values(name=C).returning(Bundle('b', P.id, P.name))).all()",
        "s.execute(insert(P).returning(Bundle('b', P.id, P.name)), [{'name': C}, {'name': C + '2'}]).all()",
        "s.scalars(insert(P).returning(P).execution_options(populate_existing=True), [{'name': C}]).all()",
        "s.scalars(insert(P).returning(P, sort_by_parameter_order=True), [{'name': C + str(n)} for n in range(4)]).all()",
        "s.execute(update(P).where(P.id == 1).values(ssn=C).returning(P, P.name)).all()",
        "s.execute(delete(V).where(V.nr == 1).returning(V, V.reason)).all()",
    )
    refused(
        "update(p).where(p.c.id == 1).values(note='x').returning(select(func.max(V.reason)).where(V.patient_id == p.c.id).scalar_subquery())",
        "insert(W).from_select(['title'], select(update(P).where(P.id == 1).values(ssn=C).returning(P.note).cte()))",
        "c = select(p.c.note, p.c.ssn).cte()\ninsert(W).from_select(['title'], select(c.c.ssn))",
        "c = delete(V).where(V.nr == 1).returning(V.reason).cte()\ninsert(W).from_select(['title'], select(c.c.reason))",
        "c = delete(V).where(V.nr == 1).returning(V.reason, V.patient_id).cte()\nupdate(P).where(P.id == c.c.patient_id).values(note=c.c.reason)",
        "insert(p).values(name=C).add_cte(update(W).values(phone=C).cte())",
    )
