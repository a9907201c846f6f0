"""Taking part in a training that another worker writes and tells."""

from __future__ import annotations

from collections.abc import Callable

from napari_biogans.models import Model
from napari_biogans.training.errors import WorkerLostError
from napari_biogans.training.memory import advance
from napari_biogans.training.state import TrainingState


def follow(state: TrainingState, should_stop: Callable[[], bool]) -> Model:
    """Compute this worker's part of every batch until worker 0 ends the training.

    Parameters
    ----------
    state : TrainingState
        Of this worker.
    should_stop : callable
        Asked after every step; True stops all workers.

    Returns
    -------
    Model
        With the weights of the one that worker 0 saves.

    Raises
    ------
    WorkerLostError
        If another worker is lost.
    DeviceMemoryError
        If this one has too little memory.
    """
    workers = state.workers
    try:
        while True:
            advance(state)
            if workers.any(should_stop()) or state.step == state.config.steps:
                workers.wait_for_all()
                return state.model({})
    except WorkerLostError as error:
        raise workers.explain_loss() from error
