"""Networks, the architectures by name, and the model with its file."""

from napari_biogans.models.architectures import ARCHITECTURES, Architecture, architecture_named
from napari_biogans.models.critics import ClassCritics, Critic
from napari_biogans.models.generators import (
    IndependentGenerators,
    JointGenerator,
    MultiChannelGenerator,
    StarGenerator,
)
from napari_biogans.models.latents import read_latents
from napari_biogans.models.layers import SeparableConvolution
from napari_biogans.models.model import Model, ModelHeader
from napari_biogans.models.modelfile import ModelFileError
from napari_biogans.models.opening import load_model, untrained_model
from napari_biogans.models.original import import_original
from napari_biogans.models.shape import NetworkShape

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "ClassCritics",
    "Critic",
    "IndependentGenerators",
    "JointGenerator",
    "Model",
    "ModelFileError",
    "ModelHeader",
    "MultiChannelGenerator",
    "NetworkShape",
    "SeparableConvolution",
    "StarGenerator",
    "architecture_named",
    "import_original",
    "load_model",
    "read_latents",
    "untrained_model",
]
