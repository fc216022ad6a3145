"""Textual SQL that names a row, a label or a subquery."""

from ..catalogue import refused, section, works

with section("Textual SQL: rows and labels"):
    works(
        "select(func.to_jsonb(select(p.c.id, p.c.note).subquery('q').table_valued()))",
    )
    refused(
        "select(p.c.id, p.c.ssn.label('x')).distinct(text('x'))",
        "select(p.c.id, p.c.ssn.label('x')).order_by(text('x'))",
        "select(p.c.ssn.label('x'), func.count()).group_by(column('x'))",
        "select(p.c.id, text('patient::text'))",
        "select(p.c.id, text('(patient).*'))",
        'select(p.c.id).where(text("patient is not null"))',
        "select(func.to_jsonb(column('patient'))).select_from(p)",
        "select(func.jsonb_build_object('a', literal_column('patient.*'))).select_from(p)",
        "select(text('x.ssn')).select_from(p.alias('x'))",
        "select(select(p.c.ssn.label('zz')).subquery('q').c.zz, text('q.zz'))",
        "select(text('q.*')).select_from(select(p.c.id, p.c.ssn).subquery('q'))",
        "select(p.c.id).join(p.alias('b'), text('patient.ssn = b.ssn'))",
        "select(p.c.id).having(text(\"max(ssn::text) > 'a'\")).group_by(p.c.id)",
        "select(select(p).cte('c').table_valued())",
        "select(func.to_jsonb(select(p.c.id, p.c.ssn.label('z')).subquery('q').table_valued()))",
        "select(func.row_to_json(literal_column('q'))).select_from(select(p.c.id, p.c.ssn.label('z')).subquery('q'))",
        "select(text('ward')).select_from(p).join(W.__table__, W.id == p.c.ward_id)",
    )
