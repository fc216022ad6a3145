"""Who reads what is written: defaults of other columns, results, and objects that take another's row."""

from ..catalogue import refused, section, works

_MANY = "[{'pin': C + str(n)} for n in range(3)]"
_SOME = "[{'pin': C}, {'pin': None}]"
_KEYED = "[{'n': 1, 'q': C}, {'n': 2, 'q': None}]"
_CARD = "s.execute(select(K.__table__).order_by(K.id)).all()"
_INSERT = "insert(K.__table__)"
_BY_KEY = "update(K.__table__).where(K.id == bindparam('n'))"
_UPSERT = "row = upsert(K.__table__).values(id=1, pin=C, first=C, swapped='plain')\n"

with section("Defaults that read the row"):
    works(
        f"s.connection().execute({_INSERT}, {_MANY})\n{_CARD}",
        f"s.connection().execute({_INSERT}.returning(K.digest, K.pin), {_MANY})",
        f"s.connection().execute({_INSERT}, {{'pin': C}})\n{_CARD}",
        f"s.connection().execute({_INSERT}.values(pin=C), [{{'first': C}}, {{'first': C}}])\n{_CARD}",
        f"s.connection().execute({_INSERT}.values(pin=bindparam('q')), [{{'q': C}}, {{'q': None}}])\n{_CARD}",
        f"s.connection().execute({_INSERT}.values(pin=bindparam('q'), swapped=bindparam('q')), {{'q': 'both'}})\n{_CARD}",
        f"{_INSERT}.values(pin=bindparam('q', C))",
        f"{_INSERT}.values(pin=C, first=None)",
        f"{_INSERT}.values([{{'pin': C}}, {{'pin': None}}, {{'pin': C + '2'}}])",
        f"{_INSERT}.values([{{'pin': C, 'color': None}}, {{'pin': C, 'color': C}}])",
        f"s.execute(insert(K), {_MANY})",
        f"s.execute(insert(K).returning(K), {_MANY})",
        f"s.bulk_insert_mappings(K, {_MANY})",
        "s.execute(insert(K).values(pin=C))",
        "x = K(pin=C)\ns.add(x)\ns.flush()\n(x.digest, x.older, x.keys, x.color)",
        "s.add_all([K(pin=C), K(first=C), K()])\ns.flush()",
        f"{_UPSERT}row.on_conflict_do_update(index_elements=['id'], set_={{'digest': row.excluded.digest}})",
        f"s.connection().execute({_BY_KEY}.values(pin=bindparam('q')), {_KEYED})\n{_CARD}",
        f"s.connection().execute({_BY_KEY}, [{{'n': 1, 'pin': C}}, {{'n': 2, 'pin': None}}])\n{_CARD}",
        "update(K.__table__).values(pin=C)",
        "update(K.__table__).values(pin=bindparam('q', C))",
        "update(K.__table__).values(swapped='nothing sealed')",
        "s.execute(update(K).where(K.id == 1).values(pin=C).returning(K.changed, K.pin))",
        "s.execute(update(K), [{'id': 1, 'pin': C}, {'id': 2, 'pin': None}])",
        "x = s.get(K, 1)\nx.pin = C + 'new'\ns.flush()\n(x.changed, x.keys)",
        "s.merge(K(id=1, pin=C + 'new'))\ns.flush()",
    )

_VALUES = [".values(pin=C)", ".values(pin=None)", ".values(pin=bindparam('q', C))", f", {_SOME}"]
_VALUES += [f".returning(K.id), {_SOME}", ".values(pin=bindparam('q')), [{'q': C}, {'q': None}]"]

with section("Parameters that a result tells"):
    works(
        *[f"s.connection().execute({_INSERT}{values}).last_inserted_params()" for values in _VALUES],
        "update(K.__table__).values(pin=C).compile(s.get_bind()).params['pin']",
        "s.execute(update(K.__table__).where(K.id == 1).values(pin=C)).last_updated_params()",
        f"s.connection().execute({_BY_KEY}.values(pin=bindparam('q')), {_KEYED}).last_updated_params()",
        "s.connection().execute(insert(W.__table__), {'phone': C}).last_inserted_params()",
        "s.connection().execute(insert(W.__table__).values([{'phone': C}, {'phone': None}])).last_inserted_params()",
        "s.connection().execute(insert(W.__table__).return_defaults(), [{'phone': C}, {'phone': C}]).inserted_primary_key_rows",
    )
    works("s.connection().execute(insert(W.__table__).values(phone=C)).context.compiled.params", alone=True)

with section("An object in the place of a deleted one"):
    works(
        "s.delete(s.get(K, 1))\nx = K(id=1)\ns.add(x)\ns.flush()\n(x.pin, x.color, x.digest)",
        "s.delete(s.get(K, 1))\nx = K(id=1, color=None)\ns.add(x)\ns.flush()\n(x.pin, x.color)",
        "s.delete(s.get(K, 1))\ns.add(K(id=1, pin=C + 'new'))\ns.flush()",
        "s.delete(s.get(K, 1))\ns.flush()\nx = K(id=1)\ns.add(x)\ns.flush()\n(x.pin, x.color)",
        "x = s.get(K, 1)\ns.connection().execute(delete(K.__table__))\ns.expire(x)\ny = K(id=1)\ns.add(y)\ns.flush()\n(y.pin, y.color)",
        "s.delete(s.get(P, 4))\nx = P(id=4, name=C + 'new')\ns.add(x)\ns.flush()\n(x.greeting, x.code, x.ssn)",
    )

_ROW = "[{'title': 'a', 'phone': C}, {'title': 'b'%s}]"

with section("Parameters that not every row has"):
    refused(
        *[f"s.connection().execute(insert(W.__table__), {_ROW % other})" for other in ("", ", 'phoen': C")],
        "s.connection().execute(insert(W.__table__), [{'title': 'a'}, {'title': 'b', 'phone': C}])",
        "s.connection().execute(insert(p), [{'name': C}, {'name': C, 'greeting': C}])",
        "s.connection().execute(update(W.__table__).where(W.id == bindparam('n')), [{'n': 1, 'phone': C}, {'n': 2, 'phoen': C}])",
        "s.connection().execute(insert(W.__table__).values(phone=bindparam('q')), {'Q': C})",
        "s.connection().execute(insert(W.__table__).values(phone=bindparam('q')), [{'q': C}, {'Q': C}])",
        "s.connection().execute(insert(W.__table__).values([{'phone': bindparam('q')}]), {'Q': C})",
        "s.connection().execute(update(W.__table__).values(phone=bindparam('q')))",
        _UPSERT + "row.on_conflict_do_update(index_elements=['id'], set_={'pin': bindparam('q')})",
    )
    works(
        "s.connection().execute(insert(W.__table__), [{'title': 'a', 'phone': C}, {'title': 'b', 'phone': C, 'phoen': C}])",
        "s.connection().execute(insert(W.__table__), [{'title': 'a', 'phoen': C}, {'title': 'b', 'phoen': C}])",
        _UPSERT + "s.connection().execute(row.on_conflict_do_update(index_elements=['id'],"
        " set_={'pin': bindparam('q')}, where=K.older != bindparam('q')), {'q': 'both'})",
        _UPSERT + "row.on_conflict_do_update(index_elements=['id'], set_={'swapped': 'x'})",
        _UPSERT + "row.on_conflict_do_update(index_elements=['id'], set_={'first': C + 'x'})",
        _UPSERT
        + "row.on_conflict_do_update(index_elements=['id'], set_={'first': row.excluded.first, 'swapped': row.excluded.swapped})",
    )
