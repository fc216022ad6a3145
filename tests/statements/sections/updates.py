"""UPDATE and DELETE by Core."""

from sqlalchemy_envelope import InvalidValueError

from ..catalogue import refused, section, works

with section("UPDATE and DELETE"):
    works(
        "update(p).where(p.c.id == 1).values(ssn=C)",
        "update(p).values(ssn=C)",
        "update(p).where(p.c.id == 1).values({p.c.ssn: C, 'note': func.upper('x')})",
        "update(p).where(p.c.id == 1).values(ssn=None)",
        "update(p).where(p.c.id == 1).values(ssn=null())",
        "update(p).where(p.c.id == 1).values(note=p.c.note + 'x')",
        "update(p).where(p.c.ssn.is_(None)).values(ssn=C)",
        "update(p).ordered_values((p.c.note, 'x'), (p.c.ssn, C), (p.c.name, C))",
        "update(p).where(p.c.id == 1).values(ssn=C).values(name=C)",
        "s.connection().execute(update(p).where(p.c.id == 1), {'ssn': C})",
        "s.connection().execute(update(p).where(p.c.id == bindparam('n')).values(ssn=bindparam('v')), [{'n': 1, 'v': C}, {'n': 2, 'v': None}])",
        "s.connection().execute(update(p).where(p.c.id == bindparam('n')).values(ssn=bindparam('v')), {'n': 1, 'v': C})",
        "s.connection().execute(update(p).where(p.c.id == bindparam('n')), [{'n': 1, 'ssn': C}, {'n': 2, 'ssn': C + '2'}])",
        "s.connection().execute(update(p).where(p.c.id == bindparam('n')).values(ssn=C), [{'n': 1}, {'n': 2}])",
        "s.connection().execute(update(p).where(p.c.id == bindparam('n')).values(name=bindparam('v'), ssn=bindparam('v')), {'n': 1, 'v': C})",
        "update(p).where(p.c.id == 1).values(note=case((p.c.ssn.is_(None), 'a'), else_='b'))",
        "update(p).values(ward_id=select(func.count(V.reason)).where(V.patient_id == p.c.id).scalar_subquery() * 0 + 1)",
        "s.connection().execute(update(p).where(p.c.note == bindparam('v')).values(ssn=bindparam('v')), {'v': 'note 1'})",
        "update(p).where(p.c.ward_id == W.__table__.c.id, W.__table__.c.title == 'north').values(ssn=C)",
        "update(p).where(p.c.ward_id == W.__table__.c.id).values(note=W.__table__.c.title)",
        "update(p).where(p.c.id < 3).values(ssn=C).returning(p.c.id, p.c.ssn, p.c.name)",
        "update(p).where(p.c.id < 3).values(note='x').returning(p)",
        "a = p.alias('a')\nupdate(a).where(a.c.id == 1).values(ssn=C)",
        "update(O.__table__).values(social_key=C)",
        "update(O.__table__).values({O.__table__.c.social_key: None}).returning(O.__table__.c.social_key)",
        "update(V.__table__).where(V.nr == 1).values(reason=C)",
        "delete(V.__table__)",
        "delete(V.__table__).where(V.reason.is_(None))",
        "delete(V.__table__).where(V.nr == 1).returning(V.reason)",
        "delete(V.__table__).where(V.patient_id == p.c.id, p.c.note == 'note 1').returning(V.nr, V.reason)",
        "delete(V.__table__).where(V.patient_id.in_(select(p.c.id).where(p.c.ssn.is_not(None))))",
    )
    refused(
        "update(p).values(ssn=p.c.name)",
        "update(p).values(ssn=p.c.ssn)",
        "update(p).values(ssn=func.upper(p.c.note))",
        "update(p).values(ssn=select(W.phone).limit(1).scalar_subquery())",
        "update(p).values(ssn=case((p.c.id > 1, C)))",
        "update(p).values(ssn=p.c.ssn + C)",
        "update(p).values(ssn=text('note'))",
        "update(p).values(note=p.c.ssn)",
        "update(p).values(note=func.lower(p.c.ssn))",
        "update(p).values(note=cast(p.c.ssn, Text))",
        "update(p).values(note=select(W.phone).limit(1).scalar_subquery())",
        "update(p).where(p.c.ward_id == W.__table__.c.id).values(note=W.__table__.c.phone)",
        "update(p).where(p.c.ward_id == W.__table__.c.id).values(ssn=W.__table__.c.phone)",
        "update(p).where(p.c.ssn == C).values(note='x')",
        "update(p).where(p.c.ssn == p.c.name).values(note='x')",
        "update(p).where(p.c.id.in_(select(p.c.id).where(p.c.ssn == p.c.name))).values(note='x')",
        "update(p).values(ssn=C).returning(func.upper(p.c.ssn))",
        "delete(p).where(p.c.ssn == p.c.name)",
        "delete(V.__table__).where(V.reason == p.c.ssn)",
        "delete(V.__table__).where(V.reason.like(C))",
        "delete(V.__table__).returning(func.max(V.reason))",
        "update(p).values(ssn=literal(C) + p.c.note)",
    )
    refused("update(p).values(note=sa.from_dml_column(p.c.ssn), ssn=C)", since=(2, 1))
    refused("update(p).values(ssn_dek=None)", "update(p).values(ssn=C, ssn_dek=b'x')", alone=True)
    refused("update(p).values(ssn=1)", "update(p).values(photo='x')", error=InvalidValueError)
