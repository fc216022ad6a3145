"""What figures were taken on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("sqlalchemy-envelope", "sqlalchemy", "cryptography", "psycopg", "asyncpg", "boto3")
_PEERS = ("sqlalchemy-utils", "tink", "aws-encryption-sdk", "pymongocrypt", "asherah", "distributed")


def installed(package: str) -> str:
    """Its version, or that it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def machine() -> dict[str, str]:
    """The machine and what is installed on it. A load of one or more says: measured in company."""
    facts = {
        "machine": f"{_processor()}, {os.cpu_count()} processors, {_memory()} GiB",
        "load": f"{os.getloadavg()[0]:.1f}",
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    return facts | {package: installed(package) for package in (*_PACKAGES, *_PEERS)}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
