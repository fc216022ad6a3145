"""Constructs of the user's own around and inside a statement."""

from ..catalogue import refused, section, works

_FAKES = (
    "func.now(type_=p.c.ssn.type)",
    "func.lower(p.c.note, type_=p.c.ssn.type)",
    "func.now(type_=p.c.ssn.type).filter(p.c.ssn.is_(None))",
    "sa.cast(p.c.note, p.c.ssn.type)",
    "type_coerce(p.c.note, p.c.ssn.type)",
    "sa.label('x', p.c.note, type_=p.c.ssn.type)",
    "p.c.note.op('||', return_type=p.c.ssn.type)('x')",
    "Raw('name', p.c.ssn.type)",
)
"""Expressions that say they are of an encrypted type, and are not."""

_TRANSLATED = "options = {'schema_translate_map': {None: s.scalar(text('show search_path'))}}\n"

with section("Constructs of one's own"):
    works(
        "s.connection().execute(Explain(select(p.c.id).where(p.c.ssn.is_(None)))).first() is not None",
        "s.connection().execute(CreateTable(select(p.c.id, p.c.ssn.is_(None).label('x')))).rowcount",
        "select(p.c.id, p.c.ssn).where(Raw('note') == 'note 1')",
    )
    works(
        "select(p.c.id, p.c.ssn).order_by(Raw('note'), Raw('1'))",
        _TRANSLATED + "s.execute(select(p.c.ssn).order_by(p.c.id), execution_options=options).all()",
        ordered=True,
    )
    refused(
        "s.connection().execute(Explain(select(p.c.ssn)))",
        "s.connection().execute(Explain(select(P.id).order_by(P.ssn)))",
        "s.connection().execute(CreateTable(select(p.c.ssn)))",
        "s.connection().execute(CreateTable(select(func.count()).select_from(p).group_by(p.c.ssn)))",
        "select(p.c.id, p.c.ssn).order_by(Raw('2'))",
        "select(p.c.id, p.c.ssn.label('y')).order_by(Raw('y').desc())",
        "select(p.c.id, p.c.ssn).order_by(Raw('ssn', p.c.ssn.type))",
        "select(p.c.id).order_by(Raw('ssn'))",
        "select(p.c.id).distinct(Raw('ssn'))",
        "select(func.count()).select_from(p).group_by(Raw('ssn', p.c.ssn.type))",
        "select(Raw('ssn', p.c.ssn.type)).select_from(p)",
        *[f"select(func.coalesce(p.c.ssn, {fake}))" for fake in _FAKES],
        *[f"select(case((p.c.id > 1, p.c.ssn), else_={fake}))" for fake in _FAKES],
        *[f"select(pg.array([p.c.ssn, {fake}]))" for fake in _FAKES],
        "select(func.lag(p.c.ssn, 1, func.now(type_=p.c.ssn.type), type_=p.c.ssn.type).over(order_by=p.c.id))",
        "select(func.coalesce(p.c.ssn, func.coalesce(p.c.note, null(), type_=p.c.ssn.type)))",
    )
