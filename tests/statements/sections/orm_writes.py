"""What a session writes."""

from sqlalchemy_envelope import InvalidValueError

from ..catalogue import refused, section, works

with section("ORM: unit of work"):
    works(
        "s.add(P(name=C, ssn=C, photo=b'raw'))\ns.flush()",
        "s.add_all([P(name=C + str(n)) for n in range(5)])\ns.flush()",
        "patient = P(name=C)\ns.add(patient)\ns.flush()\n(patient.greeting, patient.code, patient.ssn, patient.id)",
        "patient = P(name=C, greeting=None)\ns.add(patient)\ns.flush()\npatient.greeting",
        "s.add(P(name='', ssn='', photo=b''))\ns.flush()",
        "s.add(P(name=C + ' ünï \U0001f600', ssn=C * 50_000))\ns.flush()",
        "s.add(P(name=C, photo=b'\\xec\\x03' + bytes(70)))\ns.flush()\ns.scalars(select(func.count(P.photo)))",
        "s.get(P, 1).ssn = C + 'changed'\ns.flush()",
        "s.get(P, 1).note = 'only the plain one'\ns.flush()",
        "s.get(P, 1).ssn = None\ns.flush()",
        "patient = s.get(P, 1)\npatient.ssn, patient.photo, patient.note = None, b'new', 'new'\ns.flush()",
        "patient = s.get(P, 1)\npatient.nickname = C + 'by synonym'\ns.flush()\npatient.ssn",
        "for n, patient in enumerate(s.scalars(select(P))): patient.ssn = C + str(n)\ns.flush()",
        "s.delete(s.get(V, (1, 1)))\ns.flush()",
        "s.merge(P(id=1, name=C + 'merged', ssn=None)).name",
        "s.merge(P(id=77, name=C + 'new by merge'))",
        "patient = s.get(P, 1)\npatient.name = C + 'lost'\ns.flush()\ns.refresh(patient)\npatient",
        "patient = s.get(P, 1)\ns.expire(patient)\npatient.ssn",
        "patient = s.get(P, 1)\ns.expire(patient, ['ssn'])\npatient.ssn",
        "patient = s.get(P, 1)\ns.refresh(patient, ['ssn', 'diary'])\npatient",
        "s.add(D(name=C, licence=C))\ns.flush()",
        "s.get(S, 1).licence = C + 'renewed'\ns.flush()",
        "s.add(O(social=C, plain='second'))\ns.flush()",
        "s.get(O, 1).social = None\ns.flush()",
        "s.add(V(patient_id=2, nr=9, reason=C))\ns.flush()",
        "s.add(W(title='east', phone=C, patients=[P(name=C), P(name=C, ssn=C)]))\ns.flush()",
        "nested = s.begin_nested()\ns.add(P(name=C))\ns.flush()\nnested.rollback()\nselect(func.count(P.id))",
        "nested = s.begin_nested()\ns.get(P, 1).ssn = C + 'kept'\nnested.commit()\nselect(P.ssn).where(P.id == 1)",
        "s.add(P(name=C))\ns.rollback()\nselect(func.count(P.id))",
    )
    nul = "s.add(P(id=9, name='a\\0b'))\ns.flush()\nselect(P.name).where(P.id == 9)"
    works(nul, alone=True, beside_plaintext=InvalidValueError)
    refused(
        "s.add(P(name=42))\ns.flush()",
        "s.add(P(name=C.encode()))\ns.flush()",
        "s.add(P(name=C, photo=C))\ns.flush()",
        "s.add(P(name=C, photo=bytearray(b'x')))\ns.flush()",
        "s.add(P(name=C + '\\ud800'))\ns.flush()",
        "s.add_all([P(name=C), P(name=1.5)])\ns.flush()",
        "s.get(P, 1).ssn = 7\ns.flush()",
        error=InvalidValueError,
    )
    refused("s.add(P(name=func.upper(C)))\ns.flush()", "s.get(P, 1).ssn = P.note\ns.flush()")

_UPSERT = "row = upsert(P).values(id=1, name=C + 'new', ssn=C)"
_SET = "index_elements=['id'], set_={'ssn': row.excluded.ssn}"

with section("ORM: bulk"):
    works(
        "s.execute(insert(P), [{'name': C + str(n), 'ssn': None} for n in range(3)])",
        "s.scalars(insert(P).returning(P), [{'name': C + str(n)} for n in range(3)])",
        "s.execute(insert(P).returning(P.name, P.greeting), [{'name': C}, {'name': C + '2'}])",
        "s.execute(insert(P).returning(P.name, sort_by_parameter_order=True), [{'name': C + str(n)} for n in range(9)])",
        "s.execute(insert(P), {'name': C})",
        "s.execute(insert(P).values([{'name': C}, {'name': C + '2', 'ssn': C}]))",
        "s.execute(insert(O), [{'social': C, 'plain': 'a'}])",
        "s.execute(insert(O).values(social=C))",
        "s.execute(insert(O).values([{'social': C}, {'social': None}]))",
        "s.execute(insert(D), [{'name': C, 'licence': C}])",
        "s.execute(update(P), [{'id': 1, 'ssn': C + 'one'}, {'id': 2, 'ssn': None}])",
        "s.execute(update(P), [{'id': 1, 'ssn': C, 'note': 'n'}, {'id': 3, 'note': 'm', 'ssn': C}])",
        "s.execute(update(P), [{'id': 1, 'note': 'only plain'}])",
        "s.execute(update(O), [{'id': 1, 'social': C + 'new'}])",
        "s.execute(update(V), [{'patient_id': 1, 'nr': 1, 'reason': C + 'new'}])",
        "s.scalars(select(W).from_statement(insert(W).values(title='of plain columns').returning(W)))",
        "s.scalars(select(P).from_statement(insert(P).values(name=C, ssn=None).returning(P)))",
        "s.scalars(select(P).from_statement(insert(P).values([{'name': C}, {'name': C + '2'}]).returning(P)))",
        "s.scalars(select(P).from_statement(insert(P).returning(P)), [{'name': C}])",
        "s.scalars(select(P).from_statement(update(P).where(P.id == 1).values(ssn=C).returning(P)))",
        "s.scalars(select(V).from_statement(delete(V).where(V.nr == 1).returning(V)))",
        "s.scalars(select(O).from_statement(insert(O).values(social=C).returning(O)))",
        f"{_UPSERT}\ns.scalars(select(P).from_statement(row.on_conflict_do_update({_SET}).returning(P)))",
        "s.bulk_save_objects([P(name=C), P(name=C, ssn=C)])",
        "s.bulk_save_objects([P(name=C)], return_defaults=True)",
        "s.bulk_insert_mappings(P, [{'name': C}, {'name': C, 'ssn': C}])",
        "s.bulk_insert_mappings(P, [{'name': C}], render_nulls=True)",
        "s.bulk_update_mappings(P, [{'id': 1, 'ssn': C + 'mapped'}])",
    )
    refused("s.scalars(select(P).from_statement(update(P).values(ssn=P.note).returning(P)))")
    refused(
        "s.execute(insert(P), [{'name': 1}])",
        "s.bulk_insert_mappings(P, [{'name': b'x'}])",
        error=InvalidValueError,
    )

_UPDATE = "s.execute(update(P).where(P.id < 3).values(ssn=C + 'new'), execution_options={'synchronize_session': %r})"
_DELETE = "s.execute(delete(V).where(V.nr == 1), execution_options={'synchronize_session': %r})"
_BY = ("auto", "evaluate", "fetch", False)

with section("ORM: update and delete by criteria"):
    works(*[_UPDATE % by for by in _BY], *[_DELETE % by for by in _BY])
    works(
        *[f"patient = s.get(P, 1)\n{_UPDATE % by}\npatient.ssn" for by in _BY[:3]],
        "s.execute(update(P).where(P.ssn.is_(None)).values(ssn=C), execution_options={'synchronize_session': 'fetch'})",
        "patient = s.get(P, 3)\ns.execute(update(P).where(P.ssn.is_(None)).values(ssn=C))\npatient.ssn",
        "s.execute(update(P).where(P.id == 1).values({P.ssn: C, 'note': 'x'}))",
        "s.execute(update(P).where(P.id == 1).values(nickname=C))",
        "s.execute(update(P).where(P.id == 1).values({P.identity: C}))",
        "s.scalars(update(P).where(P.id < 3).values(ssn=C).returning(P))",
        "s.execute(update(P).where(P.id < 3).values(ssn=None).returning(P.id, P.ssn, P.name))",
        "s.execute(delete(V).where(V.nr < 3).returning(V.reason))",
        "s.execute(update(O).values(social=C))",
        "s.execute(update(D).where(D.id == 1).values(licence=C))",
        "s.query(P).filter(P.id == 1).update({'ssn': C})",
        "s.query(P).filter(P.id == 1).update({P.ssn: None})",
        "s.query(V).filter(V.nr == 1).delete()",
    )
    refused(
        "s.execute(update(P).values(ssn=P.name))",
        "s.execute(update(P).values(ssn=func.upper(P.note)))",
        "s.execute(update(P).values(note=P.ssn))",
        "s.execute(update(P).where(P.ssn == P.name).values(note='x'))",
        "s.execute(delete(P).where(P.name == P.ssn))",
        "s.query(P).filter(P.ssn == C).delete()",
    )
