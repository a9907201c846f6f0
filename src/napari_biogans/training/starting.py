"""Training that starts from the weights of a model, and not from ones drawn at random."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from napari_biogans.cells import CellSet
from napari_biogans.models import Model, ModelFileError, load_model
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.errors import TrainingError
from napari_biogans.training.objectives import OBJECTIVES

TAKEN_OVER = (
    "architecture",
    "width",
    "critic_width",
    "latent_size",
    "red_portion",
    "extra_layers",
    "critic_extra_layers",
)
"""Settings that are those of the model, all but the first by the names of its sizes."""


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
    """Take over the architecture and the sizes of the model that a training starts from.

    Raises
    ------
    TrainingError
        If others were asked for, or such networks are not trained.
    """
    shape = start.header.shape
    if shape.extra_red_portion is not None:
        raise TrainingError("The extra layers of the model to start from mix red and green; it can only draw.")
    own = {"architecture": start.architecture.name, **{name: getattr(shape, name) for name in TAKEN_OVER[1:]}}
    usual = TrainingConfig()
    for name, value in own.items():
        asked = getattr(config, name)
        if asked not in (value, getattr(usual, name)):
            raise TrainingError(
                f"{name.replace('_', ' ')}: {asked} was asked for, but the model to start from has {value}. Leave it "
                "out, as architecture and sizes are taken over from the model; or start from another one."
            )
    return replace(config, **own)


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
            f"{cells.size[0]}x{cells.size[1]}. In Python, read_cells(..., size={shape.image_size}) brings them to its "
            "size; or start from another model."
        )
    channels = cells.images[0].shape[1]
    if channels != shape.channels:
        raise TrainingError(f"The model to start from draws cells of {shape.channels} channels, not of {channels}.")
    if not start.architecture.pools_classes and len(cells.class_names) != shape.classes:
        raise TrainingError(
            f"The model to start from draws {shape.classes} classes ({', '.join(start.class_names)}), but there are "
            f"cells of {len(cells.class_names)} ({', '.join(cells.class_names)})."
        )
    if start.architecture.pools_classes:
        return
    for old, new in zip(start.class_names, cells.class_names, strict=True):
        if old != new and (old in cells.class_names or new in start.class_names):
            raise TrainingError(
                f"The model to start from draws its classes in another order: {', '.join(start.class_names)}, but the "
                f"cells are of {', '.join(cells.class_names)}. In Python, cells.subset([...]) puts them into its "
                "order, and write_cells keeps it."
            )


def starting_notes(start: Model, cells: CellSet, config: TrainingConfig) -> list[str]:
    """Say what of a model is not gone on with, or under another name."""
    notes = []
    if start.critic is None:
        notes.append("The critic starts anew, as the model to start from has none.")
    elif start.header.shape.critic_batch_norm != config.resolved_objective.critic_batch_norm:
        kind = "with" if start.header.shape.critic_batch_norm else "without"
        fitting = [name for name, known in OBJECTIVES.items() if known.critic_batch_norm == (kind == "with")]
        notes.append(
            f"The critic starts anew: that of the model is one {kind} batch norms, and the objective "
            f"{config.objective} takes the other kind. To go on with it, take the objective {' or '.join(fitting)}."
        )
    if not start.architecture.pools_classes and start.class_names != cells.class_names:
        pairs = [pair for pair in zip(start.class_names, cells.class_names, strict=True) if len(set(pair)) > 1]
        notes.append(f"Classes go on under other names: {', '.join(f'{old} as {new}' for old, new in pairs)}.")
    return notes


def copy_weights(start: Model, generator: nn.Module, critic: nn.Module) -> None:
    """Fill networks of the same sizes with a model's weights.

    The critic keeps its own where the model has none, or one for an objective
    of the other kind (with or without batch norms); `starting_notes` says so.

    Parameters
    ----------
    start : Model
    generator, critic : torch.nn.Module
        Changed in place.
    """
    generator.load_state_dict(start.generator.state_dict())
    if start.critic is not None and start.critic.state_dict().keys() == critic.state_dict().keys():
        critic.load_state_dict(start.critic.state_dict())
