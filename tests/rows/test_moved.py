"""A pair opens in its own place and nowhere else."""

from sqlalchemy import Engine

from .moved import attempts


def test_no_pair_opens_in_anothers_place(engine: Engine) -> None:
    """Of another row, column, table or tenant; `python -m tests.rows.moved` tries more of them."""
    tried, opened, own = attempts(engine, 1)
    assert (tried, opened, own) == (8 * 7, 0, 8)
