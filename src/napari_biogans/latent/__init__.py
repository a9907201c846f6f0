"""The latent side: rebuilding real cells."""

from napari_biogans.latent.errors import LatentError, LatentStoppedError
from napari_biogans.latent.reconstruct import reconstruct
from napari_biogans.latent.results import Reconstruction
from napari_biogans.latent.settings import ReconstructionConfig

__all__ = ["LatentError", "LatentStoppedError", "Reconstruction", "ReconstructionConfig", "reconstruct"]
