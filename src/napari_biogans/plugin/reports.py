"""What a training tells, gathered so that the window hears of it a few times a second.

This imports torch, which takes seconds: import it where the training runs.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from napari_biogans.training import Event, GreenSpread, Metrics, Preparing, Samples, Saved, Started, StepDone
from napari_biogans.training.loop import Training

INTERVAL = 0.1
"""Seconds between two reports, at least."""
RATE_OVER = 5.0
"""Seconds over which the rate is a mean."""


@dataclass(frozen=True)
class Report:
    """Everything that happened since the last report."""

    step: int = 0
    """Generator steps done."""
    steps: int = 0
    """Generator steps in all."""
    rate: float | None = None
    """Steps per second, pauses not counted; None before there are two steps."""
    preparing: Preparing | None = None
    """The latest only; None once the training has started."""
    started: Started | None = None
    metrics: tuple[Metrics, ...] = ()
    """Every row, in order."""
    spreads: tuple[GreenSpread, ...] = ()
    """Every one, in order."""
    samples: Samples | None = None
    """The latest only."""
    saved: Saved | None = None
    """The latest only."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the rate."""
        return (self.steps - self.step) / self.rate if self.rate else None


@dataclass(frozen=True)
class Outcome:
    """How a training ended."""

    folder: Path
    step: int
    steps: int

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.steps


def reports(
    training: Training, interval: float = INTERVAL, clock: Callable[[], float] = time.monotonic
) -> Generator[Report, None, Outcome]:
    """Gather the events of a training into reports.

    Parameters
    ----------
    training : generator of events
        Closed at the end, so that what it did is saved.
    interval : float
        Seconds between two reports.
    clock : callable
        Tells the time in seconds.

    Yields
    ------
    Report

    Returns
    -------
    Outcome
    """
    gathered = _Gathered(clock)
    report = Report()
    folder: Path | None = None
    due = clock()
    with closing(training):
        for event in training:
            gathered.add(event)
            if clock() < due:
                continue
            report = gathered.take()
            folder = report.started.folder if report.started else folder
            waited_from = clock()
            yield report
            gathered.leave_out(clock() - waited_from)
            due = clock() + interval
    last = gathered.take()
    folder = last.started.folder if last.started else folder
    yield last
    if folder is None:
        raise ValueError("The training ended before it started.")
    return Outcome(folder, last.step, last.steps)


class _Gathered:
    """Events since the last report, and the rate over the last seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._report = Report()
        self._left_out = 0.0
        self._times: deque[tuple[float, int]] = deque()

    def add(self, event: Event) -> None:
        match event:
            case StepDone():
                self._report = replace(self._report, step=event.step, steps=event.steps)
                self._note(event.step)
            case Preparing():
                self._report = replace(self._report, preparing=event)
            case Started():
                self._report = replace(self._report, preparing=None, started=event, step=event.step, steps=event.steps)
                self._note(event.step)
            case Metrics():
                self._report = replace(self._report, metrics=(*self._report.metrics, event))
            case GreenSpread():
                self._report = replace(self._report, spreads=(*self._report.spreads, event))
            case Samples():
                self._report = replace(self._report, samples=event)
            case Saved():
                self._report = replace(self._report, saved=event)

    def take(self) -> Report:
        report = replace(self._report, rate=self._rate())
        self._report = Report(report.step, report.steps)
        return report

    def leave_out(self, seconds: float) -> None:
        """Do not count time during which the training had to wait, as in a pause."""
        self._left_out += seconds

    def _note(self, step: int) -> None:
        now = self._clock() - self._left_out
        self._times.append((now, step))
        # Two times stay, however slow the steps are.
        while len(self._times) > 2 and now - self._times[1][0] > RATE_OVER:
            self._times.popleft()

    def _rate(self) -> float | None:
        if len(self._times) < 2:
            return None
        (first, first_step), (last, last_step) = self._times[0], self._times[-1]
        return (last_step - first_step) / (last - first) if last > first else None
