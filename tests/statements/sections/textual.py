"""Textual SQL inside and around a statement."""

from ..catalogue import refused, section, works

_PAIR = "coalesce(ssn_dek || ssn, ssn_dek, ssn) as ssn"

with section("Textual SQL"):
    works(
        f"text('select id, {_PAIR} from patient').columns(p.c.id, p.c.ssn)",
        f"text('select {_PAIR} from patient').columns(ssn=p.c.ssn.type)",
        f"sub = text('select id, {_PAIR} from patient').columns(p.c.id, p.c.ssn).subquery()\nselect(sub.c.ssn)",
        f"s.scalars(select(P).from_statement(text('select id, {_PAIR} from patient'))).all()[0].ssn is not None",
        alone=True,
    )
    works(
        "select(p.c.ssn).where(text('id > 1'))",
        "select(p.c.ssn, text('id + 1')).where(text(\"note <> 'ssn'\"))",
        "select(p.c.ssn, literal_column('id'))",
        "select(text('count(*)')).select_from(p)",
        "select(func.count(literal_column('*'))).select_from(p)",
        "select(text('1')).select_from(p)",
        "select(p.c.ssn).where(text('patient.ward_id = 1'))",
        "select(p.c.ssn).where(text('id = :n').bindparams(n=1))",
        "s.execute(text('select id, note from patient'))",
        "s.execute(text('select id, note from patient').columns(p.c.id, p.c.note))",
        "s.scalars(select(P).options(load_only(P.note)).from_statement(text('select id, note from patient')))",
    )
    refused(
        "text('select id, ssn from patient').columns(p.c.id, p.c.ssn)",
        "text('select * from patient').columns(p.c.id, p.c.ssn)",
        "text('select ssn from patient').columns(ssn=p.c.ssn.type)",
        "text('select ssn from patient').columns(ssn=EncryptedText())",
        "s.scalars(select(P).from_statement(text('select * from patient')))",
        "s.scalars(select(P.ssn).from_statement(text('select ssn from patient')))",
        "select(text('*')).select_from(p)",
        "select(text('patient.*')).select_from(p)",
        "select(literal_column('*')).select_from(p)",
        "select(text('ssn')).select_from(p)",
        "select(text('id, ssn')).select_from(p)",
        "select(text('upper(ssn::text)')).select_from(p)",
        "select(text('patient.ssn as x')).select_from(p)",
        "select(text('row_to_json(patient)')).select_from(p)",
        "select(literal_column('to_jsonb(patient)')).select_from(p)",
        "select(func.row_to_json(text('patient'))).select_from(p)",
        "select(func.row_to_json(literal_column('patient'))).select_from(p)",
        "select(literal_column('ssn')).select_from(p)",
        "select(literal_column('ssn', Text)).select_from(p)",
        "select(literal_column('ssn', p.c.ssn.type)).select_from(p)",
        "select(column('ssn')).select_from(p)",
        "select(column('ssn', p.c.ssn.type)).select_from(p)",
        "select(P.id).where(text(\"ssn = 'x'\"))",
        "select(P.id).where(text('patient.ssn is not null and length(ssn) > 3'))",
        "select(P.id).where(column('ssn') == C)",
        "select(P.id).order_by(text('ssn'))",
        "select(P.id).group_by(text('id, ssn'))",
        "select(p.alias('x').c.id, text('x.ssn'))",
        "select(select(p.c.id, p.c.ssn.label('y')).subquery('x').c.id, text('y'))",
        "select(p.c.id).suffix_with('order by ssn')",
        "select(p.c.id).prefix_with(text('ssn,'))",
        "update(P).values(note=text('ssn'))",
        "update(P).where(text(\"ssn = 'x'\")).values(note='y')",
        "delete(V).where(text(\"reason = 'x'\"))",
        "insert(P).values(name=C).returning(text('*'))",
    )
