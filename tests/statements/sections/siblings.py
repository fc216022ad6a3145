"""The sibling: out of the way of whatever lists columns, at hand for whoever names it."""

from ..catalogue import refused, section, works

_MAPPED = """
class Base(orm.DeclarativeBase): pass
class Stay(Base):
    __table__ = sa.Table('stay', Base.metadata, Column('patient_id', Integer, primary_key=True), Column('nr', Integer, primary_key=True), Column('reason', EncryptedText()))
    wrapped = __table__.c.reason_dek
"""

with section("The sibling"):
    works(
        "select(p, p.c.id + 1)",
        "select(P.__table__.c['id', 'ssn'])",
        "select(*select(p).selected_columns)",
        "select(*select(p).subquery().c)",
        "select(*sa.inspect(P).columns)",
        "update(p).values(note='x').returning(p)",
        "select(select(*p.c).subquery())",
        "select(select(*p.c).cte())",
        "select(union_all(select(*p.c), select(*p.c)).subquery())",
        "c = delete(V.__table__).returning(*V.__table__.c).cte()\nselect(c)",
        "q = select(*p.c).subquery()\nselect(q.c.id, q.c.ssn)",
        "q = orm.polymorphic_union({'a': p, 'b': p.alias()}, None)\nselect(q.c.id, q.c.ssn)",
        "select(*[c for c in p.c if c in list(select(p).selected_columns)])",
    )
    works(
        "[len(key) for key in s.scalars(select(p.c.ssn_dek).where(p.c.id == 1))]",
        "select(func.count(p.c.ssn_dek.distinct()))",
        "select(func.substr(p.c.ssn_dek, 4, 16), func.count()).group_by(text('1'))",
        "select(p.c.ssn, func.length(p.c.ssn_dek))",
        "select(p.c.id, p.c.ssn).where(func.substr(p.c.ssn_dek, 4, 16) != b'x')",
        "q = select(func.substr(p.c.ssn_dek, 4, 16).label('key')).subquery()\nselect(q.c.key, func.count()).group_by(q.c.key)",
        alone=True,
    )
    refused(
        "select(*p.c)",
        "select(p.c)",
        "select(*p.alias('a').c)",
        "s.query(*p.c).all()",
        "select(p).with_only_columns(*p.c)",
        "select(p.c.id, p.c.ssn.label('a'), p.c.ssn_dek.label('b'))",
        "select(*select(*p.c).subquery().c)",
        "select(*select(*p.c).cte().c)",
        "select(*union_all(select(*p.c), select(*p.c)).subquery().c)",
        "select(*p.c).union_all(select(*p.c))",
        "insert(p).values(name=C).returning(*p.c)",
        "update(p).values(note='x').returning(*p.c)",
        "delete(V.__table__).returning(*V.__table__.c)",
    )
    works(
        _MAPPED + "x = s.scalars(select(Stay)).first()\n(x.reason, len(x.wrapped))",
        _MAPPED + "[key[:1] for key in s.scalars(select(Stay.wrapped)) if key]",
        alone=True,
    )
