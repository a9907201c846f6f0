"""Drawing the way between key cells, in a worker's thread. Nothing here knows Qt or napari."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_biogans.plugin.drawn import Drawn
from napari_biogans.plugin.key_cells import KeyCell, KeyCellError, latents_of
from napari_biogans.plugin.layer_data import LayerData

if TYPE_CHECKING:
    from napari_biogans.latent.interpolate import Way
    from napari_biogans.latent.paths import LatentPath
    from napari_biogans.models import Model

FILMS = {"GIF film": ".gif", "MP4 film": ".mp4", "ImageJ hyperstack": ".tif"}
"""What can be exported, and the suffix of its files."""


@dataclass(frozen=True, eq=False)
class PathRequest:
    """A way that was asked for."""

    path: Path
    """A model file or the folder of a run."""
    cells: tuple[KeyCell, ...]
    """In the order of the way."""
    frames: int
    mode: Way
    loop: bool
    classes: tuple[str, ...] | None = None
    """Names of those to show; default all."""
    frames_per_second: int = 15
    device: str = "auto"


def draw_path(request: PathRequest, should_stop: Callable[[], bool]) -> Generator[None, None, list[LayerData] | None]:
    """Draw the way as stacks whose slices are frames; shaped as work for a worker.

    Parameters
    ----------
    request : PathRequest
    should_stop : callable

    Returns
    -------
    list of (data, keywords, "image") or None
        A layer of red and one of green per class; None if it was stopped.

    Raises
    ------
    ModelFileError
        If the model cannot be opened.
    KeyCellError
        If the key cells cannot be of this model.
    """
    yield
    from napari_biogans.latent import LatentStoppedError

    model = _opened(request.path, request.device)
    try:
        way = _interpolated(model, request, should_stop)
    except LatentStoppedError:
        return None
    names = model.class_names if request.classes is None else request.classes
    drawn = Drawn.by(
        model,
        way.images[[model.class_names.index(name) for name in names]],
        names,
        {
            "shows": "the way between key cells",
            "latents": way.latents,
            "keys": tuple(way.keys.tolist()),
            "cells": tuple(cell.name for cell in request.cells),
            "way": request.mode,
            "loop": request.loop,
            "frames_per_second": request.frames_per_second,
            "model": str(request.path),
        },
    )
    return [
        (data, {**keywords, "name": f"way {keywords['name']}"}, kind)
        for data, keywords, kind in drawn.layers(as_sheet=False, along="time")
    ]


def export_path(
    request: PathRequest, target: Path, should_stop: Callable[[], bool]
) -> Generator[None, None, Path | None]:
    """Draw the way and write it to a film or a stack; shaped as work for a worker.

    Parameters
    ----------
    request : PathRequest
    target : pathlib.Path
        Its suffix is one of `FILMS`; a file that is there is replaced, once
        the new one is whole.
    should_stop : callable

    Returns
    -------
    pathlib.Path or None
        None if it was stopped; then nothing is written.

    Raises
    ------
    ModelFileError
        If the model cannot be opened.
    KeyCellError
        If the key cells cannot be of this model.
    OSError
        If the file cannot be written.
    """
    yield
    from napari_biogans.latent import LatentStoppedError

    try:
        way = _interpolated(_opened(request.path, request.device), request, should_stop)
        if target.suffix.lower() == FILMS["ImageJ hyperstack"]:
            return way.save_tiff(target)
        return way.save_film(
            target, classes=request.classes, frames_per_second=request.frames_per_second, should_stop=should_stop
        )
    except LatentStoppedError:
        return None


def random_cell(path: Path, seed: int, should_stop: Callable[[], bool]) -> Generator[None, None, KeyCell]:
    """Draw a latent at random; shaped as work for a worker.

    Parameters
    ----------
    path : pathlib.Path
        Of the model.
    seed : int
    should_stop : callable

    Raises
    ------
    ModelFileError
        If the model cannot be opened.
    """
    yield
    from napari_biogans.models import load_model

    return KeyCell(f"random, seed {seed}", load_model(path).draw_latents(1, seed=seed)[0], path)


def draw_icons(
    path: Path, cells: Sequence[KeyCell], device: str, should_stop: Callable[[], bool]
) -> Generator[None, None, list[NDArray[np.uint8] | None]]:
    """Draw small pictures of cells; shaped as work for a worker.

    Parameters
    ----------
    path : pathlib.Path
        Of the model.
    cells : sequence of KeyCell
    device : str
        As for `choose_device`.
    should_stop : callable

    Returns
    -------
    list of arrays (H, W, 3)
        Red as magenta, which everybody can tell from green. The green is that
        of the class that was looked at, else that of the first one. None for
        cells that the model cannot draw, as it was trained anew since.

    Raises
    ------
    ModelFileError
        If the model cannot be opened.
    """
    yield
    from napari_biogans.evaluation.sheets import composite

    model = _opened(path, device)
    intensity_range = np.array(model.header.intensity_range, np.float32)
    pictures: list[NDArray[np.uint8] | None] = []
    for cell in cells:
        try:
            latents = latents_of([cell], model.latent_size)
        except KeyCellError:
            pictures.append(None)
            continue
        name = cell.class_name if cell.class_name in model.class_names else model.class_names[0]
        (image,) = model.generate(latents=latents, classes=[name])
        pictures.append((composite(image, intensity_range, magenta=True)[0] * 255).round().astype(np.uint8))
        yield
    return pictures


def _opened(path: Path, device: str) -> Model:
    from napari_biogans.models import load_model
    from napari_biogans.training.devices import choose_device

    return load_model(path, choose_device(device))


def _interpolated(model: Model, request: PathRequest, should_stop: Callable[[], bool]) -> LatentPath:
    from napari_biogans.latent import interpolate

    latents = latents_of(request.cells, model.latent_size)
    return interpolate(
        model, latents, frames=request.frames, mode=request.mode, loop=request.loop, should_stop=should_stop
    )
