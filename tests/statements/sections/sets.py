"""UNION and its kin."""

from ..catalogue import refused, section, works

with section("Set operations"):
    works(
        "select(p.c.ssn).union_all(select(p.c.ssn))",
        "union_all(select(p.c.id, p.c.ssn), select(p.c.id, p.c.ssn), select(p.c.id, null()))",
        "select(P).union_all(select(P))",
        "select(p.c.id, p.c.ssn).union(select(p.c.id, p.c.ssn))",
        "select(P.id, P.ssn).union(select(P.id, P.ssn).where(P.id > 1))",
        "select(p.c.id, p.c.ssn).except_(select(p.c.id, p.c.ssn).where(p.c.id > 2))",
        "select(p.c.id, p.c.ssn).intersect(select(p.c.id, p.c.ssn).where(p.c.id > 2))",
        "select(p.c.id, p.c.ssn).except_all(select(p.c.id, p.c.ssn).where(p.c.id > 2))",
        "a = p.alias('a')\nselect(p.c.id, p.c.ssn).union(select(a.c.id, a.c.ssn))",
        "select(union_all(select(p.c.ssn), select(p.c.ssn)).subquery())",
        "u = union_all(select(p.c.id, p.c.ssn), select(p.c.id, p.c.ssn)).subquery()\nselect(u.c.ssn).where(u.c.id == 1)",
        "union_all(select(p.c.ssn).limit(0), union_all(select(p.c.ssn), select(p.c.ssn)))",
        "s.scalars(select(P).from_statement(select(P).union_all(select(P))))",
        "select(select(p.c.ssn).union_all(select(p.c.ssn)).limit(1).offset(1).subquery().c.ssn.is_(None))",
    )
    works("select(p.c.id, p.c.ssn).union_all(select(p.c.id, p.c.ssn)).order_by('id')", ordered=True)
    refused(
        "select(p.c.ssn).union(select(p.c.ssn))",
        "select(p.c.ward_id, p.c.ssn).union(select(p.c.ward_id, p.c.ssn))",
        "select(p.c.ssn).except_(select(p.c.ssn))",
        "select(p.c.ssn).intersect_all(select(p.c.ssn))",
        "select(p.c.ssn).union_all(select(p.c.name))",
        "select(p.c.ssn).union_all(select(p.c.note))",
        "select(p.c.note).union_all(select(p.c.ssn))",
        "select(null()).union_all(select(p.c.ssn))",
        "select(p.c.ssn).union_all(select(literal(C)))",
        "select(p.c.ssn).union_all(select(literal(C, p.c.ssn.type)))",
        "select(p.c.id, p.c.ssn).union(select(V.patient_id, V.reason))",
        "select(p.c.id, p.c.ssn, p.c.ward_id).union(select(p.c.ward_id, p.c.ssn, p.c.id))",
        "select(p.c.ssn).union_all(select(p.c.ssn)).order_by('ssn')",
        "select(p.c.ssn).union_all(select(p.c.ssn)).order_by(text('1'))",
        "u = select(p.c.ssn).union_all(select(p.c.ssn)).subquery()\nselect(u.c.ssn).distinct()",
        "u = union_all(select(p.c.id, p.c.ssn), select(p.c.id, p.c.ssn)).subquery()\nselect(u).distinct()",
    )
