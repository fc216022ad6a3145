"""What is installed, with what, and that the pins are whole."""

import importlib
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import sqlalchemy_envelope

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.+!]*)$")


def pins(name: str) -> dict[str, str]:
    """The versions in a constraints file, by canonical name."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    found = [PIN.match(line) for line in lines]
    assert all(found), "a constraints file holds name==version and nothing else: no address, no option"
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def requirements() -> Iterator[Requirement]:
    """All that the package and its extras ask for, but for the extras that name others of its own."""
    for line in [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]:
        if Requirement(line).name != PROJECT["name"]:
            yield Requirement(line)


def test_the_base_is_sqlalchemy_and_cryptography() -> None:
    """Drivers, boto3, Alembic and the rest come by extra."""
    assert {Requirement(line).name for line in PROJECT["dependencies"]} == {"sqlalchemy", "cryptography"}


def test_the_promised_extras_are_there() -> None:
    """One for each thing an application may use."""
    assert EXTRAS.keys() >= {"aws", "alembic", "cli", "demo", "dev", "psycopg", "asyncpg"}


def test_every_requirement_is_pinned_within_its_range() -> None:
    """The pins are a choice from what the project says it works with."""
    pinned = pins("constraints.txt")
    for requirement in requirements():
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


def test_both_sqlalchemys_are_tested() -> None:
    """The two constraints files hold the two series, and the second nothing else."""
    assert pins("constraints.txt")["sqlalchemy"].startswith("2.1.")
    assert {name: pin[:4] for name, pin in pins("constraints-sqlalchemy20.txt").items()} == {
        "sqlalchemy": "2.0."
    }


def test_the_entry_point_exists() -> None:
    """What `create_engine(plugins=["envelope"])` will load is there."""
    module, name = PROJECT["entry-points"]["sqlalchemy.plugins"]["envelope"].split(":")
    assert isinstance(getattr(importlib.import_module(module), name), type)


def test_pytest_loads_nothing_of_ours_unasked() -> None:
    """Users name the testing plugin themselves; and an entry point for Alembic would break it."""
    assert PROJECT["entry-points"].keys() == {"sqlalchemy.plugins"}


def test_the_version_is_one() -> None:
    """The package says of itself what its metadata says."""
    assert sqlalchemy_envelope.__version__ == PROJECT["version"]


def test_a_wheel_holds_the_package_its_types_and_its_licence(tmp_path: Path) -> None:
    """And nothing of the tests, the demo or the benchmarks."""
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    (built,) = wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    names = zipfile.ZipFile(built).namelist()
    metadata = f"sqlalchemy_envelope-{PROJECT['version']}.dist-info"
    assert {"sqlalchemy_envelope/py.typed", "sqlalchemy_envelope/alembic/__init__.py"} <= set(names)
    assert f"{metadata}/licenses/LICENSE" in names
    assert {name.split("/")[0] for name in names} == {"sqlalchemy_envelope", metadata}
