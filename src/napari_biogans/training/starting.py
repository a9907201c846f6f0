"""Training that starts from the weights of a model, and not from ones drawn at random."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from napari_biogans.cells import CellSet
from napari_biogans.models import Model, ModelFileError, load_model
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.errors import TrainingError


def model_to_start_from(config: TrainingConfig) -> Model | None:
    """Open the model that a training starts from, if it does from one.

    Raises
    ------
    TrainingError
        If it cannot be opened.
    """
    if config.start_from is None:
        return None
    try:
        return load_model(config.start_from)
    except ModelFileError as error:
        raise TrainingError(f"The training cannot start from this model. {error}") from error


def config_of_start(config: TrainingConfig, start: Model) -> TrainingConfig:
    """Take over the architecture and the sizes of the model that a training starts from."""
    shape = start.header.shape
    return replace(
        config,
        architecture=start.architecture.name,
        width=shape.width,
        critic_width=shape.critic_width,
        latent_size=shape.latent_size,
        red_portion=shape.red_portion,
        extra_layers=shape.extra_layers,
        critic_extra_layers=shape.critic_extra_layers,
        extra_red_portion=shape.extra_red_portion,
    )


def check_start_fits(start: Model, cells: CellSet) -> None:
    """Refuse cells that the networks of a model cannot learn.

    Raises
    ------
    TrainingError
        The message says what differs.
    """
    shape = start.header.shape
    if cells.size != shape.image_size:
        raise TrainingError(
            f"The model to start from draws {shape.image_size[0]}x{shape.image_size[1]} pixels, but the cells are "
            f"{cells.size[0]}x{cells.size[1]}. Read them with size={shape.image_size}, or start from another model."
        )
    channels = cells.images[0].shape[1]
    if channels != shape.channels:
        raise TrainingError(f"The model to start from draws cells of {shape.channels} channels, not of {channels}.")
    if not start.architecture.pools_classes and len(cells.class_names) != shape.classes:
        raise TrainingError(
            f"The model to start from draws {shape.classes} classes ({', '.join(start.class_names)}), but there are "
            f"cells of {len(cells.class_names)} ({', '.join(cells.class_names)})."
        )
    if cells.class_names != start.class_names and set(cells.class_names) == set(start.class_names):
        raise TrainingError(
            f"The model to start from draws the same classes in another order: {', '.join(start.class_names)}. Put the "
            "cells into that order, with subset or by the names of their files."
        )


def copy_weights(start: Model, generator: nn.Module, critic: nn.Module) -> None:
    """Fill networks of the same sizes with a model's weights.

    The critic keeps its own where the model has none, or one for an objective
    of the other kind (with or without batch norms).

    Parameters
    ----------
    start : Model
    generator, critic : torch.nn.Module
        Changed in place.
    """
    generator.load_state_dict(start.generator.state_dict())
    if start.critic is not None and start.critic.state_dict().keys() == critic.state_dict().keys():
        critic.load_state_dict(start.critic.state_dict())
