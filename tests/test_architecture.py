"""The house: who may import whom, who opens which outside library, and how large a room may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = "sqlalchemy_envelope"
ROOT = Path(__file__).parent.parent / PACKAGE

FLOORS = (
    ("components", "errors", "forks"),
    ("wire",),
    ("legacy", "context", "codec", "padding", "tenancy", "expressions"),
    ("scalars",),
    ("moments", "rows"),
    ("cipher", "canonical", "forms"),
    ("providers", "blind"),
    ("keyring",),
    ("opening", "settings", "fallbacks", "row_keys"),
    ("tenant_opening", "row_opening", "sealing"),
    ("envelope",),
    ("attachment",),
    ("search",),
    ("comparator", "valuetypes"),
    ("documents", "attached"),
    ("moving",),
    ("arguments",),
    ("types", "checks"),
    ("typed",),
    ("declaration", "sibling"),
    ("pairs",),
    ("plaintext", "tenant_column", "guards", "index_columns"),
    ("primary_key", "groups"),
    ("columns",),
    ("reading",),
    ("writing",),
    ("keystore",),
    ("engine",),
    ("backfill",),
    ("rotation",),
    ("alembic", "cli"),
    ("__main__",),
)
"""From the ground up: a room imports from the floors below its own only. Rooms need not exist yet."""

BACKFILL = (
    ("subject",),
    ("postgres",),
    ("record", "rows", "purge"),
    ("ddl", "batches", "plan", "status"),
    ("job", "doctor"),
    ("moving",),
)
"""The largest room is a house of its own: its rooms, likewise from the ground up."""

OPEN_AIR = {"": len(FLOORS), "testing": len(FLOORS)}
"""The package's front door, and what users' tests import: above all floors, and imported by none."""

DOORS = {
    "cryptography": ("cipher",),
    "boto3": ("providers/aws_kms",),
    "botocore": ("providers/aws_kms",),
    "alembic": ("alembic/",),
    "pytest": ("testing",),
    "psycopg": ("backfill/",),
    "rich": ("cli/",),
    "typer": ("cli/",),
}
"""An outside library, and the start of the paths that may open it."""

WITHOUT_SQLALCHEMY = FLOORS.index(("attachment",))
"""Below this floor there is no SQLAlchemy, but for the error tree."""

MAX_FILE_LINES = 250
MAX_BODY_LINES = 40

FILES = sorted(ROOT.rglob("*.py"))
IN_BACKFILL = sorted(ROOT.glob("backfill/*/*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def path_of(file: Path) -> str:
    """`reading/policy` for `sqlalchemy_envelope/reading/policy.py`."""
    return file.relative_to(ROOT).with_suffix("").as_posix()


def room_of(path: str) -> str:
    """The first part of a path: the name that stands in FLOORS."""
    room = path.split("/", maxsplit=1)[0]
    return "" if room == "__init__" else room


def floor_of(path: str) -> int:
    """How high a file is; KeyError for a room that nobody gave a floor."""
    floors = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    return (floors | OPEN_AIR)[room_of(path)]


@cache
def tree_of(file: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(file.read_text())


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever it does: dotted, from the top."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(file, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = (PACKAGE, *file.relative_to(ROOT).parent.parts)
    return ".".join((*package[: len(package) - node.level + 1], *filter(None, [node.module])))


def inside(file: Path) -> Iterator[str]:
    """The paths of this package's files that a file imports."""
    for module in imported(file):
        if module.split(".")[0] == PACKAGE:
            yield _existing(module.split(".")[1:])


def _existing(parts: list[str]) -> str:
    """The file that holds a dotted name: the longest prefix that is one."""
    for end in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:end])
        if path.with_suffix(".py").exists():
            return path_of(path.with_suffix(".py"))
        if (path / "__init__.py").exists():
            return path_of(path / "__init__.py")
    return "__init__"


def named(file: Path) -> str:
    """How a failing file is shown."""
    return path_of(file)


every_file = pytest.mark.parametrize("file", FILES, ids=named)


@every_file
def test_every_room_has_a_floor(file: Path) -> None:
    """A file that nobody gave a place in the house is a mistake."""
    floor_of(path_of(file))


@every_file
def test_arrows_go_down(file: Path) -> None:
    """A file imports from lower floors, or from its own room; for typing and inside functions too."""
    path = path_of(file)
    for other in inside(file):
        same_room = room_of(other) == room_of(path) and "/" in path
        assert same_room or floor_of(other) < floor_of(path), f"{path} imports {other}"


@pytest.mark.parametrize("file", IN_BACKFILL, ids=named)
def test_arrows_go_down_in_the_backfill(file: Path) -> None:
    """A file of its rooms imports from rooms on lower floors, or from its own."""
    floors = {room: height for height, rooms in enumerate(BACKFILL) for room in rooms}
    room = file.parent.name
    for other in inside(file):
        if room_of(other) == "backfill":
            theirs = other.split("/")[1]
            assert theirs == room or floors[theirs] < floors[room], f"{path_of(file)} imports {other}"


def test_every_file_of_the_backfill_lies_in_a_room() -> None:
    """None but its front lies beside them, and no floor names a room that is not there."""
    assert {path_of(file).split("/")[1] for file in IN_BACKFILL} == set().union(*BACKFILL)
    assert {path_of(file) for file in ROOT.glob("backfill/*.py")} == {"backfill/__init__"}


def test_no_room_has_a_circle() -> None:
    """Within a room arrows may go anywhere but round."""
    arrows = {path_of(file): set(inside(file)) - {path_of(file)} for file in FILES}
    while ends := {path for path, others in arrows.items() if not others & arrows.keys()}:
        arrows = {path: others for path, others in arrows.items() if path not in ends}
    assert not arrows


@every_file
def test_an_outside_library_has_one_door(file: Path) -> None:
    """Its errors are translated where it is imported, and nowhere else."""
    path = path_of(file)
    for library in {module.split(".")[0] for module in imported(file)} & DOORS.keys():
        assert path.startswith(DOORS[library]), f"{path} imports {library}"


@every_file
def test_the_scheme_needs_no_sqlalchemy(file: Path) -> None:
    """Up to the envelope nothing imports SQLAlchemy, except to keep its wrapper from printing parameters."""
    if path_of(file) == "errors" or floor_of(path_of(file)) >= WITHOUT_SQLALCHEMY:
        return
    assert "sqlalchemy" not in {module.split(".")[0] for module in imported(file)}


@every_file
def test_a_file_is_small(file: Path) -> None:
    """One noun a file."""
    assert len(file.read_text().splitlines()) <= MAX_FILE_LINES


@every_file
def test_a_function_is_small(file: Path) -> None:
    """One thing a function; its docstring is not counted."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, Function):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= MAX_BODY_LINES, f"{node.name} has {lines} lines"


@every_file
def test_what_is_public_says_what_it_is_for(file: Path) -> None:
    """A module, and every public function and class at its top, has a docstring."""
    tree = tree_of(file)
    assert ast.get_docstring(tree), "the module has no docstring"
    for node in tree.body:
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def test_the_functions_are_short_in_the_middle() -> None:
    """Half of all bodies are within a glance: about six lines."""
    bodies = sorted(
        (node.body[-1].end_lineno or 0)
        - node.body[bool(ast.get_docstring(node)) and len(node.body) > 1].lineno
        + 1
        for file in FILES
        for node in ast.walk(tree_of(file))
        if isinstance(node, Function)
    )
    assert bodies[len(bodies) // 2] <= 8


def test_importing_the_package_loads_no_extra() -> None:
    """Nothing that an extra installs is loaded, so each may be missing."""
    loaded = {name.split(".")[0] for name in _told_after_import("*sys.modules")}
    assert not loaded & {"boto3", "botocore", "alembic", "pytest", "rich", "psycopg", "asyncpg", "moto"}


def test_importing_the_package_loads_no_room_of_tools() -> None:
    """What moves and rotates columns is loaded by who asks for it, and not by every application."""
    loaded = _told_after_import("*sys.modules")
    rooms = {name.split(".")[1] for name in loaded if name.startswith(f"{PACKAGE}.")}
    assert {"reading", "writing", "keystore", "columns"} <= rooms  # what listens to models is there
    assert not rooms & {"backfill", "rotation", "alembic", "cli", "testing", "__main__"}


def test_importing_the_package_declares_few_dataclasses() -> None:
    """Each is put together as source and compiled, in every process: a named tuple takes a fifth of that."""
    modules = f"[m for name, m in sys.modules.items() if name.startswith('{PACKAGE}.')]"
    declared = _told_after_import(
        f"*{{name for m in {modules} for name, c in vars(m).items() "
        "if isinstance(c, type) and '__dataclass_fields__' in vars(c)}"
    )
    assert "Context" in declared
    assert len(declared) <= 16, f"rather a NamedTuple, if nothing derives from it: {sorted(declared)}"


def _told_after_import(what: str) -> set[str]:
    """What a new process prints of itself, as words, that has imported the package and nothing else."""
    script = f"import sys, {PACKAGE}; print({what})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_imports_where_no_extra_is_installed() -> None:
    """Not only not loaded: it works without greenlet and the others."""
    script = (
        "import sys\n"
        "for name in ('boto3', 'botocore', 'alembic', 'pytest', 'rich', 'psycopg', 'asyncpg', 'greenlet'):\n"
        "    sys.modules[name] = None\n"
        f"import {PACKAGE}"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
