"""The latent side: rebuilding real cells, and drawing all the proteins in one cell."""

from napari_biogans.latent.complete import Completion, complete
from napari_biogans.latent.directions import (
    Direction,
    class_direction,
    feature_direction,
    latent_principal_directions,
)
from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.latent.interpolate import interpolate
from napari_biogans.latent.measure import measure_cells
from napari_biogans.latent.paths import LatentPath
from napari_biogans.latent.principal import principal_directions
from napari_biogans.latent.reconstruct import reconstruct
from napari_biogans.latent.results import Reconstruction
from napari_biogans.latent.settings import ReconstructionConfig

__all__ = [
    "Completion",
    "Direction",
    "LatentError",
    "LatentPath",
    "LatentStoppedError",
    "Reconstruction",
    "ReconstructionConfig",
    "class_direction",
    "complete",
    "feature_direction",
    "interpolate",
    "latent_principal_directions",
    "measure_cells",
    "principal_directions",
    "reconstruct",
]
