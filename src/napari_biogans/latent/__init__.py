"""The latent side: rebuilding real cells, and drawing all the proteins in one cell."""

from napari_biogans.latent.colocalisation import Colocalisation, colocalisation
from napari_biogans.latent.complete import complete
from napari_biogans.latent.completions import Completion
from napari_biogans.latent.cycle import CellCycle, cell_cycle
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
from napari_biogans.latent.walk import walk

__all__ = [
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
]
