"""What can end a training early.

None of these is a RuntimeError: napari's generator workers lose those.
"""

from __future__ import annotations


class TrainingError(Exception):
    """A training that could not start or could not go on; the message says what to do."""


class TrainingWarning(UserWarning):
    """Something about a training that its owner should know, and may want to change."""


class TrainingStoppedError(TrainingError):
    """Stopped before the first step, so that there is nothing to keep."""


class TrainingDivergedError(TrainingError):
    """Losses or weights became infinite or NaN."""


class DeviceMemoryError(TrainingError):
    """The device has too little memory for the batch."""


class WorkerLostError(TrainingError):
    """One of several processes that train a model together has ended, or cannot be reached.

    Parameters
    ----------
    message : str
    first_is_lost : bool
        Whether it is the process that tells what happens, so that this one
        has to.
    """

    def __init__(self, message: str, *, first_is_lost: bool = False) -> None:
        super().__init__(message)
        self.first_is_lost = first_is_lost


class RunError(TrainingError):
    """A run folder that cannot be used as asked."""
