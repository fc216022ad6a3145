"""Numbers, labels and whole clauses that text brings into a statement."""

from ..catalogue import refused, section, works

_SAME_AS_TWO = ("(2)", "((2)) desc", "/* */ 2", "-- two\\n2", "id, 2", "0b10", "0x2", "02", "2 using <")

with section("Textual SQL: numbers, labels and clauses"):
    works(
        "select(p.c.id, p.c.ssn).order_by(text('(1) desc'))",
        "select(p.c.id, p.c.ssn).order_by(text('id % 2, 1'))",
        "select(p.c.id, p.c.ssn).order_by(text('substr(note, 2), 1'))",
        "select(p.c.id, p.c.ssn).order_by(text('coalesce(note, $$2$$), id /* 2 */'))",
        "select(p.c.id, p.c.ssn).order_by(literal(2), p.c.id)",
        "select(p.c.note, p.c.id, p.c.ssn).distinct(text('1')).order_by(text('1, 2'))",
        "s.query(P.id, P.ssn, P.note).order_by(text('patient_note, 1')).all()",
        ordered=True,
    )
    works(
        "select(p.c.ssn).where(text(\"note is distinct from 'x'\"))",
        "select(p.c.ssn).where(text('note in (select note from patient order by 1)'))",
        "select(W.id).where(text('exists (select 1 from stay where stay.nr > 1)'))",
        "select(p.c.ssn).prefix_with('ALL')",
        "select(p.c.ssn).order_by(p.c.id).suffix_with('limit 2')",
        "select(p.c.id, sa.cast(null(), p.c.ssn.type).label('x')).union(select(p.c.id, sa.cast(null(), p.c.ssn.type)))",
    )
    refused(
        *[f'select(p.c.id, p.c.ssn).order_by(text("{same}"))' for same in _SAME_AS_TWO],
        "select(p.c.id, p.c.ssn).order_by(literal_column('(2)'))",
        "select(p.c.id, p.c.ssn).order_by(type_coerce(literal_column('2'), Integer))",
        "select(p.c.id, p.c.ssn).order_by(literal(2, literal_execute=True))",
        "s.execute(select(p.c.id, p.c.ssn).order_by(bindparam('n', type_=Integer, literal_execute=True)), {'n': 2})",
        "select(p.c.id, p.c.ssn).distinct(text('(2)'))",
        "select(p.c.ssn).distinct(literal(1, literal_execute=True))",
        "select(p.c.id, p.c.ssn).union_all(select(p.c.id, p.c.ssn)).order_by(text('(2)'))",
        "select(text('id, note'), p.c.ssn).order_by(text('3'))",
        "select(p.c.id, p.c.ssn).order_by(text('U&\"\\\\0073sn\"'))",
        "select(p.c.id).order_by(text(\"/* /* */ ' */ ssn --'\"))",
        "select(p.c.id, p.c.ssn.label('y')).order_by(text('(y)'))",
        "s.query(P.id, P.ssn).order_by(text('patient_ssn')).all()",
        "s.query(P.ssn, func.count(P.id)).group_by(text('patient_ssn')).all()",
        "select(Q.id, Q.ssn, P.ssn).where(Q.id == P.id).order_by(literal_column('ssn_1'))",
        *[
            f"select(p.c.ssn, func.count()).group_by(text('{sets}'))"
            for sets in ("grouping sets ((1), ())", "cube (1)", "rollup(1)", "distinct 1", "all 1")
        ],
        "select(p.c.ssn, func.count()).group_by(func.rollup(literal_column('(1)')))",
        "select(p.c.ssn).prefix_with('DISTINCT')",
        "select(p.c.id, p.c.ssn).prefix_with('DISTINCT')",
        "select(p.c.ssn).prefix_with('distinct on (1)')",
        "select(p.c.ssn).prefix_with('1 as a,')",
        "select(text('distinct note'), p.c.ssn)",
        "select(literal_column('distinct on (2) note').label('x'), p.c.ssn)",
        "select(p.c.ssn).suffix_with('ORDER BY 1')",
        "select(p.c.ssn).suffix_with('union all select note::bytea from patient')",
        "select(p.c.ssn, func.count()).with_statement_hint('group by 1')",
        "select(p.c.id, p.c.ssn).where(text('true order by 2'))",
        "select(p.c.id, p.c.ssn).where(text('true) order by (2'))",
        "select(W.id, text('(select ssn from patient limit 1)'))",
        "select(W.id, literal_column('(select max(ssn) from patient)'))",
        "select(W.id).where(text('id = (select id from patient order by ssn limit 1)'))",
        "select(select(W.id).subquery('q').c.id, text('(select row_to_json(patient) from patient limit 1)'))",
    )
