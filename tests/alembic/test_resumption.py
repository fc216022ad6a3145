"""A revision that died at any step is run again, and goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from sqlalchemy_envelope.backfill.job import performing
from sqlalchemy_envelope.backfill.job import run as run_module
from sqlalchemy_envelope.backfill.moving import handover, stages
from sqlalchemy_envelope.backfill.postgres import apply as apply_module

from .project import Project


class DiedError(Exception):
    """As if the process had been killed."""


def die_before(monkeypatch: pytest.MonkeyPatch, moment: int) -> Callable[[], None]:
    """Let the transaction, or the job, of this number not begin; gives what ends that."""
    count = 0

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == moment:
                raise DiedError
            return original(*given, **named)

        return run

    def apply(database: Any, statements: list[str], **named: Any) -> None:
        for statement in statements:
            alive(database, [statement], **named)

    alive, working = dying(apply_module.apply), dying(run_module.run)
    monkeypatch.setattr(stages, "apply", apply)
    monkeypatch.setattr(handover, "apply", apply)
    monkeypatch.setattr(performing, "run", working)
    return monkeypatch.undo


@pytest.mark.parametrize("moment", range(1, 16))
def test_it_goes_on_after_dying_once(project: Project, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """Killed before its n-th transaction or job, then run again: there, then back."""
    project.customers(email="text not null")
    before, values = project.columns(), project.plain()
    project.revision("pass")
    project.revision("op.encrypt_column('customer', 'email')", "op.decrypt_column('customer', 'email')")
    project.upgrade("r1")
    for run in (project.upgrade, lambda: project.downgrade("r1")):
        end = die_before(monkeypatch, moment)
        try:
            run()
        except DiedError:
            end()
            run()
        end()
        if run is project.upgrade:
            assert project.emails() == values
    assert (project.columns(), project.plain()) == (before, values)
