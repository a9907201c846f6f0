"""How long a training takes."""

from __future__ import annotations

import math
import time

RATE_SMOOTHING = 0.05


class Clock:
    """Time trained, over all parts of a run, and the rate of late.

    Parameters
    ----------
    seconds_before : float
        Trained in earlier parts.
    minutes : float, optional
        After which this part is over.
    """

    def __init__(self, seconds_before: float, minutes: float | None) -> None:
        now = time.monotonic()
        self._started = now - seconds_before
        self._end = math.inf if minutes is None else now + 60 * minutes
        self._last_tick = now
        self._step_time: float | None = None

    @property
    def rate(self) -> float:
        """Steps per second."""
        return 1 / self._step_time if self._step_time else 0.0

    def tick(self) -> None:
        """Take note of a step that is done."""
        now = time.monotonic()
        took, self._last_tick = now - self._last_tick, now
        if self._step_time is None:
            self._step_time = took
        self._step_time += RATE_SMOOTHING * (took - self._step_time)

    def seconds(self) -> float:
        """Give the time trained so far."""
        return time.monotonic() - self._started

    def is_over(self) -> bool:
        """Tell whether the time limit has passed."""
        return time.monotonic() >= self._end
