"""The losses of a training, or the spread of its greens, for a plot. Nothing here knows Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FIRST_CAPACITY = 1024


class LossHistory:
    """Rows of numbers by step, in an array that grows by doubling.

    Parameters
    ----------
    curves : int
        Numbers in a row, besides the step.

    Examples
    --------
    >>> history = LossHistory(curves=1)
    >>> for step in range(5):
    ...     history.append(step, 10.0 * step)
    >>> history.curve(0)[1].tolist()
    [0.0, 10.0, 20.0, 30.0, 40.0]
    """

    def __init__(self, curves: int) -> None:
        self._rows = np.empty((curves + 1, FIRST_CAPACITY))
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, step: int, *values: float) -> None:
        """Add a row."""
        if self._length == self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)], axis=1)
        self._rows[:, self._length] = (step, *values)
        self._length += 1

    def clear(self) -> None:
        """Forget all rows."""
        self._length = 0

    def curve(self, number: int, points: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give one curve.

        Parameters
        ----------
        number : int
            Which, from 0.
        points : int, optional
            At most so many: of each stretch of steps the lowest and the
            highest value are kept, so that no spike is lost.

        Returns
        -------
        steps, values : arrays
        """
        steps, values = self._rows[0, : self._length], self._rows[number + 1, : self._length]
        if points is None or self._length <= points:
            return steps, values
        stretch = -(-self._length // (points // 2))
        padded = np.pad(values, (0, -self._length % stretch), mode="edge").reshape(-1, stretch)
        ends = np.stack([padded.argmin(axis=1), padded.argmax(axis=1)], axis=1)
        ends += np.arange(len(padded))[:, None] * stretch
        kept = np.unique(ends.clip(max=self._length - 1))
        return steps[kept], values[kept]
