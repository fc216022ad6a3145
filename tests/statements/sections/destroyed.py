"""Writes that once lost a value, moved a key or sent plaintext."""

from ..catalogue import refused, section, works

_ROW = "row = upsert(p).values(id=1, name=C, ssn=C)\n"
_ODD = "row = upsert(O.__table__).values({'Id': 1, 'social_key': C})\n"
_UPDATE = "s.connection().execute(update(W.__table__).where(W.id == bindparam('n')).values(phone=C), %s)"
_INSERT = "s.connection().execute(insert(W.__table__).values(phone=%s), %s)"

with section("Writes that contradict themselves"):
    refused(
        _UPDATE % "[{'n': 2}, {'n': 2, 'phone': C + '2'}]",
        _UPDATE % "[{'n': 2, 'phone': C + '2'}, {'n': 1}]",
        _INSERT % ("C", "[{'title': 'a'}, {'title': 'b', 'phone': C + '2'}]"),
        _INSERT % ("C", "[{'title': 'a', 'phone': C + '2'}, {'title': 'b'}]"),
        _INSERT % ("bindparam('q')", "{'phone': C, 'q': C + '2'}"),
        _INSERT % ("bindparam('q')", "[{'phone': C, 'q': C + '2'}, {'phone': C, 'q': C + '3'}]"),
        "s.connection().execute(update(W.__table__).values(phone=bindparam('q')), {'phone': C, 'q': C + '2'})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'ssn_dek': row.excluded.ssn_dek})",
        _ROW
        + "row.on_conflict_do_update(index_elements=['id'], set_={p.c.ssn_dek: row.excluded.ssn_dek, 'note': 'x'})",
        _ROW + "row.on_conflict_do_update(index_elements=['id'], set_={'nope': C})",
        _ODD + "row.on_conflict_do_update(index_elements=['Id'], set_={'select': row.excluded.select})",
        alone=True,
    )
    works(  # by the column's name: on a plain table SQLAlchemy does the same with a warning
        _ODD + "row.on_conflict_do_update(index_elements=['Id'], set_={'Social No': C + 'set'})",
        _ODD + "row.on_conflict_do_update(index_elements=['Id'], set_={'Social No': None})",
        alone=True,
    )
    works(
        _ODD
        + "row.on_conflict_do_update(index_elements=['Id'], set_={'social_key': row.excluded.social_key})",
    )
