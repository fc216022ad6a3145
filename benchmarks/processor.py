"""Processor time of other processes, as Linux counts it: other load sways it less than the clock."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(*processes: int) -> float:
    """What these have used, without their children."""
    return sum(sum(_times(process)[:2]) for process in processes) / _TICKS


def server_seconds(backend: int) -> float:
    """What the server of a backend has used, ended sessions included; NaN for one elsewhere."""
    if not Path(f"/proc/{backend}/comm").exists():
        return float("nan")
    root = _parent(backend)
    each = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return seconds(root, *(one for one in each if _parent(one) == root)) + sum(_times(root)[2:]) / _TICKS


def _times(process: int) -> list[int]:
    """User and system, then those of children that have ended."""
    return [int(field) for field in _fields(process)[11:15]] or [0] * 4


def _parent(process: int) -> int:
    fields = _fields(process)
    return int(fields[1]) if fields else 0


def _fields(process: int) -> list[str]:
    """Of `/proc/<pid>/stat`, from the state on; none where it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
