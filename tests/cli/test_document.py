"""docs/command-line.md says what the command line does."""

import re
from pathlib import Path

from sqlalchemy_envelope.cli.app import COMMANDS, INDEX_KEYS, KEYS
from sqlalchemy_envelope.cli.exits import Exit

from .conftest import Shell

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")


def test_every_exit_code_is_told() -> None:
    """And no other."""
    table = DOCUMENT.partition("## Exit codes")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [
        each.value for each in Exit
    ]


def test_every_command_is_shown() -> None:
    """At a prompt."""
    shown = set(re.findall(r"^\$ sqlalchemy-envelope ([a-z-]+)", DOCUMENT, re.MULTILINE))
    assert shown == {*COMMANDS, "keys", "index-keys"}
    shown = set(re.findall(r"^\$ sqlalchemy-envelope keys ([a-z-]+)", DOCUMENT, re.MULTILINE))
    assert shown == KEYS.keys()
    shown = set(re.findall(r"^\$ sqlalchemy-envelope index-keys ([a-z-]+)", DOCUMENT, re.MULTILINE))
    assert shown == INDEX_KEYS.keys()


def test_every_option_that_is_told_exists(shell: Shell) -> None:
    """In the help of some command."""
    every = [*COMMANDS, *(f"keys {name}" for name in KEYS)]
    every += [f"index-keys {name}" for name in INDEX_KEYS]
    helps = " ".join(shell.run(*command.split(), "--help").out for command in every)
    told = set(re.findall(r"`[^`\n]*?(--[a-z][a-z-]+)[^`\n]*`", DOCUMENT))
    assert len(told) > 15
    assert not {option for option in told if option not in helps}
