"""Drawing cells with a model, in a worker's thread. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.class_names import listed
from napari_biogans.plugin.drawn import Drawn
from napari_biogans.plugin.key_cells import KeyCell, latents_of

if TYPE_CHECKING:
    from napari_biogans.models import Model
    from napari_biogans.models.model import GreenLatents

AT_A_TIME = 256
NEW_SEEDS = 1_000_000
"""New seeds are below this: short enough to be noted down."""


@dataclass(frozen=True)
class ModelFacts:
    """What is shown of a model before it is used."""

    path: Path
    architecture: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    step: int
    separable: bool
    green_latent_per_class: bool
    """Whether each class may get a green latent of its own."""
    weights: tuple[str, ...]
    """Names of the weights that can be drawn from, those preferred first."""
    dtype: str
    """Of the cells that it draws."""
    pools_classes: bool
    """Whether it learned cells of all classes as one."""
    completion_refusal: str | None
    """Why it cannot draw the greens of all classes for a given red; None if it can."""
    training_cells: Path | None
    """What it was trained on, where that is known and still there."""

    @property
    def summary(self) -> str:
        """The model in one line."""
        height, width = self.image_size
        return f"{self.architecture}, {height}×{width}, {self.step:,} steps; draws {listed(self.class_names)}"

    @property
    def details(self) -> str:
        """Where the model is, and all that it draws."""
        return f"{self.path}\n{', '.join(self.class_names)}"


@dataclass(frozen=True)
class DrawRequest:
    """Cells that were asked for."""

    path: Path
    """A model file or the folder of a run."""
    number: int
    """Of cells; of greens for each cell, where known cells are varied."""
    seed: int
    truncation: float | None = None
    one_red: bool = False
    """Whether all cells share a red; of known cells, whether each is varied."""
    cells: tuple[KeyCell, ...] = ()
    """Known cells that are drawn again; default new ones."""
    classes: tuple[str, ...] | None = None
    """Names of those to draw; default all."""
    own_greens: bool = False
    """Whether each class gets a green latent of its own."""
    weights: str | None = None
    """Default those that the model prefers."""
    device: str = "auto"

    @property
    def is_random(self) -> bool:
        """Whether random numbers are drawn."""
        return self.one_red or not self.cells

    @property
    def count(self) -> int:
        """How many cells are drawn in all."""
        if not self.cells:
            return self.number
        return len(self.cells) * (self.number if self.one_red else 1)


def new_seed() -> int:
    """Draw a seed for cells that nobody has seen yet."""
    return SystemRandom().randrange(NEW_SEEDS)


def look_at_model(path: Path, should_stop: Callable[[], bool]) -> Generator[None, None, ModelFacts]:
    """Read what a model is; shaped as work for a worker.

    Raises
    ------
    ModelFileError
        If it cannot be opened.
    """
    yield
    from napari_biogans.latent.complete import refusal
    from napari_biogans.models import load_model

    model = load_model(path)
    header = model.header
    kept = [name for name in model.networks if name != "critic"]
    return ModelFacts(
        path=path,
        architecture=header.architecture,
        class_names=model.class_names,
        image_size=header.shape.image_size,
        step=header.step,
        separable=model.red_latent_size is not None,
        green_latent_per_class=model.architecture.green_latent_per_class,
        weights=tuple(sorted(kept, key=lambda name: name != header.draws_from)),
        dtype=header.dtype,
        pools_classes=model.architecture.pools_classes,
        completion_refusal=refusal(model),
        training_cells=_training_cells(path),
    )


def _training_cells(model: Path) -> Path | None:
    from napari_biogans.training import Run, RunError

    try:
        record = Run(model if model.is_dir() else model.parent).cells_record
    except RunError:
        return None
    path = Path(record["path"]) if record.get("path") else None
    return path if path is not None and path.exists() else None


def draw(request: DrawRequest, should_stop: Callable[[], bool]) -> Generator[int, None, Drawn | None]:
    """Draw cells; shaped as work for a worker.

    Parameters
    ----------
    request : DrawRequest
    should_stop : callable

    Yields
    ------
    int
        Cells drawn so far.

    Returns
    -------
    Drawn or None
        None if it was stopped.

    Raises
    ------
    ModelFileError
        If the model cannot be opened.
    KeyCellError
        If known cells cannot be of this model.
    """
    yield 0
    from napari_biogans.models import load_model
    from napari_biogans.training.devices import choose_device

    model = load_model(request.path, choose_device(request.device))
    latents = _latents(model, request)
    names = model.class_names if request.classes is None else request.classes
    number = latents.shape[-2]
    blocks = []
    for start in range(0, number, AT_A_TIME):
        if should_stop():
            return None
        block = latents[..., start : start + AT_A_TIME, :]
        blocks.append(model.generate(latents=block, classes=names, weights=request.weights))  # type: ignore[arg-type]
        yield min(start + AT_A_TIME, number)
    return Drawn.by(
        model,
        np.concatenate(blocks, axis=1),
        names,
        {
            "latents": latents,
            "seed": request.seed if request.is_random else None,
            "truncation": request.truncation if request.is_random else None,
            "one_red": request.one_red,
            "own_greens": request.own_greens,
            "cells": tuple(cell.name for cell in request.cells),
            "model": str(request.path),
            "weights": request.weights or model.header.draws_from,
        },
        # All greens of the first red come first.
        tuple(cell.origin for cell in request.cells for _ in range(number // len(request.cells))),
    )


def _latents(model: Model, request: DrawRequest) -> NDArray[np.float32]:
    green_latents: GreenLatents = "per-class" if request.own_greens else "shared"
    if not request.cells:
        return model.draw_latents(
            1 if request.one_red else request.number,
            seed=request.seed,
            truncation=request.truncation,
            greens_per_red=request.number if request.one_red else 1,
            green_latents=green_latents,
        )
    known = latents_of(request.cells, model.latent_size)
    if not request.one_red:
        return known
    return model.draw_latents(
        request.number,
        seed=request.seed,
        truncation=request.truncation,
        red_latents=known[:, : model.red_latent_size],
        green_latents=green_latents,
    )
