"""Train generative adversarial networks on two-channel images of single cells.

Everything here is loaded at its first use, so that importing the package costs
next to nothing and needs neither torch nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_biogans.cells import (
        CellsError,
        CellSet,
        CellsWarning,
        FetchError,
        FetchStoppedError,
        Fields,
        fetch_bbbc013,
        read_cells,
        simulate_cells,
        write_cells,
    )
    from napari_biogans.evaluation import (
        C2STConfig,
        C2STError,
        C2STResult,
        C2STStoppedError,
        Diversity,
        c2st,
        c2st_matrix,
        c2st_model,
        c2st_run,
        diversity,
        overview_figure,
    )
    from napari_biogans.latent import (
        CellCycle,
        Colocalisation,
        Completion,
        Direction,
        LatentError,
        LatentPath,
        LatentStoppedError,
        Reconstruction,
        ReconstructionConfig,
        cell_cycle,
        class_direction,
        colocalisation,
        complete,
        feature_direction,
        interpolate,
        latent_principal_directions,
        measure_cells,
        principal_directions,
        reconstruct,
        walk,
    )
    from napari_biogans.models import Model, ModelFileError, import_original, load_model, read_latents
    from napari_biogans.training import (
        DeviceMemoryError,
        Run,
        RunError,
        TrainingConfig,
        TrainingDivergedError,
        TrainingError,
        TrainingStoppedError,
        TrainingWarning,
        WorkerLostError,
        iterate_resumed,
        iterate_training,
        resume,
        train,
    )

_HOMES = {
    "cells": (
        "CellSet",
        "CellsError",
        "CellsWarning",
        "FetchError",
        "FetchStoppedError",
        "Fields",
        "fetch_bbbc013",
        "read_cells",
        "simulate_cells",
        "write_cells",
    ),
    "evaluation": (
        "C2STConfig",
        "C2STError",
        "C2STResult",
        "C2STStoppedError",
        "Diversity",
        "c2st",
        "c2st_matrix",
        "c2st_model",
        "c2st_run",
        "diversity",
        "overview_figure",
    ),
    "latent": (
        "CellCycle",
        "Colocalisation",
        "Completion",
        "Direction",
        "LatentError",
        "LatentPath",
        "LatentStoppedError",
        "Reconstruction",
        "ReconstructionConfig",
        "cell_cycle",
        "class_direction",
        "colocalisation",
        "complete",
        "feature_direction",
        "interpolate",
        "latent_principal_directions",
        "measure_cells",
        "principal_directions",
        "reconstruct",
        "walk",
    ),
    "models": ("Model", "ModelFileError", "import_original", "load_model", "read_latents"),
    "training": (
        "DeviceMemoryError",
        "Run",
        "RunError",
        "TrainingConfig",
        "TrainingDivergedError",
        "TrainingError",
        "TrainingStoppedError",
        "TrainingWarning",
        "WorkerLostError",
        "iterate_resumed",
        "iterate_training",
        "resume",
        "train",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "C2STConfig",
    "C2STError",
    "C2STResult",
    "C2STStoppedError",
    "CellCycle",
    "CellSet",
    "CellsError",
    "CellsWarning",
    "Colocalisation",
    "Completion",
    "DeviceMemoryError",
    "Direction",
    "Diversity",
    "FetchError",
    "FetchStoppedError",
    "Fields",
    "LatentError",
    "LatentPath",
    "LatentStoppedError",
    "Model",
    "ModelFileError",
    "Reconstruction",
    "ReconstructionConfig",
    "Run",
    "RunError",
    "TrainingConfig",
    "TrainingDivergedError",
    "TrainingError",
    "TrainingStoppedError",
    "TrainingWarning",
    "WorkerLostError",
    "__version__",
    "c2st",
    "c2st_matrix",
    "c2st_model",
    "c2st_run",
    "cell_cycle",
    "class_direction",
    "colocalisation",
    "complete",
    "diversity",
    "feature_direction",
    "fetch_bbbc013",
    "import_original",
    "interpolate",
    "iterate_resumed",
    "iterate_training",
    "latent_principal_directions",
    "load_model",
    "measure_cells",
    "overview_figure",
    "principal_directions",
    "read_cells",
    "read_latents",
    "reconstruct",
    "resume",
    "simulate_cells",
    "train",
    "walk",
    "write_cells",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-biogans")
    if name in _HOME_OF:
        return getattr(import_module(f"napari_biogans.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
