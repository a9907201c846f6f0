"""What two-sample tests tell while they run."""

from __future__ import annotations

from dataclasses import dataclass

from napari_biogans.evaluation.critics import Comparison, CriticScores
from napari_biogans.evaluation.results import C2STResult


@dataclass(frozen=True)
class Planned:
    """The sides are matched, and what was asked before is known."""

    critics: int
    """Critics in all."""
    known: int
    """Those whose scores are in the store already."""
    steps: int
    """Steps that the others will take together."""


@dataclass(frozen=True)
class CriticsTraining:
    """Critics are being trained."""

    critics: int
    """Critics in all."""
    done: int
    """Critics whose scores are there."""
    step: int
    """Steps done so far, of all critics together."""
    steps: int
    """Steps in all."""
    seconds_left: float | None
    """Estimated from the steps so far; None before there are enough."""


@dataclass(frozen=True)
class CriticDone:
    """The scores of one critic are there, and kept."""

    comparison: Comparison
    scores: CriticScores


@dataclass(frozen=True)
class ResultSoFar:
    """What is known after one more critic."""

    result: C2STResult
    row: str
    """Of the test that became surer."""
    column: str


C2STEvent = Planned | CriticsTraining | ResultSoFar
