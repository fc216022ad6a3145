"""What a session does with objects that are there already, and with hierarchies of classes."""

from ..catalogue import refused, section, works

with section("ORM: objects and hierarchies"):
    works(
        "s.get(P, 1).ssn = null()\ns.flush()",
        "s.add(P(name=C, greeting=null()))\ns.flush()",
        "s.get(P, 1).ssn = literal(C)\ns.flush()",
        "s.bulk_insert_mappings(D, [{'name': C, 'licence': C}], return_defaults=True)",
        "x = s.get(P, 1)\nx.ssn = C + 'bulk'\ns.bulk_save_objects([x])",
        "x = s.get(S, 1)\nx.name = C + 'bulk'\nx.licence = None\ns.bulk_save_objects([x])",
        "s.execute(update(D), [{'id': 1, 'name': C + 'n', 'licence': C + 'l'}])",
        "s.execute(update(S).where(S.id == 1).values(name=C))",
        "s.get(P, 1).ssn += C\ns.flush()",
        "x = P(name=C, ssn=C)\ns.add(x)\ns.flush()\nx.ssn = None\ns.flush()\ns.refresh(x)\n(x.ssn, x.name)",
        "x = s.merge(P(id=3, name=C, stays=[V(nr=1, reason=C), V(nr=2, reason=None)]))\ns.flush()\n[v.reason for v in x.stays]",
        "x = s.get(P, 1)\nx.stays[0].nr = 20\ns.flush()\ns.expire_all()\n[(v.nr, v.reason) for v in x.stays]",
        "x = s.get(P, 1)\ns.refresh(x, with_for_update=True)\nx.ssn",
        "s.execute(insert(P), [{'nickname': C, 'name': C}])",
        "s.get(P, 1)\ns.execute(update(P).where(P.id == 1).values({'ssn': C, 'note': P.note + 'x'}))\n(s.get(P, 1).ssn, s.get(P, 1).note)",
        "s.get(P, 1)\ns.execute(update(P).where(P.id == 1).values(ssn=null()))\ns.get(P, 1).ssn",
        "s.get(P, 1)\ns.execute(update(P).where(P.id == 1).values(ssn=literal(C)))\ns.get(P, 1).ssn",
        "s.get(P, 1)\ns.execute(update(P).where(P.id == 1).values(ssn=bindparam('q')), {'q': C})\ns.get(P, 1).ssn",
        "s.execute(update(O), [{'id': 1, 'social_key': C}])",
        "s.execute(update(O).values({O.social: C}))",
        "s.execute(insert(P).values([{'name': C, 'nickname': C}]))",
        "x = s.get(P, 1)\nx.ssn = C + 'dirty'\ns.execute(select(P.ssn).where(P.id == 1)).all()",
        "x = s.get(P, 1)\nx.ssn = C + 'dirty'\nsa.inspect(x).attrs.ssn.history",
        "x = P(name=C)\ns.add(x)\ns.flush()\ns.delete(x)\ns.flush()\nselect(func.count(P.id))",
        "x = s.get(P, 1)\nx.ward = W(title='new', phone=C)\ns.flush()\nx.ward.phone",
        "x = s.get(W, 1)\nx.patients = []\ns.flush()\nselect(P.id, P.ward_id, P.ssn)",
        "x = s.get(P, 4)\ns.delete(x)\ns.flush()\nselect(P.id, P.ssn)",
        "s.execute(insert(S).values(name=C, kind='staff'))",
        "s.execute(update(D).values(licence=C).where(D.id == 1).returning(D.licence)).all()",
        "s.add(S(name=C, kind='staff'))\ns.flush()\ns.scalars(select(S).order_by(S.id)).all()",
        "x = s.get(S, 1)\nx.name = None\ns.flush()\ns.expire(x)\n(x.name, x.licence)",
        "s.bulk_insert_mappings(D, [{'name': C, 'licence': C}, {'name': C}])",
        "s.bulk_insert_mappings(V, [{'patient_id': 2, 'nr': 5, 'reason': C}, {'patient_id': 2, 'nr': 6}])",
        "s.merge(V(patient_id=1, nr=1, reason=None)).reason",
        "s.merge(O(id=1, social=C + 'm')).social",
    )
    refused(
        "s.get(P, 1).ssn = text(\"'x'\")\ns.flush()",
        "s.get(P, 1).note = P.ssn\ns.flush()",
    )
