"""DDL, literals, pickles and other ways around."""

from ..catalogue import refused, section, works

with section("Around statements"):
    works(
        "str(select(p.c.ssn))",
        "str(select(p.c.ssn).where(p.c.ssn.is_(None)).compile(compile_kwargs={'literal_binds': True}))",
        "s.execute(select(p.c.ssn).where(p.c.id == 1)).scalar_one()",
        "len({p.c.ssn: 1, p.c.name: 2})",
        "p.c.ssn in [p.c.name, p.c.ssn]",
        "s.connection().exec_driver_sql('select note from patient')",
        "sa.inspect(P).columns.keys()",
        "sorted(P.__mapper__.attrs.keys())",
        "s.execute(select(P).where(P.id == 1)).scalar_one() in s",
    )
    works(
        "p.metadata.create_all(s.connection())",
        "t = p.to_metadata(sa.MetaData())\nIndex('of_note', t.c.note, postgresql_where=t.c.ssn.is_(None)).create(s.connection())",
        "C in str(insert(p).values(name=C).compile(s.get_bind(), compile_kwargs={'literal_binds': True}))",
        alone=True,
    )
    refused(
        "s.connection().execute(sa.CreateView(select(p.c.id, p.c.ssn), 'a_view'))",
        "s.connection().execute(sa.CreateView(select(p.c.ssn.label('x')).distinct(), 'a_view'))",
        "s.connection().execute(select(p.c.ssn).into('a_table'))",
        since=(2, 1),
        alone=True,
    )
