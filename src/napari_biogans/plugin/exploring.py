"""Looking at what a model draws, cell by cell, in a worker's thread. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_biogans.latent import (
    Direction,
    LatentError,
    LatentStoppedError,
    feature_direction,
    measure_cells,
    principal_directions,
)
from napari_biogans.latent.principal import Part
from napari_biogans.models import Model, load_model
from napari_biogans.plugin.drawn import Drawn
from napari_biogans.plugin.generation import ModelFacts
from napari_biogans.plugin.layer_data import LayerData
from napari_biogans.plugin.newest import Newest
from napari_biogans.training.devices import choose_device, chosen_threads

DIRECTIONS = 5
"""Of red, and of green."""
CELLS_TO_MEASURE = 400
"""From which a direction is found, where no others are given."""
MEASURED_AT_A_TIME = 50
OF_AXES = ("scale", "units", "axis_labels")
"""Keywords of layers that have an entry for each axis."""


@dataclass(frozen=True, eq=False)
class Explored:
    """A model that is kept open."""

    model: Model
    facts: ModelFacts

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parts of the latent that can be moved by themselves."""
        return ("red", "green") if self.facts.separable else ("all",)


@dataclass(frozen=True, eq=False)
class Look:
    """What is asked for: a cell, and the classes whose greens are wanted."""

    latent: NDArray[np.float32]
    """(Z,)"""
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sight:
    """A cell that was drawn."""

    look: Look
    layers: list[LayerData]
    """Of images (H, W): a layer of red, or one for each class that has a red of its own, and one of green per class."""


def open_model(facts: ModelFacts, device: str, should_stop: Callable[[], bool]) -> Generator[None, None, Explored]:
    """Open a model on a device, to draw from it again and again; shaped as work for a worker.

    Raises
    ------
    ModelFileError
        If it cannot be opened.
    """
    yield
    return Explored(load_model(facts.path, choose_device(device)), facts)


def find_directions(
    explored: Explored, should_stop: Callable[[], bool]
) -> Generator[tuple[Part, list[Direction]], None, None]:
    """Find the directions along which red, and green, change most; shaped as work for a worker.

    Yields
    ------
    (part, directions)
        Fewer parts if it is stopped, as when the dock is closed.
    """
    shape = explored.model.header.shape
    red = explored.model.red_latent_size or 0
    sizes: dict[Part, int] = {"red": red, "green": shape.latent_size - red, "all": shape.latent_size}
    for part in explored.parts:
        n = min(DIRECTIONS, sizes[part])
        try:
            directions = principal_directions(explored.model, part=part, n=n, should_stop=should_stop)
        except LatentStoppedError:
            return
        yield part, directions


def draw_newest(
    explored: Explored, looks: Newest[Look], should_stop: Callable[[], bool]
) -> Generator[Sight, None, None]:
    """Draw what is asked for, always the newest, until nothing more is; shaped as work for a worker.

    Yields
    ------
    Sight
    """
    try:
        # Threads that share a single small image wait for each other more than they help (benchmarks/explore.md).
        with chosen_threads(1):
            while (look := looks.take(should_stop)) is not None:
                yield see(explored, look)
    finally:
        looks.leave()


def see(explored: Explored, look: Look) -> Sight:
    """Draw one cell.

    Contrast limits are those of the model's intensity range, so that cells can
    be compared.
    """
    model = explored.model
    latents = look.latent[None]
    images = model.generate(latents=latents, classes=look.classes)
    metadata = {"latents": latents, "model": str(explored.facts.path), "shows": "the cell that is explored"}
    drawn = Drawn.by(model, images, look.classes, metadata)
    layers: list[LayerData] = []
    for data, keywords, kind in drawn.layers(as_sheet=False, limits=model.header.intensity_range):
        name = keywords["name"]
        if len(look.classes) == 1:
            name = name.removeprefix(f"{look.classes[0]} ")
        of_image = {key: value[-2:] if key in OF_AXES else value for key, value in keywords.items()}
        layers.append((data[0], {**of_image, "name": f"explore {name}"}, kind))
    return Sight(look, layers)


def find_feature(
    explored: Explored,
    latents: NDArray[np.float32] | None,
    feature: str,
    class_name: str,
    should_stop: Callable[[], bool],
) -> Generator[None, None, Direction | None]:
    """Find the direction along which something measured grows; shaped as work for a worker.

    Parameters
    ----------
    explored : Explored
    latents : array (N, Z), optional
        Of cells; default of some that the model draws.
    feature : str
        A column of `measure_cells`, which measures what the model draws.
    class_name : str
        Of the class that is measured.
    should_stop : callable

    Returns
    -------
    Direction or None
        None if it was stopped.

    Raises
    ------
    LatentError
        If it cannot be found; the message says why.
    """
    model = explored.model
    if latents is None:
        latents = model.draw_latents(CELLS_TO_MEASURE, seed=0)
    intensity_range = np.array(model.header.intensity_range, np.float32)
    channels = ("red", "green", *model.channel_names[2:])
    blocks = []
    for start in range(0, len(latents), MEASURED_AT_A_TIME):
        yield
        if should_stop():
            return None
        images = model.generate(latents=latents[start : start + MEASURED_AT_A_TIME], classes=[class_name])[0]
        blocks.append(measure_cells(images, intensity_range=intensity_range, channel_names=channels))
    values = pd.concat(blocks)[feature].to_numpy(float)
    known = np.isfinite(values)
    if not known.any():
        raise LatentError(f"{feature} could not be measured in any cell; take another class or feature.")
    return feature_direction(latents[known], values[known], feature)
