"""Forking: a child starts afresh. Whoever holds locks, threads, sockets or spare keys drops them.

At fork a child inherits copies of its parent's locks, maybe locked by threads that it does not have, and the
parent's own sockets. So nothing is repaired in the child: everything of the kind is made anew.
"""

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that a forked child must make anew."""

    def start_afresh(self) -> None:
        """Drop, without locking or closing anything, what belongs to the parent process."""


_holders: WeakSet[Forkable] = WeakSet()


def start_afresh_after_fork(holder: Forkable) -> None:
    """Have `holder.start_afresh()` run in every forked child, before any of the child's own code."""
    _holders.add(holder)


def _in_child() -> None:
    for holder in list(_holders):
        holder.start_afresh()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_in_child)
