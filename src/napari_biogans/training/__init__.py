"""Training: configuration, objectives, the loop, run folders."""

from napari_biogans.training.configuration import TrainingConfig, make_config
from napari_biogans.training.errors import (
    DeviceMemoryError,
    RunError,
    TrainingDivergedError,
    TrainingError,
    TrainingStoppedError,
    TrainingWarning,
    WorkerLostError,
)
from napari_biogans.training.events import Event, GreenSpread, Metrics, Preparing, Samples, Saved, Started, StepDone
from napari_biogans.training.loop import iterate_resumed, iterate_training
from napari_biogans.training.objectives import OBJECTIVES, Objective
from napari_biogans.training.run import Run
from napari_biogans.training.train import resume, train

__all__ = [
    "OBJECTIVES",
    "DeviceMemoryError",
    "Event",
    "GreenSpread",
    "Metrics",
    "Objective",
    "Preparing",
    "Run",
    "RunError",
    "Samples",
    "Saved",
    "Started",
    "StepDone",
    "TrainingConfig",
    "TrainingDivergedError",
    "TrainingError",
    "TrainingStoppedError",
    "TrainingWarning",
    "WorkerLostError",
    "iterate_resumed",
    "iterate_training",
    "make_config",
    "resume",
    "train",
]
