"""INSERT … ON CONFLICT."""

from ..catalogue import refused, section, works

_ROW = "row = upsert(p).values(id=1, name=C + 'new', ssn=C)\n"

with section("ON CONFLICT"):
    works(
        _ROW + "row.on_conflict_do_nothing()",
        _ROW + "row.on_conflict_do_nothing(index_elements=['id']).returning(p.c.name)",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name})",
        _ROW + "row.on_conflict_do_update(index_elements=[p.c.id], set_={p.c.ssn: row.excluded.ssn})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name': C + 'literal', 'note': 'x'})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'ssn': None})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'ssn': null()})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'note': 'only plain'})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'note': row.excluded.note})",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': bindparam(None, C + 'bound')})",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}, where=p.c.id < 3)",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}, where=p.c.ssn.is_(None))",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'ssn': row.excluded.ssn}).returning(p)",
        "row = upsert(p)\ns.connection().execute(row.on_conflict_do_update(index_elements=['id'], "
        "set_={'name': row.excluded.name}), [{'id': n, 'name': C + str(n)} for n in (1, 2, 90)])",
        "row = upsert(p)\ns.connection().execute(row.on_conflict_do_update(index_elements=['id'], "
        "set_={'name': bindparam('other')}), [{'id': n, 'name': C, 'other': C + str(n)} for n in (1, 2)])",
        "row = upsert(p)\ns.connection().execute(row.on_conflict_do_update(index_elements=['id'], "
        "set_={'name': bindparam('o'), 'ssn': bindparam('o')}), [{'id': n, 'name': C, 'o': C + str(n)} for n in (1, 2)])",
        "row = upsert(p).values([{'id': 1, 'name': C + 'a'}, {'id': 91, 'name': C + 'b'}])\n"
        "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}).returning(p.c.name)",
        "row = upsert(P).values(id=1, name=C)\n"
        "s.scalars(row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}).returning(P),"
        " execution_options={'populate_existing': True})",
        "row = upsert(P)\ns.scalars(row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name})"
        ".returning(P.name), [{'id': 1, 'name': C + 'x'}, {'id': 92, 'name': C + 'y'}])",
        "row = upsert(O.__table__).values(Id=1, social_key=C)\nrow.on_conflict_do_nothing()",
        _ROW
        + "row.on_conflict_do_update(constraint='patient_pkey', set_={'ssn': row.excluded.ssn, 'note': 'x'})",
    )
    works(
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_=row.excluded).returning(p.c.name, p.c.ssn)",
        alone=True,
    )
    refused(
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': func.upper(row.excluded.name)})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.ssn})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.note})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'note': row.excluded.name})",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'note': func.upper(row.excluded.name)})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name': p.c.name})",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': func.coalesce(row.excluded.name, p.c.name)})",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}, where=p.c.name == C)",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={'name': row.excluded.name}, where=p.c.name != row.excluded.name)",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name': text('excluded.name')})",
    )
    refused(
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'name_dek': b'x'})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'ssn_dek': row.excluded.name_dek})",
        alone=True,
    )
