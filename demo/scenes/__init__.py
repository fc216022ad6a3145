"""The scenes, in the order in which they are played. Each is given the stage and the world."""

from . import (
    calls,
    cost,
    guard,
    model,
    moving,
    outage,
    reading,
    refusals,
    searching,
    sides,
    tampering,
    tiers,
    writing,
)

ORDER = (
    model.play,
    writing.play,
    sides.play,
    reading.play,
    tampering.play,
    guard.play,
    refusals.play,
    calls.play,
    tiers.play,
    searching.play,
    outage.play,
    cost.play,
    moving.play,
)

__all__ = ["ORDER"]
