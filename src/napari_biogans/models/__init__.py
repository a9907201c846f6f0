"""Networks, the architectures by name, and the model with its file."""

from napari_biogans.models.architectures import ARCHITECTURES, Architecture
from napari_biogans.models.critics import Critic
from napari_biogans.models.generators import JointGenerator
from napari_biogans.models.layers import SeparableConvTranspose2d
from napari_biogans.models.model import Model, ModelHeader, architecture_named, load_model, untrained_model
from napari_biogans.models.modelfile import ModelFileError
from napari_biogans.models.shape import NetworkShape

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Critic",
    "JointGenerator",
    "Model",
    "ModelFileError",
    "ModelHeader",
    "NetworkShape",
    "SeparableConvTranspose2d",
    "architecture_named",
    "load_model",
    "untrained_model",
]
